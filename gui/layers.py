"""What the view draws of the open picture, prepared off the main thread."""

from collections.abc import Callable

from gui.pyramid import Pyramid
from gui.session import Session
from gui.worker import Deliver, Task, Worker
from keras_detector.detector import Examination
from keras_detector.errors import DetectorError
from keras_detector.explain import draw_heatmap
from keras_detector.images import Picture
from keras_detector.pixels import Pixels


class Layers:
    """Pyramids of the open picture, of its enhanced form and of its heatmap.

    Args:
        session: whose picture it is.
        deliver: how the worker reaches the main thread.
        changed: called in the main thread when a layer has come or gone.

    Attributes:
        original, enhanced: the layers; None: not there, or not yet.
        heatmap: its grey picture, and that under its full colours. Every opacity between is a
            blend of the two.
    """

    def __init__(self, session: Session, deliver: Deliver, changed: Callable[[], None]) -> None:
        self.original: Pyramid | None = None
        self.enhanced: Pyramid | None = None
        self.heatmap: tuple[Pyramid, Pyramid] | None = None
        self._session, self._changed = session, changed
        self._worker = Worker("view", deliver)
        self._of: dict[str, object] = {}  # what each layer was made of, or is being made of
        self._tasks: dict[str, Task] = {}

    def update(self, *, with_heatmap: bool) -> None:
        """Prepare what the session has by now, and drop what it no longer has.

        Args:
            with_heatmap: whether a person wants to see it.
        """
        opened, enhanced = self._session.picture, self._session.enhanced
        picture = opened.picture if opened else None
        examination = opened.examination if opened else None
        self._make("original", picture and picture.pixels, lambda _: _pyramid(picture))
        pixels = enhanced.pixels if enhanced else None
        self._make("enhanced", pixels, lambda _: None if pixels is None else Pyramid(pixels))
        wanted = examination if with_heatmap else None
        self._make("heatmap", wanted, lambda _: self._draw_heatmap(picture, wanted))

    def close(self) -> bool:
        """Stop the worker, and let go of the layers.

        Returns:
            whether its thread ended in time.
        """
        # customtkinter keeps a window that is gone: what it showed is large.
        self.original = self.enhanced = self.heatmap = None
        self._of.clear()
        self._tasks.clear()
        return self._worker.close()

    def _make(self, name: str, source: object, work: Callable[[Task], object]) -> None:
        if source is self._of.get(name):
            return
        self._of[name] = source
        if name in self._tasks:
            self._tasks.pop(name).cancel()
        if getattr(self, name) is not None:
            setattr(self, name, None)
            self._changed()
        if source is None:
            return

        def done(layer: object) -> None:
            setattr(self, name, layer)
            self._changed()

        self._tasks[name] = self._worker.submit(work, done, self._failed)

    def _failed(self, error: DetectorError) -> None:
        self._session.report_error(error)

    def _draw_heatmap(
        self, picture: Picture | None, examination: Examination | None
    ) -> tuple[Pyramid, Pyramid] | None:
        card = self._session.model.card
        if picture is None or examination is None or card is None:
            return None
        grey, coloured = (
            draw_heatmap(picture.pixels, examination.activation_map, card.input, opacity=opacity)
            for opacity in (0.0, 1.0)
        )
        return Pyramid(grey), Pyramid(coloured)


def _pyramid(picture: Picture | None) -> Pyramid | None:
    pixels: Pixels | None = picture.pixels if picture else None
    return None if pixels is None else Pyramid(pixels)

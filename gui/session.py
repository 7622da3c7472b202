"""The app without its window: the open picture, its verdict, its enhanced form, the model.

A front end calls the commands, from one thread, and is told when a part of the state has changed.
"""

import io
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from gui.app_errors import NoModelError, RememberedModelError, TooLargeToDoubleError
from gui.picture_list import PictureList
from gui.saving import save_picture, save_rows, save_verdict
from gui.state import EnhancedPicture, Message, ModelInUse, OpenPicture, Part
from gui.texts import Texts
from gui.worker import Deliver, Task, Worker
from keras_detector import images
from keras_detector.atomic_file import remove_leftovers
from keras_detector.card import Card
from keras_detector.detector import Detector, Examination, Prediction
from keras_detector.enhance import Enhancement, enhance
from keras_detector.errors import DetectorError, ImageTooLargeError
from keras_detector.pixels import Pixels
from keras_detector.rows import Row
from keras_detector.strictness import Strictness, threshold_for

_LOG = logging.getLogger(__name__)


class Session:
    """Everything the app does.

    Args:
        model: the model file to begin with.
        strictness: how much evidence an accusation takes.
        deliver: how workers reach the thread that calls the commands.
        fallback: the model that judges if `model` is a remembered one and cannot be used; None:
            it is none, or there is no other.

    Attributes:
        model, strictness, picture, enhanced, message: the state, to be read only.
        pictures: the list of many pictures.
    """

    def __init__(
        self,
        model: Path,
        strictness: Strictness,
        deliver: Deliver,
        *,
        fallback: Path | None = None,
    ) -> None:
        self.strictness = strictness
        self.picture: OpenPicture | None = None
        self.enhanced: EnhancedPicture | None = None
        self.message: Message | None = None
        self._listeners: list[Callable[[Part], None]] = []
        self._deliver = deliver
        self._judge = Worker("judge", deliver)  # the only thread that uses the detector
        self._opener = Worker("opener", deliver)  # a picture is shown while the model still loads
        self._helper = Worker("helper", deliver)  # enhances, looks through folders
        self._saver = Worker("saver", deliver)  # waits for nothing else, nor is dropped for it
        self._saving: list[Path] = []
        self._detector: Detector | None = None  # the judging thread's
        self._loaded: ModelInUse | None = None  # the one that detector is of
        self._opening: Task | None = None
        self._judging: Task | None = None
        self._enhancing: Task | None = None
        self.pictures = PictureList(
            self._judge,
            self._helper,
            self._examine_file,
            changed=lambda: self._tell(Part.LIST),
            failed=self._fail,
        )
        self._load(ModelInUse(model, is_chosen=False), judge_again=False, fallback=fallback)

    def listen(self, listener: Callable[[Part], None]) -> None:
        """Have `listener` called after every change, with the part that changed."""
        self._listeners.append(listener)

    def choose_model(self, path: Path) -> None:
        """Judge with another model; if it cannot be used, the present one stays, with a message."""
        self._load(ModelInUse(path, is_chosen=True), judge_again=True)

    def choose_strictness(self, strictness: Strictness) -> None:
        """Decide anew, by another threshold, what has been judged; nothing is computed again."""
        self.strictness = strictness
        self._tell(Part.MODEL)
        self._tell(Part.VERDICT)
        self._tell(Part.LIST)

    def decide(self, examination: Examination) -> Prediction:
        """The verdict at the chosen strictness on what the model in use has looked at."""
        card = self.model.card
        if card is None:  # another model is loading, and will look again
            return examination.prediction
        return examination.prediction.at(threshold_for(card, self.strictness))

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open what was dropped or chosen: one file as a picture, all else as a list."""
        # pathlib would raise on names that the system refuses, and on folders it cannot enter.
        if len(paths) == 1 and not os.path.isdir(paths[0]):  # noqa: PTH112
            self.open(paths[0])
        elif paths:
            self.pictures.open(paths)

    def open(self, path: Path) -> None:
        """Show a file and judge it."""
        self._show(OpenPicture(path), path)

    def open_bytes(self, data: bytes) -> None:
        """Show a picture that came as a file's bytes, from the clipboard, and judge it."""
        self._show(OpenPicture(None), data)

    def open_image(self, image: Image.Image) -> None:
        """Show a picture that the clipboard held as pixels, and judge it."""
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=1)
        self.open_bytes(file.getvalue())

    def enhance(self, settings: Enhancement) -> None:
        """Make the enhanced form of the open picture, and score it."""
        if self.picture is None or self.picture.picture is None:
            return
        pixels = self.picture.picture.pixels
        self.cancel_enhancing()
        enhanced = self.enhanced = EnhancedPicture(settings, self.picture.path)

        def work(task: Task) -> Pixels:
            return enhance(
                pixels,
                settings,
                progress=lambda done: self._deliver(lambda: self._progressed(enhanced, done)),
                cancelled=lambda: task.is_cancelled,
            )

        def done(result: Pixels) -> None:
            enhanced.pixels = result
            self._score_enhanced()

        def failed(error: DetectorError) -> None:
            self.enhanced = None
            self._tell(Part.ENHANCED)
            if isinstance(error, ImageTooLargeError):  # only once doubled: it is open already
                size = f"{pixels.shape[1]} x {pixels.shape[0]}"
                error = TooLargeToDoubleError(
                    expected=error.expected, received=size, advice=error.advice
                )
            self._fail(error)

        self._enhancing = self._helper.submit(work, done, failed)
        self._tell(Part.ENHANCED)

    def cancel_enhancing(self) -> None:
        """Stop enhancing, and forget what was enhanced."""
        if self._enhancing is not None:
            self._enhancing.cancel()
            self._enhancing = None
        if self.enhanced is not None:
            self.enhanced = None
            self._tell(Part.ENHANCED)

    def save_enhanced(
        self, out: Path, enhanced: EnhancedPicture, *, overwrite: bool = False
    ) -> None:
        """Write an enhanced picture, as the ending of its name says (PNG, JPEG, WebP).

        Args:
            out: where to.
            enhanced: what is written, whatever is open by now.
            overwrite: a person has agreed that what is there is replaced, the original included.
        """
        pixels, original = enhanced.pixels, enhanced.original
        if pixels is not None:
            self._save(out, lambda: save_picture(out, pixels, original, overwrite=overwrite))

    def save_verdict(self, out: Path, texts: Texts) -> None:
        """Write the verdict with its heatmap: a picture (`.png`) or a page (`.html`)."""
        opened, card = self.picture, self.model.card
        if opened is None or opened.picture is None or opened.examination is None or card is None:
            return
        picture, examination = opened.picture, opened.examination
        examination = replace(examination, prediction=self.decide(examination))
        path = opened.path or Path("clipboard")

        def work() -> None:
            save_verdict(out, path, picture.pixels, examination, card.input, texts)

        self._save(out, work)

    def save_list(self, out: Path, texts: Texts) -> None:
        """Write the verdicts of the list so far: a table (`.csv`) or a page (`.html`)."""
        rows: list[Row] = []
        for entry in self.pictures.entries:
            if entry.error is not None:
                rows.append(Row(entry.path, entry.error))
            elif entry.examination is not None:
                rows.append(Row(entry.path, self.decide(entry.examination)))
        self._save(out, lambda: save_rows(out, rows, texts))

    def dismiss_message(self) -> None:
        """Take the message away."""
        self.message = None
        self._tell(Part.MESSAGE)

    def report_error(self, error: DetectorError) -> None:
        """Tell of an error that a front end met, as of one of our own."""
        self._fail(error)

    @property
    def is_saving(self) -> bool:
        """Whether something that a person wants to keep is still being written."""
        return bool(self._saving)

    def close(self) -> bool:
        """Stop everything; a front end waits before until nothing is being saved.

        Returns:
            whether every thread ended in time.
        """
        self._listeners.clear()
        self.pictures.cancel()
        workers = (self._judge, self._opener, self._helper, self._saver)
        ended = [worker.close() for worker in workers]
        for out in self._saving:  # taking too long: it ends with the process
            remove_leftovers(out)
        return all(ended)

    def _show(self, opened: OpenPicture, source: images.Source) -> None:
        for task in (self._opening, self._judging):
            if task is not None:
                task.cancel()
        self.cancel_enhancing()
        self.picture = opened
        self._tell(Part.PICTURE)
        self._tell(Part.VERDICT)

        def shown(picture: images.Picture) -> None:
            opened.picture = picture
            self._tell(Part.PICTURE)
            self._judge_open_picture()

        def failed(error: DetectorError) -> None:
            opened.error = error
            self._tell(Part.PICTURE)
            self._tell(Part.VERDICT)

        self._opening = self._opener.submit(lambda _: images.open_picture(source), shown, failed)

    def _judge_open_picture(self) -> None:
        opened = self.picture
        if opened is None or opened.picture is None:
            return
        picture = opened.picture
        opened.examination = opened.error = None
        self._tell(Part.VERDICT)

        def judged(examination: Examination) -> None:
            opened.examination = examination
            self._tell(Part.VERDICT)

        def failed(error: DetectorError) -> None:
            opened.error = error
            self._tell(Part.VERDICT)

        self._judging = self._judge.submit(lambda _: self._ready().examine(picture), judged, failed)

    def _score_enhanced(self) -> None:
        enhanced = self.enhanced
        if enhanced is None or enhanced.pixels is None:
            return
        pixels = enhanced.pixels
        enhanced.prediction = None
        self._tell(Part.ENHANCED)

        def work(_: Task) -> Prediction | None:
            detector = self._ready()
            # A model that sees enhanced pictures would enhance this one once more.
            return None if detector.card.input.enhance else detector.judge_pixels(pixels)

        def scored(prediction: Prediction | None) -> None:
            enhanced.prediction = prediction
            self._tell(Part.ENHANCED)

        if self._enhancing is not None:
            self._enhancing.cancel()  # a score by another model
        self._enhancing = self._judge.submit(work, scored, self._fail)

    def _load(self, chosen: ModelInUse, *, judge_again: bool, fallback: Path | None = None) -> None:
        self.model = chosen
        self._tell(Part.MODEL)

        def work(_: Task) -> Card:
            detector = Detector(chosen.path)
            self._detector = detector
            return detector.card

        # By the time that a model is loaded, or is none, yet another one may have been chosen.
        def loaded(card: Card) -> None:
            chosen.card = card
            self._loaded = chosen
            self._tell(Part.MODEL)
            if judge_again:
                self._judge_open_picture()
                self._score_enhanced()
                self.pictures.judge_again()

        def failed(error: DetectorError) -> None:
            if self.model is chosen and self._loaded is not None:
                self.model = self._loaded
                self._tell(Part.VERDICT)
                self._tell(Part.LIST)
            self._tell(Part.MODEL)
            if fallback is not None:
                error = RememberedModelError(
                    expected=error.expected, received=error.received, advice=error.advice
                )
            self._fail(error)
            if fallback is not None and self.model is chosen:
                self._load(ModelInUse(fallback, is_chosen=False), judge_again=True)

        self._judge.submit(work, loaded, failed)

    def _ready(self) -> Detector:
        """The detector, on the judging thread, after the job that loads it."""
        if self._detector is None:
            raise NoModelError(
                expected="a model to judge with",
                received="none that could be loaded",
                advice="Choose another model.",
            )
        return self._detector

    def _examine_file(self, path: Path) -> tuple[images.Picture, Examination]:
        picture = images.open_picture(path)
        return picture, self._ready().examine(picture)

    def _progressed(self, enhanced: EnhancedPicture, done: float) -> None:
        if enhanced is self.enhanced:
            enhanced.progress = done
            self._tell(Part.ENHANCED)

    def _save(self, out: Path, write: Callable[[], None]) -> None:
        def saved(_: object) -> None:
            self._saving.remove(out)
            self.message = Message(saved=out)
            self._tell(Part.MESSAGE)

        def failed(error: DetectorError) -> None:
            self._saving.remove(out)
            self._fail(error)

        self._saving.append(out)
        self._saver.submit(lambda _: write(), saved, failed)

    def _fail(self, error: DetectorError) -> None:
        _LOG.warning("%s: %s", type(error).__name__, error)
        self.message = Message(error=error)
        self._tell(Part.MESSAGE)

    def _tell(self, part: Part) -> None:
        for listener in self._listeners:
            listener(part)

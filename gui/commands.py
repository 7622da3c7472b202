"""What buttons and keys do: ask for files where that is needed, then call the session."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from gui import dialogs
from gui.app_errors import UnknownEndingError
from gui.clipboard import read_clipboard
from gui.panels.message_bar import MessageBar
from gui.session import Session
from gui.settings import Settings
from gui.state import EnhancedPicture
from gui.texts import Texts
from keras_detector.printable import printable
from keras_detector.strictness import Strictness

_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")


class Commands:
    """The commands of the window.

    Args:
        window: any widget of it.
        texts: the texts of the language.
        session: whose commands are called.
        settings: what a person chose so far; changed here.
        remember: saves the settings.
        bar: where questions are asked.
    """

    def __init__(
        self,
        window: Any,
        texts: Texts,
        session: Session,
        settings: Settings,
        remember: Callable[[], object],
        bar: MessageBar,
    ) -> None:
        self._window, self._texts, self._session = window, texts, session
        self._settings, self._remember, self._bar = settings, remember, bar
        self._asked_about: EnhancedPicture | None = None

    def open_pictures(self) -> None:
        """Ask for pictures and open them: one as a picture, several as a list."""
        texts = self._texts
        kinds = ((texts("files.pictures"), _ENDINGS), (texts("files.all"), "*"))
        paths = dialogs.ask_files(self._window, texts("picture.open"), kinds, self._folder)
        if paths:
            self.open_paths(paths)

    def open_folder(self) -> None:
        """Ask for a folder and open every picture in it."""
        title = self._texts("picture.open_folder")
        path = dialogs.ask_folder(self._window, title, self._folder)
        if path is not None:
            self.open_paths([path])

    def open_paths(self, paths: list[Path]) -> None:
        """Open what was chosen or dropped."""
        if paths:
            self._came_from(paths[0])
            self._session.open_paths(paths)

    def paste(self) -> None:
        """Open what the clipboard holds."""
        content = read_clipboard(self._window)
        if isinstance(content, Image.Image):
            self._session.open_image(content)
        elif isinstance(content, bytes):
            self._session.open_bytes(content)
        elif content:
            self.open_paths(content)
        else:
            self._bar.show(self._texts("picture.nothing_to_paste"), is_error=True)

    def choose_strictness(self, level: Strictness) -> None:
        """Judge by another level from now on."""
        self._settings.strictness = level.value
        self._remember()
        self._session.choose_strictness(level)

    def choose_model(self, path: Path | None) -> None:
        """Judge with another model; without a path, ask for one."""
        if path is None:
            texts = self._texts
            kinds = ((texts("files.models"), (".keras", ".detector")), (texts("files.all"), "*"))
            folder = str(self._session.model.path.parent)
            chosen = dialogs.ask_files(self._window, texts("model.choose"), kinds, folder)
            if not chosen:
                return
            path = chosen[0]
        self._session.choose_model(path)

    def save_enhanced(self) -> None:
        """Ask where to, and save the enhanced picture; the original only when that is agreed to."""
        # What is looked at now is what is saved, whatever is opened while a dialog waits.
        enhanced = self._session.enhanced
        if enhanced is None or enhanced.pixels is None:
            return
        kinds = (("PNG", ".png"), ("JPEG", (".jpg", ".jpeg")), ("WebP", ".webp"))
        name = f"{self._stem}-enhanced.png"
        out = self._ask_new(self._texts("save.picture"), kinds, name)
        if out is None:
            return

        def save() -> None:
            self._session.save_enhanced(out, enhanced, overwrite=True)

        if enhanced.original is not None and _are_one_file(out, enhanced.original):
            question = self._texts("save.replace_original", name=out.name)
            keep, replace = self._texts("save.keep"), self._texts("save.replace")
            self._asked_about = enhanced
            self._bar.ask(question, {replace: save, keep: lambda: None})
        else:
            save()

    def withdraw_question(self) -> None:
        """Take away a question on what is no longer looked at."""
        if self._asked_about is not None and self._asked_about is not self._session.enhanced:
            self._asked_about = None
            self._bar.withdraw()

    def save_verdict(self) -> None:
        """Ask where to, and save the verdict with its heatmap."""
        opened = self._session.picture
        if opened is None or opened.examination is None:
            return
        kinds = (("HTML", ".html"), ("PNG", ".png"))
        out = self._ask_new(self._texts("save.report"), kinds, f"{self._stem}-verdict.html")
        if out is not None:
            self._session.save_verdict(out, self._texts)

    def export_list(self) -> None:
        """Ask where to, and save the list."""
        if self._session.pictures.done:
            kinds = (("HTML", ".html"), ("CSV", ".csv"))
            out = self._ask_new(self._texts("list.export"), kinds, "pictures.html")
            if out is not None:
                self._session.save_list(out, self._texts)

    def show_message(self) -> None:
        """Show the session's message, or take it away."""
        message = self._session.message
        if message is None:
            return
        if message.saved is not None:
            self._bar.show(self._texts("save.saved", path=message.saved), is_error=False)
        elif message.error is not None:
            self._bar.show(self._texts.error(message.error), is_error=True)

    @property
    def _folder(self) -> str:
        folder = self._settings.last_folder
        return folder if _is_folder(folder) else str(Path.home())

    @property
    def _stem(self) -> str:
        opened = self._session.picture
        return opened.path.stem if opened is not None and opened.path else "picture"

    def _ask_new(self, title: str, kinds: dialogs.Kinds, name: str) -> Path | None:
        out = dialogs.ask_new_file(self._window, title, kinds, self._folder, name)
        if out is None:
            return None
        self._came_from(out)
        endings = dialogs.endings_of(kinds)
        if out.suffix.lower() not in endings:
            error = UnknownEndingError(
                expected=", ".join(endings),
                received=printable(out.name),
                advice="Give it one of these endings.",
            )
            self._session.report_error(error)
            return None
        return out

    def _came_from(self, path: Path) -> None:
        self._settings.last_folder = str(path if _is_folder(path) else path.parent)
        self._remember()


# pathlib would raise where the system refuses: names too long, folders and drives out of reach.
def _is_folder(path: str | Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112


def _are_one_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # one of them is not there, or cannot be reached
        return False

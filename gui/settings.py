"""What the app remembers from one start to the next."""

import logging
import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import platformdirs
from msgspec import Meta

from keras_detector.atomic_file import write_atomically
from keras_detector.errors import SaveError
from keras_detector.printable import printable

Theme = Literal["system", "light", "dark"]
Language = Literal["system", "en", "ru"]
# The values of keras_detector.strictness, whose import takes longer than a window may.
Level = Literal["cautious", "balanced", "sensitive"]

APP_NAME = "AIImageClassifier"
"""The app's name as the system and people see it."""

_LOG = logging.getLogger(__name__)
_Side = Annotated[int, Meta(ge=400, le=20_000)]


class Settings(msgspec.Struct):
    """What a person chose; saved on every change of a choice and when the window closes.

    Attributes:
        width, height: of the window, in unscaled pixels.
        theme: light, dark, or as the system has it.
        language: of every text, or as the system has it.
        last_folder: where the file dialogs open; empty: the home directory.
        model: path of the model file; empty: the shipped default.
        strictness: how much evidence an accusation takes.
    """

    width: _Side = 1200
    height: _Side = 820
    theme: Theme = "system"
    language: Language = "system"
    last_folder: str = ""
    model: str = ""
    strictness: Level = "balanced"


def settings_path() -> Path:
    """Where the settings are kept, by the system's own custom."""
    return Path(platformdirs.user_config_dir(APP_NAME, appauthor=False)) / "settings.json"


def log_path() -> Path:
    """Where the log is written, by the system's own custom."""
    return Path(platformdirs.user_log_dir(APP_NAME, appauthor=False)) / "app.log"


def load_settings(path: Path) -> Settings:
    """The saved settings, or those of a first start where there are none or they are broken.

    A file that cannot be understood is kept beside, as `settings.json.broken`.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except FileNotFoundError:
        return Settings()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        _LOG.warning("settings not used: %s", error)
    try:
        os.replace(path, path.with_name(f"{path.name}.broken"))  # noqa: PTH105
    except OSError as error:
        _LOG.warning("broken settings stay where they are: %s", error)
    return Settings()


def save_settings(path: Path, settings: Settings) -> None:
    """Write the settings, wholly or not at all; a full disk is logged and costs nothing else.

    A path that no UTF-8 file can hold is left out.
    """
    kept = msgspec.structs.replace(
        settings, last_folder=_unless_odd(settings.last_folder), model=_unless_odd(settings.model)
    )
    try:
        write_atomically(path, msgspec.json.format(msgspec.json.encode(kept), indent=2))
    except SaveError as error:
        _LOG.warning("settings not saved: %s", error)


def _unless_odd(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        _LOG.warning("not remembered: %s", printable(path))
        return ""
    return path

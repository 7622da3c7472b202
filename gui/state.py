"""What the app's state is made of; `gui.session` changes it, front ends show it."""

import enum
from dataclasses import dataclass
from pathlib import Path

from keras_detector import images
from keras_detector.card import Card
from keras_detector.detector import Examination, Prediction
from keras_detector.enhance import Enhancement
from keras_detector.errors import DetectorError
from keras_detector.pixels import Pixels


class Part(enum.Enum):
    """A part of the state, as a front end is told of its changes."""

    MODEL = enum.auto()
    PICTURE = enum.auto()
    VERDICT = enum.auto()
    ENHANCED = enum.auto()
    LIST = enum.auto()
    MESSAGE = enum.auto()


@dataclass(slots=True)
class OpenPicture:
    """The picture that is looked at.

    Attributes:
        path: where it was read; None: it was pasted.
        picture: decoded and upright; None while that is going on.
        examination: what the model says; None while that is going on.
        error: why there is no picture, or no verdict.
    """

    path: Path | None
    picture: images.Picture | None = None
    examination: Examination | None = None
    error: DetectorError | None = None


@dataclass(slots=True)
class EnhancedPicture:
    """The enhanced form of the open picture.

    Attributes:
        settings: how it is made.
        original: the file of the picture that it is made of; None: that was pasted.
        progress: 0 to 1.
        pixels: uint8 (height, width, 3), RGB; None while it is being made.
        prediction: what the model says of it, which is no verdict: only the original gets one.
            None: not yet, or never: a model that itself enhances what it sees has nothing to say.
    """

    settings: Enhancement
    original: Path | None = None
    progress: float = 0.0
    pixels: Pixels | None = None
    prediction: Prediction | None = None


@dataclass(slots=True)
class Message:
    """Something to tell, once.

    Attributes:
        error: what went wrong; None: nothing did.
        saved: the file that was written.
    """

    error: DetectorError | None = None
    saved: Path | None = None


@dataclass(slots=True)
class ModelInUse:
    """The model that judges.

    Attributes:
        path: its file.
        is_chosen: whether a person chose it in the app; otherwise the app began with it.
        card: what it says of itself; None while it is being read.
    """

    path: Path
    is_chosen: bool
    card: Card | None = None

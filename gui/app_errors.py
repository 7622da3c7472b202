"""Errors that only the app meets; its texts word them, by the names of their classes."""

from keras_detector.errors import EnhancementError, ModelFileError, SaveError


class TooLargeToDoubleError(EnhancementError):
    """A picture would have more pixels than we hold, once doubled."""


class NoModelError(ModelFileError):
    """A picture was to be judged, and no model could be loaded."""


class RememberedModelError(ModelFileError):
    """The model that a person once chose cannot be used any more; the app's own one is."""


class UnknownEndingError(SaveError):
    """The name of a new file has an ending that says no format we write."""

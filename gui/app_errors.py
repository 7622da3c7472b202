"""Errors that only the app meets; its texts word them, by the names of their classes."""

from keras_detector.errors import EnhancementError


class TooLargeToDoubleError(EnhancementError):
    """A picture would have more pixels than we hold, once doubled."""

"""Importing TensorFlow: late, quietly, and with an error of ours where it is not there."""

from keras_detector.dependency_floors import KERAS, refuse_older
from keras_detector.errors import RunError
from keras_detector.native_stderr import without_native_stderr


def import_tensorflow() -> None:
    """Import TensorFlow, once the call is known to be right. Without a GPU it complains of that.

    Raises:
        MissingPackageError: Keras is older than `KERAS`.
        RunError: the packages that training needs are not installed.
    """
    try:
        with without_native_stderr():
            import keras
            import tensorflow

            tensorflow.config.list_physical_devices()
    except ImportError as error:
        raise RunError(
            expected="the packages that training needs",
            received=str(error),
            advice="Install them: uv sync --extra training, or pip install '.[training]'.",
        ) from error
    refuse_older("keras", keras.__version__, KERAS)

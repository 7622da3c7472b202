"""Where and how precisely training computes: on one device or several, in 32 bits or mixed."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

from training.recipe_lines import Precision


def training_strategy(devices: Sequence[str] | None = None) -> tf.distribute.Strategy:
    """How training is spread over this machine's GPUs.

    Args:
        devices: names of the devices; None for all GPUs that TensorFlow sees.

    Returns:
        `tf.distribute.MirroredStrategy` over two devices or more (each computes a share of every
        batch, Keras averages), otherwise TensorFlow's default for one device.
    """
    if devices is None:
        devices = [gpu.name for gpu in tf.config.list_logical_devices("GPU")]
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy(devices=list(devices))
    return tf.distribute.get_strategy()


@contextlib.contextmanager
def arithmetic(precision: Precision) -> Iterator[None]:
    """Networks built inside compute in `precision`; their weights stay float32.

    A network that is saved is built outside, in float32.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)

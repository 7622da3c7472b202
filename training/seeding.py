"""Making randomness a function of the recipe's seed and the place in the run, not of history."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and Keras, and switch TensorFlow to deterministic kernels."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def reseed(layer: keras.layers.Layer, seed: Sequence[int]) -> None:
    """Set every random generator inside `layer` (a network counts) from `seed`.

    Args:
        layer: its Dropout and augmentation layers, at any depth, are reached.
        seed: any number of non-negative integers; the same ones give the same draws.
    """
    states = [v for v in layer.variables if v.path.endswith("seed_generator_state")]
    for number, state in enumerate(states):
        words = np.random.SeedSequence([*seed, number]).generate_state(int(state.shape[0]))
        state.assign(words.astype(state.dtype))


class EpochSeeding(keras.callbacks.Callback):
    """Reseeds the network's Dropout at the start of every epoch.

    With it, epoch k draws the same numbers whether the run came there in one go or was resumed.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        reseed(self.model, [self._seed, epoch])

"""Products of activations with INT8 matrices that lose next to nothing.

LiteRT multiplies INT8 matrices fast by quantising the activations as they come, a row at a time, to
8 bits. In a Vision Transformer a few activations are many times larger than the rest, so the rest
is left with few steps: logits of twelve blocks move by 0.3. Here each activation is split in what
these 8 bits can hold and what is left over; the left-over is quantised by itself, in steps 255
times finer, in the same product. The sum has about 15 bits, for twice the integer work.
"""

from typing import Any

import keras
from keras import ops

LARGE = 2**16
"""Matrices of at least so many weights are stored in INT8."""

_LOWEST, _HIGHEST = -128.0, 127.0


def with_split_products(network: keras.Model) -> keras.Model:
    """A copy of a network in which every large Dense layer splits its activations.

    It computes the same as `network` until its matrices are quantised. For compiling only: it is
    not made of Keras's own layers alone.
    """

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if type(layer) is keras.layers.Dense and layer.kernel.shape[0] * layer.units >= LARGE:
            return SplitDense.from_config(config)
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(network, clone_function=copied, recursive=True)
    copy.set_weights(network.get_weights())
    return copy


class SplitDense(keras.layers.Dense):
    """A Dense layer that multiplies both parts of its input at once, as rows of one product."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Called by Keras."""
        rows = inputs if len(inputs.shape) == 3 else ops.expand_dims(inputs, 1)
        coarse = served_in_8_bits(rows)
        count = rows.shape[1]
        product = ops.matmul(ops.concatenate([coarse, rows - coarse], axis=1), self.kernel)
        value = product[:, :count] + product[:, count:]
        if len(inputs.shape) != 3:
            value = value[:, 0]
        if self.use_bias:
            value = value + self.bias
        return value if self.activation is None else self.activation(value)


def served_in_8_bits(rows: Any) -> Any:
    """What XNNPACK's dynamic quantisation makes of each row (its `qd8`, asymmetric, with zero).

    Args:
        rows: floats (..., d).

    Returns:
        the values that the 8-bit integers of each row stand for, of the same shape.
    """
    low = ops.minimum(ops.min(rows, axis=-1, keepdims=True), 0.0)
    high = ops.maximum(ops.max(rows, axis=-1, keepdims=True), 0.0)
    steps = (_HIGHEST - _LOWEST) / ops.maximum(high - low, 1e-9)
    # XNNPACK takes the zero point from whichever end is nearer; both differ by rounding alone, and
    # choosing would be the one step here that it cannot do itself.
    zero = ops.round(_LOWEST - low * steps)
    return (ops.clip(ops.round(rows * steps) + zero, _LOWEST, _HIGHEST) - zero) / steps

"""Gradients of a logit through single layers, in closed form.

They are ordinary operations of the forward pass, so a network that computes them needs no
automatic differentiation and can be compiled for LiteRT.
"""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def back_through(layer: "keras.layers.Layer", start: Any, end: Any, gradient: Any) -> Any:
    """The gradient with respect to a layer's input, from the one with respect to its output.

    Args:
        layer: a layer between vectors: Dense (linear, ReLU or leaky ReLU), Dropout, Identity,
            ReLU, LeakyReLU, Rescaling, Normalization, BatchNormalization (as in inference) or
            LayerNormalization.
        start: its input, (n, c).
        end: its output, (n, d).
        gradient: of the logit with respect to its output, (n, d).

    Returns:
        (n, c).

    Raises:
        TypeError: the layer is of another kind.
    """
    from keras import layers, ops

    if isinstance(layer, layers.Dropout | layers.Identity):
        return gradient
    if isinstance(layer, layers.Dense):
        return ops.matmul(
            gradient * _slope(layer.activation.__name__, end),
            ops.transpose(ops.convert_to_tensor(layer.kernel)),
        )
    if isinstance(layer, layers.LayerNormalization):
        return back_through_layer_norm(layer, start, gradient)
    return gradient * _factor(layer, end)


def back_through_layer_norm(
    layer: "keras.layers.LayerNormalization", start: Any, gradient: Any
) -> Any:
    """The gradient with respect to the input of a LayerNormalization over the last axis."""
    from keras import ops

    centred = start - ops.mean(start, axis=-1, keepdims=True)
    deviation = ops.sqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + layer.epsilon)
    normal = centred / deviation
    scaled = gradient * ops.convert_to_tensor(layer.gamma)
    along = normal * ops.mean(scaled * normal, axis=-1, keepdims=True)
    return (scaled - ops.mean(scaled, axis=-1, keepdims=True) - along) / deviation


def gelu_slope(value: Any) -> Any:
    """Derivative of GELU, `x * Phi(x)`."""
    from keras import ops

    density = ops.exp(-0.5 * ops.square(value)) / math.sqrt(2 * math.pi)
    # LiteRT has no erf, but GELU. Near zero, where 0 / 0 looms, Phi is a line to 1e-7.
    near = ops.abs(value) < 0.01
    beyond = ops.gelu(value, approximate=False) / ops.where(near, 1.0, value)
    return ops.where(near, 0.5 + value / math.sqrt(2 * math.pi), beyond) + value * density


def quick_gelu_slope(value: Any) -> Any:
    """Derivative of CLIP's `x * sigmoid(1.702 x)`."""
    from keras import ops

    gate = ops.sigmoid(1.702 * value)
    return gate * (1.0 + 1.702 * value * (1.0 - gate))


def _factor(layer: "keras.layers.Layer", end: Any) -> Any:
    """Derivative of a layer that treats every number by itself."""
    from keras import layers, ops

    if isinstance(layer, layers.Activation):
        return _slope(layer.activation.__name__, end)
    if isinstance(layer, layers.LeakyReLU):
        return ops.where(end > 0, 1.0, layer.negative_slope)
    if isinstance(layer, layers.ReLU) and layer.get_config()["max_value"] is None:
        return _slope("relu", end)
    if isinstance(layer, layers.Rescaling):
        return ops.convert_to_tensor(layer.scale, "float32")
    if isinstance(layer, layers.Normalization):
        return 1.0 / ops.maximum(ops.sqrt(layer.variance), 1e-7)
    if isinstance(layer, layers.BatchNormalization):
        spread = ops.sqrt(ops.convert_to_tensor(layer.moving_variance) + layer.epsilon)
        return (ops.convert_to_tensor(layer.gamma) if layer.scale else 1.0) / spread
    raise TypeError(f"no closed form for a {type(layer).__name__} in the head")


def _slope(activation: str, end: Any) -> Any:
    """Derivative of an activation, read off its output."""
    from keras import ops

    if activation == "linear":
        return 1.0
    if activation == "relu":
        return ops.cast(end > 0, end.dtype)
    if activation == "leaky_relu":
        return ops.where(end > 0, 1.0, 0.2)
    raise TypeError(f"no closed form for the activation {activation} in the head")

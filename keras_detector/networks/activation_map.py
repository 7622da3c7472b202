"""The network with a second output: how much each place of the picture adds to the logit.

The map is HiResCAM (Draelos & Carin 2020, arXiv:2011.08891): the last feature map times the
gradient of the logit with respect to it, summed over channels. For a head of Flatten or global
average pooling and Dense layers that gradient has a closed form, so the map is part of the forward
pass and the compiled twin yields it without any automatic differentiation. With global average
pooling it equals the class activation map of Zhou et al. (2016) and, up to the bias, its values
sum to the logit.
"""

from typing import TYPE_CHECKING, Any

from keras_detector.networks.mirror import unwrap_mirrored

if TYPE_CHECKING:
    import keras


def with_activation_map(network: "keras.Model") -> "keras.Model":
    """Add the activation map to a network of ours.

    Args:
        network: pictures (n, s, s, 3) to logits (n, 1); its last four-dimensional tensor is
            followed by Flatten or GlobalAveragePooling2D, and then only by Dense (linear or ReLU)
            and Dropout.

    Returns:
        a model that shares the weights and has two outputs: logits (n, 1), and maps (n, h, w)
        whose positive values speak for `fake`.
    """
    from keras import Input, Model, ops

    trunk, mirrored = unwrap_mirrored(network)
    split = max(i for i, layer in enumerate(trunk.layers) if len(layer.output.shape) == 4)
    body = Model(trunk.inputs, trunk.layers[split].output)
    head = trunk.layers[split + 1 :]

    picture = Input(network.input_shape[1:])
    logit, activation_map = _head_with_gradient(body(picture), head)
    if mirrored:
        other_logit, other_map = _head_with_gradient(body(ops.flip(picture, axis=2)), head)
        logit = (logit + other_logit) / 2.0
        activation_map = (activation_map + ops.flip(other_map, axis=2)) / 2.0
    return Model(picture, [logit, activation_map])


def _head_with_gradient(features: Any, head: "list[keras.layers.Layer]") -> tuple[Any, Any]:
    from keras import layers, ops

    _, height, width, channels = features.shape
    value = head[0](features)
    passed: list[
        tuple[Any, Any]
    ] = []  # per Dense layer: its weights, and where its ReLU let through
    for layer in head[1:]:
        if isinstance(layer, layers.Dropout):
            continue
        if not isinstance(layer, layers.Dense):
            raise TypeError(f"no closed form for a {type(layer).__name__} in the head")
        value = layer(value)
        is_relu = layer.activation.__name__ == "relu"
        passed.append((layer.kernel, ops.cast(value > 0, value.dtype) if is_relu else None))

    gradient: Any = None
    for kernel, mask in reversed(passed):
        if gradient is None:
            gradient = ops.ones_like(value)
        if mask is not None:
            gradient = gradient * mask
        gradient = ops.matmul(gradient, ops.transpose(ops.convert_to_tensor(kernel)))
    if isinstance(head[0], layers.GlobalAveragePooling2D):
        gradient = ops.reshape(gradient, (-1, 1, 1, channels)) / float(height * width)
    else:
        gradient = ops.reshape(gradient, (-1, height, width, channels))
    return value, ops.sum(features * gradient, axis=-1)

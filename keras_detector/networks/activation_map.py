"""The network with a second output: how much each place of the picture adds to the logit.

For a convolutional network the map is HiResCAM (Draelos & Carin 2020, arXiv:2011.08891): the last
feature map times the gradient of the logit with respect to it, summed over channels. With global
average pooling and one Dense layer it equals the class activation map of Zhou et al. (2016) and,
up to the bias, its values sum to the logit; it is Grad-CAM (Selvaraju et al. 2017,
arXiv:1610.02391) without the final ReLU. For a Vision Transformer see `networks.token_map`.

For the heads we build the gradient has a closed form, so the map is part of the forward pass and
the compiled twin yields it without any automatic differentiation.
"""

from typing import TYPE_CHECKING, Any

from keras_detector.networks.gradients import back_through
from keras_detector.networks.head import find_head
from keras_detector.networks.mirror import unwrap_mirrored
from keras_detector.networks.token_map import TokenMap

if TYPE_CHECKING:
    import keras


def with_activation_map(network: "keras.Model") -> "keras.Model":
    """Add the activation map to a network of ours.

    Args:
        network: pictures (n, s, s, 3) to logits (n, 1). Its backbone may be flat or nested; its
            head is Flatten or GlobalAveragePooling2D on a feature map, or starts from the class
            tokens of a ViT of ours, and goes on only with layers `gradients.back_through` knows.

    Returns:
        a model that shares the weights and has two outputs: logits (n, 1), and maps (n, h, w)
        whose positive values speak for `fake`.

    Raises:
        TypeError: the head has no closed form here.
    """
    from keras import Input, Model, ops

    trunk, mirrored = unwrap_mirrored(network)
    explained = _Explained(trunk)
    picture = Input(network.input_shape[1:])
    logit, activation_map = explained(picture)
    if mirrored:
        other_logit, other_map = explained(ops.flip(picture, axis=2))
        logit = (logit + other_logit) / 2.0
        activation_map = (activation_map + ops.flip(other_map, axis=2)) / 2.0
    return Model(picture, [logit, activation_map])


class _Explained:
    """From a symbolic picture to its logit and map."""

    def __init__(self, trunk: "keras.Model") -> None:
        from keras import Model, layers

        head = find_head(trunk)
        self._before, self._layers = head.before, head.layers
        self._tokens: TokenMap | None = None
        tensors = [head.cut]
        if len(head.cut.shape) == 2:
            self._tokens = TokenMap(head.model, head.cut)
            tensors += self._tokens.tensors()
        elif not isinstance(head.layers[0], layers.GlobalAveragePooling2D | layers.Flatten):
            kind = type(head.layers[0]).__name__
            raise TypeError(f"no closed form for a {kind} in the head")
        self._body = Model(head.model.inputs, tensors)

    def __call__(self, picture: Any) -> tuple[Any, Any]:
        from keras import ops

        cut, *inside = self._body(self._before(picture))
        values = [cut]
        for layer in self._layers:
            values.append(layer(values[-1]))
        gradient: Any = ops.ones_like(values[-1])
        on_map = len(cut.shape) == 4
        for number in reversed(range(int(on_map), len(self._layers))):
            start, end = values[number : number + 2]
            gradient = back_through(self._layers[number], start, end, gradient)
        if self._tokens is not None:
            return values[-1], self._tokens.compute(inside, gradient)
        return values[-1], _over_channels(cut, gradient, pooled=_pools(self._layers[0]))


def _pools(layer: "keras.layers.Layer") -> bool:
    from keras import layers

    return isinstance(layer, layers.GlobalAveragePooling2D)


def _over_channels(features: Any, gradient: Any, *, pooled: bool) -> Any:
    from keras import ops

    _, height, width, channels = features.shape
    if pooled:
        gradient = ops.reshape(gradient, (-1, 1, 1, channels)) / float(height * width)
    else:
        gradient = ops.reshape(gradient, (-1, height, width, channels))
    return ops.sum(features * gradient, axis=-1)

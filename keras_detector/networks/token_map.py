"""The activation map of a Vision Transformer: what each patch told the class token.

All a class token knows of the picture came by the attention of its blocks: in each, every patch
sends it a message, the attention weight times its value, through the output projection (Kobayashi
et al. 2020, arXiv:2004.10102). A patch's place in the map is its messages to the last class token,
times the gradient of the logit with respect to them, over the last `EXPLAINED_BLOCKS` blocks. Like
Chefer et al. (2021, arXiv:2012.09838) this weighs attention by gradients, but by those of the
messages, which are signed: positive places speak for `fake`. It is HiResCAM at the last block's
values.

For one explained block the gradient is exact, attention weights held fixed, and has the closed
form below. For more, it is that of the class token's own stream, its residual connections and MLPs,
up to each class token the head reads. What patches tell each other is not followed back: a place
stands for the patch that spoke, which may have learned what it said from its surroundings. Nor does
the map tell of what a head reads from class tokens of earlier blocks.
"""

from typing import TYPE_CHECKING, Any

from keras_detector.networks.gradients import (
    back_through_layer_norm,
    gelu_slope,
    quick_gelu_slope,
)

if TYPE_CHECKING:
    import keras

EXPLAINED_BLOCKS = 1
"""Each costs the twin a second, transposed copy of three matrices: 21 MB of a ViT-B in float32."""


class TokenMap:
    """The map of one Vision Transformer of ours, with the names `networks.vit` gives its layers.

    Args:
        model: the model that holds the blocks.
        cut: its symbolic class tokens, side by side.
    """

    def __init__(self, model: "keras.Model", cut: Any) -> None:
        operation, number, _ = cut._keras_history
        read = [operation]
        if operation.name == "class_tokens":
            sources = operation._inbound_nodes[number].input_tensors
            read = [tensor._keras_history[0] for tensor in sources]
        self._tokens = [int(layer.name.removeprefix("class_token_")) for layer in read]
        last = self._tokens[-1]
        self._blocks = range(max(0, last + 1 - EXPLAINED_BLOCKS), last + 1)
        self._model = model

    def tensors(self) -> list[Any]:
        """The symbolic tensors of `model` that the map is computed from."""
        found = []
        for block in self._blocks:
            found += [
                self._layer(block, "weights").output,
                self._layer(block, "value").output,
                self._layer(block, "norm2").input,
                self._layer(block, "fc1").output,
            ]
        return found

    def compute(self, tensors: list[Any], gradient: Any) -> Any:
        """Compute the map.

        Args:
            tensors: the values of `tensors()`.
            gradient: of the logit with respect to the class tokens, (n, tokens * width).

        Returns:
            the map, (n, h, w), a place a patch.
        """
        from keras import ops

        pieces = dict(
            zip(self._tokens, ops.split(gradient, len(self._tokens), axis=-1), strict=True)
        )
        stream: Any = 0.0
        total: Any = 0.0
        for number, block in reversed(list(enumerate(self._blocks))):
            weights, value, middle, hidden = tensors[4 * number : 4 * number + 4]
            stream = self._through_mlp(block, stream + pieces.get(block, 0.0), middle, hidden)
            out = ops.transpose(ops.convert_to_tensor(self._layer(block, "out").kernel))
            _, heads, _, count = weights.shape
            wanted = ops.reshape(ops.matmul(stream, out), (-1, 1, heads, value.shape[-1] // heads))
            said = ops.reshape(value, (-1, count, heads, value.shape[-1] // heads))
            agreement = ops.sum(said * wanted, axis=-1)  # (n, tokens, heads)
            weight = ops.transpose(weights[:, :, 0, :], (0, 2, 1))
            total = total + ops.sum(weight * agreement, axis=-1)
        side = round((total.shape[1] - 1) ** 0.5)
        return ops.reshape(total[:, 1:], (-1, side, side))

    def _through_mlp(self, block: int, gradient: Any, middle: Any, hidden: Any) -> Any:
        """From the class token after a block to the one between its attention and its MLP."""
        from keras import ops

        names = {layer.name for layer in self._model.layers}
        slope = quick_gelu_slope if f"block_{block}_quick_gelu" in names else gelu_slope
        first, second = (
            ops.transpose(ops.convert_to_tensor(self._layer(block, name).kernel))
            for name in ("fc1", "fc2")
        )
        inner = ops.matmul(ops.matmul(gradient, second) * slope(hidden[:, 0]), first)
        norm = self._layer(block, "norm2")
        return gradient + back_through_layer_norm(norm, middle[:, 0], inner)

    def _layer(self, block: int, part: str) -> Any:
        return self._model.get_layer(f"block_{block}_{part}")

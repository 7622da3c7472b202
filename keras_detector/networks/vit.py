"""Vision Transformers out of Keras's built-in layers: patches, pre-LN blocks, class tokens.

The architecture is that of Dosovitskiy et al. (2020, arXiv:2010.11929). Every matrix is a `Dense`
layer of its own, so that weight quantisation, in Keras and in LiteRT, reaches all of them, and
plain `keras.saving.load_model` opens what was saved.

Names the activation map and weight files rely on, with `b` the number of a block, from 0:
`patch_embedding`, `position_embedding` (row 0 is the class token with its position), `pre_norm`,
`block_<b>_norm1`, `_query`, `_key`, `_value`, `_weights` (the attention after its softmax), `_out`,
`_norm2`, `_fc1`, `_gelu` or `_quick_gelu`, `_fc2`, and `class_token_<b>`, the class token after
block `b`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import keras

HEAD_WIDTH = 64
"""Width of one attention head, in every published ViT."""


@dataclass(frozen=True)
class VitShape:
    """The dimensions of a Vision Transformer.

    Attributes:
        patch: side of a patch, in pixels.
        width: length of a token, a multiple of 64 (one attention head).
        mlp_width: hidden units of each block's MLP.
        epsilon: of every LayerNormalization.
        pre_norm: normalise the tokens before the first block, as CLIP does.
        patch_bias: whether the patch embedding has a bias.
        activation: of the MLP; `quick_gelu` is CLIP's `x * sigmoid(1.702 x)`.
    """

    patch: int
    width: int
    mlp_width: int
    epsilon: float
    pre_norm: bool
    patch_bias: bool
    activation: Literal["gelu", "quick_gelu"]


def build_class_tokens(
    picture: Any, scaled: Any, shape: VitShape, *, blocks: int, tokens: Sequence[int]
) -> Any:
    """Build the blocks and read class tokens from them.

    Args:
        picture: the symbolic input, (n, s, s, 3); `s` a multiple of the patch.
        scaled: the picture on the scale the network wants.
        shape: the dimensions.
        blocks: how many blocks to build. Only the class token of the last one is computed: nobody
            reads its patch tokens.
        tokens: the blocks after which the class token is read, from 0, ascending; the last is
            `blocks - 1`.

    Returns:
        the symbolic class tokens side by side, (n, len(tokens) * width).

    Raises:
        ValueError: the size is no multiple of the patch, or `tokens` does not fit `blocks`.
    """
    from keras import layers

    size = picture.shape[1]
    if size % shape.patch:
        raise ValueError(f"Expected a multiple of {shape.patch} pixels. Received: {size}")
    if list(tokens) != sorted(set(tokens)) or not tokens or tokens[0] < 0:
        raise ValueError(f"Expected ascending numbers of blocks. Received: {list(tokens)}")
    if tokens[-1] != blocks - 1:
        raise ValueError(
            f"Expected the last of {blocks} blocks among the tokens. Received: {list(tokens)}"
        )
    state = _embed(scaled, shape)
    read = []
    for number in range(blocks):
        state = _block(state, number, shape, class_only=number == blocks - 1)
        if number in tokens:
            first = (
                layers.Cropping1D((0, state.shape[1] - 1))(state) if state.shape[1] > 1 else state
            )
            read.append(layers.Flatten(name=f"class_token_{number}")(first))
    return read[0] if len(read) == 1 else layers.Concatenate(name="class_tokens")(read)


def build_vit(
    *, size: int, width: int = 768, blocks: int = 12, tokens: Sequence[int] | None = None
) -> "keras.Model":
    """A plain ViT with 16-pixel patches (ViT-B/16 by default), with fresh weights.

    Args:
        size: side of the square input, in pixels, a multiple of 16.
        width: length of a token, a multiple of 64.
        blocks: number of blocks.
        tokens: blocks whose class tokens are the features; by default the last.

    Returns:
        a model from RGB (n, size, size, 3) in 0 to 255 to the normalised class tokens
        (n, len(tokens) * width); scaling to [-1, 1] is its first layer.
    """
    from keras import Input, Model, layers

    shape = VitShape(
        patch=16,
        width=width,
        mlp_width=4 * width,
        epsilon=1e-6,
        pre_norm=False,
        patch_bias=True,
        activation="gelu",
    )
    picture = Input((size, size, 3))
    scaled = layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(picture)
    read = build_class_tokens(
        picture, scaled, shape, blocks=blocks, tokens=(blocks - 1,) if tokens is None else tokens
    )
    features = layers.LayerNormalization(epsilon=shape.epsilon, name="post_norm")(read)
    return Model(picture, features, name="vit")


def _embed(scaled: Any, shape: VitShape) -> Any:
    from keras import layers, ops

    patches = layers.Conv2D(
        shape.width,
        shape.patch,
        strides=shape.patch,
        use_bias=shape.patch_bias,
        name="patch_embedding",
    )(scaled)
    count = patches.shape[1] * patches.shape[2]
    state = layers.Reshape((count, shape.width))(patches)
    state = layers.ZeroPadding1D((1, 0))(state)  # the place of the class token
    # Keras has no layer that only adds a table; an embedding of the places 0, 1, ... is one.
    places = ops.zeros_like(state[:1, :, 0], dtype="int32") + ops.arange(1 + count, dtype="int32")
    table = layers.Embedding(
        1 + count, shape.width, embeddings_initializer="glorot_normal", name="position_embedding"
    )
    state = layers.Add()([state, table(places)])
    if shape.pre_norm:
        state = layers.LayerNormalization(epsilon=shape.epsilon, name="pre_norm")(state)
    return state


def _block(state: Any, number: int, shape: VitShape, *, class_only: bool) -> Any:
    from keras import layers, ops

    def name(part: str) -> str:
        return f"block_{number}_{part}"

    normal = layers.LayerNormalization(epsilon=shape.epsilon, name=name("norm1"))(state)
    asking = normal
    if class_only:
        after_first = (0, state.shape[1] - 1)
        asking = layers.Cropping1D(after_first)(normal)
        state = layers.Cropping1D(after_first)(state)
    attended = _attention(asking, normal, shape.width, name)
    state = layers.Add()([state, attended])
    hidden = layers.LayerNormalization(epsilon=shape.epsilon, name=name("norm2"))(state)
    hidden = layers.Dense(shape.mlp_width, name=name("fc1"))(hidden)
    if shape.activation == "gelu":
        hidden = layers.Activation("gelu", name=name("gelu"))(hidden)
    else:
        gate = ops.sigmoid(1.702 * hidden)
        hidden = layers.Multiply(name=name("quick_gelu"))([hidden, gate])
    hidden = layers.Dense(shape.width, name=name("fc2"))(hidden)
    return layers.Add()([state, hidden])


def _attention(asking: Any, asked: Any, width: int, name: Callable[[str], str]) -> Any:
    """Multi-head self-attention (Vaswani et al. 2017, arXiv:1706.03762)."""
    from keras import layers, ops

    heads = width // HEAD_WIDTH

    def split(tokens: Any) -> Any:  # (n, tokens, width) to (n, heads, tokens, 64)
        split_up = layers.Reshape((tokens.shape[1], heads, HEAD_WIDTH))(tokens)
        return layers.Permute((2, 1, 3))(split_up)

    query = split(layers.Dense(width, name=name("query"))(asking))
    key = split(layers.Dense(width, name=name("key"))(asked))
    value = split(layers.Dense(width, name=name("value"))(asked))
    agreement = ops.matmul(query * HEAD_WIDTH**-0.5, ops.transpose(key, (0, 1, 3, 2)))
    weights = layers.Softmax(name=name("weights"))(agreement)
    mixed = layers.Permute((2, 1, 3))(ops.matmul(weights, value))
    mixed = layers.Reshape((asking.shape[1], width))(mixed)
    return layers.Dense(width, name=name("out"))(mixed)

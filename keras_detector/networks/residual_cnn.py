"""A small residual network that keeps full resolution in its first layers.

What gives a generator away at 32 pixels is fine texture, so the first two convolutions see every
pixel before anything is pooled. The shape follows the nine-layer ResNets that David Page's "How to
train your ResNet" (2018) found quick to train: pooling between plain convolutions, residual pairs
where the map is small.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def build_residual_cnn(
    *, size: int, channels: Sequence[int], residual_blocks: Sequence[int], dropout: float
) -> "keras.Model":
    """Build the network with fresh weights.

    Args:
        size: side of the square input, in pixels.
        channels: filters of the stem, then of each stage; each stage halves the side.
        residual_blocks: residual pairs at the end of each stage; one fewer than `channels`.
        dropout: share of the pooled features dropped in training.

    Returns:
        a built model from RGB (n, size, size, 3) in 0 to 255 to logits (n, 1); scaling to
        [-1, 1] is its first layer.
    """
    from keras import Input, Model, layers

    def convolution(tensor: Any, filters: int) -> Any:
        tensor = layers.Conv2D(
            filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal"
        )(tensor)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(tensor))

    picture = Input((size, size, 3))
    features = layers.Rescaling(1 / 127.5, offset=-1)(picture)
    features = convolution(features, channels[0])
    for filters, pairs in zip(channels[1:], residual_blocks, strict=True):
        features = layers.MaxPooling2D()(convolution(features, filters))
        for _ in range(pairs):
            pair = convolution(convolution(features, filters), filters)
            features = layers.Add()([features, pair])
    pooled = layers.GlobalAveragePooling2D()(features)
    if dropout > 0:
        pooled = layers.Dropout(dropout)(pooled)
    return Model(picture, layers.Dense(1, name="logit")(pooled), name="residual_cnn")

"""The seed's network: a plain Sequential stack of convolution blocks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def build_sequential_cnn(
    *, size: int, conv_blocks: int, base_channels: int, dense_units: Sequence[int], dropout: float
) -> "keras.Sequential":
    """Build the network with fresh weights.

    Each block is Conv2D 3x3 (ReLU), MaxPooling2D, BatchNormalization, Dropout; the channels double
    from block to block. Then Flatten, the hidden Dense layers (ReLU, Dropout) and the logit.

    Args:
        size: side of the square input, in pixels.
        conv_blocks: number of blocks; each halves the side.
        base_channels: filters of the first block.
        dense_units: units of each hidden Dense layer.
        dropout: share of activations dropped in training, after each block and hidden layer.

    Returns:
        a built model from RGB (n, size, size, 3) in 0 to 255 to logits (n, 1); scaling to [0, 1]
        is its first layer.
    """
    from keras import layers

    network = _build_blocks(
        size=size, conv_blocks=conv_blocks, base_channels=base_channels, dropout=dropout
    )
    network.add(layers.Flatten())
    for units in dense_units:
        network.add(layers.Dense(units, activation="relu"))
        network.add(layers.Dropout(dropout))
    network.add(layers.Dense(1, name="logit"))
    return network


def build_seed_cnn(
    *, size: int, conv_blocks: int = 3, base_channels: int = 32, dropout: float = 0.25
) -> "keras.Model":
    """Build the convolution blocks alone, as a backbone; arguments as above.

    Returns:
        a model from RGB (n, size, size, 3) in 0 to 255 to a feature map
        (n, size / 2**conv_blocks, size / 2**conv_blocks, c); scaling to [0, 1] is its first layer.
    """
    from keras import Model

    blocks = _build_blocks(
        size=size, conv_blocks=conv_blocks, base_channels=base_channels, dropout=dropout
    )
    return Model(blocks.inputs, blocks.outputs[0], name="seed_cnn")


def _build_blocks(
    *, size: int, conv_blocks: int, base_channels: int, dropout: float
) -> "keras.Sequential":
    from keras import Sequential, layers

    network = Sequential([layers.Input((size, size, 3)), layers.Rescaling(1 / 255)], name="cnn")
    for block in range(conv_blocks):
        network.add(layers.Conv2D(base_channels * 2**block, 3, padding="same", activation="relu"))
        network.add(layers.MaxPooling2D())
        network.add(layers.BatchNormalization())
        network.add(layers.Dropout(dropout))
    return network

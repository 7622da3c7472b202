"""Averaging a network's logit over a picture and its mirror image.

A mirrored photograph is as much a photograph; averaging the two removes part of the network's
error at the price of a second pass (test-time augmentation inside the network, Krizhevsky et al.
2012).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

TRUNK = "trunk"
"""Name of the wrapped network inside the mirrored one."""


def average_mirrored(trunk: "keras.Model") -> "keras.Model":
    """Wrap `trunk` so that its logit is the mean over the picture and its mirror image.

    Args:
        trunk: a network from RGB (n, s, s, 3) to logits (n, 1); its weights are shared, and it is
            renamed `TRUNK`.
    """
    from keras import Input, Model, layers, ops

    trunk.name = TRUNK
    picture = Input(trunk.input_shape[1:])
    mirrored = ops.flip(picture, axis=2)
    return Model(picture, layers.Average()([trunk(picture), trunk(mirrored)]), name="mirrored")


def unwrap_mirrored(network: "keras.Model") -> tuple["keras.Model", bool]:
    """The single-view network, and whether `network` was the mirrored form of it."""
    names = [layer.name for layer in network.layers]
    if TRUNK in names:
        return network.get_layer(TRUNK), True
    return network, False

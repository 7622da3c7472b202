"""Meso4 of MesoNet: four small convolutions, made to find edited and generated faces.

Afchar et al. 2018, "MesoNet: a Compact Facial Video Forgery Detection Network" (arXiv:1809.00888).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

_BLOCKS = ((8, 3, 2), (8, 5, 2), (16, 5, 2), (16, 5, 4))  # filters, kernel, pooling


def build_meso4(*, size: int) -> "keras.Model":
    """Build the convolutional part with fresh weights.

    The paper's own head on it is Flatten, Dropout(0.5), Dense(16), LeakyReLU(0.1), Dropout(0.5)
    and one unit.

    Args:
        size: side of the square input, in pixels; 256 in the paper.

    Returns:
        a model from RGB (n, size, size, 3) in 0 to 255 to a feature map
        (n, size / 32, size / 32, 16); scaling to [0, 1] is its first layer.
    """
    from keras import Input, Model, layers

    picture = Input((size, size, 3))
    value = layers.Rescaling(1 / 255, name="scaling")(picture)
    for number, (filters, kernel, pooling) in enumerate(_BLOCKS):
        value = layers.Conv2D(
            filters, kernel, padding="same", activation="relu", name=f"block_{number}_conv"
        )(value)
        value = layers.BatchNormalization(name=f"block_{number}_bn")(value)
        value = layers.MaxPooling2D(pooling, padding="same", name=f"block_{number}_pool")(value)
    return Model(picture, value, name="meso4")

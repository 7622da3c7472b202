"""The image tower of CLIP ViT-B/16 (Radford et al. 2021, arXiv:2103.00020), as features.

Its middle blocks tell generated pictures from photographs better than its final embedding does, so
the tower is cut after the last block whose class token is read, and has no projection.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_detector.networks.vit import VitShape, build_class_tokens

if TYPE_CHECKING:
    import keras

MEAN = (0.48145466, 0.4578275, 0.40821073)
"""Mean of the RGB channels CLIP was trained with, in 0 to 1."""

STANDARD_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Standard deviation of the RGB channels CLIP was trained with, in 0 to 1."""


def build_clip_tower(
    *, size: int = 224, width: int = 768, blocks: int = 12, tokens: Sequence[int] | None = None
) -> "keras.Model":
    """Build the tower with fresh weights.

    Args:
        size: side of the square input, in pixels; CLIP's published weights are for 224.
        width: length of a token; CLIP's published weights are for 768.
        blocks: how many of the 12 blocks to keep.
        tokens: the blocks after which the class token is read, from 0, ascending and ending with
            `blocks - 1`; by default the last block's alone.

    Returns:
        a model from RGB (n, size, size, 3) in 0 to 255 to class tokens (n, len(tokens) * width);
        CLIP's mean and standard deviation are its first layer.
    """
    from keras import Input, Model, layers

    shape = VitShape(
        patch=16,
        width=width,
        mlp_width=4 * width,
        epsilon=1e-5,
        pre_norm=True,
        patch_bias=False,
        activation="quick_gelu",
    )
    picture = Input((size, size, 3))
    scaling = layers.Normalization(
        mean=[255 * mean for mean in MEAN],
        variance=[(255 * deviation) ** 2 for deviation in STANDARD_DEVIATION],
        name="scaling",
    )
    features = build_class_tokens(
        picture,
        scaling(picture),
        shape,
        blocks=blocks,
        tokens=(blocks - 1,) if tokens is None else tokens,
    )
    return Model(picture, features, name="clip_tower")

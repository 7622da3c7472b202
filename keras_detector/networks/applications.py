"""The networks of `keras.applications` as backbones: no head, and their own scaling inside.

Some scale RGB values of 0 to 255 themselves; for the others this adds what their publishers
prescribe (`keras.applications.<family>.preprocess_input`) as built-in layers.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

IMAGENET_SIGNED = "signed"
"""Scaling to [-1, 1]."""

IMAGENET_CAFFE = "caffe"
"""BGR minus ImageNet's mean, in 0 to 255, as the Caffe model zoo had it."""

_CAFFE_MEAN = (103.939, 116.779, 123.68)


def application(class_name: str, scaling: str | None) -> Callable[..., "keras.Model"]:
    """A builder for one network of `keras.applications`.

    Args:
        class_name: its name there.
        scaling: `IMAGENET_SIGNED`, `IMAGENET_CAFFE`, or None where the network scales itself.

    Returns:
        a function of `size` (side of the square input, in pixels) and the network's own options,
        which builds a flat model with fresh weights from RGB (n, size, size, 3) in 0 to 255 to a
        feature map (n, h, w, c).
    """

    def build(*, size: int, **options: Any) -> "keras.Model":
        import keras
        from keras import Input, Model, layers

        picture = Input((size, size, 3))
        scaled = picture
        if scaling == IMAGENET_SIGNED:
            scaled = layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(picture)
        elif scaling == IMAGENET_CAFFE:
            offset = [-mean for mean in _CAFFE_MEAN]
            bgr = keras.ops.flip(picture, axis=-1)
            scaled = layers.Rescaling(1.0, offset=offset, name="scaling")(bgr)
        network = getattr(keras.applications, class_name)
        trunk = network(include_top=False, weights=None, input_tensor=scaled, **options)
        return Model(picture, trunk.output, name=trunk.name)

    return build

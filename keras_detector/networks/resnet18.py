"""ResNet18 (He et al. 2015, arXiv:1512.03385), which `keras.applications` lacks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def build_resnet18(*, size: int, base_channels: int = 64) -> "keras.Model":
    """Build the network with fresh weights.

    Args:
        size: side of the square input, in pixels.
        base_channels: filters of the first stage; they double in each of the other three.

    Returns:
        a model from RGB (n, size, size, 3) in 0 to 255 to a feature map
        (n, size / 32, size / 32, 8 * base_channels); ImageNet's mean and standard deviation are
        its first layer.
    """
    from keras import Input, Model, layers

    picture = Input((size, size, 3))
    value = layers.Normalization(
        mean=[123.675, 116.28, 103.53],
        variance=[58.395**2, 57.12**2, 57.375**2],
        name="scaling",
    )(picture)
    value = layers.ReLU()(_convolution(value, base_channels, 7, 2, "stem"))
    value = layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(value)
    for stage in range(4):
        for block in range(2):
            value = _basic_block(
                value,
                base_channels * 2**stage,
                stride=2 if stage > 0 and block == 0 else 1,
                name=f"stage_{stage}_block_{block}",
            )
    return Model(picture, value, name="resnet18")


def _basic_block(value: Any, filters: int, *, stride: int, name: str) -> Any:
    from keras import layers

    shortcut = value
    if stride > 1 or value.shape[-1] != filters:
        shortcut = _convolution(value, filters, 1, stride, f"{name}_shortcut")
    value = layers.ReLU()(_convolution(value, filters, 3, stride, f"{name}_1"))
    value = _convolution(value, filters, 3, 1, f"{name}_2")
    return layers.ReLU(name=f"{name}_out")(layers.Add()([shortcut, value]))


def _convolution(value: Any, filters: int, kernel: int, stride: int, name: str) -> Any:
    from keras import layers

    value = layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(value)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(value)

"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, with ReLU6.

Made for integer arithmetic on small processors, hence quick on any CPU. Tan & Le 2019
(arXiv:1905.11946); "EfficientNet-Lite", TensorFlow blog, 2020.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

_STAGES = (  # kernel, blocks, filters, expansion, stride of the first
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)


def build_efficientnet_lite0(
    *, size: int, drop_connect: float = 0.2, taps: Sequence[str] = ("head",)
) -> "keras.Model":
    """Build the network with fresh weights.

    Layers are named `stem_conv`, `stem_bn`, `block_<b>_expand_conv`, `_expand_bn`,
    `_depthwise_conv`, `_depthwise_bn`, `_project_conv`, `_project_bn` (`b` from 0 to 15),
    `head_conv` and `head_bn`.

    Args:
        size: side of the square input, in pixels.
        drop_connect: share of residual branches dropped in training, growing linearly to this at
            the last block (stochastic depth, Huang et al. 2016, arXiv:1603.09382).
        taps: the maps that are the features, by the beginning of their layers' names: `"stem"`,
            `"block_<b>_expand"` (b >= 1) or `"block_<b>_depthwise"`, both after their ReLU6,
            `"block_<b>"`, a block's output, or `"head"`. Layers behind the last one are left out.

    Returns:
        a model from RGB (n, size, size, 3) in 0 to 255 to a feature map
        (n, size / 32, size / 32, c), of 1280 channels for `("head",)`; its first layer is
        `(x - 127) / 128`. Several taps are averaged to the grid of the coarsest and concatenated,
        which leaves their global averages what they were.

    Raises:
        ValueError: there is no such tap, or several do not fit one grid: `size` must then be a
            multiple of 32.
    """
    from keras import Input, Model, layers

    picture = Input((size, size, 3))
    value = layers.Rescaling(1 / 128, offset=-127 / 128, name="scaling")(picture)
    value = _convolution(value, 32, 3, "stem", stride=2)
    maps = {"stem": value}
    total = sum(stage[1] for stage in _STAGES)
    number = 0
    for kernel, blocks, filters, expansion, stride in _STAGES:
        for block in range(blocks):
            value = _inverted_residual(
                value,
                f"block_{number}",
                maps,
                kernel=kernel,
                filters=filters,
                expansion=expansion,
                stride=1 if block else stride,
                drop=drop_connect * number / total,
            )
            number += 1
    maps["head"] = _convolution(value, 1280, 1, "head")
    return Model(picture, _tapped(maps, taps), name="efficientnet_lite0")


def _tapped(maps: Mapping[str, Any], taps: Sequence[str]) -> Any:
    """The named maps, as one map on the coarsest one's grid."""
    from keras import layers

    missing = [tap for tap in taps if tap not in maps]
    if missing or not taps:
        raise ValueError(f"Expected taps among {', '.join(maps)}. Received: {missing or 'none'}")
    coarsest = min(maps[tap].shape[1] for tap in taps)
    parts = []
    for tap in taps:
        pool, rest = divmod(maps[tap].shape[1], coarsest)
        if rest:
            raise ValueError(f"Expected a side that is a multiple of 32 for {', '.join(taps)}")
        parts.append(maps[tap] if pool == 1 else layers.AveragePooling2D(pool)(maps[tap]))
    return parts[0] if len(parts) == 1 else layers.Concatenate(name="taps")(parts)


def _inverted_residual(
    value: Any,
    name: str,
    maps: dict[str, Any],
    *,
    kernel: int,
    filters: int,
    expansion: int,
    stride: int,
    drop: float,
) -> Any:
    """MobileNetV2's block (Sandler et al. 2018, arXiv:1801.04381); enters its maps in `maps`."""
    from keras import layers

    start = value
    if expansion > 1:
        value = _convolution(value, value.shape[-1] * expansion, 1, f"{name}_expand")
        maps[f"{name}_expand"] = value
    value = layers.DepthwiseConv2D(
        kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
    )(value)
    value = layers.ReLU(6.0)(_normalised(value, f"{name}_depthwise"))
    maps[f"{name}_depthwise"] = value
    value = _convolution(value, filters, 1, f"{name}_project", relu=False)
    if stride == 1 and start.shape[-1] == filters:
        if drop > 0:
            value = layers.Dropout(drop, noise_shape=(None, 1, 1, 1))(value)
        value = layers.Add(name=f"{name}_add")([value, start])
    maps[name] = value
    return value


def _convolution(
    value: Any, filters: int, kernel: int, name: str, *, stride: int = 1, relu: bool = True
) -> Any:
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
    value = _normalised(value, name)
    return layers.ReLU(6.0)(value) if relu else value


def _normalised(value: Any, name: str) -> Any:
    from keras import layers

    return layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=f"{name}_bn")(value)

"""Every backbone a recipe can name: one registry, one line for each.

A backbone takes RGB values from 0 to 255 and scales them itself, so nothing outside it can scale
them twice or wrongly. It has no head: a convolutional one gives the last feature map, a Vision
Transformer the class tokens it was asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from keras_detector.networks.applications import IMAGENET_CAFFE, IMAGENET_SIGNED, application
from keras_detector.networks.clip_tower import build_clip_tower
from keras_detector.networks.efficientnet_lite0 import build_efficientnet_lite0
from keras_detector.networks.meso4 import build_meso4
from keras_detector.networks.resnet18 import build_resnet18
from keras_detector.networks.sequential_cnn import build_seed_cnn
from keras_detector.networks.vit import build_vit

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Backbone:
    """A network without a head.

    Attributes:
        name: as recipes spell it.
        builder: takes `size` and the backbone's own options, by keyword.
        size: side of the input it was designed for, in pixels.
        min_size: the smallest side it can take.
        weights: what its published weights were trained on: `"imagenet"`, `"clip"`, or None where
            none are published for Keras.
        features: `"map"`: (n, h, w, c); `"tokens"`: (n, length).
        application: its name in `keras.applications`, or None where the network is ours.
    """

    name: str
    builder: Callable[..., Any]
    size: int
    min_size: int
    weights: Literal["imagenet", "clip"] | None
    features: Literal["map", "tokens"] = "map"
    application: str | None = None

    def build(self, size: int, **options: Any) -> "keras.Model":
        """Build the backbone with fresh weights.

        Args:
            size: side of the square input, in pixels.
            **options: the backbone's own: see its builder.

        Returns:
            a flat model from RGB (n, size, size, 3) in 0 to 255 to its features, with its own
            scaling inside.

        Raises:
            ValueError: the size or an option is none it can take.
        """
        if size < self.min_size:
            raise ValueError(f"Expected at least {self.min_size} pixels. Received: {size}")
        network: keras.Model = self.builder(size=size, **options)
        return network


def _application(
    name: str, class_name: str, size: int, min_size: int = 32, scaling: str | None = None
) -> Backbone:
    builder = application(class_name, scaling)
    return Backbone(name, builder, size, min_size, "imagenet", application=class_name)


_ALL = (
    Backbone("clip-vit-b16", build_clip_tower, 224, 32, "clip", "tokens"),
    Backbone("vit-b16", build_vit, 224, 32, None, "tokens"),
    Backbone("efficientnet-lite0", build_efficientnet_lite0, 224, 32, "imagenet"),
    _application("efficientnet-b0", "EfficientNetB0", 224),
    _application("efficientnet-b1", "EfficientNetB1", 240),
    _application("efficientnet-b2", "EfficientNetB2", 260),
    _application("efficientnet-b3", "EfficientNetB3", 300),
    _application("efficientnet-b4", "EfficientNetB4", 380),
    _application("efficientnet-b5", "EfficientNetB5", 456),
    _application("efficientnet-b6", "EfficientNetB6", 528),
    _application("efficientnet-b7", "EfficientNetB7", 600),
    _application("efficientnet-v2-b0", "EfficientNetV2B0", 224),
    _application("efficientnet-v2-b1", "EfficientNetV2B1", 240),
    _application("efficientnet-v2-b2", "EfficientNetV2B2", 260),
    _application("efficientnet-v2-b3", "EfficientNetV2B3", 300),
    _application("efficientnet-v2-s", "EfficientNetV2S", 384),
    _application("efficientnet-v2-m", "EfficientNetV2M", 480),
    _application("efficientnet-v2-l", "EfficientNetV2L", 480),
    _application("resnet50", "ResNet50", 224, scaling=IMAGENET_CAFFE),
    _application("resnet101", "ResNet101", 224, scaling=IMAGENET_CAFFE),
    _application("convnext-tiny", "ConvNeXtTiny", 224),
    _application("convnext-small", "ConvNeXtSmall", 224),
    _application("convnext-base", "ConvNeXtBase", 224),
    _application("convnext-large", "ConvNeXtLarge", 224),
    _application("convnext-xlarge", "ConvNeXtXLarge", 224),
    _application("mobilenet-v3-small", "MobileNetV3Small", 224),
    _application("mobilenet-v3-large", "MobileNetV3Large", 224),
    _application("xception", "Xception", 299, 71, IMAGENET_SIGNED),
    _application("vgg16", "VGG16", 224, scaling=IMAGENET_CAFFE),
    _application("inception-v3", "InceptionV3", 299, 75, IMAGENET_SIGNED),
    Backbone("resnet18", build_resnet18, 224, 32, None),
    Backbone("meso4", build_meso4, 256, 32, None),
    Backbone("seed-cnn", build_seed_cnn, 32, 8, None),
)

BACKBONES = {backbone.name: backbone for backbone in _ALL}
"""Name to backbone."""

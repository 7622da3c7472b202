"""The twin's activation map over a picture, for the pictures of a report."""

from keras_detector import images
from keras_detector.card import InputSpec
from keras_detector.explain import draw_heatmap
from keras_detector.pixels import Pixels
from keras_detector.runtime import Runtime
from training.report.gallery import Heatmap


def heatmap_of(runtime: Runtime, spec: InputSpec) -> Heatmap:
    """What draws the map.

    Args:
        runtime: the loaded twin.
        spec: what it sees of a picture.
    """

    def heatmap(pixels: Pixels) -> Pixels:
        output = runtime.run(images.fit(pixels, spec))
        return draw_heatmap(pixels, output.activation_map, spec)

    return heatmap

"""A new model's figures on test pictures that were compressed, scaled or blurred."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from keras_detector.card import Calibration, Condition, InputSpec, Threshold
from keras_detector.images import fit
from keras_detector.pixels import MAX_PIXELS, Pixels
from keras_detector.robustness import measure_robustness
from keras_detector.runtime import Runtime
from training.reread import reread

ROBUSTNESS_PICTURES = 100
"""Test pictures that are judged under every condition: nine times a verdict's time each."""


def robust_figures(
    runtime: Runtime,
    spec: InputSpec,
    calibration: Calibration,
    threshold: Threshold,
    *,
    labels: npt.NDArray[np.integer],
    paths: Sequence[Path],
    sources: Sequence[str],
) -> dict[str, Condition]:
    """Judge pictures under every condition of `degrade.CONDITIONS`, with a progress bar.

    Where the network sees enhanced pictures, those are left out that the condition `double` would
    make too large for that; the figures say how many pictures they are of.

    Args:
        runtime: the compiled network.
        spec: its input.
        calibration: turns its logits into scores.
        threshold: where a score becomes fake.
        labels: integers (n,), `Label` values.
        paths: the n pictures.
        sources: the source of each.

    Raises:
        RunError: a picture has become unreadable.
    """

    def score(pixels: Pixels) -> float:
        return float(calibration.score([runtime.run(fit(pixels, spec)).logit])[0])

    if spec.enhance:
        # Doubled by the condition, then once more by the enhancement.
        sizes = [reread(path)[..., 0].size for path in paths]
        kept = [at for at, size in enumerate(sizes) if 16 * size <= MAX_PIXELS]
        labels, paths = labels[np.array(kept, int)], [paths[at] for at in kept]
        sources = [sources[at] for at in kept]
    bar = tqdm(paths, desc="Robustness", unit="picture", disable=None)
    pictures = (reread(path) for path in bar)
    return measure_robustness(labels, score, pictures, threshold, sources)

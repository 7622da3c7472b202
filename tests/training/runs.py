"""Training runs of tests, and what their models are compared by."""

from pathlib import Path

import keras
import numpy as np

from keras_detector.card import Card
from training.fit import fit
from training.recipe import load_recipe


def train(data: Path, out: Path, recipe: str, lines: tuple[str, ...], **flags: bool) -> Card:
    """`fit` a recipe with changed lines; the report lies beside `out`."""
    flags = {"overwrite": False, "restart": False, **flags}
    report = out.parent / "report"
    return fit(data, load_recipe(recipe, lines), out, report=report, announce=print, **flags)


def same_weights(one: Path, other: Path) -> bool:
    """Whether two models' weights are equal bit for bit; their layers' names may differ."""
    weights = [keras.saving.load_model(path).get_weights() for path in (one, other)]
    return all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def assert_mirrored(path: Path) -> None:
    """A picture and its mirror image have one logit."""
    network = keras.saving.load_model(path)
    pictures = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(
        network.predict(pictures, verbose=0),
        network.predict(pictures[:, :, ::-1], verbose=0),
        rtol=1e-3,
        atol=1e-4,
    )

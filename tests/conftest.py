"""What tests in several rooms share: pictures that differ by class, and a tiny trained model."""

import os
from pathlib import Path

# Before anything that counts cores: on pictures this small, threads wait longer than they work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from PIL import Image

from keras_detector.card import Calibration, Card, InputSpec, Stands, Threshold, Training, Twin
from keras_detector.pixels import Pixels
from tests.curves import make_curve


def draw_picture(rng: np.random.Generator, *, fake: bool, size: int = 32) -> Pixels:
    """A random picture; real ones are rough, fake ones smooth, so that a tiny network can learn."""
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))
    if fake:
        return smooth
    noise = rng.normal(0, 30, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def write_dataset(root: Path, per_class: int, *, size: int = 32, seed: int = 0) -> Path:
    """A data directory with `per_class` distinct PNG pictures a class."""
    rng = np.random.default_rng(seed)
    for name in ("real", "fake"):
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            pixels = draw_picture(rng, fake=name == "fake", size=size)
            Image.fromarray(pixels).save(folder / f"{number:04}.png")
    return root


TINY = (
    "network.conv_blocks=1",
    "network.base_channels=4",
    "network.dense_units=[8]",
    "train.epochs=3",
    "train.batch_size=16",
    "train.learning_rate=0.01",
    "train.target_accuracy=none",
    "augment.rotation=0.0",
    "augment.zoom=0.0",
)
"""Changes to the recipe `cnn32` that make it train in a second."""


@pytest.fixture
def seeded_networks() -> None:
    """Fresh weights are drawn alike in every run, whichever tests ran before."""
    import keras

    keras.utils.set_random_seed(1)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory of 60 pictures a class."""
    return write_dataset(tmp_path_factory.mktemp("dataset"), 60)


@pytest.fixture(scope="session")
def tiny_model(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model trained for three epochs; its report lies beside it in `report/`."""
    from training.fit import fit
    from training.recipe import load_recipe

    folder = tmp_path_factory.mktemp("tiny")
    out = folder / "tiny.keras"
    fit(
        dataset,
        load_recipe("cnn32", TINY),
        out,
        report=folder / "report",
        overwrite=False,
        restart=False,
        announce=print,
    )
    return out


@pytest.fixture
def card() -> Card:
    """A whole, valid card without figures and hashes."""
    return Card(
        format=2,
        name="tiny",
        summary="A network for tests.",
        labels=("real", "fake"),
        input=InputSpec(size=32, view="centre", resample="bicubic", enhance=False),
        calibration=Calibration(method="platt", slope=1.0, intercept=0.0),
        threshold=Threshold(value=0.5, policy="youden", abstain=(0.45, 0.55)),
        stands=Stands(min_side=32, min_jpeg_quality=0, max_upscale=8.0),
        twin=Twin(precision="float32", place="inside", max_score_difference=0.0, parity_pictures=1),
        training=Training(
            recipe={"name": "tiny"},
            data="two pictures",
            data_fingerprint="0" * 64,
            epochs=1,
            best_epoch=1,
            seconds=1.0,
            finished="2026-01-01",
            history={},
            versions={},
        ),
        audit=None,
        figures={},
        per_source={},
        robustness={},
        collections={},
        curve=make_curve((0.0, 100, 100), (0.5, 6, 80)),
        limits=(),
        sha256={},
    )

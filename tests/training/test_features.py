"""A backbone's features: kept between runs, and computed anew where anything differs."""

import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace

import keras
import msgspec
import numpy as np
import pytest

from keras_detector.card import InputSpec
from keras_detector.errors import SaveError
from tests.training.tiny_backbone import build_tiny
from training import features as features_module
from training.features import MIRRORED, PLAIN, Features, extract_features
from training.recipe import load_recipe
from training.strategy import arithmetic
from training.web_augmentation import WebAugmentation

SIZE = 16
SPEC = InputSpec(size=SIZE, view="centre", resample="bicubic", enhance=False)
ROWS = np.arange(5)


@pytest.fixture(scope="module")
def pictures() -> SimpleNamespace:
    pixels = np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE, 3), dtype=np.uint8)
    paths = tuple(Path(f"{row}.png") for row in ROWS)
    return SimpleNamespace(pixels=pixels, paths=paths, fingerprint="f" * 64)


def extractor(precision: str = "float32") -> keras.Model:
    """Always with the same weights."""
    with arithmetic(precision):
        backbone = build_tiny(size=SIZE)
        pooled = keras.layers.GlobalAveragePooling2D()(backbone.output)
        model = keras.Model(backbone.inputs, pooled)
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 0.3, weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever features are computed instead of found."""
    calls: list[int] = []
    fill = features_module._fill
    monkeypatch.setattr(features_module, "_fill", lambda *rest: calls.append(1) or fill(*rest))
    return calls


def extract(
    model: keras.Model,
    pictures: SimpleNamespace,
    cache: Path,
    *,
    seed: int = 1,
    view: int = PLAIN,
    spec: InputSpec = SPEC,
) -> Features:
    augmentation = WebAugmentation(load_recipe("transfer").views)
    return extract_features(
        model,
        pictures,
        [(view, ROWS)],
        spec=spec,
        augmentation=augmentation,
        seed=seed,
        cache=cache,
    )


def test_features_are_those_of_the_backbone_and_are_found_again(
    pictures, computed, tmp_path: Path
) -> None:
    model = extractor()
    first = extract(model, pictures, tmp_path)
    expected = model(pictures.pixels.astype("float32"), training=False)
    np.testing.assert_allclose(first.of(ROWS, PLAIN), expected, rtol=1e-5)
    again = extract(extractor(), pictures, tmp_path)
    np.testing.assert_array_equal(again.values, first.values)
    assert len(computed) == 1


def test_seconds_are_those_of_all_parts(pictures, tmp_path: Path) -> None:
    note = tmp_path / "features.json"
    extract(extractor(), pictures, tmp_path)
    kept = json.loads(note.read_text())
    assert kept["seconds"] > 0
    note.write_text(json.dumps({**kept, "seconds": 3600.0}))
    assert extract(extractor(), pictures, tmp_path).seconds == 3600.0
    note.write_text(json.dumps({**kept, "done": 0, "seconds": 3600.0}))
    assert 3600 < extract(extractor(), pictures, tmp_path).seconds < 3700


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="there is no way to ask for it")
def test_a_full_disk_is_said_before_a_feature_is_computed(
    pictures, computed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        with pytest.raises(SaveError, match="No space left"):
            extract(extractor(), pictures, tmp_path)
    assert not computed
    extract(extractor(), pictures, tmp_path)


def test_a_file_system_that_reserves_nothing_will_do(
    pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unknown, raising=False)
    assert len(extract(extractor(), pictures, tmp_path).values) == 5


@pytest.mark.parametrize("what", ["precision", "weights", "pictures", "view", "seed", "input"])
def test_what_was_kept_of_something_else_is_not_taken(
    what: str, pictures, computed, tmp_path: Path
) -> None:
    first = np.array(extract(extractor(), pictures, tmp_path).values)
    model, settings, shown = extractor(), {}, pictures
    if what == "precision":
        model = extractor("mixed_bfloat16")
    elif what == "weights":
        model.set_weights([1.5 * weight for weight in model.get_weights()])
    elif what == "pictures":
        pixels = 255 - pictures.pixels
        shown = SimpleNamespace(pixels=pixels, paths=pictures.paths, fingerprint="0" * 64)
    elif what == "view":
        settings = {"view": MIRRORED}
    elif what == "input":
        settings = {"spec": msgspec.structs.replace(SPEC, enhance=True)}
    else:
        settings = {"seed": 2}
    second = extract(model, shown, tmp_path, **settings)
    assert len(computed) == 2
    # The seed draws changed views only; what the input changes lies in the packed pictures already.
    assert np.array_equal(second.values, first) == (what in {"seed", "input"})
    if what == "precision":  # 8 bits of mantissa, kept in 32
        assert second.values.dtype == np.float32
        np.testing.assert_allclose(second.values, first, rtol=0.05)

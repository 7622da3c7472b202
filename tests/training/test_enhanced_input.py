"""`input.enhance = true`: what a network is trained on is what it is served, and each once."""

from pathlib import Path

import keras
import msgspec
import numpy as np
import pytest
from PIL import Image

from keras_detector import enhance as enhance_module
from keras_detector.card import Calibration, InputSpec, Threshold
from keras_detector.degrade import CONDITIONS
from keras_detector.detector import Detector
from keras_detector.enhance import enhance
from keras_detector.images import decode, fit
from keras_detector.model_file import read_model_file
from keras_detector.pixels import Pixels
from keras_detector.runtime import Output
from tests.conftest import TINY, draw_picture, write_dataset
from training import fit as training_fit
from training import robust_figures as robust_module
from training.packing import pack
from training.recipe import load_recipe

SPEC = InputSpec(size=16, view="centre", resample="bicubic", enhance=True)


@pytest.fixture
def enhanced_pictures(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Grows by a shape whenever a picture is enhanced in this process."""
    shapes: list[tuple[int, ...]] = []

    def counted(pixels: Pixels) -> Pixels:
        shapes.append(pixels.shape)
        return enhance(pixels)

    monkeypatch.setattr(enhance_module, "enhance", counted)
    return shapes


def write_pictures(folder: Path, *sides: int) -> list[Path]:
    rng = np.random.default_rng(1)
    paths = [folder / f"{number}.png" for number in range(len(sides))]
    for path, side in zip(paths, sides, strict=True):
        Image.fromarray(draw_picture(rng, fake=False, size=side)).save(path)
    return paths


def test_a_recipe_that_enhances_trains_and_is_served_the_same(
    tmp_path: Path, enhanced_pictures: list[tuple[int, ...]]
) -> None:
    data, out = write_dataset(tmp_path / "data", 30), tmp_path / "m.keras"
    epochs = 5
    recipe = load_recipe("cnn32", [*TINY, f"train.epochs={epochs}", "input.enhance=true"])
    training_fit.fit(
        data,
        recipe,
        out,
        report=tmp_path / "report",
        overwrite=False,
        restart=False,
        announce=print,
    )
    card = read_model_file(out).card
    assert card.training.epochs == epochs
    # Once for all epochs. The test split is enhanced under each condition, and a verdict is timed.
    assert 60 <= len(enhanced_pictures) < 60 + epochs * (60 - 2 * card.figures["test"].n)

    detector = Detector(out)
    assert detector.card.input.enhance
    path = data / "real" / "0003.png"
    served = detector.judge(path).score
    plain = msgspec.structs.replace(detector.card.input, enhance=False)
    network = keras.saving.load_model(out)
    logits = {
        name: float(network(fit(pixels, plain)[np.newaxis].astype(np.float32))[0, 0])
        for name, pixels in (("enhanced", enhance(decode(path))), ("plain", decode(path)))
    }
    scores = {name: detector.card.calibration.score(logit) for name, logit in logits.items()}
    assert served == pytest.approx(float(scores["enhanced"]), abs=1e-5)
    assert abs(served - float(scores["plain"])) > 1e-4


def test_packed_pictures_are_not_enhanced_again(
    tmp_path: Path, enhanced_pictures: list[tuple[int, ...]]
) -> None:
    paths = write_pictures(tmp_path, 20, 30, 40)
    first = pack(paths, SPEC, tmp_path / "cache")
    again = pack(paths, SPEC, tmp_path / "cache")
    np.testing.assert_array_equal(again.pixels, first.pixels)
    assert len(enhanced_pictures) == 3


def test_another_opencv_enhances_anew(
    tmp_path: Path, enhanced_pictures: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_pictures(tmp_path, 20)
    pack(paths, SPEC, tmp_path / "cache")
    monkeypatch.setattr("cv2.__version__", "0.0.1")
    pack(paths, SPEC, tmp_path / "cache")
    assert len(enhanced_pictures) == 2


def test_a_picture_too_large_to_be_enhanced_is_left_out_and_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_pictures(tmp_path, 20, 31, 30)
    monkeypatch.setattr(enhance_module, "MAX_PIXELS", 4 * 30 * 30)
    packed = pack(paths, SPEC, tmp_path / "cache")
    assert packed.kept.tolist() == [0, 2]
    assert len(packed.digests) == len(packed.hashes) == len(packed.pixels) == 2
    assert packed.errors[1] == "31 x 31, doubled 62 x 62"


def test_robustness_leaves_out_what_doubled_would_be_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_pictures(tmp_path, 20, 31, 30)
    for module in (enhance_module, robust_module):
        monkeypatch.setattr(module, "MAX_PIXELS", 16 * 30 * 30)

    class Blind:
        def run(self, pixels: Pixels) -> Output:
            return Output(1.0, np.zeros((1, 1), np.float32))

    def figures(spec: InputSpec) -> dict[str, tuple[int, int]]:
        conditions = robust_module.robust_figures(
            Blind(),  # type: ignore[arg-type]
            spec,
            Calibration(method="platt", slope=1.0, intercept=0.0),
            Threshold(value=0.5, policy="youden", abstain=(0.5, 0.5)),
            labels=np.array([0, 1, 1], np.int8),
            paths=paths,
            sources=["a", "b", "b"],
        )
        return {name: (found.n_real, found.n_fake) for name, found in conditions.items()}

    assert figures(SPEC) == dict.fromkeys(CONDITIONS, (1, 1))
    assert figures(msgspec.structs.replace(SPEC, enhance=False)) == dict.fromkeys(
        CONDITIONS, (1, 2)
    )

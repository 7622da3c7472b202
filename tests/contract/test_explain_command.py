"""`explain` and the reasons of a verdict, with a real twin."""

import io
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from keras_detector.card import Stands, Threshold
from keras_detector.cli import main
from keras_detector.degrade import scale
from keras_detector.detector import Detector
from keras_detector.labels import Label, Reason, Verdict
from keras_detector.pixels import Pixels
from keras_detector.strictness import Strictness
from tests.conftest import draw_picture


@pytest.fixture
def rough() -> Pixels:
    """Fine detail everywhere, as a sharp photograph has it."""
    return np.random.default_rng(4).integers(0, 256, (200, 300, 3), dtype=np.uint8)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(draw_picture(np.random.default_rng(5), fake=True, size=64)).save(path)
    return path


def test_explain_draws_a_png_and_prints_the_verdict(
    tiny_model: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    call = ["explain", str(picture), "--out", str(out), "--model", str(tiny_model)]
    assert main([*call, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["score"] == Detector(tiny_model).judge(picture).score
    with Image.open(out) as drawn:
        assert drawn.format == "PNG"
        assert drawn.width >= 384
    before = out.read_bytes()
    assert main(call) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert main([*call, "--overwrite", "--opacity", "0.1"]) == 0
    assert out.read_bytes() != before


def test_explain_takes_a_strictness(
    tiny_model: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["explain", str(picture), "--model", str(tiny_model), "--json"]
    assert main([*call, "--out", str(tmp_path / "o.png"), "--strictness", "cautious"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["threshold"] == Detector(tiny_model, Strictness.CAUTIOUS).threshold.value


def test_a_prediction_is_decided_anew_without_the_network(tiny_model: Path, rough: Pixels) -> None:
    detectors = {level: Detector(tiny_model, level) for level in Strictness}
    assert len({detector.threshold.value for detector in detectors.values()}) > 1
    for pixels in (rough, rough[:16]):  # the second one is too small at any strictness
        at_first = detectors[Strictness.BALANCED].judge_pixels(pixels)
        for detector in detectors.values():
            assert at_first.at(detector.threshold) == detector.judge_pixels(pixels)
    score = at_first.score
    inside = Threshold(value=score, policy="", abstain=(score / 2, (1 + score) / 2))
    outside = Threshold(value=score, policy="", abstain=(score, score))
    assert at_first.at(inside).reasons == (Reason.TOO_SMALL, Reason.UNCERTAIN)
    assert at_first.at(inside).at(outside).reasons == (Reason.TOO_SMALL,)
    assert at_first.at(outside).label is Label.FAKE


def test_explain_of_what_is_no_picture_draws_nothing(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, out = tmp_path / "text.jpg", tmp_path / "out.png"
    text.write_text("not a picture")
    assert main(["explain", str(text), "--out", str(out), "--model", str(tiny_model)]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert not out.exists()


def standing(model: Path, monkeypatch: pytest.MonkeyPatch, **limits: float) -> Detector:
    detector = Detector(model)
    stands = {"min_side": 32, "min_jpeg_quality": 0, "max_upscale": 100.0} | limits
    card = msgspec.structs.replace(detector.card, stands=Stands(**stands))
    monkeypatch.setattr(detector, "card", card)
    return detector


def jpeg(pixels: Pixels, quality: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


def test_a_picture_compressed_more_than_the_card_says_is_undetermined(
    tiny_model: Path, rough: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = standing(tiny_model, monkeypatch, min_jpeg_quality=50)
    poor, fair = detector.judge(jpeg(rough, 49)), detector.judge(jpeg(rough, 50))
    assert Reason.RECOMPRESSED in poor.reasons
    assert poor.verdict is Verdict.UNDETERMINED
    assert Reason.RECOMPRESSED not in fair.reasons
    assert Reason.RECOMPRESSED not in detector.judge_pixels(rough).reasons


def test_an_enlarged_picture_is_undetermined_where_the_card_minds(
    tiny_model: Path, rough: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = standing(tiny_model, monkeypatch, max_upscale=1.5)
    assert Reason.UPSCALED in detector.judge_pixels(scale(rough, 2.0)).reasons
    assert Reason.UPSCALED not in detector.judge_pixels(rough).reasons
    any_size = standing(tiny_model, monkeypatch)
    assert Reason.UPSCALED not in any_size.judge_pixels(scale(rough, 2.0)).reasons


def test_too_small_is_what_the_card_says(
    tiny_model: Path, rough: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = standing(tiny_model, monkeypatch, min_side=200)
    assert Reason.TOO_SMALL not in detector.judge_pixels(rough).reasons
    assert Reason.TOO_SMALL in detector.judge_pixels(rough[:199]).reasons


def test_the_map_of_the_twin_is_the_gradient_that_keras_computes(
    tiny_model: Path, picture: Path
) -> None:
    """HiResCAM: the last feature map times the gradient of the logit, summed over channels."""
    import keras
    import tensorflow as tf

    from keras_detector import images

    network = keras.saving.load_model(tiny_model)
    layer = [item for item in network.layers if len(item.output.shape) == 4][-1]
    detector, opened = Detector(tiny_model), images.open_picture(picture)
    fitted = images.fit(opened.pixels, detector.card.input)[np.newaxis].astype(np.float32)
    with tf.GradientTape() as tape:
        features = keras.Model(network.inputs, layer.output)(fitted)
        tape.watch(features)
        head = features
        for item in network.layers[network.layers.index(layer) + 1 :]:
            head = item(head)
    gradient = tape.gradient(head, features)
    expected = np.sum(features * gradient, axis=-1)[0]
    found = detector.examine(opened).activation_map
    assert found == pytest.approx(expected, abs=1e-4 * float(np.abs(expected).max()))

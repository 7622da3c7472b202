"""Training tensors and serving tensors are equal bit for bit, whatever the decoder accepts."""

from pathlib import Path

import numpy as np
import pytest

from keras_detector import runtime
from keras_detector.card import InputSpec
from keras_detector.detector import Detector
from keras_detector.model_file import read_model_file
from tests.pictures import CASES, encoded
from training.augmentation import Augmentation
from training.batches import Batches, OrderedBatches
from training.packing import pack
from training.recipe import load_recipe

SPECS = [
    InputSpec(size=32, view="centre", resample="bicubic", enhance=False),
    InputSpec(size=48, view="whole", resample="bicubic", enhance=False),
    InputSpec(size=32, view="centre", resample="bicubic", enhance=True),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One file for every format and mode."""
    folder = tmp_path_factory.mktemp("formats")
    paths = []
    for number, (source, form, options, _, _) in enumerate(CASES.values()):
        path = folder / f"{number:03}"
        path.write_bytes(encoded(source, form, **options))
        paths.append(path)
    return paths


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.view}-{spec.size}-{spec.enhance}")
def test_what_is_trained_on_is_what_is_served(
    spec: InputSpec, files: list[Path], tmp_path: Path, tiny_model: Path, monkeypatch
) -> None:
    packed = pack(files, spec, tmp_path)
    assert len(packed.kept) == len(files)

    served: list[np.ndarray] = []
    detector = Detector(tiny_model)
    monkeypatch.setattr(detector, "card", _with_input(detector.card, spec))

    def record(self, pixels):
        served.append(pixels[np.newaxis].astype(np.float32)[0])
        return runtime.Output(0.0, np.zeros((1, 1), np.float32))

    monkeypatch.setattr(runtime.Runtime, "run", record)
    for path in files:
        detector.judge(path)

    rows = np.arange(len(files))
    labels = np.zeros(len(files), np.int8)
    validation, _ = OrderedBatches(packed.pixels, labels, rows)[0]
    plain = load_recipe("cnn32", ["augment.flip=false", "augment.rotation=0.0", "augment.zoom=0.0"])
    batches = Batches(
        packed.pixels,
        labels,
        rows,
        batch_size=len(files),
        seed=0,
        augmentation=Augmentation(plain.augment, spec.size),
        class_weights=(1.0, 1.0),
    )
    shuffled = batches[0][0]
    order = np.random.default_rng([0, 0]).permutation(len(files))
    for number, tensor in enumerate(served):
        assert tensor.dtype == validation.dtype == shuffled.dtype == np.float32
        np.testing.assert_array_equal(tensor, validation[number])
    np.testing.assert_array_equal(np.stack(served)[order], shuffled)


def _with_input(card, spec):
    import msgspec

    return msgspec.structs.replace(card, input=spec)


def test_the_recorded_input_is_the_one_the_runtime_feeds(tiny_model: Path) -> None:
    """The test above records pixels as float32; so does the interpreter, unscaled."""
    model = read_model_file(tiny_model)
    loaded = runtime.Runtime(model.twin, model.card.input)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    loaded.run(pixels)
    fed = loaded._interpreter.get_tensor(loaded._input)
    np.testing.assert_array_equal(fed[0], pixels.astype(np.float32))

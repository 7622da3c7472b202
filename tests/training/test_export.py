"""Smaller files: INT8 and float16 weights, in Keras and in the twin, and what they cost."""

import io
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from keras_detector.card import Calibration, InputSpec
from keras_detector.errors import ModelFileError
from keras_detector.keras_config import refuse_foreign_code
from keras_detector.networks.activation_map import with_activation_map
from keras_detector.networks.backbones import BACKBONES
from keras_detector.runtime import Runtime
from training.compact_archive import keras_archive, open_archive
from training.export import TOLERANCE, check_parity, compile_twin

pytestmark = pytest.mark.usefixtures("seeded_networks")

SIZE = 32
SPEC = InputSpec(size=SIZE, view="centre", resample="bicubic", enhance=False)
CALIBRATION = Calibration(method="temperature", slope=1.0, intercept=0.0)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """A tiny CLIP tower with a head, its matrices INT8 with a scale a column, as imported ones."""
    keras.utils.set_random_seed(1)
    tower = BACKBONES["clip-vit-b16"].build(SIZE, width=128, blocks=2, tokens=(0, 1))
    rng = np.random.default_rng(1)
    for layer in tower.layers:
        if isinstance(layer, keras.layers.Dense):
            matrix = rng.integers(-127, 128, layer.kernel.shape)
            matrix[0] = 127
            scale = rng.uniform(5e-4, 2e-3, matrix.shape[1])
            layer.set_weights([matrix * scale, rng.normal(0, 0.1, matrix.shape[1])])
    picture = keras.Input((SIZE, SIZE, 3))
    head = keras.layers.Dense(1, name="logit")
    model = keras.Model(picture, head(tower(picture)))
    # Small weights: a logit far from 0 gives a score of 0 or 1 whatever is changed.
    head.set_weights([rng.normal(0, 0.03, head.kernel.shape), np.zeros(1)])
    return model


@pytest.fixture(scope="module")
def twin(network: keras.Model) -> bytes:
    return compile_twin(network)


def logits(network: keras.Model, pictures: np.ndarray) -> np.ndarray:
    return network(pictures.astype("float32"), training=False).numpy()


def stored_bytes(archive: bytes) -> int:
    """Bytes of all weights; HDF5's own overhead is most of so small a file."""
    total = 0
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        data = io.BytesIO(source.read("model.weights.h5"))

    def add(_: str, entry: object) -> None:
        nonlocal total
        total += entry.nbytes if isinstance(entry, h5py.Dataset) else 0

    with h5py.File(data) as file:
        file.visititems(add)
    return total


@pytest.mark.parametrize(
    ("weights", "size", "tolerance"), [("int8", 0.5, 1e-4), ("float16", 0.52, 0.02)]
)
def test_a_smaller_archive_opens_in_plain_keras_and_says_the_same(
    weights, size, tolerance, network, pictures, tmp_path: Path
) -> None:
    before = network.get_weights()
    archive = keras_archive(network, weights)
    for was, now in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
    assert stored_bytes(archive) < size * stored_bytes(keras_archive(network))

    path = tmp_path / "network.keras"
    path.write_bytes(archive)
    with zipfile.ZipFile(path) as stored:
        refuse_foreign_code(stored.read("config.json"))
        assert {entry.compress_type for entry in stored.infolist()} == {zipfile.ZIP_STORED}
    opened = logits(keras.saving.load_model(path), pictures)
    np.testing.assert_allclose(opened, logits(network, pictures), atol=tolerance)


def test_float16_keeps_what_it_could_not_hold() -> None:
    picture = keras.Input((4,))
    network = keras.Model(picture, keras.layers.Dense(3)(picture))
    network.set_weights([np.full((4, 3), 1e5, "float32"), np.full(3, 1e-8, "float32")])
    kernel, bias = open_archive(keras_archive(network, "float16")).get_weights()
    assert (kernel == 1e5).all()
    np.testing.assert_array_equal(bias, np.float32([1e-8] * 3))


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_a_twin_gives_logit_and_map_at_every_precision(precision, network, twin, pictures) -> None:
    twin = twin if precision == "float32" else compile_twin(network, precision)
    agreement = check_parity(
        network, twin, SPEC, CALIBRATION, pictures, precision=precision, place="beside"
    )
    assert (agreement.precision, agreement.place) == (precision, "beside")
    assert agreement.max_score_difference <= TOLERANCE[precision]
    output = Runtime(twin, SPEC).run(pictures[0])
    _, maps = with_activation_map(network)(pictures[:1].astype("float32"))
    assert output.activation_map.shape == (SIZE // 16, SIZE // 16)
    bearable = 1e-4 if precision == "float32" else 0.1
    np.testing.assert_allclose(
        output.activation_map, maps[0], atol=bearable * np.abs(maps[0]).max()
    )


def test_a_twin_that_says_something_else_is_refused(network, twin, pictures) -> None:
    other = keras.models.clone_model(network)
    *weights, bias = network.get_weights()
    assert bias.shape == (1,)
    other.set_weights([*weights, bias + 1.0])
    for precision in TOLERANCE:
        with pytest.raises(ModelFileError, match="defect of the conversion"):
            check_parity(other, twin, SPEC, CALIBRATION, pictures, precision=precision)

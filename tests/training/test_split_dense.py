"""INT8 products that lose next to nothing, where one activation dwarfs all others."""

from fractions import Fraction

import keras
import numpy as np
import pytest

from keras_detector.card import InputSpec
from keras_detector.networks.backbones import BACKBONES
from keras_detector.runtime import Runtime
from training import export as export_module
from training.export import compile_twin
from training.split_dense import LARGE, SplitDense, served_in_8_bits, with_split_products

pytestmark = pytest.mark.usefixtures("seeded_networks")

SIZE = 32
SPEC = InputSpec(size=SIZE, view="centre", resample="bicubic", enhance=False)
OUTLIER = 300.0


def on_8_bits(matrix: np.ndarray) -> np.ndarray:
    """Rounded as INT8 weights with a scale a column are, so that storing them so loses nothing."""
    scale = np.abs(matrix).max(axis=0) / 127
    return np.rint(matrix / scale) * scale


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """A ViT of two blocks in which one channel of the MLPs' inputs is 300 times the others."""
    keras.utils.set_random_seed(1)
    tower = BACKBONES["vit-b16"].build(SIZE, width=128, blocks=2)
    rng = np.random.default_rng(3)
    for layer in tower.layers:
        if isinstance(layer, keras.layers.Dense):
            kernel, bias = layer.get_weights()
            kernel = rng.normal(0, 1.5 / np.sqrt(len(kernel)), kernel.shape)
            if layer.name.endswith("fc1"):
                kernel[5] /= OUTLIER  # it is loud, and says no more than the others do
            layer.set_weights([on_8_bits(kernel), bias])
        if layer.name.endswith("norm2"):
            gamma, beta = layer.get_weights()
            gamma[5] = OUTLIER
            layer.set_weights([gamma, beta])
    picture = keras.Input((SIZE, SIZE, 3))
    logit = keras.layers.Dense(
        1, name="logit", kernel_initializer=keras.initializers.GlorotNormal(4)
    )
    return keras.Model(picture, logit(tower(picture)))


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (16, SIZE, SIZE, 3), dtype=np.uint8)


def largest_difference(network: keras.Model, twin: bytes, pictures: np.ndarray) -> float:
    expected = network(pictures.astype("float32"), training=False).numpy()[:, 0]
    runtime = Runtime(twin, SPEC)
    return float(np.abs([runtime.run(p).logit for p in pictures] - expected).max())


def test_a_split_twin_keeps_the_logits_that_a_plain_one_loses(network, pictures) -> None:
    plain = export_module._with_int8_matrices(compile_twin(network))
    split = compile_twin(network, "int8")
    assert largest_difference(network, plain, pictures) > 0.1
    assert largest_difference(network, split, pictures) < 0.01
    assert len(split) < len(plain) + 50_000  # both hold their matrices in 8 bits


def test_before_its_matrices_are_rounded_a_split_network_says_the_same(network, pictures) -> None:
    shown = pictures.astype("float32")
    split = with_split_products(network)
    np.testing.assert_allclose(
        split(shown, training=False), network(shown, training=False), rtol=1e-4, atol=1e-4
    )
    nested = next(layer for layer in split.layers if isinstance(layer, keras.Model))
    for layer in (*nested.layers, split.get_layer("logit")):
        if isinstance(layer, keras.layers.Dense):
            large = layer.kernel.shape[0] * layer.units >= LARGE
            assert isinstance(layer, SplitDense) == large, layer.name


@pytest.mark.parametrize("shape", [(3, 7), (3, 5, 7)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_a_split_layer_is_a_dense_one(shape, use_bias) -> None:
    rows = np.random.default_rng(0).normal(0, 2, shape).astype("float32")
    settings = {"units": 4, "activation": "relu", "use_bias": use_bias}
    dense, split = keras.layers.Dense(**settings), SplitDense(**settings)
    expected, _ = dense(rows), split(rows)
    split.set_weights(dense.get_weights())
    np.testing.assert_allclose(split(rows), expected, rtol=1e-5, atol=1e-5)


def qd8(row: np.ndarray) -> np.ndarray:
    """XNNPACK's `xnn_f32_qd8_asymmetric_quantization_params` in exact numbers, for one row.

    255 steps from the least to the largest value, both stretched to hold 0; the zero point is
    reckoned from the end where less is lost, and is a whole number.
    """
    exact = [Fraction(value) for value in row.tolist()]
    low, high = min(Fraction(0), *exact), max(Fraction(0), *exact)
    scale = (high - low) / 255
    if not scale:
        return np.zeros(len(exact))
    at_low, at_high = low / scale, high / scale
    zero = -128 - at_low if (-128 + at_low) + (127 + at_high) > 0 else 127 - at_high
    zero = round(min(max(zero, -128), 127))
    integers = [min(max(round(value / scale) + zero, -128), 127) for value in exact]
    return np.array([float((integer - zero) * scale) for integer in integers])


@pytest.mark.parametrize(
    "rows",
    [
        np.random.default_rng(0).normal(0, 1, (20, 48)),
        np.random.default_rng(1).normal(5, 1, (20, 48)),  # all above 0
        np.random.default_rng(2).normal(-5, 1, (20, 48)),  # all below
        np.random.default_rng(3).standard_cauchy((20, 48)),  # some dwarf all others
        np.zeros((1, 4)),
    ],
    ids=["around 0", "above 0", "below 0", "outliers", "nothing"],
)
def test_what_8_bits_serve_is_what_the_kernel_computes(rows) -> None:
    rows = rows.astype("float32")
    served = np.asarray(served_in_8_bits(rows))
    expected = np.stack([qd8(row) for row in rows])
    # A value halfway between two steps may go either way in float32.
    step = (rows.max(1).clip(0) - rows.min(1).clip(None, 0))[:, None] / 255
    apart = np.abs(served - expected)
    assert (apart <= 1.001 * step + 1e-12).all()
    assert (apart > 1e-3 * step).mean() < 0.01
    # Half a step from the value, but at the end where the zero point was rounded: one there.
    assert (np.abs(served - rows) <= 1.001 * step + 1e-12).all()
    assert (np.abs(served - rows) <= 0.501 * step + 1e-12).mean() > 0.95

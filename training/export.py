"""From a trained network to the two forms a model file holds, and the proof that they agree."""

import tempfile
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from keras_detector.card import Calibration, InputSpec, Twin
from keras_detector.errors import ModelFileError
from keras_detector.native_stderr import without_native_stderr
from keras_detector.networks.activation_map import with_activation_map
from keras_detector.runtime import Runtime

TOLERANCE = 1e-5
"""A float twin whose score differs more than this from Keras's is refused."""


def keras_archive(network: keras.Model) -> bytes:
    """The network as plain Keras saves it: the bytes of a `.keras` file.

    Args:
        network: never compiled, at any depth: an optimizer's state would double the file, and
            metrics of ours would need our code to be opened.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "network.keras"
        network.save(path)
        return path.read_bytes()


def compile_twin(network: keras.Model) -> bytes:
    """The network compiled for LiteRT, one picture at a time, with its activation map.

    Args:
        network: pictures (n, s, s, 3), 0 to 255, to logits (n, 1).

    Returns:
        the bytes of `model.tflite`: float32 (1, s, s, 3) in; logit (1, 1) and map (1, h, w) out.
    """
    signature = keras.InputSpec(shape=(1, *network.input_shape[1:]), dtype="float32")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.tflite"
        mapped = with_activation_map(network)
        with without_native_stderr():  # a page of notes on the conversion
            mapped.export(path, format="litert", input_signature=[signature], verbose=False)
        return path.read_bytes()


def check_parity(
    network: keras.Model,
    twin: bytes,
    spec: InputSpec,
    calibration: Calibration,
    pictures: npt.NDArray[np.uint8],
) -> Twin:
    """Compare the twin's scores with Keras's.

    Args:
        network: the Keras form.
        twin: its compiled form.
        spec: their input.
        calibration: turns both logits into scores.
        pictures: the parity set, uint8 (n, s, s, 3); black, white and noise are added to it.

    Returns:
        the measured agreement, for the card.

    Raises:
        ModelFileError: some score differs by more than `TOLERANCE`.
    """
    rng = np.random.default_rng(0)
    shape = pictures.shape[1:]
    extremes = np.stack(
        [
            np.zeros(shape, np.uint8),
            np.full(shape, 255, np.uint8),
            rng.integers(0, 256, shape, dtype=np.uint8),
        ]
    )
    inputs = np.concatenate([pictures, extremes])
    runtime = Runtime(twin, spec)
    from_twin = calibration.score([runtime.run(picture).logit for picture in inputs])
    logits = network.predict(inputs.astype(np.float32), batch_size=256, verbose=0)[:, 0]
    difference = float(np.abs(from_twin - calibration.score(logits)).max())
    # `not <=` also catches NaN
    if not difference <= TOLERANCE:
        raise ModelFileError(
            expected=f"the compiled network to score within {TOLERANCE} of Keras",
            received=f"a difference of {difference:.2g} over {len(inputs)} pictures",
            advice="This is a defect of the conversion: please report it with the recipe.",
        )
    return Twin(precision="float32", max_score_difference=difference, parity_pictures=len(inputs))

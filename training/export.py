"""From a trained network to its compiled twin, and the proof that both agree."""

import contextlib
import io
import re
import tempfile
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from keras_detector.card import Calibration, InputSpec, Twin
from keras_detector.errors import ModelFileError
from keras_detector.native_stderr import without_native_stderr
from keras_detector.networks.activation_map import with_activation_map
from keras_detector.runtime import Runtime
from training.compact_archive import keras_archive as keras_archive
from training.compact_archive import open_archive as open_archive
from training.split_dense import LARGE, with_split_products

Precision = Literal["float32", "float16", "int8"]

TOLERANCE: dict[Precision, float] = {"float32": 1e-5, "float16": 1e-2, "int8": 1e-2}
"""A twin whose score differs more than this from Keras's is refused."""

_BATCH_PIXELS = 2**20


def compile_twin(network: keras.Model, precision: Precision = "float32") -> bytes:
    """The network compiled for LiteRT, one picture at a time, with its activation map.

    Args:
        network: pictures (n, s, s, 3), 0 to 255, to logits (n, 1); with float weights.
        precision: how weights are stored. `"float16"`: half the size, computed in float32.
            `"int8"`: a quarter of the size for large matrices, everything else in float32; see
            `split_dense` for how their products are computed.

    Returns:
        the bytes of `model.tflite`: float32 (1, s, s, 3) in; logit (1, 1) and map (1, h, w) out.
    """
    if precision == "int8":
        return _with_int8_matrices(compile_twin(with_split_products(network)))
    signature = keras.InputSpec(shape=(1, *network.input_shape[1:]), dtype="float32")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.tflite"
        mapped = with_activation_map(network)
        with without_native_stderr():  # a page of notes on the conversion
            mapped.export(
                path,
                format="litert",
                input_signature=[signature],
                verbose=False,
                **_conversion(precision),
            )
        return path.read_bytes()


def _conversion(precision: Precision) -> dict[str, Any]:
    if precision == "float16":
        return {
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "target_spec": {"supported_types": [tf.float16]},
        }
    return {}


def _with_int8_matrices(twin: bytes) -> bytes:
    """Store every large matrix with one scale an output channel; what was INT8 before is exact."""
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import qtyping, quantizer

    product = qtyping.TFLOperationName.FULLY_CONNECTED
    with without_native_stderr():
        interpreter = Interpreter(model_content=twin)
        tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
        conversion = quantizer.Quantizer(bytearray(twin))
        conversion.add_dynamic_config(regex=".*", operation_name=product, num_bits=8)
        for operation in interpreter._get_ops_details():
            if operation["op_name"] != "FULLY_CONNECTED":
                continue
            # The verdict's own layer is small, and its rounding would be the verdict's.
            if np.prod(tensors[operation["inputs"][1]]["shape"]) < LARGE:
                conversion.update_quantization_recipe(
                    regex=re.escape(tensors[operation["outputs"][0]]["name"]),
                    operation_name=product,
                    algorithm_key=quantizer.AlgorithmName.NO_QUANTIZE,
                )
        with contextlib.redirect_stdout(io.StringIO()):
            return bytes(conversion.quantize().quantized_model)


def check_parity(
    network: keras.Model,
    twin: bytes,
    spec: InputSpec,
    calibration: Calibration,
    pictures: npt.NDArray[np.uint8],
    *,
    precision: Precision = "float32",
    place: Literal["inside", "beside"] = "inside",
) -> Twin:
    """Compare the twin's scores with Keras's.

    Args:
        network: the Keras form; where its file stores fewer bits, as `open_archive` opens it.
        twin: its compiled form.
        spec: their input.
        calibration: turns both logits into scores.
        pictures: the parity set, uint8 (n, s, s, 3); black, white and noise are added to it.
        precision: of the twin, as `compile_twin` was told.
        place: of the twin, for the card.

    Returns:
        the measured agreement, for the card.

    Raises:
        ModelFileError: some score differs by more than `TOLERANCE` of the precision.
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
    batch_size = min(256, max(1, _BATCH_PIXELS // spec.size**2))
    logits = network.predict(inputs.astype(np.float32), batch_size=batch_size, verbose=0)[:, 0]
    difference = float(np.abs(from_twin - calibration.score(logits)).max())
    # `not <=` also catches NaN
    tolerance = TOLERANCE[precision]
    if not difference <= tolerance:
        raise ModelFileError(
            expected=f"the compiled network to score within {tolerance} of Keras",
            received=f"a difference of {difference:.2g} over {len(inputs)} pictures",
            advice="This is a defect of the conversion: please report it with the recipe.",
        )
    return Twin(
        precision=precision,
        place=place,
        max_score_difference=difference,
        parity_pictures=len(inputs),
    )

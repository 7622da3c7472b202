"""Running the compiled twin with LiteRT: pixels in, logits and activation maps out."""

import math
import os
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from keras_detector.card import InputSpec
from keras_detector.errors import ModelFileError
from keras_detector.native_stderr import without_native_stderr
from keras_detector.pixels import Pixels
from keras_detector.twin_operations import foreign_operation

LARGE = 32_000_000
"""Bytes from which a twin is worth several threads; below, they cost more than they save."""

_MOST_THREADS = 4


def threads_for(twin: bytes) -> int:
    """How many threads one picture is run on."""
    return min(os.cpu_count() or 1, _MOST_THREADS) if len(twin) >= LARGE else 1


class Output(NamedTuple):
    """What the network says of one picture.

    Attributes:
        logit: the uncalibrated output; positive speaks for `fake`.
        activation_map: float32 (h, w), how much each place adds to the logit.
    """

    logit: float
    activation_map: npt.NDArray[np.float32]


class Runtime:
    """A loaded twin.

    Pictures are run one by one, so that a score never depends on what else is judged beside it: a
    small network on one thread, a large one on up to four. Not safe to share between threads.

    Args:
        twin: the bytes of `model.tflite`.
        spec: the input the card promises.
        threads: to run it on, where `threads_for` does not know what else there is to do. The
            output is the same bit for bit.

    Attributes:
        threads: how many threads a picture is run on.

    Raises:
        ModelFileError: the bytes are no network with that input and the two outputs.
    """

    def __init__(self, twin: bytes, spec: InputSpec, threads: int | None = None) -> None:
        from ai_edge_litert.interpreter import Interpreter

        if (foreign := foreign_operation(twin)) is not None:
            raise _broken(foreign)
        self.threads = threads or threads_for(twin)
        try:
            # It announces its delegate each time, and cannot be asked not to.
            with without_native_stderr():
                interpreter = Interpreter(model_content=twin, num_threads=self.threads)
                interpreter.allocate_tensors()
            # A ValueError as well: names of tensors that are not UTF-8.
            inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        except (RuntimeError, ValueError) as error:
            raise _broken(str(error)) from error
        wanted = (1, spec.size, spec.size, 3)
        shapes = {tuple(int(side) for side in o["shape"]): int(o["index"]) for o in outputs}
        maps = [index for shape, index in shapes.items() if len(shape) == 3 and shape[0] == 1]
        if (
            len(inputs) != 1
            or tuple(int(side) for side in inputs[0]["shape"]) != wanted
            or (1, 1) not in shapes
            or len(maps) != 1
            or any(tensor["dtype"] is not np.float32 for tensor in (*inputs, *outputs))
        ):
            raise _broken(f"inputs {[i['shape'].tolist() for i in inputs]}, outputs {list(shapes)}")
        self._interpreter: Any = interpreter
        self._input = int(inputs[0]["index"])
        self._logit = shapes[1, 1]
        self._map = maps[0]

    def run(self, pixels: Pixels) -> Output:
        """Run the network on one fitted picture.

        Args:
            pixels: uint8 (size, size, 3), as `images.fit` makes it.

        Raises:
            ModelFileError: the network cannot be run, or its logit is not finite.
        """
        self._interpreter.set_tensor(self._input, pixels[np.newaxis].astype(np.float32))
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise _broken(str(error)) from error
        logit = float(self._interpreter.get_tensor(self._logit)[0, 0])
        if not math.isfinite(logit):
            raise _broken(f"a logit of {logit}")
        return Output(logit=logit, activation_map=self._interpreter.get_tensor(self._map)[0])


def _broken(received: str) -> ModelFileError:
    return ModelFileError(
        expected="a compiled network with one picture in, a logit and an activation map out",
        received=received,
        advice="Train the model again, or get a fresh copy of the file.",
    )

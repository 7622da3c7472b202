"""The autoencoder that content-matched pairs pass through, ready to run."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from keras_detector.errors import DataError
from keras_detector.networks.tiny_autoencoder import State, build_decoder, build_encoder
from keras_detector.pixels import Pixels
from keras_detector.printable import printable
from training.pretrained.torch_file import read_state_dict

_ADVICE = "Give the folder of the autoencoder TAEF2, as its author publishes it."


class Autoencoder:
    """TAEF2's encoder and decoder.

    Args:
        encoder: the encoder's state dict.
        decoder: the decoder's.

    Raises:
        KeyError: a state dict lacks an array.
        ValueError: an array has the wrong shape.
    """

    def __init__(self, encoder: State, decoder: State) -> None:
        self._encoder, self._decoder = build_encoder(encoder), build_decoder(decoder)

    def encode(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Latents, float32 (h/8, w/8, 32), of one picture, uint8 (h, w, 3)."""
        latents = self._encoder.predict_on_batch(pixels[np.newaxis].astype(np.float32) / 255)
        first: npt.NDArray[np.float32] = np.asarray(latents, np.float32)[0]
        return first

    def decode(self, latents: npt.NDArray[np.float32]) -> Pixels:
        """The picture, uint8 (8h, 8w, 3), of latents, float32 (h, w, 32)."""
        picture = np.asarray(self._decoder.predict_on_batch(latents[np.newaxis]))[0]
        return np.asarray(np.rint(picture * 255), np.uint8)


def load_autoencoder(directory: Path) -> Autoencoder:
    """Read the two files of a folder, `*encoder.pth` and `*decoder.pth`.

    Raises:
        DataError: a file is missing, or is no state dict of this autoencoder.
    """
    states = []
    for part in ("encoder", "decoder"):
        files = sorted(directory.glob(f"*{part}.pth"))
        if len(files) != 1:
            raise DataError(
                expected=f"one file *{part}.pth in {printable(directory)}",
                received=f"{len(files)}",
                advice=_ADVICE,
            )
        states.append(read_state_dict(files[0]))
    try:
        return Autoencoder(*states)
    except (KeyError, ValueError) as error:
        raise DataError(
            expected=f"the weights of TAEF2 in {printable(directory)}",
            received=str(error),
            advice=_ADVICE,
        ) from error

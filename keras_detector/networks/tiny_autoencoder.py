"""TAEF2, a small latent-diffusion autoencoder: what a generator's last stage does to a picture.

Ollin Boer Bohan's distilled stand-in for FLUX.2's autoencoder (MIT; the "tiny autoencoder" family,
github.com/madebyollin/taesd). The encoder turns a picture into latents of an eighth of its side and
32 channels, the decoder turns latents back into a picture. Both are plain stacks of 3x3
convolutions and residual blocks; in the stages of lowest resolution a block begins with a
group-normalised side branch.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

LATENT_CHANNELS = 32
LATENT_STRIDE = 8
"""Pixels a latent stands for, in each direction."""

_WIDTH = 64
_POOL_WIDTH = 256
_POOL_GROUPS = 4

State = Mapping[str, npt.NDArray[np.float32]]


def build_encoder(state: State) -> "keras.Model":
    """The encoder: RGB (n, h, w, 3) in 0 to 1 to latents (n, h/8, w/8, 32); h, w multiples of 8.

    Args:
        state: name to array, as the published state dict names and shapes them.
    """
    from keras import Input, Model

    stack = _Stack(state)
    picture = Input((None, None, 3))
    value = stack.block(stack.convolution(picture, _WIDTH), pooled=False)
    for pooled in (False, False, True):
        value = stack.convolution(value, _WIDTH, stride=2, bias=False)
        for _ in range(3):
            value = stack.block(value, pooled=pooled)
    model = Model(picture, stack.convolution(value, LATENT_CHANNELS), name="taef2_encoder")
    stack.load(model)
    return model


def build_decoder(state: State) -> "keras.Model":
    """The decoder: latents (n, h, w, 32) to RGB (n, 8h, 8w, 3), clipped to 0 to 1.

    Args:
        state: as for `build_encoder`.
    """
    from keras import Input, Model, layers, ops

    stack = _Stack(state)
    latents = Input((None, None, LATENT_CHANNELS))
    value = stack.step(3.0 * ops.tanh(latents / 3.0))
    value = stack.step(ops.relu(stack.convolution(value, _WIDTH)))
    for pooled in (True, False, False):
        for _ in range(3):
            value = stack.block(value, pooled=pooled)
        value = stack.step(layers.UpSampling2D(2)(value))
        value = stack.convolution(value, _WIDTH, bias=False)
    value = stack.convolution(stack.block(value, pooled=False), 3)
    model = Model(latents, ops.clip(value, 0.0, 1.0), name="taef2_decoder")
    stack.load(model)
    return model


class _Stack:
    """Builds layer after layer and remembers which part of the state each one takes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._position = 0
        self._wanted: dict[str, tuple[str, ...]] = {}

    def step(self, value: Any) -> Any:
        """Count a step of the published stack that has no weights."""
        self._position += 1
        return value

    def convolution(self, value: Any, filters: int, *, stride: int = 1, bias: bool = True) -> Any:
        """A 3x3 convolution with a border of one, as a step of its own."""
        return self.step(self._convolution(value, filters, str(self._position), stride, bias=bias))

    def block(self, value: Any, *, pooled: bool) -> Any:
        """A residual block, as a step of its own."""
        from keras import layers, ops

        name = str(self._position)
        if pooled:
            side = self._convolution(value, _POOL_WIDTH, f"{name}.pool.0", size=1, bias=False)
            norm = layers.GroupNormalization(
                _POOL_GROUPS, epsilon=1e-5, name=_layer(f"{name}.pool.1")
            )
            self._wanted[norm.name] = (f"{name}.pool.1.weight", f"{name}.pool.1.bias")
            side = ops.relu(norm(side))
            value = value + self._convolution(side, _WIDTH, f"{name}.pool.3", size=1, bias=False)
        inner = value
        for at in (0, 2, 4):
            inner = self._convolution(ops.relu(inner) if at else inner, _WIDTH, f"{name}.conv.{at}")
        return self.step(ops.relu(inner + value))

    def load(self, model: "keras.Model") -> None:
        """Give every layer its part of the state.

        Raises:
            KeyError: the state lacks a name.
            ValueError: an array has another shape than the layer.
        """
        for layer in model.layers:
            names = self._wanted.get(layer.name, ())
            arrays = [np.asarray(self._state[name], dtype=np.float32) for name in names]
            # PyTorch stores (out, in, h, w), Keras (h, w, in, out).
            layer.set_weights([a.transpose(2, 3, 1, 0) if a.ndim == 4 else a for a in arrays])

    def _convolution(
        self,
        value: Any,
        filters: int,
        name: str,
        stride: int = 1,
        *,
        size: int = 3,
        bias: bool = True,
    ) -> Any:
        from keras import layers

        # Keras's "same" pads a strided convolution on the far side only, the original on both.
        padded = layers.ZeroPadding2D(1)(value) if size == 3 else value
        layer = layers.Conv2D(filters, size, strides=stride, use_bias=bias, name=_layer(name))
        self._wanted[layer.name] = (f"{name}.weight", f"{name}.bias")[: 1 + bias]
        return layer(padded)


def _layer(name: str) -> str:
    return "layer_" + name.replace(".", "_")

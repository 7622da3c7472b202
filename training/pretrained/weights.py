"""Pretrained weights: from ImageNet, from a file, or none.

A network that has fewer layers than a weights file takes its own and leaves the rest, so that the
first blocks of a tower can be had from the file of the whole.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from keras_detector.errors import WeightsError
from keras_detector.networks.backbones import BACKBONES, Backbone
from keras_detector.printable import printable
from training.pretrained.weights_cache import cached_weights
from training.pretrained.weights_file import read_weights

NO_WEIGHTS = "none"
"""The source that leaves a network as it was initialised."""

_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def load_weights(network: keras.Model, backbone: Backbone | str, source: str) -> None:
    """Give a backbone its weights.

    Args:
        network: what `Backbone.build` built, not yet part of another network.
        backbone: which one it is, or its name.
        source: `"none"`; the name of its published weights (`"imagenet"`, for CLIP `"clip"`); or
            the path of a file: an `.npz` as `training.pretrained.weights_file` describes it, or the
            `.h5` file that Keras publishes for the same network without its top.

    Raises:
        WeightsError: there is no such source, it cannot be fetched, or does not fit the network.
    """
    if isinstance(backbone, str):
        backbone = BACKBONES[backbone]
    if source == NO_WEIGHTS:
        return
    if source in ("imagenet", "clip"):
        if source != backbone.weights:
            raise WeightsError(
                expected=f"weights for {backbone.name}: {_choices(backbone)}",
                received=source,
                advice="No weights of that name are published for it.",
            )
        if backbone.application is not None:
            _load_application(network, backbone)
            return
        path = cached_weights(backbone.name)
        if not os.path.isfile(path):  # noqa: PTH113 - pathlib raises on some names
            raise WeightsError(
                expected=f"the {source} weights of {backbone.name} in {printable(path)}",
                received="no such file",
                advice=f"Fetch them once: python -m training import-weights {backbone.name}.",
            )
    else:
        path = Path(source)
        if not os.path.isfile(path):  # noqa: PTH113 - pathlib raises on some names
            raise WeightsError(
                expected=f"weights for {backbone.name}: {_choices(backbone)}",
                received=f"{printable(source)}, which is no file",
                advice="Check the path, or name a source.",
            )
    if path.suffix == ".h5":
        _load_keras_file(network, backbone, path)
    else:
        _assign(network, read_weights(path), printable(path))


def weights_of(network: keras.Model) -> dict[str, npt.NDArray[np.float32]]:
    """The weights of a network by variable, as `weights_file.save_weights` takes them."""
    return {variable.path: variable.numpy() for variable in network.weights}


def _assign(
    network: keras.Model, arrays: Mapping[str, npt.NDArray[np.float32]], origin: str
) -> None:
    # All of it is checked before any of it is assigned.
    for variable in network.weights:
        found = arrays.get(variable.path)
        if found is None or found.shape != tuple(variable.shape):
            raise WeightsError(
                expected=f"{variable.path} of shape {tuple(variable.shape)} in {origin}",
                received="nothing of that name" if found is None else f"shape {found.shape}",
                advice="Use weights of the same network, built with the same options and size.",
            )
    for variable in network.weights:
        variable.assign(arrays[variable.path])


def _load_application(network: keras.Model, backbone: Backbone) -> None:
    application = getattr(keras.applications, str(backbone.application))
    try:
        trained = application(
            include_top=False, weights="imagenet", input_shape=network.input_shape[1:]
        )
    # Keras raises a bare Exception, with the address in its text, when a download fails.
    except Exception as error:
        raise WeightsError(
            expected=f"to download the ImageNet weights of {backbone.name}",
            received=str(error),
            advice="Go online once (Keras keeps the file in ~/.keras/models), or fetch its "
            "_notop.h5 from https://storage.googleapis.com/tensorflow/keras-applications/ on "
            "another computer and pass its path as the weights.",
        ) from error
    try:
        network.set_weights(trained.get_weights())
    except ValueError as error:
        raise WeightsError(
            expected=f"{backbone.name} as its ImageNet weights were published for it",
            received=f"a network with other options: {error!s:.300}",
            advice=f"Leave network.options out, or use other weights: {_choices(backbone)}.",
        ) from error
    _fold_deviation(network, backbone)


def _load_keras_file(network: keras.Model, backbone: Backbone, path: Path) -> None:
    try:
        network.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            expected=f"the weights that Keras publishes for {backbone.name} without its top",
            received=f"{printable(path)}: {error!s:.500}",
            advice="Use the _notop.h5 file of exactly this network.",
        ) from error
    _fold_deviation(network, backbone)


def _fold_deviation(network: keras.Model, backbone: Backbone) -> None:
    # Keras's EfficientNets have one scaling layer more when they are built with ImageNet weights:
    # each channel is divided by the root of its deviation. In the variance it comes to the same.
    if not (backbone.application or "").startswith("EfficientNetB"):
        return
    scaling = next(x for x in network.layers if isinstance(x, keras.layers.Normalization))
    mean, variance, count = scaling.get_weights()
    scaling.set_weights([mean, variance * np.asarray(_IMAGENET_DEVIATION, np.float32), count])
    scaling.finalize_state()  # what it computes with is derived from them


def _choices(backbone: Backbone) -> str:
    named = [backbone.weights] if backbone.weights else []
    return ", ".join([*named, "the path of an .npz or .h5 file", f'or "{NO_WEIGHTS}"'])

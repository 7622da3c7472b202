"""From a recipe's `[network]` and `[head]` lines to a backbone, and a head upon it."""

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt

from keras_detector.errors import RecipeError
from training.transfer_lines import BackboneNetwork, HeadLines

Layers = Sequence[tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]]
"""A head's Dense layers from features to logit: kernel (in, out) and bias (out,) each."""


def build_extractor(network: BackboneNetwork, size: int) -> keras.Model:
    """The backbone with its pooling: pictures (n, s, s, 3), 0 to 255, to features (n, d).

    Args:
        network: the recipe's lines.
        size: side of the input, in pixels.

    Raises:
        RecipeError: there is no such backbone, or an option or the pooling does not fit it.
        DetectorError: its weights cannot be had; the message says where to get them.
    """
    from keras_detector.networks.backbones import BACKBONES
    from training.pretrained.weights import load_weights

    if network.backbone not in BACKBONES:
        raise RecipeError(
            expected=f"a backbone: {', '.join(sorted(BACKBONES))}",
            received=network.backbone,
            advice="For example: --set network.backbone=efficientnet-b0",
        )
    try:
        backbone = BACKBONES[network.backbone].build(size, **network.options)
    except (TypeError, ValueError) as error:
        raise RecipeError(
            expected=f"network.options and input.size that {network.backbone} can be built with",
            received=f"{network.options}, {size}: {error}",
            advice="See what the backbone takes in keras_detector/networks/backbones.py.",
        ) from error
    load_weights(backbone, BACKBONES[network.backbone], network.weights)
    return keras.Model(backbone.inputs, _pooled(backbone.outputs[0], network), name="features")


def attach_head(extractor: keras.Model, head: HeadLines) -> keras.Model:
    """Put a fresh head on a feature extractor; the weights below are shared.

    Args:
        extractor: pictures, or anything else, to features (n, d).
        head: the recipe's lines.

    Returns:
        the network from the extractor's input to logits (n, 1).
    """
    tensor = extractor.outputs[0]
    for units in head.hidden_units:
        if head.dropout:
            tensor = keras.layers.Dropout(head.dropout)(tensor)
        tensor = keras.layers.Dense(units, activation="relu")(tensor)
    if head.dropout:
        tensor = keras.layers.Dropout(head.dropout)(tensor)
    # In mixed precision, the loss still needs the logit in 32 bits.
    logit = keras.layers.Dense(1, name="logit", dtype="float32")(tensor)
    return keras.Model(extractor.inputs, logit, name="trunk")


def set_head(network: keras.Model, layers: Layers) -> None:
    """Give the last Dense layers of `network` these weights."""
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    for layer, (kernel, bias) in zip(dense[-len(layers) :], layers, strict=True):
        layer.set_weights([kernel.astype(np.float32), bias.astype(np.float32)])


def refuse_unexplained(trunk: keras.Model) -> None:
    """Refuse a network that could be trained and not be saved: every model explains its verdicts.

    Raises:
        RecipeError: its activation map has no closed form.
    """
    from keras_detector.networks.activation_map import with_activation_map

    try:
        with_activation_map(trunk)
    except TypeError as error:
        raise RecipeError(
            expected="a network with a head that an activation map can be had of",
            received=str(error),
            advice="Use a backbone, network.pooling and head of the shipped recipes.",
        ) from error


def _pooled(features: keras.KerasTensor, network: BackboneNetwork) -> keras.KerasTensor:
    rank = len(features.shape)
    if (rank == 4) == (network.pooling == "none"):
        raise RecipeError(
            expected=f"network.pooling that fits {network.backbone}, which gives "
            + ("a map: average or flatten" if rank == 4 else "a vector: none"),
            received=network.pooling,
            advice="For example: --set network.pooling=" + ("average" if rank == 4 else "none"),
        )
    pooling = {
        "average": keras.layers.GlobalAveragePooling2D,
        "flatten": keras.layers.Flatten,
    }
    return features if rank != 4 else pooling[network.pooling]()(features)

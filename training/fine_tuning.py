"""The second phase: training a network's own layers too, gently, after its head."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import msgspec
import numpy as np
import numpy.typing as npt

from keras_detector.card import InputSpec
from keras_detector.errors import RecipeError
from keras_detector.labelled_directory import Split
from training.batches import OrderedBatches
from training.dataset import Dataset
from training.epochs import Epochs, run_epochs
from training.network import compile_for_logits
from training.recipe import TransferRecipe, TuningRecipe
from training.run_directory import RunDirectory, run_identity
from training.stopping import AccuracyTargetStopping
from training.strategy import arithmetic, training_strategy
from training.transfer_lines import FineTuneLines
from training.view_batches import ViewBatches
from training.web_augmentation import WebAugmentation


def fine_tune(
    trunk: keras.Model,
    recipe: TransferRecipe | TuningRecipe,
    spec: InputSpec,
    dataset: Dataset,
    run: RunDirectory,
    versions: dict[str, str],
) -> Epochs:
    """Train `trunk` further by the recipe's `[fine_tune]` lines; it ends with the best weights.

    Where no epoch is better on validation data than `trunk` was, it is left as it was.

    Args:
        trunk: pictures (n, s, s, 3), 0 to 255, to logits (n, 1).
        recipe: what to do.
        spec: what the network sees.
        dataset: on what.
        run: where the state of each finished epoch is kept.
        versions: of the packages that a resumed run must share.

    Raises:
        RecipeError: there is no layer of the name to unfreeze from.
        RunError: the loss is not finite, or `run` holds the state of another training.
        SaveError: the state cannot be written.
    """
    lines, settings = recipe.fine_tune, recipe.train
    start = trunk.get_weights()
    with training_strategy().scope(), arithmetic(settings.precision):
        network = _copy(trunk, settings.precision)
        network.set_weights(start)
        unfreeze(network, lines)
        optimizer = keras.optimizers.Adam(
            lines.learning_rate, weight_decay=lines.weight_decay or None
        )
        compile_for_logits(network, optimizer, label_smoothing=lines.label_smoothing)
    batches = ViewBatches(
        dataset,
        dataset.rows[Split.TRAIN],
        spec=spec,
        change=WebAugmentation(recipe.views),
        batch_size=lines.batch_size,
        seed=settings.seed,
        class_weights=settings.class_weights,
        weights=dataset.weights(settings.balance, settings.source_weights),
    )
    validation = OrderedBatches(dataset.pixels, dataset.labels, dataset.rows[Split.VALIDATION])
    state = run.phase("fine_tune")
    target = None if lines.target_accuracy == "none" else lines.target_accuracy
    stopping = AccuracyTargetStopping(target, patience=lines.patience)
    if not state.has_state:
        before = network.evaluate(validation, verbose=0, return_dict=True)["accuracy"]
        at_start = {"best": before, "best_epoch": -1, "wait": 0, "target_reached": False}
        stopping.restore(at_start, start)
    ended = run_epochs(
        network,
        batches,
        validation,
        epochs=lines.epochs,
        stopping=stopping,
        seed=settings.seed,
        run=state,
        identity=_identity(recipe, spec, dataset, start, versions),
        rate_line="fine_tune.learning_rate",
    )
    trunk.set_weights(ended.best_weights)
    return ended


def unfreeze(network: keras.Model, lines: FineTuneLines) -> None:
    """Set which layers of `network` are trained.

    Raises:
        RecipeError: no layer is called `lines.unfreeze`, or begins so.
    """
    first = first_unfrozen(network, lines)
    for at, layer in enumerate(_leaves(network)):
        frozen_norm = lines.freeze_batch_norm and isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = at >= first and not frozen_norm


def first_unfrozen(network: keras.Model, lines: FineTuneLines) -> int:
    """The place of the first layer that is trained, among all that are no networks themselves.

    Raises:
        RecipeError: no layer is called `lines.unfreeze`, or begins so.
    """
    if lines.unfreeze == "all":
        return 0
    layers = list(_leaves(network))
    for at, layer in enumerate(layers):
        if layer.name.startswith(lines.unfreeze):
            return at
    blocks = sorted({layer.name for layer in layers if layer.weights})
    raise RecipeError(
        expected=f"fine_tune.unfreeze: all, or the beginning of one of {', '.join(blocks)}",
        received=lines.unfreeze,
        advice="For example: --set fine_tune.unfreeze=all",
    )


def _leaves(network: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer


def _copy(trunk: keras.Model, precision: str) -> keras.Model:
    """The same network with fresh weights, each layer but the logit's in `precision`."""

    def renewed(layer: keras.layers.Layer) -> keras.layers.Layer:
        if not isinstance(layer, keras.layers.Layer):  # a bare operation: it has no weights
            return layer
        config: dict[str, Any] = layer.get_config()
        if layer.name != "logit" and precision != "float32":
            config["dtype"] = precision
        return layer.__class__.from_config(config)

    make: Callable[..., keras.Model] = keras.models.clone_model
    return make(trunk, clone_function=renewed, recursive=True)


def _identity(
    recipe: TransferRecipe | TuningRecipe,
    spec: InputSpec,
    dataset: Dataset,
    start: list[npt.NDArray[Any]],
    versions: dict[str, str],
) -> str:
    decides = [spec, recipe.data, recipe.views, recipe.train, recipe.fine_tune]
    digest = hashlib.sha256()
    for array in start:
        digest.update(f"{array.shape}".encode() + np.ascontiguousarray(array).data)
    return run_identity(
        [
            *(msgspec.json.encode(part).decode() for part in decides),
            dataset.fingerprint,
            msgspec.json.encode(versions, order="sorted").decode(),
            digest.hexdigest(),
        ]
    )

"""From a recipe to a network that is ready to train."""

import keras
import tensorflow as tf

from keras_detector.networks.mirror import average_mirrored
from keras_detector.networks.residual_cnn import build_residual_cnn
from keras_detector.networks.sequential_cnn import build_sequential_cnn
from training.recipe import Recipe, SequentialNetwork
from training.recipe_lines import TrainLines


def build_trunk(recipe: Recipe) -> keras.Model:
    """The network that is trained: one view of the picture in, one logit out."""
    lines = recipe.network
    if isinstance(lines, SequentialNetwork):
        return build_sequential_cnn(
            size=recipe.input.size,
            conv_blocks=lines.conv_blocks,
            base_channels=lines.base_channels,
            dense_units=lines.dense_units,
            dropout=lines.dropout,
        )
    return build_residual_cnn(
        size=recipe.input.size,
        channels=lines.channels,
        residual_blocks=lines.residual_blocks,
        dropout=lines.dropout,
    )


def finish_network(trunk: keras.Model, *, mirror: bool) -> keras.Model:
    """The network that is calibrated and saved: averaged over the mirror image, or as trained."""
    return average_mirrored(trunk) if mirror else trunk


def compile_network(network: keras.Model, train: TrainLines, steps_per_epoch: int) -> None:
    """Give `network` the optimizer that `[train]` describes, built, a loss and metrics."""
    rate: float | keras.optimizers.schedules.LearningRateSchedule = train.learning_rate
    if train.schedule == "one-cycle":
        steps = train.epochs * steps_per_epoch
        warmup = steps // 5
        rate = keras.optimizers.schedules.CosineDecay(
            train.learning_rate / 10,
            decay_steps=steps - warmup,
            warmup_target=train.learning_rate,
            warmup_steps=warmup,
        )
    decay = train.weight_decay or None
    if train.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=decay)
    else:
        optimizer = keras.optimizers.Adam(rate, weight_decay=decay)
    compile_for_logits(network, optimizer, label_smoothing=train.label_smoothing)


def compile_for_logits(
    network: keras.Model, optimizer: keras.optimizers.Optimizer, *, label_smoothing: float
) -> None:
    """Give `network` the loss and metrics of a logit, and build the optimizer.

    Args:
        network: pictures or features to logits (n, 1).
        optimizer: its weight decay, if it has any, will leave vectors (biases, scales) alone.
        label_smoothing: targets are moved this far towards 0.5, in share of the way.
    """
    if optimizer.weight_decay:
        vectors = [v for v in network.trainable_variables if len(v.shape) == 1]
        optimizer.exclude_from_weight_decay(var_list=vectors)
    network.compile(
        optimizer=optimizer,
        loss=keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=label_smoothing),
        metrics=[_LogitAccuracy(threshold=0.0, name="accuracy")],
    )
    # In mixed_float16 Keras has wrapped it, to scale the loss.
    network.optimizer.build(network.trainable_variables)


class _LogitAccuracy(keras.metrics.BinaryAccuracy):
    """Accuracy of logits; a mixed target counts as the class it holds more of."""

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        # The class weights belong to the loss, not to the share of right answers.
        super().update_state(tf.round(y_true), y_pred)

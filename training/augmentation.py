"""Random changes to training pictures. Validation, test and serving never see them."""

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training.recipe import AugmentLines
from training.seeding import reseed

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


class Augmentation:
    """The recipe's `[augment]` lines as a function of a batch and a seed.

    The same batch and seed give the same result whatever was drawn before, so that a run that
    goes on after a kill draws what it would have drawn.

    Args:
        lines: what to change and how strongly.
        size: side of the pictures, in pixels.
        flip, rotation and zoom keep values in 0 to 255; borders are filled by reflection.
    """

    def __init__(self, lines: AugmentLines, size: int) -> None:
        layers = keras.layers
        # Nearest neighbour moves pixels and mixes none: interpolation would smooth away the fine
        # texture by which generators are told, in training pictures only.
        resampling = {"fill_mode": "reflect", "interpolation": "nearest"}
        steps: list[keras.layers.Layer] = []
        if lines.flip:
            steps.append(layers.RandomFlip("horizontal"))
        if lines.rotation:
            steps.append(layers.RandomRotation(lines.rotation, **resampling))
        if lines.zoom:
            steps.append(layers.RandomZoom(lines.zoom, **resampling))
        if lines.shift:
            share = lines.shift / size
            steps.append(layers.RandomTranslation(share, share, **resampling))
        self._picture_steps = steps
        self._cutmix = layers.CutMix() if lines.cutmix else None
        self._cutmix_share = lines.cutmix
        shape = (None, size, size, 3)
        self._apply_compiled = tf.function(
            self._apply,
            input_signature=[
                tf.TensorSpec(shape, tf.float32),
                tf.TensorSpec((None, 1), tf.float32),
                tf.TensorSpec((), tf.bool),
            ],
        )

    def __call__(
        self,
        pictures: npt.NDArray[np.float32],
        targets: npt.NDArray[np.float32],
        seed: Sequence[int],
    ) -> Batch:
        """Change one batch.

        Args:
            pictures: float32 (n, size, size, 3), 0 to 255.
            targets: float32 (n, 1), 0 to 1.
            seed: any number of non-negative integers.

        Returns:
            pictures and targets of the same shapes; targets are fractions where CutMix mixed.
        """
        cutmix = self._cutmix
        steps = [*self._picture_steps, *([] if cutmix is None else [cutmix])]
        if not steps:
            return pictures, targets
        for number, step in enumerate(steps):
            reseed(step, [*seed, number])
        mixes = np.random.default_rng([*seed, len(steps)]).random() < self._cutmix_share
        changed, mixed = self._apply_compiled(pictures, targets, mixes)
        return changed.numpy(), mixed.numpy()

    def _apply(
        self, pictures: tf.Tensor, targets: tf.Tensor, mixes: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        for step in self._picture_steps:
            pictures = step(pictures, training=True)
        cutmix = self._cutmix
        if cutmix is None:
            return pictures, targets

        def mixed() -> tuple[tf.Tensor, tf.Tensor]:
            result = cutmix({"images": pictures, "labels": targets}, training=True)
            return result["images"], result["labels"]

        changed: tuple[tf.Tensor, tf.Tensor] = tf.cond(mixes, mixed, lambda: (pictures, targets))
        return changed

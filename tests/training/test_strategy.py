"""Several devices, and arithmetic in fewer bits."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from training.strategy import arithmetic, training_strategy

TWO_DEVICES = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import training.train
from training.strategy import training_strategy
devices = [device.name for device in tf.config.list_logical_devices("CPU")]
strategy = training_strategy(devices)
assert strategy.num_replicas_in_sync == 2, strategy
training.train.training_strategy = lambda: strategy
import sys
from pathlib import Path
from training.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def test_one_device_gets_tensorflows_default() -> None:
    assert not isinstance(training_strategy(["GPU:0"]), tf.distribute.MirroredStrategy)
    assert not isinstance(training_strategy([]), tf.distribute.MirroredStrategy)


def test_a_mixed_policy_ends_with_its_block_and_weights_stay_float32() -> None:
    with arithmetic("mixed_bfloat16"):
        layer = keras.layers.Dense(2)
        assert layer(np.zeros((1, 3), "float32")).dtype == "bfloat16"
    assert {weight.dtype for weight in layer.weights} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


def test_two_devices_train_a_model_together(dataset: Path, tmp_path: Path) -> None:
    from tests.conftest import TINY

    out = tmp_path / "m.keras"
    changes = [part for change in TINY for part in ("--set", change)]
    done = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES, "fit", str(dataset), "--recipe", "cnn32", "--out",
         str(out), *changes],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert out.exists()

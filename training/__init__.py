"""From a data directory to a model file. Imports TensorFlow; never part of the desktop app."""

import os

# All are read once, when TensorFlow is first imported. oneDNN is off by default on processors
# other than recent Intel ones, where it trains convolutions 1.7 times as fast (benchmarks/).
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Resuming and the compiled twin are TensorFlow's; a keras.json that says otherwise is another's.
os.environ["KERAS_BACKEND"] = "tensorflow"

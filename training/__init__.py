"""From a data directory to a model file. Imports TensorFlow; never part of the desktop app."""

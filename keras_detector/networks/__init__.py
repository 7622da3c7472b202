"""The Keras networks. Only training imports this; Keras is imported inside the functions."""

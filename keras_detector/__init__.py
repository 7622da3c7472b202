"""Is this picture a photograph, or was it generated or edited by AI?

The library behind the command line and the app. Importing it never imports TensorFlow or Keras:
a verdict is made by the compiled twin inside the model file.
"""

__version__ = "0.1.0"

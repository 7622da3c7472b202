"""The HTTP service: a front end like the command line. It asks a `Detector`, and judges nothing."""

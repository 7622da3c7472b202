"""Small curves, written as whole pictures of a hundred."""

from keras_detector.figures import Curve, Estimate, OperatingPoint
from keras_detector.measure import wilson


def make_curve(*points: tuple[float, int, int]) -> Curve:
    """A curve over 100 real and 100 fake pictures: (threshold, false alarms, fakes found)."""
    return Curve(
        measured_on="validation",
        n_real=100,
        n_fake=100,
        points=tuple(
            OperatingPoint(threshold, share_of_100(alarms), share_of_100(found))
            for threshold, alarms, found in points
        ),
    )


def share_of_100(part: int) -> Estimate:
    """`part` of 100 with its interval."""
    share = wilson(part, 100)
    assert share is not None
    return share

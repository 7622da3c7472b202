"""How readily a picture is called fake, as a person chooses it, and what that costs.

The levels are thresholds on the card's curve (`figures.Curve`), so that each can be worded as what
it costs. Why these: docs/adr/0014.
"""

from bisect import bisect_right
from enum import StrEnum

from keras_detector.card import Card, Threshold
from keras_detector.figures import OperatingPoint

CAUTIOUS_RATE, SENSITIVE_RATE = 0.01, 0.10
"""Share of real pictures that may be called fake: by a cautious tool, and by a sensitive one."""


class Strictness(StrEnum):
    """The three levels."""

    CAUTIOUS = "cautious"
    """At most 1 % of photographs called fake, and at most half as many as at `BALANCED`."""

    BALANCED = "balanced"
    """The card's own threshold."""

    SENSITIVE = "sensitive"
    """Up to 10 % of photographs called fake, or twice as many as at `BALANCED`, if that is more."""


def threshold_for(card: Card, strictness: Strictness) -> Threshold:
    """Where a score becomes fake at a level.

    The rates are those of the card's curve. Where no point of it accuses as rarely as `CAUTIOUS`
    asks for, its largest threshold is taken.

    Args:
        card: the model's card.
        strictness: the level.

    Returns:
        the card's threshold, moved to a point of its curve; the abstain band moves along in
        proportion, but its lower end never rises.
    """
    own = card.threshold
    rate = cost(card, own.value).false_positive_rate.value
    points = card.curve.points
    match strictness:
        case Strictness.BALANCED:
            return own
        case Strictness.CAUTIOUS:
            most = min(CAUTIOUS_RATE, rate / 2)
            stricter = [point for point in points if point.threshold >= own.value]
            moved = next((p for p in stricter if p.false_positive_rate.value <= most), points[-1])
        case Strictness.SENSITIVE:
            most = max(SENSITIVE_RATE, 2 * rate)
            # The card's own point is among them: it accuses half as often.
            moved = next(p for p in points if p.false_positive_rate.value <= most)
    return _moved(own, moved.threshold, strictness)


def cost(card: Card, threshold: float) -> OperatingPoint:
    """What a threshold costs: the point of the card's curve at it, or next below.

    It is exact for the thresholds that `threshold_for` gives; any other one accuses, and finds, at
    most as much.

    Args:
        card: the model's card.
        threshold: on the score, 0 to 1.

    Raises:
        ValueError: the threshold is not within 0 to 1.
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"a threshold of {threshold}")
    points = card.curve.points
    return points[bisect_right(points, threshold, key=lambda point: point.threshold) - 1]


def _moved(own: Threshold, value: float, strictness: Strictness) -> Threshold:
    low, high = own.abstain
    # Shares of the ground between the threshold and either end; at the very end there is none.
    below = low / own.value if own.value > 0.0 else 1.0
    above = (high - own.value) / (1.0 - own.value) if own.value < 1.0 else 0.0
    # Not up with it: who is more cautious calls no more pictures real.
    band = (min(below * value, low), min(value + above * (1.0 - value), 1.0))
    return Threshold(value=value, policy=strictness.value, abstain=band)

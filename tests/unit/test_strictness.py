"""The three levels: which threshold each is, and what it costs."""

import msgspec
import pytest

from keras_detector.card import Card, Threshold, decode_card, encode_card
from keras_detector.figures import Curve, Estimate, OperatingPoint
from keras_detector.strictness import Strictness, cost, threshold_for
from tests.curves import make_curve, share_of_100

POINTS = (
    (0.0, 100, 100),
    (0.2, 40, 95),
    (0.3, 18, 92),
    (0.4, 12, 90),
    (0.5, 6, 80),
    (0.7, 3, 60),
    (0.8, 1, 50),
    (0.9, 0, 30),
    (0.95, 0, 10),
)
Band = tuple[float, float]


def card_at(card: Card, value: float, band: Band | None = None, curve: Curve | None = None) -> Card:
    return msgspec.structs.replace(
        card,
        threshold=Threshold(value=value, policy="youden", abstain=band or (value, value)),
        curve=curve or make_curve(*POINTS),
    )


def levels(card: Card) -> list[float]:
    return [threshold_for(card, strictness).value for strictness in Strictness]


@pytest.mark.parametrize(
    ("own", "cautious", "sensitive"),
    [
        (0.5, 0.8, 0.4),  # 6 %: at most 1 %, and up to 12 %
        (0.7, 0.8, 0.5),  # 3 %: at most 1 %, and up to 10 %
        (0.8, 0.9, 0.5),  # 1 %: at most half of that
        (0.9, 0.9, 0.5),  # nobody is accused: no one can be more cautious
        (0.95, 0.95, 0.5),  # nor is a lower threshold that costs the same
        (0.2, 0.8, 0.2),  # 40 %: up to 80 %, but the next point has 100
        (0.3, 0.8, 0.3),  # 18 %: up to 36 %
    ],
)
def test_the_levels_are_points_of_the_curve(
    card: Card, own: float, cautious: float, sensitive: float
) -> None:
    assert levels(card_at(card, own)) == [cautious, own, sensitive]


def test_where_no_threshold_is_cautious_enough_it_is_the_largest(card: Card) -> None:
    assert levels(card_at(card, 0.5, curve=make_curve(*POINTS[:6]))) == [0.7, 0.5, 0.4]


def test_balanced_is_the_threshold_of_the_card_as_it_is(card: Card) -> None:
    mine = card_at(card, 0.5, (0.3, 0.6))
    assert threshold_for(mine, Strictness.BALANCED) is mine.threshold


def test_the_band_moves_along_in_proportion(card: Card) -> None:
    mine = card_at(card, 0.5, (0.3, 0.6))
    cautious = threshold_for(mine, Strictness.CAUTIOUS)
    assert cautious.abstain == pytest.approx((0.3, 0.84))
    assert cautious.policy == "cautious"
    assert threshold_for(mine, Strictness.SENSITIVE).abstain == pytest.approx((0.24, 0.52))


@pytest.mark.parametrize("own", [0.2, 0.3, 0.5, 0.7, 0.8])
def test_what_was_called_fake_is_never_called_real_by_a_more_cautious_level(
    card: Card, own: float
) -> None:
    for strictness in Strictness:
        moved = threshold_for(card_at(card, own), strictness)
        assert moved.abstain == (min(own, moved.value), moved.value)
        low, high = threshold_for(card_at(card, own, (0.1, 1.0)), strictness).abstain
        assert low < moved.value
        assert high == pytest.approx(1.0)
        assert high <= 1.0


def test_thresholds_at_the_very_ends_have_a_band_on_one_side(card: Card) -> None:
    everything = card_at(card, 0.0, (0.0, 0.5), make_curve((0.0, 100, 100), (0.6, 1, 50)))
    assert threshold_for(everything, Strictness.CAUTIOUS).abstain == pytest.approx((0.0, 0.8))
    nothing = card_at(card, 1.0, (0.5, 1.0), make_curve((0.0, 90, 99), (0.4, 9, 50), (1.0, 0, 1)))
    moved = threshold_for(nothing, Strictness.SENSITIVE)
    assert moved.value == 0.4
    assert moved.abstain == pytest.approx((0.2, 0.4))


def test_the_cost_is_the_point_at_the_threshold_or_next_below(card: Card) -> None:
    mine = card_at(card, 0.5)
    for threshold, expected in [(0.5, 0.5), (0.69, 0.5), (0.0, 0.0), (0.1, 0.0), (1.0, 0.95)]:
        assert cost(mine, threshold).threshold == expected
    assert cost(mine, 0.5).recall == share_of_100(80)
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="threshold"):
            cost(mine, wrong)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ((), "begin"),
        (((0.1, 100, 100),), "begin"),
        (((0.0, 100, 100), (0.5, 9, 9), (0.5, 9, 9)), "do not rise"),
        (((0.0, 100, 100), (0.5, 9, 9), (0.4, 8, 8)), "do not rise"),
        (((0.0, 90, 100), (0.5, 91, 9)), "rises with"),
        (((0.0, 90, 90), (0.5, 9, 91)), "rises with"),
    ],
)
def test_a_curve_that_is_none_is_refused(
    points: tuple[tuple[float, int, int], ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        make_curve(*points)


@pytest.mark.parametrize(
    "rate", [(0.5, 0.6, 0.7), (0.5, 0.4, 1.1), (float("nan"), 0.0, 1.0), (0.0, 0.0, 0.0)]
)
def test_a_rate_that_is_none_is_refused(rate: tuple[float, float, float]) -> None:
    for pair in ((share_of_100(50), Estimate(*rate)), (Estimate(*rate), share_of_100(50))):
        with pytest.raises(ValueError, match="rate of"):
            Curve("validation", 1, 1, (OperatingPoint(0.0, *pair),))


def test_a_card_keeps_its_curve(card: Card) -> None:
    mine = card_at(card, 0.8)
    assert decode_card(encode_card(mine)).curve == mine.curve

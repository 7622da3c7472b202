import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_curve

from keras_detector.errors import RecipeError, ThresholdError
from keras_detector.measure import wilson
from training.threshold import check_policy, choose_threshold


def noisy(n_real: int, n_fake: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [n_real, n_fake])
    return labels, 1 / (1 + np.exp(-(4 * labels - 2 + rng.normal(0, 1.5, labels.size))))


def false_and_true_positives(labels, scores, value):
    called = scores >= value
    return int((called & (labels == 0)).sum()), int((called & (labels == 1)).sum())


@pytest.mark.parametrize("policy", ["youden", "f1"])
def test_separable_scores_are_parted_in_the_middle_of_the_gap(policy):
    threshold = choose_threshold(
        np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.6, 0.9]), policy, 0.5
    )
    assert threshold.value == pytest.approx(0.45)
    assert threshold.policy == policy


def test_youden_counted_by_hand():
    labels = np.array([0, 0, 0, 0, 1, 1])
    scores = np.array([0.1, 0.2, 0.3, 0.7, 0.6, 0.8])
    # At 0.8: 1/2 - 0; at 0.6: 2/2 - 1/4, the largest; halfway to 0.3.
    assert choose_threshold(labels, scores, "youden", 0.5).value == pytest.approx(0.45)


def test_youden_is_no_worse_than_any_other_threshold():
    labels, scores = noisy(300, 200)

    def youden(value):
        fp, tp = false_and_true_positives(labels, scores, value)
        return tp / 200 - fp / 300

    chosen = choose_threshold(labels, scores, "youden", 0.5).value
    assert youden(chosen) == pytest.approx(max(youden(value) for value in scores))


def test_f1_is_the_largest_of_the_precision_recall_curve():
    labels, scores = noisy(300, 100)
    precision, recall, _ = precision_recall_curve(labels, scores)
    best = np.nanmax(2 * precision * recall / (precision + recall))
    chosen = choose_threshold(labels, scores, "f1", 0.5).value
    assert f1_score(labels, scores >= chosen) == pytest.approx(best)


def test_of_equals_the_middle_one_is_taken():
    # Below 0.9, 0.7 and 0.5 the true minus the false positive rate is 1/3 each time.
    labels = np.array([1, 0, 1, 0, 1, 0])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    assert choose_threshold(labels, scores, "youden", 0.5).value == pytest.approx(0.65)


def test_threshold_lies_on_no_picture():
    labels, scores = noisy(200, 200)
    for policy in ("youden", "f1", "fpr=0.1"):
        assert choose_threshold(labels, scores, policy, 0.5).value not in scores


def test_neighbouring_floats_are_still_parted():
    low = 0.5
    high = np.nextafter(low, 1)
    value = choose_threshold(np.array([0, 1]), np.array([low, high]), "youden", 0.5).value
    assert low < value <= high


@pytest.mark.parametrize("score", [0.0, 0.3, 1.0])
def test_one_score_for_all_pictures_still_gives_a_threshold(score):
    threshold = choose_threshold(np.array([0, 1, 1]), np.full(3, score), "youden", 0.2)
    assert 0 <= threshold.value <= score


def test_fpr_keeps_its_promise_and_finds_the_most_fakes_within_it():
    labels, scores = noisy(500, 500)
    value = choose_threshold(labels, scores, "fpr=0.05", 0.5).value
    fp, tp = false_and_true_positives(labels, scores, value)
    assert wilson(fp, 500).high <= 0.05
    within = [
        found
        for alarms, found in (false_and_true_positives(labels, scores, s) for s in scores)
        if wilson(alarms, 500).high <= 0.05
    ]
    assert tp == max(within)


def test_fpr_holds_beyond_the_pictures_it_was_chosen_on():
    # A measured rate of at most 0.05 would be broken in about half of these.
    unseen = noisy(50_000, 1, seed=10_000)[1][:-1]
    rates = []
    for seed in range(100):
        value = choose_threshold(*noisy(500, 500, seed), "fpr=0.05", 0.5).value
        rates.append(np.mean(unseen >= value))
    assert np.mean(np.array(rates) > 0.05) <= 0.06


def test_fpr_takes_the_fewest_false_alarms_of_equal_recall():
    labels = np.array([1] * 10 + [0] * 400)
    scores = np.concatenate([np.full(10, 0.9), np.linspace(0.1, 0.8, 400)])
    assert choose_threshold(labels, scores, "fpr=0.05", 0.5).value == pytest.approx(0.85)


@pytest.mark.parametrize(("policy", "needed"), [("fpr=0.05", 73), ("fpr=0.01", 381)])
def test_fpr_is_refused_with_the_number_of_real_pictures_it_takes(policy, needed):
    rate = float(policy.removeprefix("fpr="))
    assert wilson(0, needed).high <= rate < wilson(0, needed - 1).high
    with pytest.raises(ThresholdError, match=f"at least {needed} real") as caught:
        choose_threshold(*noisy(50, 500), policy, 0.5)
    assert caught.value.received == "50"
    with pytest.raises(ThresholdError):
        check_policy(policy, needed - 1)
    check_policy(policy, needed)


def test_just_enough_real_pictures_are_enough():
    labels = np.repeat([0, 1], [73, 5])
    assert choose_threshold(labels, labels * 0.9, "fpr=0.05", 0.5).value == pytest.approx(0.45)


def test_fpr_that_finds_no_fake_is_refused():
    labels = np.repeat([0, 1], [100, 50])
    with pytest.raises(ThresholdError, match="finds fakes"):
        choose_threshold(labels, 1 - labels * 0.5, "fpr=0.05", 0.5)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("policy", ["youden", "f1", "fpr=0.5"])
def test_a_missing_class_is_refused(label, policy):
    with pytest.raises(ThresholdError, match="real"):
        choose_threshold(np.full(9, label), np.linspace(0, 1, 9), policy, 0.5)


@pytest.mark.parametrize(
    "policy",
    ["", "Youden", "fpr", "fpr=", "fpr=x", "fpr=0", "fpr=1", "fpr=5", "fpr=-0.1", "fpr=nan",
     "fpr=inf", "fpr=1e-2", "fpr=0.05 ", "fpr=0.05\n", "fpr=\u0660.\u0665"],
)  # fmt: skip
def test_a_policy_that_says_nothing_we_know_is_refused(policy):
    with pytest.raises(RecipeError, match="youden, f1, or fpr=X"):
        choose_threshold(*noisy(500, 500), policy, 0.5)


@pytest.mark.parametrize("risk", [0.0, -0.1, 0.6, float("nan")])
def test_a_risk_out_of_range_is_refused(risk):
    with pytest.raises(RecipeError, match="abstain risk"):
        choose_threshold(*noisy(10, 10), "youden", risk)


@pytest.mark.parametrize(
    ("at", "risk", "band"),
    [
        (0.5, 0.1, (0.1, 0.9)),
        (0.05, 0.1, (0.05, 0.9)),
        (0.97, 0.1, (0.1, 0.97)),
        (0.7, 0.5, (0.7, 0.7)),
    ],
)
def test_band_holds_the_scores_likelier_wrong_than_the_risk_and_the_threshold(at, risk, band):
    scores = np.array([at - 0.02, at + 0.02])
    threshold = choose_threshold(np.array([0, 1]), scores, "youden", risk)
    assert threshold.value == pytest.approx(at)
    assert threshold.abstain == pytest.approx(band)


@pytest.mark.parametrize("labels", [[0, 1, 1], [0, 2]])
def test_bad_labels_are_refused(labels):
    with pytest.raises(ValueError, match="labels"):
        choose_threshold(np.array(labels), np.array([0.1, 0.9]), "youden", 0.5)

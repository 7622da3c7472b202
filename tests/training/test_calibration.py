import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from keras_detector.errors import DataError
from training.calibration import fit_calibration

METHODS = ("temperature", "platt")


def overconfident(n: int, slope: float, intercept: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose right calibration is `sigmoid(slope * logit + intercept)`."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, n)
    chance = 1 / (1 + np.exp(-(slope * logits + intercept)))
    return logits, (rng.random(n) < chance).astype(int)


def test_temperature_finds_the_slope_that_made_the_labels():
    calibration = fit_calibration(*overconfident(20_000, 0.4, 0.0), "temperature")
    assert calibration.slope == pytest.approx(0.4, rel=0.05)
    assert calibration.intercept == 0


def test_platt_finds_slope_and_intercept_that_made_the_labels():
    calibration = fit_calibration(*overconfident(20_000, 0.4, -1.0), "platt")
    assert calibration.slope == pytest.approx(0.4, rel=0.05)
    assert calibration.intercept == pytest.approx(-1.0, abs=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_large_data_gives_the_slope_of_logistic_regression(method):
    logits, labels = overconfident(20_000, 0.7, 0.5)
    fitted = LogisticRegression(C=np.inf, fit_intercept=method == "platt", tol=1e-8).fit(
        logits[:, None], labels
    )
    calibration = fit_calibration(logits, labels, method)
    # Platt's smoothed targets move it by the order of 1 / n.
    assert calibration.slope == pytest.approx(fitted.coef_[0, 0], rel=0.01)


def test_two_pictures_get_platts_smoothed_targets():
    # One real, one fake: targets 1/3 and 2/3, which two parameters reach exactly.
    calibration = fit_calibration(np.array([-1.0, 3.0]), np.array([0, 1]), "platt")
    assert calibration.score([-1.0, 3.0]) == pytest.approx([1 / 3, 2 / 3], abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_separable_logits_get_no_more_certain_than_their_number_allows(method, scale):
    # Any slope separates them; Platt's targets for 50 of each class are 1 / 52 and 51 / 52.
    logits, labels = scale * np.repeat([-2.0, 2.0], 50), np.repeat([0, 1], 50)
    calibration = fit_calibration(logits, labels, method)
    assert calibration.score(logits) == pytest.approx(np.repeat([1 / 52, 51 / 52], 50), rel=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_order_of_pictures_is_kept_even_if_it_is_wrong(method):
    logits = np.linspace(-2, 2, 40)
    calibration = fit_calibration(logits, (logits < 0).astype(int), method)
    scores = calibration.score(logits)
    assert calibration.slope > 0
    assert (np.diff(scores) > 0).all()
    assert np.ptp(scores) < 0.01


@pytest.mark.parametrize("method", METHODS)
def test_equal_logits_give_one_finite_score(method):
    calibration = fit_calibration(np.full(30, 2.5), np.array([0] * 20 + [1] * 10), method)
    assert calibration.slope > 0
    assert 0 < calibration.score(2.5) < 1
    if method == "platt":
        assert calibration.score(2.5) == pytest.approx(1 / 3, abs=0.03)


def test_platt_is_fitted_to_its_end_far_from_zero():
    logits, labels = overconfident(5_000, 0.5, 0.0)
    near = fit_calibration(logits, labels, "platt")
    far = fit_calibration(logits + 1000, labels, "platt")
    assert far.score(logits + 1000) == pytest.approx(near.score(logits), abs=1e-6)


def test_float32_logits_are_taken():
    logits, labels = overconfident(500, 0.5, 0.0)
    single = fit_calibration(logits.astype(np.float32), labels, "platt")
    assert single.slope == pytest.approx(fit_calibration(logits, labels, "platt").slope, rel=1e-4)


@pytest.mark.parametrize("label", [0, 1])
def test_a_missing_class_is_refused_by_name(label):
    with pytest.raises(DataError, match=r"no (fake|real) picture among 10") as caught:
        fit_calibration(np.arange(10.0), np.full(10, label), "platt")
    assert ("real" if label else "fake") in caught.value.received


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_of_a_diverged_network_are_refused(bad):
    with pytest.raises(DataError, match="1 of 3 are not"):
        fit_calibration(np.array([0.0, 1.0, bad]), np.array([0, 1, 1]), "temperature")


@pytest.mark.parametrize("labels", [[0], [0, 2]])
def test_bad_labels_are_refused(labels):
    with pytest.raises(ValueError, match="labels"):
        fit_calibration(np.array([0.0, 1.0]), np.array(labels), "platt")

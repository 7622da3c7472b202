"""Choosing, on validation data only, where a score becomes fake."""

import math
import re

import numpy as np
import numpy.typing as npt

from keras_detector.card import Threshold
from keras_detector.errors import RecipeError, ThresholdError
from keras_detector.labels import Label
from keras_detector.measure import Z95, wilson

_NEVER_ABSTAIN = 0.5
_RATE_POLICY = re.compile(r"fpr=([0-9]*\.?[0-9]+)")


def choose_threshold(
    labels: npt.NDArray[np.integer],
    scores: npt.NDArray[np.floating],
    policy: str,
    abstain_risk: float,
) -> Threshold:
    """Choose a threshold and the band around it that gets no verdict.

    The policies:

    - `"youden"`: the largest true minus false positive rate (Youden 1950, Cancer 3, p. 32)
    - `"f1"`: the largest F1 for fake
    - `"fpr=X"`: the largest recall at which the upper end of the false positive rate's 95 % Wilson
      interval is at most X. The measured rate itself would be too kind a reading: the threshold is
      picked on these very pictures, and beyond them it would break the promise every other time.
      Even without one false alarm that takes `3.84 * (1 - X) / X` real pictures: 73 for 0.05.

    Of equally good thresholds the middle one is taken (under `fpr`, the one with the fewest false
    alarms). It lies halfway to the next lower score, on no picture.

    A verdict at score s is wrong with probability s if it says real, 1 - s if it says fake. The
    band holds the scores where that exceeds `abstain_risk`: `(min(t, risk), max(t, 1 - risk))` for
    the threshold t. A risk of 0.5 switches abstaining off: the band is `(t, t)`, which holds no
    score; a policy that moves the threshold away from 0.5 accepts verdicts likelier wrong than not.

    Args:
        labels: integers of shape (n,), `Label` values of the validation pictures.
        scores: floats of shape (n,), 0 to 1, calibrated.
        policy: `"youden"`, `"f1"` or `"fpr=X"` with X between 0 and 1.
        abstain_risk: the largest bearable chance of a wrong verdict, above 0, at most 0.5.

    Returns:
        the threshold, ready for the card.

    Raises:
        RecipeError: the policy or the risk cannot be understood.
        ThresholdError: the data cannot support the policy: a class is missing, too few real
            pictures for that rate, or no fake can be found at it.
        ValueError: the arrays do not have one length, or a label is not 0 or 1.
    """
    from sklearn.metrics import roc_curve

    if not 0.0 < abstain_risk <= _NEVER_ABSTAIN:
        raise RecipeError(
            expected="an abstain risk above 0, at most 0.5",
            received=str(abstain_risk),
            advice="0.1 gives no verdict that is wrong more than once in ten; 0.5 never abstains.",
        )
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != scores.shape or not np.isin(labels, list(Label)).all():
        raise ValueError(f"{scores.shape} scores with {labels.shape} labels of 0 and 1")
    n_fake = int(np.count_nonzero(labels == Label.FAKE))
    n_real = labels.size - n_fake
    check_policy(policy, n_real)
    if not n_real or not n_fake:
        raise ThresholdError(
            expected="real and fake pictures in the validation data",
            received=f"{n_real} real and {n_fake} fake",
            advice="Add pictures, or give the validation split a larger share.",
        )
    fpr, tpr, cuts = roc_curve(labels, scores, pos_label=Label.FAKE, drop_intermediate=False)
    # The first point, above every score, accuses nobody: no threshold anyone wants.
    fp, tp = np.rint(fpr[1:] * n_real).astype(int), np.rint(tpr[1:] * n_fake).astype(int)
    if policy == "youden":
        # In whole pictures, so that equals are equal.
        best = _middle_of_best(tp * n_real - fp * n_fake)
    elif policy == "f1":
        best = _middle_of_best(2 * tp / (tp + fp + n_fake))
    else:
        best = _highest_recall(fp, tp, n_real, _allowed_rate(policy))
    below = cuts[1:][best + 1] if best + 2 < cuts.size else 0.0
    value = _halfway(float(below), float(cuts[1:][best]))
    band = (min(value, abstain_risk), max(value, 1.0 - abstain_risk))
    never = abstain_risk == _NEVER_ABSTAIN
    return Threshold(value=value, policy=policy, abstain=(value, value) if never else band)


def check_policy(policy: str, n_real: int) -> None:
    """Refuse, before any training, a policy that this much validation data can never support.

    Args:
        policy: as for `choose_threshold`.
        n_real: real pictures in the validation data.

    Raises:
        RecipeError: the policy cannot be understood.
        ThresholdError: too few real pictures for the false positive rate.
    """
    if policy in ("youden", "f1"):
        return
    rate = _allowed_rate(policy)
    # Wilson's upper end for 0 of n is z^2 / (n + z^2).
    needed = math.ceil(Z95**2 * (1 - rate) / rate)
    if n_real < needed:
        raise ThresholdError(
            expected=f"at least {needed:,} real validation pictures for the policy {policy}",
            received=f"{n_real:,}",
            advice="With fewer, the rate may be higher (95 % interval) even without one false "
            "alarm. Add real pictures, allow a higher rate, or use the policy youden.",
        )


def _allowed_rate(policy: str) -> float:
    match = _RATE_POLICY.fullmatch(policy)
    rate = float(match[1]) if match else 0.0
    if not 0.0 < rate < 1.0:
        raise RecipeError(
            expected="a threshold policy: youden, f1, or fpr=X with X between 0 and 1",
            received=repr(policy),
            advice="Write for example fpr=0.05 for at most 5 % false alarms.",
        )
    return rate


def _middle_of_best(merit: npt.NDArray[np.number]) -> int:
    best = np.flatnonzero(merit == merit.max())
    return int(best[best.size // 2])


def _highest_recall(
    fp: npt.NDArray[np.integer], tp: npt.NDArray[np.integer], n_real: int, rate: float
) -> int:
    within = np.array([_highest_rate(int(alarms), n_real) <= rate for alarms in fp])
    recalled = tp[within].max(initial=0)
    if not recalled:
        raise ThresholdError(
            expected=f"a threshold with a false positive rate of at most {rate:g} that finds fakes",
            received="a network that scores too many real pictures as high as its surest fake",
            advice="Allow a higher rate, or train a better network.",
        )
    return int(np.argmax(tp == recalled))


def _highest_rate(alarms: int, n_real: int) -> float:
    estimate = wilson(alarms, n_real)
    return 1.0 if estimate is None else estimate.high


def _halfway(below: float, at: float) -> float:
    # Between neighbouring floats there is nothing: then the threshold is the score itself.
    middle = (below + at) / 2
    return middle if middle > below else at

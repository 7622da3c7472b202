"""The area under the ROC curve with its 95 % interval, where pictures come in clusters."""

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import rankdata
from scipy.stats import t as student

from keras_detector.card import Estimate
from keras_detector.labels import Label
from keras_detector.measure import MIN_RESAMPLED, wilson


def clustered_auc(
    labels: npt.NDArray[np.integer],
    scores: npt.NDArray[np.floating],
    clusters: npt.NDArray[np.integer],
) -> Estimate:
    """ROC AUC and its interval where the pictures of a cluster are not independent.

    The variance is that of Obuchowski 1997 ("Nonparametric analysis of clustered ROC curve data",
    Biometrics 53, p. 567), which is DeLong's where each cluster is one picture; the interval is
    symmetric on the logit scale, with Student's t for few clusters.

    Args:
        labels: integers (n,), `Label` values, both among them.
        scores: floats (n,), higher for fake; any scale.
        clusters: integers (n,), the near-copy group or source of each.

    Returns:
        the area; (0, 1) as interval with fewer than `MIN_RESAMPLED` pictures of a class or with
        a single cluster of one.
    """
    fake = labels == Label.FAKE
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    _, cluster = np.unique(clusters, return_inverse=True)
    ranks = rankdata(scores)
    # of each picture, the share of the other class that it is on the right side of
    right = np.empty(len(scores))
    right[fake] = (ranks[fake] - rankdata(scores[fake])) / n_real
    right[~fake] = 1 - (ranks[~fake] - rankdata(scores[~fake])) / n_fake
    area = float(right[fake].mean())
    fakes, reals = cluster[fake], cluster[~fake]
    counts = [len(np.unique(members)) for members in (reals, fakes)]
    if min(n_fake, n_real) < MIN_RESAMPLED or min(counts) == 1:
        return Estimate(value=area, low=0.0, high=1.0)

    size = int(cluster.max()) + 1
    off_fake = np.bincount(fakes, right[fake] - area, minlength=size)
    off_real = np.bincount(reals, right[~fake] - area, minlength=size)
    variance = (
        counts[1] / (counts[1] - 1) * (off_fake**2).sum() / n_fake**2
        + counts[0] / (counts[0] - 1) * (off_real**2).sum() / n_real**2
        + 2 * size / (size - 1) * (off_fake * off_real).sum() / (n_fake * n_real)
    )
    variance = max(float(variance), 0.0)  # rounding may take it below, where errors cancel
    # A perfect ranking has no variance: its interval is what the smaller class may hide.
    unseen = wilson(0, min(n_fake, n_real))
    assert unseen is not None  # noqa: S101 - neither class is empty
    low, high = area, area
    if 0 < area < 1:
        reach = student.ppf(0.975, min(counts) - 1) * np.sqrt(variance) / (area * (1 - area))
        low, high = expit(logit(area) - reach), expit(logit(area) + reach)
    if area > 1 - unseen.high:
        low = min(low, 1 - unseen.high)
    if area < unseen.high:
        high = max(high, unseen.high)
    return Estimate(value=area, low=float(low), high=float(high))

"""How much each training picture counts: as one, as its class's share, or as its source's."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from keras_detector.errors import RecipeError
from keras_detector.labels import Label
from keras_detector.printable import examples
from training.recipe_lines import Balance


def picture_weights(
    labels: npt.NDArray[np.integer],
    sources: Sequence[str],
    *,
    balance: Balance,
    source_weights: Mapping[str, float],
) -> npt.NDArray[np.float64]:
    """The weight of each picture in the loss; they average 1.

    Args:
        labels: integers (n,), `Label` values, both present.
        sources: the source of each picture; one of both classes counts in each by itself.
        balance: what weighs the same: every picture, both classes, or both classes and, within
            each, all its sources.
        source_weights: source to a factor, after `balance`; sources that are not there count
            for nothing.
    """
    weights = np.ones(len(labels))
    # By dictionary: numpy would drop trailing NULs from names of other people's disks.
    numbers: dict[str, int] = {}
    source = np.array([numbers.setdefault(name, len(numbers)) for name in sources])
    for label in Label:
        of_class = labels == label
        present = np.unique(source[of_class])
        for number in present:
            members = of_class & (source == number)
            if balance == "sources":
                weights[members] = 1 / (members.sum() * len(present))
            elif balance == "classes":
                weights[members] = 1 / of_class.sum()
    for name, factor in source_weights.items():
        weights[source == numbers.get(name, -1)] *= factor
    return np.asarray(weights / weights.mean())


def refuse_unknown_sources(
    line: str, named: Mapping[str, object] | Sequence[str], known: Sequence[str]
) -> None:
    """Refuse a source that the data directory does not have.

    Args:
        line: where it is named.
        named: the named sources.
        known: the source of each picture.

    Raises:
        RecipeError: with the list of known ones.
    """
    there = sorted(set(known))
    unknown = sorted(set(named) - set(there))
    if unknown:
        raise RecipeError(
            expected=f"sources of the data directory in {line}: "
            f"{examples(there, at_most=len(there))}",
            received=examples(unknown, at_most=len(unknown)),
            advice="A source is a folder inside a class; spell it as it is listed, or name none "
            f"with --set '{line}={'{}' if line == 'train.source_weights' else '[]'}'.",
        )

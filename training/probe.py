"""`probe`: is there anything to learn here? Frozen features and logistic regression, in minutes."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from keras_detector.card import Threshold
from keras_detector.figures import Figures, SourceFigures
from keras_detector.labelled_directory import read_labelled_directory
from keras_detector.measure import measure, measure_sources
from training.backbone_network import build_extractor
from training.cross_validation import group_folds, held_out_logits, source_folds
from training.features import PLAIN, extract_features
from training.recipe import TransferRecipe
from training.seeding import make_deterministic
from training.split import choose_subset
from training.surplus import read_for_subset
from training.web_augmentation import WebAugmentation

_HALF = Threshold(value=0.5, policy="0.5", abstain=(0.5, 0.5))


@dataclass(frozen=True)
class Probed:
    """Figures over scores by models that never saw what they scored.

    Attributes:
        figures: over all pictures, decided at 0.5.
        per_source: source to its figures.
    """

    figures: Figures
    per_source: dict[str, SourceFigures]


@dataclass(frozen=True)
class Probe:
    """What a probe found.

    Attributes:
        pictures: near copies of a picture were kept together with it; its source was seen.
        sources: its source was not seen either; None where no class has two.
        seconds: the whole of it, by the clock.
        findings: what the directory's check said, a sentence each.
    """

    pictures: Probed
    sources: Probed | None
    seconds: float
    findings: tuple[str, ...]


def probe(
    root: Path,
    recipe: TransferRecipe,
    *,
    cache: Path | None,
    one_by_one: bool,
    announce: Callable[[str], None],
) -> Probe:
    """Measure what logistic regression on a frozen backbone's features tells apart.

    Args:
        root: the data directory; its own splits are taken together.
        recipe: its input, network, `data.dataset_size`, `head.c` and seed are used.
        cache: where pictures and features are kept; None for a place that is gone afterwards.
        one_by_one: leave out one source at a time, instead of up to five groups of sources.
        announce: told what the check of the directory found, a sentence at a time.

    Raises:
        DataError: the directory cannot be used; the message says what was found.
        RecipeError: the backbone does not fit the recipe.
        WeightsError: its weights cannot be had.
    """
    began = time.monotonic()
    directory = read_labelled_directory(root)
    make_deterministic(recipe.train.seed)
    extractor = build_extractor(recipe.network, recipe.input.size)
    with tempfile.TemporaryDirectory() as temporary:
        place = cache or Path(temporary)
        size = None if recipe.data.dataset_size == "all" else recipe.data.dataset_size
        seed = recipe.train.seed
        found = read_for_subset(directory, size, seed, recipe.input, place / "pictures")
        for sentence in found.findings:
            announce(sentence)
        rows = found.usable
        if size is not None:
            rows = rows[choose_subset(found.labels[rows], found.groups[rows], size, seed)]
        features = np.array(
            extract_features(
                extractor,
                found,
                [(PLAIN, rows)],
                spec=recipe.input,
                augmentation=WebAugmentation(recipe.views),
                seed=recipe.train.seed,
                cache=place / "features",
            ).values
        )
    labels, groups = found.labels[rows], found.groups[rows]
    names = found.sources_of(rows)

    def probed(folds: npt.NDArray[np.int64], what: str) -> Probed:
        logits = held_out_logits(
            features,
            labels,
            groups,
            names,
            folds,
            c=recipe.head.c,
            source_weights={},
            watch=lambda numbers: iter(tqdm(numbers, desc=what, unit="fold", disable=None)),
        )
        scores = 0.5 * (1.0 + np.tanh(0.5 * logits))
        return Probed(measure(labels, scores, _HALF), measure_sources(labels, scores, names, _HALF))

    by_picture = probed(group_folds(labels, groups, recipe.train.seed), "Held-out pictures")
    folds = source_folds(labels, groups, names, recipe.train.seed, one_by_one=one_by_one)
    by_source = None if folds is None else probed(folds, "Held-out sources")
    return Probe(by_picture, by_source, time.monotonic() - began, found.findings)

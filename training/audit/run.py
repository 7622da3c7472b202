"""Before training: is the label written somewhere it should not be?

A model that sees no picture, but only what `features` measures, is trained to tell the label.
Whatever it can do, a network may do instead of looking at the pictures.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from keras_detector.card import AuditNote, Estimate, InputSpec
from keras_detector.errors import DataError, ImageError
from keras_detector.images import decode, fit
from keras_detector.labelled_directory import LabelledPicture
from keras_detector.labels import Label
from keras_detector.pixels import Pixels
from training.audit.clustered_auc import clustered_auc
from training.audit.copies import Copies, find_copies
from training.audit.features import COLUMNS, FEATURES, Feature, Floats, Kind, measure_features
from training.audit.scores import Folds, feature_scores, make_folds, model_scores, shown_value
from training.decoding import perceptual_hash, picture_digest
from training.near_duplicates import near_duplicate_groups
from training.parallel import in_order

SAMPLE = 4_000
"""Pictures that are looked at unless more are asked for."""

SEED = 0
"""Decides which pictures are sampled, and the folds."""

_THUMBNAIL = InputSpec(size=32, view="whole", resample="bicubic", enhance=False)
_STEP = 16


class FeatureFinding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one feature tells of the label by itself.

    Attributes:
        name: the feature.
        kind: `"file"`: `--align` makes it alike; `"picture"`: it need not; `"both"`: in part.
        roc_auc: of a small decision tree on this feature alone, cross-validated.
        roc_auc_sources: the same with whole sources held out; None where there are none.
        real: what it usually is for real pictures, as text.
        fake: the same for fakes.
    """

    name: str
    kind: str
    roc_auc: Estimate
    roc_auc_sources: Estimate | None
    real: str
    fake: str


class Audit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an audit found; intervals are 95 %, by near-copy group (by source where held out).

    Attributes:
        listed: pictures of the directory.
        n: pictures looked at and readable; `n_real` and `n_fake` of them by label.
        unreadable: pictures looked at that could not be read.
        seed: of sample and folds.
        roc_auc: of a model on all features; near copies never stand in two folds.
        roc_auc_sources: the same with whole sources held out; None with a single source a class.
        kinds: the first figure, with the features of one kind only.
        features: every feature alone, the strongest first.
        copies: copies and near copies among the pictures looked at; None if groups were given.
    """

    listed: int
    n: int
    n_real: int
    n_fake: int
    unreadable: int
    seed: int
    roc_auc: Estimate
    roc_auc_sources: Estimate | None
    kinds: dict[str, Estimate]
    features: tuple[FeatureFinding, ...]
    copies: Copies | None

    def note(self) -> AuditNote:
        """What a model's card keeps of the audit."""
        return AuditNote(roc_auc=self.roc_auc, strongest=self.features[0].name)


@dataclass(frozen=True)
class _Read:
    """Readable pictures of a sample: positions in it, and what was measured of each."""

    positions: list[int]
    rows: list[Floats]
    thumbnails: list[Pixels]
    digests: list[str]
    hashes: list[int]


def audit_pictures(
    pictures: Sequence[LabelledPicture],
    groups: npt.NDArray[np.integer] | None = None,
    *,
    sample: int | None = SAMPLE,
    seed: int = SEED,
    root: Path | None = None,
) -> Audit:
    """Audit labelled pictures; the same pictures and seed give the same result.

    Args:
        pictures: of both classes.
        groups: integers (n,), the near-copy group of each picture, where they are known already;
            None looks for copies, among the pictures that are looked at.
        sample: how many pictures are looked at, half of each class as far as there are so many;
            None for all.
        seed: decides sample and folds.
        root: copies are named relative to it; None names their whole paths.

    Returns:
        what was found.

    Raises:
        DataError: a class has fewer than two readable pictures that are not copies of each other.
        RunError: a worker process was killed, most likely for lack of memory.
    """
    chosen = _sampled(pictures, sample, seed)
    read = _read([pictures[at].path for at in chosen])
    kept = [chosen[position] for position in read.positions]
    usable = [pictures[at] for at in kept]
    labels = np.array([picture.label for picture in usable], dtype=np.int64)
    if groups is None:
        found = _near_copies(read)
        base = Path() if root is None else root
        copies = find_copies(usable, found, read.digests, base)
    else:
        found, copies = np.asarray(groups, dtype=np.int64)[kept], None
    _refuse_few(labels, found, len(chosen) - len(kept))

    rows = np.array(read.rows).reshape(len(usable), len(COLUMNS))
    _, sources = np.unique([os.fsencode(p.source) for p in usable], return_inverse=True)
    folds = make_folds(labels, found, seed)
    by_source = _source_folds(labels, sources, seed)
    everything = model_scores(rows, labels, folds, FEATURES, seed)
    kinds = {
        kind.value: clustered_auc(
            labels,
            model_scores(rows, labels, folds, [f for f in FEATURES if f.kind == kind], seed),
            found,
        )
        for kind in (Kind.FILE, Kind.PICTURE)
    }
    across = None
    if by_source is not None:
        across = clustered_auc(
            labels, model_scores(rows, labels, by_source, FEATURES, seed), sources
        )
    features = [
        _finding(feature, rows, labels, (folds, found), (by_source, sources), seed)
        for feature in FEATURES
    ]
    n_fake = int(labels.sum())
    return Audit(
        listed=len(pictures),
        n=len(usable),
        n_real=len(usable) - n_fake,
        n_fake=n_fake,
        unreadable=len(chosen) - len(kept),
        seed=seed,
        roc_auc=clustered_auc(labels, everything, found),
        roc_auc_sources=across,
        kinds=kinds,
        features=tuple(sorted(features, key=lambda finding: -finding.roc_auc.value)),
        copies=copies,
    )


def _sampled(pictures: Sequence[LabelledPicture], sample: int | None, seed: int) -> list[int]:
    """Positions, ascending: up to half the sample a class, more where the other has fewer."""
    if sample is None or len(pictures) <= sample:
        return list(range(len(pictures)))
    rng = np.random.default_rng(seed)
    members = [[at for at, p in enumerate(pictures) if p.label == label] for label in Label]
    fewer = min(len(of_class) for of_class in members)
    chosen: list[int] = []
    for of_class in members:
        size = min(len(of_class), max(sample // 2, sample - fewer))
        chosen += [of_class[at] for at in rng.permutation(len(of_class))[:size]]
    return sorted(chosen)


def _read(paths: Sequence[Path]) -> _Read:
    read = _Read([], [], [], [], [])
    with tqdm(total=len(paths), desc="Auditing", unit="", disable=None) as progress:
        for start, stop, chunk in in_order(_measure_chunk, paths, step=_STEP):
            read.positions.extend(start + position for position in chunk.positions)
            read.rows.extend(chunk.rows)
            read.thumbnails.extend(chunk.thumbnails)
            read.digests.extend(chunk.digests)
            read.hashes.extend(chunk.hashes)
            progress.update(stop - start)
    return read


def _measure_chunk(paths: Sequence[Path]) -> _Read:
    read = _Read([], [], [], [], [])
    for position, path in enumerate(paths):
        try:
            pixels = decode(path)
        except ImageError:
            continue
        read.positions.append(position)
        read.rows.append(measure_features(path, pixels))
        read.thumbnails.append(fit(pixels, _THUMBNAIL))
        read.digests.append(picture_digest(pixels))
        read.hashes.append(perceptual_hash(pixels))
    return read


def _near_copies(read: _Read) -> npt.NDArray[np.int64]:
    if not read.positions:
        return np.zeros(0, dtype=np.int64)
    return near_duplicate_groups(
        read.digests,
        np.array(read.hashes, dtype=np.uint64),
        np.stack(read.thumbnails),
        np.arange(len(read.positions)),
    )


def _refuse_few(
    labels: npt.NDArray[np.int64], groups: npt.NDArray[np.int64], unreadable: int
) -> None:
    for label in Label:
        different = len(np.unique(groups[labels == label]))
        if different < 2:
            raise DataError(
                expected=f"two or more readable, different {label.text} pictures to audit",
                received=f"{different}, and {unreadable:,} that cannot be read",
                advice=f"Check what is in the {label.text} folder.",
            )


def _source_folds(
    labels: npt.NDArray[np.int64], sources: npt.NDArray[np.intp], seed: int
) -> Folds | None:
    if min(len(np.unique(sources[labels == label])) for label in Label) < 2:
        return None
    return make_folds(labels, sources.astype(np.int64), seed)


def _finding(
    feature: Feature,
    rows: Floats,
    labels: npt.NDArray[np.int64],
    by_copy: tuple[Folds, npt.NDArray[np.int64]],
    by_source: tuple[Folds | None, npt.NDArray[np.intp]],
    seed: int,
) -> FeatureFinding:
    (folds, groups), (source_folds, sources) = by_copy, by_source
    scores = feature_scores(rows, labels, folds, feature, seed)
    across = None
    if source_folds is not None:
        held_out = feature_scores(rows, labels, source_folds, feature, seed)
        across = clustered_auc(labels, held_out, sources)
    return FeatureFinding(
        name=feature.name,
        kind=feature.kind.value,
        roc_auc=clustered_auc(labels, scores, groups),
        roc_auc_sources=across,
        real=shown_value(rows[labels == Label.REAL], feature),
        fake=shown_value(rows[labels == Label.FAKE], feature),
    )

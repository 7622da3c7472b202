"""The audit of a run's pictures, looked for once: a resumed run finds it where it was kept."""

import hashlib
from pathlib import Path

import msgspec

import keras_detector
from keras_detector.atomic_file import write_atomically
from keras_detector.card import AuditNote
from keras_detector.labelled_directory import LabelledPicture
from keras_detector.labels import Label
from training.audit.run import audit_pictures
from training.dataset import Dataset
from training.packing import files_digest


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    note: AuditNote


def kept_audit(dataset: Dataset, file: Path) -> AuditNote:
    """What the labels of the used pictures are told by without looking at them; see `audit`.

    Args:
        dataset: the pictures.
        file: where the note is kept, and found again for the same files, labels and sources.

    Raises:
        DataError: a class has fewer than two readable pictures that are not copies of each other.
        SaveError: the note cannot be written.
    """
    key = _key(dataset)
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=_Kept)
        if kept.key == key:
            return kept.note
    except (OSError, msgspec.MsgspecError):
        pass  # none yet, or one that was damaged: it is made again
    rows = dataset.used
    pictures = [
        LabelledPicture(dataset.paths[row], Label(dataset.labels[row]), dataset.sources[row], None)
        for row in rows
    ]
    note = audit_pictures(pictures, dataset.groups[rows]).note()
    write_atomically(file, msgspec.json.encode(_Kept(key, note)))
    return note


def _key(dataset: Dataset) -> str:
    rows = dataset.used
    facts = [
        keras_detector.__version__,
        files_digest([dataset.paths[row] for row in rows]),
        dataset.labels[rows].tolist(),
        dataset.groups[rows].tolist(),
        dataset.sources_of(rows),
    ]
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()

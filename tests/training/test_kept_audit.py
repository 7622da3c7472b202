"""The audit of a run's pictures is made once, and again where its pictures are others."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from keras_detector.card import InputSpec
from tests.conftest import write_dataset
from training import kept_audit as module
from training.audit.run import audit_pictures
from training.dataset import Dataset, prepare_dataset
from training.kept_audit import kept_audit

SPEC = InputSpec(size=32, view="centre", resample="bicubic", enhance=False)


@pytest.fixture
def prepared(tmp_path: Path) -> Dataset:
    root = write_dataset(tmp_path / "data", 12)
    return prepare_dataset(
        root, spec=SPEC, ratios=(0.5, 0.25, 0.25), dataset_size=None, seed=1, cache=tmp_path / "c"
    )


@pytest.fixture
def audits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each audit was made of."""
    made: list[int] = []

    def count(pictures, groups):
        made.append(len(pictures))
        return audit_pictures(pictures, groups)

    monkeypatch.setattr(module, "audit_pictures", count)
    return made


def test_it_is_found_again(prepared: Dataset, audits: list[int], tmp_path: Path) -> None:
    file = tmp_path / "audit.json"
    first = kept_audit(prepared, file)
    assert kept_audit(prepared, file) == first
    assert audits == [24]


def test_it_is_made_again_of_other_files_labels_or_sources(
    prepared: Dataset, audits: list[int], tmp_path: Path
) -> None:
    file = tmp_path / "audit.json"
    kept_audit(prepared, file)
    os.utime(prepared.paths[0], (1, 1))
    others = [
        prepared,
        replace(prepared, sources=("camera", *prepared.sources[1:])),
        replace(prepared, labels=1 - prepared.labels),
    ]
    for number, other in enumerate(others, 2):
        kept_audit(other, file)
        assert len(audits) == number


@pytest.mark.parametrize("damage", [b"", b"{", b'{"key": "k", "note": {}}'])
def test_a_damaged_note_is_made_again(
    damage: bytes, prepared: Dataset, audits: list[int], tmp_path: Path
) -> None:
    file = tmp_path / "audit.json"
    first = kept_audit(prepared, file)
    file.write_bytes(damage)
    assert kept_audit(prepared, file) == first
    assert len(audits) == 2
    shutil.copy(file, tmp_path / "copy.json")
    assert kept_audit(prepared, tmp_path / "copy.json") == first
    assert len(audits) == 2

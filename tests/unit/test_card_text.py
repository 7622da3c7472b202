"""What a person reads of a card, and the pages of a folder of models."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from keras_detector.card import AuditNote, Card, Estimate, Stands, Threshold
from keras_detector.card_text import describe_card, describe_cost, describe_stands
from keras_detector.degrade import CONDITION_TEXTS, CONDITIONS
from keras_detector.measure import measure, measure_sources
from keras_detector.model_file import write_model_file
from keras_detector.model_pages import main, model_pages
from keras_detector.robustness import measure_condition
from tests.curves import make_curve
from tests.model_files import TWIN, keras_archive

HALF = Threshold(value=0.5, policy="youden", abstain=(0.4, 0.6))


@pytest.fixture
def full_card(card: Card) -> Card:
    labels = np.repeat([0, 1], 20)
    scores = np.linspace(0, 1, 40)
    sources = ["camera"] * 20 + ["good"] * 10 + ["weak"] * 10
    scores[-10:] = 0.2
    figures = measure(labels, scores, HALF)
    condition = measure_condition(labels, scores, HALF)
    return msgspec.structs.replace(
        card,
        figures={"test": figures},
        per_source={"test": measure_sources(labels, scores, sources, HALF)},
        robustness=dict.fromkeys(CONDITIONS, condition),
        collections={"found_elsewhere": figures},
    )


def audited(card: Card, roc_auc: float) -> Card:
    note = AuditNote(roc_auc=Estimate(roc_auc, roc_auc - 0.01, roc_auc + 0.01), strongest="size")
    return msgspec.structs.replace(card, audit=note)


def test_everything_measured_is_shown(full_card: Card) -> None:
    text = describe_card(full_card)
    for words in ("found_elsewhere (n 40)", "Worst source: weak", "n 40 (20 real, 20 fake)"):
        assert words in text
    assert all(name in text for name in CONDITION_TEXTS.values())
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len(tables) == 3 * 2 + 12 + 12 + 9 + 3 - 0 + 2 + 5


def test_a_card_without_figures_still_reads(card: Card) -> None:
    text = describe_card(card)
    assert "Robust" not in text
    assert "Audit of the training data: none" in text


def test_an_audit_alarm_stands_on_top(card: Card) -> None:
    lines = describe_card(audited(card, 0.76)).splitlines()
    assert lines[0] == "# tiny"
    assert "WARNING" in lines[2]
    assert "size" in lines[2]
    assert "WARNING" not in describe_card(audited(card, 0.75))
    assert "(suspicious)" in describe_card(audited(card, 0.61))
    assert "(suspicious)" not in describe_card(audited(card, 0.60))


def test_what_verdicts_stand_for_names_only_what_is_limited() -> None:
    plain = describe_stands(Stands(min_side=224, min_jpeg_quality=0, max_upscale=100.0))
    assert "224 pixels" in plain
    assert "JPEG" not in plain
    assert "enlarged" not in plain
    strict = describe_stands(Stands(min_side=224, min_jpeg_quality=40, max_upscale=1.5))
    assert "JPEG quality 40" in strict
    assert "1.5 times" in strict


def test_the_three_levels_and_their_costs_are_shown(card: Card) -> None:
    curve = make_curve((0.0, 100, 100), (0.4, 12, 90), (0.5, 6, 80), (0.9, 0, 30))
    text = describe_card(msgspec.structs.replace(card, curve=curve))
    rows = {line.split()[1]: line for line in text.splitlines() if "photographs, finds" in line}
    assert list(rows) == ["cautious", "balanced", "sensitive"]
    words = {
        "cautious": ("0.9000", "accuses fewer than 1 in 27 photographs, finds 30 of 100 fakes"),
        "balanced": ("0.4500 to 0.5500", "about 1 in 17 photographs, finds 80 of 100 fakes"),
        "sensitive": ("0.1200 [0.0700", "about 1 in 8 photographs, finds 90 of 100 fakes"),
    }
    for level, expected in words.items():
        assert all(part in rows[level] for part in (*expected, "(n 100 and 100)"))
    assert "Measured on validation." in text


def test_a_cost_of_many_false_alarms_is_not_rounded_to_one_in_three() -> None:
    curve = make_curve((0.0, 100, 100), (0.5, 34, 60))
    assert "accuses 34 of 100 photographs" in describe_cost(curve.points[1], curve)


def test_the_pages_of_a_folder(tmp_path: Path, card: Card, full_card: Card) -> None:
    for stem, content in {"plain": card, "full": full_card}.items():
        write_model_file(
            tmp_path / f"{stem}.keras", keras_archive=keras_archive(), twin=TWIN, card=content
        )
    assert main([str(tmp_path)]) == 0
    pages = model_pages(tmp_path)
    assert {path.name for path in pages} == {"plain.md", "full.md", "README.md"}
    assert all(path.read_text(encoding="utf-8") == text for path, text in pages.items())
    readme = pages[tmp_path / "README.md"]
    assert "[`full`](full.md)" in readme
    assert "weak: " in readme
    assert "found_elsewhere: ROC AUC" in readme


def test_a_folder_with_a_broken_model_gets_no_pages(tmp_path: Path) -> None:
    (tmp_path / "broken.keras").write_bytes(b"PK")
    assert main([str(tmp_path)]) == 3
    assert {path.name for path in tmp_path.iterdir()} == {"broken.keras"}

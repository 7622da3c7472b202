"""Rows as CSV, as Parquet, and as a page."""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_detector.detector import Prediction
from keras_detector.errors import ErrorKind, ImageError, MissingPackageError, SaveError
from keras_detector.labels import Label, Reason, Verdict
from keras_detector.report import parquet_table
from keras_detector.report.csv_table import write_csv
from keras_detector.report.html_page import is_report, write_html
from keras_detector.report.parquet_table import write_parquet
from keras_detector.report.summary import BINS, MOST_SUSPICIOUS, Summary
from keras_detector.report.texts import ERROR_KIND_TEXTS
from keras_detector.report.thumbnails import THUMBNAIL_SIDE, draw_thumbnails
from keras_detector.rows import COLUMNS, Row
from tests.conftest import draw_picture


def judged(path: str | Path, score: float, *reasons: Reason) -> Row:
    label = Label.FAKE if score >= 0.5 else Label.REAL
    verdict = Verdict.UNDETERMINED if reasons else Verdict(label.text)
    return Row(Path(path), Prediction(verdict, label, score, 0.5, "m", reasons))


def failed(path: str, kind: ErrorKind) -> Row:
    return Row(Path(path), ImageError(expected="a", received="b", advice="C.", kind=kind))


ROWS = [
    judged("a.png", 0.9),
    judged("b.png", 0.1),
    judged("c.png", 0.5, Reason.UNCERTAIN, Reason.TOO_SMALL),
    judged("d.png", 1.0),
    failed("e.png", ErrorKind.DAMAGED),
    failed("f.png", ErrorKind.DAMAGED),
    failed("g.png", ErrorKind.CRASHED),
]


def test_a_summary_counts() -> None:
    summary = Summary.of(iter(ROWS))
    assert (summary.total, summary.judged) == (7, 4)
    assert summary.verdicts == {Verdict.FAKE: 2, Verdict.REAL: 1, Verdict.UNDETERMINED: 1}
    assert summary.reasons == {Reason.UNCERTAIN: 1, Reason.TOO_SMALL: 1}
    assert summary.errors == {ErrorKind.DAMAGED: 2, ErrorKind.CRASHED: 1}
    assert sum(summary.histogram) == 4
    assert [summary.histogram[n] for n in (4, 20, 36, BINS - 1)] == [1, 1, 1, 1]
    assert [path.name for path, _ in summary.most_suspicious] == ["d.png", "a.png", "c.png"]


def test_a_summary_keeps_no_more_than_it_shows() -> None:
    rows = (judged(f"{n}.png", (n % 1000) / 999) for n in range(5000))
    summary = Summary.of(rows)
    suspicious = summary.most_suspicious
    assert len(suspicious) == MOST_SUSPICIOUS
    scores = [prediction.score for _, prediction in suspicious]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1.0
    assert [path.name for path, _ in suspicious[:5]] == [f"{n}999.png" for n in ("", 1, 2, 3, 4)]
    errors = Summary.of(failed(str(n), ErrorKind.DAMAGED) for n in range(100))
    assert len(errors.error_examples[ErrorKind.DAMAGED]) == 5


def test_csv_holds_every_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_csv(path, ROWS)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == [str(row.path) for row in ROWS]
    assert float(rows[0]["score"]) == 0.9
    assert rows[2]["reasons"] == "uncertain; too_small"
    assert rows[6]["error_kind"] == "crashed"
    write_csv(path, [])
    assert path.read_text(encoding="utf-8").count("\n") == 1


def test_parquet_holds_every_row(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "rows.parquet"
    write_parquet(path, [*ROWS, judged("x\udcff.png", 0.3), judged("new\nline", 0.3)])
    table = pq.read_table(path)
    assert tuple(table.column_names) == COLUMNS
    rows = table.to_pylist()
    assert [row["score"] for row in rows[:4]] == [0.9, 0.1, 0.5, 1.0]
    assert rows[2]["reasons"] == ["uncertain", "too_small"]
    assert [row["path"] for row in rows[7:]] == [r"x\xff.png", "new\nline"]


def test_parquet_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_table.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"keras-detector\[parquet\]"):
        write_parquet(tmp_path / "rows.parquet", ROWS)
    assert not list(tmp_path.iterdir())


def test_the_page_shows_counts_pictures_and_errors(tmp_path: Path) -> None:
    pixels = draw_picture(np.random.default_rng(0), fake=True, size=400)
    picture = tmp_path / "fake.png"
    Image.fromarray(pixels).save(picture)
    path = tmp_path / "page.html"
    write_html(path, [*ROWS, judged(picture, 0.95)])
    text = path.read_text(encoding="utf-8")
    assert is_report(path)
    assert not is_report(picture)
    assert not is_report(tmp_path / "gone")
    for shown in ("REAL IMAGE", "CANNOT TELL", "CANNOT READ", "fake.png", "e.png", "0.950"):
        assert shown in text
    assert ERROR_KIND_TEXTS[ErrorKind.DAMAGED] in text
    # The pictures of ROWS are not there any more.
    assert text.count("data:image/jpeg;base64,") == 1
    assert text.count('class="gone"') == 3
    assert len(re.findall("<rect", text)) == BINS


def test_a_page_about_nothing_and_one_about_errors_only(tmp_path: Path) -> None:
    for rows in ([], ROWS[4:]):
        write_html(tmp_path / "page.html", rows)
        assert is_report(tmp_path / "page.html")


def test_thumbnails_are_drawn_by_whom_the_caller_wants(tmp_path: Path) -> None:
    asked: list[Path] = []

    def draw(paths: Sequence[Path]) -> Iterator[bytes | None]:
        asked.extend(paths)
        return iter([b"one", None, b"three"])

    write_html(tmp_path / "page.html", ROWS, draw)
    assert [path.name for path in asked] == ["d.png", "a.png", "c.png"]
    assert (tmp_path / "page.html").read_text().count("data:image/jpeg") == 2


def test_a_thumbnail_is_small_and_bare(tmp_path: Path) -> None:
    path = tmp_path / "wide.jpg"
    exif = Image.Exif()
    exif[0x010E] = "a description"
    Image.new("RGB", (1000, 500)).save(path, exif=exif)
    small, none = draw_thumbnails([path, tmp_path / "gone.jpg"])
    assert none is None
    assert small is not None
    assert b"a description" not in small
    (tmp_path / "small.jpg").write_bytes(small)
    with Image.open(tmp_path / "small.jpg") as image:
        assert image.size == (THUMBNAIL_SIDE, THUMBNAIL_SIDE // 2)


@pytest.mark.parametrize("write", [write_csv, write_html, write_parquet])
def test_what_cannot_be_written_leaves_what_was_there(write, tmp_path: Path) -> None:
    if write is write_parquet:
        pytest.importorskip("pyarrow")
    path = tmp_path / "old"
    path.write_bytes(b"old")

    def rows() -> Iterator[Row]:
        yield ROWS[0]
        raise OSError(28, "No space left on device")

    with pytest.raises((SaveError, OSError), match="No space"):
        write(path, rows())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]

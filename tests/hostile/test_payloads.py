"""A hundred texts in names, errors and metadata: none lives in what we write or print."""

import csv
import io
import json
import os
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from PIL import Image, PngImagePlugin

from keras_detector.card import Card
from keras_detector.cli import main
from keras_detector.detector import Prediction
from keras_detector.errors import ErrorKind, ImageError
from keras_detector.labels import Label, Verdict
from keras_detector.model_file import write_model_file
from keras_detector.printable import printable
from keras_detector.report.csv_table import write_csv
from keras_detector.report.html_page import write_html
from keras_detector.report.parquet_table import write_parquet
from keras_detector.rows import Row
from keras_detector.scan.line import ScanLine, decode_row, encode_line
from tests.conftest import write_dataset
from tests.hostile.payloads import ESCAPES, PAYLOADS
from tests.model_files import TWIN, keras_archive
from tests.pictures import PICTURE, encoded
from tests.scans import MODEL


def test_there_are_a_hundred() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 100


def judged(text: str, model: str = "m") -> Row:
    prediction = Prediction(Verdict.FAKE, Label.FAKE, 0.75, 0.5, model, ())
    return Row(Path(text), prediction)


def failed(text: str, received: str) -> Row:
    error = ImageError(expected="a", received=received, advice="C.", kind=ErrorKind.DAMAGED)
    return Row(Path(text), error)


def rows(texts: tuple[str, ...]) -> Iterator[Row]:
    """Each text as a name, as a model's name, and in an error."""
    for text in texts:
        yield judged(text, text)
        yield failed(text, text)


def is_alive(cell: str) -> bool:
    """Whether a spreadsheet would take it for a formula: generously, as they differ."""
    text = unicodedata.normalize("NFKC", cell)
    text = "".join(letter for letter in text if letter.isprintable()).strip()
    return text.startswith(tuple("=+-@"))


@pytest.mark.parametrize("text", PAYLOADS)
def test_no_cell_is_alive(text: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "rows.csv", rows((text,)))
    data = (tmp_path / "rows.csv").read_bytes().decode("utf-8")
    assert all(letter.isprintable() or letter in "\r\n" for letter in data)
    table = list(csv.reader(io.StringIO(data, newline="")))
    assert [len(line) for line in table] == [9, 9, 9]
    assert not any(is_alive(cell) for line in table for cell in line)
    # Cut where another program might: quotes hold each text together.
    assert all(line.startswith('"') for line in data.splitlines())


def test_a_cell_that_is_alive_would_be_noticed() -> None:
    assert all(is_alive(text) for text in ("=1", "+1", " @a", "\t=1", "\uff1d1", "\ufeff=1"))
    assert not any(is_alive(text) for text in ("a=1", "'=1", "0.5", ""))


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.structure: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.structure.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @classmethod
    def of(cls, path: Path, text: str) -> "Page":
        write_html(path, list(rows((text,))), lambda paths: [None for _ in paths])
        page = cls()
        page.feed(path.read_text(encoding="utf-8"))
        return page


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_page_has_the_structure_of_a_harmless_one(text: str, tmp_path: Path) -> None:
    page, harmless = Page.of(tmp_path / "page.html", text), Page.of(tmp_path / "a.html", "name")
    assert page.structure == harmless.structure
    written = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(letter.isprintable() or letter == "\n" for letter in written)
    assert printable(Path(text)) in page.text


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_line_for_people_is_one_line_that_shows(text: str) -> None:
    assert all(row.to_text().isprintable() for row in rows((text,)))


@pytest.mark.parametrize("text", PAYLOADS)
def test_json_gives_each_back_byte_for_byte(text: str) -> None:
    for row in rows((text,)):
        line = row.to_json()
        assert line.isascii()
        assert line.isprintable()
        assert Row.from_builtins(json.loads(line)).to_json() == line
        assert os.fsencode(json.loads(line)["path"]) == os.fsencode(Path(text))
        stored = encode_line(row, None, None, "id")
        assert stored.count(b"\n") == 1
        assert os.fsencode(ScanLine.decode(stored).path) == os.fsencode(Path(text))
        assert decode_row(stored).to_json() == line


def test_parquet_keeps_the_texts_that_are_text(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_parquet(tmp_path / "rows.parquet", map(judged, PAYLOADS))
    found = parquet.read_table(tmp_path / "rows.parquet").column("path").to_pylist()
    assert found == [
        os.fsencode(Path(text)).decode("utf-8", "backslashreplace") for text in PAYLOADS
    ]


# --- what a picture says of itself


@pytest.mark.parametrize("number", range(0, len(PAYLOADS), 10))
def test_metadata_gets_nowhere(number: int, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """EXIF, comments and text chunks: ten payloads in each file, and none in any output."""
    texts = PAYLOADS[number : number + 10]
    exif = Image.Exif()
    for tag, text in zip(
        (270, 271, 272, 305, 315, 33432, 40092, 269, 316, 285), texts, strict=False
    ):
        exif[tag] = "MARK" + text.encode("utf-8", "surrogateescape").decode("latin-1")
    chunks = PngImagePlugin.PngInfo()
    for place, text in enumerate(texts):
        chunks.add_text(f"key{place}", "MARK" + text.encode("utf-8", "replace").decode())
    comment = "MARK".join(texts).encode("utf-8", "surrogateescape")
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(encoded(PICTURE, "JPEG", exif=exif.tobytes(), comment=comment))
    (folder / "b.png").write_bytes(encoded(PICTURE, "PNG", pnginfo=chunks, exif=exif.tobytes()))
    (folder / "c.webp").write_bytes(encoded(PICTURE, "WEBP", exif=exif.tobytes()))
    (folder / "d.gif").write_bytes(encoded(PICTURE, "GIF", comment=comment))
    for name in "abcd":  # and as much of each as is no whole picture
        (whole,) = folder.glob(f"{name}.*")
        (folder / f"cut {whole.name}").write_bytes(whole.read_bytes()[:-60])
    assert main(["predict", str(folder), "--model", str(MODEL)]) == 1
    assert main(["predict", str(folder), "--model", str(MODEL), "--json"]) == 1
    said = capsys.readouterr()
    assert said.out.count("\n") == 16
    assert "MARK" not in said.out + said.err
    assert all(letter.isprintable() or letter == "\n" for letter in said.out + said.err)


# --- terminals


def shows(capsys: pytest.CaptureFixture) -> str:
    said = capsys.readouterr()
    text: str = said.out + said.err
    assert text
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    return text


def usable(texts: tuple[str, ...]) -> list[str]:
    return [text.replace("/", "_") for text in texts]


def test_names_in_what_the_commands_say(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Pictures, broken ones, folders that are sources, and what is left out."""
    root = write_dataset(tmp_path / "data", 3)
    good = (root / "real" / "0000.png").read_bytes()
    for number, name in enumerate(usable(ESCAPES)):
        folder = root / ("real" if number % 2 else "fake") / name
        folder.mkdir()
        (folder / f"{name}.png").write_bytes(good)
        (folder / f"{name}.jpg").write_bytes(b"broken")
        (folder / f"{name}-link").symlink_to(folder)
    broken = next(root.rglob("*.jpg"))
    picture = next(
        path for path in root.rglob("*.png") if path.stem != path.stem.strip("0123456789")
    )
    model = ("--model", str(MODEL))
    assert main(["predict", str(root), *model]) == 1
    shows(capsys)
    assert main(["evaluate", str(root), *model]) == 1
    assert "[2J" in shows(capsys)
    assert main(["explain", str(broken), "--out", str(tmp_path / "a.png"), *model]) == 1
    shows(capsys)
    out = tmp_path / "\x1b[2J.png"
    out.mkdir()
    assert main(["explain", str(picture), "--out", str(out), *model]) != 0
    shows(capsys)
    assert main(["enhance", str(broken), "--out", str(tmp_path / "b.png")]) == 1
    shows(capsys)
    missing = tmp_path / "\x1b]0;title\x07.keras"
    for command in (["info", str(missing)], ["predict", str(picture), "--model", str(missing)]):
        assert main(command) == 3
        shows(capsys)


def test_a_stranger_s_card_on_a_terminal(
    tmp_path: Path, card: Card, capsys: pytest.CaptureFixture
) -> None:
    texts = [text for text in PAYLOADS if text.isprintable() or "\udcff" not in text]
    evil = msgspec.structs.replace(
        card,
        name=texts[-1][:100],
        summary=" ".join(texts),
        limits=tuple(texts),
        training=msgspec.structs.replace(
            card.training, data=texts[0], versions={text: text for text in texts}
        ),
    )
    path = tmp_path / "evil.keras"
    write_model_file(path, keras_archive=keras_archive(), twin=TWIN, card=evil)
    assert main(["info", str(path)]) == 0
    shows(capsys)
    assert main(["info", str(path), "--json"]) == 0
    text = capsys.readouterr().out
    assert text.isascii()
    assert json.loads(text)["limits"] == texts
    # Escapes are longer than the letters of a name that do not show.
    longest = msgspec.structs.replace(card, name="\u200b" * 100)
    write_model_file(path, keras_archive=keras_archive(), twin=TWIN, card=longest)
    assert main(["info", str(path)]) == 0
    shows(capsys)

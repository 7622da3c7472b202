"""Names are attackers' text, and folders hold more than files: nothing of it gets out or in."""

import csv
import ctypes
import json
import os
import shutil
import socket
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.hostile.payloads import PAYLOADS
from tests.scans import Running, draw_files, lines_of, paths_of, scan, wait_until

NAMES = [
    b"=1+1.png",
    b"=cmd|' c calc'!A0.png",
    b"+1.png",
    b"-1.png",
    b"-rf.png",
    b"--out.png",
    b"@SUM(1).png",
    b"\t=1.png",
    b"\r=1.png",
    b" =1.png",
    b'"=1.png',
    b"'=1.png",
    b"a;=1+1.png",
    b"a,=1+1.png",
    "＝1.png".encode(),  # noqa: RUF001
    b"<script>alert(1)<",
    b"<img src=x onerror=alert(1)>.png",
    b'"><svg onload=alert(1)>.png',
    b"' onmouseover='alert(1).png",
    b"&lt;b&gt;&#60;.png",
    b"javascript:alert(1).png",
    b"http:example.org.png",
    b"\x1b[2J\x1b]0;title\x07.png",
    b"\xc2\x9b31m.png",  # the one-character form of the same
    b"\xff\xfe.png",
    b"new\nline.png",
    b"return\rhere.png",
    b"\\xff.png",
    b'"error": null.png',
    "\u202egnp.exe".encode(),
    "שלום.png".encode(),
    "😀👨‍👩‍👧.png".encode(),
    ("😀" * 62 + ".png").encode(),
    b"x" * 251 + b".png",
    b"two  spaces .png",
    b".png.",
]
# Every character that moves a cursor, spaces of all kinds, names as long as a name may be, and
# the texts that mean something to somebody.
NAMES += [b"control " + bytes([code]) + b".png" for code in (*range(1, 32), 127)]
NAMES += [
    f"space{space}.png".encode() for space in "\u00a0\u1680\u2003\u2009\u202f\u205f\u3000\u00ad"
]
NAMES += [("é" * 125 + ".png").encode(), ("漢" * 83 + "..png").encode(), b"\xff" * 251 + b".png"]
NAMES += [b"-" * dashes + b"x.png" for dashes in (2, 3, 9)] + [
    b"-",
    b"--",
    b"~",
    b"$HOME",
    b"%s%n",
    b"*",
]
NAMES += [
    b"?",
    b"[a]",
    b"{a,b}",
    b"`id`.png",
    b"$(id).png",
    b"a;id.png",
    b"con",
    b"nul.png",
    b"a:b.png",
]
NAMES += [
    text.replace("/", "_").encode("utf-8", "surrogateescape")[:240] + b"-%d.png" % number
    for number, text in enumerate(PAYLOADS)
]
NAMES = list(dict.fromkeys(NAMES))


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures and broken files with such names, and what a scan made of it."""
    folder = tmp_path_factory.mktemp("names")
    (picture,) = draw_files(folder, 1)
    data = picture.read_bytes()
    pictures = folder / "p"
    pictures.mkdir()
    picture.unlink()
    for number, name in enumerate(NAMES):
        place = os.path.join(os.fsencode(pictures), name)  # noqa: PTH118
        with open(place, "wb") as file:  # noqa: PTH123
            file.write(b"broken" if number % 2 else data)
    done = scan("p", "--out", "rows.csv", "--report", "page.html", cwd=folder)
    assert done.returncode == 1
    (folder / "said").write_text(done.stderr, encoding="utf-8")
    return folder


def expected() -> set[bytes]:
    return {b"p/" + name for name in NAMES if not name.startswith(b".")}


def test_there_are_two_hundred() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 200
    assert any(len(name) == 255 for name in NAMES)


def test_json_gives_the_names_back_byte_for_byte(scanned: Path) -> None:
    journal = scanned / "rows.csv.jsonl"
    assert {os.fsencode(line["path"]) for line in lines_of(journal)} == expected()
    assert journal.read_bytes().isascii()
    assert len(lines_of(journal)) == len(expected())


def test_no_cell_of_the_table_is_alive(scanned: Path) -> None:
    data = (scanned / "rows.csv").read_bytes()
    text = data.decode("utf-8")
    assert all(letter.isprintable() or letter in "\r\n" for letter in text)
    rows = list(csv.reader(text.splitlines()))
    assert len(rows) == len(expected()) + 1
    for row in rows:
        assert len(row) == 9
        for cell in row:
            assert not cell.lstrip(" '\"").startswith(tuple("=+-@＝")) or cell[0] == "'"  # noqa: RUF001
    # Nor after a cut at the other separators that spreadsheets know, as every text is quoted.
    for line in text.splitlines()[1:]:
        assert line.startswith('"')


def test_a_name_that_begins_like_a_formula_is_defused() -> None:
    from keras_detector.report.csv_table import _cell

    assert _cell("=1+1") == "'=1+1"
    assert _cell(" \"'@x") == "' \"'@x"
    assert _cell("photo.jpg") == "photo.jpg"
    assert _cell(None) == ""
    assert _cell(0.5) == 0.5


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_nothing_in_the_page_is_alive_and_nothing_is_fetched(scanned: Path) -> None:
    text = (scanned / "page.html").read_text(encoding="utf-8")
    page = Tags()
    page.feed(text)
    assert page.tags <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "span", "b",
        "bdi", "ul", "li", "svg", "rect", "line", "text", "figure", "figcaption", "img", "table",
        "tbody", "tr", "td",
    }  # fmt: skip
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in {"href", "action", "formaction", "srcdoc", "ping"}
        if name == "src":
            assert (value or "").startswith("data:image/jpeg;base64,")
    assert "://" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert page.text.count("p/") == 5  # what each looks like there, test_payloads.py shows
    assert "default-src 'none'" in text


def test_the_terminal_sees_only_what_shows(scanned: Path) -> None:
    said = (scanned / "said").read_text(encoding="utf-8")
    assert all(letter.isprintable() or letter == "\n" for letter in said)


def test_links_loops_pipes_sockets_and_devices(tmp_path: Path) -> None:
    folder, outside = tmp_path / "pictures", tmp_path / "outside"
    (inside,) = draw_files(folder, 1)
    (other,) = draw_files(outside / "deep", 1, seed=1)
    (folder / "loop").symlink_to(folder)
    (folder / "out").symlink_to(outside)
    (folder / "again").symlink_to(outside)
    (outside / "back").symlink_to(folder)
    (folder / "file.png").symlink_to(other)
    (folder / "self").symlink_to("self")
    (folder / "nowhere.png").symlink_to("nothing")
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "socket.png"))
        out = tmp_path / "rows.jsonl"
        before = set(tmp_path.rglob("*"))
        done = scan(folder, "--out", out, timeout=120)
    assert done.returncode == 0
    found = {os.path.relpath(path, folder) for path in paths_of(out)}
    # By which of the two links the folder outside is entered, the system's order decides.
    assert found in [
        {inside.name, "file.png", f"{link}/deep/{other.name}"} for link in ("out", "again")
    ]
    assert set(tmp_path.rglob("*")) - before == {out}
    assert "met a second time" in done.stderr

    listed = tmp_path / "list"
    special = [folder / "pipe.png", folder / "socket.png", Path("/dev/zero"), Path("/dev/tty")]
    listed.write_text("\n".join(map(str, [*special, folder / "nowhere.png", folder / "self"])))
    done = scan("--files-from", listed, "--out", tmp_path / "special.jsonl", timeout=120)
    kinds = {line["path"]: line["error_kind"] for line in lines_of(tmp_path / "special.jsonl")}
    for path in special:
        assert kinds[str(path)] == "not_a_file"
    assert kinds[str(folder / "nowhere.png")] == "not_found"
    assert kinds[str(folder / "self")] in {"not_found", "not_read"}


def test_files_and_folders_that_vanish_while_they_are_scanned(tmp_path: Path) -> None:
    """Each costs a row at the most, and none the scan."""
    folder, out = tmp_path / "pictures", tmp_path / "rows.jsonl"
    paths = draw_files(folder, 600)
    running = Running([folder, "--out", out])
    wait_until(lambda: out.exists() and out.stat().st_size > 0)
    for path in reversed(paths[:400]):
        path.unlink()
    shutil.rmtree(folder / "a" / "a", ignore_errors=True)
    _, said = running.process.communicate(timeout=120)
    assert running.process.returncode in (0, 1)
    assert "Traceback" not in said
    kinds = {line["path"]: line["error_kind"] for line in lines_of(out)}
    assert len(kinds) == len(lines_of(out))
    assert set(kinds.values()) <= {None, "not_found"}
    left = [path for path in paths[400:] if path.exists()]
    assert left
    assert all(kinds[str(path)] is None for path in left)


def test_names_that_begin_with_dashes_and_the_folder_itself(tmp_path: Path) -> None:
    (picture,) = draw_files(tmp_path / "-r", 1)
    (tmp_path / "-x.png").write_bytes(picture.read_bytes())
    scan("--out", "rows.jsonl", "--", "-r", "-x.png", cwd=tmp_path)
    assert {line["path"] for line in lines_of(tmp_path / "rows.jsonl")} == {
        f"-r/{picture.name}", "-x.png",
    }  # fmt: skip
    done = scan(".", "--out", "rows.jsonl", cwd=tmp_path)
    assert "0 files judged, 2 unchanged" in done.stderr


def obey_permissions() -> None:
    """Root as well, who may read everything: without the capabilities for that."""
    if os.geteuid() == 0 and sys.platform == "linux":
        drop_from_bounding_set, override, read_search = 24, 1, 2
        for capability in (override, read_search):
            ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


def test_what_may_not_be_read_is_said(tmp_path: Path) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "rows.jsonl"
    first, second, third = draw_files(folder, 3)
    first.chmod(0)
    closed = third.parent
    closed.chmod(0)
    try:
        assert scan(folder, "--out", out, preexec_fn=obey_permissions).returncode == 1
        kinds = {line["path"]: line["error_kind"] for line in lines_of(out)}
        assert kinds == {
            str(first): "no_permission",
            str(second): None,
            str(closed): "no_permission",
        }
    finally:
        closed.chmod(0o700)
    first.chmod(0o600)
    scan(folder, "--out", out, "--retry-errors")
    kinds = {line["path"]: line["error_kind"] for line in lines_of(out)}
    assert kinds == {str(first): None, str(second): None, str(third): None}


def test_an_old_row_of_a_hostile_name_is_read_again(scanned: Path) -> None:
    done = scan("p", "--out", "rows.csv", cwd=scanned)
    assert f"0 files judged, {len(expected())} unchanged" in done.stderr
    for line in (scanned / "rows.csv.jsonl").read_bytes().splitlines():
        assert json.dumps(json.loads(line)).encode() == line

"""Forms of files, taken apart in memory."""

import pytest

from keras_detector.server.form import File, read_files
from keras_detector.server.refusal import RefusedError
from tests.serving import form

CONTENTS = [
    b"",
    b"\r\n",
    b"\r\n--",
    b"\r\n--xxBOUNDARYx",
    b"--xxBOUNDARYxx",
    bytes(range(256)) * 50,
    b"\r\n--xxBOUNDARYyy\r\n" * 20,
    b"\r" * 1000 + b"\n",
]


def read(body: bytes, headers: dict[str, str], at_most: int = 100) -> list[File]:
    return read_files(body, headers["Content-Type"], at_most=at_most)


def test_every_byte_of_every_file_comes_out() -> None:
    files = [(f"{number}.png", content) for number, content in enumerate(CONTENTS)]
    assert [(file.name, file.content) for file in read(*form(*files))] == files


@pytest.mark.parametrize("name", ["../../etc/passwd", "a b;c=d.png", "ü.png", "", "con"])
def test_a_name_is_taken_as_it_is_and_leads_nowhere(name: str) -> None:
    assert read(*form((name, b"x")))[0].name == name


def test_a_quoted_boundary_and_other_headers_are_fine() -> None:
    body, _ = form(("a", b"x"), boundary="a b")
    found = read_files(body, 'Multipart/Form-Data; charset=utf-8; boundary="a b"', at_most=1)
    assert found == [File("a", b"x")]


WHOLE, HEADERS = form(("a.png", b"content"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        WHOLE[:-8],
        WHOLE[:40],
        WHOLE.replace(b"xxBOUNDARYxx", b"another"),
        WHOLE.replace(b'; filename="a.png"', b""),
        WHOLE.replace(b"Content-Disposition", b"Content Disposition"),
        WHOLE.replace(b"Content-Type", b"X" * 10_000),
        WHOLE.replace(b"\r\n\r\n", b"\r\n" + b"X-A: b\r\n" * 100 + b"\r\n"),
        b"--xxBOUNDARYxx--\r\n",
        b"\x00" * 1000,
    ],
    ids=range(10),
)
def test_what_is_no_whole_form_of_files_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        read(body, HEADERS)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed"],
)
def test_what_is_no_form_at_all_is_refused(kind: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_files(WHOLE, kind, at_most=1)
    assert refused.value.status == 415


def test_a_boundary_that_is_too_long_is_refused() -> None:
    with pytest.raises(RefusedError):
        read(*form(("a", b"x"), boundary="b" * 300))


def test_too_many_files_are_refused_without_reading_them_all() -> None:
    with pytest.raises(RefusedError) as refused:
        read(*form(*[("a", b"x")] * 10_000), at_most=3)
    assert refused.value.status == 413

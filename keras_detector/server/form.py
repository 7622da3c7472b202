"""Several pictures in one request: `multipart/form-data`, taken apart in memory.

The parsers of web frameworks write uploads to temporary files; no picture is kept here.
"""

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from keras_detector.server.refusal import RefusedError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

# What is wrong with a form is told to its sender; the log is not for strangers to fill.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class File:
    """One file of a form.

    Attributes:
        name: the file name as the sender gave it: a label, and never a path to anything.
        content: its bytes.
    """

    name: str
    content: bytes


def read_files(body: bytes, content_type: str, *, at_most: int) -> list[File]:
    """The files of a form, in their order.

    Args:
        body: the whole body.
        content_type: the header, with the boundary.
        at_most: how many files there may be.

    Raises:
        RefusedError: it is no whole form, holds no file, too many, or something else.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise RefusedError(
            415,
            expected="Content-Type: multipart/form-data with a boundary",
            received=content_type[:200] or "none",
            advice="Send a form with a file field for each picture.",
        )
    form = _Form(at_most)
    try:
        parser = MultipartParser(options[b"boundary"], form.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise _broken(str(error)[:200]) from error
    if not form.is_whole:
        raise _broken("one that ends too early")
    if not form.files:
        raise _broken("one without a file")
    return form.files


@dataclass(slots=True)
class _Form:
    """What the parser has found so far."""

    at_most: int
    files: list[File] = field(default_factory=list)
    is_whole: bool = False
    _header: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _disposition: str = ""
    _content: bytearray = field(default_factory=bytearray)

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._content.extend(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        if len(self.files) == self.at_most:
            raise RefusedError(
                413,
                expected=f"at most {self.at_most} pictures",
                received="more",
                advice="Send them in several requests.",
            )
        self._disposition = ""
        self._content = bytearray()

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value.decode("latin-1")
        self._header.clear()
        self._value.clear()

    def _end(self) -> None:
        options = parse_options_header(self._disposition)[1]
        if b"filename" not in options:
            raise _broken("a field that is no file")
        name = options[b"filename"].decode("utf-8", "backslashreplace")
        self.files.append(File(name, bytes(self._content)))

    def _finish(self) -> None:
        self.is_whole = True


def _broken(received: str) -> RefusedError:
    return RefusedError(
        400,
        expected="a whole form of files only, a picture each",
        received=received,
        advice="Send it with a library for forms, for example curl -F file=@picture.jpg.",
    )

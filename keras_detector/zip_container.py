"""The strictest reading of a zip archive: stored members, known names, and not one byte besides.

Of the many zips a decompressor would take, exactly those are accepted that Python's `zipfile`
writes without compression: the members one after another from the first byte on, the central
directory right behind them, its end record as the last bytes. Nothing can hide between or around
the members, nothing can expand, and no two readers can see different members. As each header is
compared with the one that `zipfile` would have written, a changed byte in any of them is noticed.
"""

import os
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from keras_detector.errors import ModelFileError

# Layouts: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local), 4.3.12 (central) and 4.3.16 (end).
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")

_VERSION = 20
# zipfile notes the system it ran on: 0 is Windows, 3 everything else.
_MADE_BY = (_VERSION, 3 << 8 | _VERSION)
# The mode zipfile gives a member that did not come from a file on disk.
_NO_FILE_MODE = 0o600
_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Member:
    offset: int
    size: int
    crc: int


def count_members(file: BinaryIO) -> int:
    """How many members the end record of an archive announces; unverified, 0 without a record."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _END.size, 0))
    end = file.read(_END.size)
    return int.from_bytes(end[10:12], "little") if end[:4] == b"PK\x05\x06" else 0


class StoredZip:
    """The members of a strictly checked archive.

    Opening it reads the headers and no payload.

    Args:
        file: a readable, seekable binary file; it must stay open.
        size_limits: name to largest size in bytes of every member; the archive must have these
            members, each once and in any order, and no other.
        max_bytes: largest size of the whole file.

    Raises:
        ModelFileError: the file is no such archive.
    """

    def __init__(self, file: BinaryIO, size_limits: Mapping[str, int], max_bytes: int) -> None:
        self._file = file
        self._limits = size_limits
        size = file.seek(0, os.SEEK_END)
        if size > max_bytes:
            raise _refused(f"{size:,} bytes", f"at most {max_bytes:,} bytes")
        self._members = self._read_directory(size)

    def read(self, name: str) -> bytes:
        """The whole payload of a member.

        Raises:
            ModelFileError: it differs from its CRC-32.
        """
        return b"".join(self._chunks(name))

    def head(self, name: str, count: int) -> bytes:
        """The first `count` bytes of a member, fewer if it is shorter; unverified."""
        member = self._members[name]
        return self._at(member.offset, min(count, member.size))

    def sha256(self, name: str) -> str:
        """The digest of a member's payload, in small letters, without holding it in memory.

        Raises:
            ModelFileError: the payload differs from its CRC-32.
        """
        digest = sha256()
        for chunk in self._chunks(name):
            digest.update(chunk)
        return digest.hexdigest()

    def _read_directory(self, size: int) -> dict[str, _Member]:
        names = set(self._limits)
        directory_size = sum(_CENTRAL.size + len(name) for name in names)
        start = size - _END.size - directory_size
        end = self._at(max(size - _END.size, 0), _END.size)
        if end[:4] != b"PK\x05\x06":
            raise _refused("no zip archive, or one with something behind it")
        count = int.from_bytes(end[10:12], "little")
        if count != len(names):
            raise _refused(f"a zip of {count} members")
        if start < 0 or end != _END.pack(
            b"PK\x05\x06", 0, 0, count, count, directory_size, start, 0
        ):
            raise _refused("other names, or an end record that fits no such zip")
        directory = self._at(start, directory_size)
        members: dict[str, _Member] = {}
        origins: set[tuple[int, int]] = set()
        position = offset = 0
        while names:
            name, member, origin = self._read_member(directory[position:], offset)
            if name not in names:
                raise _refused(f"a member named {name!r}, or twice")
            names.remove(name)
            members[name] = member
            origins.add(origin)
            position += _CENTRAL.size + len(name)
            offset = member.offset + member.size
        if offset != start:
            raise _refused("bytes that belong to no member")
        # These stand only once per member; that all agree is what reveals a change to one.
        if len(origins) > 1:
            raise _refused("members of different origin")
        return members

    def _read_member(self, directory: bytes, offset: int) -> tuple[str, _Member, tuple[int, int]]:
        (_, made, _, _, _, time, date, crc, _, size, name_size, *_, attributes, _) = (
            _CENTRAL.unpack_from(directory)
        )
        raw_name = directory[_CENTRAL.size : _CENTRAL.size + name_size]
        name = raw_name.decode("ascii", errors="backslashreplace")
        if size > self._limits.get(name, size):
            raise _refused(f"{name} of {size:,} bytes", f"at most {self._limits[name]:,} bytes")
        both = (_VERSION, 0, 0, time, date, crc, size, size, name_size, 0)
        central = (b"PK\x01\x02", made, *both, 0, 0, 0, attributes, offset)
        local = _LOCAL.pack(b"PK\x03\x04", *both) + raw_name
        mode, low = attributes >> 16, attributes & 0xFFFF
        regular = stat.S_ISREG(mode) and not mode & 0o7000
        if (
            directory[: _CENTRAL.size] != _CENTRAL.pack(*central)
            or self._at(offset, len(local)) != local
            or made not in _MADE_BY
            or low
            or not (mode == _NO_FILE_MODE or regular)
        ):
            raise _refused(f"a header of {name!r} that a plain, uncompressed zip does not have")
        return name, _Member(offset + len(local), size, crc), (made, attributes)

    def _chunks(self, name: str) -> Iterator[bytes]:
        member = self._members[name]
        crc = 0
        for start in range(0, member.size, _CHUNK):
            chunk = self._at(member.offset + start, min(_CHUNK, member.size - start))
            crc = zlib.crc32(chunk, crc)
            yield chunk
        if crc != member.crc:
            raise _refused(f"{name} with a wrong checksum")

    def _at(self, offset: int, count: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(count)


def _refused(received: str, expected: str = "") -> ModelFileError:
    return ModelFileError(
        expected=expected or "an unchanged zip of exactly the members of a keras-detector model",
        received=received,
        advice="Fetch the file again, or use one that this version of keras-detector wrote.",
    )

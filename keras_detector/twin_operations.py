"""Which compiled networks LiteRT may open: one graph, of its own operations.

LiteRT checks that a flatbuffer is well formed, and its own operations compute and nothing else. But
for an operation named by text it looks for a library that brings it: for `Flex...` that is
TensorFlow, wherever the system finds it, whose operations read and write files. And a network of
several graphs can loop for ever.

Of the flatbuffer (schema version 3) only the two lists that say so are read here.
"""

import struct
from collections.abc import Iterator

_OPERATOR_CODES, _SUBGRAPHS = 1, 2  # fields of Model
_CUSTOM_CODE, _BUILTIN_CODE = 1, 3  # fields of OperatorCode
_CUSTOM, _OLD_BUILTIN_CODE = 32, 0
_MOST = 10_000


def foreign_operation(twin: bytes) -> str | None:
    """What a twin asks for that it may not, or None.

    Args:
        twin: the bytes of `model.tflite`, which need not be a flatbuffer.
    """
    try:
        (root,) = struct.unpack_from("<L", twin)
        graphs = _vector(twin, root, _SUBGRAPHS)
        if graphs is None or _length(twin, graphs) != 1:
            return "a network of more than one graph, or of none"
        for code in _tables(twin, _vector(twin, root, _OPERATOR_CODES)):
            if _field(twin, code, _CUSTOM_CODE) is not None or _is_custom(twin, code):
                return "an operation that is not LiteRT's own"
    except (struct.error, ValueError):
        return "no flatbuffer"
    return None


def _is_custom(data: bytes, code: int) -> bool:
    new, old = _field(data, code, _BUILTIN_CODE), _field(data, code, _OLD_BUILTIN_CODE)
    return (new is not None and struct.unpack_from("<l", data, new)[0] == _CUSTOM) or (
        old is not None and data[old : old + 1] == bytes([_CUSTOM])
    )


def _field(data: bytes, table: int, number: int) -> int | None:
    """Where a field of a table is, if it has one."""
    (back,) = struct.unpack_from("<l", data, table)
    if not 0 <= table - back < len(data):
        raise ValueError("outside")
    size, _ = struct.unpack_from("<HH", data, table - back)
    if 4 + 2 * number + 2 > size:
        return None
    (offset,) = struct.unpack_from("<H", data, table - back + 4 + 2 * number)
    return table + offset if offset else None


def _vector(data: bytes, table: int, number: int) -> int | None:
    field = _field(data, table, number)
    return None if field is None else field + int(struct.unpack_from("<L", data, field)[0])


def _length(data: bytes, vector: int) -> int:
    length = int(struct.unpack_from("<L", data, vector)[0])
    if length > _MOST:
        raise ValueError("too many")
    return length


def _tables(data: bytes, vector: int | None) -> Iterator[int]:
    if vector is None:
        return
    for number in range(_length(data, vector)):
        place = vector + 4 + 4 * number
        yield place + int(struct.unpack_from("<L", data, place)[0])

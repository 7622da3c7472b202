"""Compiled networks that ask for more than to compute, or for more memory than there is."""

from ai_edge_litert.tools import flatbuffer_utils


def huge_tensor(twin: bytes) -> bytes:
    """A network whose picture is 30,000 times 30,000."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(twin))
    graph = model.subgraphs[0]
    for tensor in graph.tensors:
        if tensor.shape is not None and len(tensor.shape) == 4 and tensor.buffer < 2:
            tensor.shape = [tensor.shape[0], 30_000, 30_000, tensor.shape[3]]
    tensor = graph.tensors[graph.inputs[0]]
    tensor.shape = [1, 30_000, 30_000, 3]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def foreign_operation(twin: bytes) -> bytes:
    """A network of an operation that somebody's library would bring."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(twin))
    for code in model.operatorCodes:
        code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, b"FlexReadFile"
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def endless_loop(twin: bytes) -> bytes:
    """A network of two graphs, as loops need them."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(twin))
    model.subgraphs = [*model.subgraphs, *model.subgraphs]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def named_operation(twin: bytes) -> bytes:
    """An operation that is called LiteRT's own, with another's name beside it."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(twin))
    model.operatorCodes[0].customCode = b"FlexReadFile"
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def wild_offsets(twin: bytes) -> bytes:
    changed = bytearray(twin)
    for at in range(8, 4_000, 4):
        changed[at : at + 4] = b"\xff\xff\xff\x7f"
    return bytes(changed)

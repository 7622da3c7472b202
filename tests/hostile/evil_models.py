"""Model files made to run, read, connect, write or exhaust: one for each way that was published.

Each has a card that tells the truth about it: whoever makes a model file makes its hashes too.
"""

import io
import json
import pickle
import stat
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from tests.hostile.evil_twins import (
    endless_loop,
    foreign_operation,
    huge_tensor,
    named_operation,
    wild_offsets,
)
from tests.hostile.evil_weights import (
    circle,
    external_link,
    external_storage,
    gzip_bomb,
    objects_in_arrays,
    shape_bomb,
    soft_link,
    virtual,
    weights,
)
from tests.model_files import CONFIG, HDF5, TWIN, Members, members_of, rezip, sealed

PORT = 9
"""Where nobody listens: a connection is an attempt all the same."""


class Evil(NamedTuple):
    """One of them.

    Attributes:
        make: writes it to a path, given the members of a good model.
        known_as: the advisory or the class of attack.
        verdicts: `"refused"` by `info` and `predict`; `"ignored"` where the harm is in what a
            verdict never reads, and the rest is a whole model; `"unused"` where it is in the twin,
            which `info` does not open and `predict` refuses.
    """

    make: Callable[[Path, Members], object]
    known_as: str
    verdicts: str = "refused"


def with_config(config: object) -> Callable[[Path, Members], object]:
    data = config if isinstance(config, bytes) else json.dumps(config).encode()
    return lambda path, members: rezip(path, sealed(members | {"config.json": data}))


def layer(**fields: Any) -> dict[str, Any]:
    plain = {"module": "keras.layers", "config": {}, "registered_name": None}
    return CONFIG | {"config": {"name": "evil", "layers": [plain | fields]}}


def called(module: str, name: str, *arguments: object) -> dict[str, Any]:
    """A network whose layer is a function, called on what stands in the file."""
    node = {"args": list(arguments), "kwargs": {}}
    part = {"module": module, "class_name": name, "config": {}, "registered_name": None}
    part |= {"name": "run", "inbound_nodes": [node]}
    config = {"name": "evil", "layers": [part], "input_layers": [], "output_layers": []}
    return {
        "module": "keras.src.models.functional", "class_name": "Functional", "config": config,
        "registered_name": None,
    }  # fmt: skip


def function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def larger_layer(path: Path, members: Members) -> None:
    units = {"units": 2**31 - 1, "activation": "relu"}
    first = {"module": "keras.layers", "class_name": "InputLayer", "registered_name": None}
    first["config"] = {"batch_shape": [None, 4096], "dtype": "float32", "name": "in"}  # type: ignore[assignment]
    dense = {"module": "keras.layers", "class_name": "Dense", "config": units}
    dense |= {"registered_name": None}
    config = CONFIG | {"config": {"name": "large", "layers": [first, dense]}}
    file = io.BytesIO()
    with h5py.File(file, "w") as hdf5:
        hdf5.create_dataset("layers/dense/vars/0", data=np.zeros(4, np.float32))
    data = {"config.json": json.dumps(config).encode(), "model.weights.h5": file.getvalue()}
    rezip(path, sealed(members | data))


def with_members(**more: bytes) -> Callable[[Path, Members], object]:
    return lambda path, members: rezip(path, sealed(members | more))


def replaced(old: str, new: str) -> Callable[[Path, Members], object]:
    def make(path: Path, members: Members) -> None:
        rezip(path, {new if name == old else name: data for name, data in members.items()})

    return make


def link_inside(path: Path, members: Members) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name)
            if name == "model.weights.h5":
                entry.external_attr, data = (stat.S_IFLNK | 0o777) << 16, b"/etc/passwd"
            archive.writestr(entry, data)


def twice(path: Path, members: Members) -> None:
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings(action="ignore"):
        for name, data in [*members.items(), ("config.json", json.dumps(CODE).encode())]:
            archive.writestr(name, data)


def encrypted(path: Path, members: Members) -> None:
    data = bytearray(rezip(path, members).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(signature, at + 4)
    path.write_bytes(data)


def overlapping(path: Path, members: Members) -> None:
    data = bytearray(rezip(path, members).read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 42 : at + 46] = bytes(4)
        at = data.find(b"PK\x01\x02", at + 4)
    path.write_bytes(data)


def lying_sizes(path: Path, members: Members) -> None:
    data = bytearray(rezip(path, members).read_bytes())
    at = data.find(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<L", 2**32 - 2)
    path.write_bytes(data)


def zip_bomb(path: Path, members: Members) -> None:
    """100 MB of zeros as the configuration and as the weights."""
    bomb = {"config.json": bytes(100 * 2**20), "model.weights.h5": HDF5 + bytes(100 * 2**20)}
    rezip(path, members | bomb, zipfile.ZIP_DEFLATED)


def nested_zip(path: Path, members: Members) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.keras", bytes(50 * 2**20))
    rezip(path, sealed(members | {"model.tflite": inner.getvalue()}))


def tar(path: Path, members: Members) -> None:
    """An archive that writes outside, by names and by links."""
    with tarfile.open(path, "w") as archive:
        for name, kind, target in (
            ("../../../tmp/pwned", tarfile.REGTYPE, ""),
            ("link", tarfile.SYMTYPE, "/tmp"),
            ("hard", tarfile.LNKTYPE, "../../etc/passwd"),
            ("link/pwned", tarfile.REGTYPE, ""),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            archive.addfile(entry)


def legacy(path: Path, members: Members) -> None:
    """A whole model as HDF5, where Keras overlooked its safe mode."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["model_config"] = json.dumps(CODE)


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, ("touch /tmp/pwned",)


def pickled(path: Path, members: Members) -> None:
    path.write_bytes(pickle.dumps(Payload()))


def script(path: Path, members: Members) -> None:
    path.write_bytes(b"#!/bin/sh\ntouch /tmp/pwned\n" + rezip(path, members).read_bytes())


def changed_card(change: Callable[[dict[str, Any]], object]) -> Callable[[Path, Members], object]:
    def make(path: Path, members: Members) -> None:
        card = json.loads(members["card.json"])
        change(card)
        rezip(path, members | {"card.json": json.dumps(card).encode()})

    return make


def raw_card(data: bytes) -> Callable[[Path, Members], object]:
    return lambda path, members: rezip(path, members | {"card.json": data})


def with_twin(change: Callable[[bytes], bytes]) -> Callable[[Path, Members], object]:
    def make(path: Path, members: Members) -> None:
        rezip(path, sealed(members | {"model.tflite": change(members["model.tflite"])}))

    return make


CODE = layer(
    class_name="Lambda",
    config={"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}},
)
WIDE = (
    b'{"class_name":"Sequential","module":"keras","config":['
    + b"{}," * 699_000
    + b'{"module":"os"}]}'
)
GET = function("keras.utils", "get_file")

EVIL: dict[str, Evil] = {
    "lambda": Evil(with_config(CODE), "CVE-2024-3660"),
    "module": Evil(with_config(called("os", "system", "touch /tmp/pwned")), "CVE-2025-1550"),
    "class": Evil(
        with_config(called("subprocess", "Popen", ["touch", "/tmp/pwned"])), "CVE-2025-1550"
    ),
    "reused function": Evil(
        with_config(
            layer(
                class_name="Lambda",
                config={"function": GET, "arguments": {"origin": f"http://127.0.0.1:{PORT}/x"}},
            )
        ),
        "CVE-2025-8747",
    ),
    "safe mode off": Evil(
        with_config(called("keras.config", "enable_unsafe_deserialization")), "CVE-2025-9906"
    ),
    "model within": Evil(
        with_config(
            layer(
                class_name="Lambda",
                config={
                    "function": function("keras.models", "load_model"),
                    "arguments": {"safe_mode": False},
                },
            )
        ),
        "CVE-2025-9906",
    ),
    "legacy HDF5": Evil(legacy, "CVE-2025-9905"),
    "reads a file": Evil(
        with_config(layer(class_name="StringLookup", config={"vocabulary": "/etc/passwd"})),
        "CVE-2025-12058",
    ),
    "asks a server": Evil(
        with_config(
            layer(class_name="IntegerLookup", config={"vocabulary": f"http://127.0.0.1:{PORT}/"})
        ),
        "CVE-2025-12058",
    ),
    "downloads and unpacks": Evil(
        with_config(called("keras.utils", "get_file", "x.tar", f"http://127.0.0.1:{PORT}/x.tar")),
        "CVE-2025-12060, CVE-2024-55459",
    ),
    "tar": Evil(tar, "CVE-2025-12638"),
    "torch": Evil(
        with_config(layer(class_name="TorchModuleWrapper", config={"module": "gASVHQ=="})),
        "CVE-2025-49655",
    ),
    "saved model": Evil(
        with_config(layer(class_name="TFSMLayer", config={"filepath": "/tmp/evil"})),
        "CVE-2026-1462",
    ),
    "registered name": Evil(
        with_config(layer(class_name="Dense", registered_name="evil>Lambda")), "keras issue 23055"
    ),
    "shape bomb": Evil(weights(shape_bomb), "CVE-2026-0897", "ignored"),
    "compressed weights": Evil(weights(gzip_bomb), "CVE-2026-12570", "ignored"),
    "weights elsewhere": Evil(weights(external_storage), "CVE-2026-1669", "ignored"),
    "link elsewhere": Evil(weights(external_link), "CVE-2026-1669", "ignored"),
    "virtual weights": Evil(weights(virtual), "keras pull 22976", "ignored"),
    "soft link": Evil(weights(soft_link), "CVE-2026-1669", "ignored"),
    "weights in a circle": Evil(weights(circle), "HDF5 link cycle", "ignored"),
    "weights that are texts": Evil(weights(objects_in_arrays), "HDF5 heap objects", "ignored"),
    "larger layer": Evil(larger_layer, "CWE-789", "ignored"),
    "npz weights": Evil(replaced("model.weights.h5", "model.weights.npz"), "keras pull 23016"),
    "path upwards": Evil(replaced("metadata.json", "../../tmp/pwned"), "GHSA-hqp4-2352-xf5r"),
    "link inside": Evil(link_inside, "keras pull 23015"),
    "assets": Evil(with_members(**{"assets/vocabulary.txt": b"x"}), "CVE-2025-12058"),
    "zip bomb": Evil(zip_bomb, "keras pull 23010"),
    "nested zip": Evil(nested_zip, "42.zip"),
    "overlapping members": Evil(overlapping, "Fifield 2019"),
    "lying sizes": Evil(lying_sizes, "CWE-130"),
    "member twice": Evil(twice, "CWE-436"),
    "encrypted": Evil(encrypted, "zip encryption"),
    "script before it": Evil(script, "polyglot"),
    "pickle": Evil(pickled, "CWE-502"),
    "deep configuration": Evil(with_config(b'{"a":' * 300_000 + b"1" + b"}" * 300_000), "CWE-674"),
    "wide configuration": Evil(with_config(WIDE), "CWE-400"),
    "key twice": Evil(
        with_config(b'{"class_name":"Sequential","class_name":"Lambda","module":"keras"}'),
        "CWE-436",
    ),
    "deep card": Evil(raw_card(b"[" * 2**20), "CWE-674"),
    "huge number in the card": Evil(
        raw_card(b'{"format":' + b"9" * 2**19 + b"}"), "CVE-2020-10735"
    ),
    "card of no number": Evil(
        changed_card(lambda c: c["calibration"].update(slope=float("nan"))), "CWE-1287"
    ),
    "huge input": Evil(changed_card(lambda c: c["input"].update(size=10**9)), "CWE-789"),
    "wild twin": Evil(with_twin(wild_offsets), "CWE-125", "unused"),
    "half a twin": Evil(with_twin(lambda twin: twin[: len(twin) // 2]), "CWE-125", "unused"),
    "huge twin": Evil(with_twin(huge_tensor), "CWE-789", "unused"),
    "foreign operation": Evil(with_twin(foreign_operation), "CWE-829", "unused"),
    "named operation": Evil(with_twin(named_operation), "CWE-829", "unused"),
    "endless loop": Evil(with_twin(endless_loop), "CWE-835", "unused"),
    "no twin": Evil(with_twin(lambda _: TWIN[:8] + bytes(100)), "CWE-125", "unused"),
}


def make_all(folder: Path, good: Path) -> dict[str, Path]:
    """Write them all: name to path."""
    members = members_of(good)
    paths = {}
    for number, (name, evil) in enumerate(EVIL.items()):
        paths[name] = folder / f"{number:02} {name}.keras"
        evil.make(paths[name], dict(members))
    return paths

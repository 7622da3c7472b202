"""Model files from strangers: cards, code, and what a refusal may cost."""

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keras_detector.card import Card
from keras_detector.errors import ModelFileError
from keras_detector.model_file import read_model_file, write_model_file
from tests.model_files import CONFIG, TWIN, keras_archive, members_of, refused, rezip, sealed

# --- the card


def card_change(good: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    members = members_of(good)
    card = json.loads(members["card.json"])
    change(card)
    members["card.json"] = json.dumps(card).encode()
    return rezip(tmp_path / "card.keras", members)


CARD_CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "labels": lambda c: c.update(labels=["fake", "real"]),
    "nan": lambda c: c["calibration"].update(intercept=float("nan")),
    "infinity": lambda c: c["calibration"].update(slope=float("inf")),
    "threshold": lambda c: c["threshold"].update(value=1.5),
    "size": lambda c: c["input"].update(size=10**9),
    "missing": lambda c: c.pop("calibration"),
    "unknown": lambda c: c.update(surprise=1),
    "format": lambda c: c.update(format=3),
    "no hashes": lambda c: c.update(sha256={}),
    "hash short": lambda c: c["sha256"].pop("metadata.json"),
    "hash more": lambda c: c["sha256"].update({"evil.py": "0" * 64}),
    "hash of the card": lambda c: c["sha256"].update({"card.json": "0" * 64}),
    "hash wrong": lambda c: c["sha256"].update({"model.tflite": "0" * 64}),
    "hash upper": lambda c: c["sha256"].update({k: v.upper() for k, v in c["sha256"].items()}),
    "hash line": lambda c: c["sha256"].update({k: v + "\n" for k, v in c["sha256"].items()}),
    "no curve": lambda c: c.pop("curve"),
    "empty curve": lambda c: c["curve"].update(points=[]),
    "curve of nobody": lambda c: c["curve"].update(n_real=0),
    "curve backwards": lambda c: c["curve"]["points"].reverse(),
    "curve twice": lambda c: c["curve"]["points"].append(c["curve"]["points"][-1]),
    "curve not finite": lambda c: c["curve"]["points"][0]["recall"].update(high=float("inf")),
    "curve above one": lambda c: c["curve"]["points"][0]["recall"].update(high=1.5),
    "curve without the threshold": lambda c: c["curve"]["points"].pop(),
    "not a number": lambda c: c["threshold"].update(value="0.5"),
}


@pytest.mark.parametrize("change", CARD_CHANGES)
def test_a_card_that_is_not_right_is_refused(good: Path, tmp_path: Path, change: str) -> None:
    refused(card_change(good, tmp_path, CARD_CHANGES[change]))


def test_a_card_of_an_older_format_is_told_apart(good: Path, tmp_path: Path) -> None:
    def to_first(c: dict[str, Any]) -> None:
        for name in ("stands", "audit", "per_source", "robustness", "collections"):
            del c[name]
        del c["curve"]
        del c["twin"]["place"]
        c["format"] = 1

    assert "an older keras-detector wrote" in str(refused(card_change(good, tmp_path, to_first)))


def test_an_unchanged_card_is_accepted(good: Path, tmp_path: Path) -> None:
    read_model_file(card_change(good, tmp_path, lambda c: c))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b'"' + b"a" * 2**19,
        b"\xff\xfe{}",
        b'{"training":{"recipe":' + b'{"a":' * 150_000 + b"1" + b"}" * 150_000 + b"}}",
        b"[" * 2**20,
        b'{"format":' + b"9" * 2**19 + b"}",
        b'{"format":1e999999}',
    ],
    ids=range(9),
)
def test_a_card_that_is_no_card_is_refused(good: Path, tmp_path: Path, content: bytes) -> None:
    refused(rezip(tmp_path / "card.keras", members_of(good) | {"card.json": content}))


# --- code


def layer(**fields: Any) -> dict[str, Any]:
    plain = {"module": "keras.layers", "config": {}, "registered_name": None}
    return CONFIG | {"config": {"layers": [plain | fields]}}


CODE: dict[str, object] = {
    "Lambda layer": layer(class_name="Lambda", config={"function": "x"}),
    "lambda value": layer(
        class_name="Activation",
        config={"activation": {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}},
    ),
    "torch": layer(class_name="TorchModuleWrapper", config={"module": "gASV"}),
    "saved model": layer(class_name="TFSMLayer", config={"filepath": "/tmp/evil"}),
    "jax": layer(class_name="JaxLayer"),
    "flax": layer(class_name="FlaxLayer"),
    "reads a file": layer(class_name="StringLookup", config={"vocabulary": "/etc/passwd"}),
    "foreign module": layer(class_name="system", module="os"),
    "foreign class": layer(class_name="Popen", module="subprocess"),
    "lookalike": layer(class_name="Dense", module="keras_evil.layers"),
    "lookalike dot": layer(class_name="Dense", module="keras.layersx"),
    "trailing line": layer(class_name="Dense", module="keras.layers\n"),
    "trailing line of class": layer(class_name="Dense\n"),
    "keras utility": layer(class_name="function", module="keras.utils", config="get_file"),
    "builtin": layer(class_name="eval", module="builtins"),
    "builtin function": layer(class_name="function", module="builtins", config="a>b"),
    "function of a module": layer(class_name="function", module="os", config="system"),
    "registered": layer(class_name="Dense", registered_name="evil>Layer"),
    "registered function": layer(
        class_name="function", module="keras.losses", config="mae", registered_name="evil>mae"
    ),
    "no module": layer(class_name="Dense", module=None),
    "module not text": layer(class_name="Dense", module=["keras.layers"]),
    "class not text": layer(class_name={"a": 1}),
    "type specification": layer(class_name="__typespec__", spec_name="x"),
    "control flow": layer(class_name="WhileLoop", module="keras.src.ops.core"),
    "hidden": layer(
        class_name="Dense", config={"a": [[{"b": {"module": "os", "class_name": "system"}}]]}
    ),
    "only a module": layer(class_name="Dense", config={"a": {"module": "os"}}),
    "plain with a module": layer(class_name="__numpy__", module="os"),
    "root": {"class_name": "system", "module": "os", "config": {}},
    "root without class": {"config": {}},
    "list": [CONFIG],
    "number": 1,
}


@pytest.mark.parametrize("kind", CODE)
def test_code_in_the_configuration_is_refused(
    good: Path, tmp_path: Path, kind: str, card: Card
) -> None:
    config = json.dumps(CODE[kind]).encode()
    members = sealed(members_of(good) | {"config.json": config})
    assert "config.json" in str(refused(rezip(tmp_path / "code.keras", members)))
    with pytest.raises(ModelFileError):
        write_model_file(good, keras_archive=keras_archive(CODE[kind]), twin=TWIN, card=card)
    assert read_model_file(good).twin == TWIN  # what was there is unharmed


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"\x80\x04\x95",
        b'{"class_name": "Sequential", "class_name": "Lambda", "module": "keras"}',
        b"[" * 2**21,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        json.dumps(CONFIG | {"config": [[[[[[[[[[0]]]]]]]]]] * 2})
        .replace("0", "[" * 60 + "]" * 60)
        .encode(),
        b'{"class_name": ' + b"9" * 10_000 + b"}",
    ],
    ids=range(7),
)
def test_a_configuration_that_is_no_plain_json_is_refused(
    good: Path, tmp_path: Path, config: bytes
) -> None:
    members = sealed(members_of(good) | {"config.json": config})
    refused(rezip(tmp_path / "config.keras", members))


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch /nonexistent/pwned",)


@pytest.mark.parametrize("name", ["model.tflite", "model.weights.h5", "config.json", "card.json"])
def test_pickles_are_refused(good: Path, tmp_path: Path, name: str) -> None:
    members = sealed(members_of(good)) | {name: pickle.dumps(Payload())}
    members = members if name == "card.json" else sealed(members)
    refused(rezip(tmp_path / "pickle.keras", members))


# --- time and memory

MEASURE = """
import resource, sys, time
from pathlib import Path
from keras_detector.errors import ModelFileError
from keras_detector.model_file import read_model_file
kilobytes = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, start = kilobytes(), time.process_time()
try:
    read_model_file(Path(sys.argv[1]))
except ModelFileError as error:
    print(time.process_time() - start, (kilobytes() - before) / 1024)
"""


def refused_cheaply(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < 1.0
    assert megabytes < 200.0


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_a_huge_sparse_file_is_refused_cheaply(tmp_path: Path) -> None:
    refused_cheaply(sparse(tmp_path / "holes.keras", 3 * 2**30))


def test_a_bomb_of_nested_zips_is_refused_cheaply(good: Path, tmp_path: Path) -> None:
    inner = zlib.compress(bytes(100 * 2**20), 9)  # 100 MB in 100 kB
    members = members_of(good)
    for name in ("model.tflite", "model.weights.h5", "config.json"):
        nested = io.BytesIO()
        with zipfile.ZipFile(nested, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(16):
                archive.writestr(f"lib {number}.zip", inner)
        members[name] = nested.getvalue()
    bomb = rezip(tmp_path / "bomb.keras", sealed(members), zipfile.ZIP_DEFLATED)
    refused_cheaply(bomb)


def test_a_large_file_with_one_wrong_hash_is_refused_cheaply(good: Path, tmp_path: Path) -> None:
    members = members_of(good)  # the card's hash of the twin is wrong, and known only at its end
    members["model.tflite"] = TWIN + bytes(100 * 2**20)  # hashed at 0.3 GB a second or more
    refused_cheaply(rezip(tmp_path / "large.keras", members))


@pytest.mark.parametrize("unit", [b"{},", b"[],", b'{"a":{}},'])
def test_a_configuration_of_millions_of_objects_is_refused_cheaply(
    good: Path, tmp_path: Path, unit: bytes
) -> None:
    start = b'{"class_name": "Sequential", "module": "keras", "config": ['
    config = start + unit * ((2**21 - 200) // len(unit)) + b'{"module": "os"}]}'
    members = sealed(members_of(good) | {"config.json": config})
    refused_cheaply(rezip(tmp_path / "wide.keras", members))

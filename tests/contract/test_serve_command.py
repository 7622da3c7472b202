"""`keras-detector serve` from start to stop."""

import http.client
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from keras_detector.cli import main
from keras_detector.detector import Detector
from keras_detector.errors import DetectorError
from keras_detector.server.settings import (
    LOOPBACK_NAMES,
    TOKEN_VARIABLE,
    address_of,
    bind,
    host_name,
    names_allowed,
    read_token,
)
from keras_detector.strictness import Strictness
from tests.conftest import draw_picture
from tests.serving import MODEL, png

TOKEN = "0123456789abcdef"
posix = pytest.mark.skipif(os.name != "posix", reason="signals are of POSIX systems")


@contextmanager
def started(*options: str, **environment: str) -> Iterator[subprocess.Popen]:
    call = [sys.executable, "-m", "keras_detector.cli", "serve", "--model", str(MODEL)]
    with subprocess.Popen(
        [*call, "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def get(address: str, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request("GET", path, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_and_ends_when_told(number: signal.Signals) -> None:
    with started() as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d+", address)
        assert get(address, "/healthz") == 200
        process.send_signal(number)
        assert process.wait(60) == 0
        assert process.stdout.read() == ""
        assert "Traceback" not in process.stderr.read()


def test_it_judges_as_strictly_as_it_is_told() -> None:
    with started("--strictness", "cautious") as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        picture = png(draw_picture(np.random.default_rng(5), fake=True, size=64))
        connection.request("POST", "/v1/predict", picture, {"Content-Type": "image/png"})
        threshold = json.loads(connection.getresponse().read())["threshold"]
    assert threshold == Detector(MODEL, Strictness.CAUTIOUS).threshold.value
    assert threshold != Detector(MODEL).threshold.value


@pytest.mark.parametrize("place", ["file", "environment"])
def test_the_token_is_asked_for(tmp_path: Path, place: str) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    options = ["--token-file", str(file)] if place == "file" else []
    variables = {TOKEN_VARIABLE: TOKEN} if place == "environment" else {}
    with started(*options, **variables) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert get(address, "/metrics") == 401
        assert get(address, "/metrics", Authorization=f"Bearer {TOKEN}") == 200


def test_the_same_port_twice_is_an_error_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with bind("127.0.0.1", 0) as bound:
        bound.listen()
        port = str(bound.getsockname()[1])
        assert main(["serve", "--port", port, "--model", str(MODEL)]) == 2
    assert "--port" in capsys.readouterr().err


def test_a_bad_model_ends_it_before_it_listens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--port", "0", "--model", str(tmp_path / "none.keras")]) == 3
    assert capsys.readouterr().out == ""


def test_without_its_packages_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "uvicorn" else found(name)
    )
    assert main(["serve"]) == 2
    message = capsys.readouterr().err
    assert "uvicorn" in message
    assert "keras-detector[serve]" in message


def test_other_machines_are_let_in_only_with_a_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    assert main(["serve", "--host", "0.0.0.0", "--port", "0", "--allowed-host", "a.example"]) == 2
    assert "--token-file" in capsys.readouterr().err
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    assert main(["serve", "--host", "0.0.0.0", "--port", "0"]) == 2
    assert "--allowed-host" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--port", "65536"],
        ["--max-upload", "0"],
        ["--max-upload", "nan"],
        ["--timeout", "0"],
        ["--timeout", "inf"],
        ["--workers", "0"],
        ["--queue", "-1"],
    ],
)
def test_options_without_sense_are_refused(options: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", *options])
    assert ended.value.code == 2


@pytest.mark.parametrize(
    "content", [b"", b"short", b"with a space in it", b"\xff" * 20, b"\n" * 20]
)
def test_a_token_that_protects_nothing_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(DetectorError, match="openssl rand") as refused:
        read_token(file)
    assert content.decode("latin-1").strip() == "" or content.decode("latin-1") not in str(
        refused.value
    )


def test_a_missing_token_file_is_not_no_token(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="No such file"):
        read_token(tmp_path / "token")


def test_an_empty_variable_is_not_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "")
    with pytest.raises(DetectorError, match=TOKEN_VARIABLE):
        read_token(None)
    monkeypatch.delenv(TOKEN_VARIABLE)
    assert read_token(None) is None


@pytest.mark.parametrize(
    ("host", "named", "more"),
    [
        ("127.0.0.1", [], set()),
        ("localhost", ["Pictures.Example.org"], {"pictures.example.org"}),
        ("0.0.0.0", ["a.example", "fd00::1"], {"a.example", "[fd00::1]"}),
    ],
)
def test_the_names_it_goes_by(host: str, named: list[str], more: set[str]) -> None:
    with bind(host, 0) as bound:
        assert names_allowed(bound, host, named, token=True) == LOOPBACK_NAMES | more


@pytest.mark.parametrize(
    ("host", "named", "address"),
    [
        ("127.0.0.1", [], "http://127.0.0.1"),
        ("localhost", [], "http://localhost"),
        ("127.0.0.2", [], "http://127.0.0.2"),
        ("0.0.0.0", ["a.example"], "http://localhost"),
        ("0:0:0:0:0:0:0:1", [], "http://[0:0:0:0:0:0:0:1]"),
    ],
)
def test_the_address_it_prints_is_one_it_answers_at(
    host: str, named: list[str], address: str
) -> None:
    with bind(host, 0) as bound:
        printed = address_of(bound, host)
        assert printed == f"{address}:{bound.getsockname()[1]}"
        allowed = names_allowed(bound, host, named, token=True)
        assert host_name(printed.removeprefix("http://")) in allowed
        assert bound.family is not socket.AF_INET6 or "[::1]" in allowed  # as browsers write it


def test_answers_are_sent_without_delay() -> None:
    """asyncio turns Nagle's algorithm off only for sockets that name their protocol."""
    with bind("localhost", 0) as bound:
        assert bound.proto == socket.IPPROTO_TCP


def test_a_name_that_is_none_cannot_be_listened_on() -> None:
    with pytest.raises(DetectorError, match="--host"):
        bind("no such host.invalid", 0)

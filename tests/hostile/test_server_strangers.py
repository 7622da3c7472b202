"""The service among strangers: what they send is refused, and leaves nothing behind."""

import contextlib
import json
import os
import random
import re
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from keras_detector.server.connection import MAX_CONNECTIONS
from keras_detector.server.settings import MAX_HEAD, TOKEN_VARIABLE
from tests.conftest import draw_picture
from tests.serving import MODEL, Service, form, png, service, settings

LIMIT = 1_000_000
TOKEN = "correct-horse-battery"
ALLOWED = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n".encode()
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PICTURE = png(draw_picture(np.random.default_rng(1), fake=True, size=64))


def request(line: str, body: bytes = b"", *, head: bytes = ALLOWED, more: str = "") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{line} HTTP/1.1\r\n".encode() + head + f"{more}{length}\r\n".encode() + body


def picture(body: bytes, *, head: bytes = ALLOWED, more: str = "", path: str = "predict") -> bytes:
    return request(f"POST /v1/{path}", body, head=head, more=f"Content-Type: image/png\r\n{more}")


def png_header(width: int, height: int, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + crc

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def in_form(body: bytes, kind: str = "multipart/form-data; boundary=xxBOUNDARYxx") -> bytes:
    return request("POST /v1/predict-batch", body, more=f"Content-Type: {kind}\r\n")


CHUNKED = "Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n"
ENDLESS = (b"10000\r\n" + bytes(0x10000) + b"\r\n") * 40
FORM, _ = form(("a.png", PICTURE), ("b.txt", b"no picture"))
EVIL_HOST = ALLOWED.replace(b"localhost", b"evil.example")
NO_TOKEN = ALLOWED.replace(TOKEN.encode(), b"wrong")
SIDE = 1_500
STRIPE = zlib.compress(bytes(1 + 3 * SIDE) * SIDE)

# what is sent, and which answers are right; "" is none at all, the connection broken
HOSTILE: dict[str, tuple[bytes, set[str]]] = {
    "length too large to read": (
        request("POST /v1/predict", more="Content-Type: image/png\r\nContent-Length: 99999999\r\n"),
        {"413"},
    ),
    "length of a thousand digits": (
        request("POST /v1/predict", more=f"Content-Length: {'9' * 1000}\r\n"),
        {"400", "413", "415"},
    ),
    "length below 0": (request("POST /v1/predict", more="Content-Length: -1\r\n"), {"400"}),
    "two lengths": (
        request("POST /v1/predict", more="Content-Length: 1\r\nContent-Length: 2\r\n"),
        {"400"},
    ),
    "length and chunks": (
        request("POST /v1/predict", more=f"{CHUNKED}Content-Length: 5\r\n") + b"0\r\n\r\n",
        {"400", "422"},
    ),
    "more than announced": (
        request("POST /v1/predict", more="Content-Type: image/png\r\nContent-Length: 5\r\n")
        + b"x" * 5_000,
        {"422", "400"},
    ),
    "endless chunks": (request("POST /v1/predict", more=CHUNKED) + ENDLESS, {"413"}),
    "endless chunks nobody asked for": (
        request("GET /healthz", more="Transfer-Encoding: chunked\r\n") + ENDLESS,
        {"200"},
    ),
    "endless chunks to nowhere": (request("POST /nowhere", more=CHUNKED) + ENDLESS, {"404"}),
    "broken chunks": (request("POST /v1/predict", more=CHUNKED) + b"zz\r\nxx\r\n", {"400"}),
    "no host": (picture(PICTURE, head=b""), {"400", "421"}),
    "wrong host": (picture(PICTURE, head=EVIL_HOST), {"421"}),
    "two hosts": (picture(PICTURE, head=ALLOWED + b"Host: evil.example\r\n"), {"400"}),
    "wrong origin": (picture(PICTURE, more="Origin: http://evil.example\r\n"), {"403"}),
    "no origin to speak of": (picture(PICTURE, more="Origin: null\r\n"), {"403"}),
    "wrong token": (picture(PICTURE, head=NO_TOKEN), {"401"}),
    "no token": (picture(PICTURE, head=b"Host: localhost\r\n"), {"401"}),
    "no token and a body too long": (
        request("POST /v1/predict", head=NO_TOKEN, more=CHUNKED) + ENDLESS,
        {"401"},
    ),
    "token in the address": (
        picture(PICTURE, head=b"Host: localhost\r\n", path=f"predict?token={TOKEN}"),
        {"401"},
    ),
    "form that ends early": (in_form(FORM[:-20]), {"400"}),
    "form with another boundary": (in_form(FORM.replace(b"BOUND", b"bound")), {"400"}),
    "form without a boundary": (in_form(FORM, "multipart/form-data"), {"415"}),
    "form of almost boundaries": (in_form(b"--xxBOUNDARYxx\r\n" * 5_000), {"400"}),
    "form of noise": (in_form(random.Random(0).randbytes(50_000)), {"400"}),
    "form of endless headers": (in_form(b"--xxBOUNDARYxx\r\n" + b"A: b\r\n" * 9_000), {"400"}),
    "form of many files": (in_form(form(*[("a", b"x")] * 500)[0]), {"413"}),
    "picture of four billion pixels": (picture(png_header(65_535, 65_535)), {"422"}),
    "picture a thousand times its file": (picture(png_header(SIDE, SIDE, STRIPE)), {"200"}),
    "picture of less than announced": (picture(png_header(2 * SIDE, SIDE + 7, STRIPE)), {"422"}),
    "half a picture": (picture(PICTURE[: len(PICTURE) // 2]), {"422"}),
    "half a picture explained": (picture(PICTURE[:99], path="explain"), {"422"}),
    "address for a picture": (picture(b"http://localhost/x.png"), {"422"}),
    "path for a picture": (picture(b"/etc/passwd"), {"422"}),
    "path for a model": (picture(PICTURE, path="predict?model=/etc/passwd"), {"200"}),
    "huge headers": (request("GET /healthz", more=f"X: {'x' * MAX_HEAD}\r\n"), {"431"}),
    "very huge headers": (request("GET /healthz", more="X: y\r\n" * 200_000), {"400", "431", ""}),
    "huge path": (request(f"GET /{'x' * 60_000}"), {"431"}),
    "path upwards": (request("GET /../../../../etc/passwd"), {"404"}),
    "path upwards, encoded": (request("GET /%2e%2e/%2e%2e/etc/passwd"), {"404"}),
    "path with a null byte": (request("GET /page.css%00.html"), {"404"}),
    "path of another server": (request("GET http://evil.example/"), {"404"}),
    "path that is not UTF-8": (request("GET /%ff%fe"), {"404"}),
    **{
        f"method {method}": (request(f"{method} /v1/predict", PICTURE), {"405"})
        for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "HEAD")
    },
    "method CONNECT": (request("CONNECT localhost:22"), {"404"}),
    "preflight of another page": (
        request(
            "OPTIONS /v1/predict",
            more="Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n",
        ),
        {"403"},
    ),
    "web socket": (
        request("GET /", more="Connection: Upgrade\r\nUpgrade: websocket\r\n"),
        {"200"},
    ),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), {"400"}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {"400", "421"}),
    "noise": (random.Random(1).randbytes(3_000) + b"\r\n\r\n", {"400", ""}),
    "header without a name": (request("GET /healthz", more=": x\r\n"), {"400"}),
    "header with a null byte": (request("GET /healthz", more="X: \0\r\n"), {"400"}),
    "many requests at once": (
        request("GET /healthz", head=b"Host: localhost\r\n") * 50 + request("GET /healthz"),
        {"200"},
    ),
    "garbage after a request": (picture(PICTURE) + b"\0" * 500, {"200", "400"}),
}

# what is sent before the client is gone
ABANDONED: dict[str, bytes] = {
    "less than announced": request(
        "POST /v1/predict", more="Content-Type: image/png\r\nContent-Length: 9999\r\n"
    )
    + b"x",
    "half a chunk": request("POST /v1/predict", more=CHUNKED) + b"ff\r\nxx",
    "half a line": b"GET /heal",
    "half of many requests": picture(PICTURE, head=ALLOWED[:-19]) * 20 + b"GET /",
    "nothing": b"",
}

POLITE: list[tuple[bytes, set[str]]] = [
    (picture(PICTURE), {"200"}),
    (picture(PICTURE, more="Origin: http://localhost\r\n"), {"200"}),
    (picture(PICTURE, path="explain"), {"200"}),
    (in_form(FORM), {"200"}),
    (request("GET /"), {"200"}),
    (request("GET /metrics"), {"200"}),
]


def statuses(answer: bytes) -> set[str]:
    """Of every answer in what came back; "" where there is none."""
    return {status.decode() for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)} or {""}


def send(port: int, content: bytes, *, leave: bool = False) -> bytes:
    """All that comes back until the service closes the connection; nothing for who leaves."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as client:
        received = b""
        # closed in our face; what was said before can still be read
        with contextlib.suppress(ConnectionError):
            client.sendall(content)
        with contextlib.suppress(ConnectionError):
            while not leave and (more := client.recv(65536)):
                received += more
        return received


@pytest.fixture(scope="module")
def guarded() -> Iterator[Service]:
    """A service that asks for a token."""
    with service(settings(token=TOKEN, max_upload=LIMIT)) as running:
        yield running


def test_clients_that_leave_are_forgotten(guarded: Service) -> None:
    for _ in range(5):
        for content in ABANDONED.values():
            send(guarded.port, content, leave=True)
    until(lambda: not guarded.server.server_state.connections)
    until(lambda: not guarded.server.server_state.tasks)
    assert guarded.post("/v1/predict", PICTURE, BEARER).status == 200


@pytest.mark.parametrize("name", HOSTILE)
def test_what_strangers_send_is_refused_in_words(guarded: Service, name: str) -> None:
    content, right = HOSTILE[name]
    answer = send(guarded.port, content)
    assert statuses(answer) <= right
    assert b"Traceback" not in answer
    if not statuses(answer) & {"", "200"} and name != "method HEAD":
        body = json.JSONDecoder().raw_decode(answer.partition(b"\r\n\r\n")[2].decode())[0]
        assert set(body) == {"expected", "received", "advice"}
        assert all(body.values())
    assert guarded.ask("GET", "/healthz").status == 200


def test_a_body_too_long_is_refused_before_it_is_sent(guarded: Service) -> None:
    announced = request(
        "POST /v1/predict",
        more="Content-Type: image/png\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n",
    )
    with socket.create_connection(("127.0.0.1", guarded.port), timeout=60) as client:
        client.sendall(announced)
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_sends_on_still_reads_why_it_was_refused(guarded: Service) -> None:
    answer = guarded.post("/v1/predict", bytes(30 * LIMIT), BEARER)
    assert answer.status == 413
    assert answer.headers["connection"] == "close"


# Watches from within: a temporary file without a name leaves no trace in any folder.
WATCHED = """
import os, sys
written = []
def watch(event, arguments):
    if event == "open" and arguments[0] != os.devnull and not isinstance(arguments[0], int):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND):
            written.append(str(arguments[0]))
    elif event.startswith(("tempfile.", "subprocess.", "os.exec", "os.posix_spawn")):
        written.append(event)
    elif event == "socket.connect":
        written.append(event)
sys.addaudithook(watch)
from keras_detector.cli import main
code = main(sys.argv[1:])
print("WRITTEN", written, file=sys.stderr)
sys.exit(code)
"""


@contextmanager
def watched_process() -> Iterator[tuple[subprocess.Popen, int]]:
    options = ["serve", "--port", "0", "--model", str(MODEL), "--max-upload", str(LIMIT / 1e6)]
    with subprocess.Popen(
        [sys.executable, "-c", WATCHED, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, TOKEN_VARIABLE: TOKEN, "PYTHONDONTWRITEBYTECODE": "1"},
    ) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline().rpartition(":")[2])
        finally:
            process.kill()


def resident(process: subprocess.Popen) -> float:
    """Megabytes of memory that a process has; 0 where the system does not say."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
    assert found is not None
    return int(found[1]) / 1000


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_crowd_leaves_nothing_behind(count: int) -> None:
    """A fifth of all requests are hostile; eight come at a time."""
    rng = random.Random(count)
    hostile: list[tuple[bytes, set[str] | None]] = [
        *HOSTILE.values(),
        *((content, None) for content in ABANDONED.values()),
    ]
    crowd = [rng.choice(hostile if rng.random() < 0.2 else POLITE) for _ in range(count)]
    with watched_process() as (process, port), ThreadPoolExecutor(8) as clients:

        def wrong(one: tuple[bytes, set[str] | None]) -> set[tuple[bytes, str]]:
            content, right = one
            answer = statuses(send(port, content, leave=right is None))
            return {(content[:200], status) for status in answer - (right or {""}) - {"503"}}

        # Everything once and the first tenth: what memory is used for is used by then.
        begun = [*POLITE, *hostile, *crowd[: count // 10]]
        assert not set().union(*clients.map(wrong, begun))
        before = resident(process)
        assert not set().union(*clients.map(wrong, crowd[count // 10 :]))
        grown = resident(process) - before
        print(f"{before:.0f} MB of memory, and {grown:+.0f} MB after {count} requests")
        process.terminate()
        _, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "WRITTEN []" in log
    assert "Traceback" not in log
    # Two large pictures may be unpacked at the time; a leak of one for each request is more.
    assert grown < 60


@pytest.fixture(scope="module")
def impatient() -> Iterator[Service]:
    with service(settings(timeout=0.5, max_upload=LIMIT)) as running:
        yield running


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\n",
        request("GET /healthz", head=b"Host: localhost\r\n") + b"G",
    ],
    ids=["nothing", "half a head", "half a second head"],
)
def test_a_head_that_never_ends_is_cut_off(impatient: Service, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=60) as client:
        client.sendall(begun)
        until(lambda: is_cut_off(client, b"x" if begun else b""))


def is_cut_off(client: socket.socket, more: bytes) -> bool:
    """Whether nobody is there any more, to take more or to answer."""
    try:
        client.sendall(more)
        client.settimeout(0.05)
        return client.recv(65536) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_body_that_never_ends_is_answered_in_time(impatient: Service) -> None:
    head = request(
        "POST /v1/predict",
        more="Content-Type: image/png\r\nContent-Length: 1000\r\n",
    )
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=60) as client:
        client.sendall(head)
        for _ in range(4):
            client.sendall(b"x")
            time.sleep(0.2)
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 408 ")
        while client.recv(65536):
            pass


def test_an_answer_that_nobody_fetches_is_given_up(impatient: Service) -> None:
    ask = request("GET /docs", head=b"Host: localhost\r\n")
    connections = impatient.server.server_state.connections
    until(lambda: not connections)
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=60) as client:
        until(lambda: connections)
        client.settimeout(0.2)
        # Until no buffer holds more answers; on a slow machine it is given up before that.
        with contextlib.suppress(TimeoutError, ConnectionError):
            while True:
                client.sendall(ask)
        until(lambda: not connections)
    assert impatient.ask("GET", "/healthz").status == 200


def test_more_connections_than_there_may_be_are_turned_away() -> None:
    with service(settings()) as running:
        opened = [
            socket.create_connection(("127.0.0.1", running.port), timeout=60)
            for _ in range(MAX_CONNECTIONS)
        ]
        until(lambda: len(running.server.server_state.connections) == MAX_CONNECTIONS)
        answer = running.raw()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after" in answer.lower()
        for client in opened:
            client.close()
        until(lambda: running.ask("GET", "/healthz").status == 200)


def test_a_large_picture_does_not_hold_up_the_others(guarded: Service) -> None:
    large = picture(png_header(SIDE, SIDE, STRIPE))
    with ThreadPoolExecutor(2) as clients:
        both = [clients.submit(send, guarded.port, large) for _ in range(2)]
        waits = []
        while not all(job.done() for job in both):
            began = time.monotonic()
            assert guarded.ask("GET", "/healthz").status == 200
            waits.append(time.monotonic() - began)
        took = [statuses(job.result()) for job in both]
    assert took == [{"200"}, {"200"}]
    assert len(waits) >= 3
    assert sorted(waits)[len(waits) // 2] < 0.5

"""A service on a thread of the tests, and clients that need not be polite."""

import http.client
import io
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

from PIL import Image

from keras_detector.detector import Detector
from keras_detector.pixels import Pixels
from keras_detector.server.serving import Server
from keras_detector.server.settings import LOOPBACK_NAMES, Settings, bind
from keras_detector.server.workers import Workers

MODEL = Path(__file__).parents[1] / "models" / "cnn32.keras"
"""The smallest model there is: what is tested here is not what it says."""

PICTURE = {"Content-Type": "image/png"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def settings(**changes: Any) -> Settings:
    """Settings of a service that only this machine can ask."""
    return Settings(**{"token": None, "allowed_hosts": LOOPBACK_NAMES, **changes})


@dataclass(frozen=True)
class Service:
    """A running service."""

    port: int
    server: Server

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Any = None) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, fields, answer.read())
        finally:
            connection.close()

    def post(self, path: str, body: bytes, headers: Any = None) -> Answer:
        """One POST of a picture."""
        return self.ask("POST", path, body, {**PICTURE, **(headers or {})})

    def raw(self, *parts: bytes, timeout: float = 60.0) -> bytes:
        """All that comes back for these bytes, until the service closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as client:
            received = b""
            try:
                for part in parts:
                    client.sendall(part)
                while more := client.recv(65536):
                    received += more
            except ConnectionError:  # closed with something of ours unread
                pass
            return received


@contextmanager
def service(
    setup: Settings | None = None, detectors: Sequence[Any] | None = None
) -> Iterator[Service]:
    """A service on a free port, until the block ends."""
    setup = setup or settings()
    with (
        bind("127.0.0.1", 0) as bound,
        Workers(detectors or [Detector(MODEL), Detector(MODEL)], setup.queue) as workers,
    ):
        ready = Event()
        server = Server(workers, setup, ready.set)
        port = bound.getsockname()[1]
        thread = Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            assert ready.wait(60)
            yield Service(port, server)
        finally:
            server.should_exit = True
            thread.join()


def png(pixels: Pixels) -> bytes:
    """The bytes of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def form(*files: tuple[str, bytes], boundary: str = "xxBOUNDARYxx") -> tuple[bytes, dict[str, str]]:
    """A form of files, and the header that goes with it."""
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content in files
    )
    kind = f"multipart/form-data; boundary={boundary}"
    return body + f"--{boundary}--\r\n".encode(), {"Content-Type": kind}

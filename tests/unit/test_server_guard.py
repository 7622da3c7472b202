"""Who may ask."""

import asyncio
from typing import Any

import pytest

from keras_detector.server.guard import OPEN_PATHS, Guard
from keras_detector.server.settings import LOOPBACK_NAMES, host_name
from tests.serving import settings

TOKEN = "correct-horse-battery"
PRIVATE = [
    "/v1/predict",
    "/v1/predict-batch",
    "/v1/explain",
    "/metrics",
    "/nowhere",
    "//",
    "/docs/",
]


def status(path: str, token: str | None = TOKEN, **headers: str) -> int:
    """What is answered; 200 where the request came through."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    names = LOOPBACK_NAMES | {"pictures.example.org"}
    guard = Guard(app, settings(token=token, allowed_hosts=names))
    fields = {"host": "localhost:8000", **headers}
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in fields.items()],
    }
    asyncio.run(guard(scope, None, send))  # type: ignore[arg-type]
    return int(sent[0]["status"])


@pytest.mark.parametrize("path", PRIVATE)
def test_without_the_token_nothing_private_is_answered(path: str) -> None:
    assert status(path) == 401
    assert status(path, authorization=f"Bearer {TOKEN}") == 200
    assert status(path, authorization=f"bearer {TOKEN} ") == 200
    assert status(path, token=None) == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}",
     f"Bearer {TOKEN.upper()}", "Bearer \xff\xfe", f"Bearer x {TOKEN}"],
)  # fmt: skip
def test_a_wrong_token_is_refused(authorization: str) -> None:
    assert status("/v1/predict", authorization=authorization) == 401


@pytest.mark.parametrize("path", sorted(OPEN_PATHS))
def test_the_pages_need_no_token(path: str) -> None:
    assert status(path) == 200


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.2",
     "pictures.example.org.evil.example", "evil.example:8000", "localhost@evil.example",
     "evil.example#localhost", "[::2]", "localhost:80:80", "*"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/predict"])
def test_another_host_is_refused(host: str, path: str) -> None:
    assert status(path, host=host, authorization=f"Bearer {TOKEN}") == 421


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000", "Pictures.Example.org.",
     "localhost:"],
)  # fmt: skip
def test_its_own_names_are_let_in(host: str) -> None:
    assert status("/", host=host) == 200


@pytest.mark.parametrize(
    "origin",
    ["null", "http://evil.example", "http://localhost", "http://localhost:3000", "localhost:8000",
     "https://127.0.0.1:8000", "http://localhost:8000.evil.example", "", "http://[",
     "http://evil.example/localhost:8000", "http://user@localhost:8000"],
)  # fmt: skip
def test_another_page_is_refused(origin: str) -> None:
    assert status("/v1/predict", origin=origin, authorization=f"Bearer {TOKEN}") == 403
    assert status("/", origin=origin) == 403


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_its_own_page_is_let_in(scheme: str) -> None:
    assert status("/", origin=f"{scheme}://localhost:8000") == 200
    assert (
        status("/", host="pictures.example.org", origin=f"{scheme}://pictures.example.org") == 200
    )


def test_a_host_s_name() -> None:
    assert host_name("A.Example.:80 ") == "a.example"
    assert host_name("[::1]:80") == "[::1]"

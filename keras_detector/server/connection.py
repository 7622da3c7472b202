"""A client's connection, cut off where uvicorn would wait for ever."""

import asyncio
import json

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from keras_detector.server.refusal import RefusedError, error_fields, overloaded
from keras_detector.server.settings import MAX_HEAD

MAX_CONNECTIONS = 256
"""Open at a time, idle ones included; well below what systems allow a process to have open."""


class ServerConfig(uvicorn.Config):
    """uvicorn, set up as this service needs it.

    Args:
        app: the service.
        timeout: seconds that a client may take to send its headers, or to fetch an answer.
    """

    def __init__(self, app: ASGIApp, timeout: float) -> None:
        super().__init__(
            app,
            http=Connection,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",  # what strangers send is no matter for a log
            access_log=False,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=MAX_HEAD,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=max(round(timeout), 1),
        )
        self.client_timeout = timeout


class Connection(H11Protocol):
    """uvicorn's protocol, with deadlines for headers and answers, and refusals of our own."""

    config: ServerConfig

    _head_deadline: asyncio.TimerHandle | None = None
    _answer_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request's headers in time, or turn the client away."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(overloaded(f"more than {MAX_CONNECTIONS} connections"))
        else:
            self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        self._end_head_deadline()
        self._end_answer_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a client that has begun a request must come to the end of its headers."""
        if not self.transport.get_write_buffer_size():
            self._end_answer_deadline()
        super().data_received(data)
        self._watch_head()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Answer bytes that are no HTTP request; uvicorn's own answer would be plain text."""
        refusal = RefusedError(
            400,
            expected=f"an HTTP/1.1 request with at most {MAX_HEAD:,} bytes of headers",
            received="something else",
            advice="Ask with an HTTP client, for example curl.",
        )
        self._refuse(refusal)

    def pause_writing(self) -> None:
        """Stop writing to a client that does not fetch its answer, and not for ever."""
        super().pause_writing()
        self._watch_answer()

    def resume_writing(self) -> None:
        """Write on."""
        super().resume_writing()
        self._end_answer_deadline()

    def on_response_complete(self) -> None:
        """Wait for the last bytes to be fetched too, which are too few to stop writing."""
        super().on_response_complete()
        self._watch_answer()

    def _refuse(self, refusal: RefusedError) -> None:
        """Answer in the application's place, and close."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # what it still says goes nowhere
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps(error_fields(refusal)).encode()
            headers = {
                "content-type": "application/json",
                "content-length": str(len(body)),
                "connection": "close",
                **refusal.headers,
            }
            for event in (
                h11.Response(status_code=refusal.status, headers=list(headers.items())),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self._watch_answer()

    def _watch_head(self) -> None:
        expected = self.conn.their_state is h11.IDLE and not self.transport.is_closing()
        # Between two requests uvicorn has a deadline of its own.
        if not expected or self.timeout_keep_alive_task is not None:
            self._end_head_deadline()
        elif self._head_deadline is None:
            seconds = self.config.client_timeout
            self._head_deadline = self.loop.call_later(seconds, self.transport.abort)

    def _watch_answer(self) -> None:
        if self._answer_deadline is None and self.transport.get_write_buffer_size():
            seconds = self.config.client_timeout
            self._answer_deadline = self.loop.call_later(seconds, self.transport.abort)

    def _end_head_deadline(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _end_answer_deadline(self) -> None:
        if self._answer_deadline is not None:
            self._answer_deadline.cancel()
            self._answer_deadline = None

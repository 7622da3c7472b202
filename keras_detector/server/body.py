"""How a request's body is read: never more than the limit, never longer than the deadline."""

import asyncio
import contextlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_detector.server.refusal import RefusedError, overloaded, refusal_response
from keras_detector.server.settings import Settings

LINGER = 2.0
"""Seconds without a byte after which a client that was refused has stopped sending. Closing before
would reset the connection, and the client would never read why it was refused."""


class BodyLimits:
    """Middleware, the outermost: reading a body it does not like raises a `RefusedError`.

    Args:
        app: what reads the body, and answers a `RefusedError` that reading raised.
        settings: the limits.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; ASGI's interface."""
        body = _Body(Headers(scope=scope), receive, self._settings)
        begun = closing = False

        async def answer(message: Message) -> None:
            nonlocal begun, closing
            if message["type"] == "http.response.start":
                begun, closing = True, not body.is_read
                if closing:
                    MutableHeaders(scope=message)["connection"] = "close"
            elif closing and not message.get("more_body", False):
                await send({**message, "more_body": True})
                await body.discard()
                message = {"type": "http.response.body"}
            await send(message)

        try:
            await self._app(scope, body.receive, answer)
        except asyncio.CancelledError:
            # The server stops, and has waited long enough.
            if not begun:
                refusal = overloaded("a service that is being stopped")
                await refusal_response(refusal)(scope, receive, answer)


class _Body:
    """One request's body, on its way in."""

    def __init__(self, headers: Headers, receive: Receive, settings: Settings) -> None:
        length = headers.get("content-length", "")
        self._announced = int(length) if length.isdecimal() else 0
        self._receive = receive
        self._settings = settings
        self._received = 0
        self._deadline: float | None = None
        self.is_read = not self._announced and "transfer-encoding" not in headers

    async def receive(self) -> Message:
        """The next part; ASGI's `receive`.

        Raises:
            RefusedError: it is too long, by what its header announces or by what came, or too slow.
        """
        if self._announced > self._settings.max_upload:
            raise self._too_long(f"{self._announced:,}")
        if self.is_read:
            return await self._next()
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + self._settings.timeout
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._next()
        except TimeoutError:
            raise RefusedError(
                408,
                expected=f"the whole body within {self._settings.timeout:g} seconds",
                received=f"{self._received:,} bytes",
                advice="Try again over a better connection, or scale the picture down.",
            ) from None
        if self._received > self._settings.max_upload:
            raise self._too_long("more")
        return message

    async def discard(self) -> None:
        """Throw away what else comes, until the client stops, but not for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.timeout):
                while not self.is_read:
                    async with asyncio.timeout(LINGER):
                        await self._next()

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self.is_read = not message.get("more_body", False)
        else:  # the client went away
            self.is_read = True
        return message

    def _too_long(self, received: str) -> RefusedError:
        return RefusedError(
            413,
            expected=f"a body of at most {self._settings.max_upload:,} bytes",
            received=received,
            advice="Scale the picture down, or send fewer at a time.",
        )

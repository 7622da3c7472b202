"""Who may ask: the name asked for, the page that asks, and the token, before anything is read."""

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_detector.printable import printable
from keras_detector.server.refusal import RefusedError, refusal_response
from keras_detector.server.settings import MAX_HEAD, Settings, host_name

OPEN_PATHS = frozenset(
    ["/", "/page.css", "/page.js", "/icon.svg", "/docs", "/openapi.json", "/healthz"]
)
"""Answered without a token: a browser cannot send one before the page that asks for it is there."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Middleware that lets no stranger in, and tells browsers to keep them out as well.

    Args:
        app: what is protected.
        settings: the token and the names.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; ASGI's interface."""

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        try:
            _check_size(scope)
            self._check(scope["path"], Headers(scope=scope))
        except RefusedError as refusal:
            await refusal_response(refusal)(scope, receive, send_protected)
            return
        if scope["method"] == "HEAD":  # the server leaves the body out
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send_protected)

    def _check(self, path: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if host_name(host) not in self._settings.allowed_hosts:
            raise RefusedError(
                421,
                expected="a Host that this service goes by",
                received=printable(host) or "none",
                advice="Ask under its own name, or start it with --allowed-host NAME.",
            )
        origin = headers.get("origin")
        # Scheme aside: behind a proxy that speaks TLS it is another one here than in the browser.
        if origin is not None and _authority(origin) != host.strip().lower():
            raise RefusedError(
                403,
                expected="a request of this service's own page, or of no page at all",
                received=f"one of {printable(origin)}",
                advice="Other web sites cannot ask; let their servers do it.",
            )
        if path not in OPEN_PATHS and not self._is_token(headers.get("authorization", "")):
            raise RefusedError(
                401,
                expected="the header Authorization: Bearer TOKEN",
                received="a wrong token" if "authorization" in headers else "none",
                advice="Ask whoever runs the service for its token.",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _is_token(self, authorization: str) -> bool:
        if self._settings.token is None:
            return True
        scheme, _, token = authorization.partition(" ")
        right = hmac.compare_digest(token.strip().encode(), self._settings.token.encode())
        return right and scheme.lower() == "bearer"


def _check_size(scope: Scope) -> None:
    # The HTTP parser has a limit as well, but only for heads that come in several pieces.
    fields = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    size = len(scope["raw_path"]) + len(scope["query_string"]) + fields
    if size > MAX_HEAD:
        raise RefusedError(
            431,
            expected=f"at most {MAX_HEAD:,} bytes of address and headers",
            received=f"{size:,}",
            advice="Send the picture as the body.",
        )


def _authority(origin: str) -> str | None:
    """Host and port of an origin; None for `null` and for what is no origin."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None

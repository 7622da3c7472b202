"""The whole service: its paths, what stands before them, and what it says when something fails."""

from fastapi import Depends, FastAPI, Request, Response
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from keras_detector import __version__
from keras_detector.errors import DetectorError, ImageError
from keras_detector.server.answers import Health
from keras_detector.server.body import BodyLimits
from keras_detector.server.guard import Guard
from keras_detector.server.metrics import Metrics
from keras_detector.server.pages import page_paths
from keras_detector.server.refusal import (
    RefusedError,
    error_response,
    overloaded,
    refusal_response,
)
from keras_detector.server.settings import Settings
from keras_detector.server.verdicts import verdict_paths
from keras_detector.server.workers import Workers

_COUNTED = frozenset(
    ["/", "/healthz", "/metrics", "/v1/predict", "/v1/predict-batch", "/v1/explain"]
)


def build_app(workers: Workers, settings: Settings) -> ASGIApp:
    """The service, ready to be listened for.

    Args:
        workers: who judges.
        settings: the limits, the token and the names.
    """
    app = FastAPI(
        title="keras-detector",
        version=__version__,
        summary="Is this picture a photograph, or was it generated or edited by AI?",
        docs_url=None,  # loads scripts from elsewhere; ours is in pages.py
        redoc_url=None,
    )
    metrics = Metrics(_COUNTED, queue_length=workers.waiting)
    # The guard asks for the token, for every path; this only tells of it.
    told = [Depends(HTTPBearer(auto_error=False))] if settings.token else []
    app.include_router(verdict_paths(workers, settings, metrics), dependencies=told)

    @app.get("/healthz", tags=["service"], response_description="It does.")
    async def health() -> Health:
        """Whether the service answers; needs no token."""
        return Health(status="ok")

    @app.get(
        "/metrics",
        tags=["service"],
        dependencies=told,
        response_class=PlainTextResponse,
        response_description="The counters.",
    )
    async def counters() -> Response:
        """Counters in Prometheus' text format."""
        return Response(metrics.exposition(), headers={"Content-Type": metrics.content_type})

    app.include_router(page_paths(app, settings))
    for kind in (DetectorError, MemoryError, ClientDisconnect, HTTPException, Exception):
        app.add_exception_handler(kind, _in_words)
    return BodyLimits(metrics.watching(Guard(app, settings)), settings)


async def _in_words(_: Request, error: Exception) -> Response:
    """The answer to whatever went wrong; a programming error is logged as well, by the server."""
    match error:
        case ImageError():
            return error_response(error, 422)
        case RefusedError():
            refusal = error
        case DetectorError():  # the model cannot be run on this picture
            return error_response(error, 503)
        case MemoryError():
            refusal = overloaded("more than there is memory for")
        case ClientDisconnect():  # nobody reads it, but it is counted
            refusal = RefusedError(
                400, expected="a whole body", received="a part of one", advice="Send it again."
            )
        case HTTPException(status_code=405):
            refusal = RefusedError(
                405,
                expected=f"the method {(error.headers or {}).get('Allow', '')}",
                received="another",
                advice="See /docs for what each path takes.",
                headers=error.headers,
            )
        case HTTPException(status_code=404):
            refusal = RefusedError(
                404,
                expected="a path of this service",
                received="another",
                advice="See /docs for all of them.",
            )
        case _:
            refusal = RefusedError(
                500,
                expected="an answer",
                received="a fault of the service itself",
                advice="Tell whoever runs it; its log says more.",
            )
    return refusal_response(refusal)

"""A request that is refused: one of our errors, with the HTTP status that goes with it."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from keras_detector.errors import DetectorError


class RefusedError(DetectorError):
    """A request that gets no verdict.

    Args:
        status: the HTTP status, 4xx, or 503 where the same request may be answered later.
        expected: as `DetectorError`.
        received: as `DetectorError`.
        advice: as `DetectorError`.
        headers: what the answer says beside its body.
    """

    def __init__(
        self,
        status: int,
        *,
        expected: str,
        received: str,
        advice: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(expected=expected, received=received, advice=advice)
        self.status = status
        self.headers = dict(headers or {})


def overloaded(received: str) -> RefusedError:
    """What is said while there is more to do than can be done."""
    return RefusedError(
        503,
        expected="a place in the queue",
        received=received,
        advice="Try again in a few seconds.",
        headers={"Retry-After": "2"},
    )


def error_fields(error: DetectorError) -> dict[str, str]:
    """The body of every answer that is an error."""
    return {"expected": error.expected, "received": error.received, "advice": error.advice}


def error_response(
    error: DetectorError, status: int, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer that says an error."""
    return JSONResponse(error_fields(error), status_code=status, headers=headers)


def refusal_response(refusal: RefusedError) -> JSONResponse:
    """The answer to a request that is refused."""
    return error_response(refusal, refusal.status, refusal.headers)

"""The paths that judge pictures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from keras_detector import images
from keras_detector.detector import Detector, Prediction
from keras_detector.errors import ImageError
from keras_detector.explain import draw_explanation
from keras_detector.picture_output import encode_picture
from keras_detector.rows import Row
from keras_detector.server.answers import Judgement, NamedJudgement, Problem
from keras_detector.server.form import read_files
from keras_detector.server.metrics import Metrics
from keras_detector.server.refusal import RefusedError, overloaded
from keras_detector.server.settings import MAX_BATCH, Settings
from keras_detector.server.workers import Workers

_BINARY = {"type": "string", "format": "binary"}
_ONE_PICTURE = {
    "description": "The bytes of one picture file.",
    "required": True,
    "content": {"image/*": {"schema": _BINARY}, "application/octet-stream": {"schema": _BINARY}},
}
_FORM = {
    "description": f"A form with a file field for each picture, at most {MAX_BATCH}.",
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"file": {"type": "array", "items": _BINARY}},
            }
        }
    },
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        400: "The body is broken or ended early.",
        401: "The token is missing or wrong.",
        403: "Another web site asks.",
        408: "The body came too slowly.",
        413: "The body is too long.",
        415: "The body is of another type.",
        421: "The Host is no name of this service.",
        422: "The body is no picture that can be read.",
        503: "There is too much to do; see Retry-After.",
    }.items()
}
_IMAGE = {"description": "The drawing.", "content": {"image/png": {"schema": _BINARY}}}


def verdict_paths(workers: Workers, settings: Settings, metrics: Metrics) -> APIRouter:
    """The paths that judge pictures.

    Args:
        workers: who judges.
        settings: the limits.
        metrics: where verdicts are counted.
    """
    router = APIRouter(prefix="/v1", tags=["verdicts"], responses=_REFUSALS)

    async def judged(picture: bytes) -> Prediction | ImageError:
        result: Prediction | ImageError
        try:
            result = await workers.run(lambda detector: detector.judge(picture))
        except ImageError as error:
            result = error
        metrics.count(result)
        return result

    @router.post(
        "/predict",
        response_model=Judgement,
        response_description="The verdict.",
        openapi_extra={"requestBody": _ONE_PICTURE},
    )
    async def predict(request: Request) -> Response:
        """A verdict on one picture."""
        with workers.place():
            picture = await _one_picture(request)
            async with _within(settings.timeout):
                result = await judged(picture)
        if isinstance(result, ImageError):
            raise result
        fields = _fields("", result)
        del fields["path"]
        return JSONResponse(fields)

    @router.post(
        "/predict-batch",
        response_description="A verdict for each picture.",
        response_model=list[NamedJudgement],
        openapi_extra={"requestBody": _FORM},
    )
    async def predict_batch(request: Request) -> Response:
        """A verdict on each of several pictures, in their order; an unreadable one has an error."""
        with workers.place():
            content_type = request.headers.get("content-type", "")
            body = await request.body()
            async with _within(settings.timeout):
                files = await workers.run(
                    lambda _: read_files(body, content_type, at_most=MAX_BATCH)
                )
                results: list[Prediction | ImageError] = []
                # No more at a time than there are workers, so that nobody waits for a whole batch.
                for start in range(0, len(files), workers.count):
                    some = files[start : start + workers.count]
                    results += await asyncio.gather(*(judged(file.content) for file in some))
        return JSONResponse(
            [_fields(file.name, result) for file, result in zip(files, results, strict=True)]
        )

    @router.post(
        "/explain",
        response_class=Response,
        responses={200: _IMAGE},
        openapi_extra={"requestBody": _ONE_PICTURE},
    )
    async def explain(request: Request) -> Response:
        """The picture in grey, and over it which places speak for real and which for fake."""
        with workers.place():
            picture = await _one_picture(request)
            async with _within(settings.timeout):
                drawn = await workers.run(lambda detector: _explanation(detector, picture))
        return Response(drawn, media_type="image/png")

    return router


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise overloaded(f"no answer within {seconds:g} seconds") from None


async def _one_picture(request: Request) -> bytes:
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if not kind.startswith("image/") and kind != "application/octet-stream":
        raise RefusedError(
            415,
            expected="Content-Type: image/jpeg or the like, or application/octet-stream",
            received=content_type[:200] or "none",
            advice="Send the bytes of the picture as the body, and say so in the header.",
        )
    return await request.body()


def _fields(name: str, result: Prediction | ImageError) -> dict[str, Any]:
    """What `predict --json` says of a file of that name."""
    # The name as it was sent: a path would be tidied up.
    return Row(Path(name), result).to_builtins() | {"path": name}


def _explanation(detector: Detector, content: bytes) -> bytes:
    picture = images.open_picture(content)
    examined = detector.examine(picture)
    drawn = draw_explanation(picture.pixels, examined, detector.card.input)
    return encode_picture(drawn, ".png")

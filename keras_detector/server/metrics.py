"""What the service counts, for Prometheus; nothing of what a picture shows."""

import time
from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_detector.detector import Prediction
from keras_detector.errors import ImageError

UNREADABLE = "unreadable"
"""Counted beside the verdicts: what was sent as a picture and was none."""

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """The counters of one service.

    Args:
        endpoints: the paths that are counted each by itself; all others are counted together, so
            that strangers cannot make up new ones.
        queue_length: how many verdicts are waiting for a worker.
    """

    def __init__(self, endpoints: frozenset[str], queue_length: Callable[[], int]) -> None:
        self._endpoints = endpoints
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "keras_detector_requests",
            "Requests answered, by path and HTTP status.",
            ["endpoint", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "keras_detector_request_seconds",
            "Seconds from a request's headers to the end of its answer.",
            ["endpoint"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._verdicts = Counter(
            "keras_detector_verdicts",
            "Pictures judged, by verdict.",
            ["verdict"],
            registry=self._registry,
        )
        Gauge(
            "keras_detector_queue_length",
            "Verdicts that wait for a worker.",
            registry=self._registry,
        ).set_function(queue_length)

    def count(self, result: Prediction | ImageError) -> None:
        """Count what was said of a picture."""
        verdict = UNREADABLE if isinstance(result, ImageError) else result.verdict.value
        self._verdicts.labels(verdict).inc()

    def watching(self, app: ASGIApp) -> ASGIApp:
        """Middleware that counts every answer of `app`."""

        async def watch(scope: Scope, receive: Receive, send: Send) -> None:
            began = time.perf_counter()
            path = scope["path"]
            endpoint = path if path in self._endpoints else "other"
            status = "none"

            async def send_watched(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = str(message["status"])
                elif not message.get("more_body", False):
                    self._requests.labels(endpoint, status).inc()
                    self._seconds.labels(endpoint).observe(time.perf_counter() - began)
                await send(message)

            await app(scope, receive, send_watched)

        return watch

    content_type = CONTENT_TYPE_LATEST
    """What `exposition` is."""

    def exposition(self) -> bytes:
        """All counters in Prometheus' text format."""
        return generate_latest(self._registry)

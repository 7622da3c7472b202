"""Listening until the process is told to stop."""

import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from keras_detector.detector import Detector
from keras_detector.server.app import build_app
from keras_detector.server.connection import ServerConfig
from keras_detector.server.settings import Settings
from keras_detector.server.workers import Workers


class Server(uvicorn.Server):
    """The service on a socket.

    Args:
        workers: who judges.
        settings: the limits, the token and the names.
        announce: called once, when requests are answered.
    """

    def __init__(self, workers: Workers, settings: Settings, announce: Callable[[], None]) -> None:
        super().__init__(ServerConfig(build_app(workers, settings), settings.timeout))
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self._announce()


def serve(
    bound: socket.socket,
    detectors: Sequence[Detector],
    settings: Settings,
    announce: Callable[[], None],
) -> None:
    """Answer requests until SIGTERM or Ctrl+C, then finish what is under way, within the timeout.

    Args:
        bound: where to listen; closed at the end.
        detectors: one for each picture that is judged at the same time.
        settings: the limits, the token and the names.
        announce: called once, when requests are answered.
    """
    with Workers(detectors, settings.queue) as workers:
        server = Server(workers, settings, announce)
        with _signals_stop(server):
            server.run(sockets=[bound])


@contextmanager
def _signals_stop(server: uvicorn.Server) -> Iterator[None]:
    """Stop on a signal, quietly: uvicorn raises a signal again once it has stopped."""

    def stop(*_: object) -> None:
        server.should_exit = True

    kept = {number: signal.signal(number, stop) for number in HANDLED_SIGNALS}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)

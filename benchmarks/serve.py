"""Verdicts over HTTP beside the same number of the library's own threads.

    uv run --extra serve python benchmarks/serve.py PICTURE [MODEL] [--rounds N] [--requests N]

Library and server alternate in rounds, in processes of their own, with the same picture, model and
number of threads. Printed: pictures a second (medians over the rounds) and the ratio to the
library, then how long a request takes: with 1 and 8 clients that ask as fast as they are answered,
and with half as many requests as 8 clients get answered, evenly spaced and at random times.
"""

import argparse
import http.client
import itertools
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from keras_detector.detector import Detector, default_model_path

CLIENTS = 8
HEADERS = {"Content-Type": "application/octet-stream"}


class Client:
    """One connection, kept open while it is used."""

    def __init__(self, address: str, picture: bytes) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc)
        self._picture = picture

    def close(self) -> None:
        """Let go of a connection that the server would close in the meantime."""
        self._connection.close()

    def ask(self, since: float | None = None) -> float:
        """Seconds that one verdict took, since then or since now."""
        began = since or time.perf_counter()
        self._connection.request("POST", "/v1/predict", self._picture, HEADERS)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{answer.status} {body.decode()}")
        return time.perf_counter() - began


@contextmanager
def serving(model: Path) -> Iterator[str]:
    """A server in a process of its own; its address."""
    command = [sys.executable, "-m", "keras_detector.cli", "serve", "--port", "0"]
    with subprocess.Popen(
        [*command, "--model", str(model)], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def together(asks: list[Callable[[], float]], requests: int) -> tuple[float, list[float]]:
    """Pictures a second, and seconds of each, where each asker asks again once it is answered."""
    each = requests // len(asks)
    began = time.perf_counter()
    with ThreadPoolExecutor(len(asks)) as pool:
        times = pool.map(lambda ask: [ask() for _ in range(each)], asks)
        flat = [seconds for some in times for seconds in some]
    return len(flat) / (time.perf_counter() - began), flat


def at_rate(clients: list[Client], gaps: Iterable[float]) -> list[float]:
    """Seconds from when each request should have been sent to its answer.

    Args:
        clients: who asks.
        gaps: seconds between one request and the next.
    """
    begin = time.perf_counter() + 0.1
    dues = [begin + after for after in itertools.accumulate(gaps)]
    free = list(clients)

    def ask(due: float) -> float:
        time.sleep(max(due - time.perf_counter(), 0.0))
        client = free.pop(0)  # the one that waited longest: the server closes idle connections
        seconds = client.ask(due)
        free.append(client)
        return seconds

    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(ask, dues))


def milliseconds(times: list[float]) -> str:
    """The median and the 99th percentile."""
    p50, p99 = np.percentile(times, [50, 99]) * 1e3
    return f"p50 {p50:7.1f} ms   p99 {p99:7.1f} ms   n {len(times)}"


def compare(content: bytes, model: Path, rounds: int, requests: int) -> None:
    """Print the comparison."""
    first = Detector(model)
    threads = max((os.cpu_count() or 1) // first.threads, 1)
    detectors = [first, *(Detector(model) for _ in range(threads - 1))]

    def judging(detector: Detector) -> Callable[[], float]:
        def judge() -> float:
            began = time.perf_counter()
            detector.judge(content)
            return time.perf_counter() - began

        return judge

    judges = [judging(detector) for detector in detectors]
    rates: dict[str, list[float]] = {}
    times: dict[str, list[float]] = {}
    with serving(model) as address:
        clients = [Client(address, content) for _ in range(CLIENTS)]
        ways = {
            "library, 1 thread": judges[:1],
            f"library, {threads} threads": judges,
            "server, 1 client": [clients[0].ask],
            f"server, {CLIENTS} clients": [client.ask for client in clients],
        }
        for asks in ways.values():
            together(asks, 2 * len(asks))
        for client in clients:
            client.close()
        for _ in range(rounds):
            for name, asks in ways.items():
                rate, seconds = together(asks, requests)
                rates.setdefault(name, []).append(rate)
                times.setdefault(name, []).extend(seconds)
                for client in clients:
                    client.close()
        for name in ways:
            beside = f"library, {threads if str(CLIENTS) in name else 1} threads"
            beside = beside if beside in rates else "library, 1 thread"
            ratio = statistics.median(
                ours / theirs for ours, theirs in zip(rates[name], rates[beside], strict=True)
            )
            print(
                f"{name:22} {statistics.median(rates[name]):7.1f} pictures/s   "
                f"x {ratio:4.2f} of {beside}   {milliseconds(times[name])}"
            )
        half = statistics.median(rates[f"server, {CLIENTS} clients"]) / 2
        bare = np.percentile(times["library, 1 thread"], [50, 99])
        rng, count = random.Random(0), rounds * requests
        loads = {
            "evenly": [1 / half] * count,
            "at random": [rng.expovariate(half) for _ in range(count)],
        }
        for name, gaps in loads.items():
            waits = at_rate(clients, gaps)
            print(f"half load, {name:11} {half:7.1f} pictures/s   {milliseconds(waits)}")
            p99 = np.percentile(waits, 99)
            print(f"its p99: {p99 / bare[0]:.1f} times the bare verdict's p50, ", end="")
            print(f"{p99 / bare[1]:.1f} times its p99")


def main() -> None:
    """Compare for one picture and model."""
    parser = argparse.ArgumentParser(description="Verdicts over HTTP beside the library's own.")
    parser.add_argument("picture", type=Path)
    parser.add_argument("model", nargs="?", type=Path, default=default_model_path())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=160)
    options = parser.parse_args()
    compare(options.picture.read_bytes(), options.model, options.rounds, options.requests)


if __name__ == "__main__":
    main()

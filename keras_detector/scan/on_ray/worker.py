"""What runs on the machines of a Ray cluster: what hands the files out, and what judges them.

Only imported where Ray is. Every machine needs this package, of the same version.
"""

import asyncio
import functools
import pickle
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import ray
from ray.data import Datasource, ReadTask
from ray.data.block import BlockMetadata

from keras_detector.errors import DetectorError
from keras_detector.scan.judge import ScanTask
from keras_detector.scan.on_ray.sent_model import SentModel
from keras_detector.scan.process_pool import Answer, Limits, ProcessPool
from keras_detector.strictness import Strictness

CARRIED = "number", "data"
"""The columns of the one row that each block of Ray Data has: a number, and pickled data."""


class Judged(NamedTuple):
    """What became of some tasks.

    Attributes:
        answers: of `ProcessPool`; or the error that ended it.
        seconds: how long it took.
    """

    answers: list[Answer] | DetectorError
    seconds: float


class Counter:
    """Hands pieces of work out by number, as often as they are asked for.

    Ray repeats what a lost process did. It must find the same again, so that pieces are kept until
    they are known to be done.
    """

    def __init__(self) -> None:
        self._pieces: dict[int, bytes] = {}
        self._given = 0
        self._ended = False
        self._more = asyncio.Condition()

    async def put(self, pieces: list[bytes], done: list[int]) -> None:
        """Add pieces, which are numbered from 0 on, and forget some that are done."""
        for number in done:
            self._pieces.pop(number, None)
        async with self._more:
            for piece in pieces:
                self._pieces[self._given] = piece
                self._given += 1
            self._more.notify_all()

    async def end(self) -> None:
        """Say that there are no more."""
        async with self._more:
            self._ended = True
            self._more.notify_all()

    async def get(self, number: int) -> bytes | None:
        """Wait for a piece; empty if it is done, None if there are no more."""
        async with self._more:
            await self._more.wait_for(lambda: number < self._given or self._ended)
        return self._pieces.get(number, b"") if number < self._given else None


class Pieces(Datasource):
    """The pieces of a `Counter` as what Ray Data reads: one block each, as they come.

    Args:
        counter: the handle of the actor.
    """

    def __init__(self, counter: Any) -> None:
        self._counter = counter

    def estimate_inmemory_data_size(self) -> None:
        """Nobody knows."""

    def get_read_tasks(
        self,
        parallelism: int,  # noqa: ARG002
        per_task_row_limit: int | None = None,  # noqa: ARG002
        data_context: Any = None,  # noqa: ARG002
    ) -> list[ReadTask]:
        """One task that goes on for as long as the scan does."""
        unknown = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(functools.partial(_read, self._counter), unknown)]


class Judge:
    """Judges piece after piece on one core; the model is loaded once.

    It does so in a process of its own, which a picture may end without ending the actor.

    Args:
        model: where Ray keeps a `SentModel`; in a list, so that it is not fetched for the actor.
        strictness: how readily a picture is called fake.
        limits: what one picture may take.
    """

    def __init__(self, model: list[Any], strictness: Strictness, limits: Limits) -> None:
        # A process that is spawned runs what its parent runs first, which is Ray with all it needs.
        vars(sys.modules["__main__"]).pop("__file__", None)
        sent: SentModel = ray.get(model[0])
        self._pool = ProcessPool(functools.partial(sent.make_judge, strictness), 1, limits)

    def __call__(self, block: pa.Table) -> pa.Table:
        """Judge the tasks of a piece."""
        number, data = (block[name][0].as_py() for name in CARRIED)
        began = time.monotonic()
        answers: list[Answer] | DetectorError
        try:
            answers = self._judge(pickle.loads(data) if data else [])  # noqa: S301  # our own
        except DetectorError as error:
            answers = error
        return _block(number, pickle.dumps(Judged(answers, time.monotonic() - began)))

    def _judge(self, tasks: list[ScanTask]) -> list[Answer]:
        answers = []
        self._pool.give(tasks)
        while self._pool.busy:
            answers += self._pool.answers()
        return answers


def pack(tasks: list[ScanTask]) -> bytes:
    """The piece of some tasks."""
    return pickle.dumps(tasks)


def unpack(block: pa.Table) -> Iterator[tuple[int, Judged]]:
    """The numbers of pieces, and what became of each."""
    for number, data in zip(*(block[name].to_pylist() for name in CARRIED), strict=True):
        yield number, pickle.loads(data)  # noqa: S301  # from our own actors


def _read(counter: Any) -> Iterator[pa.Table]:
    number = 0
    while (piece := ray.get(counter.get.remote(number))) is not None:
        yield _block(number, piece)
        number += 1


def _block(number: int, data: bytes) -> pa.Table:
    return pa.table({"number": [number], "data": pa.array([data], pa.large_binary())})

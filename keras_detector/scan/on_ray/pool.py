"""What judges the files of a scan on a Ray cluster, as `process_pool` does on one machine.

Ray Data runs it: the pieces of work are what it reads, and an actor on each core, which loads the
model once, maps them to answers. It starts the actors, also on machines that join later, and does
elsewhere what a machine that is lost was at. Only this process writes rows.
"""

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any, Self

from keras_detector.model_file import ModelFile
from keras_detector.scan.judge import ScanTask, model_id
from keras_detector.scan.on_ray.cluster import (
    cluster_cores,
    connect,
    disconnect,
    here,
    ray_failures,
)
from keras_detector.scan.on_ray.sent_model import SentModel
from keras_detector.scan.process_pool import Answer, Limits
from keras_detector.strictness import Strictness

_PIECE_SECONDS, _LARGEST_PIECE = 2.0, 2048
_FIRST_SECONDS = 0.1  # what a picture takes until that is known
_AHEAD = 3  # pieces for each actor: one it is at, and what lies between
_LOOK_SECONDS = 0.1
_END_SECONDS = 10.0


class RayPool:
    """Actors that judge; use as a context manager.

    Args:
        model: the model, which is sent to the machines.
        strictness: how readily a picture is called fake.
        limits: what one picture may take.
        address: of a cluster; None starts one of this machine's cores.
        actors: how many judge, each on a core; more than the cluster has wait for machines to
            join. None: one for each core that it has now.
        cores: of a cluster that is started.

    Attributes:
        greeting: as `ScanJudge.greeting`.

    Raises:
        RunError: there is no such cluster, or it has no cores.
    """

    def __init__(
        self,
        model: ModelFile,
        strictness: Strictness,
        limits: Limits,
        *,
        address: str | None,
        actors: int | None,
        cores: int,
    ) -> None:
        self.greeting: str | None = model_id(model.card, strictness)
        self._seconds = _FIRST_SECONDS
        self._given: dict[int, int] = {}  # how many tasks the pieces have that were handed out
        self._next = 0
        self._done: list[int] = []
        self._heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        connect(address, cores=cores, sent_bytes=len(model.twin))
        try:
            self._actors = actors or cluster_cores()
            self._counter = _start_counter()
            pieces = _judged_pieces(self._counter, self._actors, model, strictness, limits)
        except BaseException:
            disconnect()
            raise
        self._listener = threading.Thread(target=self._listen, args=(pieces,), daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the actors, and the cluster if it was started here."""
        import ray

        if not ray.is_initialized():
            return
        if self._listener.is_alive() and not self.busy:
            with contextlib.suppress(Exception):
                ray.get(self._counter.end.remote())
            self._listener.join(_END_SECONDS)
        disconnect()

    @property
    def wants(self) -> int:
        """How many more tasks would keep every actor busy for a moment."""
        under_way = sum(self._given.values())
        return max(_AHEAD * self._actors * self._piece - under_way, 0)

    @property
    def busy(self) -> bool:
        """Whether a task that was given has no answer yet."""
        return bool(self._given)

    def give(self, tasks: Iterable[ScanTask]) -> None:
        """Take more tasks; how many do good, `wants` says."""
        import ray

        from keras_detector.scan.on_ray.worker import pack

        waiting, pieces = deque(tasks), []
        while waiting:
            piece = [waiting.popleft() for _ in range(min(self._piece, len(waiting)))]
            self._given[self._next] = len(piece)
            self._next += 1
            pieces.append(pack(piece))
        # Actors are started when there is something to judge.
        if pieces and self._listener.ident is None:
            self._listener.start()
        if pieces or self._done:
            done, self._done = self._done, []
            with ray_failures():
                ray.get(self._counter.put.remote(pieces, done))

    def answers(self) -> list[Answer]:
        """What was answered since the last call, after a moment's wait for something to come.

        Raises:
            DetectorError: the model cannot be used there, or the cluster gave up.
        """
        heard: list[Answer] = []
        with contextlib.suppress(queue.Empty):
            item = self._heard.get(timeout=_LOOK_SECONDS)
            while True:
                heard += self._take(item)
                item = self._heard.get_nowait()
        return heard

    @property
    def _piece(self) -> int:
        return max(1, min(round(_PIECE_SECONDS / self._seconds), _LARGEST_PIECE))

    def _take(self, item: Any) -> list[Answer]:
        if isinstance(item, BaseException):
            with ray_failures():
                raise item
        number, judged = item
        if isinstance(judged.answers, BaseException):
            raise judged.answers
        tasks = self._given.pop(number, 0)
        if not tasks:  # done twice, as Ray had lost the first
            return []
        self._done.append(number)
        self._seconds += 0.3 * (judged.seconds / tasks - self._seconds)
        answers: list[Answer] = judged.answers
        return answers

    def _listen(self, pieces: Any) -> None:
        from keras_detector.scan.on_ray.worker import unpack

        try:
            for block in pieces.iter_batches(
                batch_size=None, batch_format="pyarrow", prefetch_batches=0
            ):
                for item in unpack(block):
                    self._heard.put(item)
            self._heard.put(RuntimeError("it ended before its work was done"))
        except BaseException as error:  # noqa: BLE001  # raised where the scan runs
            self._heard.put(error)


def _start_counter() -> Any:
    import ray

    from keras_detector.scan.on_ray.worker import Counter

    return ray.remote(Counter).options(num_cpus=0, label_selector=here()).remote()


def _judged_pieces(
    counter: Any, actors: int, model: ModelFile, strictness: Strictness, limits: Limits
) -> Any:
    """The data set of answers; nothing of it is done before it is read."""
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    from keras_detector.scan.on_ray.worker import Judge, Pieces

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # A piece has one row. Larger blocks would wait until many pieces fill one.
    context.target_max_block_size = 1
    sent = ray.put(SentModel.of(model))
    pieces = ray.data.read_datasource(
        Pieces(counter), override_num_blocks=1, num_cpus=0, label_selector=here()
    )
    return pieces.map_batches(
        Judge,
        batch_size=None,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=2),
        num_cpus=1,
        fn_constructor_args=([sent], strictness, limits),
    )

"""What judges the files of a scan on a Ray cluster, as `process_pool` does on one machine.

Ray Data runs it: the pieces of work are what it reads, and an actor on each core, which loads the
model once, maps them to answers. It starts the actors, also on machines that join later, and does
elsewhere what a machine that is lost was at. Only this process writes rows.
"""

import contextlib
import logging
import os
import queue
import signal
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from keras_detector.errors import MissingPackageError, RunError
from keras_detector.model_file import ModelFile
from keras_detector.native_stderr import without_native_stderr
from keras_detector.process_pool import Answer, Limits
from keras_detector.scan_judge import ScanTask, model_id
from keras_detector.sent_model import SentModel
from keras_detector.strictness import Strictness

_PIECE_SECONDS, _LARGEST_PIECE = 2.0, 2048
_FIRST_SECONDS = 0.1  # what a picture takes until that is known
_AHEAD = 3  # pieces for each actor: one it is at, and what lies between
_LOOK_SECONDS = 0.1
_END_SECONDS = 10.0
_STORE_BYTES = 256 * 2**20
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to anybody
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # spares a warning
    "RAY_worker_niceness": "0",  # as the processes of a scan without Ray
}


def check_ray() -> None:
    """Make sure that Ray Data is installed.

    Raises:
        MissingPackageError: it is not.
    """
    os.environ.update(_SETTINGS)  # read when Ray is imported
    try:
        import pyarrow  # noqa: F401
        import ray.data  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            expected="the package ray with its Ray Data",
            received=f"an installation without it ({error})",
            advice="Install keras-detector[ray], here and on every machine of the cluster.",
        ) from error


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
        _connect(address, cores, model)
        try:
            self._actors = actors or _count_cores()
            self._counter = _start_counter()
            pieces = _judged_pieces(self._counter, self._actors, model, strictness, limits)
        except BaseException:
            _disconnect()
            raise
        self._listener = threading.Thread(target=self._listen, args=(pieces,), daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the actors, and the cluster if it was started here."""
        import ray

        if not ray.is_initialized():
            return
        if not self.busy:
            with contextlib.suppress(Exception):
                ray.get(self._counter.end.remote())
            self._listener.join(_END_SECONDS)
        _disconnect()

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

        from keras_detector.ray_worker import pack

        waiting, pieces = deque(tasks), []
        while waiting:
            piece = [waiting.popleft() for _ in range(min(self._piece, len(waiting)))]
            self._given[self._next] = len(piece)
            self._next += 1
            pieces.append(pack(piece))
        if pieces or self._done:
            done, self._done = self._done, []
            with _failures():
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
            with _failures():
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
        from keras_detector.ray_worker import unpack

        try:
            for block in pieces.iter_batches(
                batch_size=None, batch_format="pyarrow", prefetch_batches=0
            ):
                for item in unpack(block):
                    self._heard.put(item)
            self._heard.put(RuntimeError("it ended before its work was done"))
        except BaseException as error:  # noqa: BLE001  # raised where the scan runs
            self._heard.put(error)


def _connect(address: str | None, cores: int, model: ModelFile) -> None:
    import ray

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"ray(\.|$)")
    # What a person asked for with Ctrl+C or kill is the scan's to answer.
    before = signal.getsignal(signal.SIGTERM)
    own = {
        "num_cpus": cores,
        "object_store_memory": _STORE_BYTES + 2 * len(model.twin),
        "include_dashboard": False,
    }
    try:
        # It announces that it was asked to be quiet.
        with _failures("a Ray cluster to work on"), without_native_stderr():
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                **({} if address else own),
            )
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _disconnect() -> None:
    import ray

    # Asked to end, what is under way complains.
    with contextlib.suppress(Exception):
        ray.shutdown()


def _count_cores() -> int:
    import ray

    cores = int(ray.cluster_resources().get("CPU", 0))
    if not cores:
        raise RunError(
            expected="a cluster with cores",
            received="none yet",
            advice="Start its machines, or say with --workers how many cores it will have.",
        )
    return cores


def _here() -> dict[str, str]:
    """Keeps something on this machine, whose loss ends the scan in any case."""
    import ray

    return {"ray.io/node-id": ray.get_runtime_context().get_node_id()}


def _start_counter() -> Any:
    import ray

    from keras_detector.ray_worker import Counter

    return ray.remote(Counter).options(num_cpus=0, label_selector=_here()).remote()


def _judged_pieces(
    counter: Any, actors: int, model: ModelFile, strictness: Strictness, limits: Limits
) -> Any:
    """The data set of answers; nothing of it is done before it is read."""
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    from keras_detector.ray_worker import Judge, Pieces

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # A piece has one row. Larger blocks would wait until many pieces fill one.
    context.target_max_block_size = 1
    sent = ray.put(SentModel.of(model))
    pieces = ray.data.read_datasource(
        Pieces(counter), override_num_blocks=1, num_cpus=0, label_selector=_here()
    )
    return pieces.map_batches(
        Judge,
        batch_size=None,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=2),
        num_cpus=1,
        fn_constructor_args=([sent], strictness, limits),
    )


@contextlib.contextmanager
def _failures(expected: str = "a Ray cluster that works to the end") -> Iterator[None]:
    """Says what to do where Ray gives up.

    Raises:
        RunError: it does.
    """
    from ray.exceptions import RayError

    try:
        yield
    except (RayError, OSError, RuntimeError, ValueError) as error:
        raise RunError(
            expected=expected,
            received=str(error).strip().rpartition("\n")[2][:300] or type(error).__name__,
            advice="See that the cluster is up and every machine has keras-detector[ray] of this"
            " version; what was written is unharmed, and the same command goes on.",
        ) from error

"""A Ray cluster: starting one or joining one, quietly, and what is said where it gives up."""

import contextlib
import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator

from keras_detector.errors import DetectorError, MissingPackageError, RunError
from keras_detector.native_stderr import without_native_stderr

_REACH_SECONDS = 10.0
_STORE_BYTES = 256 * 2**20  # for what is under way: some kilobytes for each piece
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to anybody
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # spares a warning
    "RAY_ENABLE_AUTO_CONNECT": "0",  # what is under way while it ends must not start another
    "RAY_worker_niceness": "0",  # as the processes of a scan without Ray
    # Under `uv run`, which packs the folder it is called in, pictures and all, for every machine.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
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


def connect(address: str | None, *, cores: int, sent_bytes: int) -> None:
    """Join a cluster, or start one on this machine.

    Args:
        address: of the cluster; None starts one.
        cores: of one that is started.
        sent_bytes: what will be sent to each machine; one that is started has room for it.

    Raises:
        RunError: there is none, or it cannot be started.
    """
    import ray

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"ray(\.|$)")
    # What a person asked for with Ctrl+C or kill is the scan's to answer.
    before = signal.getsignal(signal.SIGTERM)
    own = {
        "num_cpus": cores,
        "object_store_memory": _STORE_BYTES + 2 * sent_bytes,
        "include_dashboard": False,
    }
    try:
        # It announces that it was asked to be quiet.
        with ray_failures("a Ray cluster to work on"), without_native_stderr():
            _check_reachable(address)
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                **({} if address else own),
            )
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _check_reachable(address: str | None) -> None:
    # Where nobody answers, Ray goes on asking.
    host, _, port = (address or "").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS).close()


def disconnect() -> None:
    """Leave the cluster, and end it if it was started here."""
    import ray

    # Asked to end, what is under way complains.
    with contextlib.suppress(Exception):
        ray.shutdown()


def cluster_cores() -> int:
    """How many cores the cluster has now.

    Raises:
        RunError: none.
    """
    import ray

    cores = int(ray.cluster_resources().get("CPU", 0))
    if not cores:
        raise RunError(
            expected="a cluster with cores",
            received="none yet",
            advice="Start its machines, or say with --workers how many cores it will have.",
        )
    return cores


def here() -> dict[str, str]:
    """Keeps something on this machine, whose loss ends the scan in any case."""
    import ray

    return {"ray.io/node-id": ray.get_runtime_context().get_node_id()}


@contextlib.contextmanager
def ray_failures(expected: str = "a Ray cluster that works to the end") -> Iterator[None]:
    """Says what to do where Ray gives up.

    Raises:
        RunError: it does.
    """
    try:
        yield
    except DetectorError:
        raise
    # Its errors have no family that would hold them all.
    except Exception as error:
        raise RunError(
            expected=expected,
            received=str(error).strip().rpartition("\n")[2][:300] or type(error).__name__,
            advice="See that the cluster is up and every machine has keras-detector[ray] of this"
            " version; what was written is unharmed, and the same command goes on.",
        ) from error

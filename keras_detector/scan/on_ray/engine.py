"""Scanning on a Ray cluster: its actors judge, and rows are kept as a folder of Parquet files."""

import os
from pathlib import Path

from keras_detector.errors import UsageError
from keras_detector.model_file import read_model_file
from keras_detector.object_store import Place
from keras_detector.printable import printable
from keras_detector.scan.engine import Found, Journal, count_cores
from keras_detector.scan.on_ray.cluster import check_ray
from keras_detector.scan.on_ray.part_folder import PartFolder
from keras_detector.scan.on_ray.parts_journal import PartsJournal
from keras_detector.scan.on_ray.pool import RayPool
from keras_detector.scan.output import check_report, refuse_folder, write_report
from keras_detector.scan.plan import ScanPlan

_CLIENT = "ray://"


class RayEngine:
    """A `scan.engine.Engine`.

    Args:
        address: of the cluster, as Ray takes it; None starts one on this machine.
    """

    def __init__(self, address: str | None) -> None:
        self._address = address

    def check(self, plan: ScanPlan) -> None:
        """Make sure that the packages are there and everything can be written.

        Raises:
            MissingPackageError: Ray is not installed.
            RunError: something of the user's is in the way.
            UsageError: nothing can be written there, or we cannot use such an address.
        """
        check_ray()
        if Path(plan.out).suffix.lower() != ".parquet":
            raise UsageError(
                expected="--out to end in .parquet: a folder that --engine ray makes",
                received=printable(plan.out),
                advice="Name such a folder, here or as a URL.",
            )
        if self._address is not None and self._address.startswith(_CLIENT):
            raise UsageError(
                expected="the address of a cluster that this machine is part of",
                received=f"{printable(self._address)}, which is for clients of one",
                advice="Run the command on a machine of the cluster, with --ray-address auto.",
            )
        if plan.report is not None and _is_within(plan.report, plan.out):
            raise UsageError(
                expected="a page outside the folder of the rows",
                received=printable(plan.report),
                advice="Name another file with --report.",
            )
        if plan.report is not None:
            refuse_folder(plan.report)
        if not plan.overwrite:
            check_report(plan.report)
        PartFolder(plan.out)  # refuses what is in the way before a cluster is started for it

    def open_pool(self, plan: ScanPlan) -> RayPool:
        """Connect to the cluster, or start one, and start the actors."""
        return RayPool(
            read_model_file(plan.model, weights=False),
            plan.strictness,
            plan.limits,
            address=self._address,
            actors=plan.workers,
            cores=plan.workers or count_cores(),
        )

    def open_journal(self, plan: ScanPlan, found: Found) -> PartsJournal:
        """As `PartsJournal`."""
        return PartsJournal(plan.out, found, overwrite=plan.overwrite)

    def write_outputs(self, journal: Journal, plan: ScanPlan) -> None:
        """Write the page, if one is wanted; the rows are written already."""
        if plan.report is not None:
            write_report(plan.report, journal.rows(), plan.limits)


def _is_within(report: Path, out: Place) -> bool:
    if isinstance(out, str):
        return False
    folder = os.path.realpath(out)
    return os.path.commonpath([os.path.realpath(report), folder]) == folder

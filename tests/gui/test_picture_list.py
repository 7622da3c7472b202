import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gui import folder_walk
from gui.folder_walk import LeftOut, find_files
from gui.picture_list import Entry, Order, PictureList, Stage, sort_key
from gui.worker import Worker
from keras_detector.detector import Examination, Prediction
from keras_detector.errors import ModelFileError, UnreadableImageError
from keras_detector.images import Picture, open_picture
from keras_detector.labels import Label, Verdict
from keras_detector.picture_files import Found, Skipped
from keras_detector.rows import expand_paths
from tests.conftest import write_dataset
from tests.gui.outbox import Outbox


def examination(score: float) -> Examination:
    prediction = Prediction(
        verdict=Verdict.FAKE if score >= 0.5 else Verdict.REAL,
        label=Label(int(score >= 0.5)),
        score=score,
        threshold=0.5,
        model="tiny",
        reasons=(),
    )
    return Examination(prediction, np.zeros((2, 2), np.float32))


class Bench:
    """A list on real threads, whose examination the test controls."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.workers = [Worker(name, self.outbox.deliver) for name in ("judge", "helper")]
        self.gate = threading.Event()
        self.gate.set()
        self.score = 0.25
        self.examined: list[Path] = []
        self.failures: list[Exception] = []
        self.list = PictureList(
            *self.workers, self.examine, changed=lambda: None, failed=self.failures.append
        )

    def examine(self, path: Path) -> tuple[Picture, Examination]:
        assert self.gate.wait(20)
        self.examined.append(path)
        return open_picture(path), examination(self.score)

    def finish(self) -> None:
        self.outbox.run_until(lambda: self.list.stage is Stage.FINISHED)


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    bench.gate.set()
    bench.list.cancel()
    assert all(worker.close() for worker in bench.workers)


@pytest.fixture
def folder(tmp_path):
    root = write_dataset(tmp_path / "pictures", 6)
    (root / "broken.jpg").write_bytes(b"no picture")
    (root / "notes.txt").write_text("left out")
    return root


def test_every_picture_of_a_folder_gets_a_verdict_or_an_error(bench, folder):
    bench.list.open([folder])
    assert bench.list.stage is Stage.LOOKING
    bench.finish()
    assert (bench.list.found, bench.list.done, bench.list.errors) == (13, 13, 1)
    (broken,) = (entry for entry in bench.list.entries if entry.error)
    assert broken.path.name == "broken.jpg"
    assert isinstance(broken.error, UnreadableImageError)
    others = [entry for entry in bench.list.entries if not entry.error]
    assert all(entry.examination and entry.thumbnail for entry in others)
    assert open_picture(others[0].thumbnail).pixels.shape == (32, 32, 3)
    assert bench.list.left_out == {Skipped.BY_NAME: LeftOut(1, ["notes.txt"])}
    assert bench.failures == []


def test_a_folder_without_pictures_ends_at_once(bench, tmp_path):
    bench.list.open([tmp_path])
    bench.finish()
    assert bench.list.found == 0


def test_cancelling_stops_and_keeps_what_is_done(bench, folder):
    bench.gate.clear()
    bench.list.open([folder])
    bench.outbox.run_until(lambda: bench.list.stage is Stage.JUDGING)
    bench.list.cancel()
    assert bench.list.stage is Stage.CANCELLED
    bench.gate.set()
    done = bench.list.done
    probed = []
    bench.workers[0].submit(lambda _: None, lambda _: probed.append(1), bench.failures.append)
    bench.outbox.run_until(lambda: bool(probed))
    assert bench.list.done == done
    assert len(bench.examined) <= 1  # the one that was in flight


def test_looking_through_folders_stops_when_asked_to(bench, folder, monkeypatch):
    began, walked = threading.Event(), threading.Event()

    def endless(root: str, *, ordered: bool):
        try:
            while True:
                yield Found("", None, is_folder=True)
                began.set()
        finally:
            walked.set()

    monkeypatch.setattr(folder_walk, "walk_picture_files", endless)
    bench.list.open([folder])
    assert began.wait(10)
    bench.list.cancel()
    assert walked.wait(10)
    assert bench.list.stage is Stage.CANCELLED
    assert bench.failures == []


def test_files_are_found_in_the_order_of_the_command_line(folder, tmp_path):
    (folder / "real" / "deeper").mkdir()
    (folder / "real" / "deeper" / "a.png").touch()
    (folder / ".hidden").touch()
    lone = tmp_path / "lone.png"
    found = find_files([lone, folder], lambda: False)
    files, _ = expand_paths([lone, folder])
    assert found.files == files
    assert set(found.left_out) == {Skipped.SYSTEM, Skipped.BY_NAME}


def test_what_is_left_out_is_counted_and_a_few_are_named():
    left_out = LeftOut()
    for number in range(20):
        left_out.add(f"{number:02}")
    assert (left_out.count, left_out.examples) == (20, ["00", "01", "02", "03", "04"])


def test_a_new_list_takes_the_place_of_a_running_one(bench, folder, tmp_path):
    other = write_dataset(tmp_path / "other", 1)
    bench.gate.clear()
    bench.list.open([folder])
    bench.outbox.run_until(lambda: bench.list.stage is Stage.JUDGING)
    bench.list.open([other])
    bench.gate.set()
    bench.finish()
    assert {entry.path.parents[1] for entry in bench.list.entries} == {other}
    assert bench.list.done == 2


def test_another_model_looks_at_everything_again(bench, folder):
    bench.list.open([folder])
    bench.finish()
    bench.score = 0.75
    bench.list.judge_again()
    assert bench.list.stage is Stage.JUDGING
    bench.finish()
    scores = {e.examination.prediction.score for e in bench.list.entries if e.examination}
    assert scores == {0.75}
    assert len(bench.examined) == 2 * 13


def test_a_model_that_breaks_ends_the_list_with_its_error(bench, folder):
    def broken(path: Path) -> tuple[Picture, Examination]:
        raise ModelFileError(expected="a", received="b", advice="c.")

    bench.list._examine = broken
    bench.list.open([folder])
    bench.outbox.run_until(lambda: bench.list.stage is Stage.CANCELLED)
    assert len(bench.failures) == 1


def test_time_left_is_told_once_there_is_something_to_go_by(bench, folder):
    assert bench.list.seconds_left is None
    bench.list.open([folder])
    seen = []
    bench.outbox.run_until(
        lambda: seen.append(bench.list.seconds_left) or bench.list.stage is Stage.FINISHED
    )
    assert any(left is not None and left > 0 for left in seen)
    assert bench.list.seconds_left is None


def test_orders_put_the_most_suspicious_first_and_the_unread_last():
    unread = UnreadableImageError(expected="", received="", advice="")
    rows = [
        (Entry(Path("b.png")), examination(0.2).prediction),
        (Entry(Path("A.png")), examination(0.7).prediction),
        (Entry(Path("c.png"), error=unread), None),
        (Entry(Path("d.png")), None),
        (Entry(Path("E.png")), replace(examination(0.9).prediction, verdict=Verdict.UNDETERMINED)),
    ]

    def names(order: Order) -> str:
        ordered = sorted(rows, key=lambda row: sort_key(*row, order))
        return "".join(entry.path.stem for entry, _ in ordered)

    assert names(Order.NAME) == "AbcdE"
    assert names(Order.SCORE) == "EAbcd"
    assert names(Order.VERDICT) == "AEbcd"

import logging
import threading

import pytest

from gui.worker import LATER, SOON, Task, Worker
from keras_detector.errors import Cancelled, DetectorError, SaveError
from tests.gui.outbox import Outbox


@pytest.fixture
def outbox():
    return Outbox()


@pytest.fixture
def worker(outbox):
    worker = Worker("test", outbox.deliver)
    yield worker
    assert worker.close()


def unexpected(error: DetectorError) -> None:
    raise AssertionError(error)


def test_work_runs_in_the_thread_and_the_result_arrives_in_ours(worker, outbox):
    threads, results = [], []

    def work(_: Task) -> int:
        threads.append(threading.current_thread().name)
        return 7

    worker.submit(work, lambda n: results.append((n, threading.current_thread())), unexpected)
    outbox.run_until(lambda: bool(results))
    assert results == [(7, threading.current_thread())]
    assert threads == ["test"]


def test_jobs_run_in_order_but_urgent_ones_first(worker, outbox):
    gate, ran = threading.Event(), []
    worker.submit(lambda _: gate.wait(10), lambda _: None, unexpected)
    for name, urgency in (("a", LATER), ("b", LATER), ("c", SOON), ("d", SOON)):
        worker.submit(lambda _, name=name: name, ran.append, unexpected, urgency=urgency)
    gate.set()
    outbox.run_until(lambda: len(ran) == 4)
    assert ran == ["c", "d", "a", "b"]


def test_our_errors_arrive_as_they_are(worker, outbox):
    error = SaveError(expected="a", received="b", advice="c.")
    errors = []

    def work(_: Task) -> None:
        raise error

    worker.submit(work, unexpected, errors.append)
    outbox.run_until(lambda: bool(errors))
    assert errors == [error]


def test_any_other_error_is_logged_whole_and_arrives_as_one_sentence(worker, outbox, caplog):
    errors: list[DetectorError] = []

    def work(_: Task) -> None:
        raise ZeroDivisionError("by zero")

    with caplog.at_level(logging.ERROR):
        worker.submit(work, unexpected, errors.append)
        outbox.run_until(lambda: bool(errors))
    assert "ZeroDivisionError: by zero" in str(errors[0])
    assert caplog.records[0].exc_info is not None
    done = []
    worker.submit(lambda _: 1, done.append, unexpected)  # the thread lives on
    outbox.run_until(lambda: done == [1])


def test_a_cancelled_job_that_waits_never_begins(worker, outbox):
    gate, ran = threading.Event(), []
    worker.submit(lambda _: gate.wait(10), lambda _: ran.append("first"), unexpected)
    task = worker.submit(lambda _: ran.append("second"), lambda _: None, unexpected)
    worker.submit(lambda _: ran.append("third"), lambda _: ran.append("end"), unexpected)
    task.cancel()
    gate.set()
    outbox.run_until(lambda: "end" in ran)
    assert "second" not in ran


def test_nothing_of_a_cancelled_job_arrives_even_when_it_is_done(worker, outbox):
    arrived, finished = [], threading.Event()
    task = worker.submit(lambda _: 1, arrived.append, unexpected)
    worker.submit(lambda _: finished.set(), lambda _: arrived.append("end"), unexpected)
    assert finished.wait(10)
    task.cancel()
    outbox.run_until(lambda: bool(arrived))
    assert arrived == ["end"]


def test_a_job_that_stops_when_asked_delivers_nothing(worker, outbox):
    began, arrived = threading.Event(), []

    def work(task: Task) -> None:
        began.set()
        while not task.is_cancelled:
            pass
        raise Cancelled(expected="to finish", received="a wish to stop", advice="Start again.")

    task = worker.submit(work, arrived.append, arrived.append)
    assert began.wait(10)
    task.cancel()
    worker.submit(lambda _: None, lambda _: arrived.append("end"), unexpected)
    outbox.run_until(lambda: bool(arrived))
    assert arrived == ["end"]


def test_closing_stops_a_running_job_and_drops_the_waiting_ones(outbox):
    worker = Worker("test", outbox.deliver)
    began, ran = threading.Event(), []

    def work(task: Task) -> None:
        began.set()
        while not task.is_cancelled:
            pass

    worker.submit(work, ran.append, unexpected)
    worker.submit(lambda _: ran.append("waited"), lambda _: None, unexpected)
    assert began.wait(10)
    assert worker.close(5.0)
    outbox.drain()
    assert ran == []

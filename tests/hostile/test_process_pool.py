"""A task that ends, fills or hangs its process costs itself, and nothing else."""

import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keras_detector.errors import ModelFileError, RunError
from keras_detector.scan.process_pool import Limits, Loss, Lost, ProcessPool
from tests.pool_handlers import NamedHandler, make_nothing, make_obedient, make_refused

pytest.importorskip("resource", reason="signals and limits of POSIX")


def run(
    tasks: list[str], make_handler: Callable[[], Any] = make_obedient, **limits: Any
) -> dict[str, bytes | Lost]:
    """Every task's answer, given as the pool wants them; fails on a second answer for one."""
    answered: dict[str, bytes | Lost] = {}
    left = list(tasks)
    with ProcessPool(make_handler, 2, Limits(**limits)) as pool:
        while left or pool.busy:
            wanted = pool.wants
            pool.give(left[:wanted])
            del left[:wanted]
            for task, answer in pool.answers():
                assert task not in answered
                answered[task] = answer
    assert answered.keys() == set(tasks)
    return answered


def test_each_task_is_answered_once() -> None:
    tasks = [f"task {number}" for number in range(2000)]
    assert run(tasks) == {task: task.encode() for task in tasks}


def test_deaths_cost_one_task_each() -> None:
    deadly = {
        "exit 3": "exit code 3",
        "exit 0": "exit code 0",
        "segfault": "killed by SIGSEGV",
        "kill": "killed by SIGKILL",
        f"fill {2**40}": "exit code 1",
    }
    tasks = [f"task {number}" for number in range(120)]
    for number, task in enumerate(deadly):
        tasks.insert(20 * number + 5, task)
    answered = run(tasks, memory=2**30)
    for task, answer in answered.items():
        if task in deadly:
            assert answer == Lost(Loss.DIED, deadly[task])
        else:
            assert answer == task.encode()


def test_what_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    answered = run(["task 1", "sleep 600", "task 2", "sleep 0.2"], seconds=1.0)
    assert time.monotonic() - began < 30
    slow = answered.pop("sleep 600")
    assert isinstance(slow, Lost)
    assert slow.loss is Loss.TOO_SLOW
    assert answered == {task: task.encode() for task in ("task 1", "task 2", "sleep 0.2")}


def test_limits_and_surroundings_of_a_process() -> None:
    before = dict(os.environ)
    answered = run(
        ["limit", "variable OMP_NUM_THREADS", "print", "interrupt", "terminate", "after"],
        memory=3 * 2**30,
    )
    assert answered["limit"] == str(3 * 2**30).encode()
    assert answered["variable OMP_NUM_THREADS"] == b"1"
    # Ctrl+C and SIGTERM are the parent's.
    for each in ("interrupt", "terminate", "after"):
        assert answered[each] == each.encode()
    assert dict(os.environ) == before


def test_a_process_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    run(["print", "after"])
    assert capfd.readouterr() == ("", "")


def test_large_tasks_do_not_make_both_sides_wait_for_each_other() -> None:
    tasks = [f"task {number} " + "x" * 300_000 for number in range(20)]
    assert run(tasks) == {task: task.encode() for task in tasks}


def test_names_come_back_byte_for_byte() -> None:
    names = [os.fsdecode(b"\xff\xfe.jpg"), "a\nb", "\u202egpj.exe", "-rf", "\x1b[2J", "😀" * 60]
    assert {
        name: os.fsdecode(answer)
        for name, answer in run(names).items()
        if isinstance(answer, bytes)
    } == {name: name for name in names}


def test_what_a_handler_says_is_told_at_once() -> None:
    with ProcessPool(make_obedient, 1, Limits()) as pool:
        while pool.greeting is None:
            assert not pool.answers()
        assert pool.greeting == "at your service"


@pytest.mark.parametrize("tasks", [["a"], []])
def test_a_handler_that_cannot_be_made_ends_the_run(tasks: list[str]) -> None:
    with ProcessPool(make_refused, 2, Limits()) as pool:
        pool.give(tasks)
        with pytest.raises(ModelFileError) as caught:
            list(iter(pool.answers, None))
    assert caught.value.advice == "Look for it."


def test_an_error_of_ours_in_a_task_ends_the_run() -> None:
    with pytest.raises(ModelFileError):
        run(["model"])


def test_processes_that_die_before_they_begin_end_the_run() -> None:
    with pytest.raises(RunError, match="exit code 7"):
        run(["a", "b", "c"], make_nothing)


def test_an_alarm_costs_no_task_that_does_not_ring_it_again(tmp_path: Path) -> None:
    """A machine that was stopped for long rings every process's, whatever that was at."""
    once = f"alarm_once {tmp_path / 'rung'}"
    answered = run(["task 1", once, "alarm", "task 2"])
    assert answered.pop("alarm") == Lost(Loss.DIED, "killed by SIGALRM")
    assert answered == {task: task.encode() for task in ("task 1", once, "task 2")}


def test_a_process_that_says_something_else_than_the_first_ends_the_run(tmp_path: Path) -> None:
    """Its model file was exchanged: its rows would be of another model."""
    name = tmp_path / "name"
    name.write_text("one")

    def drain(pool: ProcessPool) -> None:
        while pool.busy:
            pool.answers()

    with ProcessPool(functools.partial(NamedHandler, name), 1, Limits()) as pool:
        while pool.greeting is None:
            pool.answers()
        name.write_text("another")
        pool.give(["kill", "task 1"])
        with pytest.raises(RunError, match="the model file as it was"):
            drain(pool)

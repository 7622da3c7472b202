"""Times: medians, intervals that hold them, and what they were measured on."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from training import inference_time
from training.inference_time import REPEATS, busy_remark, cpu_name, duration, time_network


class Network:
    def __init__(self) -> None:
        self.runs = 0

    def run(self, pixels: np.ndarray) -> None:
        assert pixels.shape == (16, 16, 3)
        assert pixels.dtype == np.uint8
        self.runs += 1


def test_the_median_lies_in_its_interval_and_is_in_milliseconds() -> None:
    time = duration(np.arange(1, 102) / 1000)
    assert (time.median, time.n) == (51.0, 101)
    assert 38 <= time.low <= 42
    assert 60 <= time.high <= 64


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_runs_have_the_whole_range_as_interval(n: int) -> None:
    time = duration(np.arange(1.0, n + 1))
    assert (time.low, time.high) == (1000.0, 1000.0 * n)


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        time = duration(rng.exponential(1.0, 50))
        held += time.low <= 1000 * np.log(2) <= time.high
    assert 0.94 <= held / 2000 <= 0.985


def test_a_quick_network_is_timed_often_and_a_slow_one_twice() -> None:
    quick, slow = Network(), Network()
    ticks = itertools.count(0.0, 0.001)
    assert time_network(quick, 16, lambda: next(ticks)).n == REPEATS
    hours = itertools.count(0.0, 3600.0)
    assert time_network(slow, 16, lambda: next(hours)).n == 2
    assert quick.runs == REPEATS + inference_time.WARM_UP


def test_the_cpus_name_is_read_where_the_system_tells_it(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t: a b\n")
    assert cpu_name(cpuinfo).startswith("Some CPU @ 2 GHz, ")
    assert "core" in cpu_name(tmp_path / "missing")


@pytest.mark.parametrize(("load", "busy"), [(0.1, False), (1e6, True)])
def test_a_busy_machine_is_said(monkeypatch: pytest.MonkeyPatch, load: float, busy: bool) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    assert bool(busy_remark()) == busy

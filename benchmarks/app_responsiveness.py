"""How quick the desktop app is, and whether its event loop ever keeps a person waiting.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmarks/app_responsiveness.py

Prints: from the start of a process to its window; from choosing a 12-megapixel JPEG to its verdict;
the gaps between turns of the event loop while a list of 1,000 pictures is judged; how long
cancelling takes; and whether 100 times opening, cancelling and closing leave a thread or an error.
Pictures are drawn here; nothing of the user's settings is read or written.
"""

import argparse
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]

_TICK = 0.005  # seconds

_MAPPED = """
import sys, time
begin = float(sys.argv[1])
from pathlib import Path
from gui.app import App
from gui.settings import load_settings, settings_path
app = App(load_settings(settings_path()), [], model=Path(sys.argv[2]))
while not app.root.winfo_ismapped():
    app.root.update()
print(time.time() - begin)
while app.window is None:
    app.root.update()
    time.sleep(0.001)
print(time.time() - begin)
while app.session.model.card is None:
    app.root.update()
    time.sleep(0.001)
print(time.time() - begin)
app.close()
"""


def draw(path: Path, width: int, height: int, seed: int) -> Path:
    """A textured picture as a JPEG file."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    noisy = np.asarray(image).astype(np.int16) + rng.integers(-12, 13, (height, width, 1))
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(path, quality=92)
    return path


class Clock:
    """Runs an app's event loop, with a timer in it that notes how late it was called.

    Args:
        app: the app.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self.gaps: list[float] = []

    def run_until(self, ready: Callable[[], object], seconds: float = 1200) -> None:
        """Run the event loop until something is so."""
        root = self._app.root
        end = time.monotonic() + seconds
        last = time.perf_counter()

        def tick() -> None:
            nonlocal last
            now = time.perf_counter()
            self.gaps.append(now - last - _TICK)
            last = now
            if ready():
                root.quit()
            elif time.monotonic() > end:
                sys.exit("waited too long")
            else:
                root.after(round(_TICK * 1000), tick)

        root.after(round(_TICK * 1000), tick)
        root.mainloop()


def start(model: Path) -> tuple[Any, Clock]:
    """An app whose model is loaded."""
    from gui.app import App
    from gui.settings import Settings

    app = App(Settings(theme="light", language="en"), [], model=model)
    clock = Clock(app)
    clock.run_until(lambda: app.session is not None and app.session.model.card is not None)
    return app, clock


def measure_start(model: Path, times: int) -> None:
    """From the start of a process to its window, to its controls, to its model."""
    rows = []
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-c", _MAPPED, str(time.time()), str(model)],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        rows.append([float(line) for line in done.stdout.split()])
    for name, values in zip(("window", "controls", "model"), zip(*rows, strict=True), strict=True):
        median = np.median(values)
        print(f"start to {name}: median {median:.2f} s, worst {max(values):.2f} s, n {times}")


def measure_first_verdict(app: Any, clock: Clock, folder: Path, times: int) -> None:
    """From choosing a 12-megapixel JPEG to its verdict on the screen."""
    picture = draw(folder / "large.jpg", 4000, 3000, 0)
    seen, judged = [], []
    for _ in range(times):
        clock.gaps.clear()
        begin = time.perf_counter()
        app.session.open(picture)
        before = app.window.view._original
        clock.run_until(lambda before=before: app.window.view._original not in (None, before))
        seen.append(time.perf_counter() - begin)
        clock.run_until(lambda: app.session.picture.examination is not None)
        judged.append(time.perf_counter() - begin)
        clock.run_until(lambda: not app._changed)
    print(f"12 megapixels: seen after {np.median(seen):.2f} s, verdict after "
          f"{np.median(judged):.2f} s (worst {max(judged):.2f} s), n {times}")  # fmt: skip


def measure_list(app: Any, clock: Clock, folder: Path, count: int) -> None:
    """Gaps between turns of the event loop while a list is judged, scrolled and sorted."""
    from gui.picture_list import Order, Stage

    many = folder / "many"
    many.mkdir()
    for number in range(count):
        draw(many / f"{number:04}.jpg", 640, 480, number)
    clock.gaps.clear()
    begin = time.perf_counter()
    app.session.open_paths([many])
    clock.run_until(lambda: app.session.pictures.done > count // 10)
    app.window.list.sort_by(Order.SCORE)
    for place in np.linspace(0, 1, 20):
        app.window.list.rows.yview("moveto", str(place))
        done = app.session.pictures.done
        clock.run_until(lambda done=done: app.session.pictures.done > done)
    clock.run_until(lambda: app.session.pictures.stage is Stage.FINISHED)
    seconds = time.perf_counter() - begin
    gaps = np.array(clock.gaps) * 1000
    p50, p99 = np.percentile(gaps, (50, 99))
    print(f"list of {count}: {seconds:.0f} s; gaps of the event loop: ", end="")
    print(f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, worst {gaps.max():.0f} ms, n {gaps.size}")


def measure_cancelling(app: Any, clock: Clock, folder: Path, times: int) -> None:
    """From pressing cancel to a session that is free for the next thing."""
    from keras_detector.enhance import Enhancement

    app.session.open(folder / "large.jpg")
    clock.run_until(lambda: app.session.picture.examination is not None)
    waits = []
    for _ in range(times):
        app.session.enhance(Enhancement(double=False))
        enhanced = app.session.enhanced
        clock.run_until(lambda enhanced=enhanced: enhanced.progress > 0)
        begin = time.perf_counter()
        app.session.cancel_enhancing()
        free = threading.Event()
        app.session._helper.submit(lambda _: None, lambda _, free=free: free.set(), print)
        clock.run_until(free.is_set)
        waits.append(time.perf_counter() - begin)
    median, worst = np.median(waits) * 1000, max(waits) * 1000
    print(f"cancelling: free after {median:.0f} ms, worst {worst:.0f} ms, n {times}")


def measure_cycles(model: Path, folder: Path, times: int) -> None:
    """Opening, cancelling and closing, again and again: threads and errors that are left."""
    errors: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR:
                errors.append(record.getMessage())

    logging.getLogger().addHandler(Listening())
    before = set(threading.enumerate())
    ended = 0
    for number in range(times):
        app, clock = start(model)
        app.session.open(folder / "large.jpg")
        if number % 2:
            app.session.open_paths([folder / "many"])
            clock.run_until(lambda app=app: app.session.pictures.done > 0)
            app.session.pictures.cancel()
        app.root.update()
        app.close()
        ended += app.ended
    left = [thread.name for thread in set(threading.enumerate()) - before]
    print(f"{times} times opened, cancelled, closed: {ended} ended in time, ", end="")
    print(f"threads left {left}, errors {errors}")


def main() -> None:
    """Measure everything."""
    sys.path.insert(0, str(ROOT))
    from keras_detector.detector import default_model_path

    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, default=default_model_path())
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--cycles", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_STATE_HOME"] = name
        measure_start(options.model, 5)
        app, clock = start(options.model)
        measure_first_verdict(app, clock, folder, 10)
        measure_list(app, clock, folder, options.pictures)
        measure_cancelling(app, clock, folder, 10)
        app.close()
        measure_cycles(options.model, folder, options.cycles)


if __name__ == "__main__":
    main()

"""A display for the tests that open windows, and the app on it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

MODEL = Path(__file__).parents[2] / "models" / "cnn32.keras"
"""The smallest model that is shipped: loaded in an instant, and without TensorFlow."""

DONT_WAIT = 2  # Tcl's flag; its module may be missing where the tests are skipped


@pytest.fixture(scope="session")
def display() -> Iterator[None]:
    """A screen that nobody sees: an X server of our own, on Linux."""
    pytest.importorskip("tkinter", reason="Python has no Tk (apt-get install python3-tk)")
    if sys.platform != "linux":
        yield
        return
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed (apt-get install xvfb)")
    read, write = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(write), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    assert number, "Xvfb did not start"
    before = os.environ.get("DISPLAY")
    os.environ["DISPLAY"] = f":{number}"
    yield
    process.terminate()
    process.wait(10)
    os.environ.pop("DISPLAY")
    if before is not None:
        os.environ["DISPLAY"] = before


class RunningApp:
    """The app and its event loop, in steps."""

    def __init__(self, model: Path | None, pictures: list[Path], settings: dict[str, Any]) -> None:
        from gui.app import App
        from gui.settings import Settings

        chosen = Settings(theme="light", language="en", width=1200, height=820)
        for name, value in settings.items():
            setattr(chosen, name, value)
        self.app: Any = App(chosen, pictures, model=model)
        self.root: Any = self.app.root
        self.run_until(lambda: self.app.window is not None)
        # The X server gives a window its size when it likes to, later on a fast machine.
        self.run_until(lambda: self.root.winfo_viewable() and self.root.winfo_width() > 400)
        self.root.focus_force()
        self.settle()

    @property
    def window(self) -> Any:
        return self.app.window

    @property
    def session(self) -> Any:
        return self.app.session

    @property
    def opened(self) -> Any:
        return self.session.picture

    def run_until(self, ready: Callable[[], object], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < until, "waited too long"
            # One event at a time: on a busy machine the next timer is always due already.
            if not self.root.tk.dooneevent(DONT_WAIT):
                time.sleep(0.002)

    def settle(self) -> None:
        """Run the event loop until everything that waits was done and drawn."""
        app = self.app
        for _ in range(2):
            until = time.monotonic() + 0.1
            self.run_until(lambda until=until: app._is_closed or time.monotonic() > until)
            self.run_until(lambda: app._is_closed or (not app._changed and app._outbox.is_empty))
        if not app._is_closed:
            self.root.update()

    def judged(self) -> bool:
        return self.opened is not None and bool(self.opened.examination or self.opened.error)

    def open(self, path: Path) -> None:
        self.session.open(path)
        self.run_until(self.judged)
        self.run_until(lambda: self.opened.error or self.window.view.has_picture)
        self.settle()

    def press(self, keys: str, widget: Any = None) -> None:
        (widget or self.root).event_generate(keys)
        self.settle()

    def click(self, button: Any) -> None:
        """Click on a customtkinter widget, in its middle."""
        target = getattr(button, "_canvas", button)
        x, y = target.winfo_width() // 2, target.winfo_height() // 2
        for event in ("<Enter>", "<ButtonPress-1>", "<ButtonRelease-1>"):
            target.event_generate(event, x=x, y=y)
        self.settle()


@pytest.fixture
def start_app(
    display: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., RunningApp]]:
    """Starts the app with a small model; closed afterwards, its threads ended."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    started: list[RunningApp] = []

    def start(
        *pictures: Path, model: Path | None = MODEL, remembered_model: str = "", **settings: Any
    ) -> RunningApp:
        settings["model"] = remembered_model
        started.append(RunningApp(model, list(pictures), settings))
        return started[-1]

    yield start
    for running in started:
        running.app.close()
        running.run_until(lambda app=running.app: app._is_closed)
        assert running.app.ended

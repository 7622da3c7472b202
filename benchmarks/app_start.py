"""From starting the packaged app to its window on the screen. Linux, with an X server.

    make app && xvfb-run -a python benchmarks/app_start.py [RUNS]

The first window that the server shows (its MapNotify event) stops the clock. The first run is
printed apart: it reads the program from the disk. Beside the seconds on the clock stand the
processor's: where other programs compete for it, only those say something of the app.
"""

import ctypes
import ctypes.util
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

APP = Path(__file__).parents[1] / "dist" / "AIImageClassifier" / "AIImageClassifier"
MAP_NOTIFY, SUBSTRUCTURE_NOTIFY = 19, 1 << 19
LONGEST = 60.0


def connect() -> tuple[ctypes.CDLL, int]:
    """The X library and a display whose new windows are reported."""
    x11 = ctypes.CDLL(ctypes.util.find_library("X11"))
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
    x11.XDefaultRootWindow.restype = ctypes.c_ulong
    x11.XSelectInput.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_long]
    x11.XPending.argtypes = [ctypes.c_void_p]
    x11.XNextEvent.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    display = x11.XOpenDisplay(None)
    if not display:
        sys.exit("Expected an X server. Received: none. Run it under xvfb-run -a.")
    x11.XSelectInput(display, x11.XDefaultRootWindow(display), SUBSTRUCTURE_NOTIFY)
    return x11, display


def seconds_to_window(x11: ctypes.CDLL, display: int) -> tuple[float, float]:
    """Start the app, wait for its window, end it: seconds on the clock, and of the processor."""
    event = ctypes.create_string_buffer(192)  # an XEvent is a union of that size
    start = time.perf_counter()
    app = subprocess.Popen([APP], env=os.environ | {"XDG_CONFIG_HOME": os.devnull})
    try:
        while app.poll() is None and time.perf_counter() - start < LONGEST:
            if not x11.XPending(display):
                time.sleep(0.001)
                continue
            x11.XNextEvent(display, event)
            if ctypes.c_int.from_buffer(event).value == MAP_NOTIFY:
                elapsed = time.perf_counter() - start
                user, system = Path(f"/proc/{app.pid}/stat").read_text().split()[13:15]
                return elapsed, (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        sys.exit(f"Expected a window within {LONGEST} s. Received: none.")
    finally:
        app.terminate()
        app.wait()
        while x11.XPending(display):
            x11.XNextEvent(display, event)


def described(runs: list[tuple[float, float]]) -> str:
    """Median, least and greatest of both times."""
    return ", ".join(
        f"{name} {statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f})"
        for name, times in zip(("clock", "processor"), zip(*runs, strict=True), strict=True)
    )


def main() -> None:
    """Print the first run, and the median, least and greatest of the others."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    x11, display = connect()
    first, *warm = [seconds_to_window(x11, display) for _ in range(runs + 1)]
    print(f"first: {described([first])}")
    print(f"then, n {runs}: {described(warm)}")


if __name__ == "__main__":
    main()

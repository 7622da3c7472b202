"""From starting the packaged app to its window on the screen. Linux, with an X server.

    make app && xvfb-run -a python benchmarks/app_start.py [RUNS]

The first window that the server shows (its MapNotify event) stops the clock. The first run is
printed apart: it reads the program from the disk.
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


def seconds_to_window(x11: ctypes.CDLL, display: int) -> float:
    """Start the app, wait for its window, end it."""
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
                return time.perf_counter() - start
        sys.exit(f"Expected a window within {LONGEST} s. Received: none.")
    finally:
        app.terminate()
        app.wait()
        while x11.XPending(display):
            x11.XNextEvent(display, event)


def main() -> None:
    """Print the first run and the median, least and greatest of the others."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    x11, display = connect()
    first, *warm = [seconds_to_window(x11, display) for _ in range(runs + 1)]
    print(
        f"first {first:.2f} s; then, {runs} runs: median {statistics.median(warm):.2f} s,", end=" "
    )
    print(f"{min(warm):.2f} to {max(warm):.2f} s")


if __name__ == "__main__":
    main()

"""Standard output and error that take whatever is printed."""

import os
import sys
from pathlib import Path


def prepare_streams() -> None:
    """Let no name that is not UTF-8, no old terminal and no closed stream end a run.

    Where a stream was closed by whoever started us (`>&-`), or there is no console, what is printed
    goes nowhere. The next file that is opened would otherwise take its place, and what native
    libraries print would be written into it.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        else:
            stream.reconfigure(errors="backslashreplace")

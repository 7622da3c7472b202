"""Pictures gathered by others, as we and as Pillow see them: every disagreement.

    python benchmarks/corpora.py DIR [--model FILE]

Every file below DIR is judged, and opened by Pillow alone: JPEG, PNG, GIF, WebP, BMP and TIFF, to
the last pixel, of at most `MAX_PIXELS`. What Pillow opens must get a score, everything else an
error row. AVIF is counted apart: we open it, and Pillow's verdict here does not. The exit code is 1
if anything is scored or refused that should not be, crashes, or raises what is no error of ours.
"""

import argparse
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
from PIL import Image

from keras_detector import images
from keras_detector.detector import Detector
from keras_detector.errors import ImageError
from keras_detector.pixels import MAX_PIXELS
from keras_detector.printable import printable
from keras_detector.scan.process_pool import Limits, Lost, ProcessPool

MODEL = Path(__file__).parents[1] / "models" / "cnn32.keras"
ORACLE = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")


class Seen(msgspec.Struct):
    """What one side makes of a file: nothing wrong, or what.

    Attributes:
        wrong: empty if the picture is fine.
        ours: whether the error is one of our family.
        seconds: how long it took.
    """

    wrong: str
    ours: bool
    seconds: float


class Judge:
    """Our side."""

    greeting = ""

    def __init__(self, model: Path) -> None:
        self._detector = Detector(model, threads=1)

    def __call__(self, path: Path) -> bytes:
        """Judge one file."""
        began = time.perf_counter()
        wrong, ours = "", True
        try:
            assert 0.0 <= self._detector.judge(path).score <= 1.0
        except ImageError as error:
            wrong = f"{error.kind}: {error.received}"
        except Exception as error:  # noqa: BLE001  # the point is to find those
            wrong, ours = f"{type(error).__name__}: {error}", False
        return msgspec.json.encode(Seen(wrong, ours, time.perf_counter() - began))


class Oracle:
    """Pillow's side, in its default settings."""

    greeting = ""

    def __init__(self) -> None:
        warnings.simplefilter("ignore")

    def __call__(self, path: Path) -> bytes:
        """Open and load one file."""
        began = time.perf_counter()
        wrong = ""
        try:
            with Image.open(path, formats=ORACLE) as image:
                if image.width * image.height > MAX_PIXELS:
                    wrong = f"more than {MAX_PIXELS:,} pixels"
                else:
                    image.load()
        except Exception as error:  # noqa: BLE001  # Pillow raises nearly everything
            wrong = f"{type(error).__name__}: {error}"
        return msgspec.json.encode(Seen(wrong, True, time.perf_counter() - began))


def is_avif(path: Path) -> bool:
    """Whether a file is one that only we open."""
    try:
        with images.open_picture(path).image, Image.open(path, formats=["AVIF"]):
            return True
    except (ImageError, OSError):
        return False


def run(make: object, paths: list[Path], workers: int) -> Iterator[tuple[Path, Seen]]:
    """What a side makes of every file; a process that dies takes one file with it."""
    left = list(reversed(paths))
    with ProcessPool(make, workers, Limits(seconds=60.0)) as pool:  # type: ignore[arg-type]
        while left or pool.busy:
            pool.give([left.pop() for _ in range(min(pool.wants, len(left)))])
            for path, answer in pool.answers():
                if isinstance(answer, Lost):
                    text = f"{answer.loss.value} ({answer.detail})"
                    yield path, Seen(text, False, 60.0)
                else:
                    yield path, msgspec.json.decode(answer, type=Seen)


def main() -> int:
    """Compare, and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    paths = sorted(path for path in options.directory.rglob("*") if path.is_file())
    ours = dict(run(partial(Judge, options.model), paths, options.workers))
    theirs = dict(run(Oracle, paths, options.workers))
    counts: Counter[str] = Counter()
    for path in paths:
        we, they = ours[path], theirs[path]
        if not we.ours:
            kind = "CRASHED OR FOREIGN ERROR"
        elif not we.wrong and not they.wrong:
            kind = "scored by both"
        elif we.wrong and they.wrong:
            kind = "refused by both"
        elif we.wrong:
            kind = "REFUSED THOUGH PILLOW OPENS IT"
        else:
            kind = "scored AVIF" if is_avif(path) else "SCORED THOUGH PILLOW REFUSES IT"
        counts[kind] += 1
        if kind.isupper() or kind.startswith(("CRASHED", "REFUSED", "SCORED")):
            print(f"{kind}: {printable(path)}\n    we: {we.wrong}\n    Pillow: {they.wrong}")
    slowest = max(paths, key=lambda path: ours[path].seconds)
    for kind, count in counts.most_common():
        print(f"{count:>7,}  {kind}")
    print(f"{len(paths):>7,}  files; slowest: {ours[slowest].seconds:.2f} s, {printable(slowest)}")
    return int(any(kind.startswith(("CRASHED", "REFUSED", "SCORED")) for kind in counts))


if __name__ == "__main__":
    sys.exit(main())

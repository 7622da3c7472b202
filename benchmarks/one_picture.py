"""One picture, warm: a verdict from the file's bytes against the bare interpreter.

    uv run python benchmarks/one_picture.py PICTURE [MODEL ...]

The picture is judged as it is, and scaled to several sizes and saved as JPEG. All ways alternate.
Printed: medians in milliseconds, and the median ratio of verdict to bare network. What a verdict
adds to the network is Pillow's decoding and resizing, which any reader of the picture pays, each
also timed alone, and the rest, which is ours.
"""

import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from keras_detector.detector import Detector, default_model_path
from keras_detector.images import fit, open_picture, viewed_box
from keras_detector.model_file import read_model_file
from keras_detector.runtime import threads_for

ROUNDS = 15
SIDES = (224, 256, 512, 1024)
QUALITY = 90


def seconds(call: Callable[[], object]) -> float:
    """Time of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def contents(picture: Path) -> dict[str, bytes]:
    """The picture as it is, and with each of `SIDES` as its longer side."""
    pictures = {"as it is": picture.read_bytes()}
    image = open_picture(picture).image
    for side in SIDES:
        factor = side / max(image.size)
        size = (round(image.width * factor), round(image.height * factor))
        file = io.BytesIO()
        image.resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=QUALITY)
        pictures[f"JPEG, {size[0]} x {size[1]}"] = file.getvalue()
    return pictures


def compare(picture: Path, path: Path) -> None:
    """Print the comparison for one model file."""
    from ai_edge_litert.interpreter import Interpreter

    model = read_model_file(path, weights=False)
    spec = model.card.input
    detector = Detector(path)
    interpreter = Interpreter(model_content=model.twin, num_threads=threads_for(model.twin))
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    print(f"{path.name} ({path.stat().st_size / 1e6:.1f} MB), median of {ROUNDS}, milliseconds")
    print(
        f"  {'picture':20} {'network':>8} {'verdict':>8} {'ratio':>6}"
        f" {'decode':>8} {'resize':>8} {'rest':>8}"
    )
    for name, content in contents(picture).items():
        opened = open_picture(content)
        box = viewed_box(opened.image.height, opened.image.width, spec)
        shown = fit(opened, spec)[np.newaxis].astype(np.float32)

        def bare(shown: object = shown) -> None:
            interpreter.set_tensor(entry, shown)
            interpreter.invoke()

        def decoded(content: bytes = content) -> None:
            with Image.open(io.BytesIO(content)) as image:
                image.load()

        def resized(image: Image.Image = opened.image, box: tuple[float, ...] = box) -> None:
            image.resize((spec.size, spec.size), Image.Resampling.BICUBIC, box=box)  # type: ignore[arg-type]

        def judged(content: bytes = content) -> None:
            detector.judge(content)

        ways = (bare, judged, decoded, resized)
        rounds = [[seconds(way) for way in ways] for _ in range(ROUNDS + 1)][1:]
        medians = [statistics.median(of) * 1e3 for of in zip(*rounds, strict=True)]
        network, verdict, decode, resize = medians
        ratio = statistics.median(of[1] / of[0] for of in rounds)
        rest = statistics.median(of[1] - of[0] - of[2] - of[3] for of in rounds) * 1e3
        print(
            f"  {name:20} {network:8.1f} {verdict:8.1f} {ratio:6.2f}"
            f" {decode:8.1f} {resize:8.1f} {rest:8.1f}"
        )


if __name__ == "__main__":
    for model_path in [Path(name) for name in sys.argv[2:]] or [default_model_path()]:
        compare(Path(sys.argv[1]), model_path)

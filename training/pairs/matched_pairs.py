"""Content-matched pairs: each photograph beside its own passages through generators' last stages.

Why, and through which, says `passages.py`.

The crops are one source, and each family of passages another, whatever photographs they are of. As
sources of their own they can be weighed and held out like any generator, and crops do not change
the weight of the camera that they come from.
"""

import csv
import hashlib
import io
import json
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from keras_detector.atomic_file import atomic_file, write_atomically
from keras_detector.class_folders import CLASS_NAMES
from keras_detector.errors import DataError, ImageError, RunError
from keras_detector.images import decode
from keras_detector.labelled_directory import read_labelled_directory
from keras_detector.labels import Label
from keras_detector.networks.tiny_autoencoder import LATENT_STRIDE
from keras_detector.pixels import Pixels
from keras_detector.printable import printable
from training.outside import refuse_inside
from training.pairs.passages import Crop, Stages, kinds_of

_NATIVE_SHARE = 0.6  # of the crops; the others come from the photograph made smaller
MANIFEST = "manifest.csv"
SETTINGS = "pairs.json"
_COLUMNS = ("pair", "source", "original", "kind", "file", "parameters", "jpeg_quality")
_SOURCE = "pairs"  # of the crops; the fakes' are this and their family
# What goes into file names as it is, on every system, and leaves room for the rest of the name.
_SIMPLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class PairLines:
    """How pairs are made.

    Attributes:
        size: side of the square crops in pixels, a multiple of 8.
        jpeg_quality: lowest and highest quality that a photograph's pictures are saved at.
        seed: 0 or more; with a photograph's place in the directory, decides its crop and passages.
    """

    size: int
    jpeg_quality: tuple[int, int]
    seed: int


@dataclass(frozen=True)
class Written:
    """What `write_matched_pairs` leaves in its directory.

    Attributes:
        photographs: photographs with fakes.
        fakes: their fakes, of all kinds together.
        left_out: photographs that cannot be read, or are too small.
    """

    photographs: int
    fakes: int
    left_out: int


def write_matched_pairs(root: Path, stages: Stages, out: Path, lines: PairLines) -> Written:
    """Write pairs of all photographs of a data directory, as a data directory of their own.

    `out/real/pairs/<pair>.jpg` are the crops, `out/fake/pairs-<family>/<pair>_<kind>.jpg` their
    passages, one of each kind that `stages` can make. The photograph's own source and `__` stand
    before `<pair>` where the source is a simple name. All pictures of one photograph are JPEG of
    one quality, so that neither class has a codec of its own. `manifest.csv` says how each fake
    was made, `pairs.json` what all have in common. Fakes that are there already are kept: an
    interrupted call goes on when it is repeated, and makes what photographs that have come since
    need.

    Args:
        root: the data directory; only its real pictures are used.
        stages: what the photographs pass through; at least one.
        out: the directory to write; made if missing.
        lines: how.

    Returns:
        how many pictures are there now.

    Raises:
        DataError: `root` is no labelled directory, none of its photographs is large enough, or
            `lines` or `stages` make no pairs.
        RunError: `out` lies in `root`, or holds something else, or pairs that were made in another
            way.
        SaveError: the disk is full or the like; what was written so far stays.
    """
    _check(lines, stages)
    refuse_inside(root, {"--out": out})
    kinds = kinds_of(stages)
    photographs = [
        picture for picture in read_labelled_directory(root).pictures if picture.label is Label.REAL
    ]
    _claim(out, lines, stages)
    rows: list[Sequence[object]] = []
    done = 0
    for picture in tqdm(photographs, desc="Making pairs", disable=None):
        place = picture.path.relative_to(root).as_posix()
        pair = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        seed = (lines.seed, int(pair, 16))
        rng = np.random.default_rng(seed)
        quality = int(rng.integers(lines.jpeg_quality[0], lines.jpeg_quality[1] + 1))
        try:
            pixels = _crop(decode(picture.path), lines.size, rng)
        except ImageError:
            continue
        if pixels is None:
            continue
        done += 1
        name = _front(picture.source) + pair
        crop = Crop(pixels, stages)
        for suffix, kind in kinds.items():
            # Of its own name, so that a kind's draws stay what they are when a kind is added.
            passage = kind.draw(
                stages, np.random.default_rng((*seed, zlib.crc32(suffix.encode("ascii"))))
            )
            parameters = json.dumps(dict(passage.parameters))
            fake = f"fake/{_SOURCE}-{kind.family}/{name}_{suffix}.jpg"
            rows.append((pair, picture.source, place, suffix, fake, parameters, quality))
            if not (out / fake).exists():
                _write_jpeg(out / fake, passage.run(crop), quality)
        real = out / "real" / _SOURCE / f"{name}.jpg"
        if not real.exists():
            _write_jpeg(real, pixels, quality)
    if not done:
        raise DataError(
            expected=f"readable photographs of at least {lines.size} pixels a side",
            received=f"none among {len(photographs)} in {printable(root)}",
            advice="Lower --size, or use larger photographs.",
        )
    table = io.StringIO()
    csv.writer(table).writerows([_COLUMNS, *rows])
    write_atomically(out / MANIFEST, table.getvalue().encode("utf-8", errors="backslashreplace"))
    return Written(done, len(rows), len(photographs) - done)


def _check(lines: PairLines, stages: Stages) -> None:
    if lines.size % LATENT_STRIDE or lines.size <= 0 or lines.seed < 0:
        raise DataError(
            expected=f"a size that is a multiple of {LATENT_STRIDE}, and a seed of 0 or more",
            received=f"size {lines.size}, seed {lines.seed}",
            advice="256 is a good size.",
        )
    if not kinds_of(stages):
        raise DataError(
            expected="an autoencoder or an upscaler to pass photographs through",
            received="neither",
            advice="Give --autoencoder, --upscaler, or both.",
        )


def _claim(out: Path, lines: PairLines, stages: Stages) -> None:
    """Refuse a directory that holds anything else; note in a new one how its pairs are made."""
    how = {
        **asdict(lines),
        "kinds": list(kinds_of(stages)),
        "upscalers": [upscaler.name for upscaler in stages.upscalers],
    }
    settings = json.dumps(how, indent=1).encode()
    wanted = "a new directory for the pairs, or one with pairs to go on with"
    # pathlib raises on names that the system refuses; os.path says that they are not there
    try:
        entries = set(os.listdir(out)) if os.path.lexists(out) else set()  # noqa: PTH208
        there = (out / SETTINGS).read_bytes() if SETTINGS in entries else b""
    except OSError as error:
        raise RunError(
            expected=wanted,
            received=f"{printable(out)} ({error.strerror or error})",
            advice="Choose another --out.",
        ) from error
    if entries and SETTINGS not in entries:
        raise RunError(
            expected=wanted,
            received=f"{printable(out)}, which holds something else",
            advice="Choose another --out.",
        )
    # Without a picture so far, as after a size that no photograph has, other options are welcome.
    if entries <= {SETTINGS}:
        write_atomically(out / SETTINGS, settings)
    elif there != settings:
        raise RunError(
            expected=f"the options that {printable(out)} was begun with",
            received=f"others; it was begun with {there.decode('utf-8', 'replace')!r:.500}",
            advice="Choose another --out, or repeat the call that began it.",
        )


def _crop(pixels: Pixels, size: int, rng: np.random.Generator) -> Pixels | None:
    """A random square of the photograph, of its own pixels or of the photograph made smaller."""
    height, width = pixels.shape[:2]
    smallest = size / min(height, width)
    if smallest > 1:
        return None
    if rng.random() > _NATIVE_SHARE:
        scale = rng.uniform(smallest, 1)
        height, width = (max(size, round(side * scale)) for side in (height, width))
        pixels = np.asarray(
            Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
        )
    top, left = (int(rng.integers(0, side - size + 1)) for side in (height, width))
    return np.ascontiguousarray(pixels[top : top + size, left : left + size])


def _front(source: str) -> str:
    """What the file names of a source's photographs begin with, "" if it is no simple name."""
    # A directory without sources names them by class, which a fake's name had better not begin with
    nameless = source.casefold() in CLASS_NAMES
    return f"{source}__" if _SIMPLE.fullmatch(source) and not nameless else ""


def _write_jpeg(path: Path, pixels: Pixels, quality: int) -> None:
    with atomic_file(path) as file:
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)

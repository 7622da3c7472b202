"""Write a data set anew so that no file of it says which class it is of.

Every picture, of either class, goes down one path: it is decoded; one that never was a JPEG goes
through one, at a quality drawn from the set's own; up to 7 pixels are cut off the top left, so that
the old 8x8 grid is not aligned; a square window, or the largest square scaled down, is taken, its
side drawn from one distribution; and it is saved as a JPEG without metadata, its quality drawn from
one distribution. The input is never touched.
"""

import csv
import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image
from tqdm import tqdm

from keras_detector.atomic_file import write_atomically
from keras_detector.card import InputSpec
from keras_detector.class_folders import CLASS_NAMES, SPLIT_NAMES, place_of
from keras_detector.errors import ImageError, RunError
from keras_detector.images import FORMATS, decode, fit
from keras_detector.labelled_directory import LabelledDirectory, LabelledPicture
from keras_detector.labels import Label
from keras_detector.pixels import Pixels
from keras_detector.printable import printable
from training.audit.align_plan import Draw, Header, Plan, draw, make_plan
from training.audit.jpeg_tables import read_jpeg_tables
from training.outside import refuse_inside
from training.parallel import in_order

MANIFEST = "manifest.csv"
"""Written last: a folder that has it is finished."""

PLAN = "align.json"
"""Written first: a folder that has it can be gone on with."""

_STEP = 16
_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)
# fmt: off
_COLUMNS = (
    "path", "label", "source", "original", "width0", "height0", "format0", "quality0",
    "first_pass_quality", "top", "left", "how", "side", "quality",
)
# fmt: on


@dataclass(frozen=True)
class Aligned:
    """What was written.

    Attributes:
        plan: the path all went down.
        written: pictures; `written_real` and `written_fake` of them by label.
        too_small_real: left out because nothing is enlarged; `too_small_fake` likewise.
        unreadable: left out because they cannot be decoded.
    """

    plan: Plan
    written_real: int
    written_fake: int
    too_small_real: int
    too_small_fake: int
    unreadable: int

    @property
    def written(self) -> int:
        """Pictures of both classes."""
        return self.written_real + self.written_fake


@dataclass(frozen=True)
class _Job:
    source: Path
    target: Path
    drawn: Draw


def align_directory(directory: LabelledDirectory, out: Path, *, seed: int) -> Aligned:
    """Write `out`, a data directory of the same classes, sources and splits.

    Killed at any moment and called again in the same way, it goes on where it stopped.

    Args:
        directory: the pictures.
        out: a new or empty folder, or an unfinished one of the same pictures and seed.
        seed: the same one gives the same files, byte for byte, with the same Pillow.

    Returns:
        what was written.

    Raises:
        RunError: `out` holds something else, is finished, or lies in the data directory.
        DataError: a class has no readable pictures, or too small ones.
        SaveError: the disk is full or cannot be written.
    """
    begun = _begun(directory.root, out)
    pictures = directory.pictures
    headers = _headers(pictures)
    labelled = [(pictures[at].label, header) for at, header in headers.items()]
    plan = make_plan(labelled, _digest(directory.root, pictures), seed)
    if begun is None:
        write_atomically(out / PLAN, msgspec.json.format(msgspec.json.encode(plan), indent=2))
    elif begun != plan:
        raise RunError(
            expected="to go on with the same pictures and seed",
            received=f"{printable(out)}, which was begun with others",
            advice="Choose another folder, or remove this one.",
        )
    too_small = [at for at, h in headers.items() if min(h.width, h.height) < plan.needed_side]
    names = _names(directory)
    left_out = set(too_small)
    jobs = {
        at: _Job(pictures[at].path, out / names[at], draw(plan, names[at], header))
        for at, header in headers.items()
        if at not in left_out
    }
    failed = _write_all(list(jobs.values()))
    done = {at: job for at, job in jobs.items() if job.target not in failed}
    rows = [_row(directory, at, headers[at], job, out) for at, job in done.items()]
    write_atomically(out / MANIFEST, _csv(rows))
    fakes = sum(pictures[at].label == Label.FAKE for at in done)
    small_fakes = sum(pictures[at].label == Label.FAKE for at in too_small)
    return Aligned(
        plan=plan,
        written_real=len(done) - fakes,
        written_fake=fakes,
        too_small_real=len(too_small) - small_fakes,
        too_small_fake=small_fakes,
        unreadable=len(pictures) - len(headers) + len(failed),
    )


def refuse_taken(root: Path, out: Path) -> None:
    """Refuse a folder that `align_directory` would refuse, before anything takes time.

    Raises:
        RunError: as there.
    """
    _begun(root, out)


def _begun(root: Path, out: Path) -> Plan | None:
    """The plan of an unfinished folder, None for a new or empty one; anything else is refused."""
    advice = "Choose a new folder for --align; nothing was changed."
    wanted = "a new or empty folder for the aligned pictures"
    refuse_inside(root, {"--align": out})
    try:
        names = {entry.name for entry in out.iterdir()} if out.exists() else set()
        plan = (out / PLAN).read_bytes() if PLAN in names else b""
        for leftover in out.rglob(".*.part") if plan else ():  # of a run that was killed
            leftover.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(
            expected=wanted,
            received=f"{printable(out)} ({error.strerror or error})",
            advice=advice,
        ) from error
    if MANIFEST in names:
        received = f"{printable(out)}, which is finished" if plan else f"{printable(out)}, in use"
        raise RunError(expected=wanted, received=received, advice=advice)
    try:
        if plan:
            return msgspec.json.decode(plan, type=Plan)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RunError(expected=wanted, received=f"{PLAN}: {error}", advice=advice) from error
    if names:
        received = f"{printable(out)}, which holds {len(names):,} entries"
        raise RunError(expected=wanted, received=received, advice=advice)
    return None


def _digest(root: Path, pictures: Sequence[LabelledPicture]) -> str:
    digest = hashlib.sha256()
    for picture in pictures:
        try:
            status = picture.path.stat()
            stamp = f"{status.st_size} {status.st_mtime_ns}"
        except OSError:
            stamp = "gone"
        name = os.fsencode(picture.path.relative_to(root))
        digest.update(name + f"\0{picture.label} {stamp}\0".encode())
    return digest.hexdigest()


def _headers(pictures: Sequence[LabelledPicture]) -> dict[int, Header]:
    paths = [picture.path for picture in pictures]
    found: dict[int, Header] = {}
    with tqdm(total=len(paths), desc="Reading sizes", unit="", disable=None) as progress:
        for start, stop, headers in in_order(_read_headers, paths, step=16 * _STEP, few=4_000):
            found |= {start + at: header for at, header in enumerate(headers) if header}
            progress.update(stop - start)
    return found


def _read_headers(paths: Sequence[Path]) -> list[Header | None]:
    return [_header(path) for path in paths]


def _header(path: Path) -> Header | None:
    try:
        with Image.open(path, formats=FORMATS) as image:
            tables = read_jpeg_tables(getattr(image, "quantization", None) or {})
            width, height = image.size
            try:
                sideways = image.getexif().get(_ORIENTATION) in _SIDEWAYS
            except Exception:  # noqa: BLE001 - as in images.decode
                sideways = False
            return Header(
                width=height if sideways else width,
                height=width if sideways else height,
                form=str(image.format),
                quality=tables.quality if tables else None,
            )
    # Pillow's plugins raise nearly every built-in exception on hostile bytes.
    except Exception:  # noqa: BLE001
        return None


def _names(directory: LabelledDirectory) -> list[Path]:
    """Where each picture goes, relative to the new folder: as it lies, but as `.jpg`."""
    names, taken = [], set()
    for picture in directory.pictures:
        old = picture.path.relative_to(directory.root)
        if place_of(old.parent).label is None:  # a metadata.csv said what it is
            source = picture.source
            if source.casefold() in {*CLASS_NAMES, *SPLIT_NAMES}:
                source += "_"
            old = Path(picture.label.text) / source / "-".join(old.parts)
        name = old.with_suffix(".jpg")
        # a.png beside a.jpg, or A.jpg, which is the same file on some systems
        while str(name).casefold() in taken:
            old = old.with_name(f"{old.name}_")
            name = old.with_name(f"{old.name}.jpg")
        taken.add(str(name).casefold())
        names.append(name)
    return names


def _write_all(jobs: Sequence[_Job]) -> set[Path]:
    """Write what is not there yet; the targets that could not be made."""
    failed: set[Path] = set()
    with tqdm(total=len(jobs), desc="Aligning", unit="", disable=None) as progress:
        for start, stop, targets in in_order(_write_chunk, jobs, step=_STEP):
            failed.update(targets)
            progress.update(stop - start)
    return failed


def _write_chunk(jobs: Sequence[_Job]) -> list[Path]:
    failed = []
    for job in jobs:
        if job.target.exists():  # whole, as it was written atomically
            continue
        try:
            pixels = decode(job.source)
        except ImageError:
            failed.append(job.target)
            continue
        write_atomically(job.target, _jpeg(aligned_pixels(pixels, job.drawn), job.drawn.quality))
    return failed


def aligned_pixels(pixels: Pixels, drawn: Draw) -> Pixels:
    """Send a decoded picture down the path, up to the JPEG that is written.

    Args:
        pixels: uint8 (height, width, 3), each side at least `Plan.needed_side`.
        drawn: what was drawn for it.

    Returns:
        uint8 (drawn.side, drawn.side, 3).
    """
    if drawn.first_quality is not None:
        pixels = decode(_jpeg(pixels, drawn.first_quality))
    pixels = pixels[drawn.top :, drawn.left :]
    height, width = pixels.shape[:2]
    side = drawn.side if drawn.how == "crop" else min(height, width)
    top, left = int(drawn.down * (height - side + 1)), int(drawn.across * (width - side + 1))
    window = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    spec = InputSpec(size=drawn.side, view="centre", resample="bicubic", enhance=False)
    return fit(window, spec)


def _jpeg(pixels: Pixels, quality: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return file.getvalue()


def _row(
    directory: LabelledDirectory, at: int, header: Header, job: _Job, out: Path
) -> tuple[object, ...]:
    picture, drawn = directory.pictures[at], job.drawn
    return (
        printable(job.target.relative_to(out)),
        picture.label.text,
        picture.source,
        printable(picture.path.relative_to(directory.root)),
        header.width,
        header.height,
        header.form,
        header.quality,
        drawn.first_quality,
        drawn.top,
        drawn.left,
        drawn.how,
        drawn.side,
        drawn.quality,
    )


def _csv(rows: Sequence[tuple[object, ...]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()

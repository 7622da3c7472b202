"""`keras-detector enhance IMAGE --out FILE`: denoise, then double the size."""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from keras_detector.errors import EnhancementError

if TYPE_CHECKING:
    from keras_detector.enhance import Enhancement

_DESCRIPTION = """Denoise a picture, then double its size, to look at it. The verdict that is
printed is of IMAGE; beside it stands the score of the enhanced picture, which is no verdict:
denoising smooths texture the way generators do."""


def add_enhance_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Add the command to the command line.

    Args:
        commands: the other commands.
        common: options that all of them take that give a verdict.
    """
    parser = commands.add_parser(
        "enhance",
        parents=[common],
        help="denoise, then 2x super-resolution",
        description=_DESCRIPTION,
    )
    parser.add_argument("picture", type=Path, metavar="IMAGE", help="never changed")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help=".png (keeps every pixel), .jpg or .webp; EXIF data and colour profile are left out",
    )
    steps = parser.add_mutually_exclusive_group()
    steps.add_argument("--denoise-only", action="store_true", help="keep the size")
    steps.add_argument("--double-only", action="store_true", help="keep the noise")
    parser.add_argument(
        "--luminance-strength",
        type=float,
        metavar="X",
        help="of denoising, in light and dark, 0 to 100; more also takes detail (default: 10)",
    )
    parser.add_argument(
        "--colour-strength", type=float, metavar="X", help="the same, in colour (default: 10)"
    )
    parser.add_argument(
        "--quality", type=int, metavar="Q", help="of JPEG and WebP, 1 to 100 (default: 95)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing FILE")
    parser.set_defaults(command=_enhance)


def _enhance(options: argparse.Namespace) -> int:
    """Enhance, save, and print the verdict of the original; the bar stands on stderr."""
    from tqdm import tqdm

    from keras_detector import images
    from keras_detector.atomic_file import write_atomically
    from keras_detector.detector import Detector, default_model_path
    from keras_detector.enhance import enhance
    from keras_detector.labels import ENHANCED_TEXT
    from keras_detector.picture_output import check_format, check_output, encode_picture
    from keras_detector.rows import Row, text_line

    settings = _settings(options)
    check_output(options.out, options.picture, overwrite=options.overwrite)
    shape = "{l_bar}{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc="enhancing", bar_format=shape, leave=False, disable=None) as bar:
        picture = images.open_picture(options.picture)
        height, width = (side * settings.factor for side in picture.pixels.shape[:2])
        check_format(options.out.suffix, height, width, options.quality)
        detector = Detector(options.model or default_model_path(), options.strictness)
        row = Row(options.picture, detector.examine(picture).prediction)
        enhanced = enhance(
            picture.pixels, settings, progress=lambda share: bar.update(share - bar.n)
        )
        # A model that sees enhanced pictures would enhance this one once more.
        twice = detector.card.input.enhance
        score = None if twice else detector.judge_pixels(enhanced).score
        bar.set_description("saving")
        data = encode_picture(enhanced, options.out.suffix, options.quality)
        # Minutes may have gone by since the first look.
        check_output(options.out, options.picture, overwrite=options.overwrite)
        write_atomically(options.out, data)
    if options.json:
        size = {"out": os.fspath(options.out), "width": width, "height": height}
        print(json.dumps({**row.to_builtins(), **size, "enhanced_score": score}))
    else:
        print(row.to_text())
        shown = "-" if score is None else f"{score:.3f}"
        print(text_line(ENHANCED_TEXT, shown, options.out, f"{width} x {height} pixels"))
    return 0


def _settings(options: argparse.Namespace) -> "Enhancement":
    from keras_detector.enhance import Enhancement

    strengths = {
        name: value
        for name in ("luminance_strength", "colour_strength")
        if (value := getattr(options, name)) is not None
    }
    if strengths and options.double_only:
        raise EnhancementError(
            expected="no strength of denoising beside --double-only",
            received=f"{next(iter(strengths.values())):g}",
            advice="Leave out one of the two.",
        )
    return Enhancement(
        denoise=not options.double_only, double=not options.denoise_only, **strengths
    )

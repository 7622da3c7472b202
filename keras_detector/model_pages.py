"""The pages of a folder of models: `<stem>.md` for each, and a README that compares them.

    python -m keras_detector.model_pages models/

writes them from the cards; nothing in them is written by hand.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_detector.atomic_file import write_atomically
from keras_detector.card import Card, Estimate, Figures
from keras_detector.card_text import describe_card, describe_stands, format_estimate
from keras_detector.errors import DetectorError
from keras_detector.measure import worst_source
from keras_detector.model_file import read_model_file

_TITLE = """# Models

What each model file says of itself, side by side; each name leads to its whole card. Intervals are
95 %. The balanced accuracy on pictures from elsewhere (collections that other people gathered and
no model here was trained on) says more about your pictures than the one on its own test split.
"""


def model_pages(folder: Path) -> dict[Path, str]:
    """The pages of a folder of models.

    Args:
        folder: where the `.keras` files lie.

    Returns:
        page to its content: one for each model, and `README.md`.

    Raises:
        ModelFileError: a file in it is no model of ours.
    """
    paths = sorted(folder.glob("*.keras"))
    cards = {path.stem: read_model_file(path).card for path in paths}
    pages = {folder / f"{stem}.md": describe_card(card) for stem, card in cards.items()}
    return pages | {folder / "README.md": describe_models(cards)}


def describe_models(cards: Mapping[str, Card]) -> str:
    """The README of a folder of models: a line a model, and how far each stands.

    Args:
        cards: file stem to card.
    """
    collections = sorted({name for card in cards.values() for name in card.collections})
    rows = [["model", "test accuracy", "test ROC AUC", "n", "worst source of the test"]]
    elsewhere = [["model", *(f"{name}: ROC AUC, n" for name in collections)]]
    robustness = [["model", "clean", "q50", "half", "blur", "web_512_q40"]]
    for stem, card in cards.items():
        link = f"[`{stem}`]({stem}.md)"
        test = card.figures.get("test")
        sources = card.per_source.get("test", {})
        worst = worst_source(sources) if len(sources) > 1 else None
        rows.append(
            [
                link,
                format_estimate(test.accuracy if test else None),
                format_estimate(test.roc_auc if test else None),
                str(test.n) if test else "-",
                f"{worst}: {format_estimate(sources[worst].accuracy)}" if worst else "-",
            ]
        )
        elsewhere.append([link, *(_with_n(card.collections.get(name)) for name in collections)])
        conditions = [card.robustness.get(name) for name in robustness[0][1:]]
        robustness.append([link, *(_short(c.balanced_accuracy if c else None) for c in conditions)])
    parts = [_TITLE, *_lines(rows)]
    if collections:
        parts += ["", "## On collections from elsewhere", "", *_lines(elsewhere)]
    parts += ["", "## Balanced accuracy after compression, scaling and blur", ""]
    parts += [*_lines(robustness), "", "## What verdicts stand for", ""]
    parts += [f"- `{stem}`: {describe_stands(card.stands)}." for stem, card in cards.items()]
    return "\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages of a folder and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m keras_detector.model_pages")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    try:
        for path, text in model_pages(folder).items():
            write_atomically(path, text.encode())
    except DetectorError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _with_n(figures: Figures | None) -> str:
    return "-" if figures is None else f"{format_estimate(figures.roc_auc)}, {figures.n}"


def _short(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    header, *body = rows
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *body)]


if __name__ == "__main__":
    sys.exit(main())

"""keras_detector/fonts/, made anew: the letters of DejaVu Sans that our languages need.

    python packaging/subset_font.py

The whole font, which comes with matplotlib, is 0.75 MB; what is left of it is a fifteenth of that.
"""

import shutil
from pathlib import Path

import matplotlib
from fontTools.subset import main as subset

FONTS = Path(__file__).parents[1] / "keras_detector" / "fonts"
WHOLE = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
LETTERS = "U+0020-007E,U+00A0-00FF,U+0401,U+0410-044F,U+0451,U+2013-2014,U+2018-201E,U+2026"
"""ASCII, Latin-1, Russian, dashes and quotation marks."""


def main() -> None:
    """Write the font and its licence."""
    out = FONTS / "DejaVuSans-subset.ttf"
    subset(
        [
            str(WHOLE / "DejaVuSans.ttf"),
            f"--unicodes={LETTERS}",
            "--notdef-outline",  # a letter that is not there shows as a box
            f"--output-file={out}",
        ]
    )
    shutil.copyfile(WHOLE / "LICENSE_DEJAVU", FONTS / "LICENSE_DEJAVU")


if __name__ == "__main__":
    main()

"""Writing what a person wants to keep: a picture, a verdict, the verdicts of a list."""

import base64
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring  # only written

from keras_detector.atomic_file import write_atomically
from keras_detector.labels import REASON_TEXTS, VERDICT_TEXTS, Reason, Verdict
from keras_detector.picture_output import check_output, encode_picture
from keras_detector.pixels import Pixels
from keras_detector.printable import printable
from keras_detector.report_csv import write_csv
from keras_detector.report_html import write_html
from keras_detector.rows import Row

_STYLE = (
    ":root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif; "
    "max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem; overflow-wrap: anywhere } "
    "img { max-width: 100%; border-radius: 8px } th { text-align: left; padding-right: 2rem; "
    "vertical-align: top; font-weight: 600 } h1 { font-size: 1.5rem }"
)


def save_picture(out: Path, pixels: Pixels, original: Path | None, *, overwrite: bool) -> None:
    """Write a picture in the format that the ending of its name says (PNG, JPEG, WebP).

    Args:
        out: where to.
        pixels: uint8 (height, width, 3), RGB.
        original: the file that it was made of; None: it was pasted.
        overwrite: a person has agreed that what is there is replaced, the original included.

    Raises:
        SaveError: `out` may not be written.
    """
    check_output(out, None if overwrite else original, overwrite=overwrite)
    write_atomically(out, encode_picture(pixels, out.suffix))


def save_verdict(out: Path, row: Row, drawn: Pixels) -> None:
    """Write a verdict and its heatmap as a picture (`.png`) or as a page (`.html`).

    The file dialog has asked before something is replaced; the judged picture never is.

    Args:
        out: where to.
        row: the verdict.
        drawn: the heatmap with its legend, as `explain.draw_explanation` gives it.

    Raises:
        SaveError: `out` may not be written.
    """
    check_output(out, Path(row.path), overwrite=True, suffixes=(".png", ".html"))
    png = encode_picture(drawn, ".png")
    write_atomically(out, png if out.suffix.lower() == ".png" else verdict_page(row, png))


def save_rows(out: Path, rows: list[Row]) -> None:
    """Write the verdicts of many pictures as a table (`.csv`) or as a page (`.html`).

    Args:
        out: where to.
        rows: the verdicts.

    Raises:
        SaveError: `out` may not be written.
    """
    check_output(out, None, overwrite=True, suffixes=(".csv", ".html"))
    if out.suffix.lower() == ".html":
        write_html(out, rows)
    else:
        write_csv(out, rows)


def verdict_page(row: Row, png: bytes) -> bytes:
    """One verdict as a page that opens from disk: nothing is fetched, nothing in it can run.

    Args:
        row: the verdict, not an error.
        png: the heatmap as a PNG file.
    """
    values = row.to_builtins()
    verdict = VERDICT_TEXTS[Verdict(values["verdict"])]
    page = Element("html", lang="en")
    head = SubElement(page, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "title").text = f"{verdict}: {printable(Path(row.path).name)}"
    SubElement(head, "style").text = _STYLE
    body = SubElement(page, "body")
    SubElement(body, "h1").text = verdict
    data = base64.b64encode(png).decode("ascii")
    SubElement(body, "img", src=f"data:image/png;base64,{data}", alt="")
    table = SubElement(SubElement(body, "table"), "tbody")
    reasons = "; ".join(REASON_TEXTS[Reason(reason)] for reason in values["reasons"])
    lines = {
        "path": printable(row.path),
        "score": f"{values['score']:.3f}",
        "threshold": f"{values['threshold']:.3f}",
        "model": values["model"],
    }
    for name, text in (lines | ({"reasons": reasons} if reasons else {})).items():
        line = SubElement(table, "tr")
        SubElement(line, "th").text = name
        SubElement(line, "td").text = text
    written: bytes = tostring(page, encoding="utf-8", method="html")
    return b"<!DOCTYPE html>\n" + written

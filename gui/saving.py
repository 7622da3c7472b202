"""Writing what a person wants to keep: a picture, a verdict, the verdicts of a list."""

import base64
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring  # only written

from gui.texts import Texts
from keras_detector.atomic_file import write_atomically
from keras_detector.card import InputSpec
from keras_detector.detector import Examination, Prediction
from keras_detector.explain import Legend, draw_explanation, draw_heatmap
from keras_detector.picture_output import check_output, encode_picture
from keras_detector.pixels import Pixels
from keras_detector.printable import printable
from keras_detector.report.csv_table import write_csv
from keras_detector.report.html_page import write_html
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


def save_verdict(
    out: Path, path: Path, pixels: Pixels, examined: Examination, spec: InputSpec, texts: Texts
) -> None:
    """Write a verdict and its heatmap as a picture (`.png`) or as a page (`.html`).

    The file dialog has asked before something is replaced; the judged picture never is.

    Args:
        out: where to.
        path: the judged picture.
        pixels: uint8 (height, width, 3), its content.
        examined: what was found.
        spec: the network's input, from the model's card.
        texts: in which language.

    Raises:
        SaveError: `out` may not be written.
    """
    check_output(out, path, overwrite=True, suffixes=(".png", ".html"))
    if out.suffix.lower() == ".png":
        legend = verdict_legend(examined.prediction, texts)
        drawn = draw_explanation(pixels, examined, spec, legend=legend)
        write_atomically(out, encode_picture(drawn, ".png"))
    else:
        heatmap = draw_heatmap(pixels, examined.activation_map, spec)
        png = encode_picture(heatmap, ".png")
        write_atomically(out, verdict_page(path, examined.prediction, png, texts))


def save_rows(out: Path, rows: list[Row], texts: Texts) -> None:
    """Write the verdicts of many pictures as a table (`.csv`) or as a page (`.html`).

    Args:
        out: where to.
        rows: the verdicts.
        texts: in which language a page is written; a table is the same in all.

    Raises:
        SaveError: `out` may not be written.
    """
    check_output(out, None, overwrite=True, suffixes=(".csv", ".html"))
    if out.suffix.lower() == ".html":
        write_html(out, rows, texts=texts.of_report())
    else:
        write_csv(out, rows)


def verdict_legend(prediction: Prediction, texts: Texts) -> Legend:
    """What is written below a heatmap.

    Args:
        prediction: what was found.
        texts: in which language.
    """
    score = f"{texts('verdict_page.score')}: {texts.number(prediction.score, 3)}"
    reasons = (texts(f"reason.{reason}") for reason in prediction.reasons)
    return Legend(
        lines=(f"{texts(f'verdict.{prediction.verdict}')}  ({score})", *reasons),
        real=texts("picture.speaks_for_real"),
        fake=texts("picture.speaks_for_fake"),
    )


def verdict_page(path: Path, prediction: Prediction, png: bytes, texts: Texts) -> bytes:
    """One verdict as a page that opens from disk: nothing is fetched, nothing in it can run.

    Args:
        path: the judged picture.
        prediction: what was found.
        png: the heatmap as a PNG file.
        texts: in which language.
    """
    verdict = texts(f"verdict.{prediction.verdict}")
    page = Element("html", lang=texts.language)
    head = SubElement(page, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "title").text = f"{verdict}: {printable(path.name)}"
    SubElement(head, "style").text = _STYLE
    body = SubElement(page, "body")
    SubElement(body, "h1").text = verdict
    data = base64.b64encode(png).decode("ascii")
    SubElement(body, "img", src=f"data:image/png;base64,{data}", alt="")
    SubElement(body, "p").text = texts("verdict_page.legend")
    table = SubElement(SubElement(body, "table"), "tbody")
    lines = {
        "picture": printable(path),
        "score": texts.number(prediction.score, 3),
        "threshold": texts.number(prediction.threshold, 3),
        "model": printable(prediction.model),
    }
    if prediction.reasons:
        lines["reasons"] = " ".join(texts(f"reason.{reason}") for reason in prediction.reasons)
    for name, text in lines.items():
        line = SubElement(table, "tr")
        SubElement(line, "th").text = texts(f"verdict_page.{name}")
        SubElement(line, "td").text = text
    SubElement(body, "p").text = texts("verdict_page.meaning")
    written: bytes = tostring(page, encoding="utf-8", method="html")
    return b"<!DOCTYPE html>\n" + written

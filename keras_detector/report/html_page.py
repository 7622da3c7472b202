"""Rows as one page that opens from disk: nothing is fetched, nothing in it can run.

The page is built as a tree, so that every text is escaped by the standard library when it is
written out; names of files go through `printable` first. A content security policy forbids what
may have been overlooked.
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring  # only written

from keras_detector.atomic_file import write_atomically
from keras_detector.detector import Prediction
from keras_detector.explain import COLOURS
from keras_detector.labels import Label, Verdict
from keras_detector.object_store import Place
from keras_detector.printable import printable
from keras_detector.report.summary import BINS, Summary
from keras_detector.report.texts import ENGLISH, GENERATOR, ReportTexts
from keras_detector.report.thumbnails import THUMBNAIL_SIDE, draw_thumbnails
from keras_detector.rows import Row

_REAL, _FAKE = (f"rgb{COLOURS[label]}" for label in (Label.REAL, Label.FAKE))
_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --wash: #f5f6f7; --ink: #222; --faint: #62676d; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #141414; --wash: #1f2123; --ink: #e4e4e4; --faint: #a0a5ab; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .8rem; }
.note, figcaption span, td + td + td { color: var(--faint); font-size: .875rem; }
.tiles, .pictures { display: grid; gap: .8rem; margin: 1.2rem 0;
                    grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); }
.tile, figure { background: var(--wash); border-radius: 8px; padding: .8rem; margin: 0; }
.tile b { display: block; font-size: 1.6rem; font-variant-numeric: tabular-nums; }
figure img, figure .gone { display: block; height: SIDEpx; max-width: 100%; margin: 0 auto .5rem;
                           object-fit: contain; }
figcaption b, figcaption bdi, figcaption span { display: block; font-size: .875rem; }
svg { width: 100%; height: auto; } svg text { fill: var(--faint); font-size: 12px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1rem .3rem 0; }
""".replace("SIDE", str(THUMBNAIL_SIDE))

DrawThumbnails = Callable[[Sequence[Place]], Iterable[bytes | None]]

_WIDTH, _HEIGHT, _BASE = 800, 240, 200  # of the histogram, and where its bars stand


def write_html(
    path: Path,
    rows: Iterable[Row],
    draw: DrawThumbnails = draw_thumbnails,
    texts: ReportTexts = ENGLISH,
) -> None:
    """Write counts, a histogram of scores, the most suspicious pictures and errors by kind.

    Args:
        path: the page to write, replaced wholly or not at all.
        rows: taken one by one, so that any number fits.
        draw: makes a small copy of each picture as JPEG, or None where it cannot be read any more.
        texts: in which language.

    Raises:
        SaveError: it cannot be written; what was there before is unharmed.
    """
    summary = Summary.of(rows)
    write_atomically(path, _page(summary, draw, texts))


def is_report(path: Path) -> bool:
    """Whether a file is a page that `write_html` wrote, and so may be replaced."""
    try:
        if not path.is_file():  # opening a pipe would wait for somebody to write
            return False
        with path.open("rb") as file:
            return f'content="{GENERATOR}"'.encode() in file.read(1000)
    except OSError:
        return False


def _page(summary: Summary, draw: DrawThumbnails, texts: ReportTexts) -> bytes:
    page = Element("html", lang=texts.language)
    head = SubElement(page, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="generator", content=GENERATOR)
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _add(head, "title", texts.page["title"])
    _add(head, "style", _STYLE)
    body = SubElement(page, "body")
    _add(body, "h1", texts.page["title"])
    _add_counts(body, summary, texts)
    if summary.judged:
        _add(body, "h2", texts.page["histogram"])
        _add_histogram(body, summary, texts)
        _add(body, "h2", texts.page["suspicious"])
        _add_pictures(body, summary, draw, texts)
    if summary.errors:
        _add(body, "h2", texts.page["errors"])
        _add_errors(body, summary, texts)
    text: str = tostring(page, encoding="unicode", method="html")
    return f"<!doctype html>\n{text}\n".encode()


def _add(parent: Element, tag: str, text: str, **attributes: str) -> Element:
    child = SubElement(parent, tag, attributes)
    child.text = text
    return child


def _add_counts(body: Element, summary: Summary, texts: ReportTexts) -> None:
    models = ", ".join(printable(name) for name in summary.models)
    thresholds = ", ".join(f"{value:.3f}" for value in summary.thresholds)
    _add(body, "p", texts.page["lead"].format(models=models or "-", thresholds=thresholds or "-"))
    tiles = SubElement(body, "div", {"class": "tiles"})
    counts = [(texts.page["total"], summary.total)]
    counts += [(texts.verdicts[verdict], summary.verdicts[verdict]) for verdict in Verdict]
    counts += [(texts.unreadable, summary.errors.total())]
    for name, count in counts:
        tile = SubElement(tiles, "div", {"class": "tile"})
        _add(tile, "b", f"{count:,}")
        _add(tile, "span", name)
    if summary.reasons:
        _add(body, "p", texts.page["reasons"])
        listed = SubElement(body, "ul")
        for reason, count in summary.reasons.most_common():
            _add(listed, "li", f"{count:,}: {texts.reasons[reason]}")
    _add(body, "p", texts.page["caution"], **{"class": "note"})


def _add_histogram(body: Element, summary: Summary, texts: ReportTexts) -> None:
    drawing = SubElement(
        body,
        "svg",
        {
            "viewBox": f"0 0 {_WIDTH} {_HEIGHT}",
            "role": "img",
            "aria-label": texts.page["histogram_label"].format(n=f"{summary.judged:,}"),
        },
    )
    wide, most = _WIDTH / BINS, max(summary.histogram)
    for number, count in enumerate(summary.histogram):
        # One picture among a million still shows.
        tall = max((_BASE - 20) * count / most, 1.5) if count else 0.0
        centre = (number + 0.5) / BINS
        bar = SubElement(
            drawing,
            "rect",
            x=f"{number * wide + 1:.1f}",
            y=f"{_BASE - tall:.1f}",
            width=f"{wide - 2:.1f}",
            height=f"{tall:.1f}",
            fill=_FAKE if all(centre >= value for value in summary.thresholds) else _REAL,
        )
        _add(bar, "title", f"{number / BINS:.3f}-{(number + 1) / BINS:.3f}: {count:,}")
    for value in summary.thresholds:
        place = f"{value * _WIDTH:.1f}"
        line = {"x1": place, "x2": place, "y1": "16", "y2": str(_BASE), "stroke": "currentColor"}
        SubElement(drawing, "line", line | {"stroke-dasharray": "4 3"})
        text = texts.page["threshold"].format(value=f"{value:.3f}")
        anchor = "start" if value < 1 / 2 else "end"
        _add(drawing, "text", text, x=place, y="12", **{"text-anchor": anchor})
    for tick, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        x, y = f"{tick * _WIDTH:.0f}", str(_BASE + 18)
        _add(drawing, "text", f"{tick:g}", x=x, y=y, **{"text-anchor": anchor})


def _add_pictures(
    body: Element, summary: Summary, draw: DrawThumbnails, texts: ReportTexts
) -> None:
    suspicious = summary.most_suspicious
    if not suspicious:
        _add(body, "p", texts.page["none_suspicious"])
        return
    _add(body, "p", texts.page["shown"].format(n=len(suspicious)), **{"class": "note"})
    grid = SubElement(body, "div", {"class": "pictures"})
    thumbnails = draw([path for path, _ in suspicious])
    for (path, prediction), small in zip(suspicious, thumbnails, strict=True):
        figure = SubElement(grid, "figure")
        if small is None:
            _add(figure, "div", texts.page["gone"], **{"class": "gone"})
        else:
            data = base64.b64encode(small).decode("ascii")
            SubElement(figure, "img", src=f"data:image/jpeg;base64,{data}", alt="")
        _add_caption(SubElement(figure, "figcaption"), path, prediction, texts)


def _add_caption(caption: Element, path: Place, prediction: Prediction, texts: ReportTexts) -> None:
    _add(caption, "b", f"{prediction.score:.3f}")
    _add(caption, "span", texts.verdicts[prediction.verdict])
    _add(caption, "bdi", printable(path))
    for reason in prediction.reasons:
        _add(caption, "span", texts.reasons[reason])


def _add_errors(body: Element, summary: Summary, texts: ReportTexts) -> None:
    table = SubElement(SubElement(body, "table"), "tbody")
    for kind, count in summary.errors.most_common():
        line = SubElement(table, "tr")
        _add(line, "td", f"{count:,}")
        _add(line, "td", texts.error_kinds[kind])
        cell = SubElement(line, "td")
        for path, received in summary.error_examples[kind]:
            example = SubElement(cell, "div")
            _add(example, "bdi", printable(path)).tail = f" ({printable(received)})"
        if count > len(summary.error_examples[kind]):
            more = count - len(summary.error_examples[kind])
            _add(cell, "div", texts.page["more"].format(n=f"{more:,}"))

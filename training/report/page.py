"""From templates to pages: whole by themselves, every value escaped."""

import base64
from pathlib import Path

import jinja2

from keras_detector.atomic_file import write_atomically
from keras_detector.card_text import FIGURE_NAMES, format_estimate
from keras_detector.measure import wilson


def write_page(path: Path, template: str, **values: object) -> None:
    """Fill a template of `training/report/templates/` and write it.

    Args:
        path: the file to write.
        template: name of the template; of those named `*.html.j2`, every value is escaped.
        values: what the template is filled with; one it names and does not get is a fault.

    Raises:
        SaveError: it cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=jinja2.select_autoescape(("html.j2",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    environment.filters["estimate"] = format_estimate
    environment.filters["cell"] = _cell
    environment.globals.update(figure_names=FIGURE_NAMES, wilson=wilson)
    page = environment.get_template(template).render(**values)
    write_atomically(path, page.encode("utf-8", errors="backslashreplace"))


def _cell(value: object) -> str:
    """A value as a cell of a Markdown table; what Markdown or HTML would take for its own is not.

    A renderer of Markdown lets HTML through, so `<` is escaped here as well.
    """
    text = " ".join(str(value).split())
    for letter, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(letter, escaped)
    for letter in "\\`*_[]|~":
        text = text.replace(letter, f"\\{letter}")
    return text

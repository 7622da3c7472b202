"""The audit as one HTML page that opens from disk: the judgement, a bar plot, the tables."""

import base64
import io
from pathlib import Path

import jinja2
from matplotlib.figure import Figure

from keras_detector.atomic_file import write_atomically
from keras_detector.audit_note import ALARMS_ABOVE, WARNS_ABOVE, audit_sentence, judge
from training.audit.features import Kind
from training.audit.run import Audit
from training.audit.text import (
    BOUNDS_TEXT,
    HEADINGS,
    KIND_TEXTS,
    copies_text,
    copy_lists,
    estimate_text,
    summary_rows,
    what_to_do,
    what_was_read,
)

# Okabe and Ito's colours; what they say, the table says as well.
_COLOURS = {Kind.FILE: "#0072B2", Kind.PICTURE: "#E69F00", Kind.BOTH: "#009E73"}


def write_audit_page(path: Path, audit: Audit, name: str) -> None:
    """Write the page; it is whole by itself: styles and plot are inside, nothing is fetched.

    Args:
        path: the file; one that is there is replaced.
        audit: what was found.
        name: of the data directory, printable.

    Raises:
        SaveError: it cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("audit.html.j2").render(
        name=name,
        audit=audit,
        judgement=judge(audit.note()).value,
        sentence=audit_sentence(audit.note()),
        read=what_was_read(audit),
        advice=list(what_to_do(audit)),
        summary=list(summary_rows(audit)),
        headings=HEADINGS,
        estimate_text=estimate_text,
        copies=[(title, [copies_text(g) for g in groups]) for title, groups in copy_lists(audit)],
        bounds=BOUNDS_TEXT,
        plot=base64.b64encode(plot_features(audit)).decode(),
    )
    write_atomically(path, page.encode("utf-8", errors="backslashreplace"))


def plot_features(audit: Audit) -> bytes:
    """ROC AUC of every feature alone as bars with their intervals, as the bytes of a PNG."""
    found = audit.features[::-1]
    figure = Figure(figsize=(9.0, 0.6 + 0.3 * len(found)), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    values = [f.roc_auc.value for f in found]
    reach = [
        [f.roc_auc.value - f.roc_auc.low for f in found],
        [f.roc_auc.high - f.roc_auc.value for f in found],
    ]
    axes.barh(
        [f.name for f in found],
        [value - 0.5 for value in values],
        left=0.5,
        xerr=reach,
        color=[_COLOURS[Kind(f.kind)] for f in found],
        ecolor="#222222",
        capsize=2,
    )
    for bound, text in ((WARNS_ABOVE, "warns"), (ALARMS_ABOVE, "alarm")):
        axes.axvline(bound, color="#8A8A8A", ls=":", lw=1.2)
        axes.annotate(
            text, (bound, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom"
        )
    for kind, colour in _COLOURS.items():
        axes.barh([], [], color=colour, label=KIND_TEXTS[kind])
    axes.legend(loc="lower right", frameon=False)
    axes.set_xlim(min(0.4, *values), 1.0)
    axes.set_xlabel("ROC AUC of the label by this feature alone (0.5 is guessing)")
    axes.spines[["top", "right"]].set_visible(False)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()

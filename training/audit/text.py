"""Every text of an audit: the table in a terminal, and the sentences of the page."""

from collections.abc import Iterator

from keras_detector.audit_note import ALARMS_ABOVE, WARNS_ABOVE, Judgement, audit_sentence, judge
from keras_detector.card import Estimate
from training.audit.align import Aligned
from training.audit.copies import CopyGroup
from training.audit.features import Kind
from training.audit.run import Audit

KIND_TEXTS: dict[Kind, str] = {
    Kind.FILE: "file (format, size, tables, metadata)",
    Kind.PICTURE: "picture (detail, colour, blocks, border)",
    Kind.BOTH: "both (bytes: format and detail at once)",
}
"""What each kind of feature is, in a line of a table."""

HEADINGS = ("feature", "kind", "ROC AUC [95 %]", "real", "fake")

_SHOWN_FEATURES = 8
_SHOWN_GROUPS = 5
_SHOWN_PATHS = 4


def describe_audit(audit: Audit) -> str:
    """The audit for a terminal: what was looked at, the table, the judgement, what to do."""
    rows = [
        (f.name, f.kind, estimate_text(f.roc_auc), f.real, f.fake)
        for f in audit.features[:_SHOWN_FEATURES]
    ]
    hidden = len(audit.features) - len(rows)
    lines = [what_was_read(audit), "", *_table([HEADINGS, *rows])]
    if hidden:
        lines.append(f"and {hidden} that tell less (--out and --json show all)")
    lines += ["", *_table(list(summary_rows(audit))), "", audit_sentence(audit.note())]
    lines += [f"- {sentence}" for sentence in what_to_do(audit)]
    for title, groups in copy_lists(audit):
        lines += ["", title]
        lines += [f"  {copies_text(group)}" for group in groups[:_SHOWN_GROUPS]]
        if len(groups) > _SHOWN_GROUPS:
            lines.append(f"  and {len(groups) - _SHOWN_GROUPS:,} more (--out and --json show all)")
    return "\n".join(lines)


def what_was_read(audit: Audit) -> str:
    """How many pictures the figures are of, and how they were chosen."""
    looked = audit.n + audit.unreadable
    text = f"{audit.n:,} pictures ({audit.n_real:,} real, {audit.n_fake:,} fake)"
    if looked < audit.listed:
        text += (
            f", drawn from {audit.listed:,} with seed {audit.seed}; --sample all reads every one"
        )
    if audit.unreadable:
        text += f"; {audit.unreadable:,} more cannot be read"
    return text + "."


def summary_rows(audit: Audit) -> Iterator[tuple[str, str]]:
    """The figures of the models on many features: name and value."""
    yield "all features together", estimate_text(audit.roc_auc)
    for kind, estimate in audit.kinds.items():
        yield f"only of the {KIND_TEXTS[Kind(kind)]}", estimate_text(estimate)
    if audit.roc_auc_sources is not None:
        yield "all, on sources not learned from", estimate_text(audit.roc_auc_sources)


def what_to_do(audit: Audit) -> Iterator[str]:
    """Advice, a sentence each; none where nothing was found."""
    judgement = judge(audit.note())
    of_file, of_picture = audit.kinds[Kind.FILE].value, audit.kinds[Kind.PICTURE].value
    if judgement is not Judgement.FINE:
        if of_file > WARNS_ABOVE:
            yield (
                "Format, size, tables and metadata give the label away: --align OUT_DIR writes a "
                "folder in which both classes went down one path. Train on that."
            )
        if of_picture > WARNS_ABOVE:
            yield (
                "How the pictures look (detail, colour, blocks, border) gives the label away. What "
                "of that --align leaves, only other pictures mend: real ones of the fakes' "
                "subjects and quality, or fakes made out of the real ones (content-matched pairs)."
            )
        if max(of_file, of_picture) <= WARNS_ABOVE:
            yield "It takes file and picture together: look at the strongest features above."
        yield "Believe only figures on pictures that somebody else gathered."
    across = audit.roc_auc_sources
    if across is not None and audit.roc_auc.value > WARNS_ABOVE:
        if across.value > WARNS_ABOVE:
            yield "It works on sources not learned from, too: holding out sources does not show it."
        else:
            yield "It does not work on sources not learned from: hold out whole sources to test."
    if audit.copies is not None and audit.copies.across_classes:
        yield (
            "Copies stand in both classes: one label is wrong, unless these are edited pictures "
            "beside their originals."
        )
    if audit.copies is not None and audit.copies.across_splits:
        yield (
            "Copies stand in two splits: figures would be of pictures already seen. fit moves "
            "them to one split; other programs will not."
        )


def copy_lists(audit: Audit) -> Iterator[tuple[str, tuple[CopyGroup, ...]]]:
    """Title and groups of each list of copies that is not empty."""
    copies = audit.copies
    if copies is None:
        return
    for where, groups in (
        ("both classes", copies.across_classes),
        ("two splits", copies.across_splits),
    ):
        if groups:
            yield f"Copies or near copies in {where} (groups: {len(groups):,})", groups


def copies_text(group: CopyGroup) -> str:
    """A group of copies in one line."""
    shown = " = ".join(group.paths[:_SHOWN_PATHS])
    more = len(group.paths) - _SHOWN_PATHS
    same = "same pixels" if group.exact else "near copies"
    return f"{same}: {shown}" + (f" and {more:,} more" if more > 0 else "")


def estimate_text(estimate: Estimate | None) -> str:
    """A figure with its interval, in two decimals."""
    if estimate is None:
        return "-"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def describe_aligned(aligned: Aligned) -> Iterator[str]:
    """What was written, and what was left out, a sentence each."""
    plan = aligned.plan
    yield (
        f"Wrote {aligned.written:,} pictures ({aligned.written_real:,} real, "
        f"{aligned.written_fake:,} fake), {plan.min_side} to {plan.max_side} px, JPEG quality "
        f"{plan.min_quality} to {plan.max_quality}."
    )
    if aligned.too_small_real or aligned.too_small_fake:
        yield (
            f"Left out as too small (a side below {plan.needed_side} px): "
            f"{aligned.too_small_real:,} real, {aligned.too_small_fake:,} fake."
        )
    if aligned.unreadable:
        yield f"Left out as unreadable: {aligned.unreadable:,}; manifest.csv lists what is there."


BOUNDS_TEXT = (
    f"0.5 is guessing, 1 is certain; above {WARNS_ABOVE:.2f} warns, above {ALARMS_ABOVE:.2f} is an "
    "alarm. Each feature alone: a small decision tree; together: gradient boosted trees; "
    "cross-validated, near copies never on both sides."
)
"""How to read the figures."""


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]

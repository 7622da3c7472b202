"""The plots, read back: what is drawn must be what was measured."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from keras_detector.card import Threshold
from keras_detector.measure import measure
from training.report import plots
from training.report.plot_style import png

BAND = Threshold(value=0.45, policy="youden", abstain=(0.3, 0.7))


def scored(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return labels, 1 / (1 + np.exp(-(4 * labels - 2 + rng.normal(0, 2, n))))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures behind the bytes."""
    figures: list[Figure] = []

    def keep(figure: Figure) -> bytes:
        figures.append(figure)
        return png(figure)

    monkeypatch.setattr(plots, "png", keep)
    return figures


def legend_texts(*figures: Figure) -> str:
    return " ".join(
        text.get_text() for figure in figures for box in figure.legends for text in box.get_texts()
    )


def history(epochs: int) -> dict[str, list[float]]:
    falling = [1 / (epoch + 1) for epoch in range(epochs)]
    rising = [1 - value / 2 for value in falling]
    return {"loss": falling, "accuracy": rising, "val_loss": falling, "val_accuracy": rising}


def test_history_marks_the_kept_epoch_and_the_target(drawn):
    assert list(plots.plot_history(history(5), 4, 0.93)) == ["loss", "accuracy"]
    loss, accuracy = (figure.axes[0] for figure in drawn)
    assert list(loss.lines[0].get_ydata()) == history(5)["loss"]
    assert list(accuracy.lines[1].get_xdata()) == [1, 2, 3, 4, 5]
    assert "kept: epoch 4" in legend_texts(drawn[0])
    assert "target: 93.0%" in legend_texts(drawn[1])


def test_history_without_a_target_draws_none(drawn):
    plots.plot_history(history(1), 1, None)
    assert "target" not in legend_texts(*drawn)


def test_history_that_was_not_kept_has_no_plot():
    assert plots.plot_history({}, 1, 0.9) == {}
    assert list(plots.plot_history({"loss": [1.0]}, 1, None)) == ["loss"]


def test_confusion_shows_counts_and_shares_of_each_row(drawn):
    labels = np.repeat([0, 1], [8, 4])
    scores = np.array([0.1] * 6 + [0.9] * 2 + [0.9] * 3 + [0.1])
    plots.plot_confusion({"test": measure(labels, scores, BAND)})
    texts = [text.get_text() for text in drawn[0].axes[0].texts]
    assert texts == ["6", "75.0%", "2", "25.0%", "1", "25.0%", "3", "75.0%"]


def test_confusion_of_one_class_has_no_share_of_the_other(drawn):
    plots.plot_confusion({"test": measure(np.zeros(4, int), np.full(4, 0.1), BAND)})
    assert [text.get_text() for text in drawn[0].axes[0].texts].count("none") == 2


def test_dots_stand_where_the_threshold_puts_them(drawn):
    split = {"test": scored(200)}
    figures = {"test": measure(*split["test"], BAND)}
    (tn, fp), (fn, tp) = figures["test"].confusion_matrix
    plots.plot_roc(split, figures, BAND)
    on_roc = len(drawn)
    plots.plot_precision_recall(split, figures, BAND)
    assert (on_roc, len(drawn)) == (2, 4)
    for number, figure in enumerate(drawn):
        place = (fp / (fp + tn), tp / (tp + fn))
        if number >= on_roc:
            place = (tp / (tp + fn), tp / (tp + fp))
        (axes,) = figure.axes
        dots = [line.get_xydata()[0] for line in axes.lines if line.get_marker() == "o"]
        assert dots == [pytest.approx(place)]
        assert axes.get_xlim()[0] <= place[0] <= axes.get_xlim()[1]
        assert axes.get_ylim()[0] <= place[1] <= axes.get_ylim()[1]


def test_a_corner_as_large_as_the_whole_is_not_enlarged():
    labels, scores = scored(200)
    split = {"test": (labels, 1 - scores)}
    figures = {"test": measure(*split["test"], BAND)}
    assert list(plots.plot_roc(split, figures, BAND)) == ["roc"]
    assert list(plots.plot_precision_recall(split, figures, BAND)) == ["precision_recall"]


@pytest.mark.parametrize(
    ("plot", "field"), [(plots.plot_roc, "roc_auc"), (plots.plot_precision_recall, "pr_auc")]
)
def test_a_curve_carries_its_area_and_interval(drawn, plot, field):
    splits = {"train": scored(300), "validation": scored(200, 1)}
    figures = {split: measure(*pair, BAND) for split, pair in splits.items()}
    plot(splits, figures, BAND)
    for split in splits:
        area = getattr(figures[split], field)
        text = f"{split}: AUC {area.value:.4f} [{area.low:.4f}, {area.high:.4f}]"
        assert text in legend_texts(drawn[0])
    assert "threshold 0.450" in legend_texts(drawn[0])


@pytest.mark.parametrize("plot", [plots.plot_roc, plots.plot_precision_recall])
def test_a_split_of_one_class_has_no_curve(drawn, plot):
    splits = {"train": scored(100), "test": (np.zeros(20, int), np.linspace(0, 1, 20))}
    figures = {split: measure(*pair, BAND) for split, pair in splits.items()}
    plot(splits, figures, BAND)
    assert "train: AUC" in legend_texts(drawn[0])
    assert "test: AUC" not in legend_texts(drawn[0])


def test_reliability_draws_the_bins_and_the_whole_histogram(drawn):
    labels, scores = scored(300)
    plots.plot_calibration("validation", labels, scores, measure(labels, scores, BAND), BAND)
    spread, reliability = (figure.axes[0] for figure in sorted(drawn, key=is_reliability))
    assert len(reliability.containers) == 15
    assert sum(patch.get_data().values.sum() for patch in spread.patches[:2]) == 300
    assert "no verdict" in legend_texts(*drawn)
    assert "threshold 0.450" in legend_texts(*drawn)


def is_reliability(figure: Figure) -> bool:
    return "Reliability" in figure.axes[0].get_title(loc="left")


def test_coverage_ends_at_the_error_of_all_verdicts(drawn):
    pair = scored(300)
    figures = measure(*pair, BAND)
    plots.plot_coverage({"validation": pair}, {"validation": figures}, BAND)
    (axes,) = drawn[0].axes
    curve, dot = axes.lines
    assert curve.get_xydata()[-1] == pytest.approx((1, 1 - figures.accuracy.value))
    assert dot.get_xydata()[0] == pytest.approx(
        (figures.coverage.value, figures.covered_error.value)
    )


def test_a_strangers_name_is_no_formula_and_fits_the_panel(drawn):
    name = r"$\frac{1}{$ " + "long" * 30
    pair = scored(60)
    figures = {name: measure(*pair, BAND)}
    plots.plot_confusion(figures)
    plots.plot_roc({name: pair}, figures, BAND)
    for figure in drawn:
        box = figure.axes[0]._left_title.get_window_extent()
        assert box.x1 < figure.bbox.x1
        for legend in figure.legends:
            assert legend.get_window_extent().x1 < figure.bbox.x1


def test_equal_scores_can_be_plotted():
    labels, scores = np.array([0, 1] * 20), np.full(40, 0.5)
    figures = {"test": measure(labels, scores, BAND)}
    split = {"test": (labels, scores)}
    pngs = {
        **plots.plot_roc(split, figures, BAND),
        **plots.plot_precision_recall(split, figures, BAND),
        **plots.plot_calibration("test", labels, scores, figures["test"], BAND),
        **plots.plot_coverage(split, figures, BAND),
    }
    assert len(pngs) >= 5
    for picture in pngs.values():
        with Image.open(io.BytesIO(picture)) as image:
            assert image.size == (648, 604)

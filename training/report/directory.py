"""The content of a report from a model file and a labelled directory.

Nothing of the training run is needed any more.
"""

from pathlib import Path

from keras_detector import images
from keras_detector.detector import Detector
from keras_detector.judged_directory import Watcher, judge_directory
from keras_detector.labelled_directory import Split
from keras_detector.model_file import read_model_file
from keras_detector.printable import examples, printable
from keras_detector.runtime import Runtime
from training.inference_time import duration, time_inference
from training.recipe_table import target_accuracy
from training.report.gallery import hang_gallery
from training.report.heatmap import heatmap_of
from training.report.model_report import ReportContent


def report_directory(path: Path, root: Path, watch: Watcher = iter) -> ReportContent:
    """Measure a model on a labelled directory.

    Args:
        path: the model file.
        root: the labelled directory; splits in it are taken together.
        watch: wraps the pictures on their way, to show progress.

    Returns:
        train, validation and test as the card has them, `root` as the compiled twin judges it now.

    Raises:
        ModelFileError: the file is not ours, was changed, or is broken.
        DataError: the directory is not labelled as we expect, or nothing in it can be read.
    """
    judged = judge_directory(Detector(path), root, watch)
    model = read_model_file(path)
    card, runtime = model.card, Runtime(model.twin, model.card.input)
    gallery = hang_gallery(
        judged.labels,
        judged.scores,
        card.threshold,
        paths=[printable(picture.path.relative_to(root).as_posix()) for picture in judged.pictures],
        sources=[picture.source for picture in judged.pictures],
        load=lambda index: images.decode(judged.pictures[index].path),
        heatmap=heatmap_of(runtime, card.input),
    )
    findings = judged.findings
    if judged.unreadable:
        names = examples([path.relative_to(root) for path in judged.unreadable])
        findings += (
            f"{len(judged.unreadable):,} could not be read and count in no figure: {names}.",
        )
    # A directory may well be called test; it is not the card's split of that name.
    taken = judged.name in {*card.figures, *Split}
    name = f"{judged.name}, measured now" if taken else judged.name
    return ReportContent(
        card=card,
        history=card.training.history,
        target_accuracy=target_accuracy(card.training.recipe),
        scored={name: (judged.labels, judged.scores)},
        findings=findings,
        measured={name: judged.figures},
        per_source={name: judged.per_source},
        gallery=gallery,
        inference=time_inference(runtime, card.input.size, duration(judged.seconds)),
    )

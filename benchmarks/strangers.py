"""False positives on strangers' photographs, and how far the compiled network is from Keras.

    uv run python benchmarks/strangers.py [--model FILE] COLLECTION...
    uv run --extra training python benchmarks/strangers.py --against-keras 60 COLLECTION...

A collection is a labelled directory that nothing was trained on. Printed for each, with the shipped
compiled network and the card's threshold, of all pictures as they are and saved again as JPEG: ROC
AUC, false-positive rate and recall, each with n and its 95 % interval (docs/experiments.md).
Abstaining plays no part. With --against-keras, N pictures of each, evenly spread, and a black, a
white and a noisy one are also scored by the Keras form of the same file, and the largest difference
in score is printed.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from keras_detector.card import Estimate
from keras_detector.degrade import compress
from keras_detector.detector import Detector, default_model_path
from keras_detector.errors import ModelFileError
from keras_detector.images import decode, fit
from keras_detector.labelled_directory import LabelledPicture, read_labelled_directory
from keras_detector.model_file import read_model_file
from keras_detector.pixels import Pixels
from keras_detector.robustness import measure_condition

QUALITY = 60
CONDITIONS: dict[str, Callable[[Pixels], Pixels]] = {
    "as they are": lambda pixels: pixels,
    f"JPEG quality {QUALITY}": lambda pixels: compress(pixels, QUALITY),
}


def main() -> None:
    """Measure a model on collections."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("collections", nargs="+", type=Path, metavar="COLLECTION")
    parser.add_argument("--model", type=Path, default=default_model_path(), metavar="FILE")
    parser.add_argument("--against-keras", type=int, metavar="N")
    options = parser.parse_args()
    detector = Detector(options.model)
    print(f"{options.model.name}, fake from score {detector.card.threshold.value:.4f} on")
    for root in options.collections:
        pictures = read_labelled_directory(root).pictures
        measure_collection(detector, root.name, pictures)
        if options.against_keras:
            chosen = np.linspace(0, len(pictures) - 1, min(options.against_keras, len(pictures)))
            compare_with_keras(options.model, [pictures[int(at)] for at in chosen])


def measure_collection(
    detector: Detector, name: str, pictures: tuple[LabelledPicture, ...]
) -> None:
    """Print a collection's figures; every picture must be readable."""
    scores: dict[str, list[float]] = {condition: [] for condition in CONDITIONS}
    for picture in tqdm(pictures, desc=name, unit="picture", disable=None):
        pixels = decode(picture.path)
        for condition, change in CONDITIONS.items():
            scores[condition].append(detector.judge_pixels(change(pixels)).score)
    labels = np.array([picture.label for picture in pictures])
    for condition, values in scores.items():
        found = measure_condition(labels, np.array(values), detector.card.threshold)
        print(f"{name}, {condition}")
        print(f"  ROC AUC              {shown(found.roc_auc, found.n)}")
        print(f"  false-positive rate  {shown(found.false_positive_rate, found.n_real)}")
        print(f"  recall               {shown(found.recall, found.n_fake)}")


def shown(estimate: Estimate | None, n: int) -> str:
    """A figure with interval and n."""
    if estimate is None:
        return f"not defined (n {n})"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}] (n {n})"


def compare_with_keras(path: Path, pictures: list[LabelledPicture]) -> None:
    """Print the largest difference in score between a model file's two forms."""
    from training.tensorflow_import import import_tensorflow

    import_tensorflow()
    import keras

    from training.export import check_parity

    model = read_model_file(path)
    card = model.card
    network = keras.saving.load_model(path, compile=False)
    inputs = np.stack([fit(decode(picture.path), card.input) for picture in pictures])
    try:
        found = check_parity(
            network, model.twin, card.input, card.calibration, inputs, precision=card.twin.precision
        )
        difference = f"{found.max_score_difference:.2g}"
    except ModelFileError as error:
        difference = f"REFUSED, {error.received},"
    print(f"  score, against Keras: {difference} apart at most (n {len(inputs) + 3})")


if __name__ == "__main__":
    main()

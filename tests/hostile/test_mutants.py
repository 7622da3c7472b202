"""Mutants, bombs, liars and polyglots: a verdict or our error, soon and without a trace.

Here in a small size; `make hostile` judges 100,000.
"""

import io
import os
from collections import Counter

import msgspec
import pytest
from PIL import Image

from keras_detector import decoding_cost
from keras_detector.decoding_cost import MAX_RLE_PIXELS, MAX_ROWS, MAX_SCANNED_PIXELS
from keras_detector.detector import Detector
from keras_detector.errors import ErrorKind, ImageError, ImageTooLargeError
from keras_detector.images import FORMATS, decode
from keras_detector.labels import Reason
from keras_detector.pixels import MAX_PIXELS
from tests.hostile import mutant_run
from tests.hostile.bombs import BOMBS, POLYGLOTS, bmp_rle, jpeg_of_scans, png_of, special, zeros
from tests.hostile.mutant_run import grown, judge_mutants, picture
from tests.hostile.mutants import CHANGES, FIELDS, fields_of, lying, mutant, seeds
from tests.pictures import CASES, RGB, encoded

pytest.importorskip("resource", reason="limits of POSIX")
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")


def test_a_number_is_the_same_mutant_in_every_run() -> None:
    assert mutant(4_711) == mutant(4_711)
    assert len({mutant(number)[1] for number in range(2_000)}) > 1_900


def test_every_format_is_changed_in_every_way() -> None:
    assert set(FIELDS) - {"MPO"} == set(FORMATS)
    made = Counter(mutant(number)[0].split(":")[0] for number in range(len(CASES) * 20))
    assert made == dict.fromkeys(CASES, 20)
    ways = {mutant(number)[0].split(": ")[1].split()[0] for number in range(500)}
    assert ways == {change.__name__ for change in CHANGES}
    for form in FORMATS:
        assert any(name.lower().startswith(form.lower()) for name in BOMBS)
        assert any(name.lower().startswith(form.lower()) for name in POLYGLOTS)


@pytest.mark.parametrize("name", CASES)
def test_lies_are_told_where_a_size_or_length_stands(name: str) -> None:
    """Most of them are noticed: the fields are what they are taken for."""
    data = seeds()[name][1]
    fields = fields_of(name)
    assert len(fields) >= 5
    noticed = 0
    for field in fields:
        try:
            changed = decode(lying(data, field, 0x7FFFFFFF))
        except ImageError:
            noticed += 1
        else:
            noticed += changed.shape != decode(data).shape
    assert noticed >= len(fields) / 5


def test_a_few_thousand_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """All cut files and polyglots, and mutants; the bombs are judged below."""
    monkeypatch.setenv("LD_PRELOAD", os.environ.get("LD_PRELOAD", ""))  # put back afterwards
    count = len(special()) - len(BOMBS) + 2_000
    result = judge_mutants(list(range(len(BOMBS), len(BOMBS) + count)), min(os.cpu_count() or 1, 4))
    assert result.wrong == []
    assert sum(result.outcomes.values()) == count
    assert set(result.outcomes) <= {
        "real", "fake", "undetermined", "damaged", "unknown_format", "too_large", "not_read",
        "no_memory",
    }  # fmt: skip
    assert result.outcomes["undetermined"] > count / 20
    assert result.outcomes["damaged"] > count / 5


# As large as a picture may be: judged in full by `make hostile` only.
SLOW = {
    name
    for name in BOMBS
    if any(
        word in name
        for word in (" of zeros", "40 scans", "12 million", "column", "one row", "frames")
    )
}


def test_bombs() -> None:
    numbers = [at for at, (name, _) in enumerate(special()) if name in BOMBS and name not in SLOW]
    result = judge_mutants(numbers, 2)
    # Memory is compared over many: here each is another.
    assert [each for each in result.wrong if "memory" not in each] == []


def test_what_must_not_be_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("never seen before")

    judge = mutant_run.MutantJudge()
    assert not msgspec.json.decode(judge(len(special())), type=mutant_run.Seen).foreign
    monkeypatch.setattr(Detector, "judge", fail)
    seen = msgspec.json.decode(judge(len(special())), type=mutant_run.Seen)
    assert (seen.foreign, seen.outcome) == (True, "ValueError: never seen before")
    assert grown([100.0] * 50) == 0.0
    assert grown([100.0 + n for n in range(100)]) == 80.0


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(mutant_run.MODEL)


@pytest.mark.parametrize("name", [name for name in BOMBS if " x " in name])
def test_whole_pictures_of_odd_sizes_get_a_score(name: str, detector: Detector) -> None:
    width, height = map(int, name.partition(" of ")[2].split(" x "))
    data = BOMBS[name]()
    assert decode(data).shape == (height, width, 3)
    prediction = detector.judge(data)
    assert 0.0 <= prediction.score <= 1.0
    assert prediction.reasons[0] is Reason.TOO_SMALL


# --- Pillow's own verdict, at which whole files are measured (benchmarks/corpora.py)


def pillow_opens(data: bytes) -> bool:
    try:
        with Image.open(
            io.BytesIO(data), formats=("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
        ) as image:
            if image.width * image.height > MAX_PIXELS:
                return False
            image.load()
    except Exception:  # noqa: BLE001  # Pillow raises nearly everything
        return False
    return True


def we_open(data: bytes) -> bool:
    try:
        decode(data)
    except ImageError:
        return False
    return True


def test_we_open_what_pillow_opens_and_nothing_else() -> None:
    numbers = range(len(special()), len(special()) + 1_500)
    judged = [(name, data) for name, data in map(picture, numbers) if not name.startswith("avif")]
    judged = [(name, data) for name, data in judged if b"ftypavif" not in data]
    opened = [pillow_opens(data) for _, data in judged]
    assert 100 < sum(opened) < len(opened) - 100
    assert [
        name for (name, data), theirs in zip(judged, opened, strict=True) if we_open(data) != theirs
    ] == []


@pytest.mark.parametrize("rows", [0, 1, 5, 9, 10])
@pytest.mark.parametrize("spare", [0, 5])
def test_a_png_without_its_last_rows_is_what_pillow_says(rows: int, spare: int) -> None:
    """Whole, where the compressed data end properly and at the end of a row."""
    data = png_of(10, 10, zeros(11 * rows + spare))
    assert we_open(data) == pillow_opens(data)


# --- costs that pixels do not justify


def test_scans_of_a_jpeg_are_counted() -> None:
    few = MAX_SCANNED_PIXELS // (4_000 * 4_000) - 20
    assert decode(jpeg_of_scans(4_000, 4_000, few)).shape == (4_000, 4_000, 3)
    with pytest.raises(ImageTooLargeError, match="312 scans"):
        decode(jpeg_of_scans(4_000, 4_000, few + 40))
    assert decode(jpeg_of_scans(64, 64, 5_000)).shape == (64, 64, 3)


def test_a_jpeg_of_one_scan_is_not_searched_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pass is made for what is behind the scan that has it all."""
    data = encoded(RGB, "JPEG")
    scan = data[data.index(b"\xff\xda") : -2]
    many = data[:-2] + scan * 2_000 + b"\xff\xd9"
    monkeypatch.setattr(decoding_cost, "MAX_SCANNED_PIXELS", 1_000 * RGB.width * RGB.height)
    try:
        decode(many)
    except ImageError as error:
        assert error.kind is not ErrorKind.TOO_LARGE  # noqa: PT017
    assert we_open(many) == pillow_opens(many)
    # A decoy of such a header, just before one that names fewer components, does not help.
    grey = jpeg_of_scans(40, 24, 2_000)
    start = grey.index(b"\xff\xda")
    decoy = b"\xff\xfe\0\6\xff\xda\0\x08"
    with pytest.raises(ImageTooLargeError, match="1,000 scans"):
        decode(grey[:start] + decoy + grey[start:])


def test_a_run_length_encoded_bmp_is_smaller() -> None:
    side = int(MAX_RLE_PIXELS**0.5) + 1
    with pytest.raises(ImageTooLargeError, match="12,000,000 pixels"):
        decode(bmp_rle(side, side, b"\0\1"))
    assert decode(bmp_rle(200, 100, b"\x01\x05\0\0" * 100)).shape == (100, 200, 3)


def test_there_are_at_most_a_million_rows() -> None:
    with pytest.raises(ImageTooLargeError, match="1,000,000"):
        decode(png_of(1, MAX_ROWS + 1, zeros(2 * (MAX_ROWS + 1))))
    side = 2 * MAX_ROWS
    assert decode(png_of(side, 1, zeros(side + 1))).shape == (1, side, 3)

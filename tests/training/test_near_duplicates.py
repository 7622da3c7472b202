"""Near copies end in one group; different pictures do not."""

import io
import time

import imagehash
import numpy as np
from PIL import Image, ImageEnhance

from training.near_duplicates import near_duplicate_groups


def groups_of(pictures: list[np.ndarray]) -> np.ndarray:
    pixels = np.stack(pictures)
    hashes = []
    for picture in pictures:
        bits = imagehash.phash(Image.fromarray(picture)).hash
        hashes.append(int.from_bytes(np.packbits(bits).tobytes(), "big"))
    digests = [picture.tobytes().hex() for picture in pictures]
    rows = np.arange(len(pictures))
    return near_duplicate_groups(digests, np.array(hashes, np.uint64), pixels, rows)


def random_pictures(count: int, seed: int = 0, size: int = 64) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 12, 12, 3), dtype=np.uint8)
    scaled = (Image.fromarray(c).resize((size, size), Image.Resampling.BICUBIC) for c in coarse)
    return [np.asarray(image) for image in scaled]


def as_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def test_different_pictures_stay_apart() -> None:
    assert len(np.unique(groups_of(random_pictures(300)))) == 300


def test_exact_copies_share_a_group() -> None:
    pictures = random_pictures(20)
    groups = groups_of([*pictures, *pictures[:5]])
    assert len(np.unique(groups)) == 20
    assert (groups[20:] == groups[:5]).all()


def test_recompressed_brightened_and_resized_copies_share_a_group() -> None:
    pictures = random_pictures(30)
    copies = [
        as_jpeg(pictures[0], 60),
        np.asarray(ImageEnhance.Brightness(Image.fromarray(pictures[1])).enhance(0.9)),
        np.asarray(Image.fromarray(pictures[2]).resize((40, 40)).resize((64, 64))),
    ]
    groups = groups_of([*pictures, *copies])
    assert (groups[30:] == groups[:3]).all()
    assert len(np.unique(groups)) == 30


def test_a_chain_of_copies_is_one_group() -> None:
    chain = [random_pictures(1)[0]]
    for quality in (80, 60, 40):
        chain.append(as_jpeg(chain[-1], quality))
    assert len(np.unique(groups_of([*chain, *random_pictures(10, seed=1)]))) == 11


def test_flat_pictures_of_different_colours_are_not_near_copies() -> None:
    flat = [np.full((32, 32, 3), value, np.uint8) for value in (0, 60, 120, 250)]
    assert len(np.unique(groups_of(flat))) == 4


def test_only_the_rows_asked_for_are_grouped() -> None:
    pictures = random_pictures(6)
    pictures[4] = pictures[1]
    pixels = np.stack(pictures)
    digests = [picture.tobytes().hex() for picture in pictures]
    rows = np.array([1, 2, 4])
    groups = near_duplicate_groups(digests, np.arange(6, dtype=np.uint64), pixels, rows)
    assert groups.shape == (3,)
    assert groups[0] == groups[2] != groups[1]


def test_one_picture_is_one_group() -> None:
    assert groups_of(random_pictures(1)).tolist() == [0]


def test_a_hundred_thousand_copies_stay_linear() -> None:
    picture = random_pictures(1, size=32)[0]
    n = 100_000
    pixels = np.broadcast_to(picture, (n, 32, 32, 3))
    began = time.process_time()
    groups = near_duplicate_groups(["same"] * n, np.zeros(n, np.uint64), pixels, np.arange(n))
    assert len(np.unique(groups)) == 1
    distinct = [str(number) for number in range(20_000)]
    groups = near_duplicate_groups(
        distinct, np.zeros(20_000, np.uint64), pixels[:20_000], np.arange(20_000)
    )
    assert len(np.unique(groups)) == 1
    assert time.process_time() - began < 120

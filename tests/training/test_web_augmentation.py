"""What the web does to a picture: each change by itself, in range, decided by the seed alone."""

import numpy as np
import pytest

from tests.conftest import draw_picture
from training.recipe import load_recipe
from training.web_augmentation import WebAugmentation

NOTHING = (
    "views.flip=false",
    "views.crop_area=[1.0, 1.0]",
    *(f"views.{name}_share=0" for name in ("resize", "blur", "noise", "tone", "jpeg", "webp")),
)
PICTURE = draw_picture(np.random.default_rng(0), fake=False, size=96)


def changed(*changes: str, seed: int = 0, pixels: np.ndarray = PICTURE) -> np.ndarray:
    lines = load_recipe("transfer", [*NOTHING, *changes]).views
    return WebAugmentation(lines)(pixels, [seed])


def roughness(pixels: np.ndarray) -> float:
    return float(np.abs(np.diff(pixels.astype(float), axis=1)).mean())


def test_with_everything_off_the_picture_is_as_it_was() -> None:
    np.testing.assert_array_equal(changed(), PICTURE)


def test_a_wide_picture_gives_a_square() -> None:
    wide = np.concatenate([PICTURE, PICTURE], axis=1)
    assert changed(pixels=wide).shape == (96, 96, 3)


def test_the_seed_decides_and_nothing_else() -> None:
    lines = load_recipe("transfer").views
    augmentation = WebAugmentation(lines)
    views = [augmentation(PICTURE, [seed]) for seed in range(20)]
    again = [augmentation(PICTURE, [seed]) for seed in reversed(range(20))][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(views, again, strict=True))
    assert len({view.tobytes() for view in views}) == 20
    assert all(view.dtype == np.uint8 and view.shape[0] == view.shape[1] for view in views)


@pytest.mark.parametrize(
    ("lines", "rougher"),
    [
        (("views.blur_share=1", "views.blur_sigma=[2.0, 2.0]"), False),
        (("views.noise_share=1", "views.noise_sigma=[30.0, 30.0]"), True),
        (("views.jpeg_share=1", "views.jpeg_quality=[10, 10]"), False),
        (("views.webp_share=1", "views.webp_quality=[5, 5]"), False),
    ],
)
def test_each_change_does_what_it_is_called(lines: tuple[str, ...], rougher: bool) -> None:
    view = changed(*lines)
    assert view.shape == PICTURE.shape
    assert (roughness(view) > roughness(PICTURE)) == rougher


def test_scaling_cropping_tone_and_flip() -> None:
    half = ("views.resize_share=1", "views.resize_factor=[0.5, 0.5]")
    double = ("views.resize_share=1", "views.resize_factor=[2.0, 2.0]")
    assert changed(*half).shape == (48, 48, 3)
    assert changed(*double).shape == (192, 192, 3)
    assert changed("views.crop_area=[0.25, 0.25]").shape == (48, 48, 3)
    tone = changed("views.tone_share=1", "views.contrast=0.0", "views.brightness=40.0")
    assert not np.array_equal(tone, PICTURE)
    flips = [changed("views.flip=true", seed=seed) for seed in range(20)]
    mirrored = [np.array_equal(view, PICTURE[:, ::-1]) for view in flips]
    assert 0 < sum(mirrored) < 20


def test_small_and_huge_pictures_stay_within_bounds() -> None:
    tiny = np.zeros((3, 5, 3), np.uint8)
    assert min(changed("views.crop_area=[0.1, 0.1]", pixels=tiny).shape[:2]) >= 1
    large = np.zeros((2500, 2500, 3), np.uint8)
    double = ("views.resize_share=1", "views.resize_factor=[2.0, 2.0]")
    assert changed(*double, pixels=large).shape == (2500, 2500, 3)


@pytest.mark.parametrize(("form", "side"), [("webp", 16_384), ("jpeg", 65_501)])
def test_a_side_that_a_format_cannot_hold_gets_no_such_pass(form: str, side: int) -> None:
    rng = np.random.default_rng(0)
    long = rng.integers(0, 256, (2, side, 3), dtype=np.uint8)
    for pixels in (long, np.ascontiguousarray(long.transpose(1, 0, 2))):
        view = changed(f"views.{form}_share=1", f"views.{form}_quality=[5, 5]", pixels=pixels)
        assert view.shape == (2, 2, 3)


@pytest.mark.parametrize(
    "change",
    [
        "views.blur_sigma=[2.0, 1.0]",
        "views.jpeg_quality=[0, 90]",
        "views.crop_area=[0.0, 1.0]",
        "views.webp_share=1.0",
        "views.jpeg_share=1.5",
    ],
)
def test_lines_that_make_no_sense_are_refused(change: str) -> None:
    from keras_detector.errors import RecipeError

    with pytest.raises(RecipeError):
        load_recipe("transfer", [change])

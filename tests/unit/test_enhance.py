"""Enhancement: tile by tile what OpenCV makes of the whole picture; progress, cancel and limits."""

import threading
import time

import cv2
import numpy as np
import pytest

from keras_detector import enhance as module
from keras_detector.enhance import (
    DEFAULT_ENHANCEMENT,
    MAX_STRENGTH,
    Enhancement,
    denoise,
    enhance,
    super_resolve,
)
from keras_detector.errors import Cancelled, EnhancementError, ErrorKind, ImageTooLargeError
from keras_detector.pixels import Pixels

DENOISE_ONLY, DOUBLE_ONLY = Enhancement(double=False), Enhancement(denoise=False)


def noisy_picture(height: int, width: int, seed: int = 0) -> Pixels:
    """Smooth colours with noise: what denoising changes everywhere, and by a little."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0, 12, (height, width, 3))
    return np.clip(smooth.reshape(noise.shape) + noise, 0, 255).astype(np.uint8)


def by_opencv(pixels: Pixels, settings: Enhancement) -> Pixels:
    """The whole picture at once."""
    result: Pixels = pixels
    if settings.denoise:
        light, colour = settings.luminance_strength, settings.colour_strength
        bgr = np.ascontiguousarray(pixels[..., ::-1])
        result = cv2.fastNlMeansDenoisingColored(bgr, None, light, colour, 7, 21)[..., ::-1]
    if settings.double:
        result = cv2.resize(
            np.ascontiguousarray(result), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC
        )
    return result


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TILE", 64)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize(
    "shape",
    [
        (1, 1), (1, 300), (300, 1), (2, 5), (12, 130), (13, 14), (14, 13), (63, 65), (64, 64),
        (64, 128), (65, 129), (129, 127), (77, 79), (200, 141),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "settings",
    [
        DEFAULT_ENHANCEMENT,
        DENOISE_ONLY,
        DOUBLE_ONLY,
        Enhancement(luminance_strength=40, colour_strength=2.5),
        Enhancement(luminance_strength=0, colour_strength=MAX_STRENGTH),
    ],
    ids=["both", "denoise", "double", "light", "colour"],
)
def test_tiles_give_bit_for_bit_what_the_whole_picture_gives(
    shape: tuple[int, int], settings: Enhancement
) -> None:
    for pixels in (
        noisy_picture(*shape),
        np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8),
    ):
        np.testing.assert_array_equal(enhance(pixels, settings), by_opencv(pixels, settings))


def test_tiles_of_the_size_that_is_used_do_so_too() -> None:
    pixels = noisy_picture(270, 530)
    assert module._TILE < 270
    np.testing.assert_array_equal(enhance(pixels), by_opencv(pixels, DEFAULT_ENHANCEMENT))


@pytest.mark.usefixtures("small_tiles")
def test_one_pixel_less_around_a_tile_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: the halo is as small as may be."""
    pixels = noisy_picture(200, 301)
    monkeypatch.setattr(module, "_HALO", module._HALO - 1)
    assert not np.array_equal(enhance(pixels), by_opencv(pixels, DEFAULT_ENHANCEMENT))


def test_the_default_is_the_call_that_is_promised() -> None:
    pixels = noisy_picture(30, 40)
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    clean = cv2.cvtColor(
        cv2.fastNlMeansDenoisingColored(bgr, None, 10, 10, 7, 21), cv2.COLOR_BGR2RGB
    )
    doubled = cv2.resize(clean, (80, 60), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(denoise(pixels), clean)
    np.testing.assert_array_equal(super_resolve(clean), doubled)
    np.testing.assert_array_equal(enhance(pixels), doubled)


def test_denoising_takes_noise_away_and_more_strength_takes_more() -> None:
    def roughness(pixels: Pixels) -> float:
        return float(np.abs(np.diff(pixels.astype(float), axis=1)).mean())

    pixels = noisy_picture(60, 60)
    mild, usual = (
        enhance(pixels, Enhancement(luminance_strength=s, colour_strength=s, double=False))
        for s in (4, 10)
    )
    assert roughness(usual) < 0.7 * roughness(mild) < 0.7 * roughness(pixels)


@pytest.mark.parametrize("settings", [DEFAULT_ENHANCEMENT, Enhancement(False, 10, 10, False)])
def test_the_picture_itself_is_left_alone(settings: Enhancement) -> None:
    pixels = noisy_picture(20, 30)
    before = pixels.copy()
    enhanced = enhance(pixels, settings)
    assert enhanced.dtype == np.uint8
    assert enhanced.flags.c_contiguous
    assert not np.shares_memory(enhanced, pixels)
    np.testing.assert_array_equal(pixels, before)
    if not settings.denoise:
        np.testing.assert_array_equal(enhanced, before)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("shape", [(3, 3), (150, 200)])
def test_progress_begins_at_0_grows_and_ends_at_1(shape: tuple[int, int]) -> None:
    told: list[float] = []
    threads = set()

    def progress(share: float) -> None:
        told.append(share)
        threads.add(threading.current_thread())

    enhance(noisy_picture(*shape), progress=progress)
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert told == sorted(set(told))
    assert len(told) > (5 if shape[0] > 3 else 1)
    assert threads == {threading.current_thread()}


@pytest.mark.usefixtures("small_tiles")
def test_who_stops_gets_no_picture_and_the_other_tiles_are_not_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[int] = []
    monkeypatch.setattr(module, "denoise", lambda *given: begun.append(1) or denoise(*given))
    told: list[float] = []
    with pytest.raises(Cancelled) as stopped:
        enhance(noisy_picture(640, 640), progress=told.append, cancelled=lambda: len(told) > 2)
    assert stopped.value.exit_code == 130
    assert told[-1] < 0.5
    at_once = len(begun)
    time.sleep(0.3)
    assert len(begun) <= at_once + cv2.getNumThreads() < 100


def test_who_stops_does_not_wait_for_a_slow_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(module, "denoise", lambda tile, _: go_on.wait(20) and tile)
    stop_at = time.monotonic() + 0.3
    try:
        with pytest.raises(Cancelled):
            enhance(noisy_picture(20, 20), cancelled=lambda: time.monotonic() > stop_at)
        assert time.monotonic() < stop_at + 1
    finally:
        go_on.set()


def test_what_goes_wrong_in_a_tile_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Pixels:
        raise MemoryError

    monkeypatch.setattr(module, "denoise", fail)
    with pytest.raises(MemoryError):
        enhance(noisy_picture(20, 20))


@pytest.mark.usefixtures("small_tiles")
def test_threads_change_nothing_and_are_not_changed() -> None:
    pixels, usual = noisy_picture(150, 150), cv2.getNumThreads()
    results = []
    try:
        for threads in (0, 1, 3):
            cv2.setNumThreads(threads)
            in_use = cv2.getNumThreads()
            results.append(enhance(pixels))
            assert cv2.getNumThreads() == in_use
    finally:
        cv2.setNumThreads(usual)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_a_picture_too_large_to_be_doubled_is_refused_before_anything_is_done() -> None:
    pixels = np.broadcast_to(np.uint8(90), (6_000, 10_000, 3))
    told: list[float] = []
    doubled = "10000 x 6000, doubled 20000 x 12000"
    with pytest.raises(ImageTooLargeError, match=doubled) as refused:
        enhance(pixels, progress=told.append)
    assert refused.value.kind is ErrorKind.TOO_LARGE
    assert told == []


def test_the_limit_is_of_the_doubled_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PIXELS", 4 * 20 * 30)
    assert enhance(noisy_picture(20, 30)).shape == (40, 60, 3)
    with pytest.raises(ImageTooLargeError):
        enhance(noisy_picture(20, 31))
    assert enhance(noisy_picture(20, 31), DENOISE_ONLY).shape == (20, 31, 3)


@pytest.mark.parametrize("strength", [-0.1, MAX_STRENGTH + 0.1, float("nan"), float("inf")])
@pytest.mark.parametrize("which", ["luminance_strength", "colour_strength"])
def test_a_strength_out_of_range_is_refused(which: str, strength: float) -> None:
    with pytest.raises(EnhancementError, match="from 0 to 100"):
        Enhancement(**{which: strength})  # type: ignore[arg-type]

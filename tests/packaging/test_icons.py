"""The drawn icons: every size, and nothing that the script does not draw."""

import importlib.util
import io
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import IcnsImagePlugin, IcoImagePlugin, Image

ROOT = Path(__file__).parents[2]
ICONS = ROOT / "packaging" / "icons"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    # By its path: a package named `packaging` is installed, too, and is another one.
    spec = importlib.util.spec_from_file_location("draw_icons", ICONS.parent / "draw_icons.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def frames(name: str, data: bytes) -> dict[tuple[int, ...], Image.Image]:
    """Every picture in a file, by its size."""
    image = Image.open(io.BytesIO(data))
    if isinstance(image, IcoImagePlugin.IcoImageFile):
        return {size: image.ico.getimage(size) for size in image.ico.sizes()}
    if isinstance(image, IcnsImagePlugin.IcnsImageFile):
        return {size: image.icns.getimage(size) for size in image.icns.itersizes()}
    return {image.size: image}


def test_the_files_are_what_the_script_draws(script: ModuleType) -> None:
    """Write them anew with `make icons`. Pixels are compared: encoders differ in their bytes."""
    drawn = script.draw_all()
    assert {path.name for path in ICONS.iterdir()} == set(drawn)
    for name, data in drawn.items():
        expected, found = frames(name, data), frames(name, (ICONS / name).read_bytes())
        assert found.keys() == expected.keys()
        for size, image in expected.items():
            assert np.array_equal(np.asarray(found[size]), np.asarray(image)), (name, size)


def test_windows_and_macos_find_every_size_they_ask_for() -> None:
    ico = frames("app.ico", (ICONS / "app.ico").read_bytes())
    assert {size for size, _ in ico} == {16, 24, 32, 48, 64, 128, 256}
    icns = frames("app.icns", (ICONS / "app.icns").read_bytes())
    assert {size * scale for size, _, scale in icns} >= {32, 64, 128, 256, 512, 1024}


@pytest.mark.parametrize(
    ("name", "size"),
    [("app.png", (512, 512)), ("logo.png", (256, 256)), ("background.png", (1600, 1000))],
)
def test_pictures_have_their_size_and_clear_corners(name: str, size: tuple[int, int]) -> None:
    image = Image.open(ICONS / name)
    assert (image.size, image.mode) == (size, "RGBA")
    assert image.getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_the_mark_is_sharp_at_16_pixels() -> None:
    """Its squares are whole pixels, white on the accent, with the accent between them."""
    small = np.asarray(frames("app.ico", (ICONS / "app.ico").read_bytes())[16, 16])
    white = (small[:, :, :3] == 255).all(axis=2)
    assert white[11:13, [9, 10, 12, 13]].all()
    assert not white[11:13, [8, 11, 14]].any()
    accent = small[8, 11, :3].astype(float)
    assert contrast(accent) > 3.0  # WCAG 2.2, 1.4.11: graphics against what lies behind them


def contrast(colour: np.ndarray) -> float:
    """WCAG's contrast of white against a colour (sRGB, 0 to 255)."""
    share = colour / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return 1.05 / (float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05)


def test_the_background_is_faint_on_light_and_dark_windows() -> None:
    alpha = np.asarray(Image.open(ICONS / "background.png"))[:, :, 3]
    assert 0 < alpha.max() < 32

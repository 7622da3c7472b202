"""What tests of training share: the tiny backbone under its name, and pictures of four sources."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import draw_picture
from tests.training.tiny_backbone import register


@pytest.fixture
def tiny_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    """`tiny` is a backbone while the test runs."""
    register(monkeypatch)


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 pictures each from two cameras and two generators; one generator is hard to tell."""
    root = tmp_path_factory.mktemp("sources")
    rng = np.random.default_rng(5)
    for place in ("real/camera_a", "real/camera_b", "fake/gan", "fake/diffusion"):
        (root / place).mkdir(parents=True)
        for number in range(20):
            pixels = draw_picture(rng, fake=place.startswith("fake"), size=40)
            if place == "fake/diffusion":
                noise = rng.normal(0, 12, pixels.shape)
                pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / place / f"{number}.png")
    return root

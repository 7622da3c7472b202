"""Pictures of the app in every state, to look at: `python packaging/screenshots.py OUT`.

Needs a display (`xvfb-run -a -s "-screen 0 1400x900x24"`); with Xvfb's `-dpi 192` the window is
drawn as on a screen of twice the usual density. Nothing of the user's settings is read or written.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageGrab

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"

_DONT_WAIT = 2  # Tcl's flag


def draw_scene(path: Path, seed: int = 0) -> Path:
    """A rendered landscape that no camera took."""
    rng = np.random.default_rng(seed)
    width, height = 1200, 800
    sky = np.linspace((250, 150, 120), (60, 80, 170), height)[::-1]
    image = Image.fromarray(np.repeat(sky[:, None], width, axis=1).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((760, 160, 960, 360), (255, 244, 214))
    for layer in range(5):
        shade = tuple(round(v * (0.9 - 0.16 * layer)) for v in (120, 96, 150))
        xs = np.arange(0, width + 40, 40)
        ys = 400 + 75 * layer + 60 * np.sin(xs / (90 + 40 * layer) + rng.uniform(0, 6))
        ys += rng.uniform(-12, 12, xs.size)
        draw.polygon(
            [(0, height), *zip(xs.tolist(), ys.tolist(), strict=True), (width, height)], shade
        )
    image.filter(ImageFilter.GaussianBlur(2.2)).save(path)
    return path


class Studio:
    """Runs the app and takes its picture.

    Args:
        out: the folder that the pictures go to.
        suffix: at the end of their names.
        language: of the app.
        theme: of the app.
        model: the model file; None: the shipped default.
    """

    def __init__(
        self, out: Path, suffix: str, language: str, theme: str, model: Path | None
    ) -> None:
        from gui.app import App
        from gui.settings import Settings

        self._out, self._suffix = out, suffix
        settings = Settings(width=1280, height=840, theme=theme, language=language)
        self.app = App(settings, [], model=model)
        self.wait(lambda: self.app.window is not None)
        self.root = self.app.root
        self.window = self.app.window
        self.session = self.app.session
        self.root.focus_force()

    def wait(
        self, ready: Callable[[], object], seconds: float = 300, *, drawn: bool = True
    ) -> None:
        """Run the event loop until something is so, and drawn."""
        until = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > until:
                sys.exit("waited too long")
            # One event at a time: on a busy machine the next timer is always due already.
            if not self.app.root.tk.dooneevent(_DONT_WAIT):
                time.sleep(0.002)
        if drawn:
            until = time.monotonic() + 0.3
            self.wait(lambda: time.monotonic() > until, drawn=False)
            self.app.root.update_idletasks()

    def open(self, path: Path) -> None:
        """Open a picture and wait for its verdict."""
        self.session.open(path)
        self.wait(lambda: self.session.picture.examination or self.session.picture.error)

    def take(self, name: str) -> None:
        """Take a picture of the window."""
        self.wait(lambda: True)
        root = self.root
        x, y = root.winfo_rootx(), root.winfo_rooty()
        box = (x, y, x + root.winfo_width(), y + root.winfo_height())
        image = ImageGrab.grab(bbox=box, xdisplay=os.environ["DISPLAY"])
        image.save(self._out / f"{name}-{self._suffix}.png")
        print(name, image.size)


def take_all(studio: Studio, folder: Path) -> None:
    """Every state, one after the other."""
    session, window = studio.session, studio.window
    studio.take("empty-loading")
    studio.wait(lambda: session.model.card is not None)
    studio.take("empty")
    studio.open(SAMPLES / "chelsea.png")
    studio.take("real")
    window.verdict.heatmap.box.toggle()
    studio.wait(lambda: window.layers.heatmap is not None)
    studio.take("heatmap")
    window.verdict.heatmap.box.toggle()
    studio.open(SAMPLES / "coffee.png")
    studio.take("cannot-tell")
    studio.open(draw_scene(folder / "scene.png"))
    studio.take("fake")
    noisy = np.asarray(
        Image.open(SAMPLES / "astronaut.png").convert("RGB").resize((900, 900))
    ).astype(float)
    noisy += np.random.default_rng(0).normal(0, 16, noisy.shape)
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(folder / "noisy.png")
    studio.open(folder / "noisy.png")
    window.enhance.toggle()
    studio.wait(lambda: session.enhanced and session.enhanced.progress > 0.1)
    studio.take("enhancing")
    studio.wait(lambda: session.enhanced and session.enhanced.prediction)
    studio.wait(lambda: window.layers.enhanced is not None)
    studio.take("enhanced")
    window.verdict.master._parent_canvas.yview_moveto(1.0)
    studio.take("enhanced-below")
    window.verdict.master._parent_canvas.yview_moveto(0.0)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    studio.open(folder / "broken.jpg")
    studio.take("unreadable")
    session.choose_model(folder / "broken.jpg")
    studio.wait(lambda: session.message is not None)
    studio.take("error")
    window.bar.dismiss()
    many = folder / "holiday pictures"
    many.mkdir(exist_ok=True)
    names = sorted(SAMPLES.glob("*.[pj]*g"))
    for number in range(24):
        image = Image.open(names[number % len(names)]).convert("RGB")
        image.crop((number, number, image.width, image.height)).save(
            many / f"IMG_{4100 + number}.jpg"
        )
    for number in range(4):
        draw_scene(many / f"render_{number}.png", number)
    (many / "IMG_4190.jpg").write_bytes(b"broken")
    session.open_paths([many])
    studio.wait(lambda: session.pictures.done > 9)
    studio.take("list-running")
    studio.wait(lambda: session.pictures.done == session.pictures.found)
    from gui.picture_list import Order

    window.list.sort_by(Order.VERDICT)
    window.list.rows.focus_set()
    studio.take("list-done")
    window._open_help()
    studio.take("help")
    window._open_settings()
    studio.take("settings")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--language", default="en", choices=("en", "ru"))
    parser.add_argument("--theme", default="light", choices=("light", "dark"))
    parser.add_argument("--model", type=Path, help="default: the shipped one")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_STATE_HOME"] = folder
        sys.path.insert(0, str(ROOT))
        suffix = f"{options.theme}-{options.language}"
        studio = Studio(options.out, suffix, options.language, options.theme, options.model)
        take_all(studio, Path(folder))
        studio.app.close()


if __name__ == "__main__":
    main()

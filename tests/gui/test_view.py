"""What is seen of a picture: the arithmetic, the drawing, the keys, the clipboard's texts."""

import os

import numpy as np
import pytest

from gui.clipboard import bytes_of, paths_in
from gui.outbox import Outbox
from gui.pyramid import Pyramid
from gui.shortcuts import SHORTCUTS, key_of
from gui.texts import read_texts
from gui.viewport import LARGEST, Viewport


def port(picture=(4000, 3000), window=(800, 700), margin=0):
    viewport = Viewport(margin)
    viewport.resize(*window)
    viewport.show(*picture)
    return viewport


def test_a_large_picture_is_whole_and_a_small_one_not_enlarged():
    seen = port().seen()
    assert (seen.x, seen.y, seen.width, seen.height) == (0, 50, 800, 600)
    assert seen.box == (0.0, 0.0, 1.0, 1.0)
    small = port(picture=(100, 60)).seen()
    assert (small.x, small.y, small.width, small.height) == (350, 320, 100, 60)
    assert port(margin=50).scale == pytest.approx(700 / 4000)


def test_what_is_under_the_pointer_stays_there_when_zooming():
    viewport = port()
    for _ in range(8):
        viewport.zoom(1.25)
    place = (250.0, 400.0)

    def under():
        seen = viewport.seen()
        left, top, right, bottom = seen.box
        across = left + (place[0] - seen.x) / seen.width * (right - left)
        return across, top + (place[1] - seen.y) / seen.height * (bottom - top)

    before = under()
    viewport.zoom(1.25, place)
    assert under() == pytest.approx(before, abs=1e-3)


def test_zooming_and_panning_stay_in_bounds():
    viewport = port()
    viewport.zoom(1e9)
    assert viewport.scale == LARGEST
    viewport.pan(1e9, 1e9)
    assert viewport.seen().box[:2] == (0.0, 0.0)
    viewport.pan(-1e9, -1e9)
    assert viewport.seen().box[2:] == pytest.approx((1.0, 1.0))
    viewport.zoom(1e-9)
    assert viewport.is_whole
    viewport.resize(400, 400)
    assert viewport.scale == 0.1


def pixels(height=700, width=1100):
    y, x = np.mgrid[:height, :width]
    return np.dstack([x * 255 // width, y * 255 // height, (x + y) % 256]).astype(np.uint8)


def test_every_pixel_is_the_picture_itself():
    whole = pixels()
    box = (100 / 1100, 200 / 700, 400 / 1100, 500 / 700)
    drawn = np.asarray(Pyramid(whole).draw(box, 300, 300))
    assert np.array_equal(drawn, whole[200:500, 100:400])


def test_a_small_drawing_is_the_picture_made_small():
    whole = pixels()[..., :2]
    whole = np.dstack([whole, whole[..., :1]])
    for width, height in ((55, 35), (110, 70), (400, 250), (1000, 640)):
        drawn = np.asarray(Pyramid(whole).draw((0.0, 0.0, 1.0, 1.0), width, height)).astype(int)
        expected = (np.arange(width) + 0.5) * 255 / width
        assert np.abs(drawn[:, :, 0] - expected).max() < 4


def test_enlarged_pixels_are_squares():
    whole = pixels(300, 300)
    drawn = np.asarray(Pyramid(whole).draw((0.0, 0.0, 0.1, 0.1), 240, 240))
    assert np.array_equal(drawn, np.repeat(np.repeat(whole[:30, :30], 8, axis=0), 8, axis=1))


@pytest.mark.parametrize(
    ("keysym", "keycode", "key"),
    [("o", 0, "o"), ("O", 0, "o"), ("Cyrillic_shcha", 0, "o"), ("Cyrillic_EM", 0, "v"),
     ("equal", 0, "plus"), ("F1", 0, "F1"), ("KP_Subtract", 0, "minus")],
)  # fmt: skip
def test_a_key_is_known_on_every_keyboard(keysym, keycode, key):
    assert key_of(keysym, keycode) == key


def test_every_shortcut_is_another_key_and_has_its_words():
    assert len({(s.key, s.control, s.shift) for s in SHORTCUTS}) == len(SHORTCUTS)
    for language in ("en", "ru"):
        words = {key for key in read_texts(language) if key.startswith("shortcut.")}
        assert words == {f"shortcut.{s.action}" for s in SHORTCUTS}


def test_files_are_found_in_what_was_copied(tmp_path):
    first, second = tmp_path / "a b.png", tmp_path / "ä.png"
    first.touch()
    second.touch()
    text = f'{first.as_uri()}\r\n{second}\n"{first}"\nnothing.png\n/gone.png\n\0\n'
    assert list(paths_in(text)) == [first, second, first]


@pytest.mark.parametrize("name", [b"50%20off.png", b"a b%.png", b"caf\xe9.png", b"#1?.png"])
def test_a_file_address_is_decoded_once(tmp_path, name):
    if os.name != "posix":
        pytest.skip("names are bytes on POSIX only")
    path = tmp_path / os.fsdecode(name)
    try:
        path.touch()
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    (tmp_path / "50 off.png").touch()
    assert list(paths_in(path.as_uri())) == [path]


def test_an_address_that_is_none_is_no_path():
    assert list(paths_in("file://[/a\nfile:\nfile://")) == []


def test_bytes_of_the_clipboard_come_in_both_of_tk_s_ways():
    data = bytes(range(256))
    # Tk writes a small byte with one digit: 0xd.
    assert bytes_of("".join(f"0x{byte:x} " for byte in data)) == data
    assert bytes_of("".join(f"0x{byte:02x} " for byte in data)) == data
    assert bytes_of(data.decode("latin-1")) == data


def test_the_outbox_stops_when_its_time_is_up():
    outbox, made = Outbox(), []
    for number in range(3):
        outbox.put(lambda number=number: made.append(number))
    outbox.deliver(0.0)
    assert made == []
    outbox.deliver(10.0)
    assert made == [0, 1, 2]

"""The page, in a real browser."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from keras_detector.detector import Detector
from keras_detector.labels import REASON_TEXTS, VERDICT_TEXTS
from tests.conftest import draw_picture
from tests.serving import MODEL, Service, service, settings

TOKEN = "correct-horse-battery"
LIMIT = 100_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Its sandbox needs rights that root in a container does not have.
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        options = ["--no-sandbox"] if root else []
        with playwright.chromium.launch(executable_path=found, args=options) as launched:
            yield launched


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with service(settings(max_upload=LIMIT)) as it:
        yield it


@pytest.fixture
def page(browser: Any, running: Service) -> Iterator[Any]:
    with opened(browser, running) as it:
        yield it


@contextmanager
def opened(browser: Any, running: Service, **options: Any) -> Iterator[Any]:
    """A tab with the page, which must load nothing from elsewhere and break no policy."""
    context = browser.new_context(**options)
    address = f"http://localhost:{running.port}"
    asked: list[str] = []
    said: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(f"Error: {error}"))
    page.goto(address)
    yield page
    context.close()
    assert all(url.startswith((address, f"blob:{address}")) for url in asked)
    assert not [text for text in said if "Content Security Policy" in text or "Error:" in text]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "<img src=x onerror=alert(1)>.png"
    Image.fromarray(draw_picture(np.random.default_rng(5), fake=True, size=64)).save(path)
    return path


def shown(page: Any, name: str) -> str:
    return str(page.locator(f"#{name}").inner_text())


def test_a_picture_gets_its_verdict_and_what_speaks_for_it(page: Any, picture: Path) -> None:
    judged = Detector(MODEL).judge(picture)
    page.set_input_files("#file", picture)
    page.wait_for_selector("#explained:not([hidden])")
    assert shown(page, "verdict") == VERDICT_TEXTS[judged.verdict]
    assert shown(page, "score") == f"{judged.score:.3f}"
    assert page.locator("#reasons li").all_text_contents() == [
        REASON_TEXTS[reason] for reason in judged.reasons
    ]
    assert shown(page, "file-name") == picture.name
    assert page.locator("#original img").count() == 1
    page.wait_for_function("document.getElementById('heatmap').naturalWidth >= 384")
    assert page.evaluate("document.activeElement.id") == "verdict"


def test_a_picture_can_be_dropped(page: Any, picture: Path) -> None:
    data = page.evaluate_handle(
        """bytes => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "dropped.png"));
            return data;
        }""",
        list(picture.read_bytes()),
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": data})
    page.wait_for_selector("#explained:not([hidden])")
    assert shown(page, "file-name") == "dropped.png"


def test_the_file_button_is_reached_and_named_without_a_mouse(page: Any) -> None:
    names = []
    for _ in range(4):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert "file" in names
    assert page.get_by_label("Choose a picture").count() == 1


def test_what_is_no_picture_is_said_in_words(page: Any, tmp_path: Path, picture: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    page.set_input_files("#file", picture)
    page.wait_for_selector("#result:not([hidden])")
    page.set_input_files("#file", text)
    page.wait_for_selector("#problem:not([hidden])")
    assert "whole picture" in shown(page, "problem")
    assert not page.locator("#result").is_visible()


def test_a_file_too_large_is_not_even_sent(page: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(bytes(LIMIT + 1))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.set_input_files("#file", large)
    page.wait_for_selector("#problem:not([hidden])")
    assert "0.1 MB" in shown(page, "problem")
    assert not [url for url in sent if "/v1/" in url]


def test_the_token_is_asked_for_and_a_wrong_one_again(browser: Any, picture: Path) -> None:
    with service(settings(token=TOKEN)) as guarded, opened(browser, guarded) as page:
        assert page.get_by_label("Token").is_visible()
        page.set_input_files("#file", picture)
        page.wait_for_function("document.activeElement.id === 'token'")
        for typed, said in (
            ("wrong-horse-battery", "not accepted"),
            (f"{TOKEN}\u200b", "ASCII"),  # as some programs copy it
        ):
            page.keyboard.insert_text(typed)
            page.keyboard.press("Enter")
            page.wait_for_function(
                "said => document.getElementById('problem').textContent.includes(said)", arg=said
            )
            page.wait_for_function("document.activeElement.id === 'token'")
        page.keyboard.type(TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_selector("#explained:not([hidden])")
        assert not page.get_by_label("Token").is_visible()
        assert page.evaluate("localStorage.length") == 0
        page.reload()
        assert not page.get_by_label("Token").is_visible()


def contrast(page: Any, selector: str) -> float:
    """The ratio of WCAG 2 between a text and what is behind it."""
    luminances = page.evaluate(
        """selector => {
            const text = document.querySelector(selector);
            let behind = text;
            const ground = (element) => getComputedStyle(element).backgroundColor;
            while (ground(behind) === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
            return [getComputedStyle(text).color, ground(behind)].map(
                (colour) => colour.match(/[\\d.]+/g).slice(0, 3)
                    .map((part) => part / 255)
                    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
                    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0));
        }""",
        selector,
    )
    low, high = sorted(luminances)
    return float((high + 0.05) / (low + 0.05))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_in_the_light_and_in_the_dark(
    browser: Any, running: Service, picture: Path, scheme: str
) -> None:
    with opened(browser, running, color_scheme=scheme) as page:
        page.set_input_files("#file", picture)
        page.wait_for_selector("#explained:not([hidden])")
        for verdict in ("real", "fake", "undetermined"):
            page.evaluate("v => { document.getElementById('result').dataset.verdict = v }", verdict)
            assert contrast(page, "#verdict") >= 4.5
        for selector in ("h1", ".lead", "#limits", "figcaption", ".figures", "footer p", "nav a"):
            assert contrast(page, selector) >= 4.5
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_description_is_shown(browser: Any, running: Service) -> None:
    with opened(browser, running) as page:
        page.click("nav a")
        assert page.locator("section").count() >= 8
        page.click("section a >> nth=0")
        assert page.url.endswith("#Judgement")

import os

import pytest

from gui.settings import Settings, load_settings, log_path, save_settings, settings_path
from keras_detector.strictness import Strictness


def test_what_is_saved_is_what_is_loaded(tmp_path):
    path = tmp_path / "new" / "settings.json"
    settings = Settings(
        width=900,
        height=700,
        theme="dark",
        language="ru",
        last_folder="/снимки",
        model="/a.keras",
        strictness=Strictness.CAUTIOUS,
    )
    save_settings(path, settings)
    assert load_settings(path) == settings


def test_a_first_start_has_defaults_and_writes_nothing(tmp_path):
    assert load_settings(tmp_path / "settings.json") == Settings()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"width": "wide"}', b'{"width": 3}', b'{"theme": "pink"}'],
)
def test_broken_settings_are_set_aside_and_never_stop_the_app(tmp_path, content):
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    assert load_settings(path) == Settings()
    assert [file.name for file in tmp_path.iterdir()] == ["settings.json.broken"]
    assert (tmp_path / "settings.json.broken").read_bytes() == content


def test_settings_of_a_newer_version_are_read(tmp_path):
    path = tmp_path / "settings.json"
    path.write_bytes(b'{"theme": "dark", "sounds": true}')
    assert load_settings(path) == Settings(theme="dark")


def test_a_place_that_cannot_be_written_costs_only_the_memory(tmp_path, caplog):
    (tmp_path / "file").write_bytes(b"")
    save_settings(tmp_path / "file" / "settings.json", Settings())
    assert "settings not saved" in caplog.text


def test_a_path_that_is_not_utf_8_costs_only_itself(tmp_path, caplog):
    path = tmp_path / "settings.json"
    odd = "/mod\udce8le"
    save_settings(path, Settings(last_folder=odd, model=f"{odd}/x.keras", theme="dark"))
    assert load_settings(path) == Settings(theme="dark")
    assert r"/mod\xe8le/x.keras" in caplog.text


def test_settings_and_log_lie_where_the_system_wants_them(monkeypatch, tmp_path):
    if os.name != "posix":
        pytest.skip("the folders are named by environment variables on Linux only")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert settings_path() == tmp_path / "config" / "AIImageClassifier" / "settings.json"
    assert log_path().is_relative_to(tmp_path / "state")

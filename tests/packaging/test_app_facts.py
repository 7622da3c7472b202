"""What every installer says of the app: name, version and picture types, the same everywhere."""

import configparser
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image

from keras_detector import __version__
from keras_detector.images import FORMATS

ROOT = Path(__file__).parents[2]
LINUX = ROOT / "packaging" / "linux"
NAME = "AIImageClassifier"
ID = f"org.keras_detector.{NAME}"
DESKTOP = LINUX / f"{ID}.desktop"
METAINFO = LINUX / f"{ID}.metainfo.xml"


def endings() -> list[str]:
    """Every file name ending of the formats that are opened."""
    Image.init()
    return sorted(ending for ending, form in Image.EXTENSION.items() if form in FORMATS)


def mime_types() -> set[str]:
    Image.init()
    return {Image.MIME[form] for form in FORMATS}


def script() -> str:
    return (ROOT / "packaging" / "setup.iss").read_text(encoding="utf-8")


# --- Windows


def test_the_windows_installer_agrees_with_the_package() -> None:
    assert f'#define Version "{__version__}"\n' in script()
    assert f'#define Name "{NAME}"\n' in script()
    listed = re.search(r"^#dim Endings\[(\d+)\] \{(.*)\}$", script(), re.MULTILINE)
    assert listed is not None
    assert re.findall(r'"(\.\w+)"', listed[2]) == endings()
    assert int(listed[1]) == len(endings())


def test_an_update_finds_the_installation_before_it() -> None:
    """Changing the AppId would leave both installed: it must never change."""
    assert "AppId={{E53F6635-2EF9-4C5B-A10B-58E9A7616BE4}\n" in script()


def test_the_windows_installer_names_files_that_are_there() -> None:
    files = re.findall(r"^(?:SetupIconFile|LicenseFile)=(.+)$", script(), re.MULTILINE)
    assert len(files) == 2
    assert all((ROOT / "packaging" / file.replace("\\", "/")).is_file() for file in files)


def test_every_text_of_the_windows_installer_is_in_both_languages() -> None:
    keys: dict[str, set[str]] = {"en": set(), "ru": set()}
    for language, key in re.findall(r"^(en|ru)\.(\w+)=.+$", script(), re.MULTILINE):
        keys[language].add(key)
    assert keys["en"] == keys["ru"]
    assert keys["en"] <= set(re.findall(r"\{cm:(\w+)", script()))


def test_a_script_with_russian_texts_is_marked_as_utf_8() -> None:
    """Without the mark, Inno Setup would read it in the code page of the builder's Windows."""
    assert (ROOT / "packaging" / "setup.iss").read_bytes().startswith(b"\xef\xbb\xbf")


# --- Linux


def desktop_entry() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DESKTOP, encoding="utf-8")
    return parser["Desktop Entry"]


def test_the_menu_entry_agrees_with_the_package() -> None:
    entry = desktop_entry()
    assert entry["Exec"] == f"{NAME} %F"
    # Tk writes a window's class with one capital letter.
    assert (entry["Icon"], entry["StartupWMClass"]) == (ID, NAME.capitalize())
    assert set(entry["MimeType"].strip(";").split(";")) == mime_types()


def test_the_store_entry_agrees_with_the_package() -> None:
    component = ElementTree.parse(METAINFO).getroot()
    assert component.findtext("id") == ID
    assert component.findtext("launchable") == DESKTOP.name
    assert component.findtext("name") == desktop_entry()["Name"]
    assert component.findtext("summary") == desktop_entry()["Comment"]
    assert component.findtext("provides/binary") == NAME
    assert {element.text for element in component.findall("provides/mediatype")} == mime_types()
    release = component.find("releases/release")
    assert release is not None
    assert release.get("version") == __version__


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("desktop-file-validate", [str(DESKTOP)]),
        ("appstreamcli", ["validate", "--no-net", str(METAINFO)]),
        ("shellcheck", [str(LINUX / "install.sh")]),
    ],
)
def test_the_validator_of_each_format_is_content(tool: str, arguments: list[str]) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run([tool, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# --- the recipe of the build itself


class Recorded(SimpleNamespace):
    """Stands for what PyInstaller provides: keeps what it was called with."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(arguments=arguments, binaries=[], datas=[], pure=[], scripts=[])
        vars(self).update(options)


def run_spec(platform: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """`app.spec` as PyInstaller would run it, without building anything."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sys, "path", [*sys.path])
    large = SimpleNamespace(card=SimpleNamespace(twin=SimpleNamespace(place="beside")))
    monkeypatch.setattr("keras_detector.model_file.read_model_file", lambda path: large)
    monkeypatch.setattr("keras_detector.model_file.write_detector_file", lambda path, model: None)
    made = dict.fromkeys(("Analysis", "PYZ", "EXE", "COLLECT"), Recorded)
    bundles: list[Recorded] = []
    bundle = lambda *given, **options: bundles.append(Recorded(*given, **options))  # noqa: E731
    names = runpy.run_path(
        str(ROOT / "app.spec"), {**made, "BUNDLE": bundle, "SPECPATH": str(ROOT)}
    )
    return names | {"bundles": bundles}


def test_the_app_leaves_training_out_and_takes_what_it_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = run_spec("linux", monkeypatch)
    assert {"tensorflow", "keras", "training", "matplotlib", "scipy"} <= set(spec["EXCLUDED"])
    places = {Path(source).name: place for source, place, *_ in spec["analysis"].datas}
    assert places["app.png"] == places["app.ico"] == "gui/artwork"  # as gui/icons.py looks for it
    carried = set(places)
    assert {"en.toml", "ru.toml", "logo.png", "background.png", "LICENSE"} <= carried
    for name in spec["MODELS"]:
        assert {f"{name}.detector", f"{name}.tflite"} <= carried
    assert spec["executable"].name == spec["folder"].name == NAME
    assert spec["bundles"] == []


def test_macos_is_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = run_spec("darwin", monkeypatch)
    (bundle,) = spec["bundles"]
    assert (bundle.name, bundle.bundle_identifier, bundle.version) == (
        f"{NAME}.app",
        ID,
        __version__,
    )
    assert Path(bundle.icon).is_file()
    (kind,) = bundle.info_plist["CFBundleDocumentTypes"]
    assert ["." + ending for ending in kind["CFBundleTypeExtensions"]] == endings()


def test_windows_is_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compat = pytest.importorskip("PyInstaller.compat", reason="the group `app` is not installed")
    # Its writer of version resources needs neither to describe one.
    monkeypatch.setattr(compat, "win32api", None, raising=False)
    monkeypatch.setitem(sys.modules, "pefile", SimpleNamespace())
    spec = run_spec("linux", monkeypatch)
    resource = spec["windows_version"]()
    text = resource.toRaw().decode("utf-16-le", errors="replace")
    assert all(fact in text for fact in (__version__, f"{NAME}.exe", spec["TITLE"]))
    assert Path(spec["ICONS"] / "app.ico").is_file()


def test_the_release_workflow_builds_by_the_same_recipe() -> None:
    yaml = pytest.importorskip("yaml")
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    assert set(yaml.safe_load(text)["jobs"]) == {"app", "publish"}
    assert "app.spec" in text
    assert "--check samples/china.jpg" in text
    assert "NOT RUN YET" in text


# --- the installer of Linux


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """What the archive unpacks to, with a script in the app's place."""
    folder = tmp_path / "archive"
    (folder / NAME).mkdir(parents=True)
    program = folder / NAME / NAME
    program.write_text("#!/bin/sh\necho 0.0.0\n")
    program.chmod(0o755)
    for file in (LINUX / "install.sh", DESKTOP, METAINFO):
        shutil.copy(file, folder)
    shutil.copy(ROOT / "packaging" / "icons" / "app.png", folder / f"{ID}.png")
    return folder


def install(archive: Path, prefix: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [archive / "install.sh", *arguments],
        env={"PATH": "/usr/bin:/bin", "PREFIX": str(prefix)},
        capture_output=True,
        text=True,
    )


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}


@pytest.mark.skipif(sys.platform != "linux", reason="installs on Linux")
def test_it_installs_updates_and_uninstalls(archive: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "a home" / ".local"
    (prefix / "share" / "applications").mkdir(parents=True)
    other = prefix / "share" / "applications" / "other.desktop"
    other.write_text("[Desktop Entry]\n")
    for _ in range(2):
        assert install(archive, prefix).returncode == 0
        stale = prefix / "lib" / NAME / "stale"
        assert not stale.exists()
        stale.touch()
    entry = prefix / "share" / "applications" / DESKTOP.name
    assert f'Exec="{prefix}/lib/{NAME}/{NAME}" %F\n' in entry.read_text(encoding="utf-8")
    if shutil.which("desktop-file-validate"):
        assert subprocess.run(["desktop-file-validate", entry]).returncode == 0
    assert subprocess.check_output([prefix / "bin" / NAME], text=True) == "0.0.0\n"
    assert install(archive, prefix, "--uninstall").returncode == 0
    assert files_below(prefix) - {entry.parent / "mimeinfo.cache"} == {other}


@pytest.mark.skipif(sys.platform != "linux", reason="installs on Linux")
@pytest.mark.parametrize("place", [f"lib/{NAME}/mine", f"bin/{NAME}"])
def test_what_is_not_ours_is_left_alone(archive: Path, tmp_path: Path, place: str) -> None:
    mine = tmp_path / place
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    for arguments in ((), ("--uninstall",)):
        done = install(archive, tmp_path, *arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("error: Expected ")
        assert mine.read_text() == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="installs on Linux")
@pytest.mark.parametrize("prefix", ["relative", '/tmp/"quoted"', "/tmp/$HOME"])
def test_a_place_that_a_menu_cannot_name_is_refused(archive: Path, prefix: str) -> None:
    assert "PREFIX" in install(archive, Path(prefix)).stderr

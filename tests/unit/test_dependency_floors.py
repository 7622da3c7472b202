"""Old packages are refused at start, by the versions that the project asks for."""

import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import PIL
import pytest

from keras_detector import cli
from keras_detector.dependency_floors import (
    KERAS,
    PILLOW,
    SERVING,
    refuse_old_parsers,
    refuse_old_pillow,
    refuse_older,
)
from keras_detector.errors import MissingPackageError

ROOT = Path(__file__).parents[2]


def test_they_are_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name, least, wanted in (
        ("pillow", PILLOW, project["dependencies"]),
        ("keras", KERAS, project["optional-dependencies"]["training"]),
        *(
            (name, least, project["optional-dependencies"]["serve"])
            for name, least in SERVING.items()
        ),
    ):
        assert f"{name}>={'.'.join(map(str, least))}" in wanted


@pytest.mark.parametrize("found", ["12.2.9", "9.0.0", "12.2.99", "unknown", "", "12.2.0.post1"])
def test_older_ones_are_refused(found: str) -> None:
    with pytest.raises(MissingPackageError, match=r"pillow, 12\.3\.0 or newer"):
        refuse_older("pillow", found, (12, 3, 0))


@pytest.mark.parametrize("found", ["12.3.0", "12.3.0.dev1", "12.10.0", "100.0", "12.3.1rc1"])
def test_newer_ones_are_not(found: str) -> None:
    refuse_older("pillow", found, (12, 3, 0))


def test_what_is_installed_will_do() -> None:
    refuse_old_pillow()
    refuse_old_parsers()


def test_the_service_refuses_old_parsers_at_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = {"h11": "0.16.0", "python-multipart": "0.0.31"}
    monkeypatch.setattr(metadata, "version", old.__getitem__)
    assert cli.main(["serve", "--port", "0"]) == 2
    assert "python-multipart, 0.0.32 or newer. Received: 0.0.31" in capsys.readouterr().err


def app(arguments: list[str]) -> int:
    from gui.__main__ import main

    return main(arguments)


def training(arguments: list[str]) -> int:
    from training.__main__ import main

    return main(arguments)


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (cli.main, ["predict", "nothing.png"]),
        (app, ["--check", "nothing.png"]),
        (training, ["audit", "nowhere"]),
    ],
    ids=["command line", "app", "training"],
)
def test_every_front_end_refuses_at_start(
    main: Callable[[list[str]], int],
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(PIL, "__version__", "12.2.0")
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(
        "error: Expected the package pillow, 12.3.0 or newer. Received: 12.2.0"
    )


def test_training_refuses_an_old_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = pytest.importorskip("keras")
    from training.tensorflow_import import import_tensorflow

    import_tensorflow()
    monkeypatch.setattr(keras, "__version__", "3.13.1")
    with pytest.raises(MissingPackageError, match=r"keras, 3\.15\.1 or newer"):
        import_tensorflow()

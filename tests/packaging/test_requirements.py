"""What is installed: the lock, its export, and that a verdict brings no TensorFlow."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXPORT = ["export", "--quiet", "--frozen", "--no-emit-project", "--no-header"]
EVERYTHING = ["--extra", "training", "--extra", "gui", "--group", "app"]


def export(*arguments: str) -> str:
    command = [find_uv(), *EXPORT, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def find_uv() -> str:
    local = ROOT / ".uv" / "bin" / "uv"
    return str(local) if local.exists() else shutil.which("uv") or ""


@pytest.mark.skipif(not find_uv(), reason="uv is not installed")
def test_requirements_are_what_the_lock_exports() -> None:
    exported = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert _without_comments(exported) == _without_comments(export(*EVERYTHING)), (
        f"run: uv {' '.join(EXPORT + EVERYTHING)} --output-file requirements.txt"
    )


def _without_comments(text: str) -> list[str]:
    # Whose requirement a package is, uv says in comments that change with its version.
    return [line for line in text.splitlines() if not line.lstrip().startswith("#")]


def required(text: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


def test_requirements_train_judge_and_build_the_app() -> None:
    wanted = {"tensorflow", "keras", "matplotlib", "scikit-learn", "opencv-python-headless"}
    wanted |= {"customtkinter", "pyinstaller"}
    assert wanted <= required((ROOT / "requirements.txt").read_text(encoding="utf-8"))


HEAVY = {"tensorflow", "keras", "matplotlib", "jinja2"}


@pytest.mark.skipif(not find_uv(), reason="uv is not installed")
@pytest.mark.parametrize("extra", [(), ("--extra", "gui"), ("--extra", "gui", "--group", "app")])
def test_neither_a_verdict_nor_the_app_brings_training_packages(extra: tuple[str, ...]) -> None:
    packages = required(export(*extra))
    assert "ai-edge-litert" in packages
    assert not packages & HEAVY


def test_the_audit_looks_at_everything_and_fails_on_a_skip() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\naudit:\n")[2]
    assert "--all-extras --all-groups" in recipe
    assert "pip-audit@" in recipe
    assert "--strict" in recipe
    workflow = (ROOT / ".github" / "workflows" / "audit.yml").read_text(encoding="utf-8")
    assert "run: make audit" in workflow
    assert "continue-on-error" not in workflow


def test_the_lock_names_only_the_public_index() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text(encoding="utf-8")))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def locked(name: str) -> set[tuple[int, ...]]:
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    return {tuple(map(int, p["version"].split("."))) for p in packages if p["name"] == name}


@pytest.mark.parametrize(("name", "least"), [("keras", (3, 15, 1)), ("pillow", (12, 3, 0))])
def test_versions_with_known_holes_are_not_locked(name: str, least: tuple[int, ...]) -> None:
    assert locked(name)
    assert all(version >= least for version in locked(name))

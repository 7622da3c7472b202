"""The import graph: a room imports only from lower floors, and a verdict never from training."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FLOORS = {
    "errors": 0,
    "labels": 0,
    "native_stderr": 0,
    "option_types": 0,
    "pixels": 0,
    "printable": 0,
    "standard_streams": 0,
    "atomic_file": 1,
    "card": 1,
    "class_folders": 1,
    "decoding_cost": 1,
    "degrade": 1,
    "dependency_floors": 1,
    "enhance": 1,
    "figures": 1,
    "file_lock": 1,
    "file_stamp": 1,
    "images": 1,
    "jpeg_quality": 1,
    "keras_config": 1,
    "measure": 1,
    "metadata_tables": 1,
    "picture_files": 1,
    "picture_output": 1,
    "quality": 1,
    "ranking": 1,
    "strictness": 1,
    "twin_operations": 1,
    "zip_container": 1,
    "audit_note": 2,
    "card_text": 2,
    "labelled_directory": 2,
    "model_file": 2,
    "object_store": 2,
    "robustness": 2,
    "shown_card": 2,
    "model_pages": 3,
    "runtime": 3,
    "detector": 4,
    "explain": 4,
    "judged_directory": 4,
    "evaluation": 5,
    "rows": 5,
    "cli": 6,
    "enhance_command": 6,
    "serve_command": 6,
    "report.texts": 1,
    "report.thumbnails": 2,
    "report.csv_table": 5,
    "report.html_page": 5,
    "report.parquet_table": 5,
    "report.summary": 5,
    "scan.path_globs": 1,
    "scan.process_pool": 1,
    "scan.scratch_table": 1,
    "scan.worker_process": 1,
    "scan.engine": 5,
    "scan.journal": 5,
    "scan.judge": 5,
    "scan.last_rows": 5,
    "scan.line": 5,
    "scan.output": 5,
    "scan.plan": 5,
    "scan.run": 5,
    "scan.sources": 5,
    "scan.worklist": 5,
    "scan.command": 6,
    "scan.progress": 6,
    "scan.on_ray.cluster": 1,
    "scan.on_ray.part_folder": 3,
    "scan.on_ray.engine": 5,
    "scan.on_ray.part_table": 5,
    "scan.on_ray.parts_journal": 5,
    "scan.on_ray.pool": 5,
    "scan.on_ray.sent_model": 5,
    "scan.on_ray.worker": 5,
}
TRAINING_MAY_IMPORT = 4
SERVER_MAY_IMPORT = 5
APP_MAY_IMPORT = 5


def imported_modules(path: Path) -> set[str]:
    """Absolute names of everything `path` imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {path}"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def our_modules(path: Path) -> set[str]:
    """Modules of the library, without networks and server, that `path` imports."""
    return {name.removeprefix("keras_detector.") for name in imported_modules(path)} & set(FLOORS)


def dotted(path: Path) -> str:
    """The name of one of the library's modules, as `FLOORS` has it."""
    return ".".join(path.relative_to(ROOT / "keras_detector").with_suffix("").parts)


ROOMS = (".", "report", "scan", "scan/on_ray")
LIBRARY = sorted(
    path
    for room in ROOMS
    for path in (ROOT / "keras_detector" / room).glob("*.py")
    if path.stem != "__init__"
)
SERVER = sorted((ROOT / "keras_detector" / "server").glob("*.py"))
NETWORKS = sorted((ROOT / "keras_detector" / "networks").glob("*.py"))


def test_every_file_of_the_library_has_a_floor() -> None:
    assert {dotted(path) for path in LIBRARY} == set(FLOORS)


def test_every_folder_of_the_library_is_looked_through() -> None:
    folders = {path.parent for path in (ROOT / "keras_detector").rglob("*.py")}
    apart = {ROOT / "keras_detector" / name for name in ("networks", "server")}
    assert folders - apart == {path.parent for path in LIBRARY}


@pytest.mark.parametrize("path", LIBRARY, ids=dotted)
def test_no_file_imports_from_above(path: Path) -> None:
    for module in our_modules(path):
        assert FLOORS[module] <= FLOORS[dotted(path)], f"{dotted(path)} imports {module}"


def test_files_of_one_floor_do_not_import_each_other_in_a_circle() -> None:
    graph = {dotted(path): our_modules(path) for path in LIBRARY}
    TopologicalSorter(graph).prepare()  # raises CycleError


@pytest.mark.parametrize("path", LIBRARY, ids=dotted)
def test_the_library_never_imports_training_or_keras(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported_modules(path)}
    assert not roots & {"training", "gui", "tensorflow", "keras"}
    assert not any(name.startswith("keras_detector.networks") for name in imported_modules(path))


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_networks_import_nothing_of_ours_but_each_other_and_keras_only_inside(path: Path) -> None:
    ours = {name for name in imported_modules(path) if name.startswith(("keras_detector", "train"))}
    assert all(name.startswith("keras_detector.networks") for name in ours)
    top = ast.parse(path.read_text(encoding="utf-8")).body
    names = {a.name for node in top if isinstance(node, ast.Import) for a in node.names}
    names |= {node.module for node in top if isinstance(node, ast.ImportFrom)}
    assert not any(name.split(".")[0] in {"keras", "tensorflow"} for name in names)


@pytest.mark.parametrize("path", SERVER, ids=lambda path: path.stem)
def test_the_server_is_a_front_end_that_only_its_command_knows(path: Path) -> None:
    assert all(FLOORS[module] <= SERVER_MAY_IMPORT for module in our_modules(path))
    roots = {name.split(".")[0] for name in imported_modules(path)}
    assert not roots & {"training", "gui", "tensorflow", "keras", "ai_edge_litert"}


def test_ray_is_imported_only_where_it_is_asked_for() -> None:
    """Its own file imports it outright, and is itself imported only inside functions."""
    top_level = {}
    for path in LIBRARY:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        names = {a.name for node in body if isinstance(node, ast.Import) for a in node.names}
        names |= {node.module or "" for node in body if isinstance(node, ast.ImportFrom)}
        top_level[dotted(path)] = names
    needing = {
        module
        for module, names in top_level.items()
        if {name.split(".")[0] for name in names} & {"ray", "pyarrow"}
    }
    assert needing == {"scan.on_ray.worker"}
    assert not any("keras_detector.scan.on_ray.worker" in names for names in top_level.values())


def test_only_the_command_imports_the_server() -> None:
    knowing = {
        dotted(path)
        for path in LIBRARY
        if any(name.startswith("keras_detector.server") for name in imported_modules(path))
    }
    assert knowing == {"serve_command"}


@pytest.mark.parametrize("path", sorted((ROOT / "training").rglob("*.py")), ids=lambda p: p.stem)
def test_training_imports_no_front_end(path: Path) -> None:
    assert all(FLOORS[module] <= TRAINING_MAY_IMPORT for module in our_modules(path))
    assert "gui" not in {name.split(".")[0] for name in imported_modules(path)}


APP = sorted((ROOT / "gui").rglob("*.py"))
WITHOUT_TK = ("__main__", "worker", "session", "picture_list", "settings", "log")


@pytest.mark.parametrize("path", APP, ids=lambda path: path.stem)
def test_the_app_imports_neither_training_nor_a_command_line(path: Path) -> None:
    assert all(FLOORS[module] <= APP_MAY_IMPORT for module in our_modules(path))
    roots = {name.split(".")[0] for name in imported_modules(path)}
    assert not roots & {"training", "tensorflow", "keras"}


@pytest.mark.parametrize("name", WITHOUT_TK)
def test_what_the_app_does_knows_no_tk(name: str) -> None:
    path = ROOT / "gui" / f"{name}.py"
    roots = {module.split(".")[0] for module in imported_modules(path)}
    assert not roots & {"tkinter", "customtkinter", "tkinterdnd2"}
    assert not {module for module in imported_modules(path) if module.startswith("gui.panels")}


def test_a_verdict_never_loads_tensorflow_or_keras(tiny_model: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    import numpy as np
    from PIL import Image

    from tests.conftest import draw_picture

    Image.fromarray(draw_picture(np.random.default_rng(0), fake=True)).save(picture)
    code = (
        "import sys; from keras_detector.cli import main;"
        f"code = main(['predict', {str(picture)!r}, '--model', {str(tiny_model)!r}]);"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'scipy', 'cv2', 'matplotlib', 'tqdm'};"
        "loaded = heavy & set(sys.modules); assert not loaded, loaded; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "score" in done.stdout or "picture.png" in done.stdout

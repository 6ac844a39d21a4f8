"""Imports run down the floors, no system knows another, and `import eyeline` is quick."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "eyeline"

FLOORS = (
    {
        "bounds",
        "carried",
        "documents",
        "errors",
        "extras",
        "files",
        "geometry",
        "log",
        "pickles",
        "processes",
        "sample",
        "spill",
        "weights_folder",
    },
    {
        "on_ray",
        "parts",
        "pool",
        "remote",
        "results",
        "rounding",
        "video",
        "training",
        "evaluation",
        "runtimes",
    },
    {
        "people",
        "speech",
        "system",
        "codings",
        "export",
        "plan",
        "dead_time",
        "datasets",
        "synthetic",
    },
    {"systems", "settings", "analysis", "builder_options", "models", "corrections"},
    {"sessions", "viewer", "agreement", "conversion", "download"},
    {"jobs", "delivery", "engines", "summary", "api"},
    {"live"},
    {"cli", "eyeline", "__main__"},
)
"""From the ground up; a place may import its own floor and those below; `eyeline` is the face."""
LAZY_UPWARDS = {("system", "systems")}
"""The registry is the directory: `system` looks into `systems` when it is asked for a room."""


def place_of(module: str) -> str:
    """`video` of `eyeline.video.reader`, `systems.gaze_3d` of a room's module."""
    parts = module.split(".")
    if len(parts) == 1:
        return "eyeline"
    room = parts[1] == "systems" and len(parts) > 2
    return ".".join(parts[1:3]) if room else parts[1]


def module_of(file: Path) -> str:
    parts = ["eyeline", *file.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, module: str) -> Iterator[str]:
    """All eyeline modules that a module imports: on top, in functions, for the type checker."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] == "eyeline")
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports relatively: write the whole name"
            if node.module in ("eyeline", "eyeline.systems"):
                yield from (f"{node.module}.{name.name}" for name in node.names)
            elif (node.module or "").startswith("eyeline."):
                yield str(node.module)


def known(name: str) -> str:
    """A module for a name imported from a package: itself where it is one, else the package."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return name if path.is_dir() or path.with_suffix(".py").is_file() else name.rpartition(".")[0]


@pytest.fixture(scope="module")
def arrows() -> dict[str, set[str]]:
    """Place -> places that it imports."""
    graph: dict[str, set[str]] = defaultdict(set)
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 60
    for file in files:
        module = module_of(file)
        for name in imported(ast.parse(file.read_text(encoding="utf-8")), module):
            graph[place_of(module)].add(place_of(known(name)))
    return {place: targets - {place} for place, targets in graph.items()}


def floor_of(place: str) -> int:
    name = place.split(".")[0]
    floors = [n for n, floor in enumerate(FLOORS) if name in floor]
    assert floors, f"eyeline.{name} stands on no floor: add it to FLOORS where it belongs"
    return floors[0]


def test_imports_run_down(arrows: dict[str, set[str]]) -> None:
    upward = [
        f"{place} -> {target}"
        for place, targets in arrows.items()
        for target in targets
        if floor_of(target) > floor_of(place)
        and (place, target) not in LAZY_UPWARDS
        and target != "eyeline"
    ]
    assert not upward


def test_only_commands_and_jobs_ask_the_face_for_the_version(arrows: dict[str, set[str]]) -> None:
    assert {place for place, targets in arrows.items() if "eyeline" in targets} <= {"cli", "jobs"}


def test_the_ground_floor_imports_nothing_but_errors(arrows: dict[str, set[str]]) -> None:
    for place in FLOORS[0]:
        assert arrows.get(place, set()) <= {"errors"}, place


def test_no_room_imports_another(arrows: dict[str, set[str]]) -> None:
    systems = [place for place in arrows if place.startswith("systems.")]
    assert len(systems) >= 5
    for room in systems:
        others = {target for target in arrows[room] if target.startswith("systems.")}
        assert not others, f"{room} imports {others}"


def test_there_is_no_circle(arrows: dict[str, set[str]]) -> None:
    drawn = {
        place: {t for t in targets if (place, t) not in LAZY_UPWARDS and t != "eyeline"}
        for place, targets in arrows.items()
    }
    try:
        TopologicalSorter(drawn).prepare()
    except CycleError as error:
        pytest.fail(f"imports go in a circle: {' -> '.join(error.args[1])}")


def test_the_face_is_quick_and_light() -> None:
    program = (
        "import sys, json, time; start = time.perf_counter(); import eyeline;"
        "print(json.dumps([time.perf_counter() - start, sorted(sys.modules)]))"
    )
    times = []
    for _ in range(3):
        run = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, cwd=PACKAGE.parent
        )
        took_s, modules = json.loads(run.stdout)
        times.append(took_s)
        assert not {"torch", "cv2", "numpy", "av", "scipy"} & set(modules)
    assert min(times) < 0.5


def test_public_names_outlive_the_import_of_every_module() -> None:
    """A module called like a public function would take its place once it is imported."""
    program = (
        "import importlib, json, pkgutil, types, eyeline;"
        "names = [m.name for m in pkgutil.iter_modules(eyeline.__path__)];"
        "[importlib.import_module('eyeline.' + name) for name in names];"
        "values = {name: getattr(eyeline, name) for name in eyeline.__all__};"
        "print(json.dumps([n for n, v in values.items() if isinstance(v, types.ModuleType)]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, cwd=PACKAGE.parent
    )
    assert json.loads(run.stdout) == []


def test_what_knows_the_methods_needs_no_network_and_no_solver() -> None:
    program = "import sys, eyeline.analysis, json; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, cwd=PACKAGE.parent
    )
    assert not {"torch", "cv2", "av", "scipy.optimize", "onnxruntime"} & {*json.loads(run.stdout)}


def test_help_is_quick() -> None:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        command = [sys.executable, "-m", "eyeline", "--help"]
        subprocess.run(command, capture_output=True, check=True, cwd=PACKAGE.parent)
        times.append(time.perf_counter() - start)
    assert min(times) < 3.0

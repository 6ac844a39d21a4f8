"""What a user gets: the distributions, and the light core in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NETWORKS = ("centerface", "silero_vad")
MOST_BYTES = 950_000_000
"""Of the core without bytecode: PyArrow, OpenCV, dlib's files, SciPy, PyAV have 690 MB of it."""
PYTHONS = ("3.11", "3.12", "3.13")
"""All that the package names; those that this machine lacks are skipped."""

pytestmark = pytest.mark.slow


def run(*command: Any, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """In an environment that names none of our folders."""
    plain = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=plain, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist, and the wheel that is built from it."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", out, ROOT, cwd=out)
    return out


def python_of(version: str) -> str | None:
    """An interpreter on the path, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    names = [shutil.which(f"python{version}"), *pyenv.glob(f"{version}.*/bin/python")]
    is_it = f"import sys, venv; sys.exit(not sys.version.startswith({version + '.'!r}))"
    for name in filter(None, names):
        if not subprocess.run([str(name), "-c", is_it], capture_output=True).returncode:
            return str(name)
    return None


def size_of(packages: Path) -> int:
    """Bytes of all but the installer, which comes with the environment."""
    installer = ("pip", "setuptools", "pkg_resources")
    files = (f for f in packages.rglob("*") if f.is_file())
    return sum(
        f.stat().st_size
        for f in files
        if not f.relative_to(packages).parts[0].startswith(installer)
    )


def test_distributions_are_whole_and_fit_for_an_index(dist: Path) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", *dist.iterdir(), cwd=dist)
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        inside = {*wheel.namelist()}
    with tarfile.open(next(dist.glob("*.tar.gz"))) as source:
        sources = {name.partition("/")[2] for name in source.getnames()}
    carried = {
        f"eyeline/carried/{name}.{kind}" for name in NETWORKS for kind in ("onnx", "LICENSE")
    }
    assert carried <= inside & sources
    assert {"hatch_build.py", "CITATION.cff", "NOTICE"} <= sources
    assert not [name for name in inside if not name.startswith("eyeline")]


@pytest.mark.parametrize("version", PYTHONS)
def test_the_core_runs_without_torch(dist: Path, tmp_path: Path, version: str) -> None:
    python = python_of(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    run(python, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    bin_ = tmp_path / "venv" / "bin"
    wheel = next(dist.glob("*.whl"))
    constraints = ("-c", ROOT / "constraints.txt")
    run(bin_ / "pip", "install", "--quiet", "--no-compile", *constraints, wheel, cwd=tmp_path)
    run(bin_ / "python", "-m", "pip", "check", cwd=tmp_path)
    packages = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    assert size_of(packages) < MOST_BYTES
    run(bin_ / "eyeline", "demo", "-o", "out", cwd=tmp_path)
    assert (tmp_path / "out" / "sample" / "report.html").is_file()
    for module in ("torch", "matplotlib", "supervision", "imageio_ffmpeg"):
        assert (
            "No module"
            in run(bin_ / "python", "-c", f"import {module}", cwd=tmp_path, code=1).stderr
        )
    assert "csts" in run(bin_ / "eyeline", "list", cwd=tmp_path).stdout
    for arguments, extra in (
        (["train", "gaze_3d/gafa", "--data", ".", "-o", "net"], "networks"),
        (["query", "out", "select 1"], "summary"),
        (["view", "out", "--no-browser"], "view"),
    ):
        ended = run(bin_ / "eyeline", *arguments, cwd=tmp_path, code=2)
        assert f"pip install 'eyeline[{extra}]'" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1

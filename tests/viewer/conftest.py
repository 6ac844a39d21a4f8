"""Results of a synthetic analysis, with the packaged sample as its video."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from eyeline import sample
from eyeline.export.index import write_index
from eyeline.export.tables import write_tables
from eyeline.results import Analysis, Clock
from tests.export.conftest import build, video_info

TOKEN = "t0ken"


@pytest.fixture(scope="session")
def computed() -> Analysis:
    """Two people who pass a look on each second, in the size of the sample."""
    frame = np.arange(260)
    video = video_info(10.4, width_px=854, height_px=480)
    clock = Clock.exact(frame, frame / 25, (frame + 1) / 25)
    return build(2, 260, video=video, clock=clock)


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory, computed: Analysis) -> Path:
    """What the tests copy."""
    return put(computed, tmp_path_factory.mktemp("stored") / "talk", sample.path())


@pytest.fixture
def root(tmp_path: Path, stored: Path) -> Path:
    """`results/talk`, with its video, `talk.mp4`, in the folder above."""
    shutil.copy(sample.path(), tmp_path / "talk.mp4")
    shutil.copytree(stored, tmp_path / "results/talk")
    return tmp_path / "results"


def put(analysis: Analysis, folder: Path, video: Path | None = None) -> Path:
    """The tables and the index of an analysis in a new folder."""
    folder.mkdir(parents=True)
    write_tables(analysis, folder)
    write_index(analysis, folder, source={"bytes": video.stat().st_size} if video else None)
    return folder


@contextmanager
def served(root: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command as a process, and the address that it prints."""
    command = [sys.executable, "-m", "eyeline", "view", str(root), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found, line
            yield found[0], process
        finally:
            process.kill()

"""A small folder of results: three people who pass a look on, with two answers by frame."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eyeline.export.index import write_index
from eyeline.export.tables import write_tables
from eyeline.results import Analysis
from tests.export.conftest import build

NAME = {"kind": "name_person", "person": 1, "name": "mother"}


@pytest.fixture(scope="session")
def computed() -> Analysis:
    return build(persons=3, frames=100)


@pytest.fixture
def folder(tmp_path: Path, computed: Analysis) -> Path:
    return put(computed, tmp_path / "talk")


def put(analysis: Analysis, folder: Path) -> Path:
    """The tables and the index of an analysis in a new folder."""
    folder.mkdir()
    write_tables(analysis, folder)
    write_index(analysis, folder)
    return folder


Put = Callable[[Analysis, Path], Path]

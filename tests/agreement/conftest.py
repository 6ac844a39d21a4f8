"""A results folder as `analyze` leaves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eyeline.export import load, write_elan, write_index, write_tables
from eyeline.results import Analysis
from tests.export.conftest import build


@pytest.fixture
def make_results() -> Callable[[Path], Analysis]:
    def make(folder: Path) -> Analysis:
        folder.mkdir(parents=True)
        analysis = build(persons=2)
        write_tables(analysis, folder)
        write_elan(analysis, folder, media="talk.mp4")
        write_index(analysis, folder)
        return load(folder)

    return make

"""Small data sets that several tests read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from eyeline.systems.gaze_anticipation import prepare
from tests.systems.gaze_anticipation import filmed, judged

LISTS = Path(__file__).parents[4] / "shared" / "reference" / "csts" / "data"


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def ego4d(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos of 12 s in Ego4D's layout; not to be changed."""
    return filmed.ego4d(tmp_path_factory.mktemp("ego4d"))


@pytest.fixture(scope="session")
def prepared(ego4d: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, prepared; not to be changed."""
    out = tmp_path_factory.mktemp("prepared")
    assert not prepare.run(ego4d, out).failed
    return out


@pytest.fixture(scope="session")
def judged_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five prepared videos to train and test on, as of `judged`; not to be changed."""
    return judged.prepared(tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="session")
def authors() -> Path:
    """The authors' lists and tables, which state no licence and are not part of eyeline."""
    if not LISTS.is_dir():
        pytest.skip("the authors' lists are not beside the repository")
    return LISTS

"""Frozen numbers of the original code, annotated material where it is at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from eyeline.systems.eye_contact.data import AnnotatedVideo, Tracklet
from eyeline.systems.eye_contact.samples import Sample, landmark_samples
from tests.systems.eye_contact.faces import six_points

GOLDEN = Path(__file__).parent / "golden"

Array = npt.NDArray[Any]


@pytest.fixture
def golden() -> Callable[[str], dict[str, Array]]:
    def read(name: str) -> dict[str, Array]:
        with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
            return dict(file)

    return read


@pytest.fixture(scope="session")
def annotated(shared: Path) -> Path:
    """The folder of annotated videos."""
    folder = shared / "reference" / "ecs" / "data"
    if not folder.is_dir():
        pytest.skip("no annotated videos in ../shared/reference/ecs/data")
    return folder


@pytest.fixture(scope="session")
def invented() -> list[Sample]:
    """Four tracklets in four videos and two folds whose label is told by the head's turn."""
    samples = []
    for number in range(4):
        yaw = np.sin(np.arange(300) / 20 + number)
        points = six_points(15 * yaw, np.zeros(300), np.zeros(300))
        label = (yaw > 0).astype(np.int64)
        whole = Tracklet(0, points, label, np.zeros(300, np.int64))
        video = AnnotatedVideo(f"video{number}", number % 2, 1280, 720, (whole,))
        samples += landmark_samples(video)
    return samples

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eyeline.speech.voice import Speech, listen
from eyeline.video.sound import SoundBlock

Hear = Callable[[np.ndarray], Speech]


@pytest.fixture(scope="session")
def hear() -> Hear:
    """What is heard in a whole sound."""
    return lambda sound: listen(blocks(sound))


@pytest.fixture(scope="session")
def lr_asd_file(shared: Path) -> Path:
    """The published LR-ASD weights."""
    return shared / "weights/lr_asd_talkset.model"


def blocks(sound: np.ndarray, sizes: list[int] | None = None) -> list[SoundBlock]:
    """A sound cut at the given sizes, by default into half seconds."""
    edges = np.cumsum([0, *(sizes or [8000] * (len(sound) // 8000))])
    edges = [*edges[edges < len(sound)].tolist(), len(sound)]
    pieces = itertools.pairwise(edges)
    return [SoundBlock(a / 16000, np.asarray(sound[a:b], np.float32)) for a, b in pieces]

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eyeline.speech.voice import Speech, listen
from eyeline.video.audio import AudioBlock

Hear = Callable[[np.ndarray], Speech]


@pytest.fixture(scope="session")
def hear() -> Hear:
    """What is heard in a whole audio."""
    return lambda audio: listen(blocks(audio))


@pytest.fixture(scope="session")
def lr_asd_file(shared: Path) -> Path:
    """The published LR-ASD weights."""
    return shared / "weights/lr_asd_talkset.model"


def blocks(audio: np.ndarray, sizes: list[int] | None = None) -> list[AudioBlock]:
    """An audio signal cut at the given sizes, by default into half seconds."""
    edges = np.cumsum([0, *(sizes or [8000] * (len(audio) // 8000))])
    edges = [*edges[edges < len(audio)].tolist(), len(audio)]
    pieces = itertools.pairwise(edges)
    return [AudioBlock(a / 16000, np.asarray(audio[a:b], np.float32)) for a, b in pieces]

"""The talkers by whom a threshold is chosen: their lips go with their audio."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.speech.conftest import Hear

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture(scope="module")
def talkers() -> ModuleType:
    sys.path.insert(0, str(SCRIPTS))
    try:
        from sample_parts import talkers as module
    finally:
        sys.path.remove(str(SCRIPTS))
    return module


def test_a_voice_is_heard_while_lips_talk(talkers: ModuleType, hear: Hear) -> None:
    spoken = talkers.talk(3, 10.0)
    assert len(spoken.audio) == 160_000 and len(spoken.opening) == len(spoken.talks) == 250
    again = talkers.talk(3, 10.0)
    assert (again.audio == spoken.audio).all() and (again.opening == spoken.opening).all()
    voice = hear(spoken.audio).voice_at((np.arange(250) + 0.5) * 0.04)
    assert voice[spoken.talks].mean() > 0.8 > 0.4 > voice[~spoken.talks].mean()
    power = np.square(spoken.audio.reshape(250, -1)).mean(axis=1)
    assert np.corrcoef(spoken.opening, np.log(power + 1e-5))[0, 1] > 0.5


def test_mouths_at_rest(talkers: ModuleType) -> None:
    kinds = [talkers.resting(seed, 4.0) for seed in range(9)]
    assert all(len(k) == 100 and k.min() >= 0 and k.max() <= 1 for k in kinds)
    assert min(k.max() for k in kinds) == 0 < max(k.std() for k in kinds)


def test_films_show_the_mouth(talkers: ModuleType) -> None:
    levels = np.linspace(0.9, 0.1, talkers.LEVELS)[:, None, None, None]
    looks = talkers.Looks(np.full((talkers.LEVELS, 376, 376, 3), levels, np.float32))
    film = talkers.film(looks, np.array([0.0, 0.5, 1.0]), seed=1)
    assert film.shape == (3, 224, 224, 3) and film.dtype == np.uint8
    shut, half, wide = film.mean(axis=(1, 2, 3))
    assert half == pytest.approx((shut + wide) / 2, rel=0.02) and shut > 4 * wide

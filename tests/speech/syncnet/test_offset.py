"""Parity numbers: the original's search for the offset, on drawn features and on a real clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.speech.syncnet.offset import distances, measure, padded
from tests.closeness import assert_close_to_scale

from .conftest import Golden


def test_drawn_features(golden: Golden) -> None:
    wanted = golden("syncnet")
    result = distances(wanted["pd_f1"], padded(wanted["pd_f2"], int(wanted["pd_vshift"])))
    assert_close_to_scale(result, wanted["pd_dist"])
    offset = measure(result)
    assert_close_to_scale(offset.mean, wanted["pd_mdist"])
    assert offset.ticks == wanted["pd_offset"]
    assert offset.confidence == pytest.approx(float(wanted["pd_conf"]), abs=1e-4)
    np.testing.assert_allclose(offset.each, wanted["pd_fconf"], atol=1e-4)
    np.testing.assert_allclose(offset.smooth, wanted["pd_fconfm"], atol=1e-4)


def test_stored_distances_of_the_real_network(shared: Path) -> None:
    with np.load(shared / "reference/vgs/data/speaker_012/speaker_012.npz") as file:
        stored = dict(file)
    for track, distance in enumerate(stored["sync_dist"]):
        offset = measure(distance)
        assert offset.ticks == stored["offset"][track]
        assert f"{offset.confidence:.3f}" == f"{stored['conf'][track]:.3f}"


def test_a_known_shift_is_found() -> None:
    rng = np.random.default_rng(0)
    audio = rng.standard_normal((90, 16))
    lips = audio[15 + 4 : 15 + 4 + 60]
    offset = measure(distances(lips, audio))
    assert offset.ticks == -4, "the audio comes four ticks after the lips"
    assert offset.confidence > 3


def test_audio_that_is_not_there_leaves_no_distance() -> None:
    audio = np.ones((12, 3))
    audio[:2] = np.nan
    result = distances(np.zeros((10, 3)), audio)
    assert np.isnan(result).sum() == 3


@pytest.mark.parametrize("rows", [9, 11])
def test_audio_of_another_length_is_refused(rows: int) -> None:
    with pytest.raises(DataError, match="even number"):
        distances(np.zeros((10, 3)), np.zeros((rows, 3)))


def test_no_rows_are_refused() -> None:
    with pytest.raises(DataError, match="shorter than a clip"):
        measure(np.zeros((0, 31)))

"""Parity numbers: the original's run over a real crop, with weights drawn by name.

What decoders differ by is the tolerance: a hundredth.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.speech.mfcc import mfcc
from eyeline.speech.syncnet.features import OverTime
from eyeline.speech.syncnet.model import SyncNet
from eyeline.speech.syncnet.offset import distances, measure, padded
from eyeline.speech.syncnet.published import who_speaks
from eyeline.video.audio import read_audio
from eyeline.video.reader import VideoReader

from .conftest import Golden

TOLERANCE = 1e-2


@pytest.fixture(scope="module")
def crop(shared: Path) -> Path:
    return shared / "reference/vgs/data/speaker_012/crop_00000.avi"


def faces(crop: Path, count: int | None = None) -> np.ndarray:
    shown = [frame.rgb()[..., ::-1] for frame in VideoReader(crop)]
    return np.stack(shown[:count])


def coefficients(crop: Path) -> np.ndarray:
    return mfcc(np.concatenate([block.samples for block in read_audio(crop, 16000, start_s=0.0)]))


def assert_near(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


def test_its_audio(shared: Path, golden: Golden) -> None:
    wanted = golden("syncnet")
    wav = shared / "reference/vgs/data/speaker_012/audio.wav"
    result = mfcc(np.concatenate([b.samples for b in read_audio(wav, 16000, start_s=0.0)]))
    assert result.shape == tuple(wanted["mfcc_real_shape"])
    np.testing.assert_allclose(result[::10], wanted["mfcc_real_sub"], atol=1e-3)


def test_its_first_second(crop: Path, published: SyncNet, golden: Golden) -> None:
    wanted = golden("syncnet")
    quick = OverTime(published)
    lips = quick.lips(faces(crop, 29))
    assert_near(lips[::4, ::64], wanted["real_V_sub"][:7])
    rows = coefficients(crop)
    audio = quick.sound(rows[: 4 * 39 + 20])
    assert_near(audio[:28:4, ::64], wanted["real_A_sub"][:7])
    apart = distances(lips, np.pad(audio, ((15, 0), (0, 0)))[: len(lips) + 30])
    assert_near(apart[::4], wanted["real_dist"][:7])


@pytest.mark.slow
def test_all_of_it(crop: Path, published: SyncNet, golden: Golden) -> None:
    wanted, scores = golden("syncnet"), golden("speaker_score")
    quick = OverTime(published)
    seen = faces(crop)
    assert_near(seen.mean(axis=(1, 2))[::4], wanted["real_frame_bgr_mean"])
    lips = quick.lips(seen)[:-2]
    audio = quick.sound(coefficients(crop))[: len(lips)]
    assert_near(lips[::4, ::64], wanted["real_V_sub"])
    assert_near(audio[::4, ::64], wanted["real_A_sub"])
    apart = distances(lips, padded(audio))
    assert_near(apart[::4], wanted["real_dist"])
    offset = measure(apart)
    assert offset.ticks == wanted["real_offset"]
    assert offset.confidence == pytest.approx(float(wanted["real_conf"]), abs=0.02)
    named = who_speaks(np.stack([lips, lips[::-1]]), audio)
    margin = np.abs(np.subtract(*named.information.T))
    assert (named.track == scores["real_who"])[margin > 0.05].mean() > 0.9

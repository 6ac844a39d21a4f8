"""Scores of kinds of frames: each frame lands where it belongs, once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from eyeline.errors import DataError
from eyeline.systems.eye_contact.data import AnnotatedVideo, Tracklet
from eyeline.systems.eye_contact.elan import TARGETS
from eyeline.systems.eye_contact.report import Predicted
from eyeline.systems.eye_contact.samples import Sample
from eyeline.systems.eye_contact.slices import kinds_of, slice_scores
from tests.systems.eye_contact.faces import six_points

Array = npt.NDArray[Any]
FRAMES = 300  # 12 s


def video(target: Array, uncertain: Array, *, name: str = "c_v") -> AnnotatedVideo:
    """A head that looks ahead for a third, 38 degrees aside for a third, 50 for the last."""
    yaw = np.repeat([0.0, 38.0, 50.0], FRAMES // 3)
    points = six_points(yaw, np.zeros(FRAMES), np.zeros(FRAMES))
    label = (target > 0).astype(np.int64)
    whole = Tracklet(0, points, label, uncertain, number=4, target=target)
    return AnnotatedVideo(name, 0, 1280, 720, (whole,))


def sample(of: AnnotatedVideo) -> Sample:
    return Sample(of.name, 0, np.zeros((FRAMES, 1), np.float32), of.tracklets[0].label, None, "004")


def predicted(logit: Array) -> Predicted:
    return Predicted((logit,), (logit,), ((logit > 0).astype(np.int64),))


@pytest.fixture
def scene() -> AnnotatedVideo:
    target = np.zeros(FRAMES, np.int64)
    target[50:150] = TARGETS.index("host")
    target[220:240] = TARGETS.index("camera")
    uncertain = np.zeros(FRAMES, np.int64)
    uncertain[290:] = 1
    return video(target, uncertain)


def test_frames_fall_into_bands(scene: AnnotatedVideo) -> None:
    right = np.where(scene.tracklets[0].label == 1, 1.0, -1.0)
    result = slice_scores([sample(scene)], predicted(right), kinds_of([scene]))
    assert [b["frames"] for b in result["head turn"].values()] == [100, 100, 100]
    assert [b["positive"] for b in result["head turn"].values()] == [0.5, 0.5, 0.2]
    assert result["tracklet length"]["8 to 20"]["frames"] == FRAMES
    assert result["video's contact"]["30 to 60"]["frames"] == FRAMES
    for measure in ("head turn", "eye distance", "head speed", "tracklet length"):
        assert sum(b["frames"] for b in result[measure].values()) == FRAMES, measure
    assert result["head turn"]["45 and over"]["accuracy"] == 1.0
    assert result["head turn"]["45 and over"]["auc"] == 1.0


def test_a_head_that_jumps_is_fast_there(scene: AnnotatedVideo) -> None:
    result = slice_scores([sample(scene)], predicted(np.ones(FRAMES)), kinds_of([scene]))
    fast = result["head speed"]["30 and over"]["frames"]
    assert 4 <= fast <= 60, "about the two jumps, and nowhere else"


def test_wrong_in_one_band_shows_there_alone(scene: AnnotatedVideo) -> None:
    logit = np.where(scene.tracklets[0].label == 1, 1.0, -1.0)
    logit[100:200] *= -1
    result = slice_scores([sample(scene)], predicted(logit), kinds_of([scene]))["head turn"]
    assert [b["accuracy"] for b in result.values()] == [1.0, 0.0, 1.0]
    assert [b["auc"] for b in result.values()] == [1.0, 0.0, 1.0]


def test_targets_and_uncertain_frames(scene: AnnotatedVideo) -> None:
    logit = np.full(FRAMES, -1.0)
    logit[50:150] = 2.0
    result = slice_scores([sample(scene)], predicted(logit), kinds_of([scene]))
    host, camera = result["target"]["host"], result["target"]["camera"]
    assert (host["frames"], host["accuracy"], host["auc"]) == (100, 1.0, 1.0)
    assert (camera["frames"], camera["accuracy"], camera["auc"]) == (20, 0.0, 0.5)
    assert result["target"]["none"]["accuracy"] == 1.0
    counts = {name: scores["frames"] for name, scores in result["uncertain"].items()}
    assert counts == {"all frames": 300, "without uncertain": 290, "uncertain": 10}
    assert result["uncertain"]["uncertain"]["auc"] is None


def test_unknown_targets_are_left_out(scene: AnnotatedVideo) -> None:
    plain = video(np.zeros(0, np.int64), np.zeros(FRAMES, np.int64)).tracklets[0]
    bare = Tracklet(0, plain.six_px, scene.tracklets[0].label, plain.uncertain, number=4)
    one = AnnotatedVideo("c_v", 0, 1280, 720, (bare,))
    result = slice_scores([sample(scene)], predicted(np.ones(FRAMES)), kinds_of([one]))
    assert "target" not in result and "head turn" in result


def test_empty_bands_have_no_figures(scene: AnnotatedVideo) -> None:
    result = slice_scores([sample(scene)], predicted(np.ones(FRAMES)), kinds_of([scene]))
    empty = result["tracklet length"]["under 8 s"]
    assert empty == {"frames": 0, "positive": None, "accuracy": None, "auc": None}


def test_tracklets_that_are_not_there_are_named(scene: AnnotatedVideo) -> None:
    with pytest.raises(DataError, match="c_v, tracklet 004: 300 frames"):
        slice_scores([sample(scene)], predicted(np.ones(FRAMES)), {})

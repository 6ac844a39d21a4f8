"""Features: what must not change them, what turns their signs, one road for all callers."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.eye_contact.data import AnnotatedVideo, Tracklet
from eyeline.systems.eye_contact.infer import MIN_PIECE_S, pieces_of
from eyeline.systems.eye_contact.landmarks.inputs import (
    FEATURES,
    PARITY,
    Landmarks,
    _rank,
    grid_s,
    person_features,
    resample,
)
from eyeline.systems.eye_contact.samples import landmark_samples
from tests.systems.eye_contact.faces import MIRRORED_ORDER, six_points, track, wandering

SIZE = (1280, 720)


def noisy(frames: int, seed: int = 0) -> Landmarks:
    face = wandering(frames, seed)
    rng = np.random.default_rng(seed)
    return Landmarks(face.time_s, face.six_px + rng.normal(0, 0.5, face.six_px.shape))


def test_names_are_one_each() -> None:
    assert len(set(FEATURES)) == len(FEATURES) == len(PARITY)
    turned = {name for name, sign in zip(FEATURES, PARITY, strict=True) if sign < 0}
    assert "yaw.video" in turned and "mode_yaw" in turned
    assert not turned & {"pitch.video", "yaw.far", "inner_width.posed", "mode_distance"}


@pytest.mark.parametrize("frames", [1, 2, 3, 50, 400])
def test_any_length_gives_finite_numbers(frames: int) -> None:
    (rows,) = person_features([noisy(frames)], *SIZE)
    assert rows.shape == (frames, len(FEATURES)) and rows.dtype == np.float32
    assert np.isfinite(rows).all()


def test_a_frozen_face_has_no_std() -> None:
    still = Landmarks(np.arange(60) / 25, np.repeat(six_points(*np.zeros((3, 1))), 60, axis=0))
    (rows,) = person_features([still], *SIZE)
    for name in ("yaw.video", "pitch.track", "roll.speed", "inner_width.posed", "mode_distance"):
        assert np.abs(rows[:, FEATURES.index(name)]).max() < 1e-3, name


def test_the_whole_video_is_the_measure() -> None:
    """The same track means another thing beside another track of the same person."""
    face, other = noisy(200, 1), noisy(300, 2)
    turned = Landmarks(other.time_s + 50, other.six_px + np.array([30.0, 0.0]))
    (alone,) = person_features([face], *SIZE)
    paired, _ = person_features([face, turned], *SIZE)
    assert np.abs(alone - paired)[:, FEATURES.index("yaw.video")].max() > 0.05
    assert np.array_equal(
        alone[:, FEATURES.index("yaw.track")], paired[:, FEATURES.index("yaw.track")]
    )


def test_order_and_place_of_tracks_do_not_matter() -> None:
    face, other = noisy(200, 1), noisy(300, 2)
    ahead = person_features([face, other], *SIZE)
    later = [Landmarks(f.time_s + 1000, f.six_px) for f in (other, face)]
    behind = person_features(later, *SIZE)
    density = [FEATURES.index(n) for n in FEATURES if "density" in n or "mode" in n or ".view" in n]
    same = np.setdiff1d(np.arange(len(FEATURES)), density)  # those use a sample of the frames
    assert behind[1][:, same] == pytest.approx(ahead[0][:, same], abs=1e-3)


def test_mirrored_faces_turn_the_signs() -> None:
    """Nearly so: the published face model is not symmetric."""
    face = wandering(300, 3)
    twin = Landmarks(face.time_s, face.six_px[:, MIRRORED_ORDER] * [-1, 1] + [1280, 0])
    (rows,), (twins,) = (person_features([f], *SIZE) for f in (face, twin))
    telling = np.flatnonzero(rows.std(axis=0) > 1e-3)
    alike = {FEATURES[i]: np.corrcoef(rows[:, i] * PARITY[i], twins[:, i])[0, 1] for i in telling}
    for name in ("yaw.video", "roll.video", "yaw.speed", "mode_yaw", "pitch.local", "roll.view"):
        assert alike[name] > 0.8, name
    assert np.median(list(alike.values())) > 0.8


def test_a_image_of_twice_the_size_changes_little() -> None:
    """Both sizes have an assumed camera of half the width."""
    face = noisy(250, 4)
    small, large = (800, 600), (1600, 1200)
    (rows,) = person_features([Landmarks(face.time_s, face.six_px * 0.5)], *small)
    (twice,) = person_features([face], *large)
    assert twice == pytest.approx(rows, abs=2e-3)


@pytest.mark.parametrize("rate_hz", [12.5, 29.97, 50.0, 60.0])
def test_other_rates_give_the_features_of_25_hz(rate_hz: float) -> None:
    frames = round(8 * rate_hz)
    face, plain = wandering(frames, 5, rate_hz=rate_hz), wandering(200, 5)
    (rows,), (expected,) = (person_features([f], *SIZE) for f in (face, plain))
    shared = min(len(rows), len(expected))
    assert abs(len(rows) - len(expected)) <= 2
    yaw = FEATURES.index("yaw.video")
    assert rows[10 : shared - 10, yaw] == pytest.approx(expected[10 : shared - 10, yaw], abs=0.06)


def test_the_grid_keeps_frames_of_25_hz_where_they_are() -> None:
    time_s = (1374 + np.arange(500)) / 25
    assert grid_s(time_s) == pytest.approx(time_s, abs=1e-9)
    values = np.random.default_rng(0).normal(size=(500, 6, 2))
    assert resample(time_s, values, grid_s(time_s)) == pytest.approx(values, abs=1e-6)


def test_training_and_raw_video_take_one_road() -> None:
    face = noisy(300, 6)
    label = np.zeros(300, np.int64)
    video = AnnotatedVideo("v", 0, *SIZE, (Tracklet(0, face.six_px, label, label),))
    (sample,) = landmark_samples(video)
    whole = track(face)
    (piece,) = pieces_of([whole], MIN_PIECE_S)
    seen = Landmarks(whole.time_s[piece.seen], whole.six_px[piece.seen])
    (rows,) = person_features([seen], *SIZE)
    assert np.array_equal(sample.features, rows)


def test_no_tracks_and_no_face() -> None:
    assert person_features([], *SIZE) == []
    nothing = Landmarks(np.arange(50) / 25, np.zeros((50, 6, 2)))
    face = noisy(100, 7)
    bad, good = person_features([nothing, face], *SIZE)
    (alone,) = person_features([face], *SIZE)
    assert np.isnan(bad).all() or np.isfinite(bad).all()
    assert np.isfinite(good).all() and np.isfinite(alone).all()


@pytest.mark.parametrize(
    ("time_s", "six_px", "message"),
    [
        ([0.0, 0.04], np.zeros((3, 6, 2)), "axis 'frame'"),
        ([0.0, 0.04], np.zeros((2, 5, 2)), "axis '6'"),
        ([0.0, 0.0], np.zeros((2, 6, 2)), "must increase"),
        ([0.0, 0.04], np.full((2, 6, 2), np.nan), "no numbers"),
        ([0.0, np.inf], np.zeros((2, 6, 2)), "no numbers"),
    ],
)
def test_wrong_landmarks_are_named(time_s: list[float], six_px: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Landmarks(np.array(time_s), six_px)


def test_equal_values_rank_alike_as_in_scipy() -> None:
    from scipy.stats import rankdata

    column = np.random.default_rng(0).integers(0, 9, 50).astype(float)
    np.testing.assert_allclose(_rank(column), (rankdata(column) - 1) / 50 * 3 - 1.5)

"""Both predictors on scenes made by hand, with the shipped weights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import CheckpointError, UsageError
from eyeline.geometry import directions
from eyeline.people.tracks import Track
from eyeline.results import Answer, Floats, Scores, Segments
from eyeline.system import load_system
from eyeline.systems.eye_contact.decode import decode
from eyeline.systems.eye_contact.infer import (
    MAX_GAP_S,
    MIN_PIECE_S,
    CameraAngle,
    LandmarksTcnPredictor,
    by_person,
    contact_answers,
    pieces_of,
)
from eyeline.systems.eye_contact.landmarks.fit import logits_of, person_logits
from eyeline.systems.eye_contact.landmarks.inputs import FEATURES, Landmarks
from eyeline.systems.eye_contact.samples import open_videos, samples_of
from eyeline.systems.eye_contact.weights import SHIPPED, load_landmarks_tcn
from eyeline.training import checkpoint
from tests.closeness import assert_close_to_scale
from tests.people import build
from tests.systems.eye_contact.faces import track, wandering
from tests.systems.scenes import CAMERA, looking, scene


@pytest.fixture(scope="module")
def predictor() -> LandmarksTcnPredictor:
    return LandmarksTcnPredictor()


def split(predictions: Sequence[Answer]) -> tuple[Scores, Segments]:
    scores, segments = predictions
    assert isinstance(scores, Scores) and isinstance(segments, Segments)
    return scores, segments


def faces(*lengths: int, person: int = 1) -> tuple[Track, ...]:
    """Tracks of one person with a second between them."""
    starts = np.cumsum([0, *(n / 25 + 1 for n in lengths[:-1])])
    return tuple(
        track(wandering(n, i, start_s=float(s)), track_id=i + 1, person=person)
        for i, (n, s) in enumerate(zip(lengths, starts, strict=True))
    )


def test_the_shipped_weights_say_what_they_are() -> None:
    assert SHIPPED.stat().st_size < 2_000_000
    model = load_landmarks_tcn()
    assert tuple(model.card.settings["features"]) == FEATURES
    assert model.card.settings["threshold"] == 0.5
    assert "no licence" in model.card.licence
    assert model.card.data["frames"] == 118_687 and len(model.card.data["videos"]) == 37
    pooled = model.card.scores["pooled"]
    assert pooled["accuracy"] >= 0.57 and pooled["auc"] >= 0.60
    assert pooled["f1_at_10"] >= 0.48 and pooled["f1_at_50"] >= 0.19


def test_the_card_of_the_room() -> None:
    card = load_system("ecs")
    assert card.name == "eye_contact" and card.default == "landmarks_tcn"
    assert card.beside == ("camera_angle",)
    builder = card.builders["landmarks_tcn"]
    assert builder.method.weights == SHIPPED.name
    assert builder.networks == ("landmarks_tcn",)
    saved, state = checkpoint.load(SHIPPED)
    network = card.networks["landmarks_tcn"](**saved.arguments)
    checkpoint.fill(network, state, SHIPPED)


def test_the_measured_figures_are_those_of_the_weights_and_importing_the_room_is_light() -> None:
    pooled = load_landmarks_tcn().card.scores["pooled"]
    said = load_system("eye_contact").builders["landmarks_tcn"].method.measured
    assert f"accuracy {100 * pooled['accuracy']:.1f} %" in said
    assert f"AUC {pooled['auc']:.2f}" in said
    code = (
        "import sys, eyeline.systems.eye_contact as room;"
        "assert room.SYSTEM; print({'torch', 'cv2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_rows_are_those_of_the_tracks(predictor: LandmarksTcnPredictor) -> None:
    tracks = (*faces(150, 200), replace(faces(120)[0], person=2, track_id=9))
    scores, segments = split(predictor.predict(scene(*tracks)))
    assert len(scores) == 470 and scores.name == segments.name == "eye_contact"
    assert np.array_equal(scores.frame, np.concatenate([t.frame for t in tracks]))
    assert np.array_equal(scores.person, np.repeat([1, 1, 2], [150, 200, 120]))
    assert np.isfinite(scores.value).all() and scores.threshold == 0.5
    assert set(segments.label) <= {"unknown partner"}
    assert set(segments.person.tolist()) <= {1, 2}


def test_the_same_scene_gives_the_same_answer(predictor: LandmarksTcnPredictor) -> None:
    created = scene(*faces(200))
    first, second = split(predictor.predict(created)), split(predictor.predict(created))
    assert np.array_equal(first[0].value, second[0].value)
    assert np.array_equal(first[1].start_s, second[1].start_s)


def test_segments_are_the_decoded_rows_and_no_people(predictor: LandmarksTcnPredictor) -> None:
    (face,) = faces(500)
    scores, segments = split(predictor.predict(scene(face)))
    scale = np.log(scores.value / (1 - scores.value))
    states = decode(scale, predictor.model.decoding)
    covered = np.zeros(500, bool)
    for start, end in zip(segments.start_s, segments.end_s, strict=True):
        covered |= (scores.time_s >= start - 1e-9) & (scores.time_s < end - 1e-9)
    assert 0 < covered.sum() < 500
    assert np.array_equal(covered, states == 1)
    scores, segments = split(predictor.predict(scene()))
    assert len(scores) == len(segments) == 0


def test_short_and_blurred_tracks_are_not_answered(predictor: LandmarksTcnPredictor) -> None:
    short = track(wandering(int(MIN_PIECE_S * 25) - 1), track_id=1, person=1)
    blurred = track(wandering(200), track_id=2, person=2, quality=0.1)
    single = track(wandering(1), track_id=3, person=3)
    good = track(wandering(200, 2), track_id=4, person=4)
    scores, segments = split(predictor.predict(scene(short, blurred, single, good)))
    known = np.isfinite(scores.value)
    assert not known[scores.person < 4].any() and known[scores.person == 4].all()
    assert set(segments.person.tolist()) <= {4}


def test_landmarks_that_are_no_numbers_are_left_out(predictor: LandmarksTcnPredictor) -> None:
    (face,) = faces(200)
    points = face.six_px.copy()
    points[50] = np.nan
    scores, _ = split(predictor.predict(scene(replace(face, six_px=points))))
    assert np.isfinite(scores.value).all()


@pytest.mark.parametrize("rate_hz", [10.0, 23.976, 30.0, 60.0])
def test_any_rate(predictor: LandmarksTcnPredictor, rate_hz: float) -> None:
    face = track(wandering(round(8 * rate_hz), rate_hz=rate_hz))
    plain = track(wandering(200))
    scores, _ = split(predictor.predict(scene(face)))
    expected, _ = split(predictor.predict(scene(plain)))
    assert len(scores) == len(face) and np.isfinite(scores.value).all()
    at_25 = np.interp(expected.time_s, scores.time_s, scores.value)
    assert np.abs(at_25 - expected.value)[20:-20].mean() < 0.1


def test_uneven_frames(predictor: LandmarksTcnPredictor) -> None:
    face = wandering(400)
    kept = np.sort(np.random.default_rng(0).choice(400, 260, replace=False))
    uneven = track(Landmarks(face.time_s[kept], face.six_px[kept]))
    scores, _ = split(predictor.predict(scene(uneven)))
    assert len(scores) == 260 and np.isfinite(scores.value).all()


def test_frames_that_fraction_a_time_stamp(predictor: LandmarksTcnPredictor) -> None:
    (face,) = faces(200)
    time_s = face.time_s.copy()
    time_s[60] = time_s[59]
    scores, _ = split(predictor.predict(scene(replace(face, time_s=time_s))))
    assert np.isfinite(scores.value).all()


def test_people_do_not_measure_each_other(predictor: LandmarksTcnPredictor) -> None:
    (one,) = faces(200)
    other = track(wandering(300, 7), track_id=5, person=2)
    alone, _ = split(predictor.predict(scene(one)))
    paired, _ = split(predictor.predict(scene(one, other)))
    assert_close_to_scale(paired.value[:200], alone.value, 1e-6)


def test_raw_tracks_and_training_tracklets_give_one_answer(
    predictor: LandmarksTcnPredictor, annotated: Path
) -> None:
    from eyeline.systems.eye_contact.data import read_folder
    from eyeline.systems.eye_contact.samples import landmark_samples

    video = min(read_folder(annotated).videos, key=lambda v: v.frame_count)
    tracks = [
        track(Landmarks(t.time_s, t.six_px), track_id=i + 1) for i, t in enumerate(video.tracklets)
    ]
    created = scene(*tracks)
    created = replace(
        created, video=replace(created.video, width_px=video.width_px, height_px=video.height_px)
    )
    scores, _ = split(predictor.predict(created))
    features = [s.features for s in landmark_samples(video)]
    logits = person_logits(predictor.model.network, features)
    expected = predictor.model.calibration.probability(np.concatenate(logits))
    assert scores.value == pytest.approx(expected, abs=1e-6)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no weights file"):
        LandmarksTcnPredictor(tmp_path / "w")


def into_the_lens(face: Track) -> np.ndarray:
    return np.asarray(-CAMERA.rays(face.eyes_px[:1])[0])


def test_camera_angle_follows_the_gaze() -> None:
    (face,) = faces(100)
    # beside the first: in one place, a look at the other would be one into the lens
    beside = wandering(100)
    beside = Landmarks(beside.time_s, beside.six_px + np.array([400.0, 0.0]))
    other = track(beside, person=2, track_id=2)
    gaze = looking((face, other), {1: into_the_lens(face), 2: np.array([1.0, 0, 0])}, 200.0)
    scores, segments = split(CameraAngle().predict(scene(face, other, gaze=gaze)))
    assert scores.name == segments.name == "looks_at_camera"
    assert scores.value[10:90].min() >= scores.threshold and scores.value[110:190].max() < 0.05
    assert segments.person.tolist() == [1] and segments.label == ("camera",)
    # at the ends of a track the chain knows less: a quarter of a second may be missing
    ends = (segments.start_s[0], segments.end_s[0])
    assert ends == pytest.approx((face.time_s[0], face.end_s[-1]), abs=0.25)


def test_the_default_directions_are_sure_enough_for_a_look_at_the_camera() -> None:
    """Head pose and irises give a concentration of 20 to 30."""
    (face,) = faces(50)
    towards = into_the_lens(face)
    aside = np.array([np.cos(0.3) * towards[0] + np.sin(0.3), towards[1], towards[2]])
    for direction, seen in ((towards, 1), (aside / np.linalg.norm(aside), 0)):
        gaze = looking((face,), {1: direction}, 22.0)
        assert len(split(CameraAngle().predict(scene(face, gaze=gaze)))[1]) == seen


def test_camera_angle_needs_directions() -> None:
    with pytest.raises(UsageError, match="gaze_3d"):
        CameraAngle().predict(scene(*faces(50)))


@pytest.mark.slow
def test_the_shipped_network_fits_what_it_was_trained_on(annotated: Path) -> None:
    """It has seen these videos, so it must do better here than the cross-validation says."""
    model = load_landmarks_tcn()
    samples = samples_of(open_videos(annotated))
    logit = np.concatenate([logits_of(model.network, s.features) for s in samples])
    label = np.concatenate([s.label for s in samples])
    assert ((logit >= 0) == (label == 1)).mean() > model.card.scores["pooled"]["accuracy"]


def test_a_blink_of_the_landmarks_is_bridged_and_a_long_gap_is_not() -> None:
    face = track(wandering(400))
    quality = face.quality.copy()
    quality[100:105] = 0
    quality[200:240] = 0
    pieces = pieces_of([replace(face, quality=quality)], 2.0)
    assert [(p.rows[0], p.rows[-1]) for p in pieces] == [(0, 199), (240, 399)]
    assert len(pieces[0].rows) == 200 and len(pieces[0].seen) == 195
    assert MAX_GAP_S * 25 < 40


@pytest.mark.parametrize(("frames", "found"), [(1, 0), (50, 0), (51, 1), (52, 1)])
def test_short_pieces_are_left_out(frames: int, found: int) -> None:
    assert len(pieces_of([track(wandering(frames))], 2.0)) == found


def test_points_that_are_no_numbers_and_times_that_repeat_are_not_seen() -> None:
    face = track(wandering(100))
    points, time_s = face.six_px.copy(), face.time_s.copy()
    points[10] = np.nan
    time_s[21] = time_s[20]
    (piece,) = pieces_of([replace(face, six_px=points, time_s=time_s)], 1.0)
    assert sorted(set(range(100)) - set(piece.seen.tolist())) == [10, 21]


def test_pieces_go_to_their_person_and_strangers_stand_alone() -> None:
    tracks = [
        track(wandering(60), track_id=i + 1, person=person)
        for i, person in enumerate([2, 0, 2, 0, 1])
    ]
    groups = by_person(pieces_of(tracks, 1.0), tracks)
    assert [[p.track for p in group] for group in groups] == [[0, 2], [1], [3], [4]]


def test_answers_have_a_row_for_each_row_and_segments_where_it_is_held() -> None:
    face = track(wandering(10))
    value, in_contact = np.linspace(0, 1, 10), np.arange(10) >= 7
    value[0] = np.nan
    scores, segments = contact_answers(scene(face), "made", [value], [in_contact])
    assert len(scores) == 10 and scores.builder == "made" and np.isnan(scores.value[0])
    assert segments.start_s.tolist() == [face.time_s[7]]
    assert segments.end_s.tolist() == [face.end_s[9]]
    assert segments.score[0] == pytest.approx(value[7:].mean())


def contact(*tracks: Track, towards: dict[int, Floats]) -> tuple[Scores, Segments]:
    """What is concluded of networks that see contact throughout."""
    created = scene(*tracks, gaze=looking(tracks, towards))
    value = [np.full(len(t), 0.9) for t in tracks]
    scores, segments = contact_answers(created, "made", value, [v > 0.5 for v in value])
    assert isinstance(scores, Scores) and isinstance(segments, Segments)
    return scores, segments


def aim(yaw_deg: float, pitch_deg: float = 0.0) -> Floats:
    return directions.from_yaw_pitch(*np.radians([yaw_deg, pitch_deg]))


LEFT = build.track(range(40), person=1, track_id=1, at=(300.0, 360.0))
RIGHT = build.track(range(40), person=2, track_id=2, at=(900.0, 360.0))
ALONE = build.track(range(40), person=1)


def test_contact_names_its_partner_and_no_contact_with_closed_eyes_nor_with_the_scene() -> None:
    _, segments = contact(LEFT, RIGHT, towards={1: aim(50), 2: aim(-60)})
    assert segments.label == ("person 2", "person 1")
    assert contact(ALONE, towards={1: aim(0)})[1].label == ("camera",)
    assert contact(ALONE, towards={1: aim(32)})[1].label == ("unknown partner",)
    lids = np.where(np.arange(40) < 20, 0.32, 0.08)
    scores, segments = contact(replace(ALONE, lid_opening=lids), towards={1: aim(0)})
    assert segments.end_s.tolist() == [ALONE.end_s[19]]
    assert scores.value[:20].min() >= scores.threshold and scores.value[20:].max() == 0
    scores, segments = contact(ALONE, towards={1: aim(0, -35)})
    assert len(segments) == 0 and scores.value.max() == 0


def test_what_cannot_be_said_stays_unsaid_where_contact_is_excluded() -> None:
    created = scene(ALONE, gaze=looking((ALONE,), {1: aim(0, -35)}))
    scores, _ = contact_answers(created, "made", [np.full(40, np.nan)], [np.zeros(40, bool)])
    assert isinstance(scores, Scores) and np.isnan(scores.value).all()

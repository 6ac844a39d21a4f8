"""The predictor on scenes made by hand; the gaze network is stubbed but for the slow test."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from eyeline.errors import CheckpointError, UsageError
from eyeline.people.tracks import Track
from eyeline.results import Answer, Scores, Segments
from eyeline.system import Scene
from eyeline.systems.eye_contact.xgaze.infer import MIN_FRAMES, XgazeMstcnPredictor
from eyeline.systems.eye_contact.xgaze.inputs import cut_faces, views
from eyeline.systems.eye_contact.xgaze.model import MsTcn2, ms_tcn2
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.eye_contact.faces import track, wandering
from tests.systems.scenes import scene


@dataclass(frozen=True)
class ImageItem:
    """A frame whose pixels tell which one it is."""

    index: int

    def rgb(self) -> np.ndarray:
        row = np.tile(np.array(shade(self.index), np.uint8), 1280)
        return np.repeat(row[None], 720, axis=0).reshape(720, 1280, 3)


def shade(index: int) -> tuple[int, int, int]:
    return (index * 7) % 256, (index // 36) % 256, 10


class Looks:
    """In the place of the gaze network: features that tell which image a face was cut from."""

    def __init__(self, batch_size: int = 7) -> None:
        self.batch_size = batch_size
        self.seen: list[int] = []

    def __call__(self, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert 1 <= len(faces) <= self.batch_size
        centre = faces[:, 112, 112, ::-1].astype(np.float64)
        self.seen.append(len(faces))
        return np.zeros((len(faces), 2), np.float32), feature_of(centre)


def feature_of(rgb: np.ndarray) -> np.ndarray:
    """Features `(n, 2048)` that differ from shade to shade and are not negative."""
    waves = np.sin(rgb @ np.random.default_rng(5).normal(0, 0.05, (3, 2048)))
    return np.abs(waves).astype(np.float32)


@pytest.fixture(scope="module")
def segmenting(temporal: MsTcn2) -> MsTcn2:
    """Deterministic weights, but for a bias by which about half of the frames are contact."""
    network = copy.deepcopy(temporal)
    features = feature_of(np.array([shade(i) for i in range(150)], np.float64))
    with torch.inference_mode():
        logits = network(torch.from_numpy(features.T[None]))[-1, 0]
        centre = (logits[1] - logits[0]).median()
    with torch.no_grad():
        network.Rs[-1].conv_out.bias[0] += centre.item()
    return network


@pytest.fixture(scope="module")
def segmenting_weights(segmenting: MsTcn2, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "segmenting.safetensors"
    checkpoint.save(path, segmenting.state_dict(), CheckpointCard("eye_contact", "ms_tcn2", {}))
    return path


@pytest.fixture(scope="module")
def opened(gaze_weights: Path, segmenting_weights: Path) -> XgazeMstcnPredictor:
    return XgazeMstcnPredictor(gaze_weights, segmenting_weights, threads=1)


@pytest.fixture
def predictor(opened: XgazeMstcnPredictor) -> XgazeMstcnPredictor:
    opened.features = Looks()  # type: ignore[assignment]
    return opened


def shown(*tracks: Track, missing: Sequence[int] = ()) -> Scene:
    created = scene(*tracks)
    last = max((int(t.frame[-1]) for t in tracks), default=0)

    def frames() -> Iterator[Any]:
        return (ImageItem(i) for i in range(last + 5) if i not in missing)

    return replace(created, frames=frames)


def split(predictions: Sequence[Answer]) -> tuple[Scores, Segments]:
    scores, segments = predictions
    assert isinstance(scores, Scores) and isinstance(segments, Segments)
    return scores, segments


def expected(network: MsTcn2, frames: np.ndarray) -> np.ndarray:
    """Probability of contact when the image of `frames` is seen at each moment."""
    features = feature_of(np.array([shade(int(i)) for i in frames], np.float64))
    with torch.inference_mode():
        logits = network(torch.from_numpy(features.T[None]))[-1, 0]
        return torch.softmax(logits, dim=0)[1].numpy()


def nearest(times: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Index of the time nearest to each of others; of two as near the earlier."""
    return np.abs(times - to[:, None]).round(9).argmin(1)


def test_each_face_is_seen_once_and_segmented_as_by_the_network(
    predictor: XgazeMstcnPredictor, segmenting: MsTcn2
) -> None:
    face = track(wandering(150))
    scores, segments = split(predictor.predict(shown(face)))
    assert scores.value == pytest.approx(expected(segmenting, face.frame), abs=1e-4)
    assert sum(predictor.features.seen) == 150
    assert (scores.name, scores.builder, scores.threshold) == ("eye_contact", "xgaze_mstcn", 0.5)
    covered = np.zeros(150, bool)
    for start, end in zip(segments.start_s, segments.end_s, strict=True):
        covered |= (scores.time_s >= start - 1e-9) & (scores.time_s < end - 1e-9)
    assert np.array_equal(covered, scores.value >= 0.5) and 0 < covered.sum() < 150
    assert set(segments.label) == {"unknown partner"}


def test_none_one_and_two_faces_a_frame(predictor: XgazeMstcnPredictor, segmenting: MsTcn2) -> None:
    """Frames 0 to 24 have none, then one, 150 to 260 two; the third track is too short."""
    first = track(wandering(240, start_s=1.0), track_id=1, person=1)
    second = track(wandering(111, 3, start_s=6.0), track_id=2, person=2)
    short = track(wandering(MIN_FRAMES - 1, 4, start_s=1.0), track_id=3, person=3)
    created = shown(first, second, short)
    scores, segments = split(predictor.predict(created))
    assert len(scores) == 240 + 111 + 99
    assert scores.value[:240] == pytest.approx(expected(segmenting, first.frame), abs=1e-4)
    assert scores.value[240:351] == pytest.approx(expected(segmenting, second.frame), abs=1e-4)
    assert np.isnan(scores.value[351:]).all() and 3 not in segments.person
    assert np.array_equal(scores.time_s[:240], first.time_s)
    assert sum(predictor.features.seen) == 351, "faces of short tracks are not looked at"


@pytest.mark.parametrize(("frames", "answered"), [(99, False), (100, True), (101, True)])
def test_the_shortest_piece(predictor: XgazeMstcnPredictor, frames: int, answered: bool) -> None:
    scores, _ = split(predictor.predict(shown(track(wandering(frames)))))
    assert np.isfinite(scores.value).all() == answered
    assert np.isnan(scores.value).all() != answered


def test_a_track_from_the_very_first_frame_and_no_tracks(predictor: XgazeMstcnPredictor) -> None:
    face = track(wandering(120))
    assert face.frame[0] == 0
    scores, _ = split(predictor.predict(shown(face)))
    assert np.isfinite(scores.value).all()
    scores, segments = split(predictor.predict(shown()))
    assert len(scores) == len(segments) == 0


@pytest.mark.parametrize("rate_hz", [10.0, 24000 / 1001, 30.0, 50.0])
def test_other_rates_are_brought_to_25_hz(
    predictor: XgazeMstcnPredictor, segmenting: MsTcn2, rate_hz: float
) -> None:
    face = track(wandering(round(8 * rate_hz) + 1, rate_hz=rate_hz))
    scores, _ = split(predictor.predict(shown(face)))
    moments = np.arange(round(face.time_s[-1] * 25) + 1) / 25
    seen = nearest(face.time_s, moments)
    at_moments = expected(segmenting, face.frame[seen])
    assert scores.value == pytest.approx(at_moments[nearest(moments, face.time_s)], abs=1e-4)
    assert sum(predictor.features.seen) == len(set(seen.tolist()))


def test_long_gaps_part_and_short_ones_are_bridged(
    predictor: XgazeMstcnPredictor, segmenting: MsTcn2
) -> None:
    face = track(wandering(400))
    quality = face.quality.copy()
    quality[50:56] = 0
    quality[200:240] = 0
    scores, _ = split(predictor.predict(shown(replace(face, quality=quality))))
    assert np.isnan(scores.value[200:240]).all()
    frames = np.arange(200)
    frames[50:53], frames[53:56] = 49, 56
    assert scores.value[:200] == pytest.approx(expected(segmenting, frames), abs=1e-4)
    assert scores.value[240:] == pytest.approx(expected(segmenting, np.arange(240, 400)), abs=1e-4)


def test_a_frame_that_never_comes_leaves_its_piece_without_answer(
    predictor: XgazeMstcnPredictor,
) -> None:
    one = track(wandering(120), track_id=1, person=1)
    other = track(wandering(120, 2, start_s=6.0), track_id=2, person=2)
    scores, segments = split(predictor.predict(shown(one, other, missing=[60])))
    assert np.isnan(scores.value[:120]).all() and np.isfinite(scores.value[120:]).all()
    assert set(segments.person.tolist()) <= {2}


def test_frames_are_read_no_farther_than_needed(predictor: XgazeMstcnPredictor) -> None:
    face = track(wandering(110))
    read: list[int] = []

    def frames() -> Iterator[Any]:
        for i in itertools.count():
            read.append(i)
            yield ImageItem(i)

    scores, _ = split(predictor.predict(replace(scene(face), frames=frames)))
    assert np.isfinite(scores.value).all() and read[-1] <= 111


def test_the_batch_and_a_second_run_change_nothing(predictor: XgazeMstcnPredictor) -> None:
    tracks = [track(wandering(130, i), track_id=i + 1, person=i + 1) for i in range(3)]
    first, _ = split(predictor.predict(shown(*tracks)))
    again, _ = split(predictor.predict(shown(*tracks)))
    assert np.array_equal(first.value, again.value)
    predictor.features = Looks(64)  # type: ignore[assignment]
    other, _ = split(predictor.predict(shown(*tracks)))
    assert other.value == pytest.approx(first.value, abs=1e-5)


def test_weights_may_say_how_to_decode(
    gaze_weights: Path, tmp_path: Path, segmenting: MsTcn2
) -> None:
    never = {"balance": 0.0, "window_s": 10.0, "switch_cost": 1e6}
    card = CheckpointCard(
        "eye_contact", "ms_tcn2", {},
        settings={"calibration": {"scale": 0.5}, "decoding": never},
    )  # fmt: skip
    checkpoint.save(tmp_path / "w.safetensors", segmenting.state_dict(), card)
    predictor = XgazeMstcnPredictor(gaze_weights, tmp_path / "w.safetensors", threads=1)
    predictor.features = Looks()  # type: ignore[assignment]
    face = track(wandering(150))
    scores, segments = split(predictor.predict(shown(face)))
    plain = expected(segmenting, face.frame).astype(np.float64)
    odds = 0.5 * np.log(plain / (1 - plain))
    assert scores.value == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-4)
    assert len(segments) <= 1


def test_what_cannot_be_is_refused(
    gaze_weights: Path, temporal_weights: Path, tmp_path: Path
) -> None:
    from eyeline.systems.eye_contact.weights import SHIPPED

    with pytest.raises(UsageError, match="cuda:99"):
        XgazeMstcnPredictor(gaze_weights, temporal_weights, "cuda:99")
    with pytest.raises(CheckpointError, match="expected eye_contact/xgaze_resnet50"):
        XgazeMstcnPredictor(temporal_weights, gaze_weights)
    with pytest.raises(CheckpointError, match="expected eye_contact/ms_tcn2"):
        XgazeMstcnPredictor(gaze_weights, SHIPPED)
    narrow = ms_tcn2(features=512)
    card = CheckpointCard("eye_contact", "ms_tcn2", {"features": 512})
    checkpoint.save(tmp_path / "narrow.safetensors", narrow.state_dict(), card)
    with pytest.raises(CheckpointError, match="512 wide"):
        XgazeMstcnPredictor(gaze_weights, tmp_path / "narrow.safetensors")


def test_a_scene_without_images(predictor: XgazeMstcnPredictor) -> None:
    with pytest.raises(UsageError, match="no frames"):
        predictor.predict(scene(track(wandering(120))))


@pytest.mark.slow
def test_a_real_clip_face_by_face(
    gaze_weights: Path, temporal_weights: Path, gaze_network: Callable[[Tensor], Any],
    temporal: MsTcn2, interview: Path,
) -> None:  # fmt: skip
    """Real faces through both networks, against the same done plainly, one face at a time."""
    from eyeline.geometry.camera import Camera
    from eyeline.people.find import find_people
    from eyeline.systems.eye_contact.xgaze.inputs import network_input
    from eyeline.video.reader import VideoReader
    from eyeline.video.shots import mark_shots

    reader = VideoReader(interview)
    first = itertools.islice(mark_shots(reader), 110)
    result = find_people(first, Camera.from_fov(1280, 720))
    longest = max(result.tracks, key=len)
    created = Scene(reader.info, Camera.from_fov(1280, 720), [longest], frames=lambda: iter(reader))
    scores, _ = split(XgazeMstcnPredictor(gaze_weights, temporal_weights).predict(created))
    features = []
    with torch.inference_mode():
        for frame in itertools.islice(reader, 110):
            for row in np.flatnonzero(longest.frame == frame.index):
                seen = views(longest.six_px[row : row + 1], 1280, 720)
                face = cut_faces(np.ascontiguousarray(frame.rgb()[..., ::-1]), seen.warp)
                features.append(gaze_network(network_input(face))[1][0])
        moments = np.arange(round((longest.time_s[-1] - longest.time_s[0]) * 25) + 1) / 25
        since = longest.time_s - longest.time_s[0]
        logits = temporal(torch.stack(features)[nearest(since, moments)].T[None])[-1, 0]
        plain = torch.softmax(logits, dim=0)[1].numpy()
    assert scores.value == pytest.approx(plain[nearest(moments, since)], abs=2e-3)

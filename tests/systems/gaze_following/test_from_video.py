"""The builder on scenes made by hand, with a scripted or a shrunken detector, and on a video."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyeline import sample
from eyeline.analysis import analyze_video
from eyeline.errors import CheckpointError, UsageError
from eyeline.geometry.camera import Camera
from eyeline.people.tracks import Track
from eyeline.results import TARGET_OFF_SCREEN, TARGET_SCENE, Points, Segments
from eyeline.settings import Settings
from eyeline.system import Scene
from eyeline.systems.gaze_following.detector.infer import CandidateDetector, Candidates
from eyeline.systems.gaze_following.from_video import MaskRcnnMlp
from eyeline.systems.gaze_following.fusion import Enhanced
from tests.closeness import assert_close_to_scale
from tests.people.build import track
from tests.systems.gaze_following.detector.invented import saved
from tests.systems.gaze_following.matching.invented import saved_matcher
from tests.systems.scenes import looking, scene

WIDTH, HEIGHT = 320, 240
Found = Callable[[int], Sequence[tuple[float, float, float, float, float]]]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class ImageItem:
    """A dark frame whose corner tells which one it is, with a bright thing in it."""

    index: int

    def rgb(self) -> np.ndarray:
        rgb = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
        rgb[:2, :2] = self.index % 250
        rgb[150:190, 120:170] = (230, 40, 200)
        return rgb


class Scripted:
    """Finds what it is told to, by the number of the frame, and remembers what it was shown."""

    def __init__(self, found: Found, at_once: int = 1) -> None:
        self.found, self.at_once, self.fusion = found, at_once, "hs"
        self.looked: list[int] = []
        self.images: list[np.ndarray] = []

    def find(self, images: Sequence[np.ndarray]) -> list[Candidates]:
        assert len(images) <= self.at_once
        self.images += images
        self.looked += [int(p[0, 0, 0]) for p in images]
        known = [np.array(self.found(int(p[0, 0, 0])), float).reshape(-1, 5) for p in images]
        return [Candidates(t[:, :4], t[:, 4]) for t in known]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    return saved(folder / "mask_rcnn.safetensors", fusion="h", short_px=96)


@pytest.fixture(scope="module")
def matching(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return saved_matcher(tmp_path_factory.mktemp("weights") / "matcher.safetensors")


def scripted(weights: Path, found: Found, **options: Any) -> tuple[MaskRcnnMlp, Scripted]:
    predictor = MaskRcnnMlp(weights, threads=1, **options)
    detector = Scripted(found, options.get("at_once", 1))
    predictor.detector = detector  # type: ignore[assignment]
    return predictor, detector


def face(frames: range, number: int = 1, x: float = 60.0, shot: int = 0) -> Track:
    return track(frames, person=number, track_id=number, shot=shot, at=(x, 60.0), scale=0.2)


def shown(
    *tracks: Track, missing: Sequence[int] = (), speaking: dict[int, float] | None = None
) -> Scene:
    last = max((int(t.frame[-1]) for t in tracks), default=9)
    created = scene(*tracks, speaking=speaking)
    frames = lambda: (ImageItem(i) for i in range(last + 4) if i not in missing)  # noqa: E731
    info = replace(created.video, width_px=WIDTH, height_px=HEIGHT)
    return replace(created, video=info, camera=Camera.from_fov(WIDTH, HEIGHT), frames=frames)


def log(answers: Sequence[Any]) -> tuple[Points, Segments]:
    points, spans = answers
    assert isinstance(points, Points) and isinstance(spans, Segments)
    assert points.builder == spans.builder == "mask_rcnn_mlp"
    assert points.name == spans.name == "gaze_target"
    return points, spans


def walking(frame: int) -> list[tuple[float, float, float, float, float]]:
    """Something that moves a pixel a frame, surely found."""
    x = 100.0 + frame
    return [(x - 20, 180, x + 20, 220, 0.9)]


def test_looks_now_and_then_or_always_and_predicts_always(weights: Path) -> None:
    predictor, detector = scripted(weights, walking)
    points, spans = log(predictor.predict(shown(face(range(5, 40)), face(range(20, 30), 2, 240.0))))
    assert detector.looked == [5, 18, 31]
    assert points.frame.tolist() == [*range(5, 40), *range(20, 30)]
    here = points.frame <= 31
    np.testing.assert_allclose(points.point_px[here, 0], 100 + points.frame[here])
    np.testing.assert_allclose(points.point_px[~here, 0], 131, err_msg="the last look lasts")
    np.testing.assert_allclose(points.target_xyxy[:, 2] - points.target_xyxy[:, 0], 40)
    assert (points.target == TARGET_SCENE).all() and np.allclose(points.probability, 0.9)
    assert spans.label == ("scene", "scene") and spans.person.tolist() == [1, 2]
    predictor, detector = scripted(weights, walking, every_s=0.0)
    predictor.predict(shown(face(range(6))))
    assert detector.looked == list(range(6))


def test_at_a_cut_at_once_and_nothing_goes_across(weights: Path) -> None:
    def by_shot(frame: int) -> list[tuple[float, float, float, float, float]]:
        return [(10, 200, 50, 240, 0.9)] if frame < 7 else [(14, 200, 54, 240, 0.9)]

    predictor, detector = scripted(weights, by_shot)
    points, _ = log(predictor.predict(shown(face(range(7)), face(range(7, 30), 1, shot=1))))
    assert detector.looked == [0, 7, 20]
    assert points.point_px[:, 0].tolist() == [30.0] * 7 + [34.0] * 23


def test_the_detector_sees_who_speaks(weights: Path) -> None:
    tracks = (face(range(3)), face(range(3), 2, 240.0))
    predictor, detector = scripted(weights, walking, fusion="hs")
    predictor.predict(shown(*tracks, speaking={1: 0.9, 2: 0.1}))
    centre = tracks[0].box_xyxy[0, [1, 3]].mean()
    seen = [int(detector.images[0][round(centre), x, 0]) for x in (60, 240, 150)]
    assert seen == [40 + 178, 40 + 90, 40]
    predictor, detector = scripted(weights, walking)
    assert predictor.fusion == "h", "as its file says"
    predictor.predict(shown(*tracks, speaking={1: 0.9, 2: 0.1}))
    assert int(detector.images[0][round(centre), 60, 0]) == 40 + 128


def test_without_audio(weights: Path, matching: Path) -> None:
    predictor, _ = scripted(weights, walking, matcher=matching)
    points, _ = log(predictor.predict(shown(face(range(20)), face(range(20), 2, 240.0))))
    assert len(points) == 40 and np.isfinite(points.probability).all()


def test_nobody_is_not_looked_at(weights: Path) -> None:
    predictor, detector = scripted(weights, walking)
    points, spans = log(predictor.predict(shown()))
    assert len(points) == len(spans) == 0 and not detector.looked
    assert points.heatmap is not None and points.heatmap.shape == (0, 64, 64)


def test_where_nothing_is_found_nothing_is_said(weights: Path) -> None:
    def late(frame: int) -> list[tuple[float, float, float, float, float]]:
        return walking(frame) if frame > 20 else []

    predictor, _ = scripted(weights, late)
    points, spans = log(predictor.predict(shown(face(range(40)))))
    unsaid = points.probability == 0
    assert unsaid.sum() == 20, "up to the middle between the looks of frames 13 and 26"
    assert (points.target[unsaid] == TARGET_OFF_SCREEN).all()
    assert np.isnan(points.point_px[unsaid]).all() and not np.isnan(points.point_px[~unsaid]).any()
    assert spans.label == ("scene",) and spans.start_s[0] == pytest.approx(20 / 25)


def test_a_lost_frame_has_the_next_one_stand_in(weights: Path) -> None:
    predictor, detector = scripted(weights, walking)
    points, _ = log(predictor.predict(shown(face(range(40)), missing=[0, 13, 14])))
    assert detector.looked == [1, 15, 26, 39]
    np.testing.assert_allclose(points.point_px[1:, 0], 100 + np.arange(1, 40))
    assert points.point_px[0, 0] == 101


def test_frames_that_end_early_or_pass_together(weights: Path) -> None:
    predictor, _ = scripted(weights, walking)
    cut_short = shown(face(range(40)), missing=range(10, 60))
    points, _ = log(predictor.predict(cut_short))
    assert (points.point_px[:, 0] == 100).all(), "the only look lasts"
    nothing = log(predictor.predict(replace(cut_short, frames=lambda: iter(()))))[0]
    assert len(nothing) == 40 and not nothing.probability.any()
    given = shown(face(range(60)), face(range(30, 60), 2, 240.0), speaking={1: 1.0})
    one, _ = log(scripted(weights, walking)[0].predict(given))
    predictor, detector = scripted(weights, walking, at_once=3)
    many, _ = log(predictor.predict(given))
    assert detector.looked == [0, 13, 26, 39, 52]
    for name, value in vars(one).items():
        if getattr(value, "dtype", None) == np.float64:
            assert_close_to_scale(getattr(many, name), value, 1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(value, getattr(many, name), err_msg=name)


def test_two_runs_are_equal(weights: Path, matching: Path) -> None:
    given = shown(face(range(16)), face(range(16), 2, 240.0), speaking={1: 1.0})
    predictor = MaskRcnnMlp(weights, matcher=matching, threads=1)
    first, again = (log(predictor.predict(given))[0] for _ in range(2))
    assert len(set(first.probability.tolist())) > 16
    for name, value in vars(first).items():
        np.testing.assert_array_equal(value, getattr(again, name), err_msg=name)


def test_a_head_that_is_looked_at_is_that_person(weights: Path) -> None:
    other = face(range(20), 7, 240.0)
    centre = (other.box_xyxy[0, :2] + other.box_xyxy[0, 2:]) / 2

    def head(frame: int) -> list[tuple[float, float, float, float, float]]:
        return [(centre[0] - 8, centre[1] - 8, centre[0] + 8, centre[1] + 8, 0.6)]

    points, spans = log(scripted(weights, head)[0].predict(shown(face(range(20), 3), other)))
    assert points.target.tolist() == [7] * 20 + [TARGET_SCENE] * 20, "the own face is nobody's"
    assert spans.label == ("person 7", "scene")


def test_heatmaps_and_gaze(weights: Path, matching: Path) -> None:
    predictor, _ = scripted(weights, walking, matcher=matching, heatmap_every_s=0.4)
    points, _ = log(predictor.predict(shown(face(range(25)), face(range(5, 25), 2, 240.0))))
    assert points.heatmap is not None
    assert points.frame[points.heatmap_row].tolist() == [0, 10, 20, 5, 10, 20]
    assert (points.heatmap.max(axis=(1, 2)) == 255).all()
    predictor, _ = scripted(weights, walking, matcher=matching)
    tracks = (face(range(5)), face(range(5), 2, 240.0))
    given = shown(*tracks, speaking={1: 0.0, 2: 1.0})
    ways = [np.array([1.0, 0, 0]), np.array([0.0, -1, 0])]
    result = [
        log(predictor.predict(replace(given, gaze=looking(tracks, {1: way, 2: way}))))[0]
        for way in ways
    ]
    assert not np.allclose(result[0].probability, result[1].probability)


def test_the_network_is_shown_what_it_was_trained_on(weights: Path) -> None:
    """Against the detector and the rule asked directly, frame by frame."""
    given = shown(face(range(4)), face(range(4), 2, 240.0), speaking={1: 0.9})
    points, _ = log(MaskRcnnMlp(weights, threads=1, every_s=0.0).predict(given))
    direct = CandidateDetector(weights, short_px=96, threads=1)
    for frame in range(4):
        image = Enhanced(given.tracks, given.speaking, "h").image(ImageItem(frame))  # type: ignore[arg-type]
        (result,) = direct.find([image])
        assert len(result.score)
        rows = points.frame == frame
        centre = (result.box_xyxy[0, :2] + result.box_xyxy[0, 2:]) / 2
        np.testing.assert_allclose(points.point_px[rows], np.tile(centre, (2, 1)), atol=1e-2)
        np.testing.assert_allclose(points.probability[rows], result.score[0], atol=1e-4)


def test_what_was_chosen_is_reported(weights: Path, matching: Path) -> None:
    how = MaskRcnnMlp(weights, matcher=matching, every_s=0.25).how
    assert "'h'" in how and "0.25 s" in how and "straight lines" in how and "matcher" in how
    assert "rule 'main'" in MaskRcnnMlp(weights).how


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"every_s": -1.0}, "a look every -1.0 s"),
        ({"every_s": float("nan")}, "a look every nan s"),
        ({"heatmap_every_s": 0.0}, "a heatmap every 0.0 s"),
        ({"fusion": "bright"}, "no fusion 'bright'"),
        ({"rule": "intended"}, "needs weights of slope_mlp"),
        ({"device": "tpu"}, "no device 'tpu'"),
        ({"at_once": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_is_refused(weights: Path, options: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        MaskRcnnMlp(weights, **options)


def test_other_files_are_refused(weights: Path, matching: Path) -> None:
    with pytest.raises(CheckpointError, match="expected gaze_following/mask_rcnn"):
        MaskRcnnMlp(matching)
    with pytest.raises(CheckpointError, match="expected gaze_following/matcher"):
        MaskRcnnMlp(weights, matcher=weights)
    predictor, _ = scripted(weights, walking)
    with pytest.raises(UsageError, match="the scene has no frames"):
        predictor.predict(replace(shown(face(range(2))), frames=None))


def test_analyze_with_weights(weights: Path, matching: Path) -> None:
    settings = Settings(
        systems=("gaze_following/mask_rcnn_mlp",), weights=(str(weights), str(matching)), rate_hz=2
    )
    analysis = analyze_video(sample.path(), settings)
    points = analysis.points("gaze_target")
    assert len(points) == len(analysis.people) > 25
    assert set(np.unique(points.target)) <= {TARGET_OFF_SCREEN, TARGET_SCENE, 1, 2}
    method = next(m for m in analysis.methods if m.builder == "mask_rcnn_mlp")
    assert "by the trained matcher" in method.summary
    assert method.weights is not None and {"mask_rcnn.saf", "matcher.safet"} <= {
        part[:13] for part in method.weights.split(", ")
    }

"""Heads to heatmaps, and a video's looks: which frames are seen, and what is between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from eyeline.errors import DataError, UsageError
from eyeline.people.shared_looks import shared_looks
from eyeline.people.tracks import Track
from eyeline.results import TARGET_OFF_SCREEN, TARGET_SCENE, Points, Segments
from eyeline.system import load_system
from eyeline.systems.gaze_following.gaze_lle import infer, inputs
from eyeline.systems.gaze_following.gaze_lle.infer import GazeLle, Outputs, look, peak_px
from eyeline.systems.gaze_following.gaze_lle.weights import load_pair
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_following.gaze_lle import drawn
from tests.systems.gaze_following.test_from_video import HEIGHT, WIDTH, face, shown

HEADS = np.array(drawn.HEADS_NORM)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_heads_of_several_images_pass_together(small: dict[str, Path]) -> None:
    pair = load_pair(small["gaze_lle_in_out"], small["dinov2"])
    seen: list[int] = []
    pair.encoder.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    images = [drawn.image(), drawn.image()[::-1], drawn.image()]
    with torch.inference_mode():
        first, none, last = look(pair, images, [HEADS, HEADS[:0], HEADS[1:]])
        assert seen == [3]
        assert_close_to_scale(last.heatmap[0], first.heatmap[1], 1e-5)
        assert none.heatmap.shape == (0, 64, 64) and len(none.in_frame) == 0
        assert look(pair, images[:1], [HEADS[:0]])[0].heatmap.shape == (0, 64, 64)
        assert seen == [3]


@pytest.mark.parametrize(
    ("box", "cells"),
    [
        ((0.0, 0.0, 0.5, 1.0), (0, 0, 4, 8)),
        ((0.20, 0.3, 0.24, 0.34), (1, 2, 2, 3)),  # less than half a cell
        ((0.99, 0.99, 1.0, 1.0), (7, 7, 8, 8)),
        ((0.9, -0.5, 1.7, 0.2), (7, 0, 8, 2)),
    ],
)
def test_every_head_has_cells(box: tuple[float, ...], cells: tuple[int, ...]) -> None:
    wanted = torch.zeros(8, 8)
    wanted[cells[1] : cells[3], cells[0] : cells[2]] = 1
    assert torch.equal(inputs.head_maps(np.array([box]), 8)[0], wanted)


def test_a_head_outside_the_image_is_one_line() -> None:
    heads = np.array([[10.0, 10, 50, 50], [700, 10, 760, 60]])
    with pytest.raises(DataError, match="700, 10, 760, 60 lies outside the image of 640 x 480"):
        inputs.normed_heads(heads, (640.0, 480.0))


class Scripted:
    """Looks where the test says by frame, and remembers what it was shown."""

    def __init__(self) -> None:
        self.frames: list[int] = []
        self.heads: list[int] = []
        self.cell = lambda frame, head: (40, 10 + frame)
        self.inside = lambda frame: 0.9

    def __call__(self, _: Any, images: list[np.ndarray], heads: list[np.ndarray]) -> list[Outputs]:
        result = []
        for image, boxes in zip(images, heads, strict=True):
            frame = int(image[0, 0, 0])
            self.frames.append(frame)
            self.heads.append(len(boxes))
            heat = np.full((len(boxes), 64, 64), 0.01, np.float32)
            for number in range(len(boxes)):
                heat[(number, *self.cell(frame, number))] = 0.8
            result.append(Outputs(heat, np.full(len(boxes), self.inside(frame))))
        return result


@pytest.fixture
def scripted(small: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> tuple[GazeLle, Scripted]:
    script = Scripted()
    monkeypatch.setattr(infer, "look", script)
    return GazeLle(small["gaze_lle_in_out"], small["dinov2"], threads=1), script


def predicted(predictor: GazeLle, *tracks: Track, **options: Any) -> tuple[Points, Segments]:
    points, spans = predictor.predict(shown(*tracks, **options))
    assert isinstance(points, Points) and isinstance(spans, Segments)
    assert points.builder == spans.builder == "gaze_lle"
    return points, spans


def test_frames_now_and_then_at_cuts_and_for_new_people(
    scripted: tuple[GazeLle, Scripted],
) -> None:
    predictor, script = scripted
    tracks = face(range(30)), face(range(18, 30), 2, 200.0), face(range(30, 40), 1, shot=1)
    points, spans = predicted(predictor, *tracks)
    assert script.frames == [0, 13, 18, 26, 30]
    assert script.heads == [1, 1, 2, 2, 1]
    assert (points.probability > 0).all()
    assert {*spans.person.tolist()} == {1, 2}
    assert "every 0.5 s" in predictor.how


def test_heatmaps_go_over_from_one_look_to_the_next(scripted: tuple[GazeLle, Scripted]) -> None:
    predictor, script = scripted
    script.inside = lambda frame: 0.9 if frame == 0 else 0.1
    points, _ = predicted(predictor, face(range(14)))
    x = (points.point_px[:, 0] / WIDTH * 64).tolist()
    assert x[:6] == pytest.approx([10.5] * 6)
    assert np.isnan(x[7:]).all()
    assert (points.target[7:] == TARGET_OFF_SCREEN).all()
    assert points.probability[-1] == pytest.approx(0.9)
    assert points.probability[0] == pytest.approx(0.9 * 0.8)
    assert (np.diff(points.probability[:6]) < 0).all()


def test_a_head_that_is_looked_at_is_the_target(scripted: tuple[GazeLle, Scripted]) -> None:
    predictor, script = scripted
    one, other = face(range(3)), face(range(3), 2, 200.0)
    x, y = ((other.head_xyxy[0, :2] + other.head_xyxy[0, 2:]) / 2).tolist()
    script.cell = lambda frame, head: (int(y / HEIGHT * 64), int(x / WIDTH * 64))
    points, _ = predicted(predictor, one, other)
    assert points.target.tolist() == [2, 2, 2, *[TARGET_SCENE] * 3]  # never oneself
    np.testing.assert_allclose(points.target_xyxy[:3], other.head_xyxy)
    assert np.isfinite(points.target_xyxy[3:]).all()


def test_looks_at_one_thing_are_joint_attention(scripted: tuple[GazeLle, Scripted]) -> None:
    predictor, script = scripted
    script.cell = lambda frame, head: (60, 30 + head // 2)
    points, _ = predicted(predictor, *(face(range(14), n, 70.0 * n) for n in (1, 2)))
    clock = np.stack([np.arange(14), np.arange(14) / 25, np.arange(1, 15) / 25], axis=1)
    labels = {s.name: sorted({*s.label}) for s in shared_looks([points], clock)}
    assert labels["joint_attention"] == ["scene with person 1", "scene with person 2"]
    script.cell = lambda frame, head: (60, 20 + 20 * head)
    points, _ = predicted(predictor, *(face(range(14), n, 70.0 * n) for n in (1, 2)))
    assert not any(len(s) for s in shared_looks([points], clock))


def test_a_head_outside_gets_no_target_and_is_counted(
    scripted: tuple[GazeLle, Scripted],
) -> None:
    predictor, script = scripted
    points, spans = predicted(predictor, face(range(14)), face(range(14), 2, 5000.0))
    assert (points.probability[14:] == 0).all() and (points.probability[:14] > 0).all()
    assert {*spans.person.tolist()} == {1} and script.heads == [1, 1]
    assert "outside the image, which got no target there: 2" in predictor.how


def test_lost_frames_nobody_and_no_frames(scripted: tuple[GazeLle, Scripted]) -> None:
    predictor, script = scripted
    points, _ = predicted(predictor, face(range(20)), missing=[0, 13])
    assert script.frames == [1, 14] and (points.probability > 0).all()
    points, spans = predicted(predictor)
    assert len(points) == len(spans) == 0 and points.heatmap is not None
    with pytest.raises(UsageError, match="the scene has no frames"):
        predictor.predict(replace(shown(face(range(3))), frames=None))


def test_the_peak_and_what_is_half_as_high() -> None:
    heat = np.zeros((64, 64))
    heat[20:23, 30:34], heat[21, 31], heat[50, 50] = 0.5, 0.9, 0.6
    point, box = peak_px(heat, (640.0, 320.0))
    assert point.tolist() == [315.0, 107.5]
    assert box.tolist() == [300, 100, 340, 115]


def test_the_card_opens_it(small: dict[str, Path]) -> None:
    builder = load_system("gaze_following").builders["gaze_lle"]
    assert builder.from_weights is not None
    files = {"gaze_lle": small["gaze_lle"], "dinov2": small["dinov2"]}
    predictor = builder.from_weights(files, "cpu", every_s=0.2)  # type: ignore[call-arg]
    answers = predictor.predict(shown(face(range(6))))
    assert len(answers[0]) == 6  # type: ignore[arg-type]
    assert "does not know of looks out of the image" in predictor.how  # type: ignore[attr-defined]

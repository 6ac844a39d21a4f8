"""Frames are seen once, windows are the network's own, each frame is answered once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from eyeline.errors import DataError, UsageError
from eyeline.results import Floats
from eyeline.systems.gaze_3d import inputs as preparation
from eyeline.systems.gaze_3d.model import Directions3D, Estimate, GazeFromAfar, gaze_from_afar
from eyeline.systems.gaze_3d.streaming import Answer, Report, Stream
from eyeline.systems.gaze_3d.windows import View, Window, WindowStream
from eyeline.training.fused import fused
from tests.systems.gaze_3d.conftest import Golden
from tests.systems.gaze_3d.invented import assert_same, expected, inputs

pytestmark = pytest.mark.usefixtures("one_thread")

Frames = Sequence[int]


@pytest.fixture(scope="module")
def small() -> GazeFromAfar:
    """A network of windows of three frames, with random weights."""
    torch.manual_seed(5)
    return gaze_from_afar(frames=3).eval()


def views(frames: Frames, track_id: int = 0, name: str = "tiny", side: int = 32) -> list[View]:
    clip, mask, motion = inputs(f"{name}{track_id}", 1, len(frames), side, side)
    return [
        View(track_id, frame, *(values[0, i].numpy() for values in (clip, mask, motion)))
        for i, frame in enumerate(frames)
    ]


def stacked(windows: Sequence[Window]) -> Directions3D:
    return estimates(
        np.stack([w.direction for w in windows], axis=1),
        np.stack([w.concentration for w in windows], axis=1),
    )


def estimates(direction: Floats, concentration: Floats) -> Directions3D:
    pairs = zip(torch.from_numpy(direction), torch.from_numpy(concentration), strict=True)
    return Directions3D(*(Estimate(*pair) for pair in pairs))


def seen_frames(net: GazeFromAfar) -> Counter[str]:
    """Counts the frames that each part sees from now on."""
    count: Counter[str] = Counter()
    for name in ("stem", "head_branch", "body_branch", "motion"):
        net.get_submodule(name).register_forward_pre_hook(
            lambda _, given, n=name: count.update({n: len(given[0])})
        )
    return count


@pytest.mark.parametrize("at_once", [1, 20])
def test_against_the_original(net: GazeFromAfar, golden: Golden, at_once: int) -> None:
    quick = fused(net)
    count = seen_frames(quick)
    clip, mask, motion = inputs("stream20", 1, 20)
    given = clip[0].numpy(), mask[0].numpy(), motion[0].numpy()
    shown = [View(7, 100 + i, *(values[i] for values in given)) for i in range(20)]
    stream = WindowStream(quick)
    pushes = [stream.push(shown[i : i + at_once]) for i in range(0, 20, at_once)]
    windows = [window for push in pushes for window in push]
    assert [w.frames for w in windows] == [tuple(range(100 + i, 107 + i)) for i in range(14)]
    assert_same(stacked(windows), expected(golden("streaming_20_frames")))
    assert count == dict.fromkeys(("stem", "head_branch", "body_branch", "motion"), 20)


def test_a_window_is_what_the_network_says_of_it_alone(small: GazeFromAfar) -> None:
    shown = views(range(5))
    windows = WindowStream(small).push(shown)
    clip, mask, motion = (
        torch.from_numpy(np.stack([getattr(v, name) for v in shown]))
        for name in ("image", "head_mask", "motion")
    )
    with torch.no_grad():
        whole = [small(*(t[None, i : i + 3] for t in (clip, mask, motion))) for i in range(3)]
    for window, result in zip(windows, whole, strict=True):
        alone = Directions3D(*(Estimate(e.direction[0], e.concentration[0]) for e in result))
        assert_same(estimates(window.direction, window.concentration), alone, 1e-5)


def test_several_people_do_not_touch_each_other(small: GazeFromAfar) -> None:
    one, other = views(range(6), 1), views(range(6), 2)
    together = WindowStream(small, at_once=4)
    mixed = [w for pair in zip(one, other, strict=True) for w in together.push(pair)]
    for track, own in ((1, one), (2, other)):
        alone = WindowStream(small).push(own)
        assert_same(stacked([w for w in mixed if w.track_id == track]), stacked(alone), 1e-5)


@pytest.mark.parametrize(
    ("frames", "step", "expected_windows"),
    [
        ([], 1, []),
        ([0, 1], 1, []),
        ([0, 1, 2], 1, [(0, 1, 2)]),
        ([0, 1, 3, 4, 5, 6], 1, [(3, 4, 5), (4, 5, 6)]),  # a gap begins anew
        ([0, 1, 2, 9, 10], 1, [(0, 1, 2)]),
        ([0, 2, 4, 6], 2, [(0, 2, 4), (2, 4, 6)]),
        ([0, 2, 3, 5, 7], 2, [(3, 5, 7)]),
    ],
)  # fmt: skip
def test_gaps_and_steps(
    small: GazeFromAfar, frames: Frames, step: int, expected_windows: list[tuple[int, ...]]
) -> None:
    shown = views(frames) if frames else []
    at_once = WindowStream(small, step=step).push(shown)
    live = WindowStream(small, step=step)
    single = [w for view in shown for w in live.push([view])]
    assert [w.frames for w in at_once] == [w.frames for w in single] == expected_windows
    if single:
        assert_same(stacked(single), stacked(at_once), 1e-5)


@pytest.mark.parametrize("frames", [[3, 3], [3, 2], [0, 1, 2, 1]])
def test_time_runs_forward(small: GazeFromAfar, frames: Frames) -> None:
    with pytest.raises(DataError, match=r"of track 0 came after frame"):
        WindowStream(small).push(views(frames))
    live = WindowStream(small)
    with pytest.raises(DataError, match="order of time"):
        [live.push([view]) for view in views(frames)]


def test_a_refused_push_changes_nothing(small: GazeFromAfar) -> None:
    stream, shown = WindowStream(small), views(range(4))
    stream.push(shown[:2])
    with pytest.raises(DataError):
        stream.push([shown[2], shown[0]])
    assert [w.frames for w in stream.push(shown[2:])] == [(0, 1, 2), (1, 2, 3)]


def test_wrong_shapes_and_options(small: GazeFromAfar) -> None:
    with pytest.raises(DataError, match="head_mask"):
        View(0, 0, torch.zeros(3, 8, 8), torch.zeros(1, 8, 9), torch.zeros(2))
    with pytest.raises(DataError, match="different shapes"):
        WindowStream(small).push([*views([0]), *views([0], 1, side=64)])
    with pytest.raises(UsageError, match="step 0"):
        WindowStream(small, step=0)
    with pytest.raises(UsageError, match=r"last, middle, mean"):
        Stream(small, report="first")  # type: ignore[arg-type]


def answered(stream: Stream, shown: Sequence[View], at_once: int) -> list[Answer]:
    pushes = [stream.push(shown[i : i + at_once]) for i in range(0, len(shown), at_once)]
    return [answer for push in pushes for answer in push] + stream.end()


@pytest.mark.parametrize("report", ["last", "middle", "mean"])
@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_each_frame_of_a_long_enough_run_is_answered_once(
    small: GazeFromAfar, report: Report, at_once: int
) -> None:
    frames = [0, 1, 2, 3, 4, 8, 9, 20, 21, 22, 30]
    answers = answered(Stream(small, report=report), views(frames), at_once)
    assert [a.frame for a in answers] == [0, 1, 2, 3, 4, 20, 21, 22]
    for answer in answers:
        assert answer.direction.shape == (3, 3) and answer.concentration.shape == (3,)
        assert np.linalg.norm(answer.direction, axis=1) == pytest.approx(np.ones(3), abs=1e-5)


CHOICES: dict[Report, list[list[tuple[int, int]]]] = {
    # window and place for frames 0 to 4
    "last": [[(0, 0)], [(0, 1)], [(0, 2)], [(1, 2)], [(2, 2)]],
    "middle": [[(0, 0)], [(0, 1)], [(1, 1)], [(2, 1)], [(2, 2)]],
    "mean": [[(0, 0)], [(0, 1), (1, 0)], [(0, 2), (1, 1), (2, 0)], [(1, 2), (2, 1)], [(2, 2)]],
}


@pytest.mark.parametrize("report", list(CHOICES))
def test_which_estimate_counts(small: GazeFromAfar, report: Report) -> None:
    shown = views(range(5))
    windows = WindowStream(small).push(shown)
    answers = answered(Stream(small, report=report), shown, 1)
    for answer, choice in zip(answers, CHOICES[report], strict=True):
        gaze = np.sum([windows[w].direction[0, p] for w, p in choice], axis=0)
        kappa = np.mean([windows[w].concentration[0, p] for w, p in choice])
        assert answer.direction[0] == pytest.approx(gaze / np.linalg.norm(gaze), abs=1e-4)
        assert answer.concentration[0] == pytest.approx(kappa, rel=1e-4)


DELAYS: dict[Report, list[list[int]]] = {
    "last": [[], [], [0, 1, 2], [3], [4]],
    "middle": [[], [], [0, 1], [2], [3]],
    "mean": [[], [], [0], [1], [2]],
}


@pytest.mark.parametrize("report", list(DELAYS))
def test_when_an_answer_comes(small: GazeFromAfar, report: Report) -> None:
    stream = Stream(small, report=report)
    known = [[a.frame for a in stream.push([view])] for view in views(range(5))]
    assert known == DELAYS[report]
    assert [a.frame for a in stream.push(views([9]))] == sorted(
        set(range(5)) - {frame for push in known for frame in push}
    )


def test_one_track_can_end_alone(small: GazeFromAfar) -> None:
    stream = Stream(small, report="mean")
    stream.push([*views(range(3), 1), *views(range(3), 2)])
    assert [(a.track_id, a.frame) for a in stream.end(1)] == [(1, 1), (1, 2)]
    assert [(a.track_id, a.frame) for a in stream.end()] == [(2, 1), (2, 2)]
    assert stream.end() == [] and stream.end(1) == []
    assert [a.frame for a in stream.push(views(range(3), 1))] == [0]


def shown_by(stream: Stream, frames: Frames, boxes: Tensor) -> list[View]:
    rng = np.random.default_rng(0)
    return [
        stream.view(0, frame, rng.integers(0, 255, (256, 192, 3), dtype=np.uint8), box * 0.3, box)
        for frame, box in zip(frames, boxes.numpy(), strict=True)
    ]


def test_views_of_images(small: GazeFromAfar) -> None:
    boxes = torch.tensor([[10.0 + 4 * i, 20, 60, 80] for i in range(4)])
    shown = shown_by(Stream(small), [4, 5, 7, 8], boxes)
    motion = torch.from_numpy(np.stack([view.motion for view in shown]))
    # nothing is known of the motion into the first frame, nor across the gap
    torch.testing.assert_close(motion, torch.tensor([[0, 0], [4 / 60, 0], [0, 0], [4 / 60, 0]]))
    mask = preparation.head_mask(preparation.relative_head_box(boxes[0] * 0.3, boxes[0]))
    assert np.array_equal(shown[0].head_mask, mask.numpy())
    assert shown[0].image.shape == (3, 256, 192)

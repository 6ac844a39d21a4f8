"""Synthetic recordings: what sight tells, what audio tells, and where the eyes go."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.systems.gaze_anticipation.recordings.labels import (
    FIXATION,
    OUTSIDE,
    SACCADE,
    GazeRows,
    ego4d_labels,
)
from eyeline.systems.gaze_anticipation.synthetic.scenes import (
    KINDS,
    RATE_HZ,
    ROUND_S,
    Scene,
    draw_scene,
    drift,
    in_image,
)
from eyeline.systems.gaze_anticipation.windows.sampling import EGO4D


@pytest.fixture(scope="module", params=[2, 3, 4])
def scene(request: pytest.FixtureRequest) -> Scene:
    return draw_scene(np.random.default_rng(request.param), 60, request.param)


def test_the_same_numbers_give_the_same_scene() -> None:
    one, two, other = (draw_scene(np.random.default_rng(seed), 10) for seed in (0, 0, 1))
    assert np.array_equal(one.gaze, two.gaze) and np.array_equal(one.head, two.head)
    assert one.events == two.events and not np.array_equal(one.gaze, other.gaze)


def test_a_thing_sounds_in_every_clip_before_it_is_looked_at(scene: Scene) -> None:
    """Heard while the clip may be heard, looked at once it may no more be seen."""
    assert len(scene.events) == 60 // ROUND_S
    limit_s = EGO4D.limit / EGO4D.fps
    for number, event in enumerate(scene.events):
        heard, looked = (at - number * ROUND_S for at in (event.heard_s, event.looked_s))
        assert heard + 0.5 < limit_s < looked < heard + 1.5
        assert event.looked_s < event.silent_s < event.left_s
    assert {event.thing for event in scene.events} == {*range(len(scene.things))}


def test_eyes_are_on_what_sounded(scene: Scene) -> None:
    at = [in_image(thing.places, scene.head) for thing in scene.things]
    for event in scene.events:
        span = slice(round(event.looked_s * RATE_HZ) + 3, round(event.left_s * RATE_HZ) - 3)
        away = np.linalg.norm(scene.gaze[span] - at[event.thing][span], axis=1)
        assert away.max(initial=0) < 0.08
        others = [at[k] for k in range(len(at)) if k != event.thing]
        assert all(
            np.linalg.norm(scene.gaze[span] - each[span], axis=1).min(initial=1) > 0.1
            for each in others
        )


def test_nothing_that_can_be_seen_tells_what_will_audio() -> None:
    """The head's way, and where things lie, up to the last frame that may be seen.

    A rule that says the thing the head has turned to, or the one in the middle, is right as often
    as chance.
    """
    right: dict[str, list[bool]] = {"turned to": [], "middle": [], "moves": []}
    for seed in range(30):
        scene = draw_scene(np.random.default_rng(seed), 60)
        places = np.stack([thing.places for thing in scene.things])
        for number, event in enumerate(scene.events[1:], start=1):
            first, last = number * ROUND_S * RATE_HZ + 22, number * ROUND_S * RATE_HZ + 85
            way = scene.head[last, :2] - scene.head[last - 20, :2]
            away = places[:, last] - scene.head[last, :2]
            moved = np.linalg.norm(np.diff(places[:, first:last], axis=1), axis=2).sum(1)
            rules = {"turned to": -(away @ way), "middle": np.linalg.norm(away, axis=1),
                     "moves": -moved}  # fmt: skip
            for name, least in rules.items():
                right[name].append(int(least.argmin()) == event.thing)
    for name, hits in right.items():
        # 330 rounds: a spread of 2.6 % around a third
        assert abs(np.mean(hits) - 1 / 3) < 0.09, name


def test_things_differ_in_kind_and_lie_apart_in_the_image(scene: Scene) -> None:
    kinds = [thing.kind for thing in scene.things]
    assert len({*kinds}) == len(kinds) and max(kinds) < KINDS
    at = np.stack([in_image(thing.places, scene.head) for thing in scene.things])
    rested = np.arange(scene.frames) % (ROUND_S * RATE_HZ) > 25
    assert ((at > 0) & (at < 1))[:, rested].mean() > 0.99
    for k in range(1, len(at)):
        assert np.linalg.norm(at[k] - at[k - 1], axis=1)[rested].min() > 0.15


def test_all_kinds_of_look_occur_and_places_in_a_image_that_is_turned_and_moved() -> None:
    result = np.zeros(4, int)
    for seed in range(4):
        gaze = draw_scene(np.random.default_rng(seed), 60).gaze
        rows = GazeRows(np.arange(len(gaze)) / RATE_HZ, gaze[:, 0], 1 - gaze[:, 1])
        result += np.bincount(ego4d_labels(rows, RATE_HZ, len(gaze)).kind, minlength=4)
    assert result[FIXATION] > 0.8 * result.sum()
    assert result[SACCADE] > 0.05 * result.sum()
    assert result[OUTSIDE] > 20
    head = np.array([[0.1, 0.0, 0.0], [0.0, 0.0, np.pi / 2]])
    result = in_image(np.array([[0.1, 0.0], [0.2, 0.0]]), head)
    assert result[0].tolist() == [0.5, 0.5]
    assert result[1] == pytest.approx([0.5, 0.5 - 0.2 * 1088 / 1080])


def test_a_drift_is_smooth_and_of_its_spread() -> None:
    result = drift(np.random.default_rng(0), 30_000, 2, 1.0)
    assert result.std(axis=0) == pytest.approx([1, 1], abs=0.15)
    assert np.abs(np.diff(result, axis=0)).max() < 0.4
    assert len(drift(np.random.default_rng(0), 7, 1, 6.0)) == 7

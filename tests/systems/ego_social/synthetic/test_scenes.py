from __future__ import annotations

import numpy as np
import pytest

from eyeline.systems.ego_social.recordings.annotations import RATE_HZ, WEARER
from eyeline.systems.ego_social.synthetic.scenes import (
    AT_ME_RAD,
    CLEAR_RAD,
    Scene,
    draw_scene,
)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [draw_scene(np.random.default_rng(k), 450, 640, 360) for k in range(30)]


def test_the_generators_state_decides_all(scenes: list[Scene]) -> None:
    again = draw_scene(np.random.default_rng(3), 450, 640, 360)
    assert again.turns == scenes[3].turns
    for one, other in zip(again.heads, scenes[3].heads, strict=True):
        np.testing.assert_array_equal(one.gaze_rad, other.gaze_rad)
        np.testing.assert_array_equal(one.centre_px, other.centre_px)
    assert scenes[4].turns != again.turns


def test_labels_say_where_the_eyes_go(scenes: list[Scene]) -> None:
    """Labelled frames meet the camera; of the others few do, on the way between two looks."""
    heads = [head for scene in scenes for head in scene.heads]
    off = np.concatenate([np.hypot(*head.gaze_rad.T) for head in heads])
    at_me = np.concatenate([head.at_me for head in heads]) == 1
    assert (off[at_me] < AT_ME_RAD).all()
    assert (off[~at_me] < AT_ME_RAD).mean() < 0.06
    assert (off[~at_me] > CLEAR_RAD - np.radians(3)).mean() > 0.8
    assert 0.12 < at_me.mean() < 0.45
    assert {len(scene.heads) for scene in scenes} == {1, 2, 3}


def test_the_head_alone_does_not_tell_the_look(scenes: list[Scene]) -> None:
    heads = [head for scene in scenes for head in scene.heads]
    at_me = np.concatenate([head.at_me for head in heads]) == 1
    turned = np.degrees(np.concatenate([np.hypot(*head.turned_rad[:, :2].T) for head in heads]))
    assert np.median(turned[at_me]) + 5 < np.median(turned[~at_me])
    assert np.quantile(turned[at_me], 0.8) > np.quantile(turned[~at_me], 0.2)


def test_people_look_at_whom_they_talk_to(scenes: list[Scene]) -> None:
    looks: dict[bool, list[float]] = {True: [], False: []}
    for scene in scenes:
        for head in scene.heads:
            for turn in scene.turns:
                if turn.speaker == head.person:
                    looks[turn.to_me].append(float(head.at_me[turn.start : turn.end + 1].mean()))
    assert min(map(len, looks.values())) > 20
    assert np.mean(looks[True]) > np.mean(looks[False]) + 0.3


def test_turns_follow_each_other(scenes: list[Scene]) -> None:
    speakers = set()
    for scene in scenes:
        assert all(0 <= turn.start < turn.end < scene.frames for turn in scene.turns)
        starts = [turn.start for turn in scene.turns[1:]]
        assert all(turn.end < start for turn, start in zip(scene.turns[:-1], starts, strict=True))
        assert not any(turn.to_me for turn in scene.turns if turn.speaker == WEARER)
        speakers |= {turn.speaker for turn in scene.turns}
    assert speakers == {"-1", "0", "1", "2", "3"}
    longest = max(turn.end - turn.start + 1 for scene in scenes for turn in scene.turns)
    assert longest > 5 * RATE_HZ


def test_a_scene_without_talk() -> None:
    scene = draw_scene(np.random.default_rng(0), 200, 640, 360, talk=False)
    assert scene.turns == ()
    assert scene.heads

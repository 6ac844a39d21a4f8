"""From the boxes of tracks to those that the network was trained on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eyeline.systems.gaze_3d.bodies import boxes_of
from eyeline.systems.gaze_3d.inputs import body_box_of, head_box_of
from tests.people.build import track

_HEAD_MM = 250.0


def person(height_px: float, x: float = 640.0, top: float = 40.0) -> np.ndarray:
    """BODY_25 joints `(25, 2)` of somebody 1.72 m tall who stands upright."""
    px = height_px / 1720
    level = {
        0: 150, 15: 115, 16: 115, 17: 130, 18: 130, 1: 305, 2: 305, 5: 305, 8: 820,
        10: 1200, 13: 1200, 11: 1620, 14: 1620, 22: 1715, 19: 1715, 4: 800, 7: 800,
    }  # fmt: skip
    aside = {15: -32, 16: 32, 17: -70, 18: 70, 2: -180, 5: 180, 4: -250, 7: 250, 11: -90, 14: 90}
    joints = np.zeros((25, 2))
    for joint, down in level.items():
        joints[joint] = x + aside.get(joint, 0) * px, top + down * px
    return joints


def tracked(height_px: float, *, body: bool, x: float = 640.0, top: float = 40.0):  # type: ignore[no-untyped-def]
    """The same person as a track has it."""
    px = height_px / 1720
    half = 0.4 * _HEAD_MM * px
    head = np.array([x - half, top, x + half, top + _HEAD_MM * px])
    whole = np.array([x - 260 * px, top, x + 260 * px, top + height_px])
    created = track(range(2), head_xyxy=np.tile(head, (2, 1)))
    return replace(created, body_xyxy=np.tile(whole, (2, 1)) if body else None)


@pytest.mark.parametrize("height_px", [120.0, 400.0, 640.0])
@pytest.mark.parametrize("body", [True, False])
def test_boxes_are_near_those_of_the_joints(height_px: float, body: bool) -> None:
    joints = person(height_px)
    got = boxes_of(tracked(height_px, body=body), 1280, 1280)
    for mine, theirs in ((got.head[0], head_box_of(joints)), (got.body[0], body_box_of(joints))):
        centre = (mine[:2] + mine[2:] / 2) - (theirs[:2] + theirs[2:] / 2)
        assert np.abs(centre).max() < 0.12 * theirs[3]
        assert 0.85 < mine[3] / theirs[3] < 1.15


def test_the_crop_has_the_proportions_of_the_network() -> None:
    body = boxes_of(tracked(400, body=True), 1280, 720).body
    assert np.allclose(body[:, 2] / body[:, 3], 0.75, atol=0.01)


def test_a_person_cut_by_the_image_is_taken_as_far_as_it_is_seen() -> None:
    whole = boxes_of(tracked(2000, body=False), 1280, 4000).body[0]
    cut = boxes_of(tracked(2000, body=False), 1280, 720).body[0]
    assert cut[3] < 0.6 * whole[3]
    assert cut[1] <= 180 and cut[1] + cut[3] >= 700  # the head and the border are in it


def test_a_body_smaller_than_its_head_is_not_believed() -> None:
    right = tracked(400, body=False)
    wrong = replace(right, body_xyxy=right.head_xyxy)
    assert np.array_equal(boxes_of(wrong, 1280, 720).body, boxes_of(right, 1280, 720).body)

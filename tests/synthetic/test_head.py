from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eyeline.geometry.directions import from_yaw_pitch, rotation_from_angles
from eyeline.people.irises.anatomy import IRIS_DEPTH_MM
from eyeline.results import Image
from eyeline.synthetic.camera import View
from eyeline.synthetic.head import HEAD_MM, DrawnHeads, Head, HeadPose, iris_mm, paint_face

AHEAD = np.array([0.0, 0, -1])
PX = 3.0
"""Pixels a millimetre."""
STILL = HeadPose(np.array([0.0, 0, 1000]), np.eye(3))


@pytest.fixture(scope="module")
def look() -> Head:
    drawn = Head.drawn(np.random.default_rng(1))
    return replace(drawn, skin=np.array([220.0, 180, 150]), iris=np.array([40.0, 30, 20]))


def drawn(look: Head, yaw_deg: float = 0, eyes_deg: float = 0, lids: float = 1) -> Image:
    """A head of 3 pixels a millimetre that is turned, with eyes that are turned."""
    turn = rotation_from_angles(*np.radians([yaw_deg, 0.0, 0.0]))
    pose = HeadPose(np.array([0.0, 0, 1000 / PX]), turn, lids=lids)
    gaze = from_yaw_pitch(*np.radians([eyes_deg, 0.0]))
    image = np.full((720, 600, 3), 128, np.float32)
    DrawnHeads().draw(image, look, pose, gaze, View.ahead(600, 720, 1000.0), AHEAD)
    return np.asarray(image, np.uint8)


def eye(image: Image, side: int) -> Image:
    """The brightness about one eye of a head that faces us."""
    x, y = 300 + int(31 * PX) * side, 360 - int(14 * PX)
    return np.asarray(image[y - 12 : y + 12, x - 36 : x + 36].min(axis=-1))


def centre_of_dark(patch: Image) -> float:
    return float(np.nonzero(patch < 60)[1].mean() - patch.shape[1] / 2)


@pytest.mark.parametrize("turn", [-25.0, 0.0, 25.0])
def test_irises_lie_where_the_eyes_look(look: Head, turn: float) -> None:
    expected = PX * IRIS_DEPTH_MM * np.sin(np.radians(turn))
    for side in (-1, 1):
        result = centre_of_dark(eye(drawn(look, eyes_deg=turn), side))
        assert abs(result - expected) < 3.5, side


def test_eyes_that_stay_on_us_move_in_a_turned_head(look: Head) -> None:
    """Gaze is that of the camera's frame: in a head turned right, the irises move left."""
    gaze = np.asarray(from_yaw_pitch(np.radians(0.0), np.array(0.0)))
    assert iris_mm(gaze)[0] == 0
    face = {
        x: paint_face(look, 2.0, from_yaw_pitch(np.radians(x), np.array(0.0)), STILL)
        for x in (-20.0, 20.0)
    }
    centre, row = HEAD_MM[:2] * 2.0
    left_eye = slice(int(centre - 62 - 24), int(centre - 62 + 24))
    rows = slice(int(row - 28 - 8), int(row - 28 + 8))
    dark = [centre_of_dark(face[x][rows, left_eye].min(axis=-1)) for x in (-20.0, 20.0)]
    assert dark[0] < -5 < 5 < dark[1]


def test_lids_close(look: Head) -> None:
    white = (int((eye(drawn(look, lids=lids), 1) > 190).sum()) for lids in (0.0, 0.5, 1.0))
    closed, half, opened = white
    assert closed == 0 < half < opened


def test_a_turned_head_shows_hair_and_moves_the_nose(look: Head) -> None:
    def hair(image: Image) -> int:
        face = image[250:500, 90:510].astype(float)
        return int((np.abs(face - look.hair).sum(axis=-1) < 60).sum())

    assert hair(drawn(look, 50)) > 1.5 * hair(drawn(look))
    nose = [int(drawn(look, yaw)[400:440, :, 0].argmax(axis=1).mean()) for yaw in (-30, 30)]
    assert nose[0] < 300 < nose[1]


def test_mouths_open(look: Head) -> None:
    def dark(opening: float) -> int:
        face = paint_face(look, 2.0, AHEAD, replace(STILL, mouth=opening))
        part = face[2 * (112 + 40) : 2 * (112 + 85)]
        return int((part.max(axis=-1) < 70).sum())

    assert dark(0.0) < dark(0.5) < dark(1.0)


def test_smiles_are_wide(look: Head) -> None:
    still, wide = (paint_face(look, 2.0, AHEAD, replace(STILL, smile=v)) for v in (0.0, 1.0))
    changed = np.flatnonzero(np.abs(still.astype(int) - wide).max(axis=(0, 2)))
    assert changed.min() < HEAD_MM[0] * 2 - 55 and changed.max() > HEAD_MM[0] * 2 + 55


def test_eyes_may_be_larger_than_life(look: Head) -> None:
    def white(head: Head) -> int:
        return int((paint_face(head, 2.0, AHEAD, STILL)[150:260].min(axis=-1) > 190).sum())

    assert white(replace(look, eyes=1.7)) > 2 * white(look)


def test_a_head_outside_leaves_the_image_alone(look: Head) -> None:
    pose = replace(STILL, position_mm=np.array([-1960.0, 0, 2000]))
    image = np.full((90, 160, 3), 128, np.float32)
    DrawnHeads().draw(image, look, pose, AHEAD, View.ahead(160, 90, 1000.0), AHEAD)
    assert (image == 128).all()

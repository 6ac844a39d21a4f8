"""Crops show what they should where they should, and angles are those along the ray."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.geometry.directions import rotation_from_angles
from eyeline.people import head_crops
from eyeline.people.head_crops import EYE_H, EYE_PX_PER_MM, EYE_W, HEAD_PX


def dotted(size: tuple[int, int], place: np.ndarray) -> np.ndarray:
    """A black image with a soft white dot at a place in pixels, its centre at halves."""
    x, y = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    dot = 255 * np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / 30)
    return np.repeat(dot[..., None], 3, 2).astype(np.uint8)


def centre_of(crop: np.ndarray) -> np.ndarray:
    weight = crop[..., 0].astype(float)
    y, x = np.mgrid[: crop.shape[0], : crop.shape[1]] + 0.5
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("side", [60.0, 150.0, 400.0])
def test_a_place_in_the_image_is_where_the_map_says_in_the_crop(side: float) -> None:
    box = np.array([220, 180, 220 + 0.8 * side, 180 + side])
    place = np.array([220 + 0.3 * side, 180 + 0.4 * side])
    affine = head_crops.head_affine(box)
    crop = head_crops.cut(dotted((640, 640), place), affine, (HEAD_PX, HEAD_PX))
    assert centre_of(crop) == pytest.approx(head_crops.apply(affine, place), abs=0.6)
    corners = head_crops.apply(affine, box.reshape(2, 2))
    assert corners.mean(0) == pytest.approx(HEAD_PX / 2)
    assert np.ptp(corners[:, 1]) == pytest.approx(HEAD_PX / head_crops.HEAD_MARGIN)


@pytest.mark.parametrize("roll_deg", [-30.0, 0.0, 45.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_eyes_are_level_and_the_nose_lies_right(roll_deg: float, mirrored: bool) -> None:
    roll, px_per_mm = np.radians(roll_deg), 2.0
    along = np.array([np.cos(roll), np.sin(roll)])
    affine = head_crops.eye_affine(np.array([100.0, 80]), px_per_mm, roll, mirrored)
    nose = np.array([100.0, 80]) + (-1 if mirrored else 1) * 10 * px_per_mm * along
    expected = np.array([EYE_W / 2 + 10 * EYE_PX_PER_MM, EYE_H / 2])
    assert head_crops.apply(affine, nose) == pytest.approx(expected)
    below = np.array([100.0, 80]) + 5 * px_per_mm * np.array([-along[1], along[0]])
    assert head_crops.apply(affine, below)[1] > EYE_H / 2 + 5


def test_a_head_at_the_edge_is_seen_along_its_ray() -> None:
    ray = np.array([[0.5, -0.2, 1.0]])
    turned = head_crops.towards(ray)[0]
    assert turned @ ray[0] == pytest.approx([0, 0, np.linalg.norm(ray)], abs=1e-9)
    straight = rotation_from_angles(np.array(0.0), np.array(0.0), np.array(0.0))
    assert head_crops.towards(np.array([[0.0, 0, 1]]))[0] == pytest.approx(straight)

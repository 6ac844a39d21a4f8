"""Normalised faces and the way back, against the original code's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.geometry import directions
from eyeline.systems.eye_contact.xgaze.inputs import (
    camera_plane_mm,
    cut_faces,
    network_input,
    vectors,
    views,
)
from tests.systems.eye_contact.faces import six_points

Golden = Callable[[str], dict[str, Any]]
CASES = [("normalisation_real", i) for i in range(20)] + [
    ("normalisation_synth", i) for i in range(10)
]
STOPPED_EARLY = ("normalisation_real", 18)
"""Where the original's fit of the pose stopped before its minimum."""


def pitch_yaw(vector: np.ndarray) -> np.ndarray:
    x, y, z = vector.T
    return np.stack([np.arcsin(np.clip(y, -1, 1)), np.arctan2(x, z)], axis=1)


def image(width: int, height: int) -> np.ndarray:
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    waves = [((x * (3 + c) + y * (7 - c)) // 8) % 510 for c in range(3)]
    return np.stack([np.minimum(v, 510 - v) for v in waves], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("case", CASES)
def test_views_are_those_of_the_original_code(golden: Golden, case: tuple[str, int]) -> None:
    name, i = case
    expected = {key: value[i] for key, value in golden(name).items() if len(value) > i}
    result = views(expected["landmarks"][None], *expected["size"])
    exact = 1 if case != STOPPED_EARLY else 3e4
    inverse = result.rotation[0].T
    assert inverse == pytest.approx(expected["R_inv"], abs=min(1e-7 * exact, 2e-5))
    assert result.centre_mm[0] == pytest.approx(expected["face_center"], abs=min(1e-3 * exact, 0.1))
    lifted = np.column_stack([expected["landmarks"], np.ones(6)]) @ result.warp[0].T
    assert lifted[:, :2] / lifted[:, 2:] == pytest.approx(
        expected["lm_norm"], abs=min(1e-4 * exact, 0.02)
    )


@pytest.mark.parametrize("case", CASES)
def test_faces_are_cut_as_by_the_original_code(golden: Golden, case: tuple[str, int]) -> None:
    """OpenCV 5 weighs neighbouring pixels a little differently."""
    name, i = case
    expected = golden(name)
    size = expected["size"][i]
    result = views(expected["landmarks"][i : i + 1], *size)
    (face,) = cut_faces(image(*size), result.warp)
    off = np.abs(face[::8, ::8].astype(int) - expected["warp"][i])
    assert off.max() <= 1 and (off > 0).mean() < 0.1
    assert face.reshape(-1, 3).mean(0) == pytest.approx(expected["warp_mean"][i], abs=0.05)
    if i == 0:
        tensor = network_input(face[None]).numpy()[0, :, ::16, ::16]
        one_level = 1 / 255 / 0.224
        assert tensor == pytest.approx(expected["input_first_stride16"], abs=1.01 * one_level)


@pytest.mark.parametrize("case", CASES)
def test_the_way_back_is_that_of_the_original_code(golden: Golden, case: tuple[str, int]) -> None:
    name, i = case
    expected = golden(name)
    result = views(expected["landmarks"][i : i + 1], *expected["size"][i])
    turned = result.network_vectors(expected["pred_gaze"][i : i + 1])
    assert turned[0] == pytest.approx(expected["gaze_cam"][i], abs=2e-5)
    assert pitch_yaw(turned)[0] == pytest.approx(expected["pitchyaw_cam"][i], abs=2e-5)
    on_plane = camera_plane_mm(result.centre_mm, turned)[0]
    assert on_plane == pytest.approx(expected["camplane"][i], abs=0.1)


def test_many_faces_are_as_one_by_one(golden: Golden) -> None:
    given = golden("normalisation_synth")["landmarks"]
    together = views(given, 1280, 720)
    for i, six in enumerate(given):
        alone = views(six[None], 1280, 720)
        assert alone.warp[0] == pytest.approx(together.warp[i], rel=1e-12)


def test_a_zero_answer_of_a_frontal_face_looks_into_the_camera() -> None:
    result = views(six_points(np.zeros(1), np.zeros(1), np.zeros(1)), 1280, 720)
    vector = result.network_vectors(np.zeros((1, 2)))[0]
    assert vector == pytest.approx(directions.normalise(result.centre_mm)[0], abs=1e-9)


@pytest.mark.parametrize(("answer", "axis", "sign"), [((0, 0.3), 0, -1), ((0.3, 0), 1, -1)])
def test_the_look_is_against_the_networks_vector(
    answer: tuple[float, float], axis: int, sign: int
) -> None:
    """A positive yaw of the network looks to the image's left, a positive pitch up."""
    result = views(six_points(np.zeros(1), np.zeros(1), np.zeros(1)), 1280, 720)
    straight, aside = (-result.network_vectors(np.array([a]))[0] for a in ((0.0, 0.0), answer))
    assert sign * (aside - straight)[axis] > 0.2


def test_angles_and_vectors_are_inverse_and_faces_without_a_pose_are_reported_apart() -> None:
    angles = np.random.default_rng(0).uniform(-1.5, 1.5, (50, 2))
    assert np.linalg.norm(vectors(angles), axis=1) == pytest.approx(1)
    assert pitch_yaw(vectors(angles)) == pytest.approx(angles)
    points = six_points(np.zeros(3), np.zeros(3), np.zeros(3))
    points[1] = np.nan
    result = views(points, 1280, 720)
    assert result.known.tolist() == [True, False, True] and len(result) == 3


def test_what_lies_beyond_the_image_is_black_and_no_faces() -> None:
    points = six_points(np.zeros(1), np.zeros(1), np.zeros(1), at_mm=(-590, 0, 600))
    (face,) = cut_faces(np.full((720, 1280, 3), 200, np.uint8), views(points, 1280, 720).warp)
    assert set(np.unique(face[:, :20])) == {0} and face[112, 200].tolist() == [200, 200, 200]
    result = views(np.zeros((0, 6, 2)), 640, 480)
    assert len(result) == 0 and not result.known.any()
    assert cut_faces(np.zeros((480, 640, 3), np.uint8), result.warp).shape == (0, 224, 224, 3)
    assert network_input(np.zeros((1, 224, 224, 3), np.uint8)[1:]).shape == (0, 3, 224, 224)


def test_the_networks_input_is_red_first_and_standardised_and_other_shapes_are_refused() -> None:
    faces = np.zeros((1, 224, 224, 3), np.uint8)
    faces[..., 2] = 255
    red, green, _ = network_input(faces)[0, :, 0, 0].tolist()
    assert red == pytest.approx((1 - 0.485) / 0.229, rel=1e-5)
    assert green == pytest.approx(-0.456 / 0.224, rel=1e-5)
    with pytest.raises(DataError, match="faces"):
        network_input(np.zeros((1, 112, 112, 3), np.uint8))
    with pytest.raises(DataError, match="six_px"):
        views(np.zeros((1, 5, 2)), 1280, 720)

"""The torso hung below a head, and COCO's points as the parts that the geometry needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import CheckpointError, UsageError
from eyeline.people.tracks import SIX_OF_68
from eyeline.systems.eye_contact.discovery.bodies import TorsoFromHead, make_bodies, parts_of_coco
from eyeline.systems.eye_contact.discovery.faces import Landmarked, still
from eyeline.systems.eye_contact.discovery.gaze_points import solve_bodies
from eyeline.systems.eye_contact.head import FACE_POINTS_MM, assumed_camera
from tests.systems.eye_contact.conftest import Array
from tests.systems.eye_contact.faces import six_points

FRAME = still(np.zeros((720, 1280, 3), np.uint8))
CAMERA = assumed_camera(1280, 720)


def face(six: Array) -> Landmarked:
    points = np.zeros((68, 2))
    points[list(SIX_OF_68)] = six
    return Landmarked(np.array([*(six.min(0) - 30), *(six.max(0) + 30)]), points)


def test_the_torso_of_a_head_that_faces_the_camera_is_the_mean_bodys() -> None:
    """The nose lies where the mean body has it: 151 mm above the neck and 40 before it."""
    nose = np.array([0.0, -50.0, 900.0])
    result = TorsoFromHead().find(FRAME, [face(CAMERA.project(FACE_POINTS_MM + nose))])
    assert result.poses is not None
    np.testing.assert_allclose(result.poses.to_body(nose[None]), [[0, -151, -40]], atol=0.1)
    np.testing.assert_allclose(result.poses.rotation, np.eye(3)[None], atol=1e-6)


def test_the_torso_faces_the_camera_wherever_it_stands() -> None:
    at = np.array([700.0, -50.0, 1200.0])
    result = TorsoFromHead().find(FRAME, [face(CAMERA.project(FACE_POINTS_MM + at))])
    assert result.poses is not None
    away = result.poses.rotation[0, :, 2]
    along = result.poses.translation_mm[0] * [1, 0, 1]
    np.testing.assert_allclose(away, along / np.linalg.norm(along), atol=1e-9)
    np.testing.assert_allclose(result.poses.rotation[0, :, 1], [0, 1, 0], atol=1e-9)


def test_the_torso_hardly_moves_while_the_head_turns() -> None:
    yaw = np.array([-40.0, 0.0, 40.0])
    heads = six_points(yaw, 0 * yaw, 0 * yaw)
    result = TorsoFromHead().find(FRAME, [face(six) for six in heads])
    assert result.poses is not None
    spread = np.ptp(result.poses.translation_mm, axis=0)
    nose = np.ptp(100 * np.sin(np.radians(yaw)))
    assert spread.max() < nose


def test_its_parts_lead_back_to_its_pose() -> None:
    """Solved from the parts, as those of an estimator would be; rounding costs some degrees."""
    result = TorsoFromHead().find(
        FRAME, [face(CAMERA.project(FACE_POINTS_MM + np.array([0, -50.0, 900])))]
    )
    solved = solve_bodies(result.parts_norm[:, 1:], 1280, 720, CAMERA)
    assert result.poses is not None
    cosine = (np.trace(solved.rotation[0].T @ result.poses.rotation[0]) - 1) / 2
    assert np.degrees(np.arccos(cosine)) < 6
    np.testing.assert_allclose(solved.translation_mm, result.poses.translation_mm, atol=25)


def test_part_2_lies_on_the_images_left_and_the_nose_in_the_face() -> None:
    one = face(six_points(*np.zeros((3, 1)))[0])
    (parts,) = TorsoFromHead().find(FRAME, [one]).parts_norm * [1280, 720]
    nose, neck, left, right = parts
    assert left[0] < neck[0] < right[0]
    assert (one.box_xyxy[:2] < nose).all() and (nose < one.box_xyxy[2:]).all()
    assert neck[1] > one.box_xyxy[3]


def test_no_face_no_torso_and_none_without_a_head_pose_and_parts_of_coco() -> None:
    assert len(TorsoFromHead().find(FRAME, [])) == 0
    assert len(TorsoFromHead().find(FRAME, [face(np.full((6, 2), np.nan))])) == 0
    keypoints = np.zeros((1, 17, 2))
    keypoints[0, 0], keypoints[0, 5], keypoints[0, 6] = (50, 10), (70, 40), (30, 44)
    assert parts_of_coco(keypoints).tolist() == [[[50, 10], [50, 42], [30, 44], [70, 40]]]
    assert parts_of_coco(keypoints[:0]).shape == (0, 4, 2)


def test_names_and_files_that_are_not_there() -> None:
    with pytest.raises(UsageError, match="torso_from_head, keypoint_rcnn"):
        make_bodies("openpose")
    with pytest.raises(UsageError, match="weights file"):
        make_bodies("keypoint_rcnn")
    with pytest.raises(CheckpointError, match="no such file"):
        make_bodies("keypoint_rcnn", "nowhere.pth")


def test_another_networks_weights_are_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"conv.weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"no place for conv\.weight"):
        make_bodies("keypoint_rcnn", tmp_path / "other.pth")


def test_keypoint_rcnn_reads_its_weights_and_takes_sure_people(tmp_path: Path) -> None:
    """Random weights see nothing; with the network's answer replaced, sure people are kept."""
    torch = pytest.importorskip("torch")
    from torchvision.models.detection import keypointrcnn_resnet50_fpn

    torch.manual_seed(0)
    network = keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    torch.save(network.state_dict(), tmp_path / "keypoints.pth")
    finder = make_bodies("keypoint_rcnn", tmp_path / "keypoints.pth")
    points = torch.arange(17).float()[None, :, None].expand(3, 17, 3)
    seen = torch.ones(3, 17)
    seen[1, 5] = -1
    answer = {
        "keypoints": points, "keypoints_scores": seen, "scores": torch.tensor([0.9, 0.9, 0.3]),
    }  # fmt: skip
    finder._network = lambda images: [answer]  # type: ignore[attr-defined]
    result = finder.find(FRAME, [])
    np.testing.assert_allclose(result.parts_norm[0, 1], [5.5 / 1280, 5.5 / 720])
    assert len(result) == 1 and result.poses is None

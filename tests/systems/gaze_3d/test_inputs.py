from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from eyeline.errors import DataError
from eyeline.systems.gaze_3d import inputs
from tests.systems.gaze_3d.conftest import Golden


def test_boxes_are_those_of_the_original_code(golden: Golden) -> None:
    # from running the original preparation on synthetic joints, some half missing, one alone
    known = golden("boxes")
    for joints, head, body in zip(
        known["keypoints"], known["head_bb_uvwh"], known["body_bb_uvwh"], strict=True
    ):
        np.testing.assert_array_equal(inputs.head_box_of(joints), head)
        np.testing.assert_array_equal(inputs.body_box_of(joints), body)


def test_the_steps_to_the_boxes_are_those_of_the_original_code(golden: Golden) -> None:
    known = golden("boxes")
    for joints, steps in zip(
        known["keypoints"], known["steps_tighthead_expandedhead_tightbody_expandedbody_squarebody"],
        strict=True,
    ):  # fmt: skip
        head = inputs.tight_box(joints[list(inputs.HEAD_JOINTS)])
        body = inputs.tight_box(joints)
        larger = inputs.grown(body, 0.15, 0.05, 0.2, 0.2)
        result = [head, inputs.grown(head, 0.85, -0.2, 0.1, 0.1), body, larger]
        np.testing.assert_array_equal([*result, inputs.squared(larger)], steps)


def test_crops_are_those_of_the_original_code(golden: Golden) -> None:
    known = golden("preprocess")
    images = known["raw_coarse"].repeat(26, axis=1).repeat(26, axis=2)
    wanted = [
        (0, 1, known["crop_first_full"]), (2, 4, known["crop_000002_every4"]),
        (3, 4, known["crop_000003_every4"]),
    ]  # fmt: skip
    for row, (frame, every, crop) in enumerate(wanted):
        joints = known["keypoints"][frame]
        np.testing.assert_array_equal(inputs.head_box_of(joints), known["head_bb"][row])
        np.testing.assert_array_equal(inputs.body_box_of(joints), known["body_bb"][row])
        result = inputs.crop_body(images[frame], inputs.body_box_of(joints))
        difference = np.abs(result[::every, ::every].astype(int) - crop)
        assert difference.max() <= 1  # 0 with the Pillow that made them


@pytest.mark.parametrize("size", [(676, 507), (507, 676), (640, 480), (301, 233), (1001, 90)])
def test_degrading_a_part_gives_what_degrading_the_whole_image_gives(
    size: tuple[int, int],
) -> None:
    width, height = size
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    whole = PillowImage.fromarray(image).resize((720, int(height * 720 / width)))
    degraded = np.asarray(whole.resize(size))
    for _ in range(5):
        side = rng.uniform(8, width / 2)
        box = (*rng.uniform(-side / 3, [width - side / 2, height / 2]), side, side * 4 / 3)
        np.testing.assert_array_equal(
            inputs.crop_body(image, box), inputs.crop_body(degraded, box, degrade=False)
        )


def test_a_crop_is_black_outside_the_image() -> None:
    image = np.full((90, 120, 3), 200, np.uint8)
    assert not inputs.crop_body(image, (500, 0, 30, 40)).any()
    half = inputs.crop_body(image, (-24, 0, 48, 64))
    assert not half[:, :90].any()
    assert (half[:, 102:] == 200).all()


def test_bodies_without_joints_or_numbers_are_named() -> None:
    with pytest.raises(DataError, match="no joint"):
        inputs.body_box_of(np.zeros((25, 2)))
    with pytest.raises(DataError, match="axis '25'"):
        inputs.head_box_of(np.ones((17, 2)))
    with pytest.raises(DataError, match="not finite"):
        inputs.crop_body(np.zeros((9, 9, 3), np.uint8), (0, np.nan, 3, 4))
    with pytest.raises(DataError, match="no width"):
        inputs.relative_head_box(np.ones(4), np.array([1, 2, 0, 0]))
    with pytest.raises(DataError, match="not finite"):
        inputs.head_mask(np.array([0, 0, np.inf, 1]))


def test_missing_joints_may_be_zero_or_no_number() -> None:
    joints = np.zeros((25, 2))
    joints[:3] = [[30.9, 40.2], [50, 80], [np.nan, 900]]
    assert inputs.tight_box(joints) == (30, 40, 20, 40)


def test_relative_boxes_and_motion_are_those_of_the_original_loader(golden: Golden) -> None:
    known = golden("loader")
    cameras = [key.removesuffix("|body_dv") for key in known if key.endswith("|body_dv")]
    assert len(cameras) == 3
    for camera in cameras:
        head, body = known[f"{camera}|head_bb"], known[f"{camera}|body_bb"]
        np.testing.assert_array_equal(
            inputs.relative_head_box(head, body), known[f"{camera}|head_bb_rel"]
        )
        np.testing.assert_array_equal(inputs.body_motion(body, True), known[f"{camera}|body_dv"])


def test_motion_that_is_not_circular_begins_with_nothing(golden: Golden) -> None:
    boxes = golden("loader")["lab__s1__Camera2_0|body_bb"]
    motion = inputs.body_motion(boxes, False)
    assert not motion[0].any()
    np.testing.assert_array_equal(motion[1:], inputs.body_motion(boxes, True)[1:])


def test_masks_follow_the_rules_of_slices() -> None:
    boxes = np.array([[0.25, 0.5, 0.5, 0.25], [-0.5, -0.5, 0.75, 0.75], [0.9, 0.9, 5, 5],
                      [0.5, 0.5, 0, 0.2], [-3, 0, 1, 1]])  # fmt: skip
    masks = inputs.head_mask(boxes).numpy()[:, 0]
    expected = np.zeros((5, 256, 192))
    expected[0, 128:192, 48:144] = 1
    expected[1, 0:64, 0:48] = 1
    expected[2, 230:, 172:] = 1
    np.testing.assert_array_equal(masks, expected)


def test_pixels_are_normalised_as_in_the_original_loader(golden: Golden) -> None:
    known = golden("loader")
    crops = [cv2.imdecode(known[f"item1_jpeg_{i}"], cv2.IMREAD_COLOR) for i in range(7)]
    clip = inputs.normalise(np.stack(crops)[..., ::-1])
    assert clip.shape == (7, 3, 256, 192)
    np.testing.assert_allclose(
        clip[:, :, ::16, ::16].numpy(), known["item1_image_every16"], atol=1e-5
    )

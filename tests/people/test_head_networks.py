"""The shipped networks of rendered heads and eyes."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.people.head_networks import EyeNetwork, HeadNetwork, eye_middles

BOX = np.array([[70.0, 60.0, 130.0, 140.0]])
EYES = np.array([[85.0, 90.0], [115.0, 90.0]])
MOVED = np.array([30.0, 20.0])


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(3).random((260, 260, 3))
    smooth = gaussian_filter(noise, (3, 3, 0))
    return (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


def test_a_head_that_moves_in_the_image_is_turned_alike(image: np.ndarray) -> None:
    network = HeadNetwork()
    here = network(image, np.repeat(BOX, 2, axis=0))
    there = network(np.roll(image, (20, 30), (0, 1)), BOX + np.tile(MOVED, 2))
    assert here.rotation[0] == pytest.approx(here.rotation[1], abs=1e-4)
    assert here.rotation[0] == pytest.approx(there.rotation[0], abs=1e-3)
    assert np.linalg.det(here.rotation) == pytest.approx(np.ones(2), abs=1e-4)
    assert (here.error_rad > 0).all()


def test_irises_move_with_the_image(image: np.ndarray) -> None:
    network = EyeNetwork()
    here = network(image, EYES, 0.5, 0.1, np.eye(3))
    moved = network(np.roll(image, (20, 30), (0, 1)), EYES + MOVED, 0.5, 0.1, np.eye(3))
    assert moved.iris_px == pytest.approx(here.iris_px + MOVED, abs=0.01)
    assert moved.gaze_rad == pytest.approx(here.gaze_rad, abs=1e-3)
    assert ((here.closed >= 0) & (here.closed <= 1)).all()


def test_middles_of_the_eyes_lie_between_their_corners() -> None:
    six = np.array([[0.0, 0], [4, 2], [10, 2], [14, 0], [5, 9], [9, 9]])
    assert eye_middles(six).tolist() == [[2.0, 1.0], [12.0, 1.0]]


@pytest.mark.slow
def test_rendered_people_that_nobody_trained_on() -> None:
    pytest.importorskip("moderngl", reason="rendering needs the extra `render`")
    from eyeline.people.head_crops import towards
    from eyeline.synthetic.heads.samples import samples

    heads, eyes = HeadNetwork(), EyeNetwork()
    off, looks, count = [], [], 0
    for sample in samples(987, 0, 96):
        truth = sample.labels
        ray = truth.position / np.linalg.norm(truth.position)
        along = towards(ray[None])[0] @ truth.rotation
        facing = np.degrees(np.arccos(np.clip(along[2, 2], -1, 1)))
        turn = heads(sample.image, truth.face_box[None])
        if facing > 60:
            continue
        count += 1
        cosine = (np.trace(turn.rotation[0].T @ along) - 1) / 2
        off.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
        middles = truth.landmarks_px[36:48].reshape(2, 6, 2).mean(1)
        apart = np.linalg.norm(np.diff(truth.eyes, axis=0))
        scale = truth.matrix[0, 0] / truth.position[2] * apart / 62.0
        roll = np.arctan2(along[1, 0], along[0, 0])
        look = eyes(sample.image, middles, scale, roll, turn.rotation[0])
        own = truth.gaze_both @ truth.rotation
        yaw = np.arctan2(own[0], -own[2])
        if (truth.iris_seen > 0.33).all() and (truth.opening > 0.1).all():
            looks.append((look.gaze_rad[0], yaw))
    assert count > 30 and len(looks) > 20
    assert np.median(off) < 14
    assert np.corrcoef(np.array(looks).T)[0, 1] > 0.8

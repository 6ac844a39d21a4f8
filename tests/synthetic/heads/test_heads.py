"""Labels of rendered heads hold in the pixels: eyes, landmarks, what hides what; numbers repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from eyeline.geometry.directions import from_yaw_pitch, rotation_from_angles
from eyeline.results import Floats
from eyeline.synthetic.heads import faces, look, samples, scene, view
from eyeline.synthetic.heads.faces import Face
from eyeline.synthetic.heads.labels import COUNT, Labels, in_sight, project
from eyeline.synthetic.heads.samples import IMAGE_PX, Sample
from eyeline.synthetic.heads.scene import Wardrobe
from eyeline.synthetic.heads.view import Shot

pytestmark = pytest.mark.usefixtures("rendering")

GREEN = np.array([0.0, 0.5, 0.0])
Shoot = Callable[..., tuple[Floats, Floats | None, Labels]]


@pytest.fixture(scope="module")
def bare(rendering: None) -> Wardrobe:
    """Somebody without hair, hat and glasses, with green irises and no pupils."""
    drawn = look.draw(np.random.default_rng(4))
    plain = replace(
        drawn,
        glasses=None,
        headwear="none",
        beard_mm=0.0,
        lashes_mm=1.0,
        iris_inner=GREEN,
        iris_outer=GREEN,
        eyes=np.array([0.01, 0.05, 0.0]),
    )
    return Wardrobe(plain, None, None)


def shot(
    wardrobe: Wardrobe,
    yaw_deg: float = 0,
    look_deg: tuple[float, float] = (0, 0),
    opening: float = 1.0,
) -> Shot:
    """A head a metre away, in white light from everywhere."""
    rng = np.random.default_rng(0)
    drawn = view.draw(rng, wardrobe.look.person, IMAGE_PX)
    turn = rotation_from_angles(*np.radians([yaw_deg, 0.0, 0.0]))
    gaze = from_yaw_pitch(*np.radians(look_deg))
    position = np.array([0.0, 0, 1000]) - turn @ [0.0, 8, 70]
    focal = 0.6 * IMAGE_PX * 1000 / wardrobe.look.person.height
    matrix = np.array([[focal, 0, IMAGE_PX / 2], [0, focal, IMAGE_PX / 2], [0, 0, 1]])
    lights = np.array([[0, 0, -1.0, 0, 0, 0]] * 3)
    return replace(
        drawn,
        rotation=turn,
        position=position,
        matrix=matrix,
        lights=lights,
        ambient=np.ones((6, 3)),
        exposure=0.5,
        window=np.array([0, 0, -1.0, 0]),
        face=Face(np.stack([gaze, gaze]), np.full(2, opening)),
    )


def shoot(wardrobe: Wardrobe, how: Shot) -> tuple[Floats, Floats | None, Labels]:
    return samples.shoot(np.random.default_rng(1), wardrobe, how, scene.build(wardrobe, how))


def green_of(eyes: Floats) -> Floats:
    """How much greener than red and blue, `(h, w)`."""
    values = eyes.astype(float)
    return np.asarray(values[..., 1] - np.maximum(values[..., 0], values[..., 2]))


@pytest.mark.parametrize("yaw", [-35.0, 0.0, 35.0])
@pytest.mark.parametrize("look_deg", [(-20.0, 0.0), (0.0, 0.0), (20.0, 5.0)])
def test_the_labelled_rim_encloses_the_drawn_iris(
    bare: Wardrobe, yaw: float, look_deg: tuple[float, float]
) -> None:
    import cv2

    how = shot(bare, yaw, look_deg, 1.3)
    _, eyes, truth = shoot(bare, how)
    assert eyes is not None
    iris = green_of(eyes) > 25
    to_eyes = truth.eye_matrix @ np.linalg.inv(truth.matrix)
    inside = np.zeros(iris.shape, np.uint8)
    for rim in truth.contour_px:
        flat = np.column_stack([rim, np.ones(len(rim))]) @ to_eyes.T
        polygon = np.round((flat[:, :2] / flat[:, 2:] - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(inside, [polygon], 1, shift=4)
    assert iris.sum() > 300
    grown = cv2.dilate(inside, np.ones((5, 5), np.uint8)) > 0
    assert (iris & grown).sum() > 0.97 * iris.sum(), "the drawn iris leaves its rim"
    fraction = (iris & (inside > 0)).sum() / inside.sum()
    assert abs(fraction - truth.iris_seen.mean()) < 0.2


def test_irises_move_with_the_gaze_and_lids_follow(bare: Wardrobe) -> None:
    right, left = (shoot(bare, shot(bare, 0, (side, 0)))[2] for side in (20.0, -20.0))
    assert (right.iris_px[:, 0] - left.iris_px[:, 0] > 3).all()
    assert right.gaze_both[0] > 0.3 > -0.3 > left.gaze_both[0]
    down, up = (shoot(bare, shot(bare, 0, (0, side)))[2] for side in (-25.0, 15.0))
    assert (down.opening < up.opening).all()
    assert (down.iris_px[:, 1] > up.iris_px[:, 1] + 2).all()
    assert (down.iris_seen > 0.3).all(), "lids cover an eye that looks down"


@pytest.mark.parametrize(("opening", "low", "high"), [(0.0, 0.0, 0.02), (1.0, 0.2, 0.7)])
def test_closed_eyes_show_no_iris(bare: Wardrobe, opening: float, low: float, high: float) -> None:
    _, eyes, truth = shoot(bare, shot(bare, opening=opening))
    assert ((truth.opening >= low - 1e-6) & (truth.opening <= high)).all()
    assert eyes is not None
    seen = (green_of(eyes) > 25).sum()
    assert (seen > 300) == (opening > 0)
    assert (truth.iris_seen > 0.4).all() == (opening > 0)


def test_who_turns_away_hides_what_is_on_the_far_side(bare: Wardrobe) -> None:
    truth = {yaw: shoot(bare, shot(bare, yaw))[2] for yaw in (0.0, 90.0, 180.0)}
    eyes, ears = slice(36, 48), (slice(68, 72), slice(72, 76))
    assert truth[0.0].landmarks_seen[eyes].all()
    assert not truth[180.0].landmarks_seen[:68].any()
    assert truth[180.0].landmarks_seen[78], "the occiput"
    assert not truth[0.0].landmarks_seen[78]
    # a head turned to the image's right shows the ear that lay on the image's left
    near, far = (truth[90.0].landmarks_seen[ear].mean() for ear in ears)
    assert near > 0.7 and far == 0
    assert truth[90.0].eye_matrix.any() or truth[90.0].iris_seen.max() < 0.5
    assert not truth[180.0].eye_matrix.any()


def test_sight_is_by_depth() -> None:
    buffer = np.full((20, 20), 1000.0)
    buffer[:, 10:] = 400.0
    places = np.array([[5.0, 5], [15.0, 5], [15.0, 5], [30.0, 5]])
    seen = in_sight(places, np.array([1000.0, 1000, 401, 500]), buffer)
    assert seen.tolist() == [True, False, True, False]


def test_landmarks_lie_on_the_face_in_their_order(bare: Wardrobe) -> None:
    truth = shoot(bare, shot(bare))[2]
    x, y = truth.landmarks_px.T
    assert len(x) == COUNT
    assert (np.diff(x[:17]) > 0).all(), "the jaw goes from left to right"
    assert (np.diff(x[17:27]) > 0).all() and (np.diff(y[27:31]) > 0).all()
    assert y[17:27].mean() < y[36:48].mean() < y[31:36].mean() < y[48:60].mean() < y[8]
    assert abs(x[[27, 30, 33, 51, 57, 8]] - x[27]).max() < 4
    width = x[16] - x[0]
    assert 0.6 < width / (truth.face_box[2] - truth.face_box[0]) <= 1.05
    box = truth.head_box
    assert (x[:68] > box[0] - 6).all() and (x[:68] < box[2] + 6).all()


def test_the_rotation_is_that_of_the_pixels(bare: Wardrobe) -> None:
    truth = shoot(bare, shot(bare, 30.0))[2]
    noses = truth.landmarks_px[30] - truth.landmarks_px[[36, 45]].mean(0)
    assert noses[0] > 5, "a head turned to the image's right has its nose there"
    assert np.allclose(truth.rotation.T @ truth.rotation, np.eye(3), atol=1e-6)
    assert np.allclose(project(truth.matrix, truth.iris), truth.iris_px)


def test_a_sample_depends_on_its_number_alone() -> None:
    def of(first: int, count: int) -> list[Sample]:
        return list(samples.samples(3, first, count))

    alone, among = of(9, 1)[0], of(8, 2)[1]
    assert np.array_equal(alone.image, among.image)
    assert np.array_equal(alone.labels.landmarks_px, among.labels.landmarks_px)
    assert alone.person == 1 and alone.index == 9
    assert not np.array_equal(alone.image, of(10, 1)[0].image)


def test_closed_lids_stay_closed_wherever_eyes_look(bare: Wardrobe) -> None:
    for pitch in (-25.0, 0.0, 20.0):
        face = shot(bare, 0, (0, pitch), 0.0).face
        assert (faces.openings(faces.deform(bare.look.person, face)) < 0.03).all(), pitch

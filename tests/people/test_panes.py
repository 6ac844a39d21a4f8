"""Split screens are found, images of one camera are not, and each part has its own camera."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from eyeline.geometry.camera import Camera
from eyeline.people.find import find_people
from eyeline.people.panes import MOST, PaneFinder, _quantile, panes_of, place
from eyeline.people.targets.evidence import gather
from eyeline.people.targets.model import shipped
from eyeline.people.tracks import Pane
from eyeline.results import Directions
from eyeline.systems.gaze_following import ray
from tests.people.build import track

Images = npt.NDArray[np.float32]
CAMERA = Camera.from_fov(1280, 720)
LEFT, RIGHT = (0.0, 0.0, 640.0, 720.0), (640.0, 0.0, 1280.0, 720.0)


def view(seed: int, width: int, height: int, level: float) -> Images:
    """A scene with soft shapes that move a little, `(time, height, width, 3)`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    image = np.zeros((MOST, height, width), np.float32)
    for _ in range(6):
        at, size, bright = (
            rng.uniform(0, [width, height]),
            rng.uniform(20, 60),
            rng.uniform(-40, 40),
        )
        for t in range(MOST):
            moved = at + 4 * np.sin([t / 3, t / 4])
            image[t] += bright * np.exp(-(((x - moved[0]) ** 2 + (y - moved[1]) ** 2) / size**2))
    return np.repeat(np.clip(level + image, 0, 255)[..., None], 3, axis=3)


A, B = view(1, 160, 180, 90), view(2, 160, 180, 170)
LINE = np.full((MOST, 180, 4, 3), 255, np.float32)
WHOLE = view(3, 320, 180, 120)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (WHOLE, [(0, 0, 320, 180)]),
        (np.concatenate([A, B], 2), [(0, 0, 160, 180), (160, 0, 320, 180)]),
        (np.concatenate([A, LINE, A], 2), [(0, 0, 160, 180), (164, 0, 324, 180)]),
        (np.concatenate([A, B], 1), [(0, 0, 160, 180), (0, 180, 160, 360)]),
        (
            np.concatenate([np.concatenate([A, B], 2), np.concatenate([B, A], 2)], 1),
            [(0, 0, 160, 180), (160, 0, 320, 180), (0, 180, 160, 360), (160, 180, 320, 360)],
        ),
        (np.pad(B, ((0, 0), (0, 0), (80, 80), (0, 0))), [(80, 0, 240, 180)]),
        (np.pad(B, ((0, 0), (0, 0), (80, 0), (0, 0))), [(0, 0, 80, 180), (80, 0, 240, 180)]),
        (np.concatenate([A[:, :, :20], B], 2), [(0, 0, 180, 180)]),
    ],
    ids=["one", "pair", "line", "above", "square", "bars", "dark side", "narrow"],
)
def test_parts_of_an_image(images: Images, expected: list[tuple[int, int, int, int]]) -> None:
    result = panes_of(images)
    assert len(result) == len(expected)
    assert np.abs(np.array(sorted(result)) - sorted(expected)).max() <= 5


def test_a_step_that_moves_is_no_seam() -> None:
    moving = np.concatenate([A, B], 2)
    for t in range(MOST):
        moving[t] = np.roll(moving[t], 3 * t, axis=1)
    assert len(panes_of(moving)) == 1


class Shown:
    """A frame of given pixels."""

    def __init__(self, index: int, image: Images) -> None:
        self.index, self.time_s, self.end_s = index, index * 0.1, index * 0.1 + 0.1
        self.size_wh, self.image = (1280, 720), image

    def small_rgb(self, width: int, height: int) -> npt.NDArray[np.uint8]:
        import cv2

        return np.asarray(cv2.resize(self.image, (width, height)), np.uint8)


def test_each_shot_has_its_own_and_too_short_ones_none() -> None:
    pair = np.concatenate([A, B], 2)
    images = [
        *(pair[t % MOST] for t in range(20)),
        *(WHOLE[t % MOST] for t in range(20)),
        *pair[:5],
    ]
    shown = ((Shown(i, image), i in (0, 20, 40)) for i, image in enumerate(images))
    finder = PaneFinder()
    assert [f.index for f, _ in finder.watch(shown)] == list(range(45))  # type: ignore[arg-type]
    assert [len(boxes) for boxes in finder.shots] == [2, 1, 1]
    assert np.abs(finder.shots[0][1] - RIGHT).max() < 20


def rows(*places: tuple[int, int, float]) -> npt.NDArray[Any]:
    """Track, shot and horizontal place of the eyes."""
    table = np.zeros(len(places), [("track_id", int), ("shot", int), ("five", float, (5, 2))])
    for row, (number, shot, x) in zip(table, places, strict=True):
        row["track_id"], row["shot"], row["five"] = number, shot, (x, 260)
    return table


HALVES = [np.array(LEFT), np.array(RIGHT)]


def test_the_camera_of_a_part_stands_before_it() -> None:
    result = place(
        rows((1, 0, 300), (2, 0, 900), (3, 1, 500)),
        [HALVES, [np.array([0, 0, 1280, 720.0])]],
        CAMERA,
    )
    assert sorted(result) == [1, 2]
    assert (result[1].xyxy, result[2].xyxy) == (LEFT, RIGHT)
    left, right = result[1].camera, result[2].camera
    assert (left.cx_px, right.cx_px) == (320, 960)
    assert left.fx_px == pytest.approx(CAMERA.fx_px * 720 / 1280)
    assert 260 < left.cy_px < 360, "levelled with the eyes of its own part"


def test_a_face_that_crosses_the_seam_says_that_it_is_none() -> None:
    assert not place(rows((1, 0, 300), (1, 0, 900), (2, 0, 800)), [HALVES], CAMERA)


def test_nobody_looks_from_one_part_into_another() -> None:
    panes = [Pane(xyxy, Camera(700, 700, x, 300)) for xyxy, x in ((LEFT, 320.0), (RIGHT, 960.0))]
    tracks = [
        track(range(10), track_id=number, person=number, at=at, pane=pane)
        for number, at, pane in (
            (1, (320, 300), panes[0]),
            (2, (960, 300), panes[1]),
            (3, (500, 300), panes[0]),
        )
    ]
    n = sum(map(len, tracks))
    none = np.zeros(n)
    straight = {"direction": np.tile([0.0, 0.0, -1.0], (n, 1)), "concentration": none + 20}
    who = {"frame": none.astype(int), "time_s": none, "person": none.astype(int)}
    gaze = Directions("gaze_3d", "head_pose", "gaze", origin_px=np.zeros((n, 2)), **who, **straight)
    result = gather(tracks, gaze, None, CAMERA, shipped().shape)
    assert [evidence.others for evidence in result] == [(3,), (), (1,)]
    assert np.abs(result[1].camera[:, 1]).max() < 1e-6, "straight into the part's own camera"


def test_a_look_lands_within_the_part() -> None:
    looker = ray.Looker(
        np.array([[600.0, 300]]), np.array([900.0]), np.array([[0.9, 0.1, -0.42]]), np.array([30.0])
    )
    own = Camera(700, 700, 320, 300)
    assert ray.landing(looker, own, LEFT)[0, 0] <= 640
    assert ray.landing(looker, own, (0, 0, 1280, 720))[0, 0] > 640


def test_a_known_camera_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(PaneFinder, "watch", never)
    find_people([], CAMERA)
    with pytest.raises(AssertionError):
        find_people([], CAMERA, axis_known=False)


def test_bytes_give_the_quantiles_and_panes_of_floats() -> None:
    images = np.concatenate([A, B], 2).astype(np.uint8)
    assert panes_of(images) == panes_of(images.astype(np.float32))
    for count in (3, 21, MOST):
        expected = np.quantile(images[:count].astype(np.float64), 0.15, axis=0)
        np.testing.assert_allclose(_quantile(images[:count], 0.15), expected, atol=1e-4)

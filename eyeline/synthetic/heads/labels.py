"""What is true of a rendered head, in pixels and in the camera's frame.

Landmarks are iBUG's 68 in their order, the jaw fixed to the bone, then `MORE`. The image's left
side comes first everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from eyeline.results import Floats
from eyeline.synthetic.heads.assets import Indices, load
from eyeline.synthetic.heads.look import Look
from eyeline.synthetic.heads.scene import Scene
from eyeline.synthetic.heads.view import Shot

MORE = (
    "left ear top",
    "left ear lobe",
    "left tragus",
    "left ear back",
    "right ear top",
    "right ear lobe",
    "right tragus",
    "right ear back",
    "crown",
    "back of the crown",
    "occiput",
    "nape",
    "left temple",
    "right temple",
    "left side",
    "right side",
    "throat",
)
"""Landmarks after the 68, so that a head from behind has some."""
COUNT = 68 + len(MORE)
CONTOUR = 16
"""Points of an iris' rim, from the image's right on, downwards."""
_JAW = (
    (72, 5, 48),
    (71, 25, 47),
    (68, 42, 45),
    (62, 60, 40),
    (54, 76, 30),
    (44, 90, 15),
    (32, 101, 0),
    (17, 108, -13),
)
_MORE = ((80, -7, 77), (70, 45, 67), (71, 17, 64), (86, 8, 86))
_CENTRAL = ((0, -120, 70), (0, -85, 148), (0, -20, 163), (0, 60, 138))
_SIDES = ((74, -40, 50), (75, -60, 100))
_NOSE = ((0, 0), (0, 13), (0, 26), (0, 37.5), (-13, 43), (-7, 46), (0, 49), (7, 46), (13, 43))
_LIPS = (
    (-26, 67.5),
    (-16, 59.5),
    (-8, 56),
    (0, 57.5),
    (8, 56),
    (16, 59.5),
    (26, 67.5),
    (16, 76),
    (8, 80),
    (0, 81.5),
    (-8, 80),
    (-16, 76),
)
_INNER = (
    (-23, 67.5, -20),
    (-9, 66.8, -26),
    (0, 66.9, -27),
    (9, 66.8, -26),
    (23, 67.5, -20),
    (9, 68.4, -26),
    (0, 68.2, -26),
    (-9, 68.4, -26),
)
_TOLERANCE_MM = 6.0
_LID_MM = 0.9
"""How much a lid lies before the eyeball."""


def landmark_vertices(look: Look) -> Indices:
    """`(COUNT,)` vertices of the landmarks of a look, whose brows have a row of their own."""
    fixed = _fixed_vertices().copy()
    row, _, slope, _ = look.brow_shape
    across = np.array([18.0, 9, 0, -9, -18])
    height = row + slope * across / 20 + 0.011 * across**2
    left = _in_front(np.stack([-31 - across, height], 1))
    right = _in_front(np.stack([31 + across, height], 1))
    fixed[17:22], fixed[22:27] = left, right[::-1]
    return fixed


@cache
def _fixed_vertices() -> Indices:
    """Those that are alike on everybody; brows are left open."""
    assets = load()
    flip = np.array([-1.0, 1, 1])
    half = _nearest(np.array(_JAW) * flip)
    other = _nearest(np.array(_JAW))
    chin = _nearest(np.array([[0, 110.7, -15.8]]))
    upper, lower = assets.upper_lids, assets.lower_lids
    eyes = [
        upper[0][11],
        upper[0][8],
        upper[0][4],
        upper[0][0],
        lower[0][4],
        lower[0][8],
        upper[1][0],
        upper[1][4],
        upper[1][8],
        upper[1][11],
        lower[1][8],
        lower[1][4],
    ]
    more = np.concatenate(
        [
            _nearest(np.array(_MORE) * flip),
            _nearest(np.array(_MORE)),
            _nearest(np.array(_CENTRAL)),
            _nearest(np.array([_SIDES[0]]) * flip),
            _nearest(np.array([_SIDES[0]])),
            _nearest(np.array([_SIDES[1]]) * flip),
            _nearest(np.array([_SIDES[1]])),
            _nearest(np.array([[0, 112.0, 45]])),
        ]
    )
    parts: list[npt.ArrayLike] = [
        half,
        chin,
        other[::-1],
        np.zeros(10, int),
        _in_front(np.array(_NOSE)),
        eyes,
        _in_front(np.array(_LIPS)),
        _nearest(np.array(_INNER)),
        more,
    ]
    return np.concatenate([np.asarray(part) for part in parts]).astype(np.int32)


def _nearest(places: Floats) -> Indices:
    """Vertices of the skin next to places `(k, 3)` of the template."""
    which = np.unique(load().skin)
    away = np.linalg.norm(load().template[which] - places[:, None], axis=-1)
    return np.asarray(which[away.argmin(1)])


def _in_front(places: Floats) -> Indices:
    """Vertices of the face next to places `(k, 2)` as seen from before."""
    assets = load()
    which = np.unique(assets.skin)
    face = which[(assets.template[which, 2] < 25) & (assets.masks["inside-mouth"][which] < 0.5)]
    points = assets.template[face]
    away = np.linalg.norm(points[:, :2] - places[:, None], axis=-1) + 0.03 * (points[:, 2] + 40)
    return np.asarray(face[away.argmin(1)])


@dataclass(frozen=True)
class Labels:
    """Of one sample; pixels are those of the head's image unless the name says `eye_image`."""

    rotation: Floats
    """`(3, 3)` head to camera frame."""
    position: Floats
    """`(3,)` of the point midway between the eyes, millimetres."""
    matrix: Floats
    """`(3, 3)` intrinsics."""
    gaze: Floats
    """`(2, 3)` unit vector of each eye in the camera frame."""
    gaze_both: Floats
    """`(3,)` the same of both together."""
    eyes: Floats
    """`(2, 3)` what the irises turn about, in the camera frame."""
    iris: Floats
    """`(2, 3)` centres of the irises' rims in the camera frame."""
    iris_radius: Floats
    """Millimetres."""
    iris_px: Floats
    """`(2, 2)`."""
    contour_px: Floats
    """`(2, CONTOUR, 2)`."""
    iris_seen: Floats
    """`(2,)` fraction of the iris that neither lids nor other things cover."""
    opening: Floats
    """`(2,)` distance of the lids over the width of the eye."""
    landmarks_px: Floats
    """`(COUNT, 2)`."""
    landmarks_seen: npt.NDArray[np.bool_]
    """`(COUNT,)`."""
    head_box: Floats
    """`(4,)` xyxy of skull and face, without hair and neck."""
    face_box: Floats
    """`(4,)` xyxy of the face from forehead to chin."""
    eye_matrix: Floats
    """`(3, 3)` from the camera frame to the eye image, whose rows follow the eyes; zeros where
    there is none."""


def measure(
    look: Look,
    shot: Shot,
    scene: Scene,
    depth: Floats,
    eye_matrix: Floats,
    eye_depth: Floats | None,
) -> Labels:
    """The labels of a scene, given how far away the image's pixels are.

    Args:
        look: who.
        shot: how.
        scene: what was drawn.
        depth: `(h, w)` of the head's image.
        eye_matrix: `(3, 3)` of the eye image.
        eye_depth: `(h, w)` of the eye image; None where there is none.
    """

    def seen_from(points: Floats) -> Floats:
        return np.asarray(points @ shot.rotation.T + shot.position)

    eyes = scene.eyes
    gaze = shot.face.gaze @ shot.rotation.T
    both = gaze.sum(0) / np.linalg.norm(gaze.sum(0))
    landmarks = seen_from(scene.vertices[landmark_vertices(look)])
    pixels = project(shot.matrix, landmarks)
    rims = np.stack([_rim(eyes.irises[k], shot.face.gaze[k], eyes.radius) for k in range(2)])
    used = (eye_matrix, eye_depth) if eye_depth is not None else (shot.matrix, depth)
    seen = [_fraction_seen(scene, shot, k, *used) for k in range(2)]
    skull, front = _parts()
    iris = seen_from(eyes.irises)
    return Labels(
        shot.rotation,
        shot.position,
        shot.matrix,
        gaze,
        both,
        seen_from(eyes.centres),
        iris,
        np.asarray(eyes.radius),
        project(shot.matrix, iris),
        project(shot.matrix, seen_from(rims)),
        np.array(seen),
        scene.opening,
        pixels,
        in_sight(pixels, landmarks[:, 2], depth),
        _box(project(shot.matrix, seen_from(scene.vertices[skull]))),
        _box(project(shot.matrix, seen_from(scene.vertices[front]))),
        eye_matrix,
    )


def project(matrix: Floats, points: Floats) -> Floats:
    """Pixels `(..., 2)` of points `(..., 3)` in the camera frame."""
    flat = points @ matrix.T
    return np.asarray(flat[..., :2] / flat[..., 2:])


def in_sight(
    pixels: Floats, depths: Floats, buffer: Floats, tolerance: float = _TOLERANCE_MM
) -> npt.NDArray[np.bool_]:
    """Whether points `(k,)` are in the image with nothing before them; by nine pixels' median."""
    height, width = buffer.shape
    column, row = np.floor(pixels).astype(int).T
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    steps = np.array([-1, 0, 1])
    rows = np.clip(row[:, None, None] + steps[:, None], 0, height - 1)
    columns = np.clip(column[:, None, None] + steps, 0, width - 1)
    near = np.median(buffer[rows, columns].reshape(len(row), 9), axis=1)
    return np.asarray(inside & (near > depths - tolerance))


def _fraction_seen(scene: Scene, shot: Shot, eye: int, matrix: Floats, depth: Floats) -> float:
    """Of the iris' disc, by points on the eyeball's surface before it."""
    eyes = scene.eyes
    rings = [_rim(eyes.irises[eye], shot.face.gaze[eye], eyes.radius * r) for r in (0.2, 0.55, 0.9)]
    away = np.concatenate(rings) - eyes.balls[eye]
    surface = eyes.balls[eye] + away / np.linalg.norm(away, axis=1, keepdims=True) * eyes.ball
    points = surface @ shot.rotation.T + shot.position
    pixels = project(matrix, points)
    height, width = depth.shape
    column, row = np.clip(np.floor(pixels).astype(int), 0, [width - 1, height - 1]).T
    inside = (pixels >= 0).all(1) & (pixels < [width, height]).all(1)
    centre = eyes.balls[eye] @ shot.rotation.T + shot.position
    facing = ((points - centre) * points).sum(1) < 0
    clear = depth[row, column] > points[:, 2] - _LID_MM
    weight = np.repeat([0.2, 0.55, 0.9], CONTOUR)
    return float((weight * (inside & clear & facing)).sum() / weight.sum())


def _rim(centre: Floats, gaze: Floats, radius: float) -> Floats:
    """`(CONTOUR, 3)` of a circle across a gaze."""
    side = np.cross(gaze, [0.0, -1.0, 0.0])
    side /= np.linalg.norm(side)
    angle = np.linspace(0, 2 * np.pi, CONTOUR, endpoint=False)[:, None]
    side = side if side[0] > 0 else -side
    down = np.cross(side, gaze)
    down = down if down[1] > 0 else -down
    return np.asarray(centre + radius * (np.cos(angle) * side + np.sin(angle) * down))


@cache
def _parts() -> tuple[Indices, Indices]:
    """Vertices of skull and face, and of the face alone."""
    assets = load()
    which = np.unique(assets.skin)
    rest = assets.template[which]
    head = which[
        (rest[:, 1] + 0.35 * np.maximum(rest[:, 2], 0) < 118) & (assets.masks["ears"][which] < 0.3)
    ]
    rest = assets.template[head]
    return head, head[(rest[:, 2] < 45) & (rest[:, 1] > -72)]


def _box(pixels: Floats) -> Floats:
    return np.concatenate([pixels.min(0), pixels.max(0)])

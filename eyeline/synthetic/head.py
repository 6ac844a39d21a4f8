"""Heads with faces: what a renderer is given, and the one that draws them.

A drawn head is an ellipsoid under weak perspective whose front bears a face painted in millimetres:
the irises lie in the openings of the lids as the anatomy of `people.irises` has it. OpenCV paints
the face at the image's own scale and lays it on the head, which takes milliseconds a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from eyeline.people.irises.anatomy import IRIS_DEPTH_MM, IRIS_MM
from eyeline.results import Floats, Image
from eyeline.synthetic.camera import View

HEAD_MM = np.array([74.0, 112.0, 95.0])
"""Half axes of a head: aside, up, ahead."""
FACE_MM = (-70.0, -74.0, 70.0, 112.0)
"""Left, top, right and bottom of what annotators box, about the centre of a head that faces us."""

_EYES_MM = (-31.0, 31.0)
_EYE_ROW_MM = -14.0
_LID_HALF_MM = 15.0
_MOUTH_ROW_MM = 58.0
_NOSE = np.array([0.0, 20.0, -88.0]), np.array([13.0, 22.0, 26.0])
_SHARP = (0.25, 0.5, 1.0, 2.0)  # pixels a millimetre that faces are painted at
_BINARY = 4  # binary digits of a pixel in which shapes are painted


@dataclass(frozen=True)
class Head:
    """What a person is like; colours `(3,)` RGB, 0 to 255."""

    skin: Floats
    hair: Floats
    shirt: Floats
    iris: Floats
    opening_mm: tuple[float, float]
    """Of the lids above and below the line of their corners."""
    fringe_mm: float
    """Row where the hair begins."""
    brow: float
    """How dark, [0, 1]."""
    eyes: float = 1.0
    """Factor of the size of the eyes; larger than life where they are to be seen from afar."""

    @classmethod
    def drawn(cls, rng: np.random.Generator, eyes: float = 1.0) -> Head:
        """Somebody."""
        skin = np.array([236.0, 188, 158]) * rng.uniform(0.42, 1) * rng.uniform(0.93, 1.05, 3)
        hair = np.array([92.0, 66, 44]) * rng.uniform(0.2, 1.9)
        iris = np.array([88.0, 62, 40]) * rng.uniform(0.35, 1.1)
        if rng.random() < 0.35:
            iris = np.array([90.0, 110, 125]) * rng.uniform(0.6, 1.0)
        lids = (float(rng.uniform(5.0, 7.0)), float(rng.uniform(3.0, 4.5)))
        shirt = muted(rng.uniform(20, 230, 3))
        fringe, brow = float(rng.uniform(-78, -58)), float(rng.uniform(0.3, 0.9))
        skin, hair = np.minimum(skin, 250), np.minimum(hair, 200)
        return cls(skin, hair, shirt, iris, lids, fringe, brow, eyes)

    @cached_property
    def _faces(self) -> dict[float, Image]:
        return {}

    def face(self, scale: float) -> Image:
        """The face without eyes and mouth, all of `HEAD_MM`, at so many pixels a millimetre."""
        if scale not in self._faces:
            self._faces[scale] = _bare_face(self, scale)
        return self._faces[scale].copy()


@dataclass(frozen=True)
class HeadPose:
    """How a head is held, and what its features do."""

    position_mm: Floats
    """`(3,)` its centre in the camera frame."""
    rotation: Floats
    """`(3, 3)` head to camera frame; a head that is not turned faces the camera."""
    mouth: float = 0.0
    """How far it is open, [0, 1]."""
    smile: float = 0.0
    """How wide the mouth is, [0, 1]."""
    lids: float = 1.0
    """How far the eyes are open, [0, 1]."""


class HeadRenderer(Protocol):
    """Shows persons' heads and shoulders in an image."""

    def draw(
        self, image: Floats, head: Head, pose: HeadPose, gaze: Floats, view: View, light: Floats
    ) -> None:
        """Draw one person before all that is in the image.

        Args:
            image: `(h, w, 3)` float32 RGB, 0 to 255, changed.
            head: of the person.
            pose: of the head.
            gaze: `(3,)` unit vector of the eyes in the camera frame.
            view: the camera.
            light: `(3,)` unit vector towards the light, x right, y down, z away.
        """


class DrawnHeads:
    """Ellipsoids with painted faces."""

    def draw(
        self, image: Floats, head: Head, pose: HeadPose, gaze: Floats, view: View, light: Floats
    ) -> None:
        """As of `HeadRenderer`."""
        scale = view.focal_px / float(pose.position_mm[2])
        centre, turn = view.project(pose.position_mm), pose.rotation
        _draw_shoulders(image, centre, scale, head)
        sharp = next((s for s in _SHARP if s >= scale), _SHARP[-1])
        face = paint_face(head, sharp, turn.T @ gaze, pose)
        _draw_ellipsoid(image, centre, scale, turn, HEAD_MM, light, head, face)
        place, axes = _NOSE
        _draw_ellipsoid(image, centre + scale * (turn @ place)[:2], scale, turn, axes, light, head)


def paint_face(head: Head, scale: float, gaze: Floats, pose: HeadPose) -> Image:
    """The face flat, seen from its front: `(h, w, 3)` uint8 that covers `HEAD_MM`.

    Args:
        head: of the person.
        scale: pixels a millimetre, one of those that faces are painted at.
        gaze: `(3,)` unit vector in the head's own frame.
        pose: of lids and mouth.
    """
    face = head.face(scale)
    for x in _EYES_MM:
        _paint_eye(face, head, scale, x, gaze, pose.lids)
    _paint_mouth(face, head, scale, pose)
    return face


def iris_mm(gaze: Floats) -> Floats:
    """`(2,)` where the iris lies from the middle between the lids' corners, on the face."""
    return np.asarray(IRIS_DEPTH_MM * gaze[:2])


def _bare_face(head: Head, scale: float) -> Image:
    """Skin, fringe, brows and the shade about the eyes."""
    import cv2

    half = HEAD_MM[:2] * scale
    y, x = np.mgrid[: round(2 * half[1]), : round(2 * half[0])] + 0.5
    x, y = (x - half[0]) / scale, (y - half[1]) / scale
    shade = np.ones_like(x)
    for eye in _EYES_MM:
        away = ((x - eye) / 22) ** 2 + ((y - _EYE_ROW_MM + 4) / 14) ** 2
        shade *= 1 - 0.18 * np.exp(-away)
        brow = _EYE_ROW_MM - 17 + 0.006 * (x - eye) ** 2
        band = np.exp(-(((y - brow) / 3) ** 4) - ((x - eye) / 17) ** 6)
        shade *= 1 - 0.75 * head.brow * band
    colour = head.skin * shade[..., None]
    over = y < head.fringe_mm + 0.004 * x**2 - 0.0000006 * x**4
    temple = np.abs(x) > 64 + 0.12 * y
    colour = np.where((over | (temple & (y < 20)))[..., None], head.hair, colour)
    return np.asarray(cv2.GaussianBlur(colour, (0, 0), 1.2 * max(scale, 0.5)), np.uint8)


def _paint_eye(
    face: Image, head: Head, scale: float, x_mm: float, gaze: Floats, lids: float
) -> None:
    """White, iris, pupil and glint within the lids, which follow a look down."""
    import cv2

    at = (np.array([x_mm, _EYE_ROW_MM]) + HEAD_MM[:2]) * scale
    scale *= head.eyes
    reach = int(np.ceil(20 * scale))
    left, top = (at - reach).astype(int)
    patch = face[top : top + 2 * reach, left : left + 2 * reach]
    origin = at - [left, top] - 0.5
    down = float(np.clip(gaze[1], -0.5, 0.7))
    below = head.opening_mm[1] * (0.4 + 0.6 * lids) * (1 + 0.3 * down)
    above = lids * (head.opening_mm[0] - 7.0 * down) - (1 - lids) * below
    x = np.linspace(-1, 1, 17)
    arch = (1 - x**2) ** 0.8
    upper = np.column_stack([x * _LID_HALF_MM, -above * arch])
    lower = np.column_stack([x * _LID_HALF_MM, below * arch])
    opening = np.zeros(patch.shape[:2], np.uint8)
    rim = _fixed(origin + scale * np.concatenate([upper, lower[::-1]]))
    cv2.fillPoly(opening, [rim], 255, cv2.LINE_AA, _BINARY)
    ball = np.empty_like(patch)
    ball[:] = np.minimum(head.skin * 0.25 + 165, 240).astype(np.uint8)
    where = origin + scale * iris_mm(gaze)
    wide = max(abs(float(gaze[2])), 0.3)  # an iris that is turned away looks narrow
    turned_deg = float(np.degrees(np.arctan2(gaze[1], gaze[0])))
    for radius, colour in ((IRIS_MM, head.iris * 0.8), (2.3, np.full(3, 12.0))):
        _fill_ellipse(ball, where, scale * radius * np.array([wide, 1.0]), colour, turned_deg)
    _, glint = _fixed([[0, 0], origin + scale * (0.45 * iris_mm(gaze) + [1.2, -1.6])]).tolist()
    cv2.circle(ball, glint, max(1, int(0.9 * scale * 2**_BINARY)), (255,) * 3, -1, 16, _BINARY)
    cover = opening[..., None].astype(np.float32) / 255
    patch[:] = patch + cover * (ball.astype(np.float32) - patch)
    line = [_fixed(origin + scale * upper)]
    dark = (head.skin * 0.25).tolist()
    cv2.polylines(patch, line, False, dark, max(1, round(1.3 * scale)), cv2.LINE_AA, _BINARY)


def _paint_mouth(face: Image, head: Head, scale: float, pose: HeadPose) -> None:
    centre = (np.array([0.0, _MOUTH_ROW_MM]) + HEAD_MM[:2]) * scale - 0.5
    lips = np.minimum(head.skin * [0.85, 0.55, 0.55], 255)
    half, gap = (24 - 4 * pose.mouth) * (1 + 0.35 * pose.smile), 11.0 * pose.mouth
    shapes = ((half, 5.5 + gap, lips), (half - 4, max(gap, 0.8), np.array([48.0, 18, 20])))
    for wide, high, colour in shapes:
        _fill_ellipse(
            face, np.add(centre, [0, scale * gap / 2]), scale * np.array([wide, high]), colour
        )


def _fill_ellipse(
    image: Floats | Image, centre: Floats, half: Floats, colour: Floats, turned_deg: float = 0.0
) -> None:
    import cv2

    at, axes = _fixed([centre, half]).tolist()
    colours = colour.tolist()
    cv2.ellipse(image, at, axes, turned_deg, 0, 360, colours, -1, cv2.LINE_AA, _BINARY)


def _fixed(points: npt.ArrayLike) -> Image:
    return np.asarray(np.round(np.asarray(points) * 2**_BINARY), np.int32)


def _draw_ellipsoid(
    image: Floats,
    centre: Floats,
    scale: float,
    turn: Floats,
    axes_mm: Floats,
    light: Floats,
    head: Head,
    face: Image | None = None,
) -> None:
    """One part of a head: with a face on its front and hair behind, or bare skin."""
    form = turn @ np.diag(axes_mm**-2.0) @ turn.T
    reach = scale * np.sqrt(np.diag(np.linalg.inv(form))[:2])
    x0, y0 = np.maximum(np.floor(centre - reach - 1), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(centre + reach + 2).astype(int), [image.shape[1], image.shape[0]])
    if x0 >= x1 or y0 >= y1:
        return
    u = ((np.arange(x0, x1) + 0.5 - centre[0]) / scale).astype(np.float32)[None]
    v = ((np.arange(y0, y1) + 0.5 - centre[1]) / scale).astype(np.float32)[:, None]
    a, b = form[2, 2], form[0, 2] * u + form[1, 2] * v
    c = form[0, 0] * u * u + 2 * form[0, 1] * u * v + form[1, 1] * v * v - 1
    inside = b * b - a * c
    z = (-b - np.sqrt(np.maximum(inside, 0))) / a
    own = [turn[0, k] * u + turn[1, k] * v + turn[2, k] * z for k in range(3)]
    bright = _shade(own, axes_mm, turn.T @ light)
    colour = head.skin * 0.93 if face is None else _laid(face, own, head)
    # from 1 in the middle to 0 at the rim, which is made as soft as a pixel
    soft = np.clip(inside / a * (reach.mean() / 2), 0, 1)
    part = image[y0:y1, x0:x1]
    part += soft[..., None] * (colour * bright[..., None] - part)


def _shade(own: list[Floats], axes_mm: Floats, light: Floats) -> Floats:
    normal = [q / float(axis**2) for q, axis in zip(own, axes_mm, strict=True)]
    length = np.sqrt(sum(n * n for n in normal))
    lit = sum(n * float(part) for n, part in zip(normal, light, strict=True)) / length
    return np.asarray(0.5 + 0.55 * np.maximum(lit, 0), np.float32)


def _laid(face: Image, own: list[Floats], head: Head) -> Floats:
    """Colours of places on a head: the face before, hair behind the ears."""
    import cv2

    scale = face.shape[1] / (2 * float(HEAD_MM[0]))
    columns = ((own[0] + HEAD_MM[0]) * scale - 0.5).astype(np.float32)
    rows = ((own[1] + HEAD_MM[1]) * scale - 0.5).astype(np.float32)
    front = cv2.remap(face, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    behind = np.clip((own[2] + 12) / 8, 0, 1) * (own[1] < 62)
    return np.asarray(front + behind[..., None] * (head.hair - front), np.float32)


def _draw_shoulders(image: Floats, centre: Floats, scale: float, head: Head) -> None:
    """Neck and body, which do not turn."""
    import cv2

    _fill_ellipse(
        image, centre + scale * np.array([0, 120]), scale * np.array([48, 60]), 0.8 * head.skin
    )
    trunk = np.array([[-215, 300], [215, 300], [215, 1200], [-215, 1200]])
    cv2.fillPoly(image, [_fixed(centre + scale * trunk)], head.shirt.tolist(), cv2.LINE_AA, _BINARY)
    _fill_ellipse(
        image, centre + scale * np.array([0, 300]), scale * np.array([215, 160]), head.shirt
    )


def muted(colour: Floats) -> Floats:
    """A colour `(..., 3)` nearer to grey."""
    grey = colour.mean(axis=-1, keepdims=True)
    return np.asarray(grey + 0.4 * (colour - grey))

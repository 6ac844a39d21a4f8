"""Drawn heads in depth, turned, with mouths and with eyes that look where they should.

A head is an ellipsoid under weak perspective whose front bears a face painted in millimetres: the
irises lie in the openings of the lids as the anatomy of `people.irises` has it. OpenCV paints the
face at the picture's own scale and lays it on the head, which takes milliseconds a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eyeline.geometry.directions import from_yaw_pitch, rotation_from_angles
from eyeline.people.irises.anatomy import IRIS_DEPTH_MM, IRIS_MM
from eyeline.results import Floats, Image
from eyeline.systems.ego_social.synthetic.scenes import Head

HEAD_MM = np.array([74.0, 112.0, 95.0])
"""Half axes of a head: aside, up, ahead."""
FACE_MM = (-70.0, -74.0, 70.0, 112.0)
"""Left, top, right and bottom of what annotators box, about the middle of a head that faces us."""

_EYES_MM = (-31.0, 31.0)
_EYE_ROW_MM = -14.0
_LID_HALF_MM = 15.0
_MOUTH_ROW_MM = 58.0
_NOSE = np.array([0.0, 20.0, -88.0]), np.array([13.0, 22.0, 26.0])
_SHARP = (0.25, 0.5, 1.0, 2.0)  # pixels a millimetre that faces are painted at
_BINARY = 4  # binary digits of a pixel in which shapes are painted


@dataclass(frozen=True)
class Look:
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

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Look:
        """Somebody."""
        skin = np.array([236.0, 188, 158]) * rng.uniform(0.42, 1) * rng.uniform(0.93, 1.05, 3)
        hair = np.array([92.0, 66, 44]) * rng.uniform(0.2, 1.9)
        iris = np.array([88.0, 62, 40]) * rng.uniform(0.35, 1.1)
        if rng.random() < 0.35:
            iris = np.array([90.0, 110, 125]) * rng.uniform(0.6, 1.0)
        lids = (float(rng.uniform(5.0, 7.0)), float(rng.uniform(3.0, 4.5)))
        shirt = muted(rng.uniform(20, 230, 3))
        return cls(
            np.minimum(skin, 250), np.minimum(hair, 200), shirt, iris, lids,
            float(rng.uniform(-78, -58)), float(rng.uniform(0.3, 0.9)),
        )  # fmt: skip

    @cached_property
    def faces(self) -> dict[float, Image]:
        """The face without eyes and mouth, by pixels a millimetre, all of `HEAD_MM`."""
        return {scale: _bare_face(self, scale) for scale in _SHARP}


def draw_head(picture: Floats, head: Head, t: int, look: Look, mouth: float, light: Floats) -> None:
    """Draw a person's head and shoulders.

    Args:
        picture: `(h, w, 3)` float32 RGB, changed.
        head: whose.
        t: the frame.
        look: of the person.
        mouth: how far it is open, [0, 1].
        light: `(3,)` unit vector towards the light, x right, y down, z away.
    """
    scale, middle = float(head.px_per_mm[t]), head.middle_px[t]
    turn = rotation_from_angles(*head.turned_rad[t])
    _shoulders(picture, middle, scale, look)
    sharp = next((s for s in _SHARP if s >= scale), _SHARP[-1])
    gaze = turn.T @ from_yaw_pitch(*head.gaze_rad[t])
    face = paint_face(look, sharp, gaze, float(head.lids[t]), mouth)
    _draw_ellipsoid(picture, middle, scale, turn, HEAD_MM, light, look, face)
    place, axes = _NOSE
    _draw_ellipsoid(picture, middle + scale * (turn @ place)[:2], scale, turn, axes, light, look)


def paint_face(look: Look, scale: float, gaze: Floats, lids: float, mouth: float) -> Image:
    """The face flat, seen from its front: `(h, w, 3)` uint8 that covers `HEAD_MM`.

    Args:
        look: of the person.
        scale: pixels a millimetre, one of those that faces are painted at.
        gaze: `(3,)` unit vector in the head's own frame.
        lids: how far the eyes are open, [0, 1].
        mouth: the same of the mouth.
    """
    face = look.faces[scale].copy()
    for x in _EYES_MM:
        _paint_eye(face, look, scale, x, gaze, lids)
    _paint_mouth(face, look, scale, mouth)
    return face


def iris_mm(gaze: Floats) -> Floats:
    """`(2,)` where the iris lies from the middle between the lids' corners, on the face."""
    return np.asarray(IRIS_DEPTH_MM * gaze[:2])


def _bare_face(look: Look, scale: float) -> Image:
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
        shade *= 1 - 0.75 * look.brow * band
    colour = look.skin * shade[..., None]
    over = y < look.fringe_mm + 0.004 * x**2 - 0.0000006 * x**4
    temple = np.abs(x) > 64 + 0.12 * y
    colour = np.where((over | (temple & (y < 20)))[..., None], look.hair, colour)
    return np.asarray(cv2.GaussianBlur(colour, (0, 0), 1.2 * max(scale, 0.5)), np.uint8)


def _paint_eye(
    face: Image, look: Look, scale: float, x_mm: float, gaze: Floats, lids: float
) -> None:
    """White, iris, pupil and glint within the lids, which follow a look down."""
    import cv2

    reach = int(np.ceil(20 * scale))
    at = (np.array([x_mm, _EYE_ROW_MM]) + HEAD_MM[:2]) * scale
    left, top = (at - reach).astype(int)
    patch = face[top : top + 2 * reach, left : left + 2 * reach]
    origin = at - [left, top] - 0.5
    down = float(np.clip(gaze[1], -0.5, 0.7))
    below = look.opening_mm[1] * (0.4 + 0.6 * lids) * (1 + 0.3 * down)
    above = lids * (look.opening_mm[0] - 7.0 * down) - (1 - lids) * below
    x = np.linspace(-1, 1, 17)
    arch = (1 - x**2) ** 0.8
    upper = np.column_stack([x * _LID_HALF_MM, -above * arch])
    lower = np.column_stack([x * _LID_HALF_MM, below * arch])
    opening = np.zeros(patch.shape[:2], np.uint8)
    rim = _fixed(origin + scale * np.concatenate([upper, lower[::-1]]))
    cv2.fillPoly(opening, [rim], 255, cv2.LINE_AA, _BINARY)
    ball = np.empty_like(patch)
    ball[:] = np.minimum(look.skin * 0.25 + 165, 240).astype(np.uint8)
    where = origin + scale * iris_mm(gaze)
    for radius, colour in ((IRIS_MM, look.iris * 0.8), (2.3, np.full(3, 12.0))):
        wide = abs(float(gaze[2]))  # an iris that is turned away looks narrow
        turned = float(np.degrees(np.arctan2(gaze[1], gaze[0])))
        axes = _fixed(scale * radius * np.array([max(wide, 0.3), 1.0]))
        centre = tuple(int(v) for v in _fixed(where))
        cv2.ellipse(
            ball, centre, (int(axes[0]), int(axes[1])), turned, 0, 360, colour.tolist(), -1,
            cv2.LINE_AA, _BINARY,
        )  # fmt: skip
    glint = tuple(int(v) for v in _fixed(origin + scale * (0.45 * iris_mm(gaze) + [1.2, -1.6])))
    cv2.circle(ball, glint, max(1, int(0.9 * scale * 2**_BINARY)), (255,) * 3, -1, 16, _BINARY)
    cover = opening[..., None].astype(np.float32) / 255
    patch[:] = patch + cover * (ball.astype(np.float32) - patch)
    line = [_fixed(origin + scale * upper)]
    dark = (look.skin * 0.25).tolist()
    cv2.polylines(patch, line, False, dark, max(1, round(1.3 * scale)), cv2.LINE_AA, _BINARY)


def _paint_mouth(face: Image, look: Look, scale: float, mouth: float) -> None:
    import cv2

    centre = (np.array([0.0, _MOUTH_ROW_MM]) + HEAD_MM[:2]) * scale - 0.5
    lips = np.minimum(look.skin * [0.85, 0.55, 0.55], 255)
    half, gap = 24 - 4 * mouth, 11.0 * mouth
    shapes = ((half, 5.5 + gap, lips), (half - 4, max(gap, 0.8), np.array([48.0, 18, 20])))
    for wide, high, colour in shapes:
        axes = _fixed(scale * np.array([wide, high]))
        cv2.ellipse(
            face, tuple(int(v) for v in _fixed(np.add(centre, [0, scale * gap / 2]))),
            (int(axes[0]), int(axes[1])), 0, 0, 360, colour.tolist(), -1, cv2.LINE_AA, _BINARY,
        )  # fmt: skip


def _fixed(points: Floats) -> Image:
    return np.asarray(np.round(np.asarray(points) * 2**_BINARY), np.int32)


def _draw_ellipsoid(
    picture: Floats, middle: Floats, scale: float, turn: Floats, axes_mm: Floats, light: Floats,
    look: Look, face: Image | None = None,
) -> None:  # fmt: skip
    """One part of a head: with a face on its front and hair behind, or bare skin."""
    form = turn @ np.diag(axes_mm**-2.0) @ turn.T
    reach = scale * np.sqrt(np.diag(np.linalg.inv(form))[:2])
    x0, y0 = np.maximum(np.floor(middle - reach - 1), 0).astype(int)
    x1, y1 = np.minimum(
        np.ceil(middle + reach + 2).astype(int), [picture.shape[1], picture.shape[0]]
    )
    if x0 >= x1 or y0 >= y1:
        return
    u = ((np.arange(x0, x1) + 0.5 - middle[0]) / scale).astype(np.float32)[None]
    v = ((np.arange(y0, y1) + 0.5 - middle[1]) / scale).astype(np.float32)[:, None]
    a, b = form[2, 2], form[0, 2] * u + form[1, 2] * v
    c = form[0, 0] * u * u + 2 * form[0, 1] * u * v + form[1, 1] * v * v - 1
    inside = b * b - a * c
    z = (-b - np.sqrt(np.maximum(inside, 0))) / a
    own = [turn[0, k] * u + turn[1, k] * v + turn[2, k] * z for k in range(3)]
    bright = _shade(own, axes_mm, turn.T @ light)
    colour = look.skin * 0.93 if face is None else _laid(face, own, look)
    # from 1 in the middle to 0 at the rim, which is made as soft as a pixel
    soft = np.clip(inside / a * (reach.mean() / 2), 0, 1)
    part = picture[y0:y1, x0:x1]
    part += soft[..., None] * (colour * bright[..., None] - part)


def _shade(own: list[Floats], axes_mm: Floats, light: Floats) -> Floats:
    normal = [q / float(axis**2) for q, axis in zip(own, axes_mm, strict=True)]
    length = np.sqrt(sum(n * n for n in normal))
    lit = sum(n * float(part) for n, part in zip(normal, light, strict=True)) / length
    return np.asarray(0.5 + 0.55 * np.maximum(lit, 0), np.float32)


def _laid(face: Image, own: list[Floats], look: Look) -> Floats:
    """Colours of places on a head: the face before, hair behind the ears."""
    import cv2

    scale = face.shape[1] / (2 * float(HEAD_MM[0]))
    columns = ((own[0] + HEAD_MM[0]) * scale - 0.5).astype(np.float32)
    rows = ((own[1] + HEAD_MM[1]) * scale - 0.5).astype(np.float32)
    front = cv2.remap(face, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    behind = np.clip((own[2] + 12) / 8, 0, 1) * (own[1] < 62)
    return np.asarray(front + behind[..., None] * (look.hair - front), np.float32)


def _shoulders(picture: Floats, middle: Floats, scale: float, look: Look) -> None:
    import cv2

    parts = (((0, 120), (48, 60), look.skin * 0.8), ((0, 300), (215, 160), look.shirt))
    for place, axes, colour in parts:
        at, wide = _fixed(middle + scale * np.array(place)), _fixed(scale * np.array(axes))
        cv2.ellipse(
            picture, (int(at[0]), int(at[1])), (int(wide[0]), int(wide[1])), 0, 0, 360,
            colour.tolist(), -1, cv2.LINE_AA, _BINARY,
        )  # fmt: skip


def muted(colour: Floats) -> Floats:
    """A colour `(..., 3)` nearer to grey."""
    grey = colour.mean(axis=-1, keepdims=True)
    return np.asarray(grey + 0.4 * (colour - grey))

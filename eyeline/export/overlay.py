"""Drawing an analysis on frames: faces, gaze, targets, states, time.

Plain OpenCV rather than the annotators of `supervision`. Those draw corners and labels of four
faces as quickly (0.05 and 0.06 ms a 720p frame), but have no gaze with its foreshortening, no look
at a target, no signs inside a label, and one style for all faces of a call, so that the state of a
face could not show in its frame. What remained of them would cost more code than it saves.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from eyeline.errors import check_shape
from eyeline.export.colours import Colour, person_colour
from eyeline.export.glow import lay_over
from eyeline.export.glyphs import INK, WHITE, Canvas, Sprite, pill, sign, word
from eyeline.export.placing import place
from eyeline.export.timeline import FrameView
from eyeline.geometry import boxes
from eyeline.geometry.directions import cone_rim
from eyeline.results import Floats, Image, person_label

STATES = ("speaks", "contact", "camera")
_WORDS = {
    "speaks": "speaks",
    "contact": "eye contact",
    "camera": "looks at camera",
    "gaze": "gaze",
    "target": "looked at",
}
_ARROW_FACES = 1.3
"""Length of an arrow that lies in the plane of the image, in face sizes."""
_RING_BELOW = 0.22
"""A direction whose part in the image is shorter is drawn as a ring: it comes at the camera."""
_WIDEST_RAD = np.radians(75.0)
"""A direction that may lie further off as often as not has no cone: it would tell nothing."""
_CONE_OPACITY = 0.22
_DASH_PX = 7
_MOST_DASHES = 400

_Box = tuple[float, float, float, float]


def draw(rgb: Image, rows: FrameView) -> None:
    """Draw what is known of a frame onto it.

    Args:
        rgb: `(height, width, 3)` uint8, contiguous, writable; changed in place. Sizes from
            640x360 to 3840x2160 stay legible.
        rows: the faces, from `Timeline.at`; pixels of the same image.

    Raises:
        DataError: an array of another shape.
    """
    check_shape(rgb, "height width 3", "the frame to draw on")
    unit = max(0.5, min(rgb.shape[:2]) / 720)
    for mark in rows.marks:
        if mark.heatmap is not None:
            lay_over(rgb, mark.heatmap)
    for k in range(len(rows)):
        _target_line(rgb, rows, k, unit)
    for k in range(len(rows)):
        _cone(rgb, rows, k)
    for k in range(len(rows)):
        _face(rgb, rows, k, unit)
    for k in range(len(rows)):
        _gaze(rgb, rows, k, unit)
    for mark in rows.marks:
        _mark(rgb, (mark.x_px, mark.y_px), mark.name, unit)
    corners = [_time(rgb, rows, unit), _legend(rgb, rows.legend, unit)]
    _labels(rgb, rows, [box for box in corners if box], unit)


def _target_line(rgb: Image, rows: FrameView, k: int, unit: float) -> None:
    import cv2

    if np.isnan(rows.target_px[k]).any() or np.isnan(rows.eyes_px[k]).any():
        return
    start, end = rows.eyes_px[k].astype(float), rows.target_px[k].astype(float)
    colour, line = person_colour(int(rows.person[k])), max(1, round(1.5 * unit))
    cv2.polylines(rgb, _dashes(start, end, _DASH_PX * unit), False, colour, line)
    radius, at = max(3, round(6 * unit)), _pixel(end)
    cv2.circle(rgb, at, radius, INK, max(1, round(4 * unit)), cv2.LINE_AA)
    cv2.circle(rgb, at, radius, colour, max(1, round(2 * unit)), cv2.LINE_AA)


def _dashes(start: Floats, end: Floats, dash: float) -> list[Floats]:
    """Short pieces `(2, 2)` in whole pixels on the way between two points."""
    length = float(np.hypot(*(end - start)))
    begin = np.arange(min(_MOST_DASHES, int(length / (2 * dash)) + 1))[:, None] * 2 * dash
    step = (end - start) / max(length, 1e-6)
    pieces = np.stack([start + begin * step, start + np.minimum(begin + dash, length) * step], 1)
    return list(np.rint(np.clip(pieces, -1e4, 1e5)).astype(np.int32))


def _face(rgb: Image, rows: FrameView, k: int, unit: float) -> None:
    """Corners for a face, a full frame with a light line around it for eye contact."""
    import cv2

    colour, line = person_colour(int(rows.person[k])), max(2, round(2.5 * unit))
    x1, y1, x2, y2 = (int(v) for v in np.rint(np.clip(rows.box_xyxy[k], -1e4, 1e5)))
    if rows.contact[k]:
        edge = line + max(1, line // 2)
        cv2.rectangle(rgb, (x1 - edge, y1 - edge), (x2 + edge, y2 + edge), INK, line)
        cv2.rectangle(rgb, (x1 - line, y1 - line), (x2 + line, y2 + line), WHITE, line)
        cv2.rectangle(rgb, (x1, y1), (x2, y2), colour, line + max(1, line // 2))
        return
    arm = max(4, round(0.22 * min(x2 - x1, y2 - y1)))
    corners = [
        np.array([(x + sx * arm, y), (x, y), (x, y + sy * arm)], np.int32)
        for x, sx in ((x1, 1), (x2, -1))
        for y, sy in ((y1, 1), (y2, -1))
    ]
    cv2.polylines(rgb, corners, False, INK, line + max(1, round(2 * unit)))
    cv2.polylines(rgb, corners, False, colour, line)


def _gaze(rgb: Image, rows: FrameView, k: int, unit: float) -> None:
    """An arrow from between the eyes; towards the camera a ring."""
    import cv2

    direction, start = rows.seen[k], rows.eyes_px[k]
    if np.isnan(direction).any() or np.isnan(start).any():
        return
    size = float(boxes.size(rows.box_xyxy[k]))
    colour, line = person_colour(int(rows.person[k])), max(2, round(3 * unit))
    flat = direction[:2].astype(float)
    if direction[2] < 0 and np.hypot(*flat) < _RING_BELOW:
        radius = max(4, round(0.16 * size))
        for shade, width in ((INK, line + 2), (colour, line)):
            cv2.circle(rgb, _pixel(start), radius, shade, width, cv2.LINE_AA)
            cv2.circle(rgb, _pixel(start), max(2, radius // 4), shade, width, cv2.LINE_AA)
        return
    _arrow(rgb, start, start + _ARROW_FACES * size * flat, colour, line)


def _cone(rgb: Image, rows: FrameView, k: int) -> None:
    """What the cone about an arrow covers of the image, lightly in the person's colour."""
    import cv2

    if rows.cone_rad is None or not rows.cone_rad[k] < _WIDEST_RAD:  # NaN is not either
        return
    direction, start = rows.seen[k].astype(float), rows.eyes_px[k].astype(float)
    if np.isnan(direction).any() or np.isnan(start).any():
        return
    length = _ARROW_FACES * float(boxes.size(rows.box_xyxy[k]))
    rim = cone_rim(direction, rows.cone_rad[k])[:, :2]
    outline = np.concatenate([start[None], start + length * rim])
    hull = cv2.convexHull(np.rint(np.clip(outline, -1e4, 1e5)).astype(np.int32))
    x, y, w, h = cv2.boundingRect(hull)
    left, top = max(x, 0), max(y, 0)
    part = rgb[top : max(y + h, 0), left : max(x + w, 0)]
    if part.size:
        mask = np.zeros(part.shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, hull - np.array([left, top]), 255, cv2.LINE_AA)
        fraction = mask[..., None] * np.float32(_CONE_OPACITY / 255)
        colour = np.array(person_colour(int(rows.person[k])), np.float32)
        part[:] = np.rint(part + (colour - part) * fraction).astype(np.uint8)


def _arrow(rgb: Image, start: Floats, end: Floats, colour: Colour, line: int) -> None:
    import cv2

    way = end - start
    length = float(np.hypot(*way))
    if length < 1:
        return
    along = way / length
    head = min(4.5 * line, 0.6 * length)
    across = np.array([-along[1], along[0]]) * head * 0.55
    neck = end - along * head
    tip = np.stack([end, neck + across, neck - across])
    edge = max(1, line // 3)
    outer = np.stack([end + along * 2 * edge, neck + across * 1.3, neck - across * 1.3])
    outer[1:] -= along * edge
    for shade, points, width in ((INK, outer, line + 2 * edge), (colour, tip, line)):
        cv2.line(rgb, _pixel(start), _pixel(neck), shade, width, cv2.LINE_AA)
        cv2.fillConvexPoly(rgb, np.rint(points).astype(np.int32), shade, cv2.LINE_AA)


def _labels(rgb: Image, rows: FrameView, taken: list[_Box], unit: float) -> None:
    """The tags of all faces, none on another nor on what is taken."""
    states = [tuple(name for name in STATES if getattr(rows, name)[k]) for k in range(len(rows))]
    sprites = [
        _label_sprite(rows.names.get(person, person_label(person)), person, own, _text_px(unit))
        for person, own in zip(rows.person.tolist(), states, strict=True)
    ]
    sizes = [(sprite.width, sprite.height) for sprite in sprites]
    frame = rgb.shape[1], rgb.shape[0]
    corners = place(sizes, rows.box_xyxy, frame, taken, round(6 * unit))
    for sprite, (x, y) in zip(sprites, corners, strict=True):
        sprite.blend(rgb, x, y)


def _mark(rgb: Image, place: tuple[float, float], name: str, unit: float) -> None:
    import cv2

    at = _pixel(np.array(place))
    for shade, width in ((INK, round(6 * unit)), (WHITE, max(1, round(2 * unit)))):
        cv2.circle(rgb, at, round(16 * unit), shade, width, cv2.LINE_AA)
        cv2.circle(rgb, at, max(1, round(3 * unit)), shade, width, cv2.LINE_AA)
    words = _caption(name, (), _text_px(unit))
    words.blend(rgb, at[0] + round(22 * unit), at[1] - words.height // 2)


def _time(rgb: Image, rows: FrameView, unit: float) -> _Box:
    """The time as hours, minutes and seconds; beside it who speaks without being seen.

    Returns the box that they cover.
    """
    size, edge = _text_px(unit), round(14 * unit)
    minutes, seconds = divmod(max(rows.time_s, 0.0), 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{hours}:{minutes:02d}:" if hours else f"{minutes}:"
    text += f"{int(seconds):02d}.{int(seconds * 100 + 1e-6) % 100:02d}"
    x, y = edge, rgb.shape[0] - edge - _caption("0", (), size).height
    back = _blank(len(text), size)
    back.blend(rgb, x, y)
    step = _digit("0", size).width
    for k, character in enumerate(text):
        _digit(character, size).blend(rgb, x + size // 2 + k * step, y + size // 3)
    width = back.width
    if rows.unseen_speech:
        voice = _caption("unseen voice", ("speaks",), size)
        voice.blend(rgb, x + width + edge // 2, y)
        width += edge // 2 + voice.width
    return x, y, x + width, y + back.height


def _legend(rgb: Image, names: tuple[str, ...], unit: float) -> _Box | None:
    """What the signs mean, and the box that this covers."""
    edge = round(14 * unit)
    shown = tuple(name for name in _WORDS if name in names)
    if shown:
        sprite = _legend_sprite(shown, max(10, round(15 * unit)))
        x, y = rgb.shape[1] - sprite.width - edge, rgb.shape[0] - sprite.height - edge
        sprite.blend(rgb, x, y)
        return x, y, x + sprite.width, y + sprite.height
    return None


@lru_cache(maxsize=1024)
def _label_sprite(name: str, person: int, states: tuple[str, ...], size: int) -> Sprite:
    return _caption(name, states, size, person_colour(person))


@lru_cache(maxsize=256)
def _caption(text: str, states: tuple[str, ...], size: int, colour: Colour = INK) -> Sprite:
    """A rounded field with words and the signs of states behind them."""
    mask = word(text, size)
    gap, mark = size // 2, round(size * 0.95)
    width = mask.shape[1] + 2 * gap + len(states) * (mark + gap)
    height = mask.shape[0] + 2 * (size // 3)
    canvas = Canvas(width, height)
    pill(canvas, 0, 0, width, height, colour)
    canvas.cover(_placed(mask, width, height, gap, size // 3), WHITE)
    for k, state in enumerate(states):
        x = mask.shape[1] + 2 * gap + k * (mark + gap) - gap // 4
        sign(state, canvas, x, (height - mark) // 2, mark, WHITE)
    return canvas.sprite()


@lru_cache(maxsize=64)
def _legend_sprite(names: tuple[str, ...], size: int) -> Sprite:
    masks = [word(_WORDS[name], size, 500) for name in names]
    gap, mark = size // 2, size
    width = sum(mask.shape[1] + mark + 3 * gap for mask in masks) + gap
    height = masks[0].shape[0] + 2 * (size // 3)
    canvas = Canvas(width, height)
    pill(canvas, 0, 0, width, height, INK, 0.66)
    x = gap
    for name, mask in zip(names, masks, strict=True):
        sign(name, canvas, x, (height - mark) // 2, mark, WHITE)
        canvas.cover(_placed(mask, width, height, x + mark + gap, size // 3), WHITE)
        x += mask.shape[1] + mark + 3 * gap
    return canvas.sprite()


@lru_cache(maxsize=64)
def _blank(characters: int, size: int) -> Sprite:
    width = characters * _digit("0", size).width + 2 * (size // 2)
    canvas = Canvas(width, _caption("0", (), size).height)
    pill(canvas, 0, 0, width, _caption("0", (), size).height, INK)
    return canvas.sprite()


@lru_cache(maxsize=64)
def _digit(character: str, size: int) -> Sprite:
    """A character in the middle of the width of a nought, so that the time does not jump."""
    mask, width = word(character, size), word("0", size).shape[1]
    canvas = Canvas(width, mask.shape[0])
    left = max(0, (width - mask.shape[1]) // 2)
    canvas.cover(_placed(mask[:, :width], width, mask.shape[0], left, 0), WHITE)
    return canvas.sprite()


def _placed(mask: Image, width: int, height: int, x: int, y: int) -> Image:
    whole = np.zeros((height, width), np.uint8)
    whole[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
    return whole


def _text_px(unit: float) -> int:
    return max(11, round(19 * unit))


def _pixel(point: Floats) -> tuple[int, int]:
    x, y = np.clip(point, -1e4, 1e5)
    return round(float(x)), round(float(y))

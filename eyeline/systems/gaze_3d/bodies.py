"""The boxes that `gaze_from_afar` looks at, from the head and body boxes of a track.

The network was trained on boxes about joints: the body's from the eyes to the toes, the head's from
the eyes to the neck. Tracks have other boxes, hair to soles and hair to chin; average proportions
of an adult lead from one to the other, and from a head to a body that nobody looked for. Measured
from drawings of the human body, not from the data set.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eyeline.people.tracks import Track
from eyeline.results import Floats
from eyeline.systems.gaze_3d.inputs import grown, portrait, squared

HEAD_SIDE = 1.25
"""Side of the square head box, in heights of a head from hair to chin."""
HEAD_RISE = 0.04
"""How far its middle lies above that of the head, likewise."""
EYES = 0.067
"""Eye level below the top of a standing person, in heights of the person."""
EYES_TO_TOES = 6.4
"""From the eyes of a standing person to the toes, in heights of the head."""
BODY_WIDTH = 2.0
"""Width of the joints of a standing person, likewise."""
LEAST_BODY = 1.5
"""A body box lower than so many heights of its head is not believed."""

_BODY_GROWTH = (0.15, 0.05, 0.2, 0.2)


class Boxes(NamedTuple):
    """What the network is shown of a track, a row a frame; xywh in pixels."""

    head: Floats
    """`(n, 4)`, square."""
    body: Floats
    """`(n, 4)`, three wide and four high."""


def boxes_of(track: Track, width_px: int, height_px: int) -> Boxes:
    """Head and body boxes of every row of a track.

    A body that was looked for counts as the image shows it. Else a standing adult hangs below the
    head and is cut at the image's border, as the joints of training were.

    Args:
        track: heads, and bodies if there are.
        width_px: of the image.
        height_px: of the image.
    """
    extent = _standing(track.head_xyxy)
    if track.body_xyxy is not None:
        body = _eyes_to_toes(track.body_xyxy, track.head_xyxy)
        high = track.head_xyxy[:, 3] - track.head_xyxy[:, 1]
        believed = track.body_xyxy[:, 3] - track.body_xyxy[:, 1] > LEAST_BODY * high
        extent = np.where(believed[:, None], body, extent)
    extent = _within(extent, track.head_xyxy, width_px, height_px)
    return Boxes(_heads(track.head_xyxy), np.stack([_crop(row) for row in extent]))


def _heads(head_xyxy: Floats) -> Floats:
    """Square head boxes `(n, 4)`, xywh."""
    centre = (head_xyxy[:, :2] + head_xyxy[:, 2:]) / 2
    high = np.maximum(head_xyxy[:, 3:] - head_xyxy[:, 1:2], 2.0)
    side = HEAD_SIDE * high
    corner = centre - side / 2 - np.concatenate([np.zeros_like(high), HEAD_RISE * high], axis=1)
    return np.asarray(np.rint(np.concatenate([corner, side, side], axis=1)))


def _standing(head_xyxy: Floats) -> Floats:
    """Eyes to toes `(n, 4)`, xyxy, of standing adults with these heads."""
    x, y = ((head_xyxy[:, i] + head_xyxy[:, i + 2]) / 2 for i in (0, 1))
    high = head_xyxy[:, 3] - head_xyxy[:, 1]
    half = BODY_WIDTH / 2 * high
    return np.stack([x - half, y, x + half, y + EYES_TO_TOES * high], axis=1)


def _eyes_to_toes(body_xyxy: Floats, head_xyxy: Floats) -> Floats:
    """The same of whole bodies; the eyes are where the head is, if that is within the body."""
    top = body_xyxy[:, 1] + EYES * (body_xyxy[:, 3] - body_xyxy[:, 1])
    eyes = (head_xyxy[:, 1] + head_xyxy[:, 3]) / 2
    within = (eyes > body_xyxy[:, 1]) & (eyes < (body_xyxy[:, 1] + body_xyxy[:, 3]) / 2)
    result = body_xyxy.astype(np.float64)
    result[:, 1] = np.where(within, eyes, top)
    return result


def _within(extent: Floats, head_xyxy: Floats, width_px: int, height_px: int) -> Floats:
    """Extents cut at the image's border, but never to less than a head."""
    cut = np.clip(extent, 0, np.array([width_px, height_px, width_px, height_px]))
    high = np.maximum(head_xyxy[:, 3] - head_xyxy[:, 1], 2.0)
    empty = (cut[:, 2] - cut[:, 0] < 0.2 * high) | (cut[:, 3] - cut[:, 1] < 0.2 * high)
    return np.where(empty[:, None], extent, cut)


def _crop(extent: Floats) -> Floats:
    """The crop `(4,)`, xywh, about an extent `(4,)`, xyxy, by the published steps."""
    left, top, right, bottom = (float(v) for v in np.rint(extent))
    tight = left, top, max(right - left, 1.0), max(bottom - top, 1.0)
    return np.array(portrait(squared(grown(tight, *_BODY_GROWTH))))

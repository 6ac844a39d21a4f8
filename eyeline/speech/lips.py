"""Lips at the video's own rate: a pass over the frames that measures mouths, and nothing else.

Faces may have been followed at any rate; between two analysed frames their places are interpolated.
In every frame of a voiced span (30 a second at most) landmarks are found, and the pixels around the
mouth are read beside them: how they move against each other, which also holds in profile, how dark
the mouth's opening is, and whether something covers the mouth, where landmarks only jitter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline import spill
from eyeline.people import landmarks
from eyeline.people.tracks import Track
from eyeline.results import Floats, Image, Ints

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

COVERED_WEIGHTS = Path(__file__).parent / "weights" / "covered.npz"
"""Of edges of a covered mouth, fitted by `scripts/fit_covered.py`; see `docs/accuracy.md`."""
PATCH_WH = (48, 40)
"""Pixels of the patch around the mouth."""
PATCH_MM = 1.75
"""Millimetres of the metric face that one of its pixels spans."""
FASTEST_HZ = 30.0
"""Frames a second that are measured at most."""
AROUND_S = 0.8
"""Lips are also read so long before and after a voice."""

_BELOW_MM = 6.0  # the patch's middle below the line between the mouth's corners
_GAP_S = 0.25  # between frames further apart no motion is measured
_COVER_EVERY_S = 0.15  # what covers a mouth stays longer
_INNER = (slice(8, 36), slice(6, 42))  # of the patch: where lips and chin move
_CENTRE = (slice(10, 32), slice(10, 38))  # of the patch: where a mouth opens
_FAINT_GREY = 4.0  # grey levels added to a patch's contrast, so that flat ones are not blown up
_CELL, _DIRECTIONS = 8, 9
_FAINT = 200.0  # added to the length of a block, so that the noise of flat cloth stays small


@dataclass(frozen=True)
class Lips:
    """What was measured on the mouth of one track, frame by frame."""

    time_s: Floats
    """`(n,)` starts of the measured frames, increasing."""
    opening: Floats
    """`(n,)` inner lip distance in eye distances."""
    trust: Floats
    """`(n,)` agreement of the landmarks with the detector's points, [0, 1]."""
    stir_mm_s: Floats
    """`(n,)` root mean square motion of the mouth's pixels against each other; NaN where the frame
    before is missing, or pixels were not read."""
    dark: Floats
    """`(n,)` how much darker the mouth's darkest part is than its surroundings, in standard
    deviations of the patch; NaN where pixels were not read."""
    covered: Floats
    """`(n,)` probability that something covers the mouth; NaN where pixels were not read."""

    @classmethod
    def of_track(cls, track: Track) -> Lips:
        """The landmarks that were measured while the face was followed, without pixels."""
        known = np.isfinite(track.mouth_open)
        nothing = np.full(int(known.sum()), np.nan)
        measured = track.time_s[known], track.mouth_open[known], track.quality[known]
        return cls(*measured, nothing, nothing, nothing)


def read_lips(
    tracks: Sequence[Track], frames: Iterable[Frame], voiced_s: Floats
) -> tuple[Lips, ...]:
    """Measure the mouths of all tracks in one pass.

    Args:
        tracks: the faces, followed at any rate.
        frames: all frames of the video, in order.
        voiced_s: `(k, 2)` spans in which there is a voice, in order; away from them nothing is
            measured.

    Returns:
        The lips of each track.
    """
    landmarker = landmarks.Landmarker()
    readers = [_Reader(track, landmarker) for track in tracks]
    near, last_s = voiced_s + np.array([-AROUND_S, AROUND_S]), -np.inf
    for frame in frames if readers and len(voiced_s) else ():
        inside = (frame.time_s >= near[:, 0]) & (frame.time_s <= near[:, 1])
        if frame.time_s - last_s < 0.85 / FASTEST_HZ or not inside.any():
            continue
        last_s = frame.time_s
        for reader in readers:
            reader.read(frame)
    return tuple(reader.lips() for reader in readers)


class _Reader:
    """Measures one track's mouth."""

    def __init__(self, track: Track, landmarker: landmarks.Landmarker) -> None:
        self._landmarker = landmarker
        self._track = track
        self._geometry = spill.on_disk(
            np.concatenate(
                [track.five_px.reshape(-1, 10), landmarks.placing(track.five_px)[:, 1:]], axis=1
            )
        )
        self._stored: list[Floats] = []
        self._rows: list[tuple[float, ...]] = []
        self._before: Image | None = None
        self._covered, self._covered_s = 0.0, -np.inf

    def read(self, frame: Frame) -> None:
        """Measure the mouth in a frame, if the face is there."""
        track, time_s = self._track, frame.time_s
        if not track.time_s[0] - 1e-6 <= time_s < track.end_s[-1] - 1e-6:
            return
        values = np.array([np.interp(time_s, track.time_s, c) for c in self._geometry.T])
        five, (roll, scale) = values[:10].reshape(5, 2), values[10:]
        gray = frame.gray()
        opening, trust = self._opening(gray, time_s, five, roll, scale)
        image = patch(gray, five[3:].mean(axis=0), roll, scale)
        if time_s - self._covered_s >= _COVER_EVERY_S:
            self._covered, self._covered_s = covered_probability(image), time_s
        gap_s = time_s - self._rows[-1][0] if self._rows else np.inf
        stir_mm_s = stir_mm(self._before, image) / gap_s if gap_s <= _GAP_S else np.nan
        if len(self._rows) >= spill.ROWS_AT_ONCE:
            self._stored.append(spill.on_disk(np.array(self._rows, np.float64)))
            self._rows.clear()
        self._rows.append((time_s, opening, trust, stir_mm_s, darkness(image), self._covered))
        self._before = image

    def _opening(
        self, gray: Image, time_s: float, five: Floats, roll: float, scale: float
    ) -> tuple[float, float]:
        """Opening and trust; where the face was followed in this very frame, as measured then."""
        track = self._track
        row = min(int(np.searchsorted(track.time_s, time_s - 1e-6)), len(track) - 1)
        if abs(track.time_s[row] - time_s) < 1e-6 and np.isfinite(track.mouth_open[row]):
            return float(track.mouth_open[row]), float(track.quality[row])
        chip = landmarks.cut_chip(gray, five, roll, scale)
        points = chip.to_frame(self._landmarker.find(chip))
        trust = landmarks.agreement(points, five, scale)
        return landmarks.mouth_opening(points, scale), trust

    def lips(self) -> Lips:
        """All that was measured."""
        rows = np.array(self._rows, np.float64).reshape(-1, 6)
        return Lips(*spill.on_disk(*self._stored, rows).T)


def patch(gray: Image, corners_px: Floats, roll_rad: float, scale_px: float) -> Image:
    """The upright patch `(40, 48)` around the mouth, bilinear.

    Args:
        gray: `(h, w)` frame.
        corners_px: `(2,)` the point between the corners of the mouth.
        roll_rad: roll of the head.
        scale_px: pixels a millimetre.
    """
    import cv2

    cos, sin = np.cos(roll_rad), np.sin(roll_rad)
    turn = PATCH_MM * scale_px * np.array([[cos, -sin], [sin, cos]])
    centre = corners_px + scale_px * _BELOW_MM * np.array([-sin, cos])
    corner = centre - turn @ ((np.array(PATCH_WH) - 1) / 2)
    matrix = np.concatenate([turn, corner[:, None]], axis=1)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(gray, matrix, PATCH_WH, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


def stir_mm(before: Image | None, after: Image) -> float:
    """Root mean square motion, in millimetres, between two patches, less what all pixels share."""
    import cv2

    if before is None:
        return float("nan")
    flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 2, 11, 2, 5, 1.1, 0)  # type: ignore[call-overload]
    flow = flow - np.median(flow.reshape(-1, 2), axis=0)
    return float(PATCH_MM * np.sqrt((flow[_INNER] ** 2).sum(axis=-1).mean()))


def darkness(image: Image) -> float:
    """As of `Lips.dark`."""
    grey = image.astype(np.float64)
    dark = np.percentile(grey[_CENTRE], 10)
    return float((grey.mean() - dark) / (grey.std() + _FAINT_GREY))


def edges(image: Image) -> Floats:
    """Histograms `(720,)` of oriented gradients of a patch `(40, 48)`.

    Cells of 8 x 8 pixels, nine directions without sign, blocks of 2 x 2 cells scaled to length one.
    """
    down, right = np.gradient(image.astype(np.float64))
    place = np.arctan2(down, right) % np.pi / np.pi * _DIRECTIONS
    strength, low = np.hypot(down, right), np.floor(place)
    cells = np.zeros((*(n // _CELL for n in image.shape), _DIRECTIONS))
    for step in (0, 1):
        fraction = strength * np.abs(1 - step - (place - low))
        for k in range(_DIRECTIONS):
            mine = np.where((low + step) % _DIRECTIONS == k, fraction, 0.0)
            cells[..., k] += mine.reshape(cells.shape[0], _CELL, -1, _CELL).sum(axis=(1, 3))
    corners = [cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]]
    blocks = np.concatenate(corners, axis=-1)
    blocks /= np.linalg.norm(blocks, axis=-1, keepdims=True) + _FAINT
    return blocks.ravel()


def covered_probability(image: Image) -> float:
    """Probability that the mouth in a patch `(40, 48)` is covered."""
    weight, bias = _covered_weights()
    return float(1 / (1 + np.exp(-(edges(image) @ weight + bias))))


@cache
def _covered_weights() -> tuple[Floats, float]:
    with np.load(COVERED_WEIGHTS, allow_pickle=False) as stored:
        return stored["weight"].astype(np.float64), float(stored["bias"])


def nearest_rows(track: Track, time_s: Floats) -> Ints:
    """The rows `(n,)` of a track that are nearest in time."""
    centre_s = (track.time_s[1:] + track.time_s[:-1]) / 2
    return np.searchsorted(centre_s, time_s, side="right")


def native(track: Track, clock: Floats) -> Track:
    """A track on all frames of the video, for methods that look at faces frame by frame.

    Args:
        track: followed at any rate.
        clock: `(frames, 3)` index, start and end in seconds of every frame of the video.
    """
    inside = (clock[:, 1] >= track.time_s[0] - 1e-6) & (clock[:, 1] < track.end_s[-1] - 1e-6)
    frame, time_s, end_s = clock[inside].T
    nearest = nearest_rows(track, time_s)

    def interpolated(value: Floats) -> Floats:
        flat = value.reshape(len(value), -1).astype(np.float64)
        out = np.stack([np.interp(time_s, track.time_s, column) for column in flat.T], axis=1)
        return out.reshape(len(time_s), *value.shape[1:])

    columns: dict[str, Any] = {
        name: value[nearest] if value.dtype == np.bool_ else interpolated(value)
        for name, value in vars(track).items()
        if isinstance(value, np.ndarray)
    }
    columns |= {"frame": frame.astype(np.int64), "time_s": time_s, "end_s": end_s}
    return replace(track, **columns)

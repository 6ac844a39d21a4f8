"""Which image of a track goes with which tick of the audio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from eyeline.people.published_face import published_face
from eyeline.people.tracks import Track
from eyeline.results import Image, Ints
from eyeline.speech.images import images_due
from eyeline.speech.mouths import TICK_HZ, TICK_S, track_ticks
from eyeline.speech.syncnet.crops import Edges, Squares, cut, squares

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

Clock = Literal["by_time", "as_they_come"]
"""`by_time`: every 40 ms the frame nearest in time. `as_they_come`: frame k is taken for that of
tick k whatever its time, as the published conversion does with videos of fewer than 25 frames a
second, so that lips run ahead of the audio; of quicker videos it drops frames by time."""

_AS_FAST = 1.02  # a rate above this many times 25 Hz is quicker


@dataclass(frozen=True)
class Reel:
    """The images of one track in the order in which the network sees them."""

    first: int
    """Tick of the audio that goes with image 0."""
    row: Ints
    """`(n,)` row of the track that each image shows."""
    image: Ints
    """`(m,)` image that tells of each of the ticks `track_ticks(track)`."""
    squares: Squares
    """`(n,)` where the face is."""


def reel(track: Track, clock: Clock = "by_time", edges: Edges = "repeated") -> Reel:
    """Lay a track on the ticks.

    Args:
        track: at any rate; with `as_they_come` every frame of the video must be in it.
        clock: how frames become ticks.
        edges: how squares are smoothed at the ends.
    """
    ticks = track_ticks(track)
    nearest = _nearest(track, np.arange(ticks.start, ticks.stop) * TICK_S)
    row, first, image = nearest, ticks.start, _count(len(nearest))
    if clock == "as_they_come" and _rate_hz(track) <= _AS_FAST * TICK_HZ:
        row, first, image = _count(len(track)), int(track.frame[0]), nearest
    return Reel(first, row, image, squares(published_face(track)[row], edges))


def faces(
    tracks: Sequence[Track],
    reels: Sequence[Reel],
    wanted: Sequence[npt.NDArray[np.bool_]],
    frames: Iterable[Frame],
) -> Iterator[tuple[int, int, Image]]:
    """Faces of all tracks in one pass over the frames.

    Args:
        tracks: the faces.
        reels: of each.
        wanted: which images of each are needed, `(n,)`.
        frames: on which the tracks were made, in order. Where one is missing, the next one stands
            in.

    Yields:
        Index of the track, number of the image and the face `(224, 224, 3)` BGR; images of a
        track come in order, those for which no frame is left do not come.
    """
    due = [np.flatnonzero(w) for w in wanted]
    shown = [t.frame[r.row[d]] for t, r, d in zip(tracks, reels, due, strict=True)]
    for frame, images in images_due(shown, frames):
        bgr = _bgr(frame)
        for i, nth in images:
            k = int(due[i][nth])
            yield i, k, cut(bgr, *(float(v) for v in reels[i].squares.at(k)))


def _nearest(track: Track, time_s: npt.NDArray[np.floating]) -> Ints:
    centre_s = (track.time_s[1:] + track.time_s[:-1]) / 2
    return np.searchsorted(centre_s, time_s, side="right")


def _count(stop: int) -> Ints:
    return np.arange(stop)


def _rate_hz(track: Track) -> float:
    length_s = float(track.end_s[-1] - track.time_s[0])
    return len(track) / length_s if length_s > 0 else 0.0


def _bgr(frame: Frame) -> Image:
    return np.ascontiguousarray(frame.rgb()[..., ::-1])

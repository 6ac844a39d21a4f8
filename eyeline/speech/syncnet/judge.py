"""Faces and audio on their way to distances, a stretch at a time; features are not kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import DataError
from eyeline.results import Floats, Image, Ints
from eyeline.speech.mfcc import COEFFICIENTS, mfcc_of_blocks
from eyeline.speech.syncnet.features import AT_ONCE, Features, OverTime
from eyeline.speech.syncnet.model import CLIP_FRAMES, HOP_ROWS, WINDOW_ROWS
from eyeline.speech.syncnet.offset import SHIFT_TICKS, distances

if TYPE_CHECKING:
    from eyeline.video.audio import AudioBlock

CENTRE = CLIP_FRAMES // 2
"""A clip tells of the frame in its middle."""

_PIECE = 50  # ticks of audio that are encoded together
_PIECES_KEPT = 12


class Heard:
    """The audio of a video, encoded where it is asked for and for a while remembered."""

    def __init__(self, net: OverTime, audio: Iterable[AudioBlock]) -> None:
        """Take in all audio as coefficients, 5 kB a second."""
        self._net, self._rows = net, mfcc_of_blocks(audio)
        self._pieces: OrderedDict[int, Features] = OrderedDict()
        self.ticks = max(0, (len(self._rows) - WINDOW_ROWS) // HOP_ROWS + 1)
        """Windows that the audio fills."""

    def at(self, first: int, count: int) -> Features:
        """Points `(count, features)` of the windows from tick `first` on; NaN outside the audio."""
        result = np.full((count, self._net.features), np.nan, np.float32)
        start, stop = max(first, 0), min(first + count, self.ticks)
        for number in range(start // _PIECE, -(-stop // _PIECE)):
            piece = self._piece(number)
            a, b = max(start, number * _PIECE), min(stop, number * _PIECE + len(piece))
            if a < b:
                result[a - first : b - first] = piece[a - number * _PIECE : b - number * _PIECE]
        return result

    def _piece(self, number: int) -> Features:
        if number not in self._pieces:
            first = number * _PIECE
            count = min(_PIECE, self.ticks - first)
            rows = self._rows[first * HOP_ROWS : (first + count - 1) * HOP_ROWS + WINDOW_ROWS]
            self._pieces[number] = self._net.sound(rows.reshape(-1, COEFFICIENTS))
        self._pieces.move_to_end(number)
        while len(self._pieces) > _PIECES_KEPT:
            self._pieces.popitem(last=False)
        return self._pieces[number]


class Judge:
    """One track's faces on their way to distances."""

    def __init__(
        self, net: OverTime, heard: Heard, first: int, images: int, *, every: int = 1,
        keep: bool = False,
    ) -> None:  # fmt: skip
        """Begin.

        Args:
            net: the network.
            heard: the audio.
            first: tick of the audio that goes with image 0.
            images: how many there are.
            every: images from one clip to the next.
            keep: keep the features of all clips, 100 kB a second.
        """
        self._net, self._heard, self._first, self._every = net, heard, first, every
        self._distance = np.full((images, 2 * SHIFT_TICKS + 1), np.nan, np.float32)
        self._fed = np.zeros(images, bool)
        self._clips: list[int] = []
        self._run: list[Image] = []
        self._start = 0  # image with which the run begins
        self._kept: list[Features] | None = [] if keep else None

    def feed(self, image: int, face: Image) -> None:
        """Take a face `(224, 224, 3)` BGR; where images were left out a new run begins."""
        if image != self._start + len(self._run):
            self.finish()
            self._start = image
        self._fed[image] = True
        self._run.append(face)
        if len(self._run) >= AT_ONCE * self._every + CLIP_FRAMES - 1:
            self._encode()

    def finish(self) -> None:
        """No more faces come in this run."""
        self._encode()
        self._run = []

    def distances(self) -> Floats:
        """`(images, 31)` as of `offset.distances`, by the image in the middle of each clip.

        Where no clip has its middle, the nearest one of the same run stands in; NaN where no face
        came, in runs that are too short for a clip, and at shifts that leave the audio.
        """
        centre = np.array(self._clips, np.int64) + CENTRE
        fed = np.flatnonzero(self._fed)
        result = np.full(self._distance.shape, np.nan, np.float32)
        if len(centre):
            near = np.abs(fed[:, None] - centre[_neighbours(centre, fed)])
            nearest = np.take_along_axis(
                _neighbours(centre, fed), near.argmin(axis=1)[:, None], axis=1
            )[:, 0]
            close = near.min(axis=1) <= CENTRE + self._every - 1
            result[fed[close]] = self._distance[centre[nearest[close]] - CENTRE]
        return result

    def lips(self) -> Features:
        """`(n, features)` of all clips.

        Raises:
            DataError: the faces were too few for a clip.
        """
        if not self._kept:
            raise DataError(f"fewer than {CLIP_FRAMES} faces: too few for a clip")
        return np.concatenate(self._kept)

    def sound(self, count: int) -> Features:
        """`(count, features)` of the audio from the first image on; zeros beyond its end."""
        return np.nan_to_num(self._heard.at(self._first, count))

    def _encode(self) -> None:
        """Encode the clips of the faces at hand, and keep what later clips begin with."""
        if len(self._run) < CLIP_FRAMES:
            return
        lips = self._net.lips(np.stack(self._run), every=self._every)
        clips = self._start + self._every * np.arange(len(lips))
        rows = self._every * (len(lips) - 1) + 1 + 2 * SHIFT_TICKS
        audio = self._heard.at(self._first + self._start - SHIFT_TICKS, rows)
        self._distance[clips] = distances(lips, audio, every=self._every)
        self._clips += clips.tolist()
        if self._kept is not None:
            self._kept.append(lips)
        done = self._every * len(lips)
        self._run, self._start = self._run[done:], self._start + done


def _neighbours(sorted_at: Ints, at: Ints) -> Ints:
    """`(n, 2)` indices of the entries before and after each place."""
    after = np.searchsorted(sorted_at, at).clip(0, len(sorted_at) - 1)
    return np.stack([np.maximum(after - 1, 0), after], axis=1)

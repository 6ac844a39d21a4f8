"""Looking at me while the video runs, live or offline by the same code.

Images of faces are pushed at 30 a second, one at a time or many together; the network sees each
once, and all windows share what it saw.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eyeline.results import Floats
from eyeline.runtimes.run import Running, running
from eyeline.systems.ego_social.from_video.faces import (
    AT_ONCE,
    View,
    check_at_once,
    check_order,
    encode,
)
from eyeline.systems.ego_social.inputs import padded
from eyeline.systems.ego_social.scoring.postprocess import scores

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Look:
    """What is said of a face in a frame."""

    track_id: int
    frame: int
    probability: float
    """That the person looks at me, in [0, 1]."""


@dataclass
class _Face:
    """What of a track may still be needed."""

    last: int = -1
    seen: dict[int, tuple[Floats, bool]] = field(default_factory=dict)
    """Feature `(256,)` by frame, and whether the crop was black."""
    waiting: deque[int] = field(default_factory=deque)
    """Frames without an answer, in order."""


class LookingStream:
    """Whether each face looks at me in each frame, half a window (3 frames) late.

    A frame's window are the frames about it. Frames that were not pushed, or without a crop, are
    replaced by the rule of `inputs.padded`, and get no answer of their own.

    Args:
        network: `model.lam_lstm` or `gaze360_lstm`, `training.fused` of it for speed, or a file of
            it in another runtime.
        at_once: crops that pass through it together.
    """

    def __init__(self, network: nn.Module | Running, *, at_once: int = AT_ONCE) -> None:
        check_at_once(at_once)
        self.network, self.at_once = running(network), at_once
        self._reach = self.network.interface.sizes["frames"] // 2
        self._faces: dict[int, _Face] = {}

    def push(self, views: Sequence[View]) -> list[Look]:
        """Answers that no later frame can change, once further frames are shown.

        Views, as answers, of one track are in the order of time; tracks in any order.
        """
        check_order(views, {track: face.last for track, face in self._faces.items()})
        windows: list[tuple[int, int, Floats]] = []
        for view, feature in zip(views, encode(self.network, views, self.at_once), strict=True):
            face = self._faces.setdefault(view.track_id, _Face())
            for frame in range(view.frame, view.last + 1):
                face.last = frame
                if view.crop is not None and feature is not None:
                    face.seen[frame] = feature, not view.crop.any()
                    face.waiting.append(frame)
                windows += self._due(view.track_id, face, frame - self._reach)
        return self._conclude(windows)

    def end(self, track_id: int | None = None) -> list[Look]:
        """Answers for the last frames of a track, after which no more come; None ends all."""
        windows: list[tuple[int, int, Floats]] = []
        for track in [*self._faces] if track_id is None else [track_id]:
            if (face := self._faces.pop(track, None)) is not None:
                windows += self._due(track, face, face.last)
        return self._conclude(windows)

    def _due(self, track_id: int, face: _Face, until: int) -> Iterator[tuple[int, int, Floats]]:
        """Windows of the frames up to one; what no later window needs is forgotten."""
        while face.waiting and face.waiting[0] <= until:
            frame = face.waiting.popleft()
            yield track_id, frame, self._window(face, frame)
        needed = (face.waiting[0] if face.waiting else face.last + 1) - self._reach
        for frame in [frame for frame in face.seen if frame < needed]:
            del face.seen[frame]

    def _window(self, face: _Face, centre: int) -> Floats:
        """Features `(time, 256)`."""
        frames = range(centre - self._reach, centre + self._reach + 1)
        result = [face.seen.get(frame) for frame in frames]
        if any(one is None for one in result):
            black = [one is None or one[1] for one in result]
            result = [result[place] for place in _places(black)]
        return np.stack([one[0] for one in result if one is not None])

    def _conclude(self, windows: Sequence[tuple[int, int, Floats]]) -> list[Look]:
        if not windows:
            return []
        (logits,) = self.network.run("conclude", np.stack([window for _, _, window in windows]))
        known = zip(windows, scores(logits).tolist(), strict=True)
        return [Look(track, frame, value) for (track, frame, _), value in known]


def _places(black: Sequence[bool]) -> list[int]:
    """Which frames of a window stand in which places, by the rule of `inputs.padded` itself."""
    marks = np.array([0 if dark else i + 1 for i, dark in enumerate(black)], np.uint8)
    marks[len(marks) // 2] = len(marks) // 2 + 1
    of_one_pixel = np.repeat(marks[:, None, None, None], 3, axis=3)
    return [int(mark) - 1 for mark in padded(of_one_pixel)[:, 0, 0, 0]]

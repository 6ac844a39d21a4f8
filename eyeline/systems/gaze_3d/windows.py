"""Windows over the frames of tracks: the branches see each frame once, windows share the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import DataError, UsageError, check_shape
from eyeline.results import Floats
from eyeline.runtimes.run import Running, running

if TYPE_CHECKING:
    from torch import nn

AT_ONCE = 32
"""Frames that the branches see together unless told otherwise."""


@dataclass(frozen=True)
class View:
    """A person in a frame, as the network takes it."""

    track_id: int
    frame: int
    """Number of the frame in its video."""
    image: Floats
    """`(3, 256, 192)` as of `inputs.normalised`."""
    head_mask: Floats
    """`(1, 256, 192)`."""
    motion: Floats
    """`(2,)`, of the body since the frame before; 0 in a run's first frame."""

    def __post_init__(self) -> None:
        """Check the shapes; DataError says which is wrong."""
        sizes = check_shape(self.image, "3 h w", "image")
        check_shape(self.head_mask, "1 h w", "head_mask", sizes)
        check_shape(self.motion, "2", "motion")


@dataclass(frozen=True)
class Window:
    """What the network says of one window, which no other window had a part in."""

    track_id: int
    frames: tuple[int, ...]
    """Numbers of its frames."""
    direction: Floats
    """`(3, time, 3)`: of gaze, head and body, unit vectors in the camera frame."""
    concentration: Floats
    """`(3, time)`."""


@dataclass
class _Run:
    """Frames of a track without a gap."""

    last: int = 0
    frames: list[int] = field(default_factory=list)
    features: list[Floats] = field(default_factory=list)
    """What each shows `(2592,)`; the last ones only."""


class WindowStream:
    """All windows of all tracks, stride one.

    Args:
        network: `model.gaze_from_afar`, `training.fused` of it for speed, or a file of it in
            another runtime.
        step: how far apart the numbers of neighbouring frames are; any other distance begins a
            new run.
        at_once: frames that the branches see together, of any tracks.
    """

    def __init__(
        self, network: nn.Module | Running, *, step: int = 1, at_once: int = AT_ONCE
    ) -> None:
        if step < 1 or at_once < 1:
            raise UsageError(f"step {step}, at_once {at_once}: both must be at least 1")
        self.network, self.step, self.at_once = running(network), step, at_once
        self.frames = self.network.interface.sizes["frames"]
        self._runs: dict[int, _Run] = {}

    def push(self, views: Sequence[View]) -> list[Window]:
        """Show further frames.

        Args:
            views: those of one track in the order of time; tracks in any order.

        Returns:
            The windows that the views complete, in the order of the views.

        Raises:
            DataError: a frame of a track that is not after its last one, or another shape.
        """
        _check_order(views, {track: run.last for track, run in self._runs.items()})
        complete: list[tuple[View, tuple[int, ...], Floats]] = []
        for start in range(0, len(views), self.at_once):
            part = views[start : start + self.at_once]
            for view, features in zip(part, self._encoded(part), strict=True):
                run = self._continued(view)
                run.last = view.frame
                run.frames.append(view.frame)
                run.features.append(features)
                if len(run.frames) == self.frames:
                    complete.append((view, tuple(run.frames), np.stack(run.features)))
                    del run.frames[0], run.features[0]
        return self._conclude(complete)

    def follows(self, track_id: int, frame: int) -> bool:
        """Whether a frame goes on from the last one of its track."""
        last = self.last(track_id)
        return last is not None and frame == last + self.step

    def last(self, track_id: int) -> int | None:
        """The last frame shown of a track."""
        run = self._runs.get(track_id)
        return run.last if run else None

    def forget(self, track_id: int | None = None) -> None:
        """A track has ended; None: all have."""
        for track in [*self._runs] if track_id is None else [track_id]:
            self._runs.pop(track, None)

    def _continued(self, view: View) -> _Run:
        if not self.follows(view.track_id, view.frame):
            self._runs[view.track_id] = _Run()
        return self._runs[view.track_id]

    def _encoded(self, views: Sequence[View]) -> Floats:
        """What each view shows `(view, 2592)`."""
        if len(sizes := {tuple(view.image.shape) for view in views}) > 1:
            raise DataError(f"images of one push have different shapes: {sorted(sizes)}")
        given = [[v.image for v in views], [v.head_mask for v in views], [v.motion for v in views]]
        return np.asarray(self.network.run("encode", *(np.stack(x)[None] for x in given))[0][0])

    def _conclude(self, complete: Sequence[tuple[View, tuple[int, ...], Floats]]) -> list[Window]:
        if not complete:
            return []
        result = self.network.run("directions", np.stack([features for _, _, features in complete]))
        direction, concentration = (np.stack(result[i::2], axis=1) for i in (0, 1))
        return [
            Window(view.track_id, frames, direction[i], concentration[i])
            for i, (view, frames, _) in enumerate(complete)
        ]


def _check_order(views: Sequence[View], last: dict[int, int]) -> None:
    for view in views:
        if view.frame <= last.get(view.track_id, view.frame - 1):
            raise DataError(
                f"frame {view.frame} of track {view.track_id} came after frame "
                f"{last[view.track_id]}; the frames of a track must be shown in the order of time, "
                "each once"
            )
        last[view.track_id] = view.frame

"""Windows over the frames of tracks: the branches see each frame once, windows share the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor

from eyeline.errors import DataError, UsageError, check_shape
from eyeline.systems.gaze_3d.model import Directions3D, Estimate, GazeFromAfar

AT_ONCE = 32
"""Frames that the branches see together unless told otherwise."""


@dataclass(frozen=True)
class View:
    """A person in a frame, as the network takes it."""

    track_id: int
    frame: int
    """Number of the frame in its video."""
    image: Tensor
    """`(3, 256, 192)` as of `inputs.normalise`."""
    head_mask: Tensor
    """`(1, 256, 192)`."""
    motion: Tensor
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
    directions: Directions3D
    """Directions `(time, 3)`, concentrations `(time,)`."""


@dataclass
class _Run:
    """Frames of a track without a gap."""

    last: int = 0
    frames: list[int] = field(default_factory=list)
    projected: list[Tensor] = field(default_factory=list)
    """What the LSTM takes of each `(256,)`; the last ones only."""


class WindowStream:
    """All windows of all tracks, stride one.

    Args:
        network: `model.gaze_from_afar`, or `training.fused` of it for speed; in evaluation mode.
        step: how far apart the numbers of neighbouring frames are; any other distance begins a
            new run.
        at_once: frames that the branches see together, of any tracks.
    """

    def __init__(self, network: GazeFromAfar, *, step: int = 1, at_once: int = AT_ONCE) -> None:
        if step < 1 or at_once < 1:
            raise UsageError(f"step {step}, at_once {at_once}: both must be at least 1")
        self.network, self.step, self.at_once = network.eval(), step, at_once
        self._runs: dict[int, _Run] = {}

    @torch.inference_mode()
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
        complete: list[tuple[View, tuple[int, ...], Tensor]] = []
        for start in range(0, len(views), self.at_once):
            part = views[start : start + self.at_once]
            for view, projected in zip(part, self._see(part), strict=True):
                run = self._continued(view)
                run.last = view.frame
                run.frames.append(view.frame)
                run.projected.append(projected)
                if len(run.frames) == self.network.frames:
                    complete.append((view, tuple(run.frames), torch.stack(run.projected)))
                    del run.frames[0], run.projected[0]
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

    def _see(self, views: Sequence[View]) -> Tensor:
        """What the LSTM takes of each view `(view, 256)`."""
        if len(sizes := {tuple(view.image.shape) for view in views}) > 1:
            raise DataError(f"images of one push have different shapes: {sorted(sizes)}")
        device = next(self.network.parameters()).device
        given = [[v.image for v in views], [v.head_mask for v in views], [v.motion for v in views]]
        image, mask, motion = (torch.stack(tensors).to(device) for tensors in given)
        return project(self.network, self.network.see(image, mask, motion))

    def _conclude(self, complete: Sequence[tuple[View, tuple[int, ...], Tensor]]) -> list[Window]:
        if not complete:
            return []
        projected = torch.stack([tensor for _, _, tensor in complete])
        result = self.network.conclude(remember(self.network, projected))
        return [
            Window(view.track_id, frames, Directions3D(*(estimate_at(e, i) for e in result)))
            for i, (view, frames, _) in enumerate(complete)
        ]


def project(network: GazeFromAfar, features: Tensor) -> Tensor:
    """The share of the LSTM's gates that one frame decides.

    Args:
        network: whose LSTM is meant.
        features: `(frame, 2592)` as of `network.see`.

    Returns:
        `(frame, 256)`: input, forget, cell and output gate, before their activations.
    """
    weight, _, *biases = (cast(Tensor, p) for p in network.memory.parameters())
    return torch.nn.functional.linear(features, weight, biases[0] + biases[1])


def remember(network: GazeFromAfar, projected: Tensor) -> Tensor:
    """The LSTM over windows, each from a state of zeros.

    Args:
        network: whose LSTM is meant.
        projected: `(batch, time, 256)`, see `project`.

    Returns:
        `(batch, time, 64)`.
    """
    weight = cast(Tensor, network.memory.weight_hh_l0).T
    hidden = projected.new_zeros(len(projected), network.memory.hidden_size)
    cell, states = hidden, []
    for time in range(projected.shape[1]):
        gates = projected[:, time] + hidden @ weight
        enter, keep, new, leave = gates.chunk(4, dim=1)
        cell = torch.sigmoid(keep) * cell + torch.sigmoid(enter) * torch.tanh(new)
        hidden = torch.sigmoid(leave) * torch.tanh(cell)
        states.append(hidden)
    return torch.stack(states, dim=1)


def _check_order(views: Sequence[View], last: dict[int, int]) -> None:
    for view in views:
        if view.frame <= last.get(view.track_id, view.frame - 1):
            raise DataError(
                f"frame {view.frame} of track {view.track_id} came after frame "
                f"{last[view.track_id]}; the frames of a track must be shown in the order of time, "
                "each once"
            )
        last[view.track_id] = view.frame


def estimate_at(estimate: Estimate, place: int) -> Estimate:
    """The estimate at a place of its first axis."""
    return Estimate(estimate.direction[place], estimate.concentration[place])

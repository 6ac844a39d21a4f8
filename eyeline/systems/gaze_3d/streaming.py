"""Directions frame after frame, live or offline by the same code.

Views are pushed one at a time or many together; every frame of an unbroken run of at least a
window's length gets one answer, frames of shorter runs get none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from eyeline.errors import UsageError
from eyeline.geometry.directions import normalise
from eyeline.results import Floats, Image
from eyeline.runtimes.run import Running
from eyeline.systems.gaze_3d import inputs
from eyeline.systems.gaze_3d.windows import AT_ONCE, View, Window, WindowStream

if TYPE_CHECKING:
    from torch import nn

Report = Literal["last", "middle", "mean"]
"""Which estimate of a frame counts, of the up to `frames` windows that it lies in.

`last`: of the window that ends with it, without delay. `centre`: of the window about it, half a
window late. `mean`: the mean over all of them, a window late. At both ends of a run, where that
window is not there, the nearest one answers.
"""


@dataclass(frozen=True)
class Answer:
    """What is said of a person in a frame."""

    track_id: int
    frame: int
    direction: Floats
    """`(3, 3)`: of gaze, head and body, unit vectors in the camera frame."""
    concentration: Floats
    """`(3,)`."""


class Stream:
    """One answer for each frame of each track.

    Args:
        network: see `WindowStream`.
        report: which estimate counts.
        step: see `WindowStream`.
        at_once: see `WindowStream`.
    """

    def __init__(
        self,
        network: nn.Module | Running,
        *,
        report: Report = "middle",
        step: int = 1,
        at_once: int = AT_ONCE,
    ) -> None:
        if report not in ("last", "middle", "mean"):
            raise UsageError(f"no report '{report}'; there are last, middle, mean")
        self._windows = WindowStream(network, step=step, at_once=at_once)
        self._length, self._report = self._windows.frames, report
        self._open: dict[int, list[Window]] = {}
        """Windows by track in which frames without an answer lie."""
        self._reported: dict[int, int] = {}
        """Last frame by track that has its answer."""
        self._boxes: dict[int, tuple[int, npt.NDArray[np.float64]]] = {}

    def view(
        self,
        track_id: int,
        frame: int,
        crop: Image,
        head_xywh: npt.ArrayLike,
        body_xywh: npt.ArrayLike,
    ) -> View:
        """A person as the network takes it; to be called once for each frame, in order.

        Args:
            track_id: whose.
            frame: number of the frame.
            crop: `(256, 192, 3)` uint8 RGB, of `inputs.crop_body`.
            head_xywh: head box in pixels.
            body_xywh: body box in pixels, that of the crop.

        Raises:
            DataError: a body box without extent.
        """
        body = np.asarray(body_xywh, np.float64)
        last, before = self._boxes.get(track_id, (None, body))
        if last is None or frame != last + self._windows.step:
            before = body
        motion = inputs.body_motion(np.stack([before, body]), circular=False)[1]
        mask = inputs.mask_of_head(inputs.relative_head_box(head_xywh, body))
        self._boxes[track_id] = frame, body
        return View(track_id, frame, inputs.normalised(crop), mask, motion)

    def push(self, views: Sequence[View]) -> list[Answer]:
        """Show further frames; see `WindowStream.push`.

        Returns:
            Answers that became certain, those of one track in the order of time.
        """
        answers = []
        for window in self._windows.push(views):
            held = self._open.setdefault(window.track_id, [])
            if held and window.frames[:-1] != held[-1].frames[1:]:
                answers += self._rest(window.track_id)
                held = self._open.setdefault(window.track_id, [])
            held.append(window)
            answers += self._certain(held)
            del held[: -self._length]
        ended = [
            t for t, held in self._open.items() if self._windows.last(t) != held[-1].frames[-1]
        ]
        return answers + [answer for track in ended for answer in self._rest(track)]

    def end(self, track_id: int | None = None) -> list[Answer]:
        """Answers for the frames that wait for windows which will not come.

        Args:
            track_id: the track that has ended; None ends all.
        """
        ended = sorted({*self._open, *self._boxes}) if track_id is None else [track_id]
        answers = [answer for track in ended for answer in self._rest(track)]
        self._windows.forget(track_id)
        for track in ended:
            self._boxes.pop(track, None)
        return answers

    def _certain(self, held: Sequence[Window]) -> Iterator[Answer]:
        """Answers that no later window can change."""
        reach = {"last": 0, "middle": self._length // 2, "mean": self._length - 1}[self._report]
        frames = held[-1].frames
        return self._tell(held, frames[len(frames) - 1 - reach])

    def _rest(self, track_id: int) -> list[Answer]:
        held = self._open.pop(track_id, [])
        answers = list(self._tell(held, held[-1].frames[-1])) if held else []
        self._reported.pop(track_id, None)
        return answers

    def _tell(self, held: Sequence[Window], until: int) -> Iterator[Answer]:
        track = held[-1].track_id
        known = sorted({frame for window in held for frame in window.frames})
        for frame in known:
            if self._reported.get(track, -1) < frame <= until:
                self._reported[track] = frame
                yield Answer(track, frame, *self._chosen(held, frame))

    def _chosen(self, held: Sequence[Window], frame: int) -> tuple[Floats, Floats]:
        places = [(w, w.frames.index(frame)) for w in held if frame in w.frames]
        if self._report == "mean":
            found = [_frame(window, place) for window, place in places]
            summed = np.sum([direction for direction, _ in found], axis=0)
            return normalise(summed), np.mean([kappa for _, kappa in found], axis=0)
        wanted = self._length // 2 if self._report == "middle" else self._length - 1
        window, place = min(places, key=lambda found: abs(found[1] - wanted))
        return _frame(window, place)


def _frame(window: Window, place: int) -> tuple[Floats, Floats]:
    return window.direction[:, place], window.concentration[:, place]

"""Windows of consecutive frames of one person, as the network is trained and measured on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from eyeline.errors import DataError
from eyeline.systems.gaze_3d import splits
from eyeline.systems.gaze_3d.inputs import (
    FRAMES,
    body_motion,
    head_mask,
    normalise,
    relative_head_box,
)
from eyeline.systems.gaze_3d.recordings import Recording, open_recording

if TYPE_CHECKING:
    from torch import Tensor

Validation = Literal["session", "window"]


class Window(TypedDict):
    """What is known of some frames in a row; batches as torch collates them."""

    clip: Tensor
    """`(time, 3, 256, 192)` float32, as of `inputs.normalise`."""
    head_mask: Tensor
    """`(time, 1, 256, 192)` float32, 1 inside the head box."""
    body_motion: Tensor
    """`(time, 2)` float32, as of `inputs.body_motion`."""
    gaze: Tensor
    """`(time, 3)` float32 unit vectors in the camera frame, as the other directions."""
    head: Tensor
    body: Tensor
    recording: str
    """For example `library/1029_2/Camera_5_0`."""
    first_frame: int
    """Number in the recording."""


@dataclass(frozen=True)
class Windows(Dataset[Window]):
    """Windows of some recordings, in the order of these and of time."""

    recordings: Sequence[Recording]
    places: npt.NDArray[np.int64]
    """`(n, 2)` recording, and row of the window's first frame in it."""
    circular: bool = True
    """Motion of a row that follows no other: from the row before it in the list, of the first from
    the last, as published; otherwise 0."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Recording -> windows without a crop, a box or a direction in one of their frames."""
    frames: int = FRAMES
    """Length of a window."""

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, number: int) -> Window:
        import torch

        which, start = (int(n) for n in self.places[number])
        recording = self.recordings[which]
        rows, part = recording.rows, slice(start, start + self.frames)
        relative = relative_head_box(rows.head_box[part], rows.body_box[part])
        motion = body_motion(self._boxes(recording, start), self.circular)[1:]
        crops = np.stack([recording.crop(row) for row in range(start, start + self.frames)])
        return Window(
            clip=normalise(crops), head_mask=head_mask(relative),
            body_motion=torch.from_numpy(motion.copy()),
            gaze=torch.from_numpy(rows.gaze[part].copy()),
            head=torch.from_numpy(rows.head[part].copy()),
            body=torch.from_numpy(rows.body[part].copy()),
            recording=recording.name, first_frame=int(rows.frame[start]),
        )  # fmt: skip

    def directions(self, what: Literal["gaze", "head", "body"]) -> npt.NDArray[np.float32]:
        """`(n, time, 3)` labels of all windows, without reading an image."""
        count = self.frames
        labels = [getattr(self.recordings[r].rows, what)[s : s + count] for r, s in self.places]
        return np.asarray(labels, np.float32).reshape(-1, count, 3)

    @property
    def first_frames(self) -> list[int]:
        """Number in its recording of the first frame of each window."""
        return [int(self.recordings[r].rows.frame[s]) for r, s in self.places]

    def subset(self, numbers: npt.ArrayLike) -> Windows:
        """Some of the windows, in the order given."""
        chosen = self.places[np.asarray(numbers, np.int64)]
        return replace(self, places=chosen)

    def _boxes(self, recording: Recording, start: int) -> Any:
        """Body boxes of a window and, in front, of what its first row moved from."""
        boxes, frame = recording.rows.body_box, recording.rows.frame
        follows = start > 0 and frame[start - 1] + 1 == frame[start]
        before = start - 1 if follows or self.circular else start
        return np.concatenate([boxes[[before]], boxes[start : start + self.frames]])


def open_split(
    root: Path | str,
    sessions: Sequence[str],
    interval: int = 1,
    *,
    circular: bool = True,
    frames: int = FRAMES,
) -> Windows:
    """The windows of some sessions of a prepared data set, ours or the authors'.

    Args:
        root: holds `<scene>/<session>/<camera>`.
        sessions: for example `library/1029_2`, in the order in which they are wanted.
        interval: rows from the start of one window to that of the next: 1 in training, 7 in the
            published test.
        circular: as of `Windows`.
        frames: length of a window.

    Raises:
        DataError: a session or camera that is not there, or a recording that cannot be read; names
            it. Windows with an unusable frame are left out and counted.
    """
    if interval < 1:
        raise DataError(f"an interval of {interval} rows; 1 or more can be")
    recordings = [r for session in sessions for r in _recordings_of(Path(root), session)]
    places, left_out = [], Counter[str]()
    for number, recording in enumerate(recordings):
        starts = window_starts(recording.rows.frame, interval, frames)
        audio = np.array([recording.usable[s : s + frames].all() for s in starts], bool)
        if dropped := int((~audio).sum()):
            left_out[recording.name] = dropped
        places += [(number, int(s)) for s in starts[audio]]
    table = np.array(places, np.int64).reshape(-1, 2)
    return Windows(recordings, table, circular, dict(left_out), frames)


def open_training(
    root: Path | str,
    sessions: Sequence[str],
    *,
    validation: Validation = "session",
    fraction: float = 0.1,
    seed: int = 0,
    circular: bool = True,
    frames: int = FRAMES,
) -> tuple[Windows, Windows]:
    """Windows to train on and windows to validate on, drawn by a seed.

    Args:
        root: as of `open_split`, as all that is not said here.
        sessions: of both.
        validation: `session` keeps whole sessions apart; `window` shuffles the sessions and takes
            the last windows of them, as the authors did without a seed: windows beside the border
            then share frames.
        fraction: of the sessions, or of the windows, that is for validation.
        seed: of the drawing.
        circular: as of `open_split`.
        frames: as of `open_split`.

    Raises:
        DataError: as `open_split`; or nothing is left on either side.
    """
    if validation == "session":
        kept, held = splits.held_out(sessions, fraction, seed)
        pair = tuple(
            open_split(root, names, circular=circular, frames=frames) for names in (kept, held)
        )
    else:
        names = splits.shuffled(sessions, seed)
        whole = open_split(root, names, circular=circular, frames=frames)
        border = int((1 - fraction) * len(whole))
        numbers = np.arange(len(whole))
        pair = whole.subset(numbers[:border]), whole.subset(numbers[border:])
    if not all(map(len, pair)):
        raise DataError(
            f"{len(pair[0])} windows to train on and {len(pair[1])} to validate on, of "
            f"{len(sessions)} sessions in {root}: both are needed"
        )
    return pair[0], pair[1]


def window_starts(
    frame: npt.ArrayLike, interval: int = 1, frames: int = FRAMES
) -> npt.NDArray[np.int64]:
    """Rows at which some consecutive frames begin.

    Every `interval`-th row is tried, whatever came of the one before; the last possible one never
    is, as in the published code.

    Args:
        frame: `(n,)` ascending numbers.
        interval: 1 or more.
        frames: how many; 1 or more.
    """
    number = np.asarray(frame, np.int64)
    tried = np.arange(0, max(len(number) - frames, 0), interval)
    whole = number[tried] + frames - 1 == number[tried + frames - 1]
    return np.asarray(tried[whole])


def _recordings_of(root: Path, session: str) -> list[Recording]:
    """All cameras of a session, by name."""
    folder = root / session
    if not folder.is_dir():
        raise DataError(f"session {session} is not in {root}")
    cameras = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not cameras:
        raise DataError(f"session {session} has no camera in {folder}")
    return [open_recording(folder / name, f"{session}/{name}") for name in cameras]

"""One scene stored in eight orientations, each with the matrix that shows it upright."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import av
import numpy as np

import eyeline as package
from eyeline.results import Analysis
from eyeline.video.reader import VideoReader
from torture import clips
from torture.command import forked
from torture.figures import Figure

OFF_PX, OFF_DEG = 1.0, 1.0
Turned = Callable[[np.ndarray], np.ndarray]
STORED: Mapping[str, tuple[Turned, tuple[int, int, int, int]]] = {
    "as it is": (lambda i: i, (1, 0, 0, 1)),
    "90": (lambda i: np.rot90(i, 1), (0, 1, -1, 0)),
    "180": (lambda i: np.rot90(i, 2), (-1, 0, 0, -1)),
    "270": (lambda i: np.rot90(i, 3), (0, -1, 1, 0)),
    "mirrored": (lambda i: i[:, ::-1], (-1, 0, 0, 1)),
    "mirrored, 90": (lambda i: np.rot90(i, 1)[::-1], (0, 1, 1, 0)),
    "mirrored, 180": (lambda i: i[::-1], (1, 0, 0, -1)),
    "mirrored, 270": (lambda i: np.rot90(i, 1)[:, ::-1], (0, -1, -1, 0)),
}
"""How the frame is stored, and the matrix (a, b, c, d) that takes stored to shown places."""
FRAMES = range(50)


def trial(work: Path) -> Iterator[Figure]:
    """Write each without loss, and compare frames and tables with those of the first."""
    first: tuple[np.ndarray, Analysis] | None = None
    for number, (name, (stored, matrix)) in enumerate(STORED.items()):
        start, path = time.monotonic(), work / f"{number}.mp4"
        write(path, stored, matrix)
        ended = forked("analyze", path, "-o", work / "out", "--no-video")
        expected = f"within {OFF_PX:g} px"
        if ended.code != 0:
            yield Figure(name, expected, ended.last, False, ended.seconds)
            continue
        result = (
            next(iter(VideoReader(path))).rgb(),
            package.load_analysis(work / "out" / path.stem),
        )
        first = first or result
        outcome, holds = compared(first, result)
        yield Figure(name, expected, outcome, holds, time.monotonic() - start)


def write(
    path: Path, stored: Turned, matrix: tuple[int, int, int, int], which: range = FRAMES
) -> None:
    """A film whose frames are stored like that, with the matrix that shows them upright."""
    height, width = stored(clips.images()[0]).shape[:2]
    with av.open(str(path), "w") as out:
        stream = out.add_stream(
            "libx264rgb", rate=clips.RATE_HZ, options={"qp": "0", "preset": "ultrafast"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "rgb24"
        for number in which:
            image = np.ascontiguousarray(stored(clips.images()[number]))
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))
    a, b, c, d = matrix
    moved = (width * (a < 0) + height * (c < 0), width * (b < 0) + height * (d < 0))
    path.write_bytes(clips.turned(path.read_bytes(), (*matrix, *moved)))


def compared(
    first: tuple[np.ndarray, Analysis], other: tuple[np.ndarray, Analysis]
) -> tuple[str, bool]:
    """How far frames and tables of another orientation are off, and whether that is little."""
    if first[0].shape != other[0].shape:
        return f"frames of another shape: {other[0].shape}", False
    pixels = int(np.abs(first[0].astype(int) - other[0]).max())
    ours, theirs = first[1].people, other[1].people
    if not (
        np.array_equal(ours.frame, theirs.frame) and np.array_equal(ours.person, theirs.person)
    ):
        return f"{len(theirs)} rows of people instead of {len(ours)}", False
    off_px = max(_off(ours.box_xyxy, theirs.box_xyxy), _off(ours.eyes_px, theirs.eyes_px))
    gaze, seen = (analysis.directions("gaze").direction for analysis in (first[1], other[1]))
    if gaze.shape != seen.shape:
        return f"{len(seen)} directions instead of {len(gaze)}", False
    cosines = np.clip((gaze * seen).sum(axis=1), -1, 1)
    off_deg = float(np.degrees(np.arccos(cosines)).max(initial=0))
    outcome = f"colours {pixels} of 255, places {off_px:.3f} px, gaze {off_deg:.2f} degrees"
    return outcome, not pixels and len(ours) > 0 and off_px <= OFF_PX and off_deg <= OFF_DEG


def _off(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.nanmax(np.abs(ours - theirs), initial=0))

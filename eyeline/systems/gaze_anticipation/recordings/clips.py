"""Which 5 s clips there are: their names, the rules that cut videos, and lists of them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eyeline.errors import DataError

CLIP_S = 5
"""Length of a clip."""
DATASETS = ("ego4d", "aria")
SPLITS = ("train", "test")
SKIPPED = frozenset(
    {
        "4e07da0c-450f-4c37-95e9-e793cb5d8f7f",
        "5819e52c-4e12-4f86-ad69-76fc215dfbcb",
        "83081c5a-8456-44d8-af67-280034f8f0a6",
        "a77682da-cae7-4e68-8580-6cb47658b23f",
    }
)
"""Videos of Ego4D that the published code always leaves out."""
UNTRACKED = "ego4d_gaze_untracked.csv"
"""Table of Ego4D's intervals without gaze."""

Intervals = Sequence[tuple[int, int]]
"""Whole seconds from and to, both ends included."""

_NAME = re.compile(r"(?P<video>[^/\\]+)_t(?P<start>\d{1,9})_t(?P<end>\d{1,9})\.mp4")
_ARIA_STEP_S = 2


@dataclass(frozen=True)
class Clip:
    """A clip of a video."""

    video: str
    start_s: int
    dataset: str = "ego4d"

    @property
    def name(self) -> str:
        """File name as published; of Aria it gives one second less than the clip has."""
        end = self.start_s + CLIP_S - (self.dataset == "aria")
        return f"{self.video}_t{self.start_s}_t{end}.mp4"

    @property
    def line(self) -> str:
        """Its line in a list: folder and name."""
        return f"{self.video}/{self.name}"


def cut(dataset: str, video: str, duration_s: float, untracked: Intervals = ()) -> list[Clip]:
    """The clips of a video, in order of time, as published.

    Clips of Ego4D follow each other and touch no untracked interval; those of Aria begin every two
    seconds. An interval that ends before it begins matches nothing.
    """
    if dataset == "ego4d" and video in SKIPPED:
        return []
    step = CLIP_S if dataset == "ego4d" else _ARIA_STEP_S
    starts = [s for s in range(0, int(duration_s), step) if s + CLIP_S <= duration_s]
    kept = (s for s in starts if all(s + CLIP_S < first or s > last for first, last in untracked))
    return [Clip(video, s, dataset) for s in kept]


def parse(line: str, where: str = "a list") -> Clip:
    """The clip of a list's line.

    DataError for what is not `<video>/<video>_t<start>_t<end>.mp4`; names the line.
    """
    folder, _, name = line.strip().rpartition("/")
    result = _NAME.fullmatch(name)
    length = int(result["end"]) - int(result["start"]) if result else 0
    if result is None or folder != result["video"] or length not in (CLIP_S, CLIP_S - 1):
        raise DataError(
            f"{where}: '{line.strip()}' is no clip; they are <video>/<video>_t0_t5.mp4 of Ego4D "
            "and <video>/<video>_t0_t4.mp4 of Aria"
        )
    return Clip(result["video"], int(result["start"]), "ego4d" if length == CLIP_S else "aria")


def read_list(path: Path) -> list[Clip]:
    """The clips of a list, as released or our own.

    DataError for no such file, a line that is no clip, or no line at all.
    """
    return [parse(line, where) for line, where in list_lines(path)]


def list_lines(path: Path) -> list[tuple[str, str]]:
    """The lines of a list that say something, and where each is; DataError where there is none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the list {path} cannot be read: {error}") from error
    result = [
        (line.strip(), f"{path}, line {n}") for n, line in enumerate(lines, 1) if line.strip()
    ]
    if not result:
        raise DataError(f"the list {path} names no clip")
    return result


def as_released(clips: Iterable[Clip]) -> bytes:
    """The content of a released list: lines in plain order of their letters."""
    return "".join(f"{line}\r\n" for line in sorted(clip.line for clip in clips)).encode()


def read_untracked(path: Path) -> dict[str, tuple[tuple[int, int], ...]]:
    """Intervals by video, of rows `video,hh:mm:ss,hh:mm:ss` and more that is not used.

    DataError for no such file, or a row of another kind; names the line.
    """
    result: dict[str, tuple[tuple[int, int], ...]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    for number, row in enumerate(rows, start=1):
        try:
            video, first, last = row[0], _seconds(row[1]), _seconds(row[2])
        except (IndexError, ValueError):
            raise DataError(
                f"{path}, line {number}: expected video,hh:mm:ss,hh:mm:ss, not {','.join(row)}"
            ) from None
        result[video] = (*result.get(video, ()), (first, last))
    return result


def _seconds(text: str) -> int:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)

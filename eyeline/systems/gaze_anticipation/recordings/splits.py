"""Which clips are to train on and which to test on: by lists next to the data, or by a draw."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_anticipation.recordings.clips import (
    SPLITS,
    UNTRACKED,
    Clip,
    Intervals,
    list_lines,
    parse,
    read_untracked,
)

NAMES = "aria_video_ids_matching.xlsx"
"""Today's names of Aria's recordings, as the authors matched them."""
TEST_FRACTION = 0.2
"""Of the videos, where no lists say it."""
GROUP = r"loc\d+_script\d+"
"""What shows, of a name, that two videos belong together: Aria's scripts in one place."""
OTHER = "other"
"""Name of the list of clips of videos that are in no list."""

_SPLITS = (*SPLITS, "val")
_AUTHORS = "data/ of the authors' repository BolinLai/CSTS"


@dataclass(frozen=True)
class Wanted:
    """How videos are to be split."""

    folder: Path | None = None
    """Where the lists lie; None is next to the data."""
    test_fraction: float | None = None
    """Of the videos, drawn to measure on even where lists lie; None draws only without lists."""
    seed: int = 0
    group: str = GROUP
    """A regular expression; videos in whose names it finds the same are not torn apart."""

    def __post_init__(self) -> None:
        if self.test_fraction is not None and self.folder is not None:
            raise UsageError("lists and test_fraction do not go together: give one of them")
        if not 0 <= self.fraction < 1:
            raise UsageError(f"test_fraction {self.fraction}; 0 to less than 1 can be")
        try:
            re.compile(self.group)
        except re.error as error:
            raise UsageError(f"group '{self.group}' is no regular expression: {error}") from None

    @property
    def fraction(self) -> float:
        """Of the videos, where it comes to a draw."""
        return TEST_FRACTION if self.test_fraction is None else self.test_fraction


@dataclass(frozen=True)
class Lists:
    """Which clips are for what."""

    parts: Mapping[str, Sequence[Clip | str]]
    """By split; a name is all clips of that video that the rule cuts."""
    untracked: Mapping[str, Intervals] | None
    """Intervals without gaze by video; None where no table has any."""
    notes: tuple[str, ...]
    """Where it is from, in words."""

    @property
    def videos(self) -> frozenset[str]:
        """All that are named."""
        return frozenset(video_of(entry) for part in self.parts.values() for entry in part)


def read_lists(source: Path, dataset: str, wanted: Wanted) -> Lists | None:
    """The lists that the user has put down, or None where it comes to a draw.

    If `wanted` names no folder, they lie in the source or in its `data`: those of the authors,
    `train_ego4d_gaze.csv`, or own ones, `train.list`, whose lines are clips or names of videos.
    DataError if the folder named holds none, or one cannot be read.
    """
    if wanted.test_fraction is not None:
        return None
    for folder in [wanted.folder] if wanted.folder else _beside(source):
        names = ((split, _list_in(folder, dataset, split)) for split in _SPLITS)
        paths = {split: path for split, path in names if path}
        if paths:
            parts = {split: _entries(path) for split, path in paths.items()}
            untracked = _untracked(source, dataset, wanted)
            return Lists(parts, untracked, tuple(_notes(folder, dataset, parts, untracked)))
    if wanted.folder:
        raise DataError(f"{wanted.folder} holds no list: expected {' or '.join(_named(dataset))}")
    return None


def draw_lists(source: Path, dataset: str, videos: Iterable[str], wanted: Wanted) -> Lists:
    """Videos drawn to train on and to measure on.

    Each has its place by its own name and the seed, so that few move when one is added. Ego4D's
    intervals without gaze may lie in the source.
    """
    names = set(videos)
    test = draw(names, wanted.fraction, wanted.seed, wanted.group)
    train = sorted(names - test)
    parts = {"train": train, "test": sorted(test)}
    why = (
        "as asked for, lists or not"
        if wanted.test_fraction is not None
        else f"{source} and its data/ hold no {' and no '.join(_named(dataset))}"
    )
    drawn = (
        f"{len(test)} of {len(names)} videos drawn to test on (test_fraction "
        f"{wanted.fraction:g}, seed {wanted.seed}): {why}. The published lists are in {_AUTHORS}; "
        "scores on other videos do not compare with the paper's"
    )
    untracked = _untracked(source, dataset, wanted)
    return Lists(parts, untracked, (drawn, *_no_table(dataset, untracked)))


def draw(videos: Iterable[str], fraction: float, seed: int, group: str = GROUP) -> frozenset[str]:
    """About a fraction of the videos, whole groups of them; at least one, and never all."""
    groups: dict[str, list[str]] = {}
    for name in sorted(set(videos)):
        result = re.search(group, name)
        groups.setdefault(result[0] if result else name, []).append(name)
    wanted = fraction * sum(map(len, groups.values()))
    order = sorted(groups, key=lambda key: hashlib.sha256(f"{seed}:{key}".encode()).digest())
    taken: list[str] = []
    for key in order:
        many = sum(len(groups[k]) for k in taken)
        if abs(many + len(groups[key]) - wanted) < abs(many - wanted):
            taken.append(key)
    if fraction and not taken:
        taken = [min(order, key=lambda key: len(groups[key]))]
    if len(taken) == len(order):
        taken = taken[:-1]
    return frozenset(name for key in taken for name in groups[key])


def beside(source: Path, name: str, folder: Path | None = None) -> Path | None:
    """A table of the authors: in the folder of lists, with the data, or in its `data`."""
    places = [*([folder] if folder else []), *_beside(source)]
    return next((place / name for place in places if (place / name).is_file()), None)


def _beside(source: Path) -> list[Path]:
    return [source, source / "data"]


def _named(dataset: str) -> list[str]:
    return [f"{split}_{dataset}_gaze.csv (or {split}.list)" for split in SPLITS]


def _list_in(folder: Path, dataset: str, split: str) -> Path | None:
    paths = (folder / f"{split}_{dataset}_gaze.csv", folder / f"{split}.list")
    return next((path for path in paths if path.is_file()), None)


def _entries(path: Path) -> list[Clip | str]:
    """Clips, and names of videos: lines without a folder and a file."""
    return [
        parse(line, where) if "/" in line or line.lower().endswith(".mp4") else line
        for line, where in list_lines(path)
    ]


def video_of(entry: Clip | str) -> str:
    """The name of the video of an entry."""
    return entry if isinstance(entry, str) else entry.video


def _untracked(source: Path, dataset: str, wanted: Wanted) -> Mapping[str, Intervals] | None:
    path = beside(source, UNTRACKED, wanted.folder) if dataset == "ego4d" else None
    return read_untracked(path) if path else None


def _notes(
    folder: Path,
    dataset: str,
    parts: Mapping[str, Sequence[Clip | str]],
    untracked: Mapping[str, Intervals] | None,
) -> list[str]:
    by_split = {split: {video_of(entry) for entry in part} for split, part in parts.items()}
    notes = [f"lists: those of {folder}"]
    for split, name in zip(SPLITS, _named(dataset), strict=True):
        if split not in parts:
            notes.append(f"no list to {split} with: {folder} holds no {name}")
    if dataset == "aria" and beside(folder, NAMES) is None:
        notes.append(
            f"today's recordings have other names than the published lists: put {NAMES}, as in "
            f"{_AUTHORS}, beside them"
        )
    twice = set.intersection(*(by_split.get(split, set()) for split in SPLITS))
    if twice:
        notes.append(f"in train and in test: {', '.join(sorted(twice))}")
    by_rule = any(isinstance(entry, str) for part in parts.values() for entry in part)
    return [*notes, *(_no_table(dataset, untracked) if by_rule else [])]


def _no_table(dataset: str, untracked: Mapping[str, Intervals] | None) -> list[str]:
    if dataset != "ego4d" or untracked is not None:
        return []
    missing = f"no {UNTRACKED}, as in {_AUTHORS}"
    return [f"{missing}: clips keep clear of stretches for which the gaze file has no rows"]

"""What is compared: codings by video, out of files, results folders, and folders of either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from eyeline.codings.coding import Coding, some
from eyeline.codings.formats import stem_of
from eyeline.conversion import read_any
from eyeline.errors import DataError, EyelineError, UsageError
from eyeline.export.files import INDEX, VIDEO


def places(path: Path) -> dict[str, Path] | None:
    """Files and results folders anywhere below a folder, by the path of their video.

    Returns:
        None for a single coding.

    Raises:
        DataError: two codings of one video, or none at all.
    """
    if not path.is_dir() or (path / INDEX).is_file():
        return None
    result: dict[str, Path] = {}
    for name, entry in _below(path, ""):
        if name in result:
            both = f"{result[name].name}, {entry.name}"
            raise DataError(f"{path} has two codings of '{name}': {both}; keep one of them there")
        result[name] = entry
    if not result:
        raise DataError(f"{path} has neither results folders nor files of codings")
    return result


def _below(folder: Path, within: str) -> Iterator[tuple[str, Path]]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith("."):
            if (entry / INDEX).is_file():
                yield within + entry.name, entry
            else:
                yield from _below(entry, f"{within}{entry.name}/")
        elif entry.is_file():
            with suppress(UsageError):
                yield within + stem_of(entry), entry


@dataclass(frozen=True)
class Pair:
    """Both codings of one video, on one clock."""

    video: str
    a: Coding
    b: Coding
    notes: tuple[str, ...] = ()


@dataclass
class Pairs:
    """All videos that both coders coded."""

    pairs: list[Pair] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Of videos that could not be read."""


def read_pairs(a: Path, b: Path) -> Pairs:
    """The videos that two sides have in common.

    Raises:
        DataError: none, or a single coding that cannot be read.
        UsageError: a folder of codings against a single one.
    """
    sides = places(a), places(b)
    if sides[0] is None and sides[1] is None:
        name = a.resolve().name if a.is_dir() else a.name
        with suppress(UsageError):
            name = name if a.is_dir() else stem_of(Path(name.partition("#")[0]))
        return Pairs([one_clock(name, read_any(a), read_any(b))])
    if sides[0] is None or sides[1] is None:
        folder, single = (b, a) if sides[0] is None else (a, b)
        raise UsageError(
            f"{folder} is a folder of codings and {single} is one coding: give two alike"
        )
    result = Pairs()
    names = sorted(sides[0].keys() & sides[1].keys())
    for folder, own, other in ((a, sides[0], b), (b, sides[1], a)):
        if lacking := sorted(own.keys() - set(names)):
            verb = "is" if len(lacking) == 1 else "are"
            result.notes.append(f"{some(lacking)} of {folder} {verb} not in {other}: left out")
    for name in names:
        try:
            pair = one_clock(name, read_any(sides[0][name]), read_any(sides[1][name]))
            result.pairs.append(pair)
        except EyelineError as error:
            result.failed.append(f"{name}: {error}")
    if not names:
        raise DataError(
            f"no video is in both: {a} has {some(sides[0])}, {b} has {some(sides[1])}; "
            "files and results folders are matched by name"
        )
    return result


def one_clock(video: str, a: Coding, b: Coding) -> Pair:
    """Both on the clock of players, where they are of the same file; with notes on what differs."""
    notes = [f"{video}: {side.source}: {note}" for side in (a, b) for note in side.notes]
    if not a.media or not b.media:
        return Pair(video, a, b, tuple(notes))
    if Path(a.media).stem.casefold() == Path(b.media).stem.casefold():
        a, b = (side.shifted(side.origin_s) if side.origin_s else side for side in (a, b))
    elif VIDEO not in (a.media, b.media):
        notes.append(
            f"{video}: {a.source} is of '{a.media}', {b.source} of '{b.media}': other media? "
            "Times are compared as they stand"
        )
    if a.duration_s and b.duration_s and abs(a.duration_s - b.duration_s) > 1:
        notes.append(
            f"{video}: the video lasts {a.duration_s:.1f} s by {a.source} and {b.duration_s:.1f} s "
            f"by {b.source}: other media?"
        )
    return Pair(video, a, b, tuple(notes))

"""Which videos an analysis is about, and the folder that each of them gets."""

from __future__ import annotations

import mimetypes
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from eyeline import parts
from eyeline.errors import DataError, UsageError, first_names
from eyeline.parts import Span
from eyeline.remote.address import address_of, is_remote, name_here, shown
from eyeline.remote.results import listing, staged
from eyeline.remote.videos import remote_video, stand_in
from eyeline.results import Part
from eyeline.video.endings import ENDINGS

_BEGINNINGS = ((4, b"ftyp"), (0, b"\x1a\x45\xdf\xa3"), (8, b"AVI "), (0, b"\x00\x00\x01\xba"))
"""Where and how files of mp4, Matroska, AVI and MPEG begin."""


@dataclass(frozen=True)
class Job:
    """One video and the folder for its results."""

    video: Path
    folder: Path
    name: str = ""
    """What tells the video from the others of a run; its own name by default."""
    parts: tuple[Part, ...] = ()
    """What to analyse of it, on its own clock; empty for what the settings say."""
    address: str = field(default="", repr=False)
    """Of a remote video, for which `video` stands; it may hold a signature and is never shown."""
    target: str = ""
    """Remote folder for the results, which are then made in `folder`."""

    @property
    def root(self) -> Path:
        """The folder in which results keep the shape of `name`."""
        depth = len(PurePosixPath(self.name).parts) or 1
        return self.folder.parents[depth - 1]

    @property
    def names(self) -> tuple[str, str, str]:
        """What options may call it."""
        return str(self.video), self.video.name, self.name


def plan(
    inputs: Sequence[str], out: Path | str, note: Callable[[str], None] | None = None
) -> list[Job]:
    """The jobs that files, folders and patterns make; folders keep their shape below `out`.

    What eyeline wrote is never a video to analyse: `out` within a searched folder, and folders of
    analyses, are passed over.

    Args:
        inputs: names of files and folders, and patterns; addresses of remote ones.
        out: where results go, a remote folder by its address.
        note: called with what is passed over although it looks like a video.

    Raises:
        UsageError: a folder or pattern without videos, or names that would share a folder.
    """
    result: dict[Path, Path] = {}
    for text in inputs:
        path = Path(text)
        if is_remote(text):
            result |= _remote(text, str(out), note)
        elif os.path.isdir(path):  # noqa: PTH112 Path raises where a folder above may not be read
            result |= {p: p.relative_to(path) for p in _inside(path, Path(out), note)}
        elif not os.path.lexists(path) and any(c in text for c in "*?["):
            result |= {p: Path(p.name) for p in _matching(path, text)}
        else:
            result[path] = Path(path.name)
    ours = [video for video in result if _is_ours(video)]
    if ours and note:
        note(f"{_of(len(ours))} passed over, which eyeline wrote: {first_names(ours)}")
    passed_over = set(ours)
    videos = {video: name for video, name in result.items() if video not in passed_over}
    if not videos:
        raise UsageError(f"{first_names(ours)}: written by eyeline, not analysed again")
    return _named(videos, out)


def named(name: str, planned: Sequence[Job], option: str) -> Job:
    """The job that an option calls by a name; UsageError where there is none, or several."""
    jobs = [job for job in planned if name in job.names]
    if len(jobs) != 1:
        known = ", ".join(job.name for job in planned)
        what = "is none of the videos" if not jobs else "fits several videos"
        raise UsageError(f"{option}: '{name}' {what}; name one of {known}")
    return jobs[0]


def with_parts(
    planned: Sequence[Job],
    spans: Sequence[Span],
    begins_s: Mapping[str, float] | None = None,
    video_track: int | None = None,
) -> list[Job]:
    """The jobs with the parts that are to be analysed of each.

    Args:
        planned: the jobs.
        spans: of all of them, or each of one; without any all is analysed.
        begins_s: when each begins, by the job's name, on the clock of a session that the spans
            are on; None where they are on the clock of each video.
        video_track: as of `Settings`.

    Raises:
        UsageError: a span of no such video, or that no video has; a video without any span.
        VideoError: a video of a session cannot be read.
    """
    if not spans:
        return list(planned)
    known: dict[str, set[Job]] = defaultdict(set)
    for job in planned:
        for name in job.names:
            known[name].add(job)
    of: dict[Job | None, list[int]] = defaultdict(list)
    for place, span in enumerate(spans):
        jobs = [*known.get(span.video, ())] if span.video else [None]
        if len(jobs) != 1:
            named(span.video, planned, "--spans, column video")
        of[jobs[0]].append(place)
    used, result = set[Span](), []
    for job in planned:
        mine = [spans[place] for place in sorted([*of[None], *of[job]])]
        chosen: Sequence[Part | None] = [span.part for span in mine]
        if begins_s is not None:
            own = [span.part for span in mine]
            chosen = parts.recorded(own, begins_s[job.name], job.video, video_track)
        used |= {span for span, part in zip(mine, chosen, strict=True) if part is not None}
        there = parts.ordered([part for part in chosen if part is not None], "--spans")
        result.append(replace(job, parts=there))
    for span in spans:
        if span not in used:
            raise UsageError(
                f"no video of the session has recorded the span {parts.words(span.part)}; give "
                "times on the clock of the session, which begins with its first camera"
            )
    for job in result:
        if not job.parts:
            raise UsageError(
                f"no span is of {job.video}, so that nothing of it would be analysed; give one, "
                "or leave the video out"
            )
    return result


def _inside(folder: Path, out: Path, note: Callable[[str], None] | None) -> list[Path]:
    """The videos of a folder, those of hidden folders and of eyeline's own left out."""
    closed: list[str] = []
    files = [*_files(folder, out, lambda error: closed.append(str(error.filename)))]
    if closed and note:
        note(f"{folder}: folders that may not be read are passed over: {first_names(closed)}")
    videos = [path for path in files if path.suffix.lower() in ENDINGS]
    others = sorted(
        str(path.relative_to(folder))
        for path in files
        if path.suffix.lower() not in ENDINGS and _looks_like_video(path)
    )
    if others and note and videos:
        note(
            f"{folder}: {_of(len(others))} passed over, whose endings are not those of videos: "
            f"{first_names(others)}. Name them one by one to have them analysed."
        )
    if not videos:
        which = f"; {first_names(others)} may be some, name them one by one" if others else ""
        endings = ", ".join(sorted(ENDINGS))
        raise UsageError(f"{folder}: no videos in this folder ({endings}){which}")
    return sorted(videos)


def _remote(text: str, out: str, note: Callable[[str], None] | None) -> dict[Path, Path]:
    """The videos of a remote folder or pattern, or the one that is named.

    What cannot be listed is taken for a video, so that its fault is its own.
    """
    from eyeline.export.files import INDEX

    try:
        listed = listing(text)
    except DataError:
        listed = None
    if listed is None:
        return {stand_in(text): name_here(shown(text).rstrip("/").rpartition("/")[2])}
    ours = {PurePosixPath(n).parent for n in listed if PurePosixPath(n).name == INDEX}
    results = address_of(out).rstrip("/") + "/"
    videos: dict[Path, Path] = {}
    for name, address in listed.items():
        path = PurePosixPath(name)
        passed = ours.intersection(path.parents) or address.startswith(results)
        hidden = any(part.startswith(".") for part in path.parts)
        if path.suffix.lower() in ENDINGS and not passed and not hidden:
            videos[stand_in(address)] = name_here(name)
    if not videos:
        endings = ", ".join(sorted(ENDINGS))
        raise UsageError(f"{shown(text)}: no videos in this folder ({endings})")
    return videos


def _of(count: int) -> str:
    return "1 file is" if count == 1 else f"{count} files are"


def _files(folder: Path, out: Path, closed: Callable[[OSError], None]) -> Iterator[Path]:
    results = out.resolve()
    for place, below, names in os.walk(folder, onerror=closed):
        here = Path(place)
        below[:] = [
            name
            for name in below
            if not name.startswith(".")
            and (here / name).resolve() != results
            and not _is_analysis(here / name)
        ]
        yield from (here / n for n in names if not n.startswith(".") and (here / n).is_file())


def _matching(path: Path, text: str) -> list[Path]:
    root = Path(path.anchor or ".")
    matches = sorted(p for p in root.glob(str(path.relative_to(path.anchor))) if p.is_file())
    if not matches:
        raise UsageError(f"{text}: no file fits this pattern")
    return matches


def _is_analysis(folder: Path) -> bool:
    from eyeline.export.index import read_index

    try:
        read_index(folder)
    except (DataError, OSError):
        return False
    return True


def _is_ours(path: Path) -> bool:
    from eyeline.export.files import ANONYMISED, CORRECTED, VIDEO

    folder = path.parent.parent if path.parent.name == CORRECTED else path.parent
    return path.name in (VIDEO, ANONYMISED) and _is_analysis(folder)


def _looks_like_video(path: Path) -> bool:
    kind = (mimetypes.guess_type(path.name)[0] or "").partition("/")[0]
    if kind:
        return kind == "video"
    try:
        with path.open("rb") as file:
            begin = file.read(16)
    except OSError:
        return False
    return any(begin[at : at + len(mark)] == mark for at, mark in _BEGINNINGS)


def _named(found: dict[Path, Path], out: Path | str) -> list[Job]:
    """Folders called like the videos: without their endings, unless two would be in one place."""
    short = Counter(_key(name.with_suffix("")) for name in found.values())
    full = Counter(_key(name) for name in found.values())
    twice = [str(video) for video, name in found.items() if full[_key(name)] > 1]
    if twice:
        raise UsageError(
            f"these videos have one name and would share a folder: {', '.join(twice)}; "
            "analyze them apart"
        )
    parents = {_key(parent) for name in found.values() for parent in name.parents}

    def place(name: Path) -> Path:
        key = _key(name.with_suffix(""))
        others = short[key] - 1 + full[key] - (key == _key(name))
        return name if others or key in parents else name.with_suffix("")

    return [_job(video, out, place(name)) for video, name in found.items()]


def _job(video: Path, out: Path | str, name: Path) -> Job:
    remote = remote_video(video)
    address = remote.address if remote else ""
    if not is_remote(out):
        return Job(video, Path(out) / name, name.as_posix(), address=address)
    target = f"{address_of(out).rstrip('/')}/{name.as_posix()}"
    return Job(video, staged(target), name.as_posix(), address=address, target=target)


def _key(name: Path) -> str:
    """Equal for names that some file systems take for one."""
    return str(name).lower()

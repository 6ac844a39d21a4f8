"""Several cameras of one session: their offsets, and what is written of them on one clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from eyeline.corrections import load_corrected
from eyeline.documents import read_json
from eyeline.errors import DataError, OutputError, UsageError, VideoError
from eyeline.files import write_bytes, write_json
from eyeline.plan import Job, named
from eyeline.results import Analysis
from eyeline.video.reader import probe
from eyeline.video.sync import find_offset

FORMAT, VERSION = "eyeline session", 1
INDEX, REPORT, ELAN = "session.json", "session.html", "session.eaf"
FARTHEST_S = 24 * 3600.0
"""No camera of a session begins later than this after another."""


@dataclass(frozen=True)
class Camera:
    """A video of a session."""

    name: str
    """Its name, unlike that of the others."""
    video: str
    folder: str
    """Of its results, relative to that of the session."""
    offset_s: float
    """When its first frame is shown, on the clock of the session, which begins with the first
    camera."""
    how: str
    """How that is known: `reference`, `given` or `audio`."""
    confidence: float | None = None
    """Of an offset by audio, see `video.sync.Offset`."""


def cameras(
    planned: Sequence[Job],
    out: Path,
    offsets: Sequence[str],
    *,
    sync: bool,
    audio_track: int | None = None,
) -> tuple[Camera, ...]:
    """The cameras of a session, in the order in which they begin.

    Args:
        planned: their videos; the first is the one that the others are compared with.
        out: the folder of the session.
        offsets: `VIDEO=seconds`, when a video begins on the clock of the first.
        sync: find the others by their audio.
        audio_track: as of `Settings`.

    Raises:
        UsageError: fewer than two videos, an offset that cannot be read, or a video without one.
        OutputError: something else lies where the session is to be written.
    """
    if len(planned) < 2:
        raise UsageError("a session has two or more videos; name them all, or leave out the offset")
    for job in planned:
        try:
            probe(job.video)
        except VideoError as error:  # half a session is none
            raise UsageError(f"a video of the session cannot be read: {error}") from None
    _replaceable(out)
    given = _given(offsets, planned)
    missing = [job for job in planned[1:] if job not in given]
    if missing and not sync:
        raise UsageError(
            f"no offset for {missing[0].video}; give --offset {missing[0].name}=SECONDS or --sync"
        )
    origin = given.get(planned[0], 0.0)
    known: list[Camera] = []
    for job in planned:
        folder = job.folder.relative_to(out).as_posix()
        camera = Camera(job.name, str(job.video), folder, given.get(job, origin), "given")
        if job not in given and job is planned[0]:
            camera = replace(camera, how="reference")
        elif job not in given:
            result = find_offset(planned[0].video, job.video, audio_track)
            at_s = origin + result.offset_s
            camera = replace(camera, offset_s=at_s, how="audio", confidence=result.confidence)
        known.append(camera)
    first_s = min(camera.offset_s for camera in known)
    moved = [replace(c, offset_s=round(c.offset_s - first_s, 4)) for c in known]
    return tuple(sorted(moved, key=lambda camera: (camera.offset_s, camera.name)))


def _given(offsets: Sequence[str], planned: Sequence[Job]) -> dict[Job, float]:
    given: dict[Job, float] = {}
    for text in offsets:
        name, _, value = text.rpartition("=")
        job = named(name, planned, f"--offset {text}")
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not abs(seconds) <= FARTHEST_S:
            raise UsageError(
                f"--offset {text}: '{value}' is not a number of seconds from {-FARTHEST_S:g} to "
                f"{FARTHEST_S:g}; give VIDEO=SECONDS, such as cam2.mp4=12.4"
            )
        if job in given:
            raise UsageError(f"--offset names {job.video} twice; give one offset for a video")
        given[job] = seconds
    return given


def _replaceable(out: Path) -> None:
    there = [name for name in (INDEX, REPORT, ELAN) if (out / name).exists()]
    if there and _index(out) is None:
        raise OutputError(
            f"{out / there[0]} is in the way: eyeline did not write it. Choose another --out."
        )


def _index(out: Path) -> dict[str, Any] | None:
    """What session.json holds; None where there is none of ours."""
    try:
        content = read_json(out / INDEX)
    except DataError:
        return None
    ours = isinstance(content, dict) and content.get("format") == FORMAT
    return content if ours else None


def write(known: Sequence[Camera], analyses: Sequence[Analysis], out: Path) -> Path:
    """Write the page, the ELAN file and the list of cameras of a session; returns the page.

    Args:
        known: the cameras.
        analyses: of their videos.
        out: the folder that holds the folders of the analyses.

    Raises:
        OutputError: the folder cannot be written.
    """
    from eyeline.export.session import joint_eaf, named_persons, render

    recordings = list(zip(known, analyses, strict=True))
    listed = [(c.name, c.folder, c.offset_s, c.how, c.confidence, a) for c, a in recordings]
    document, begins_s = joint_eaf([(n, f, at, a) for n, f, at, _, _, a in listed], out)
    write_bytes(out / ELAN, document)
    page = write_bytes(out / REPORT, render(listed, begins_s).encode("utf-8", "replace"))
    persons = named_persons([(camera.name, analysis) for camera, analysis in recordings])
    content = {"format": FORMAT, "version": VERSION, "elan_begins_s": begins_s, "persons": persons}
    write_json(out / INDEX, content | {"cameras": [_entry(*one) for one in recordings]})
    return page


def _entry(camera: Camera, analysis: Analysis) -> dict[str, Any]:
    corrected = analysis.corrected
    return asdict(camera) | {"corrections": corrected.revision if corrected else 0}


def read(out: Path) -> tuple[Camera, ...]:
    """The cameras of a session that was written; DataError where its list cannot be read."""
    content = _index(out)
    if content is None:
        raise DataError(f"{out / INDEX} is no list of a session's cameras that eyeline has written")
    if content.get("version") != VERSION:
        raise DataError(f"{out / INDEX} was written by another version of eyeline")
    try:
        known = TypeAdapter(tuple[Camera, ...]).validate_python(content.get("cameras"))
    except ValueError:
        raise DataError(f"{out / INDEX} is damaged; analyse the session again") from None
    for camera in known:
        if not (out / camera.folder).resolve().is_relative_to(out.resolve()):
            raise DataError(f"{out / INDEX} names a folder outside of {out}: {camera.folder}")
    return known


def follow(*folders: Path) -> list[str]:
    """Write the sessions that the results of some videos belong to again, as these are now.

    Returns:
        What to report of those that could not be written.
    """
    places, notes = {folder.resolve() for folder in folders}, []
    for out in sorted({out for place in places for out in place.parents}):
        if _index(out) is None:
            continue
        try:
            known = read(out)
            if places & {(out / camera.folder).resolve() for camera in known}:
                write(known, [load_corrected(out / camera.folder) for camera in known], out)
        except (DataError, OutputError) as error:
            notes.append(f"{out / REPORT} is out of date and could not be written again: {error}")
    return notes

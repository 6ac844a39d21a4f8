"""Which videos of a downloaded data set are to be prepared, and what is odd about its list."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eyeline.errors import DataError, OutputError, first_names
from eyeline.systems.eye_contact.discovery.gaze_points import FIXATIONS
from eyeline.systems.eye_contact.tracklets import read_names, tracklet_folder, video_name
from eyeline.video.endings import ENDINGS

WORK = ".eyeline"
"""Holds locks and what is not finished."""
RECORD = "prepared.json"
"""In a video's folder: how it was prepared. Folders of the authors have none."""


@dataclass(frozen=True, order=True)
class VideoName:
    """A video of a data set."""

    celebrity: str
    video: str
    """Without suffix, as of `tracklets.video_name`."""

    def __str__(self) -> str:
        """For example `id00016/TCF9rCr7uHY`."""
        return f"{self.celebrity}/{self.video}"

    def folder(self, root: Path) -> Path:
        """The folder of its tracklets."""
        return tracklet_folder(root, self.celebrity, self.video)


def prepared_videos(root: Path) -> list[VideoName]:
    """All videos of a root that have gaze points, by name."""
    folders = [path.parent for path in root.glob(f"*/tracklets/*/{FIXATIONS}")]
    names = {VideoName(f.parents[1].name, video_name(f.name)): f for f in folders}
    return sorted(name for name, folder in names.items() if folder.name != name.video)


@contextmanager
def whole_folder(root: Path, name: VideoName) -> Iterator[Path]:
    """An empty folder that becomes the video's own once the block ends without an exception.

    OutputError if something else bears the folder's name.
    """
    folder, place = name.folder(root), root / WORK / f"{name.celebrity}_{name.video}"
    if folder.exists():
        raise OutputError(f"{folder} is in the way: it lacks {FIXATIONS}; remove it")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        yield place
        folder.parent.mkdir(parents=True, exist_ok=True)
        place.rename(folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)


RANDOM_VOX = "randomVox"
"""Folder of the videos in the authors' repository."""
META = "randomVoxMeta.csv"
TEST_META = "meta_list.csv"
_BESIDE = (".csv", ".txt", ".npz", ".eaf", ".json")
"""Of files of annotations, which may lie among the videos."""
_CUT = 5
"""Names of the published list that were cut to so many characters cannot be downloaded."""


@dataclass(frozen=True)
class Source:
    """One video file."""

    name: VideoName
    path: Path
    images: Path | None = None
    """Folder of images of its person."""


@dataclass(frozen=True)
class Sources:
    """The videos of a folder."""

    videos: tuple[Source, ...]
    """To be prepared, by name."""
    barred: tuple[str, ...]
    """Those not to train on, whether they are here or not, for `is_barred`."""
    notes: tuple[str, ...]
    """What is odd about the lists, in words."""
    left_out: dict[str, tuple[str, ...]]
    """Reason -> names of what was not taken."""


def find_sources(
    folder: Path, annotations: Path | None = None, leave_out: Iterable[str] = ()
) -> Sources:
    """The videos `<celebrity>/<video>[_fps25|_25fps].(mkv|mp4|webm)` of a folder.

    Where `randomVoxMeta.csv` lies in it, only the videos listed there are taken. The videos of the
    test set are left out, also where they are listed under another celebrity. DataError for no such
    folder, or lists that cannot be read.

    Args:
        folder: the data set as it was downloaded, a folder a celebrity, or what holds it as
            `randomVox`.
        annotations: the published `Annotations`, whose `meta_list.csv` names the test set; sought
            in `folder` and next to `randomVox` where it is not given.
        leave_out: further videos to leave out, as `video` or `celebrity/video`.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of videos")
    root = videos_root(folder)
    files, notes = video_files(root)
    listed, odd = _listed(root / META)
    tested = videos_of_test(folder, annotations)
    if not tested:
        notes.append(f"no Annotations/{TEST_META} in {folder}: no videos of the test are left out")
    barred = {*tested, *leave_out}
    groups: dict[str, list[str]] = {}
    taken = []
    for name, path in sorted(files.items()):
        if is_barred(name, barred):
            groups.setdefault("of the test set, or named to be left out", []).append(str(name))
        elif listed is not None and name not in listed:
            groups.setdefault(f"not in {META}", []).append(str(name))
        else:
            taken.append(Source(name, path))
    missing = sorted(str(name) for name in (listed or set()) - set(files))
    if missing:
        groups[f"in {META}, but not here"] = missing
    left_out = {reason: tuple(names) for reason, names in groups.items()}
    return Sources(tuple(taken), tuple(sorted(barred)), (*notes, *odd), left_out)


def videos_root(folder: Path) -> Path:
    """The folder with a folder a celebrity: this one, or `randomVox` in it."""
    return folder / RANDOM_VOX if (folder / RANDOM_VOX).is_dir() else folder


def tops(folder: Path) -> list[Path]:
    """The folder, the one with its videos, and the one next to `randomVox`."""
    root = videos_root(folder.absolute())
    return [folder, root, *([root.parent] if root.name == RANDOM_VOX else [])]


def videos_of_test(folder: Path, annotations: Path | None = None) -> set[str]:
    """The videos of the test set, as of `find_sources`, for `is_barred`; none without a list.

    DataError for a list that cannot be read, or none in `annotations`.
    """
    result = [place for top in tops(folder) for place in (top / "Annotations", top)]
    for place in [annotations] if annotations else result:
        if (place / TEST_META).is_file():
            names = _names(place / TEST_META)
            return {str(n) for n in names} | {n.video for n in names if len(n.video) > _CUT}
    if annotations:
        raise DataError(f"{annotations} holds no {TEST_META}, which names the videos of the test")
    return set()


def is_barred(name: VideoName, barred: Collection[str]) -> bool:
    """Whether a video is among those named as `celebrity/video` or `video`."""
    return str(name) in barred or name.video in barred


def video_files(folder: Path) -> tuple[dict[VideoName, Path], list[str]]:
    """One file a video, the one converted to 25 Hz before others."""
    result: dict[VideoName, list[Path]] = {}
    odd = []
    for path in sorted(folder.glob("[!.]*/[!.]*")):
        if path.suffix.lower() not in ENDINGS:
            odd += [path] if path.is_file() and path.suffix.lower() not in _BESIDE else []
        elif path.is_file():
            name = VideoName(path.parent.name, video_name(path.stem))
            result.setdefault(name, []).append(path)
    chosen, notes = {}, []
    for name, paths in result.items():
        first, *rest = sorted(paths, key=lambda p: (p.stem == name.video, p.name))
        chosen[name] = first
        notes += [f"{path} was passed over for {first.name}" for path in rest]
    if others := [str(p.relative_to(folder)) for p in odd]:
        notes.append(f"{len(others)} files were not taken for videos: {some(others)}")
    return chosen, notes


def _names(path: Path) -> list[VideoName]:
    return [VideoName(celebrity, video_name(video)) for celebrity, video, _ in read_names(path)]


def _listed(path: Path) -> tuple[set[VideoName] | None, list[str]]:
    """The videos of the list, None without one, and what is odd about it."""
    if not path.is_file():
        return None, [f"no {META} in {path.parent}: all videos found are taken"]
    names = _names(path)
    notes = []
    repeats = [str(name) for name, count in Counter(names).items() if count > 1]
    if repeats:
        notes.append(f"{META} names {len(repeats)} videos more than once: {some(repeats)}")
    cut = sorted({str(name) for name in names if len(name.video) <= _CUT})
    if cut:
        notes.append(f"{META} has {len(cut)} names cut to {_CUT} characters: {some(cut)}")
    return set(names), notes


def some(names: Sequence[object]) -> str:
    """The first few of many names, in words."""
    return first_names(names, 5) or "none"

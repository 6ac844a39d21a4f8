"""Where things lie in a prepared root, and folders that appear whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eyeline.errors import OutputError
from eyeline.files import locked
from eyeline.systems.eye_contact.discovery.tables import FIXATIONS
from eyeline.systems.eye_contact.tracklets import SUFFIX

WORK = ".eyeline"
"""Holds locks and what is not finished."""
RECORD = "prepared.json"
"""In a video's folder: how it was prepared. Folders of the authors have none."""


@dataclass(frozen=True, order=True)
class VideoName:
    """A video of a data set."""

    celebrity: str
    video: str
    """Without `_fps25`."""

    def __str__(self) -> str:
        """For example `id00016/TCF9rCr7uHY`."""
        return f"{self.celebrity}/{self.video}"

    def folder(self, root: Path) -> Path:
        """The folder of its tracklets."""
        return root / self.celebrity / "tracklets" / f"{self.video}{SUFFIX}"


def prepared_videos(root: Path) -> list[VideoName]:
    """All videos of a root that have gaze points, by name."""
    found = root.glob(f"*/tracklets/*{SUFFIX}/{FIXATIONS}")
    return sorted(
        VideoName(path.parents[2].name, path.parent.name.removesuffix(SUFFIX)) for path in found
    )


@contextmanager
def whole_folder(root: Path, name: VideoName) -> Iterator[Path | None]:
    """An empty folder that becomes the video's own once the block ends without an exception.

    Gives None where another process is at work on the video.

    Raises:
        OutputError: the place cannot be written, or something else bears the folder's name.
    """
    folder, work = name.folder(root), root / WORK
    try:
        with locked(work / f"{name.celebrity}_{name.video}.lock", tidy=True) as ours:
            if not ours:
                yield None
                return
            if folder.exists():
                raise OutputError(f"{folder} is in the way: it lacks {FIXATIONS}; remove it")
            yield from _built(work / f"{name.celebrity}_{name.video}", folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}") from error


def _built(place: Path, folder: Path) -> Iterator[Path]:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        yield place
        folder.parent.mkdir(parents=True, exist_ok=True)
        place.rename(folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)

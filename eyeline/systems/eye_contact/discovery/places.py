"""Where things lie in a prepared root, and folders that appear whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eyeline.errors import OutputError
from eyeline.systems.eye_contact.discovery.tables import FIXATIONS
from eyeline.systems.eye_contact.tracklets import tracklet_folder, video_name

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

    Raises:
        OutputError: something else bears the folder's name.
        OSError: the place cannot be written.
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

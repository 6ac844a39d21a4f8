"""Where the original video lies: as named, beside its results, or as the user says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eyeline.errors import DataError
from eyeline.export.files import ANONYMISED, VIDEO
from eyeline.viewer.recordings import Recording, shown

_TYPES = {
    ".mkv": "video/x-matroska",
    ".mov": "video/mp4",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".ogv": "video/ogg",
    ".webm": "video/webm",
}


class Media:
    """Finds videos, and remembers for as long as it lives where the user said that they are."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = tuple(folders)
        self._given: dict[str, Path] = {}

    def original(self, recording: Recording) -> Path | None:
        """The file that was analysed, None where it has moved or is another one by its size.

        Of results that hide people it is the copy in which they are covered, or None.
        """
        if recording.index["settings"].get("anonymise"):
            copy = recording.folder / ANONYMISED
            return copy if copy.is_file() else None
        for path in self._places(recording):
            if is_original(path, recording.index):
                return path
        return None

    def annotated(self, recording: Recording) -> Path | None:
        """The video with everything drawn on it, where it was written."""
        path = recording.folder / VIDEO
        return path if path.is_file() else None

    def give(self, recording: Recording, place: str) -> Path:
        """Take a file, or a folder that holds it, for the place of a video.

        Raises:
            DataError: there is no such file, or it is not the one that was analysed.
        """
        path, name = Path(place).expanduser(), Path(recording.index["video"]["path"]).name
        path = path / name if path.is_dir() else path
        if not path.is_file():
            raise DataError(f"{shown(str(path))} is no file; give the video or the folder it is in")
        if not is_original(path, recording.index):
            wanted = recording.index["source"].get("bytes")
            raise DataError(
                f"{shown(str(path))} is not the video that was analysed: it has "
                f"{path.stat().st_size} bytes, that one {wanted}. Give the original file."
            )
        self._given[recording.key] = path
        return path

    def _places(self, recording: Recording) -> Iterator[Path]:
        if recording.key in self._given:
            yield self._given[recording.key]
        named = Path(recording.index["video"]["path"])
        yield named
        yield from (folder / named for folder in recording.folder.resolve().parents)
        places = (*self._folders, recording.folder, *recording.folder.resolve().parents)
        yield from (folder / named.name for folder in places)


def is_original(path: Path, index: Mapping[str, Any]) -> bool:
    """Whether a file has the size of the video that was analysed, as far as that is known."""
    bytes_then = (index.get("source") or {}).get("bytes")
    try:
        return path.is_file() and bytes_then in (None, path.stat().st_size)
    except (OSError, ValueError):  # a name too long, or with a null byte
        return False


def media_type(path: Path) -> str:
    """What to call a video to a browser; one that it does not know it tries to play."""
    return _TYPES.get(path.suffix.lower(), "video/mp4")

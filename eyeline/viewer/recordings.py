"""Which analyses lie under a folder, what a list says of each, and where its video is."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from eyeline.corrections import is_current, read
from eyeline.corrections.rewrite import is_original
from eyeline.errors import DataError
from eyeline.export.catalogue import Catalogue
from eyeline.export.files import ANONYMISED, CORRECTED, INDEX, REPORT, VIDEO
from eyeline.export.index import read_index

_TYPES = {
    ".mkv": "video/x-matroska",
    ".mov": "video/mp4",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".ogv": "video/ogg",
    ".webm": "video/webm",
}


@dataclass(frozen=True)
class Recording:
    """The results of one video."""

    key: str
    """Stands for the folder in addresses, so that no path is ever taken from one."""
    name: str
    """Of the folder below the one that is viewed, as text that can be shown."""
    folder: Path

    @property
    def index(self) -> Mapping[str, Any]:
        """What analysis.json holds; DataError where it cannot be read."""
        try:
            return _index(self.folder, (self.folder / INDEX).stat().st_mtime_ns)
        except OSError:
            return read_index(self.folder)


@lru_cache(maxsize=256)
def _index(folder: Path, _modified_ns: int) -> Mapping[str, Any]:
    return read_index(folder)


def recordings(catalogue: Catalogue) -> list[Recording]:
    """The analyses in a folder, at any depth, by name; the folder may be one itself.

    Raises:
        DataError: there is no such folder, or no analysis in it.
    """
    root = catalogue.root
    if not root.is_dir():
        raise DataError(f"{root} is no folder; give one that `eyeline analyze -o` has written")
    found = []
    for folder in catalogue.results():
        name = folder.relative_to(root).as_posix() if folder != root else root.resolve().name
        key = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
        found.append(Recording(key, shown(name), folder))
    if not found:
        raise DataError(
            f"{root} holds no results: no {INDEX} in it or below it. "
            f"Give a folder that `eyeline analyze -o` has written."
        )
    return sorted(found, key=lambda one: one.name)


def shown(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8 become replacement characters."""
    return os.fsencode(name).decode("utf-8", "replace")


def overview(recording: Recording, catalogue: Catalogue) -> dict[str, Any]:
    """One row of the list; with `error` alone where the results cannot be read."""
    row: dict[str, Any] = {"key": recording.key, "name": recording.name}
    corrections: int | None = None  # where their file cannot be read
    with suppress(DataError):
        corrections = len(read(recording.folder).operations)
    try:
        index = json.loads(catalogue.brief(recording.folder))
        video = index["video"]
        return row | {
            "status": index["status"],
            "video": shown(Path(video["path"]).name),
            "duration_s": video["duration_s"],
            "persons": index["persons"],
            "episodes": index["segments"],
            "speech_s": index["voiced_s"],
            "warnings": [shown(warning) for warning in index["warnings"]],
            "corrections": corrections,
            "corrected_exports": corrected_exports(recording.folder),
        }
    except (DataError, KeyError, TypeError, AttributeError) as error:
        reason = str(error) if isinstance(error, DataError) else f"{INDEX} is damaged ({error!r})"
        return row | {"error": shown(reason)}


def corrected_exports(folder: Path) -> str:
    """Whether there are exports that follow the corrections: `none`, `current` or `outdated`."""
    if not (folder / CORRECTED / REPORT).is_file():
        return "none"
    try:
        return "current" if is_current(folder) else "outdated"
    except DataError:
        return "outdated"


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
        path = Path(place).expanduser()
        path = path / Path(recording.index["video"]["path"]).name if path.is_dir() else path
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


def media_type(path: Path) -> str:
    """What to call a video to a browser; one that it does not know it tries to play."""
    return _TYPES.get(path.suffix.lower(), "video/mp4")

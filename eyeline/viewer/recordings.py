"""Which analyses lie under a folder, with what a list says of each."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from eyeline.corrections import is_current, read
from eyeline.errors import DataError
from eyeline.export.catalogue import Catalogue
from eyeline.export.files import CORRECTED, INDEX, REPORT
from eyeline.export.index import read_index


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
    found = sorted((_recording(root, place) for place in catalogue.results()), key=_by_name)
    if not found:
        raise DataError(
            f"{root} holds no results: no {INDEX} in it or below it. "
            f"Give a folder that `eyeline analyze -o` has written."
        )
    return found


def _by_name(recording: Recording) -> str:
    return recording.name


def _recording(root: Path, folder: Path) -> Recording:
    name = folder.relative_to(root).as_posix() if folder != root else root.resolve().name
    key = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return Recording(key, shown(name), folder)


def shown(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8 become replacement characters."""
    return os.fsencode(name).decode("utf-8", "replace")


def overview(recording: Recording, catalogue: Catalogue) -> dict[str, Any]:
    """One row of the list; with `error` alone where the results cannot be read."""
    row: dict[str, Any] = {"key": recording.key, "name": recording.name}
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
            "corrections": _corrected(recording.folder),
            "corrected_exports": corrected_exports(recording.folder),
        }
    except (DataError, KeyError, TypeError, AttributeError) as error:
        reason = str(error) if isinstance(error, DataError) else f"{INDEX} is damaged ({error!r})"
        return row | {"error": shown(reason)}


def _corrected(folder: Path) -> int | None:
    """How many corrections hold; None where their file cannot be read."""
    try:
        return len(read(folder).operations)
    except DataError:
        return None


def corrected_exports(folder: Path) -> str:
    """Whether there are exports that follow the corrections: `none`, `current` or `outdated`."""
    if not (folder / CORRECTED / REPORT).is_file():
        return "none"
    try:
        return "current" if is_current(folder) else "outdated"
    except DataError:
        return "outdated"

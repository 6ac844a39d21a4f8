"""What the indices of many results say, in one file, so that a list opens none of them.

An entry counts only while the `analysis.json` that it was taken from is the same file, by size,
times and inode; else that is read again. The file may be removed at any time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from eyeline.errors import DataError, OutputError
from eyeline.export.files import INDEX, TABLES
from eyeline.export.index import read_index
from eyeline.files import WORK, replacing

CATALOGUE = ".eyeline-index.parquet"
FEW = 200
"""So many results are read one by one, and no file is written."""
_MARK = {b"eyeline": b"catalogue 1"}
_STATE = ("bytes", "modified_ns", "changed_ns", "inode")
State = tuple[int, int, int, int]


class Catalogue:
    """The results below a folder."""

    def __init__(self, root: Path) -> None:
        """Read the file, if there is one; one that is damaged is written anew."""
        self.root, self._path = root, root / CATALOGUE
        self._known = _stored(self._path)
        self._changed = False

    def results(self) -> Iterator[Path]:
        """Folders with an index, or with tables that lack one, those of unfinished work left out.

        Results that are gone leave the catalogue.
        """
        seen = set[str]()
        for folder in _results_below(self.root):
            seen.add(os.path.relpath(folder, self.root))
            yield folder
        for gone in self._known.keys() - seen:
            del self._known[gone]
            self._changed = True

    def brief(self, folder: Path) -> bytes:
        """What lists say of a result, as JSON, see `brief_of`; DataError where it has no index."""
        name = os.path.relpath(folder, self.root)
        try:
            state = _state(folder)
        except OSError:
            read_index(folder)  # which says what is wrong
            raise
        known = self._known.get(name)
        if known is None or known[0] != state:
            known = state, json.dumps(brief_of(folder), ensure_ascii=True).encode()
            self._known[name], self._changed = known, True
        return known[1]

    def save(self) -> None:
        """Write what is new, where that is worth a file and can be done."""
        if not self._changed or len(self._known) <= FEW:
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        states = zip(*(state for state, _ in self._known.values()), strict=True)
        columns = dict(zip(_STATE, map(pa.array, states), strict=True))
        table = pa.table(
            {
                "folder": pa.array(map(os.fsencode, self._known), pa.binary()),
                **columns,
                "brief": pa.array((brief for _, brief in self._known.values()), pa.large_binary()),
            }
        )
        marked = table.replace_schema_metadata(_MARK)
        with suppress(OutputError), replacing(self._path) as new, new.open("wb") as file:
            pq.write_table(marked, file, compression="zstd")
            self._changed = False


def brief_of(folder: Path) -> dict[str, Any]:
    """The parts of the index of a result that lists show and a resume needs.

    Raises:
        DataError: no such folder, damaged, or without one of the parts.
    """
    index = read_index(folder)
    for name, kind in (("video", dict), ("files", list), ("persons", list), ("settings", dict)):
        if not isinstance(index.get(name), kind):
            raise DataError(f"{folder / INDEX} has no {name}. Analyse the video again.")
    return {
        **{name: index.get(name) for name in ("status", "fingerprint", "video", "settings")},
        "warnings": index.get("warnings", []),
        "source": index.get("source") or {},
        "version": _part(index, "versions").get("eyeline", "not stated"),
        "persons": len(index["persons"]),
        "segments": _part(index, "counts").get("segments", {}),
        "voiced_s": _part(index, "speech").get("voiced_s"),
    }


def _part(index: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = index.get(name)
    return part if isinstance(part, dict) else {}


def _results_below(folder: Path) -> Iterator[Path]:
    for place, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not _unfinished(name))
        if INDEX in names or {f"{table}.parquet" for table in TABLES[1:]} <= {*names}:
            below.clear()
            yield Path(place)


def _unfinished(name: str) -> bool:
    return name == WORK or (name.startswith(".") and name.endswith(".partial"))


def _state(folder: Path) -> State:
    s = os.stat(folder / INDEX)  # noqa: PTH116 many at once
    return s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino


def _stored(path: Path) -> dict[str, tuple[State, bytes]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as file:  # pyarrow takes no names that are not UTF-8
            table = pq.read_table(file, partitioning=None)
        if (table.schema.metadata or {}).get(b"eyeline") != _MARK[b"eyeline"]:
            return {}
        names = map(os.fsdecode, table.column("folder").to_pylist())
        states = zip(*(table.column(name).to_pylist() for name in _STATE), strict=True)
        briefs = table.column("brief").to_pylist()
        return dict(zip(names, zip(states, briefs, strict=True), strict=True))
    except (OSError, KeyError, TypeError, pa.ArrowException):
        return {}

"""Files of maps: Parquet with a byte a cell, written and read some at a time; and plain arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.documents import read_npz
from eyeline.errors import DataError, check_shape
from eyeline.evaluation import tables
from eyeline.files import replacing
from eyeline.results import Image
from eyeline.systems.gaze_anticipation.predictions import Frames, Key
from eyeline.systems.gaze_anticipation.scoring import levels

SUFFIXES = (".parquet", ".npz")
"""Of files of maps next to a table of predictions, in the order in which they are looked for."""

_AT_ONCE = 256
_GROUP = 1024
"""Maps that are written together."""
_COLUMNS = ("video", "clip_start_s", "frame", "level")


class MapWriter:
    """Writes maps in the order of a table; see `writing`."""

    def __init__(self, file: Any, schema: Any) -> None:
        self._file, self._schema = file, schema
        self._waiting: list[Any] = []

    def add(self, rows: Frames, level: Image) -> None:
        """Add levels `(n, row, column)` of some rows."""
        import pyarrow as pa

        check_shape(level, "row height width", "levels", {"row": len(rows)})
        cells = [one.tobytes() for one in level]
        columns: list[Any] = [rows.video.tolist(), rows.clip_start_s, rows.frame, cells]
        self._waiting.append(pa.table(columns, schema=self._schema))
        if sum(map(len, self._waiting)) >= _GROUP:
            self._write()

    def end(self) -> None:
        """Write what still waits."""
        self._write(whole=True)

    def _write(self, *, whole: bool = False) -> None:
        """Groups of one length, so that the file does not depend on how maps came in."""
        import pyarrow as pa

        known = pa.concat_tables([self._schema.empty_table(), *self._waiting])
        end = len(known) if whole else len(known) // _GROUP * _GROUP
        for start in range(0, end, _GROUP):
            self._file.write_table(known.slice(start, min(_GROUP, end - start)))
        self._waiting = [known.slice(end)]


@contextmanager
def writing(path: Path, size: int) -> Iterator[MapWriter]:
    """A new file of maps of `size` rows and columns, which is there once it is whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = (pa.string(), pa.int64(), pa.int64(), pa.binary(size * size))
    known = {"levels": str(levels.VERSION), "size": str(size)}
    schema = pa.schema(list(zip(_COLUMNS, kinds, strict=True)), metadata=known)
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(
            temporary,
            schema,
            compression="zstd",
            use_dictionary=["video", "clip_start_s"],
            write_statistics=False,
        ) as file,
    ):
        writer = MapWriter(file, schema)
        yield writer
        writer.end()


def beside(table: Path) -> Path | None:
    """The file of maps with the name of a table, if there is one."""
    predictions = (table.with_suffix(suffix) for suffix in SUFFIXES)
    return next((path for path in predictions if path.is_file()), None)


def size_of(path: Path) -> int:
    """Rows and columns of a file's maps; DataError for another kind of file."""
    if path.suffix == ".npz":
        return int(_plain(path).shape[1])
    return _opened(path)[1]


def read(path: Path, rows: Frames) -> Iterator[tuple[int, Image]]:
    """Levels `(m, row, column)` of neighbouring rows, with the number of the first one.

    The file is as of `writing`, or `.npz` with `heatmap` `(n, row, column)` not negative; `rows`
    are all that it is of, in its order. DataError: another kind of file, other rows, maps of
    another shape.
    """
    yield from (_read_plain if path.suffix == ".npz" else _read_parquet)(path, rows)


def _read_plain(path: Path, rows: Frames) -> Iterator[tuple[int, Image]]:
    maps = _plain(path)
    if len(maps) != len(rows):
        raise DataError(f"{path} has {len(maps)} maps for {len(rows)} rows")
    for start in range(0, len(maps), _AT_ONCE):
        part = maps[start : start + _AT_ONCE]
        if not (np.isfinite(part).all() and (part >= 0).all()):
            raise DataError(f"{path}: maps {start} and on are negative or no numbers somewhere")
        yield start, levels.levels(levels.rescaled(part))


def _read_parquet(path: Path, rows: Frames) -> Iterator[tuple[int, Image]]:
    import pyarrow as pa

    file, size = _opened(path)
    keys, start = rows.keys, 0
    try:
        for batch in file.iter_batches(_AT_ONCE, columns=[*_COLUMNS]):
            video, second, frame, cells = (batch.column(name) for name in _COLUMNS)
            columns = (part.to_pylist() for part in (video, second, frame))
            known: list[Key] = list(zip(*columns, strict=True))
            if known != keys[start : start + len(known)]:
                raise DataError(f"{path}, map {start} and on: other frames than the table's rows")
            predictions = np.frombuffer(b"".join(cells.to_pylist()), np.uint8)
            yield start, predictions.reshape(len(known), size, size)
            start += len(known)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    if start < len(keys):
        left = tables.named(rows.side(path), np.arange(start, len(keys)))
        raise DataError(f"{path} lacks the map of {left}")


def _opened(path: Path) -> tuple[Any, int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is no file of maps: {error}") from error
    known = file.schema_arrow.metadata or {}
    version, size = known.get(b"levels"), known.get(b"size", b"")
    if version != str(levels.VERSION).encode() or not size.isdigit():
        raise DataError(f"{path} is no file of maps in levels {levels.VERSION}")
    cell_type = dict(zip(file.schema_arrow.names, file.schema_arrow.types, strict=True))
    if cell_type.get("level") != pa.binary(int(size) ** 2):
        raise DataError(f"{path}: its maps are not of {int(size)} rows and columns")
    return file, int(size)


def _plain(path: Path) -> Any:
    try:
        predictions = read_npz(path, ("heatmap",))["heatmap"]
    except (DataError, KeyError) as error:
        raise DataError(f"{path} holds no array 'heatmap': {error}") from error
    sizes = check_shape(predictions, "row height width", f"{path}: heatmap")
    if sizes["height"] != sizes["width"] or predictions.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: heatmap of {predictions.dtype} and shape {predictions.shape}; squares only"
        )
    return predictions

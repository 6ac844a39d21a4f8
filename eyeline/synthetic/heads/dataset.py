"""Many rendered heads as files: Arrow shards of JPEG images with their labels beside them.

`OUT/heads.json` says what was asked for, `OUT/heads-00000.arrow` and so on hold 512 samples each
and are read by memory map, so that data larger than memory trains. A sample depends on nothing but
seed and number: a stopped or longer run goes on with the shards that are missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eyeline import files
from eyeline.bounds import Count, Jobs, Whole
from eyeline.datasets.items import checked, size_of, work_on
from eyeline.datasets.prepare import LOCKS
from eyeline.errors import DataError, OutputError
from eyeline.log import Log
from eyeline.results import Floats, Image

if TYPE_CHECKING:
    import pyarrow as pa

    from eyeline.synthetic.heads.samples import Sample

FORMAT = 1
"""Raised when the same seed and number no longer give the same sample."""
SETTINGS = "heads.json"
SHARD = 512
JPEG_QUALITY = 93
_ASIDE = ("index", "person", "age", "style", "headwear", "glasses")


@checked
def run(
    out: Path | str, *, seed: Whole = 0, count: Count = 1024, jobs: Jobs = 1, log: Log | None = None
) -> dict[str, Any]:
    """Render heads into a folder; the same command goes on where it was stopped.

    Args:
        out: a folder that is empty, not there yet, or of the same seed; with a larger count it
            grows.
        seed: another seed, other people.
        count: samples in all.
        jobs: shards at the same time, a process each.
        log: receives every shard.

    Returns:
        Where they lie and how many they are.

    Raises:
        UsageError: the extra `render` is missing, or there is no OpenGL.
        DataError: the folder holds heads of another seed or an earlier kind.
        OutputError: the folder holds something else, or cannot be written.
    """
    from eyeline.synthetic.heads import assets

    assets.folder()
    folder = files.made(Path(out))
    _settle(folder, seed, count)
    starts = range(0, count, SHARD)
    tasks = [(folder, seed, first, min(SHARD, count - first)) for first in starts]
    missing = [task for task in tasks if _rows(shard_path(folder, task[2] // SHARD)) < task[3]]
    if log and len(missing) < len(tasks):
        log(f"{len(tasks) - len(missing)} of {len(tasks)} shards are there")
    for _ in work_on(_render, missing, log, str, jobs=jobs):
        pass
    return {"folder": str(folder), "samples": count, "shards": len(tasks), "bytes": size_of(folder)}


def shard_path(folder: Path, number: int) -> Path:
    """The file of a shard."""
    return folder / f"heads-{number:05d}.arrow"


def _settle(folder: Path, seed: int, count: int) -> None:
    """Write the settings, or hold them to those that are there."""
    path = folder / SETTINGS
    if path.is_file():
        known = _settings(path)
        if known["seed"] != seed or known["format"] != FORMAT:
            raise DataError(
                f"{path}: these heads have seed {known['seed']} and format {known['format']}, not "
                f"{seed} and {FORMAT}; give another folder"
            )
        count = max(count, int(known["count"]))
    elif any(folder.iterdir()):
        raise OutputError(f"{folder} holds something else; give an empty folder")
    files.write_json(path, {"format": FORMAT, "seed": seed, "count": count})


def _settings(path: Path) -> dict[str, int]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return {name: int(known[name]) for name in ("format", "seed", "count")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no file of `eyeline synthesize heads` ({error})") from None


def _rows(path: Path) -> int:
    """Samples of a shard; 0 where it is not there or damaged."""
    import pyarrow as pa

    if not path.is_file():
        return 0
    try:
        with pa.memory_map(str(path)) as source:
            return int(pa.ipc.open_file(source).read_all().num_rows)
    except (pa.ArrowInvalid, OSError):
        return 0


def _render(folder: Path, seed: int, first: int, count: int) -> str:
    """Write one shard, unless another process does or did meanwhile; its name and what was done."""
    from eyeline.synthetic.heads.samples import samples

    path = shard_path(folder, first // SHARD)
    with files.locked(folder / LOCKS / f"{path.stem}.lock", tidy=True) as ours:
        if not ours:
            return f"{path.name}: in work elsewhere"
        if _rows(path) >= count:
            return f"{path.name}: is there"
        _write(path, [_row(sample) for sample in samples(seed, first, count)])
    return f"{path.name}: rendered"


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows, whole or not at all."""
    import pyarrow as pa

    columns = {name: _column([row[name] for row in rows]) for name in rows[0]}
    table = pa.table(columns)
    with (
        files.replacing(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        writer.write_table(table)


def _row(sample: Sample) -> dict[str, Any]:
    row: dict[str, Any] = {"image": _jpeg(sample.image), "eyes": None}
    if sample.eyes is not None:
        row["eyes"] = _jpeg(sample.eyes)
    row |= {name: getattr(sample, name) for name in _ASIDE}
    truth = sample.labels
    return row | {
        f.name if f.name != "eyes" else "eye_centres": getattr(truth, f.name) for f in fields(truth)
    }


def _column(values: list[Any]) -> pa.Array:
    """Arrays become fixed lists of float32, flags and texts stay."""
    import pyarrow as pa

    first = values[0]
    if isinstance(first, np.ndarray):
        flat = np.stack(values).reshape(len(values), -1)
        kind = flat if flat.dtype == bool else flat.astype(np.float32)
        return pa.FixedSizeListArray.from_arrays(pa.array(kind.ravel()), flat.shape[1])
    binary = isinstance(first, bytes) or any(isinstance(v, bytes) for v in values)
    return pa.array(values, pa.binary() if binary or first is None else None)


def _jpeg(image: Image) -> bytes:
    """RGB without loss of colours between pixels."""
    import cv2

    how = [
        cv2.IMWRITE_JPEG_QUALITY,
        JPEG_QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    return cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), how)[1].tobytes()


def _decoded(data: memoryview | bytes) -> Image:
    import cv2

    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError("an image of the rendered heads is damaged; remove its shard")
    return np.asarray(image[..., ::-1])


@dataclass(frozen=True)
class Heads:
    """Rendered heads of a folder, images read when they are wanted."""

    tables: tuple[Any, ...]
    """Shards, memory-mapped."""
    labels: dict[str, npt.NDArray[Any]]
    """By name `(sample, ...)`: fields of `Labels`, the eyes' centres as `eye_centres`, and
    `person`, `index`, `has_eyes`."""
    places: npt.NDArray[np.int64]
    """`(sample, 2)` shard and row."""

    def __len__(self) -> int:
        """Samples."""
        return len(self.places)

    def image(self, number: int) -> Image:
        """`(h, w, 3)` RGB of a head."""
        return self._image("image", number)

    def eyes(self, number: int) -> Image:
        """`(h, w, 3)` RGB of the eyes, where `has_eyes`."""
        return self._image("eyes", number)

    def subset(self, which: npt.NDArray[Any]) -> Heads:
        """Some of them, by flags or numbers."""
        return Heads(self.tables, {k: v[which] for k, v in self.labels.items()}, self.places[which])

    def _image(self, column: str, number: int) -> Image:
        shard, row = self.places[number]
        return _decoded(memoryview(self.tables[shard].column(column)[int(row)].as_buffer()))


_SHAPES = {
    "rotation": (3, 3),
    "matrix": (3, 3),
    "eye_matrix": (3, 3),
    "gaze": (2, 3),
    "iris": (2, 3),
    "eye_centres": (2, 3),
    "iris_px": (2, 2),
    "contour_px": (2, 16, 2),
    "landmarks_px": (-1, 2),
}


def open_heads(folder: Path | str) -> Heads:
    """The heads of all shards that are there, also while more are rendered.

    Raises:
        DataError: no rendered heads, or a damaged shard.
    """
    import pyarrow as pa

    root = Path(folder)
    known = _settings(root / SETTINGS)
    if known["format"] != FORMAT:
        raise DataError(f"{root}: heads of format {known['format']}, this version reads {FORMAT}")
    tables = []
    for path in sorted(root.glob("heads-*.arrow")):
        try:
            tables.append(pa.ipc.open_file(pa.memory_map(str(path))).read_all().combine_chunks())
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{path} is damaged ({error}); remove it and render it again") from None
    if not tables:
        raise DataError(f"{root} holds no shards; render some by `eyeline synthesize heads`")
    labels = {
        name: np.concatenate([_values(t, name) for t in tables])
        for name in tables[0].column_names
        if name not in ("image", "eyes")
    }
    labels["has_eyes"] = np.concatenate(
        [np.asarray(t.column("eyes").is_valid().to_numpy(zero_copy_only=False)) for t in tables]
    )
    rows = [
        np.stack([np.full(t.num_rows, n), np.arange(t.num_rows)], 1) for n, t in enumerate(tables)
    ]
    return Heads(tuple(tables), labels, np.concatenate(rows))


def _values(table: Any, name: str) -> npt.NDArray[Any]:
    column = table.column(name).combine_chunks()
    if not hasattr(column, "flatten") or str(column.type) in ("string", "large_string"):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    try:
        flat: Floats = column.flatten().to_numpy(zero_copy_only=False)
    except (AttributeError, NotImplementedError):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    return np.asarray(flat.reshape((table.num_rows, *_SHAPES.get(name, (-1,)))))

"""Files of maps: whole, in pieces, and of other rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.predictions import Frames
from eyeline.systems.gaze_anticipation.scoring import levels, map_files
from tests.systems.gaze_anticipation import judged

SIZE = 6


def maps(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE)).astype(np.uint8)


def written(path: Path, rows: Frames, found: npt.NDArray[np.uint8], piece: int) -> Path:
    with map_files.writing(path, SIZE) as writer:
        for start in range(0, len(rows), piece):
            at = np.arange(start, min(start + piece, len(rows)))
            writer.add(rows.take(at), found[at])
    return path


def everything(path: Path, rows: Frames) -> npt.NDArray[Any]:
    parts = list(map_files.read(path, rows))
    assert [start for start, _ in parts] == np.cumsum(
        [0, *(len(p) for _, p in parts[:-1])]
    ).tolist()
    return np.concatenate([part for _, part in parts])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    rows = judged.truth(videos=3, samples=60)
    predictions = maps(len(rows))
    path = written(tmp_path / "m.parquet", rows, predictions, 100)
    assert map_files.size_of(path) == SIZE and map_files.beside(tmp_path / "m.csv") == path
    np.testing.assert_array_equal(everything(path, rows), predictions)
    again = written(tmp_path / "again.parquet", rows, predictions, 7)
    assert again.read_bytes() == path.read_bytes(), "pieces do not show"
    assert path.stat().st_size < 1.2 * predictions.size, "a byte a cell"


def test_half_a_file_is_none(tmp_path: Path) -> None:
    rows = judged.truth()
    path = tmp_path / "m.parquet"
    with pytest.raises(RuntimeError), map_files.writing(path, SIZE) as writer:
        writer.add(rows, maps(len(rows)))
        raise RuntimeError
    assert not [*tmp_path.iterdir()] and map_files.beside(path) is None


def test_maps_of_other_rows(tmp_path: Path) -> None:
    rows = judged.truth()
    path = written(tmp_path / "m.parquet", rows, maps(len(rows)), 50)
    with pytest.raises(DataError, match="other frames than the table's"):
        list(map_files.read(path, rows.take(np.arange(len(rows))[::-1])))
    with pytest.raises(DataError, match="other frames"):
        list(map_files.read(path, rows.take(np.arange(10))))
    longer = judged.truth(samples=6)
    order = np.argsort([key not in set(rows.keys) for key in longer.keys], kind="stable")
    with pytest.raises(DataError, match=r"lacks the map of frame \d+ of clip 25 s of v0"):
        list(map_files.read(path, longer.take(order)))
    with (
        pytest.raises(DataError, match="levels has shape"),
        map_files.writing(path, SIZE) as writer,
    ):
        writer.add(rows, maps(3))


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match="no file of maps"):
        map_files.size_of(path)
    pq.write_table(pa.table({"level": [b"1"]}), path)
    with pytest.raises(DataError, match="no file of maps in levels 1"):
        map_files.size_of(path)
    known = {"levels": "1", "size": "6"}
    pq.write_table(pa.table({"level": [b"1"]}).replace_schema_metadata(known), path)
    with pytest.raises(DataError, match="not of 6 rows and columns"):
        map_files.size_of(path)


def test_a_damaged_file_is_reported(tmp_path: Path) -> None:
    rows = judged.truth()
    path = written(tmp_path / "m.parquet", rows, maps(len(rows)), 50)
    content = bytearray(path.read_bytes())
    content[200:2500] = bytes(2300)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"m\.parquet"):
        everything(path, rows)


def test_plain_arrays(tmp_path: Path) -> None:
    rows = judged.truth()
    given = np.random.default_rng(0).random((len(rows), SIZE, SIZE))
    path = tmp_path / "m.npz"
    np.savez(path, heatmap=given)
    assert map_files.size_of(path) == SIZE and map_files.beside(tmp_path / "m.csv") == path
    wanted = levels.levels(levels.rescaled(given))
    np.testing.assert_array_equal(everything(path, rows), wanted)
    with pytest.raises(DataError, match="120 maps for 10 rows"):
        list(map_files.read(path, rows.take(np.arange(10))))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"other": np.zeros((120, 6, 6))}, "holds no array 'heatmap'"),
        ({"heatmap": np.zeros((120, 6))}, "2 axes"),
        ({"heatmap": np.zeros((120, 6, 5))}, "squares only"),
        ({"heatmap": np.full((120, 6, 6), -1.0)}, "negative or no numbers"),
        ({"heatmap": np.full((120, 6, 6), np.nan)}, "negative or no numbers"),
        ({"heatmap": np.full((120, 6, 6), "a")}, "squares only"),
        ({"heatmap": np.full((120, 6, 6), None)}, "holds no array 'heatmap'"),
    ],
)
def test_arrays_that_are_no_maps(content: dict[str, Any], said: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", **content)
    with pytest.raises(DataError, match=said):
        list(map_files.read(tmp_path / "m.npz", judged.truth()))
    (tmp_path / "m.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="holds no array"):
        map_files.size_of(tmp_path / "m.npz")

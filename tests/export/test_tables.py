"""Tables: exact, the same bytes each time, readable by others."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from eyeline.errors import DataError, OutputError
from eyeline.export import read_tables, write_tables
from eyeline.export.files import TABLES
from eyeline.export.spans import clock_of
from eyeline.results import Analysis, Points, Scores

MakeAnalysis = Callable[..., Analysis]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_both_kinds_of_all_tables_are_written(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    clock = clock_of(make_analysis())
    written = write_tables(make_analysis(clock=clock), tmp_path)
    names = {f"{table}.{kind}" for table in TABLES for kind in ("parquet", "csv")}
    assert {p.name for p in written} == names == {p.name for p in tmp_path.iterdir()}


def test_the_same_analysis_gives_the_same_bytes(
    make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        write_tables(make_analysis(heatmaps=True), tmp_path / folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_columns_carry_units_and_labels(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    write_tables(make_analysis(heatmaps=True), tmp_path)
    tables = read_tables(tmp_path)
    assert tables["people"].column_names == [
        "frame", "time_s", "person", "person_label", "track_id", "x1_px", "y1_px", "x2_px",
        "y2_px", "score", "detected", "quality", "eyes_x_px", "eyes_y_px", "yaw_deg", "pitch_deg",
        "roll_deg", "source",
    ]  # fmt: skip
    assert tables["points"].column_names == [
        "system", "builder", "name", "frame", "time_s", "person", "person_label", "x_px", "y_px",
        "target", "target_label", "probability", "target_x1_px", "target_y1_px", "target_x2_px",
        "target_y2_px", "heatmap", "source",
    ]  # fmt: skip
    assert set(tables["points"]["target_label"].to_pylist()) == {
        "person 1", "person 2", "person 3", "person 4", "camera"
    }  # fmt: skip
    rows = tables["segments"].select(["name", "label"]).to_pylist()
    labels = {name: {r["label"] for r in rows if r["name"] == name} for name in
              ("speaking", "eye_contact", "mutual_gaze", "joint_attention")}  # fmt: skip
    assert labels == {
        "speaking": {"speech"},
        "eye_contact": {"contact"},
        "mutual_gaze": {f"person {n}" for n in range(1, 5)},
        "joint_attention": {
            "camera with " + " and ".join(f"person {n}" for n in range(1, 5) if n != own)
            for own in range(1, 5)
        },
    }
    yaw = tables["directions"]["yaw_deg"].to_numpy()
    np.testing.assert_allclose(np.unique(np.abs(yaw)), [0, np.degrees(0.9)], atol=1e-9)


def test_csv_is_rounded_and_has_empty_cells_for_what_is_not_known(
    make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    analysis = make_analysis(persons=2, frames=3)
    scores = Scores(
        "r", "b", "x", 0.5, np.arange(3), np.array([0.1, 0.2 + 1e-9, 1 / 3]), np.ones(3, int),
        np.array([1 / 3, np.nan, 0.0]),
    )  # fmt: skip
    write_tables(replace(analysis, answers=(scores,)), tmp_path)
    rows = rows_of(tmp_path / "scores.csv")
    assert [r["time_s"] for r in rows] == ["0.1", "0.2", "0.333333"]
    assert [r["value"] for r in rows] == ["0.333333", "", "0"]
    people = rows_of(tmp_path / "people.csv")
    assert people[0]["person_label"] == "person 1"
    assert all(len(r["x1_px"].partition(".")[2]) <= 2 for r in people)
    assert b"-0," not in (tmp_path / "people.csv").read_bytes()


def test_odd_words_survive_csv(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    analysis = make_analysis(persons=1, frames=2)
    odd = 'a "quoted", name\nof 王'
    scores = Scores("r", "b", odd, 0.5, np.arange(1), np.zeros(1), np.ones(1, int), np.ones(1))
    write_tables(replace(analysis, answers=(scores,)), tmp_path)
    assert rows_of(tmp_path / "scores.csv")[0]["name"] == odd


def test_heatmaps_are_bytes_where_there_is_one(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    analysis = make_analysis(heatmaps=True)
    points = analysis.points()
    assert points.heatmap is not None
    write_tables(analysis, tmp_path)
    table = read_tables(tmp_path)["points"]
    assert table.schema.metadata[b"eyeline.heatmap_rows_columns"] == b"[[6, 8]]"
    cells = table["heatmap"].to_pylist()
    assert [k for k, c in enumerate(cells) if c is not None] == points.heatmap_row.tolist()
    seventh = np.frombuffer(cells[points.heatmap_row[7]], np.uint8).reshape(6, 8)
    np.testing.assert_array_equal(seventh, points.heatmap[7])


@pytest.mark.parametrize("rows", [[0, 0], [0, 5], [-1, 0]])
def test_heatmaps_of_rows_that_are_not_there_are_refused(
    make_analysis: MakeAnalysis, tmp_path: Path, rows: list[int]
) -> None:
    analysis = make_analysis(persons=1, frames=3)
    maps = np.zeros((2, 4, 4), np.uint8)
    points = replace(analysis.points(), heatmap_row=np.array(rows), heatmap=maps)
    with pytest.raises(DataError, match="points 'gaze_target'"):
        write_tables(replace(analysis, answers=(points,)), tmp_path)


def test_heatmaps_of_another_type_are_refused(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    points = make_analysis(persons=1, frames=3, heatmaps=True).points()
    assert points.heatmap is not None
    wrong = replace(points, heatmap=points.heatmap.astype(np.float32))
    with pytest.raises(DataError, match="float32, not uint8"):
        write_tables(replace(make_analysis(persons=1), answers=(wrong,)), tmp_path)


def test_large_tables_have_row_groups(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    analysis = make_analysis(persons=4, frames=20_000)
    write_tables(analysis, tmp_path)
    groups = pq.ParquetFile(tmp_path / "people.parquet").metadata
    assert groups.num_rows == 80_000
    assert groups.num_row_groups == 2
    assert groups.row_group(0).column(0).compression == "ZSTD"


def test_large_heatmaps_have_smaller_row_groups(
    make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    analysis = make_analysis(persons=1, frames=40)
    points: Points = analysis.points()
    wide = replace(
        points, heatmap_row=np.array([3, 39]), heatmap=np.ones((2, 1024, 2048), np.uint8)
    )
    write_tables(replace(analysis, answers=(wide,)), tmp_path)
    assert pq.ParquetFile(tmp_path / "points.parquet").metadata.num_row_groups == 3


def test_empty_tables_keep_their_columns(nobody: Analysis, tmp_path: Path) -> None:
    write_tables(nobody, tmp_path)
    for name, table in read_tables(tmp_path).items():
        assert table.num_rows == 0
        header = (tmp_path / f"{name}.csv").read_text().strip().replace('"', "").split(",")
        assert header == [c for c in table.column_names if c != "heatmap"]


def test_damaged_and_missing_tables_are_reported(
    make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"holds no people\.parquet"):
        read_tables(tmp_path)
    write_tables(make_analysis(persons=1, frames=5), tmp_path)
    path = tmp_path / "scores.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"scores\.parquet is damaged"):
        read_tables(tmp_path)
    write_tables(make_analysis(persons=1, frames=5), tmp_path)
    (tmp_path / "points.parquet").replace(tmp_path / "scores.parquet")
    with pytest.raises(DataError, match=r"scores\.parquet lacks the columns threshold, value"):
        read_tables(tmp_path)


def test_a_folder_that_cannot_be_written(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_tables(make_analysis(persons=1, frames=2), tmp_path / "file")


def test_duckdb_reads_a_whole_corpus(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    for name, persons in (("a", 2), ("b", 3)):
        write_tables(make_analysis(persons=persons, frames=10, heatmaps=True), tmp_path / name)
    query = f"select count(*), sum(octet_length(heatmap)) from '{tmp_path}/*/points.parquet'"
    rows, heat = duckdb.connect().execute(query).fetchone()
    assert (rows, heat) == (50, (3 + 5) * 48)

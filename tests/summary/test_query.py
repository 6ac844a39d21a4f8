"""SQL over the results of many videos: what it gives, what it refuses, what it survives."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from eyeline.cli import app
from eyeline.corrections import append, rewrite
from eyeline.errors import DataError, UsageError
from eyeline.files import sha256
from eyeline.summary.corpus import mixed, read_corpus
from eyeline.summary.folder import summarise_folder
from eyeline.summary.query import VIEWS, as_bytes, query
from tests.summary.conftest import Write, scores, segments, video


@pytest.fixture
def results(write: Write, tmp_path: Path) -> Path:
    seen = {1: (0.0, 10.0), 2: (2.0, 6.0)}
    speech = segments("speaking", [(1, 0.0, 2.0, "speech"), (2, 3.0, 4.5, "speech")])
    write(video(seen, [scores("eye_contact", seen), speech]), "day1/talk")
    write(video({1: (0.0, 4.0)}, [speech], duration_s=4.0), "day2/talk", "0.2.0")
    return tmp_path / "results"


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in query(read_corpus(folder), sql).table.to_pylist()]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select video, duration_s, persons from videos order by 1",
         [("day1/talk", 10.0, 2), ("day2/talk", 4.0, 1)]),
        ("select video, count(*) from people group by 1 order by 1",
         [("day1/talk", 28), ("day2/talk", 8)]),
        ("select video, person, sum(duration_s) from segments group by all order by all",
         [("day1/talk", 1, 2.0), ("day1/talk", 2, 1.5), ("day2/talk", 1, 2.0),
          ("day2/talk", 2, 1.5)]),
        ("select distinct version, source from videos join scores using (video)",
         [("0.1.0", "computed")]),
        ("select count(*) from directions, points", [(0,)]),
        ("select count(*) from FRAMES", [(28,)]),
    ],
)  # fmt: skip
def test_every_row_has_the_name_of_its_video(
    results: Path, sql: str, expected: list[tuple[object, ...]]
) -> None:
    assert rows(results, sql) == expected


def test_what_is_not_known_is_null(write: Write, tmp_path: Path) -> None:
    known = scores("eye_contact", {1: (0.0, 2.0)})
    known.value[1:] = float("nan")
    write(video({1: (0.0, 2.0)}, [known]))
    sql = "select count(*), count(value), avg(value) from scores"
    assert rows(tmp_path / "results", sql) == [(4, 1, 0.1)]


def test_all_views_are_there(results: Path) -> None:
    names = {str(name) for (name,) in rows(results, "show tables")}
    assert {*VIEWS} <= names


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('{outside}')",
        "select * from read_parquet('{folder}/day1/talk/people.parquet')",
        "select * from '{outside}'",
        "select * from glob('{folder}/*')",
        "copy (select 1) to '{folder}/x.csv'",
        "with x as (copy (select 1) to '{folder}/x.csv') select 1",
        "with x as (copy (select 1) to '{folder}/day1/talk/people.parquet') select 1",
        "export database '{folder}/x'",
        "attach '{folder}/x.db'",
        "set enable_external_access = true",
        "install httpfs",
        "create table x as select 1",
        "drop view people",
        "select 1; select 2",
        "select * from query('select * from peo' || 'ple')",
        "select wrong from people",
        "select * from nothing",
        "selec",
        "",
    ],
)
def test_what_does_not_only_read_the_views_is_refused(
    results: Path, tmp_path: Path, sql: str
) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UsageError):
        query(read_corpus(results), sql.format(outside=outside, folder=results))
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_damaged_table_leaves_its_video_out_where_it_is_asked_for(results: Path) -> None:
    path = results / "day1/talk/segments.parquet"
    content = bytearray(path.read_bytes())
    content[20] ^= 255
    path.write_bytes(content)
    answer = query(read_corpus(results), "select distinct video from segments")
    assert answer.table.to_pylist() == [{"video": "day2/talk"}]
    assert [fault.video for fault in answer.faults] == ["day1/talk"]
    assert "segments.parquet is damaged" in answer.faults[0].message
    assert not query(read_corpus(results), "select * from people").faults


@pytest.mark.parametrize("damage", ["missing", "cut", "newer", "foreign", "no video", "no index"])
def test_a_damaged_folder_leaves_the_others(results: Path, damage: str) -> None:
    folder = results / "day1/talk"
    index = json.loads((folder / "analysis.json").read_text())
    if damage == "missing":
        (folder / "people.parquet").unlink()
    elif damage == "cut":
        (folder / "analysis.json").write_text("{")
    elif damage == "no index":
        (folder / "analysis.json").unlink()
    else:
        index |= {
            "newer": {"format": index["format"] | {"version": 99}},
            "foreign": {"format": {}},
            "no video": {"video": {}},
        }[damage]
        (folder / "analysis.json").write_text(json.dumps(index))
    answer = query(read_corpus(results), "select distinct video from people")
    assert answer.table.to_pylist() == [{"video": "day2/talk"}]
    assert [fault.video for fault in answer.faults] == ["day1/talk"]


def test_one_video_is_a_folder_of_results_too(results: Path) -> None:
    assert rows(results / "day2/talk", "select video, persons from videos") == [("talk", 1)]


def test_results_of_one_video_that_are_summed_twice_are_named(write: Write, tmp_path: Path) -> None:
    for name in ("quick", "whole", "other"):
        write(video({1: (0.0, 1.0)}), name, source={"sha256": "b" if name == "other" else "a"})
    notes = mixed(read_corpus(tmp_path / "results").results)
    assert notes == ["results of one video are summed more than once: quick, whole"]


def test_older_results_lack_the_clock_and_the_source(results: Path) -> None:
    folder = results / "day1/talk"
    index = json.loads((folder / "analysis.json").read_text())
    (folder / "frames.parquet").unlink()
    index["files"] = [entry for entry in index["files"] if "frames" not in entry["name"]]
    for entry in index["files"]:
        if entry["name"].endswith(".parquet"):
            path = folder / entry["name"]
            table = pq.read_table(path)
            pq.write_table(table.drop_columns({"source"} & {*table.column_names}), path)
            entry |= {"bytes": path.stat().st_size, "sha256": sha256(path)}
    (folder / "analysis.json").write_text(json.dumps(index))
    assert rows(results, "select distinct video from frames") == [("day2/talk",)]
    assert rows(results, "select distinct source from people") == [("computed",)]
    summary = summarise_folder(read_corpus(results))
    assert [result.video for result in summary.results] == ["day1/talk", "day2/talk"]


def test_several_versions_are_named(results: Path) -> None:
    notes = mixed(read_corpus(results).results)
    assert notes == [
        "results of several versions of eyeline are summed together: 0.1.0 (1), 0.2.0 (1)"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("day1/talk", "day1/talk"), ("first.mp4", "day1/talk"), ("first", "day1/talk"),
        ("talk", "names 2 videos: write day1/talk or day2/talk"), ("other", "no video 'other'"),
    ],
)  # fmt: skip
def test_a_video_has_several_names_but_not_those_of_two(
    write: Write, tmp_path: Path, text: str, expected: str
) -> None:
    write(video({1: (0.0, 1.0)}, path="/films/first.mp4"), "day1/talk")
    write(video({1: (0.0, 1.0)}, path="/films/second.mp4"), "day2/talk")
    corpus = read_corpus(tmp_path / "results")
    if " " in expected:
        with pytest.raises(DataError, match=expected):
            corpus.video_named(text)
    else:
        assert corpus.video_named(text) == expected


def test_names_that_are_no_text_or_patterns_are_read(write: Write, tmp_path: Path) -> None:
    write(video({1: (0.0, 1.0)}), "a[1]*?'\"")
    write(video({1: (0.0, 2.0)}), os.fsdecode(b"b\xff"))
    sql = "select video, count(*) from people group by 1 order by 1"
    assert rows(tmp_path / "results", sql) == [("a[1]*?'\"", 2), ("b\\xff", 4)]


@pytest.mark.parametrize("missing", ["nothing", "results"])
def test_no_results_is_a_message(tmp_path: Path, missing: str) -> None:
    (tmp_path / "results").mkdir()
    result = CliRunner().invoke(app, ["query", str(tmp_path / missing), "select 1"])
    assert isinstance(result.exception, UsageError | DataError)
    assert str(tmp_path / missing) in str(result.exception)


def test_forms_of_a_result(results: Path, tmp_path: Path) -> None:
    sql = "select video, video, 'nan'::double as x, '\\x01'::blob as b, [1, 2] as l from videos"
    table = query(read_corpus(results), sql + " order by 1 limit 1").table
    text = as_bytes(table, "csv").decode().splitlines()
    assert text[1] == '"day1/talk","day1/talk",,"01","[1, 2]"'
    assert json.loads(as_bytes(table, "json")) == [
        {"video": "day1/talk", "x": None, "b": "01", "l": [1, 2]}
    ]
    out = tmp_path / "x.parquet"
    command = ["query", str(results), "select * from people", "--format", "parquet"]
    assert CliRunner().invoke(app, [*command, "-o", str(out)]).exit_code == 0
    assert pq.read_table(out).num_rows == 36
    assert CliRunner().invoke(app, command).exit_code != 0


def test_the_terminal_shows_a_table(results: Path) -> None:
    result = CliRunner().invoke(app, ["query", str(results), "select video, persons from videos"])
    assert result.exit_code == 0
    assert "day1/talk" in result.output and "persons" in result.output


def test_corrected_tables_are_read_and_stale_ones_refused(results: Path) -> None:
    folder = results / "day2/talk"
    append(folder, {"kind": "name_person", "person": 1, "name": "mother"}, who="ann")
    sql = "select video, person_label, source from segments where person = 1 order by video"
    answer = query(read_corpus(results), sql)
    assert [fault.video for fault in answer.faults] == ["day2/talk"]
    assert "do not follow its corrections" in answer.faults[0].message
    rewrite(folder)
    assert rows(results, sql) == [
        ("day1/talk", "person 1", "computed"), ("day2/talk", "mother", "computed"),
    ]  # fmt: skip
    speakers = {
        (row["video"], row["person"])
        for row in summarise_folder(read_corpus(results)).tables["long"].to_pylist()
    }
    assert ("day2/talk", "mother") in speakers and ("day2/talk", "person 1") not in speakers
    change = {
        "kind": "delete_episode", "tier": "speaking", "person": 1, "value": "speech",
        "from_s": 0.0, "to_s": 2.0,
    }  # fmt: skip
    append(folder, change, who="ann")
    long = summarise_folder(read_corpus(results)).tables["long"].to_pylist()
    (row,) = [
        row for row in long
        if row["video"] == "day2/talk" and row["tier"] == "speaking"
        and row["measure"] == "duration_s" and row["person"] == "mother" and not row["partner"]
    ]  # fmt: skip
    assert (row["number"], row["source"]) == (0.0, "corrected")

"""The summary of a folder: spans, groups, faults, tables, plots and the page."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from eyeline.cli import app
from eyeline.errors import DataError, UsageError
from eyeline.summary.corpus import read_corpus
from eyeline.summary.figures import shown_by
from eyeline.summary.folder import FolderSummary, summarise_folder, write_tables
from eyeline.summary.plots import figures, forms_of, write_plots
from eyeline.summary.report import render
from eyeline.summary.tables import group_statistics, wide
from tests.summary.conftest import Write, scores, segments, targets, video

SEEN = {1: (0.0, 10.0), 2: (0.0, 10.0)}
SPEECH = segments("speaking", [(1, 0.0, 2.0, "speech"), (2, 3.0, 6.0, "speech")])
LOOKS = segments(
    "gaze_target",
    [(1, 0.0, 4.0, "person 2"), (1, 4.0, 10.0, "scene"), (2, 0.0, 5.0, "person 1"),
     (2, 5.0, 10.0, "camera")],
)  # fmt: skip


@pytest.fixture
def results(write: Write, tmp_path: Path) -> Path:
    answers = [scores("speaking", SEEN), SPEECH, targets(SEEN), LOOKS]
    write(video(SEEN, answers, path="first.mp4"), "day1/talk")
    write(video(SEEN, answers, path="second.mp4"), "day2/talk", "0.2.0")
    write(video({1: (0.0, 4.0)}, duration_s=4.0, path="third.mp4"), "day3/alone")
    return tmp_path / "results"


def numbers(summary: FolderSummary, tier: str, measure: str, value: str = "") -> dict[Any, Any]:
    return {
        (row["video"], row["span"], row["person"]): row["number"]
        for row in summary.tables["long"].to_pylist()
        if (row["tier"], row["measure"], row["value"], row["partner"]) == (tier, measure, value, "")
    }


def test_spans_of_a_file(results: Path, tmp_path: Path) -> None:
    phases = tmp_path / "phases.csv"
    phases.write_text(
        "video;span;from_s;to_s\nfirst;free play;0;2,5\nday1/talk;free play;5;6\n"
        "second.mp4;clean up;4;20\n"
    )
    summary = summarise_folder(read_corpus(results), spans=str(phases))
    # of person 2, 0-2.5 and 5-6: speaks 5-6; in 4-10: speaks 4-6
    assert numbers(summary, "speaking", "duration_s") == {
        ("day1/talk", "free play", "person 1"): 2.0, ("day1/talk", "free play", "person 2"): 1.0,
        ("day2/talk", "clean up", "person 1"): 0.0, ("day2/talk", "clean up", "person 2"): 2.0,
    }  # fmt: skip
    assert "videos without a span of interest are not summed: day3/alone" in summary.notes


def test_spans_of_a_tier(results: Path) -> None:
    summary = summarise_folder(read_corpus(results), spans="speaking")
    looks = numbers(summary, "gaze_target", "proportion", "any person")
    assert looks["day1/talk", "person 1 speech", "person 2"] == 1.0
    # while person 2 speaks, 3-6, person 1 looks at them 3-4
    assert looks["day1/talk", "person 2 speech", "person 1"] == pytest.approx(1 / 3)
    assert [name for name in summary.notes if "day3/alone" in name]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("video,span,from_s,to_s\ntalk,a,0,1\nother,a,0,1\nfirst,a,x,1\nfirst,a,3,2\n\
first,,0,1\nfirst,a,10,11\nfirst,a,nan,1\n",
         ["line 2: 'talk' names 2 videos", "line 3: there is no video 'other'",
          "line 4: from_s is 'x'", "line 5: a span from 3 to 2 s", "line 6: the span has no name",
          "line 7: 10 s is after the end", "line 8: from_s is 'nan'"]),
        ("video,span,from_s\n", ["lacks the column to_s"]),
        ("video,span,from_s,to_s\n", ["no rows"]),
        ("", ["is empty"]),
        ("video,video,span,from_s,to_s\n", ["has a column twice"]),
    ],
)  # fmt: skip
def test_all_mistakes_of_spans_are_listed(
    results: Path, tmp_path: Path, text: str, messages: list[str]
) -> None:
    path = tmp_path / "phases.csv"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        summarise_folder(read_corpus(results), spans=str(path))
    for message in (str(path), *messages):
        assert message in str(error.value)


def test_neither_file_nor_tier(results: Path) -> None:
    with pytest.raises(DataError, match=r"neither a file nor a tier.*tiers are.*speaking"):
        summarise_folder(read_corpus(results), spans="phases.csv")


def test_groups_of_videos_and_of_persons(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"
    path.write_text(
        "video,person,role\nfirst,person 1,parent\nfirst,person 2,child\nsecond,,pair\n"
    )
    summary = summarise_folder(read_corpus(results), groups=path)
    rows = summary.tables["wide"].to_pylist()
    assert {(r["video"], r["person"], r["role"]) for r in rows} == {
        ("day1/talk", "person 1", "parent"), ("day1/talk", "person 2", "child"),
        ("day2/talk", "person 1", "pair"), ("day2/talk", "person 2", "pair"),
        ("day3/alone", "person 1", None),
    }  # fmt: skip
    assert "videos that no row of the groups is about: day3/alone" in summary.notes
    (row,) = [
        r for r in summary.tables["groups"].to_pylist()
        if (r["role"], r["tier"], r["measure"]) == ("pair", "speaking", "duration_s")
    ]  # fmt: skip
    assert (row["n"], row["missing"], row["mean"], row["videos"]) == (2, 0, 2.5, 1)
    assert row["sd"] == pytest.approx(0.5**0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video\nfirst\n", "no group"), ("video,tier\nfirst,a\n", "a column called 'tier'"),
        ("video,g\nfirst,a\nfirst,b\n", "line 3: a second row about day1/talk"),
        ("name,g\nfirst,a\n", "lacks the column video"),
    ],
)  # fmt: skip
def test_mistakes_of_groups(results: Path, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "groups.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        summarise_folder(read_corpus(results), groups=path)


def row(**changes: Any) -> dict[str, Any]:
    plain = {
        "video": "a", "span": "whole video", "person": "person 1", "partner": "", "tier": "t",
        "value": "", "measure": "count", "number": 1.0, "unit": "1", "of": None,
        "source": "computed",
    }  # fmt: skip
    return plain | changes


def test_the_wide_table_has_a_column_for_each_measure() -> None:
    long = pa.Table.from_pylist([
        row(), row(person="person 2", number=None), row(value="toy car", number=2.0),
        row(value="toy_car", number=3.0, source="corrected"), row(partner="person 2", number=4.0),
        row(video="b", number=5.0),
    ])  # fmt: skip
    table = wide(long).to_pylist()
    assert [r["t.count"] for r in table] == [1.0, None, 5.0]
    assert table[0]["t.toy_car.count"] == 2.0
    assert table[0]["t.toy_car.count_2"] == 3.0
    assert table[0]["t.with_person_2.count"] == 4.0
    assert table[2]["t.toy_car.count"] is None
    assert [r["source"] for r in table] == ["corrected", "computed", "computed"]


def test_statistics_count_apart_who_has_no_number() -> None:
    persons = [row(video=v, number=n) for v, n in (("a", 1.0), ("b", 2.0), ("c", 6.0), ("d", None))]
    left_out = [row(value="person 2"), row(partner="person 2"), row(person="unseen")]
    (result,) = group_statistics(pa.Table.from_pylist([*persons, *left_out])).to_pylist()
    assert (result["n"], result["missing"], result["videos"]) == (3, 1, 4)
    assert (result["mean"], result["median"], result["smallest"], result["largest"]) == (3, 2, 1, 6)
    assert result["sd"] == pytest.approx(7**0.5)  # (4 + 1 + 9) / 2


def test_one_videos_fault_does_not_end_the_rest(results: Path, tmp_path: Path) -> None:
    path = results / "day1/talk/scores.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    out = tmp_path / "sums"
    result = CliRunner().invoke(app, ["summary", str(results), "-o", str(out)])
    assert result.exit_code == 1
    assert "day1/talk is left out" in result.output and "2 of 3 videos summed" in result.output
    content = json.loads((out / "summary.json").read_text())
    assert content["videos"] == ["day2/talk", "day3/alone"]
    assert [one["video"] for one in content["left_out"]] == ["day1/talk"]
    assert "scores.parquet" in content["left_out"][0]["why"]
    assert "1 video left out" in (out / "report.html").read_text()


def test_nothing_is_written_where_nothing_can_be_summed(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "sums"
    result = CliRunner().invoke(app, ["summary", str(results), "-o", str(out), "--spans", "no"])
    assert result.exit_code != 0 and not out.exists()


def test_a_folder_that_holds_something_else_is_left_alone(results: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = CliRunner().invoke(app, ["summary", str(results), "-o", str(tmp_path)])
    assert result.exit_code != 0 and not (tmp_path / "long.csv").exists()


def test_tables_are_the_same_in_both_forms_and_each_time(results: Path, tmp_path: Path) -> None:
    summary = summarise_folder(read_corpus(results))
    written = write_tables(summary, tmp_path / "a")
    write_tables(summarise_folder(read_corpus(results)), tmp_path / "b")
    for path in written:
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
    rows = [*csv.DictReader((tmp_path / "a/long.csv").read_text().splitlines())]
    table = pq.read_table(tmp_path / "a/long.parquet").to_pylist()
    assert len(rows) == len(table)
    for one, other in zip(rows, table, strict=True):
        assert (float(one["number"]) if one["number"] else None) == other["number"]


def test_tables_in_the_dialect_of_excel_in_europe(results: Path, tmp_path: Path) -> None:
    command = ["summary", str(results), "-o", str(tmp_path / "a"), "--csv-dialect", "excel-eu"]
    assert CliRunner().invoke(app, command).exit_code == 0
    for path in (tmp_path / "a").glob("*.csv"):
        text = path.read_bytes().decode("utf-8")
        assert text.startswith("\ufeff")
        rows = [*csv.DictReader(text.removeprefix("\ufeff").splitlines(), delimiter=";")]
        table = pq.read_table(path.with_suffix(".parquet")).to_pylist()
        assert [*rows[0]] == [*table[0]] and len(rows) == len(table), path.name
        for row, known in zip(rows, table, strict=True):
            numbers = {k: v for k, v in known.items() if isinstance(v, float)}
            assert {k: float(row[k].replace(",", ".")) for k in numbers} == numbers, path.name
            others = {k: v for k, v in known.items() if not isinstance(v, float | bool)}
            assert {k: row[k] for k in others} == {
                k: "" if v is None else str(v) for k, v in others.items()
            }


def test_plots_in_all_forms(results: Path, tmp_path: Path) -> None:
    summary = summarise_folder(read_corpus(results))
    written = write_plots(summary, tmp_path)
    assert [*written] == ["proportions", "gaze_targets", "transitions", "turn_offsets", "latencies"]
    starts = {".svg": b"<?xml", ".pdf": b"%PDF", ".png": b"\x89PNG"}
    for paths in written.values():
        for path in paths:
            assert path.read_bytes().startswith(starts[path.suffix])
    svg = (tmp_path / "gaze_targets.svg").read_text()
    assert "day1/talk · person 1" in svg and "off screen" not in svg
    again = write_plots(summary, tmp_path / "again", ("svg",))
    assert again["gaze_targets"][0].read_text() == svg


def test_a_bar_is_as_long_as_the_look(results: Path) -> None:
    shown = {name: figure for name, _, figure in figures(summarise_folder(read_corpus(results)))}
    (axis,) = shown["gaze_targets"].axes
    widths = {bars.get_label(): [round(b.get_width(), 6) for b in bars] for bars in axis.containers}
    assert widths == {
        "person 1": [0, 5, 0, 5], "person 2": [4, 0, 4, 0], "scene": [6, 0, 6, 0],
        "camera": [0, 5, 0, 5],
    }  # fmt: skip
    (axis,) = shown["turn_offsets"].axes
    assert sum(patch.get_height() for patch in axis.patches) == 2


@pytest.mark.parametrize(
    ("shown", "never", "expected"),
    [
        ([1.0, 3.0], [], ([0, 1, 3, 3], [0, 0.5, 1, 1])),
        # at 1 s one of 4, 3/4 are left; at 3 s one of the 2 still watched, 3/8 are left
        ([1.0, 3.0], [2.0, 4.0], ([0, 1, 3, 4], [0, 0.25, 0.625, 0.625])),
    ],
)  # fmt: skip
def test_latencies_are_estimated_by_who_is_still_watched(
    shown: list[float], never: list[float], expected: tuple[list[float], list[float]]
) -> None:
    times, fractions = shown_by(shown, never)
    assert times == expected[0]
    assert fractions == pytest.approx(expected[1])


@pytest.mark.parametrize(
    ("text", "ok"), [("svg", True), ("pdf, png", True), ("gif", False), ("", False)]
)
def test_forms_of_plots(text: str, ok: bool) -> None:
    if ok:
        assert forms_of(text)
    else:
        with pytest.raises(UsageError, match="svg, pdf, png"):
            forms_of(text)


def test_the_page_stands_alone_and_escapes_what_is_not_ours(write: Write, tmp_path: Path) -> None:
    write(video(SEEN, [targets(SEEN), LOOKS]), "<script>alert(1)<")
    summary = summarise_folder(read_corpus(tmp_path / "results"))
    page = render(summary)
    assert "<script" not in page and "&lt;script&gt;alert(1)" in page
    assert not re.findall(r'(?:src|href)="(?!data:|#|\w+\.(?:csv|parquet)")', page)
    assert page.count("data:image/svg+xml;base64,") == 4
    assert "not measurable" not in page
    assert "1.00 of 10.0 s" in page


def test_signs_that_the_font_lacks_are_named(write: Write, tmp_path: Path) -> None:
    write(video(SEEN, [targets(SEEN), LOOKS]), "母と子")
    command = ["summary", str(tmp_path / "results"), "-o", str(tmp_path / "sums")]
    plots = ["--plots", str(tmp_path / "plots"), "--plot-formats", "png"]
    result = CliRunner().invoke(app, [*command, *plots])
    assert result.exit_code == 0, result.output
    assert "plots: Glyph" in result.output

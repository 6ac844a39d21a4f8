"""What could not be measured stands in every output, with the seconds that could be."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eyeline.export import write_elan, write_index, write_tables, write_textgrid
from eyeline.export.coverage import coverages, measured_seconds
from eyeline.export.lanes import timelines
from eyeline.export.report import render
from eyeline.export.summary import summarise
from eyeline.results import Analysis, make_segments
from eyeline.systems.eye_contact.elan import parse_eaf

MakeAnalysis = Callable[..., Analysis]


@pytest.fixture
def halfway(make_analysis: MakeAnalysis) -> Analysis:
    """Two people over 8 s; contact of person 1 has no score, that of person 2 none after 2 s."""
    analysis = make_analysis(persons=2)
    old = analysis.scores("eye_contact")
    lost = (old.person == 1) | (old.time_s >= 2 - 1e-9)
    scores = replace(old, value=np.where(lost, np.nan, 0.1))
    kept = tuple(a for a in analysis.answers if a.name != "eye_contact")
    return replace(analysis, answers=(*kept, scores))


def test_missing_scores_are_spans(halfway: Analysis) -> None:
    contact = next(c for c in coverages(halfway) if c.name == "eye_contact")
    assert contact.measured_s(1) == 0
    assert contact.missing[1] == pytest.approx(np.array([[0.0, 8.0]]))
    assert contact.measured_s(2) == pytest.approx(2.0)
    assert contact.missing[2] == pytest.approx(np.array([[2.0, 8.0]]))
    speaking = next(c for c in coverages(halfway) if c.name == "speaking")
    assert speaking.missing_s(1) == speaking.missing_s(2) == 0


def test_rows_that_an_answer_lacks_are_missing(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=2)
    old = analysis.scores("eye_contact")
    kept = (old.person == 2) | (old.time_s < 1 - 1e-9)
    fields = {name: getattr(old, name)[kept] for name in ("frame", "time_s", "person", "value")}
    contact = coverages(replace(analysis, answers=(replace(old, **fields),)))[0]
    assert contact.missing[1] == pytest.approx(np.array([[1.0, 8.0]]))
    assert contact.missing_s(2) == 0


def test_an_answer_at_a_lower_rate_has_no_holes(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=2)
    old = analysis.scores("eye_contact")
    kept = old.frame % 5 == 0
    fields = {name: getattr(old, name)[kept] for name in ("frame", "time_s", "person", "value")}
    contact = coverages(replace(analysis, answers=(replace(old, **fields),)))[0]
    assert contact.missing_s(1) == contact.missing_s(2) == 0


def test_timeline_files_have_tiers_of_what_is_not_codable(
    halfway: Analysis, tmp_path: Path
) -> None:
    document = write_elan(halfway, tmp_path).read_bytes()
    tier = "person 2 eye_contact not codable"
    rows = parse_eaf(document, "timeline.eaf")
    assert [(r.start_s, r.end_s, r.value) for r in rows if r.tier == tier] == [
        (2.0, 8.0, "not codable")
    ]
    tiers = {element.get("TIER_ID") for element in ET.fromstring(document).iter("TIER")}
    assert "person 1 eye_contact not codable" in tiers
    assert "person 1 speaking not codable" not in tiers
    assert f'name = "{tier}"' in write_textgrid(halfway, tmp_path).read_text("utf-8")


def test_the_index_has_the_seconds(halfway: Analysis, tmp_path: Path) -> None:
    write_tables(halfway, tmp_path)
    index = json.loads(write_index(halfway, tmp_path).read_text("utf-8"))
    contact = {who: index["measured"][who]["eye_contact (landmarks_tcn)"] for who in
               ("person 1", "person 2")}  # fmt: skip
    assert contact == {
        "person 1": {"measured_s": 0.0, "not_codable_s": 8.0},
        "person 2": {"measured_s": 2.0, "not_codable_s": 6.0},
    }
    assert measured_seconds(halfway).keys() == {"person 1", "person 2"}


def test_tables_leave_the_cell_empty(halfway: Analysis, tmp_path: Path) -> None:
    write_tables(halfway, tmp_path)
    lines = (tmp_path / "scores.csv").read_text("utf-8").splitlines()
    column = lines[0].replace('"', "").split(",").index("value")
    first = next(x for x in lines if "eye_contact" in x and "person 1" in x)
    assert first.split(",")[column] == ""


def test_the_report_does_not_say_no_where_it_does_not_know(halfway: Analysis) -> None:
    page = render(halfway)
    cards = page[page.index('id="people"') : page.index('id="whom"')].split("<article")[1:]
    assert "not measurable" in cards[0]
    assert "0 of 8.0 s seen could be measured" in cards[0]
    assert "not measurable" not in cards[1]
    assert "in 2.0 s measured" in cards[1]


def test_timelines_hatch_what_is_missing(halfway: Analysis) -> None:
    lines = timelines(halfway, summarise(halfway)).to_json()
    lanes = {g["label"]: {x["title"]: x for x in g["lanes"]} for g in lines["groups"]}
    assert lanes["person 2"]["eye contact"]["missing"] == [2000, 6000, 0]
    assert lanes["person 2"]["speaks"]["missing"] == []


def test_people_who_never_meet_are_not_zero(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=3)
    early = analysis.people.time_s < 4 - 1e-9
    kept = np.where(analysis.people.person == 3, ~early, early)
    people = replace(
        analysis.people, **{n: v[kept] for n, v in vars(analysis.people).items() if v is not None}
    )
    apart = replace(analysis, people=people, answers=(
        make_segments("gaze_following", "ray", "gaze_target",
                      [(1, 0.0, 4.0, "scene", 0.9), (3, 4.0, 8.0, "scene", 0.9)]),
    ))  # fmt: skip
    page = render(apart)
    rows = page[page.index('class="matrix') :].split("<tr ")[1:4]
    assert [row.count("–</td>") for row in rows] == [1, 3, 2]
    assert [row.count(">0</td>") for row in rows] == [1, 0, 0]

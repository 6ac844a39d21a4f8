"""Two codings of known difference have the agreement that follows, and what differs is noted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from eyeline.agreement.compare import Choices, agree
from eyeline.agreement.counting import disagreements
from eyeline.agreement.match import read_map
from eyeline.codings.coding import Coding, CodingTier, Interval
from eyeline.codings.formats import FORMATS
from eyeline.errors import DataError, UsageError
from eyeline.export.coding import coding_of
from eyeline.results import Analysis

Spans = list[tuple[float, float, str]]

GAZE: Spans = [
    (0.0, 2.0, "camera"), (2.5, 4.0, "person 2"), (4.0, 7.0, "camera"), (8.0, 9.5, "person 2"),
]  # fmt: skip


def coding(spans: Spans = GAZE, name: str = "gaze", **fields: Any) -> Coding:
    tier = CodingTier(name, tuple(Interval(*span) for span in spans), "mum", "gaze")
    return Coding("x", (tier,), **({"media": "talk.mp4", "duration_s": 10.0} | fields))


def save(path: Path, content: Coding) -> Path:
    path.parent.mkdir(exist_ok=True)
    name = {".eaf": "eaf", ".TextGrid": "textgrid", ".csv": "csv", ".boris": "boris"}[path.suffix]
    path.write_bytes(FORMATS[name].write(content, "excel"))
    return path


def moved(spans: Spans, by_s: float) -> Spans:
    return [(a + by_s, b + by_s, value) for a, b, value in spans]


def test_a_coding_agrees_with_itself_in_any_format(tmp_path: Path) -> None:
    a = save(tmp_path / "a.eaf", coding())
    for suffix in (".TextGrid", ".csv", ".boris"):
        b = save(tmp_path / f"b{suffix}", coding(name="mum gaze"))
        (tier,) = agree(a, b, Choices(read_map(["gaze=mum gaze"]))).tiers
        assert [tier.figures[n] for n in ("kappa", "ac1", "agreement", "f1@0.5")] == [1, 1, 1, 1]
        assert tier.figures["onset_s"] | {} == {
            "pairs": 4, "median": 0.0, "absolute_median": 0.0, "absolute_90": 0.0,
        }  # fmt: skip


def test_a_known_difference_has_the_figures_by_hand(tmp_path: Path) -> None:
    a = save(tmp_path / "a.csv", coding())
    changed = [(0.2, 2.0, "camera"), (2.5, 4.0, "camera"), (4.0, 6.0, "camera"), GAZE[3]]
    b = save(tmp_path / "b.csv", coding(changed))
    result = agree(a, b, Choices(step_s=0.1))
    (tier,) = result.tiers
    figures = tier.figures
    assert tier.values == ("", "camera", "person 2")
    by_hand = [[0.5 + 1.0, 0, 0], [0.2 + 1.0, 1.8 + 2.0, 0], [0, 1.5, 1.5]]
    np.testing.assert_allclose(figures["confusion_s"], by_hand, atol=1e-9)
    assert figures["agreement"] == pytest.approx((1.5 + 3.8 + 1.5) / 9.5)
    # the end is that of the coding: no file of intervals states the length of the video
    assert figures["compared_s"] == pytest.approx(9.5)
    # camera 0.2-2 of 0-2: 0.9, 4-6 of 4-7: 0.67; person 2 8-9.5 of itself; one is of another value
    assert (figures["f1@0.1"], figures["f1@0.5"]) == pytest.approx((6 / 8, 6 / 8))
    assert figures["onset_s"]["absolute_90"] == pytest.approx(np.quantile([0.2, 0, 0], 0.9))
    assert figures["offset_s"]["absolute_90"] == pytest.approx(np.quantile([0, 1, 0], 0.9))
    time = (np.arange(95) + 0.5) * 0.1
    said = [[_at(side, t) for t in time] for side in (GAZE, changed)]
    assert figures["kappa"] == pytest.approx(cohen_kappa_score(*said), abs=1e-9)
    assert disagreements(tier.videos[0]) == [
        Interval(0.0, 0.2, "camera / (nothing)"),
        Interval(2.5, 4.0, "person 2 / camera"),
        Interval(6.0, 7.0, "camera / (nothing)"),
    ]


def _at(spans: Spans, time: float) -> str:
    return next((value for a, b, value in spans if a <= time < b), "")


@pytest.mark.parametrize("by_s", [1.28, -0.75, 0.017])
def test_another_clock_is_noted_and_moved_on_demand(tmp_path: Path, by_s: float) -> None:
    spans = moved(GAZE, 2.0)
    a = save(tmp_path / "a.csv", coding(spans))
    b = save(tmp_path / "b.csv", coding(moved(spans, by_s)))
    as_it_is, aligned = agree(a, b), agree(a, b, Choices(align=True))
    offset = as_it_is.report["videos"]["a"]["offset"]
    assert offset["by_s"] == pytest.approx(by_s, abs=2e-3)
    notes = " ".join(as_it_is.report["notes"])
    assert ("another clock? --align moves it" in notes) == (abs(by_s) > 0.1)
    assert aligned.tiers[0].figures["kappa"] > 0.999
    assert as_it_is.tiers[0].figures["agreement"] < aligned.tiers[0].figures["agreement"]


def test_where_no_offset_is_clear_nothing_is_moved(tmp_path: Path) -> None:
    regular: Spans = [(2.0 * k, 2.0 * k + 1, "x") for k in range(20)]
    a = save(tmp_path / "a.csv", coding(regular))
    b = save(tmp_path / "b.csv", coding(moved(regular, 1.0)))
    report = agree(a, b, Choices(align=True)).report
    assert any("no clear offset within 60 s: not moved" in note for note in report["notes"])
    assert report["tiers"]["gaze"]["agreement"] < 0.1


def test_folders_are_matched_by_name_and_have_intervals(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for k in range(5):
        save(tmp_path / "a" / f"v{k}.eaf", coding())
        jitter = [(a + rng.uniform(0, 0.3), b, v) for a, b, v in GAZE]
        save(tmp_path / "b" / f"v{k}.csv", coding(jitter))
    save(tmp_path / "a" / "lone.eaf", coding())
    (tmp_path / "a" / "v4.eaf").write_text("<html/>")
    result = agree(tmp_path / "a", tmp_path / "b")
    assert result.videos == ("v0", "v1", "v2", "v3")
    (tier,) = result.tiers
    for name in ("kappa", "ac1", "agreement"):
        low, high = tier.figures["interval"][name]
        assert low <= tier.figures[name] <= high and low < high
    assert any("'lone' of" in note and "is not in" in note for note in result.report["notes"])
    assert len(result.report["failed"]) == 1 and "is no ELAN file" in result.report["failed"][0]
    pooled = sum(np.array(c.seconds) for c in tier.videos)
    np.testing.assert_allclose(tier.figures["confusion_s"], pooled)
    assert json.dumps(result.report.content)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"media": "other.mp4"}, "of 'talk.mp4', .* of 'other.mp4': other media"),
        ({"tiers": (*coding().tiers, CodingTier("smile"))}, "only .*b.eaf has 'smile'"),
    ],
)
def test_what_differs_is_noted(tmp_path: Path, fields: dict[str, Any], expected: str) -> None:
    a = save(tmp_path / "a.eaf", coding())
    b = save(tmp_path / "b.eaf", replace(coding(), **fields))
    notes = "\n".join(agree(a, b).report["notes"])
    assert re.search(expected, notes), notes


def test_a_tier_alone_is_noted_though_its_name_is_taken_on_the_other_side(tmp_path: Path) -> None:
    tiers = (replace(coding().tiers[0], name="x"), replace(coding().tiers[0], name="y"))
    a = save(tmp_path / "a.eaf", replace(coding(), tiers=tiers))
    b = save(tmp_path / "b.eaf", coding(name="y"))
    result = agree(a, b, Choices(read_map(["x=y"])))
    assert [tier.name for tier in result.tiers] == ["x = y"]
    assert any("a.eaf has 'y': not compared" in note for note in result.report["notes"])


def test_a_media_offset_puts_both_on_one_clock(tmp_path: Path) -> None:
    a = save(tmp_path / "a.eaf", coding(origin_s=1.5))
    b = save(tmp_path / "b.eaf", coding(moved(GAZE, 1.5)))
    assert agree(a, b).tiers[0].figures["agreement"] == 1
    other = save(tmp_path / "c.eaf", coding(moved(GAZE, 1.5), media="annotated.mp4"))
    assert agree(a, other).tiers[0].figures["agreement"] < 0.7


def test_values_can_be_renamed_or_ignored(tmp_path: Path) -> None:
    a = save(tmp_path / "a.csv", coding())
    b = save(tmp_path / "b.csv", coding([(x, y, f"{v}_x") for x, y, v in GAZE]))
    assert agree(a, b).tiers[0].figures["f1@0.1"] == 0
    values = {"camera_x": "camera", "person 2_x": "person 2"}
    assert agree(a, b, Choices(values=values)).tiers[0].figures["kappa"] == 1
    (tier,) = agree(a, b, Choices(presence=True)).tiers
    assert tier.values == ("", "yes")
    # person 2 to 4.0 and camera from 4.0 on are one: somebody is looked at
    assert tier.figures["events"] == {"a": 3, "b": 3}


def test_what_is_not_codable_and_other_spans_are_left_out(tmp_path: Path) -> None:
    gap = CodingTier("gaze not codable", (Interval(2.0, 4.0, "not codable"),))
    a = save(tmp_path / "a.eaf", replace(coding(), tiers=(*coding().tiers, gap)))
    b = save(tmp_path / "b.eaf", coding([s for s in GAZE if s[0] != 2.5]))
    (tier,) = agree(a, b).tiers
    assert (tier.figures["agreement"], tier.figures["compared_s"]) == (1, pytest.approx(7.5))
    part = agree(a, b, Choices(from_s=5.0, to_s=7.5)).tiers[0].figures
    assert part["compared_s"] == pytest.approx(2.5)
    assert part["events"] == {"a": 1, "b": 1}


def test_empty_tiers_have_no_figures_rather_than_zero(tmp_path: Path) -> None:
    a, b = (save(tmp_path / f"{n}.eaf", coding([])) for n in "ab")
    figures = agree(a, b).report["tiers"]["gaze"]
    assert [figures[n] for n in ("kappa", "f1@0.5", "agreement")] == [None, None, None]
    one = agree(save(tmp_path / "c.eaf", coding()), b).report["tiers"]["gaze"]
    assert one["f1@0.5"] == 0 and one["kappa"] == pytest.approx(0)


@pytest.mark.parametrize(
    ("a", "b", "choices", "error", "message"),
    [
        ("a.eaf", "b.csv", Choices(), DataError, "no tier has the same name in both"),
        (
            "a.eaf",
            "b.csv",
            Choices(read_map(["gaze=y"])),
            DataError,
            "has no tier 'y'; it has: 'x'",
        ),
        ("a.eaf", "folder", Choices(), UsageError, "give two alike"),
        ("folder", "empty", Choices(), DataError, "neither results folders nor files of codings"),
        ("a.eaf", "none.csv", Choices(), DataError, "no such file or folder"),
    ],
)
def test_what_cannot_be_compared_is_said(
    tmp_path: Path, a: str, b: str, choices: Choices, error: type[Exception], message: str
) -> None:
    save(tmp_path / "a.eaf", coding())
    save(tmp_path / "b.csv", coding(name="x"))
    save(tmp_path / "folder" / "v.csv", coding())
    (tmp_path / "empty").mkdir()
    with pytest.raises(error, match=message):
        agree(tmp_path / a, tmp_path / b, choices)


@pytest.mark.parametrize(
    "wrong",
    [{"step_s": 0.0}, {"from_s": 3.0, "to_s": 2.0}, {"most_offset_s": 0.0}, {"samples": -1}],
)
def test_choices_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--"):
        Choices(**wrong)


def test_a_map_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text("a,b,video\ngaze,x,\nsmile,y,v1\n")
    pairs = read_map([str(path), "p = q"])
    assert [(p.a, p.b, p.video) for p in pairs] == [
        ("gaze", "x", ""), ("smile", "y", "v1"), ("p", "q", ""),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="is neither 'A TIER=B TIER' nor a CSV"):
        read_map(["gaze"])


def test_results_agree_with_the_elan_file_that_they_wrote(
    tmp_path: Path, make_results: Callable[[Path], Analysis]
) -> None:
    analysis = make_results(tmp_path / "v")
    result = agree(tmp_path / "v", tmp_path / "v" / "timeline.eaf")
    assert len(result.tiers) == len(coding_of(analysis).tiers)
    for tier in result.tiers:
        if any(c.event_counts.sum() for c in tier.videos):
            assert tier.figures["agreement"] == 1, tier.name


def test_free_text_is_not_compared_by_value(tmp_path: Path) -> None:
    words: Spans = [(k / 2, k / 2 + 0.4, f"word {k}") for k in range(250)]
    tiers = (*coding(words, "words").tiers, *coding().tiers)
    a, b = (save(tmp_path / f"{n}.eaf", replace(coding(), tiers=tiers)) for n in "ab")
    result = agree(a, b)
    assert [tier.name for tier in result.tiers] == ["gaze"]
    assert any("'words' has 250 values (free text?)" in note for note in result.report["notes"])
    assert len(agree(a, b, Choices(presence=True)).tiers) == 2


def test_a_grid_too_fine_for_a_long_coding_is_refused(tmp_path: Path) -> None:
    a, b = (save(tmp_path / f"{n}.csv", coding([(0, 9e5, "x")])) for n in "ab")
    with pytest.raises(UsageError, match="makes 22,500,000 cells, more than 20,000,000"):
        agree(a, b)
    assert agree(a, b, Choices(step_s=1.0)).tiers[0].figures["agreement"] == 1


def test_folders_in_folders_and_two_of_one_video(tmp_path: Path) -> None:
    for side in "ab":
        save(tmp_path / side / "S01.2024.eaf", coding())
        (tmp_path / side / "day 1").mkdir()
        save(tmp_path / side / "day 1" / "S01.2024.csv", coding())
    assert agree(tmp_path / "a", tmp_path / "b").videos == ("S01.2024", "day 1/S01.2024")
    save(tmp_path / "b" / "S01.2024.csv", coding())
    with pytest.raises(DataError, match=r"two codings of 'S01.2024': S01.2024.csv, S01.2024.eaf"):
        agree(tmp_path / "a", tmp_path / "b")


def test_neither_coder_is_the_truth(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    a = save(tmp_path / "a.csv", coding())
    b = save(tmp_path / "b.csv", coding([(x + rng.uniform(0, 0.4), y, v) for x, y, v in GAZE[1:]]))
    one, other = (agree(*sides).tiers[0].figures for sides in ((a, b), (b, a)))
    for name in ("kappa", "ac1", "agreement", "f1@0.1", "f1@0.25", "f1@0.5"):
        assert one[name] == pytest.approx(other[name]), name
    assert one["onset_s"]["median"] == pytest.approx(-other["onset_s"]["median"])
    assert one["onset_s"]["median"] > 0
    np.testing.assert_allclose(one["confusion_s"], np.transpose(other["confusion_s"]))

"""TextGrids have no holes and are read by praatio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from praatio import textgrid as praat

from eyeline.codings import textgrid
from eyeline.codings.coding import Coding, CodingTier, Interval
from eyeline.codings.textgrid import filled
from eyeline.export import write_textgrid
from eyeline.export.tiers import tiers_of
from eyeline.results import Analysis, Segments

MakeAnalysis = Callable[..., Analysis]


def read(path: Path) -> praat.Textgrid:
    return praat.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], [(0, 100, "")]),
        ([(0, 100, "a")], [(0, 100, "a")]),
        (
            [(10, 20, "a"), (20, 30, "b")],
            [(0, 10, ""), (10, 20, "a"), (20, 30, "b"), (30, 100, "")],
        ),
        ([(99, 100, "a")], [(0, 99, ""), (99, 100, "a")]),
    ],
)
def test_holes_are_filled(
    spans: list[tuple[int, int, str]], expected: list[tuple[int, int, str]]
) -> None:
    assert filled(spans, 100) == expected


def test_praatio_reads_back_what_was_written(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    analysis = make_analysis(persons=3)
    grid = read(write_textgrid(analysis, tmp_path))
    assert (grid.minTimestamp, grid.maxTimestamp) == (0, 8)
    for tier in tiers_of(analysis):
        entries = grid.getTier(tier.name).entries
        named = [(e.start, e.end, e.label) for e in entries if e.label]
        assert named == [(a / 1000, b / 1000, label) for a, b, label in tier.spans]
        assert all(a.end == b.start for a, b in pairwise(entries))
        assert (entries[0].start, entries[-1].end) == (0, 8)


def test_odd_words_are_escaped(
    make_analysis: MakeAnalysis, make_segments_of: Callable[..., Segments], tmp_path: Path
) -> None:
    rows = [(1, 0.5, 1.0, 'he said "王"\nno', 0.5)]
    analysis = replace(make_analysis(persons=1), answers=(make_segments_of('x "y"', rows),))
    path = write_textgrid(analysis, tmp_path)
    assert 'text = "he said ""王"" no"' in path.read_text(encoding="utf-8")
    assert 'name = "person 1 x ""y"""' in path.read_text(encoding="utf-8")
    (tier,) = read(path).tiers
    assert [e.label.replace('""', '"') for e in tier.entries if e.label] == ['he said "王" no']


def test_nobody_gives_one_empty_tier(nobody: Analysis, tmp_path: Path) -> None:
    (tier,) = read(write_textgrid(nobody, tmp_path)).tiers
    assert [(e.start, e.end, e.label) for e in tier.entries] == [(0, 2, "")]


def test_a_video_of_no_length_still_has_an_interval() -> None:
    assert "xmax = 0.001" in textgrid.write(Coding("", ()))


def test_spans_behind_the_end_of_the_video_make_it_longer(
    make_analysis: MakeAnalysis, make_segments_of: Callable[..., Segments], tmp_path: Path
) -> None:
    late = make_segments_of("x", [(1, 7.0, 9.25, "a", 0.5)])
    path = write_textgrid(replace(make_analysis(persons=1), answers=(late,)), tmp_path)
    assert read(path).maxTimestamp == 9.25


def test_times_have_no_rounding_noise() -> None:
    tier = CodingTier("t", (Interval(0.001, 0.01, "a"), Interval(0.1, 7200.001, "b")))
    text = textgrid.write(Coding("", (tier,)))
    assert "xmin = 0.001\n" in text
    assert "xmax = 7200.001\n" in text

"""The page stands alone, escapes what comes from outside, and the command writes both files."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eyeline.agreement.compare import agree
from eyeline.agreement.page import bounds, figure, render, span
from eyeline.cli import app
from eyeline.codings.coding import Coding, CodingTier, Interval
from eyeline.codings.formats import FORMATS

ODD = '<img src=x onerror="alert(1)">'


def save(path: Path, spans: list[Interval], name: str = ODD) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(FORMATS["csv"].write(Coding("", (CodingTier(name, tuple(spans)),)), "excel"))
    return path


SPANS = [Interval(0, 2, ODD), Interval(3, 4, "b")]


def test_what_comes_from_outside_is_escaped_and_nothing_is_loaded(tmp_path: Path) -> None:
    a = save(tmp_path / "a.csv", SPANS)
    b = save(tmp_path / "b.csv", SPANS[:1])
    page = render(agree(a, b))
    assert ODD not in page and "&lt;img src=x" in page
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!#|data:)', page)
    assert "default-src 'none'" in page
    assert "b / (nothing)" in page


def test_a_long_coding_is_drawn_small(tmp_path: Path) -> None:
    spans = [Interval(float(k), k + 0.5, "ab"[k % 2]) for k in range(2000)]
    a, b = (save(tmp_path / f"{n}.csv", spans[k:]) for k, n in enumerate("ab"))
    page = render(agree(a, b))
    assert page.count("<path") < 50
    assert len(page) < 250_000


@pytest.mark.parametrize(
    ("value", "expected"), [(None, "–"), (float("nan"), "–"), (-0.234, "−0.23"), (1.0, "1.00")]
)
def test_figures_that_are_missing_are_no_zero(value: float | None, expected: str) -> None:
    assert figure(value) == expected
    assert span(None) == ""
    assert bounds({"pairs": 0}) == "–"


def test_the_command_writes_a_page_and_json(tmp_path: Path) -> None:
    a = save(tmp_path / "a" / "v.csv", SPANS, "gaze")
    b = save(tmp_path / "b" / "v.csv", SPANS, "look")
    command = ["agree", str(a), str(b), "--map", "gaze=look", "-o", str(tmp_path / "out")]
    run = CliRunner().invoke(app, [*command, "--csv-dialect", "excel-eu"])
    assert run.exit_code == 0, run.output
    assert "gaze = look" in run.output
    report = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert report["tiers"]["gaze = look"]["kappa"] == 1
    text = (tmp_path / "out" / "agreement.csv").read_text("utf-8-sig")
    (row,) = csv.DictReader(text.splitlines(), delimiter=";")
    assert (row["tier"], row["kappa"], row["compared_s"]) == ("gaze = look", "1", "4")
    assert (row["f1@0.5"], row["kappa_low"], row["onset_absolute_90_s"]) == ("1", "", "0")
    assert "Agreement of two codings" in (tmp_path / "out" / "agreement.html").read_text()


def test_a_broken_video_of_a_folder_is_named_and_the_rest_is_compared(tmp_path: Path) -> None:
    for video in ("v", "w"):
        save(tmp_path / "a" / f"{video}.csv", SPANS, "gaze")
        save(tmp_path / "b" / f"{video}.csv", SPANS, "gaze")
    (tmp_path / "b" / "w.csv").write_text("x")
    run = CliRunner().invoke(app, ["agree", str(tmp_path / "a"), str(tmp_path / "b"), "--json"])
    assert run.exit_code == 1
    assert '"videos": 1' in run.output
    assert "w: " in run.output and "has no column from_s or to_s" in run.output

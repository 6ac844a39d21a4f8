"""The released scripts' parser against golden text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.geometry.boxes import centre
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.matching import legacy, rules

DATA = Path(__file__).parents[5] / "shared/reference/vgs/data"


def test_damaged_numbers_are_those_of_the_original(best_gaze):
    result = legacy.parse(str(best_gaze["legacy_text"]))
    expected = json.loads(str(best_gaze["legacy_parsed_json"]))
    assert len(result) == 40
    for name, boxes in expected.items():
        wanted = np.array([b for b in boxes if b]).reshape(-1, 4)
        np.testing.assert_array_equal(result[name.replace(".csv", ".jpg")], wanted)


def test_notebook_picks_on_damaged_numbers(best_gaze, golden_mlp):
    result = legacy.parse(str(best_gaze["legacy_text"]))
    for name, head, gaze in zip(
        best_gaze["legacy_names"].tolist(),
        best_gaze["legacy_head"],
        best_gaze["legacy_gaze"],
        strict=True,
    ):
        row = rules.intended(head, result[name], golden_mlp)
        np.testing.assert_array_equal(centre(result[name][row]), gaze)


def test_squeezed():
    assert legacy.squeezed("1.2886575e+02,, 44") == "1.286575e+02, 4"
    assert legacy.parse("") == {}


def test_a_row_of_other_length_is_refused():
    with pytest.raises(DataError, match="a row of 4 numbers"):
        legacy.parse("\n0551000.jpg,[[1 2 3 4]]")
    with pytest.raises(DataError, match=r"0551000\.jpg"):
        legacy.parse("\n0551000.jpg,[[1 2 three 4 5]]")


def agreement(rule, picks, slopes):
    """Greatest share of picks that a rule makes with one slope for all."""
    fractions = []
    for k in slopes:

        def fixed(points, k=k):
            return np.full(len(points), k)

        fractions.append(np.mean([rule(head, boxes, fixed) == row for head, boxes, row in picks]))
    return max(fractions)


def test_master_explains_what_the_authors_published():
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is not there")
    candidates = legacy.parse((DATA / "candidates_012/x101_1x_test.txt").read_text())
    of_frame = {formats.parse_name(name).frame: boxes for name, boxes in candidates.items()}
    picks = {head: [] for head in (1, 2, 3, 4)}
    for row in formats.read_sequence(DATA / "KETI_Sequence_without_011.csv"):
        boxes = of_frame.get(row.frame, np.zeros((0, 4)))
        if not row.video.startswith("012") or len(boxes) < 2 or row.frame % 3:
            continue
        away = np.linalg.norm(centre(boxes) - row.point_px, axis=1)
        if away.min() < 25:  # their detections are of another run
            picks[row.head].append((np.array(row.head_xyxy), boxes, int(away.argmin())))
    slopes = np.tan(np.linspace(-1.5, 1.5, 61))
    for own in picks.values():
        assert len(own) > 50
        master = agreement(rules.master, own, slopes)
        assert master > agreement(rules.intended, own, slopes) + 0.1
        assert master > 0.6

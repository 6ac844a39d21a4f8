"""Tables of answers and truth: written, read again, and files that are none."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation import predictions
from eyeline.systems.gaze_anticipation.predictions import Predictions
from eyeline.systems.gaze_anticipation.scoring.truth import predicted
from tests.systems.gaze_anticipation import judged


def answers(seed: int = 0) -> Predictions:
    known = judged.truth(seed=seed)
    return predicted(known, known.xy[:, ::-1].copy(), np.linspace(0, 1, len(known)))


def test_both_tables_come_back_as_they_were(tmp_path: Path) -> None:
    known = replace(judged.truth(), kind=np.arange(120) % 4)
    predictions.write(tmp_path / "t.csv", known)
    predictions.write(tmp_path / "p.csv", answers())
    for table, again in (
        (known, predictions.read_truth(tmp_path / "t.csv")),
        (answers(), predictions.read_predictions(tmp_path / "p.csv")),
    ):
        assert type(again) is type(table)
        for each in fields(table):
            own, read = getattr(table, each.name), getattr(again, each.name)
            np.testing.assert_array_equal(read, own)
            assert read.dtype == own.dtype and read.shape == own.shape, each.name
    head = (tmp_path / "p.csv").read_text().splitlines()[0]
    assert head == "video,clip_start_s,slot,frame,time_s,ahead_s,x,y,probability"
    assert (tmp_path / "t.csv").read_text().splitlines()[3].split(",")[6] == "outside"


def test_further_columns_and_another_order_do(tmp_path: Path) -> None:
    predictions.write(tmp_path / "p.csv", answers())
    rows = [line.split(",") for line in (tmp_path / "p.csv").read_text().splitlines()]
    order = [8, 7, 6, 5, 4, 3, 2, 1, 0]
    text = "\n".join(",".join([*(row[i] for i in order), "more"]) for row in rows)
    (tmp_path / "q.csv").write_text(text, encoding="utf-8")
    again = predictions.read_predictions(tmp_path / "q.csv")
    np.testing.assert_array_equal(again.xy, answers().xy)
    assert again.keys == answers().keys


def broken(path: Path, line: int, column: str, word: str) -> Path:
    predictions.write(path, judged.truth())
    rows = [row.split(",") for row in path.read_text().splitlines()]
    rows[line - 1][rows[0].index(column)] = word
    path.write_text("\n".join(map(",".join, rows)) + "\n")
    return path


def test_kinds_may_differ_but_not_data_sets(tmp_path: Path) -> None:
    assert len(predictions.read_truth(broken(tmp_path / "t.csv", 7, "kind", "fixation"))) == 120
    with pytest.raises(DataError, match="has frames of aria and ego4d"):
        predictions.read_truth(broken(tmp_path / "t.csv", 7, "dataset", "aria"))


def test_lengths_are_checked() -> None:
    table = answers()
    with pytest.raises(DataError, match="column probability"):
        replace(table, probability=table.probability[1:])
    with pytest.raises(DataError, match="column xy"):
        replace(table, xy=table.probability)

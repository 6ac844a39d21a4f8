"""Files of predictions: written and read back, every wrong one named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.eye_contact.landmarks.inputs import nearest
from eyeline.systems.eye_contact.predictions import (
    TimeSeries,
    is_frame_table,
    read_predictions,
    read_series,
    write_predictions,
)
from eyeline.systems.eye_contact.report import Predicted
from tests.systems.eye_contact.faces import only

HEAD = "celebrity,video,tracklet,frame,label"


@dataclass(frozen=True)
class Place:
    video: str
    tracklet: str
    start_frame: int


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    states = (np.array([0, 1, 1]), np.array([1]))
    chance = (np.array([0.25, 0.5, 1.0]), np.array([0.75]))
    places = [Place("id1_al_pha", "000", 12), Place("id2_beta", "004", 0)]
    write_predictions(path, places, Predicted(chance, chance, states))
    assert is_frame_table(path)
    result = read_predictions(path).tracklets()
    assert list(result) == [("id1", "al_pha", "000"), ("id2", "beta", "004")]
    rows = result["id1", "al_pha", "000"]
    assert rows.frame.tolist() == [12, 13, 14] and rows.line.tolist() == [2, 3, 4]
    assert rows.state.tolist() == [0, 1, 1] and rows.probability.tolist() == [0.25, 0.5, 1.0]
    write_predictions(path, places, only(states))
    assert np.isnan(read_predictions(path).probability).all()


def test_names_may_be_those_of_the_files(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(f"{HEAD}\nid1,alpha_fps25,3.npz,7,1\nid1,alpha,003,6,0\n", encoding="utf-8")
    (key, rows), *rest = read_predictions(path).tracklets().items()
    assert key == ("id1", "alpha", "003") and not rest
    assert rows.frame.tolist() == [6, 7], "in order of time, whatever that of the lines"
    assert rows.line.tolist() == [3, 2]


def test_states_and_probabilities_of_a_series_and_the_nearest_row() -> None:
    time_s = np.array([0.0, 0.04, 0.08, 0.4])
    value = np.array([0.1, 0.6, np.nan, 0.9])
    series = TimeSeries("x", {1: np.array([[1, 2], [9, 40]])}, {1: (time_s, value)}, 0.5)
    state, probability = series.at(np.arange(12), 1)
    assert state.tolist() == [0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1]
    assert np.flatnonzero(~np.isnan(probability)).tolist() == [0, 1, 10]
    scored = TimeSeries("x", {}, {1: (time_s, value)}, 0.6)
    assert np.flatnonzero(scored.at(np.arange(12), 1)[0]).tolist() == [1, 10]
    times = np.array([0.0, 1.0, 3.0])
    assert nearest(times, np.array([-1, 0.4, 0.6, 1.9, 2.1, 9])).tolist() == [0, 0, 1, 1, 2, 2]
    assert nearest(times[:1], np.array([-1.0, 4.0])).tolist() == [0, 0]


def test_tiers_of_an_elan_file(tmp_path: Path) -> None:
    path = tmp_path / "alpha.txt"
    rows = "person 1 eye_contact\t\t1\t2\tcontact\nperson 1 speaking\t\t5\t6\t\n"
    path.write_text(rows, encoding="utf-8")
    assert read_series(path).spans[0].tolist() == [[25, 50]]
    assert read_series(path, tier="person 1 speaking").spans[0].tolist() == [[125, 150]]
    path.write_text(rows + "host\t\t0\t1\t\nuncertain\t\t3\t4\t\n", encoding="utf-8")
    assert read_series(path).spans[0].tolist() == [[0, 25]], "the annotators' own come first"
    path.write_text("one\t\t1\t2\t\ntwo\t\t1\t2\t\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"not clear which tier to take; tiers: one, two"):
        read_series(path)
    with pytest.raises(DataError, match="no tier 'three'; tiers: one, two"):
        read_series(path, tier="three")


def test_tables_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no segments or scores"):
        read_series(tmp_path)
    (tmp_path / "a.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="neither segments nor scores"):
        read_series(tmp_path / "a.csv")
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="cannot read"):
        read_series(tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("name,person,start_s,end_s\nspeaking,1,0,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="no answer 'eye_contact'; it has: speaking"):
        read_series(tmp_path / "b.csv")

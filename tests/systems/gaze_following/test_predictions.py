"""Tables of predicted looks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following import predictions

KETI = Path(__file__).parents[4] / "shared/reference/vgs/data/KETI_Sequence_without_011.csv"
HEAD = "frame_name,head_xmin,head_ymin,head_xmax,head_ymax,gaze_x,gaze_y"


def written(tmp_path, text):
    path = tmp_path / "predictions.csv"
    path.write_text(text)
    return path


def test_read(tmp_path):
    path = written(
        tmp_path, f"{HEAD},looked_at,in_frame\na.jpg,1,2,3,4,5.5,6,2,0.25\nb.jpg,,,,,,,,\n"
    )
    result = predictions.read(path)
    assert result.frame_name == ("a.jpg", "b.jpg")
    assert result.head_xyxy[0].tolist() == [1, 2, 3, 4]
    assert result.point_px[0].tolist() == [5.5, 6]
    assert result.in_frame[0] == 0.25
    assert result.looked_at == ("2", None)
    assert result.person == (None, None)
    assert np.isnan(result.head_xyxy[1]).all()
    assert np.isnan(result.point_px[1]).all()
    assert result.source[1].endswith("line 3")


@pytest.mark.parametrize("further", [(), ("in_frame",), ("in_frame", "looked_at", "person")])
def test_written_and_read_back(tmp_path, further):
    rng = np.random.default_rng(0)
    low = rng.random((3, 2)) * 100
    given = predictions.predictions_of(
        ["a", "b", "c"], rng.random((3, 2)) * 100, head_xyxy=np.c_[low, low + 10],
        in_frame=np.array([0.1, np.nan, 1 / 3]) if "in_frame" in further else None,
        looked_at=["1", None, "-1"] if "looked_at" in further else None,
        person=["x", "y", None] if "person" in further else None,
    )  # fmt: skip
    given.point_px[1] = np.nan
    predictions.write(tmp_path / "p.csv", given)
    assert (tmp_path / "p.csv").read_text().splitlines()[0] == ",".join([HEAD, *further])
    result = predictions.read(tmp_path / "p.csv")
    for name in ("head_xyxy", "point_px", "in_frame"):
        np.testing.assert_array_equal(getattr(result, name), getattr(given, name))
    assert (result.looked_at, result.person) == (given.looked_at, given.person)


def test_sequence_is_reported_to_be_predictions(tmp_path):
    path = written(
        tmp_path,
        ",video_name,head_num,frame_seq,frame_name,head_position,gaze_point\n"
        '0,002.mp4,1,0,0021000.jpg,"[314, 49, 540, 275]","[[750.22672, 161.30345]]"\n',
    )
    result = predictions.read(path)
    assert result.frame_name == ("0021000.jpg",)
    assert result.head_xyxy.tolist() == [[314, 49, 540, 275]]
    assert result.point_px.tolist() == [[750.22672, 161.30345]]
    assert "no truth" in result.notes[0]


def test_the_authors_own_sequence():
    if not KETI.is_file():
        pytest.skip(f"{KETI} is not there")
    result = predictions.read(KETI)
    assert len(result) == 31358
    inside = (result.point_px >= result.head_xyxy[:, :2]) & (
        result.point_px <= result.head_xyxy[:, 2:]
    )
    # the reference counts 33 % of its points on the looker's own head (with one video more)
    assert inside.all(axis=1).mean() == pytest.approx(0.33, abs=0.02)


def test_lengths_are_checked():
    given = predictions.predictions_of(["a"], np.zeros((1, 2)))
    with pytest.raises(DataError, match="looked_at"):
        replace(given, looked_at=())
    with pytest.raises(DataError, match="points"):
        replace(given, point_px=np.zeros((2, 2)))

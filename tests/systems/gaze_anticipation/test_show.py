"""The wearer's gaze and its heatmap drawn on frames, of data as downloaded and as prepared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.datasets.drawing import write
from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation import prepare, show
from eyeline.systems.gaze_anticipation.recordings.labels import FIXATION, UNTRACKED
from tests.systems.gaze_anticipation import filmed


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gaze at a quarter of the width and the height from above, and none in the second half."""
    root = tmp_path_factory.mktemp("ego4d")
    size = (128, 96)
    filmed.write_video(root / "full_scale/a.mp4", 180, 30, audio=filmed.tone(6), size=size)
    (root / "gaze").mkdir()
    rows = [f"{k / 30:.4f},0.25,{0.75 if k < 90 else ''}" for k in range(184)]
    header = "component_timestamp_s,norm_pos_x,norm_pos_y"
    (root / "gaze/a.csv").write_text("\n".join([header, *rows]))
    return root


def test_the_point_lies_where_the_gaze_is(data: Path) -> None:
    drawing = show.show(data, start_s=1.0)
    image = drawing.still()
    colour = show.COLOURS[FIXATION][1]
    hits = np.argwhere(np.abs(image[:60].astype(int) - colour).max(axis=-1) < 30)
    assert np.abs(np.median(hits, axis=0) - (24, 32)).max() <= 2
    plain = show.show(data, start_s=4.0).still()
    assert (image[14:22, 22:42] != plain[14:22, 22:42]).mean() > 0.3, "the heatmap around it"
    counts = drawing.facts["frames_by_kind"]
    assert counts["untracked"] > 80 and counts["fixation"] > 80
    grey = show.COLOURS[UNTRACKED][1]
    assert not (np.abs(plain[:60].astype(int) - grey).max(axis=-1) < 10).any(), "no point at all"


def test_a_clip_and_what_was_prepared(data: Path, tmp_path: Path) -> None:
    assert write(show.show(data, "a", seconds=1.0), tmp_path / "a.mp4")["frames"] == 30
    assert not prepare.run(data, tmp_path / "prepared").failed
    same = show.show(tmp_path / "prepared", start_s=1.0)
    assert same.item == "a"
    assert (same.still() == show.show(data, start_s=1.0).still()).all()
    with pytest.raises(DataError, match="no video 'b'; there are a"):
        show.show(tmp_path / "prepared", "b")
    with pytest.raises(DataError, match=r"holds no video.*; of Aria show what prepare has made"):
        show.show(data / "gaze")

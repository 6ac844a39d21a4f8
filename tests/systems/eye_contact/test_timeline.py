"""The image of predictions against the annotation."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.eye_contact.data import AnnotatedVideo, Tracklet, read_folder
from eyeline.systems.eye_contact.timeline import STRIP_S, svg, write_all
from tests.systems.eye_contact.faces import only
from tests.systems.eye_contact.published import two_videos
from tests.systems.eye_contact.test_predictions import Place

SVG = "{http://www.w3.org/2000/svg}"


def hints(text: str) -> Counter[str]:
    """How often each sort of box is drawn, by the first word of its hint."""
    return Counter(t.text.split(" ")[0] for t in ET.fromstring(text).iter(f"{SVG}title") if t.text)


def words(text: str) -> str:
    return " ".join("".join(t.itertext()) for t in ET.fromstring(text).iter(f"{SVG}text"))


def video(*starts: int) -> AnnotatedVideo:
    """Tracklets of 40 frames with contact in frames 10 to 19, the camera in 30 to 34."""
    label, target, unclear = (np.zeros(40, np.int64) for _ in range(3))
    target[10:20], target[30:35], unclear[22:25] = 1, 4, 1
    label[:] = target > 0
    points = np.zeros((40, 6, 2))
    own = [Tracklet(s, points, label, unclear, n, target) for n, s in enumerate(starts)]
    return AnnotatedVideo("id1_<a&b>", 0, 640, 360, tuple(own))


def test_what_is_drawn_and_nothing_is_loaded_from_elsewhere() -> None:
    chance = np.linspace(0, 1, 40)
    result = svg(video(0), [((chance > 0.5).astype(np.int64), chance)])
    assert hints(result) == {"host": 1, "camera": 1, "uncertain": 1, "contact": 1, "differs": 2}
    assert result.count("<polyline") == 1
    assert len(ET.fromstring(result).find(f"{SVG}polyline").get("points").split()) == 40
    said = words(result)
    assert "id1_<a&b>" in said and "accuracy 37.5%" in said and "AUC 0.53" in said
    assert "host 0.40 to 0.80 s" in result
    result = svg(video(0), [None])
    assert result.count("http") == 1, "the name of the format"
    for word in ("<script", "href", "@import", "<image"):
        assert word not in result


def test_tracklets_without_answer_and_answers_without_probability() -> None:
    states = np.ones(40, np.int64)
    result = svg(video(0, 100), [None, (states, np.full(40, np.nan))])
    assert hints(result)["contact"] == 1 and hints(result)["host"] == 2
    assert "<polyline" not in result and "AUC" not in words(result)
    assert "1 tracklets, 40 frames" in words(result)
    assert "nothing was predicted" in words(svg(video(0), [None]))


def test_strips_without_tracklets_are_left_out() -> None:
    late = 4 * STRIP_S * 25 + 3
    said = words(svg(video(0, late), [None, None]))
    assert f" {STRIP_S} s" in said and f" {4 * STRIP_S} s" in said
    assert f" {2 * STRIP_S} s" not in said


def test_a_tracklet_over_the_edge_of_a_strip_is_in_both() -> None:
    result = svg(video(STRIP_S * 25 - 15), [(np.ones(40, np.int64), np.full(40, 0.5))])
    assert hints(result)["contact"] == 2 and result.count("<polyline") == 2
    points = [p.get("points") for p in ET.fromstring(result).iter(f"{SVG}polyline")]
    assert [len(p.split()) for p in points if p] == [15, 25]


def test_all_videos_of_a_folder(tmp_path: Path) -> None:
    videos = read_folder(two_videos(tmp_path)).videos
    places = [Place("id1_alpha", "001", 90), Place("id1_alpha", "000", 0)]
    states = (np.zeros(30, np.int64), np.ones(40, np.int64))
    predicted = only(states)
    written = write_all(tmp_path / "images", videos, places, predicted)
    assert [p.name for p in written] == ["id1_alpha.svg"], "nothing was said of the other"
    assert hints(written[0].read_text(encoding="utf-8"))["contact"] == 1
    with pytest.raises(DataError, match="predictions for id1_alpha"):
        write_all(tmp_path, videos, places[::-1], predicted)
    with pytest.raises(DataError, match="fewer than samples"):
        write_all(tmp_path, videos, places, only(states[:1]))


def test_a_real_video(annotated: Path) -> None:
    """Truth against itself differs nowhere, and every target of the video is drawn."""
    real = max(read_folder(annotated).videos, key=lambda v: v.frame_count)
    result = svg(real, [(t.label, t.label.astype(float)) for t in real.tracklets])
    assert "differs" not in hints(result)
    assert "accuracy 100.0%" in words(result)
    assert len(result) < 500_000

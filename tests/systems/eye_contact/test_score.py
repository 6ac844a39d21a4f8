"""Scoring files of predictions: each format against each kind of truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.eye_contact.data import read_folder
from eyeline.systems.eye_contact.predictions import write_predictions
from eyeline.systems.eye_contact.report import Predicted
from eyeline.systems.eye_contact.score import run
from tests.systems.eye_contact.faces import only
from tests.systems.eye_contact.published import TEXT, two_videos
from tests.systems.eye_contact.test_predictions import HEAD, Place

Change = Callable[[Any], Any]


def frames(path: Path, folder: Path, change: Change, chance: Change | None = None) -> Path:
    """A table of frames: for each tracklet what `change` makes of its label."""
    tracklets = [(v, t) for v in read_folder(folder).videos for t in v.tracklets]
    states = tuple(np.asarray(change(t), np.int64) for _, t in tracklets)
    nothing = only(states)
    probability = tuple(chance(t) for _, t in tracklets) if chance else nothing.probability
    places = [Place(v.name, f"{t.number:03d}", t.start_frame) for v, t in tracklets]
    write_predictions(path, places, Predicted(probability, probability, states))
    return path


@pytest.mark.parametrize("layout", [".", "Annotations"])
def test_constant_predictions_on_the_visible_videos(
    annotated: Path, tmp_path: Path, layout: str
) -> None:
    """The figures of the original evaluation, from files alone."""
    expected = {
        0: (0.5300, 0.0, 0.2395, 0.1621, 0.1070, 0.0596),
        1: (0.4700, 0.6395, 0.1816, 0.1445, 0.0722, 0.0232),
    }
    names = ("accuracy", "frame_f1", "edit", "f1_at_10", "f1_at_25", "f1_at_50")
    for state, figures in expected.items():
        path = frames(tmp_path / "p.csv", annotated, lambda t, s=state: np.full(len(t), s))
        report = run(path, annotated / layout)
        assert (report["videos"], report["tracklets"], report["frames"]) == (37, 363, 118_687)
        predictions = tuple(round(report["pooled"][name], 4) for name in names)
        assert predictions == figures
        assert report["pooled"]["auc"] is None


def test_a_table_of_frames(tmp_path: Path) -> None:
    folder = two_videos(tmp_path)
    path = frames(tmp_path / "p.csv", folder, lambda t: t.label, lambda t: 0.2 + 0.6 * t.label)
    report = run(path, tmp_path)
    assert report["pooled"]["accuracy"] == report["pooled"]["auc"] == 1.0
    assert set(report["per_video"]) == {"id1_alpha", "id2_beta"}
    assert report["without_uncertain"]["frames_left_out"] == 12
    assert report["predictions"] == str(path) and "id3/gamma" in report["notes"][0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "id1,alpha,000,7,1,\n",
            "",
            r" lacks 1 of 120 frames: frame 7 of id1/alpha/000\. With subset=true whole videos",
        ),
        ("id1,alpha,000,39,", "id1,alpha,000,40,", r" has frame 40 of id1/alpha/000, which"),
        ("id2,beta,000,3,", "id2,beta,009,3,", r" has frame 3 of id2/beta/009, which"),
        ("id1,alpha,000,8,", "id1,alpha,000,7,", r", line 10: frame 7 of .* stands in line 9"),
    ],
)
def test_wrong_frames_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = two_videos(tmp_path)
    path = frames(tmp_path / "p.csv", folder, lambda t: t.label)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=rf"p\.csv{message}"):
        run(path, folder)


def test_tracklets_that_one_side_lacks(tmp_path: Path) -> None:
    folder = two_videos(tmp_path)
    path = frames(tmp_path / "p.csv", folder, lambda t: t.label)
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "id9,omega,000,1,0,\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"p\.csv has frame 1 of id9/omega/000, which"):
        run(path, folder)
    lines = text.splitlines(keepends=True)
    path.write_text("".join(x for x in lines if "beta" not in x), encoding="utf-8")
    with pytest.raises(DataError, match="lacks 50 of 120 frames: frame 3 of id2/beta/000"):
        run(path, folder)
    report = run(path, folder, subset=True)
    assert set(report["per_video"]) == {"id1_alpha"}
    assert any("has nothing of id2/beta: left out" in note for note in report["notes"])
    path.write_text("".join(x for x in lines if "alpha,001" not in x), encoding="utf-8")
    with pytest.raises(DataError, match=r"lacks 30 of .* frames: frame .* of id1/alpha/001"):
        run(path, folder, subset=True)


def test_an_elan_file_against_the_folder_and_against_itself(tmp_path: Path) -> None:
    folder = two_videos(tmp_path)
    predicted = tmp_path / "alpha.txt"
    predicted.write_text("contact\t\t0.2\t0.6\t\n", encoding="utf-8")
    report = run(predicted, folder)
    assert report["frames"] == 70 and report["per_video"].keys() == {"id1_alpha"}
    assert report["pooled"]["accuracy"] == 64 / 70, "the six frames of the camera are missed"
    whole = run(folder / "id1/alpha.txt", folder / "id1/alpha.txt")
    assert whole["pooled"]["accuracy"] == 1.0 and whole["frames"] == 106
    predicted.rename(tmp_path / "who.txt")
    with pytest.raises(DataError, match="called after none of the 2 videos"):
        run(tmp_path / "who.txt", folder)


def test_a_table_of_frames_against_one_file(tmp_path: Path) -> None:
    folder = two_videos(tmp_path)
    path = frames(tmp_path / "p.csv", folder, lambda t: t.label)
    report = run(path, folder / "id1/alpha.txt")
    assert report["frames"] == 70 and report["pooled"]["accuracy"] == 1.0
    assert report["notes"] == [f"{path}: id2/beta left out"]
    other = tmp_path / "other.txt"
    other.write_text(TEXT, encoding="utf-8")
    with pytest.raises(DataError, match="is about 2 videos, none of them called other"):
        run(path, other)


SEGMENTS = "system,builder,name,person,person_label,start_s,end_s,score,duration_s,label\n"
SCORES = "system,builder,name,frame,time_s,person,person_label,value,threshold\n"


def scores(path: Path, rows: list[tuple[float, int, float]]) -> Path:
    lines = [f"e,b,eye_contact,{round(t * 25)},{t},{p},x,{v},0.5\n" for t, p, v in rows]
    path.write_text(SCORES + "".join(lines), encoding="utf-8")
    return path


def test_segments_and_scores_of_analyze(tmp_path: Path) -> None:
    truth = tmp_path / "alpha.txt"
    truth.write_text(TEXT, encoding="utf-8")
    place = tmp_path / "alpha"
    place.mkdir()
    segments = place / "segments.csv"
    segments.write_text(f"{SEGMENTS}e,b,eye_contact,1,x,0.2,0.64,1,0.44,contact\n"
                        "e,b,speaking,2,x,0.2,0.64,1,0.44,yes\n", encoding="utf-8")  # fmt: skip
    report = run(segments, truth)
    assert report["frames"] == 106, "to the end of the last span of both"
    assert report["pooled"]["accuracy"] == 100 / 106
    seen = [(k / 25, 1, 0.9 if 5 <= k <= 15 else 0.1) for k in range(3, 50)]
    scored = run(scores(place / "scores.csv", seen), truth)
    assert scored["frames"] == 47, "as far as there are scores"
    assert scored["pooled"]["accuracy"] == scored["pooled"]["auc"] == 1.0
    both = run(place, truth)
    assert both["frames"] == 47 and both["pooled"]["auc"] == 1.0
    rows = [*seen, *((k / 25, 2, 0.5) for k in range(50))]
    with pytest.raises(DataError, match="has the persons 1, 2; name one with --person"):
        run(scores(place / "scores.csv", rows), truth)
    assert run(place / "scores.csv", truth, person=2)["frames"] == 50
    with pytest.raises(DataError, match="no person 3; it has: 1, 2"):
        run(place / "scores.csv", truth, person=3)


def test_frames_without_a_score_are_reported(tmp_path: Path) -> None:
    folder = two_videos(tmp_path)
    path = tmp_path / "alpha" / "scores.csv"
    path.parent.mkdir()
    report = run(scores(path, [(k / 25, 1, 0.9) for k in range(10)]), folder)
    assert report["pooled"]["frames_ranked"] == 10
    assert "60 frames have no score: left out of AUC" in report["notes"][-1]


def test_the_annotated_face_is_found_among_persons(tmp_path: Path) -> None:
    """Person 2 lies on the face of the first tracklet, person 1 on that of the second."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = two_videos(tmp_path)
    alpha = read_folder(folder).videos[0]
    place = tmp_path / "alpha"
    place.mkdir()
    seen = [(k / 25, p, 0.9 if p == 2 else 0.1) for k in range(120) for p in (1, 2)]
    scores(place / "scores.csv", seen)
    columns: dict[str, list[Any]] = {n: [] for n in ("x1_px", "y1_px", "x2_px", "y2_px")}
    first, second = alpha.tracklets
    for k in range(120):
        at = first if k < 60 else second
        centre = at.box_px[np.clip(k - at.start_frame, 0, len(at) - 1)]
        for person in (1, 2):
            there = person == (2 if k < 60 else 1)
            box = centre if there else centre + 2000
            for name, value in zip(columns, box, strict=True):
                columns[name].append(float(value))
    rows = [(t, p) for t, p, _ in seen]
    whole = {
        "frame": [round(t * 25) for t, _ in rows], "time_s": [t for t, _ in rows],
        "person": [p for _, p in rows], "person_label": ["x"] * 240, "track_id": [1] * 240,
        **columns, "score": [1.0] * 240, "detected": [True] * 240,
        **{n: [0.0] * 240 for n in ("quality", "eyes_x_px", "eyes_y_px", "yaw_deg", "pitch_deg",
                                    "roll_deg")},
    }  # fmt: skip
    pq.write_table(pa.table(whole), place / "people.parquet")
    report = run(place, folder)
    right = int(first.label.sum()) + int((second.label == 0).sum())
    assert report["pooled"]["accuracy"] == right / 70


def test_predictions_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no predictions at"):
        run(tmp_path / "none.csv", two_videos(tmp_path))
    (tmp_path / "p.csv").write_text(f"{HEAD}\nid9,z,0,1,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="frame 1 of id9/z/000, which"):
        run(tmp_path / "p.csv", tmp_path, subset=True)


def test_notes_are_reported(tmp_path: Path) -> None:
    folder = two_videos(tmp_path)
    heard: list[str] = []
    report = run(frames(tmp_path / "p.csv", folder, lambda t: t.label), folder, log=heard.append)
    assert heard == report["notes"] and heard

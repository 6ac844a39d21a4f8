"""Files of predictions against annotations in all formats."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_following import predictions, score

TRUTH = """0011000.jpg,100,100,200,200,400,150
0012000.jpg,350,100,450,200,-1,-1
0021000.jpg,100,100,200,200,600,300
0022000.jpg,350,100,450,200,150,150
"""
HEADS = np.array([[100, 100, 200, 200], [350, 100, 450, 200]] * 2, float)
NAMES = ["0011000.jpg", "0012000.jpg", "0021000.jpg", "0022000.jpg"]
RIGHT = np.array([[400, 150], [300, 150], [600, 300], [150, 150]], float)


@pytest.fixture
def truth(tmp_path):
    path = tmp_path / "truth.txt"
    path.write_text(TRUTH)
    return path


def predicted(tmp_path, *rows, **known):
    at = list(rows) or [0, 1, 2, 3]
    result = predictions.predictions_of(
        [NAMES[i] for i in at], RIGHT[at], head_xyxy=HEADS[at], **known
    )
    predictions.write(tmp_path / "p.csv", result)
    return tmp_path / "p.csv"


def test_perfect_predictions(tmp_path, truth):
    path = predicted(tmp_path, in_frame=np.array([0.9, 0.1, 0.8, 0.7]))
    known = []
    created = score.run(path, truth, size="1280x720", log=known.append)
    pooled = created["pooled"]
    assert pooled["l2_average"] == pooled["l2_minimum"] == pooled["angle_deg"] == 0
    assert pooled["auc"] > 0.99
    assert pooled["in_out_ap"] == 1
    assert pooled["right_person"] == 1
    assert pooled["rows"] == 4
    assert created["protocol"] == "attention_target"
    assert any(line.startswith("auc") for line in known)
    json.dumps(dict(created), allow_nan=False)


def test_baselines_are_parallel(tmp_path, truth):
    created = score.run(predicted(tmp_path), truth, size="1280x720")
    assert set(created["baselines"]) == {"middle", "nearest_head"}
    expected = [np.hypot(240 / 1280, 210 / 720), np.hypot(40 / 1280, 60 / 720),
                np.hypot(490 / 1280, 210 / 720)]  # fmt: skip
    assert created["baselines"]["middle"]["l2_average"] == pytest.approx(np.mean(expected))
    assert created["baselines"]["nearest_head"]["right_person"] == 0.5


def test_split(tmp_path, truth):
    (tmp_path / "test.txt").write_text("002\n")
    created = score.run(
        predicted(tmp_path, 2, 3), truth, size="1280x720", split=str(tmp_path / "test.txt")
    )
    assert created["pooled"]["rows"] == 2


def test_lacking_looks(tmp_path, truth):
    path = predicted(tmp_path, 0, 3)
    with pytest.raises(DataError, match=r"lacks 2 of 4 looks: .*row 2"):
        score.run(path, truth, size="1280x720")
    created = score.run(path, truth, size="1280x720", subset=True)
    assert created["pooled"]["rows"] == 2
    assert created["pooled"]["right_person"] == 1, "people without a prediction can be looked at"
    assert any("2 of 4 looks were not predicted" in note for note in created["notes"])


def test_unknown_and_repeated_predictions(tmp_path, truth):
    path = predicted(tmp_path)
    path.write_text(path.read_text() + "0099000.jpg,1,1,2,2,3,3\n")
    with pytest.raises(DataError, match=r"p\.csv, line 6: the truth has no look of 9 in 0099000"):
        score.run(path, truth, size="1280x720")
    predicted(tmp_path, 0, 0, 1, 2, 3)
    with pytest.raises(DataError, match=r"tells of one row twice: .*line 2 and .*line 3"):
        score.run(path, truth, size="1280x720")


def test_sizes_are_needed(tmp_path, truth):
    path = predicted(tmp_path)
    with pytest.raises(DataError, match="size of the image is not known"):
        score.run(path, truth)
    with pytest.raises(UsageError, match="size '1280'"):
        score.run(path, truth, size="1280")
    for name in NAMES:
        Image.new("L", (640, 360)).save(tmp_path / name)
    created = score.run(path, truth, images=str(tmp_path))
    assert created["baselines"]["middle"]["l2_average"] > 0


def test_missing_points_are_reported(tmp_path, truth):
    points = RIGHT.copy()
    points[0] = np.nan
    predictions.write(
        tmp_path / "p.csv", predictions.predictions_of(NAMES, points, head_xyxy=HEADS)
    )
    created = score.run(tmp_path / "p.csv", truth, size="1280x720")
    assert any("1 predictions have no point" in note for note in created["notes"])
    assert created["pooled"]["l2_average"] == pytest.approx(np.hypot(240 / 1280, 210 / 720) / 3)


def test_predicted_heatmaps(tmp_path, truth):
    path = predicted(tmp_path)
    heat = np.zeros((4, 64, 64))
    heat[:, 0, 0] = 1
    np.save(tmp_path / "heat.npy", heat)
    created = score.run(path, truth, size="1280x720", heatmaps=str(tmp_path / "heat.npy"))
    assert created["pooled"]["auc"] < 0.6
    assert created["pooled"]["l2_average_cells"] > 0.3
    np.save(tmp_path / "heat.npy", heat[:2])
    with pytest.raises(DataError, match="should hold 4 heatmaps"):
        score.run(path, truth, size="1280x720", heatmaps=str(tmp_path / "heat.npy"))
    np.save(tmp_path / "heat.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(DataError, match="holds Python objects"):
        score.run(path, truth, size="1280x720", heatmaps=str(tmp_path / "heat.npy"))


def test_sequences_are_scored_as_predictions(tmp_path, truth):
    lines = [
        f'{i},001.mp4,1,0,{name},"{HEADS[i].astype(int).tolist()}","[{RIGHT[i].tolist()}]"'
        for i, name in enumerate(NAMES)
    ]
    text = ",video_name,head_num,frame_seq,frame_name,head_position,gaze_point\n"
    (tmp_path / "k.csv").write_text(text + "\n".join(lines) + "\n")
    created = score.run(tmp_path / "k.csv", truth, size="1280x720")
    assert created["pooled"]["l2_average"] == 0
    assert "no truth" in created["notes"][0]


def test_coco_boxes(tmp_path):
    content = {
        "images": [{"id": 1, "file_name": "0011000.jpg", "width": 1280, "height": 720}],
        "categories": [{"id": 1, "name": "target"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [380, 130, 40, 40]}],
    }
    (tmp_path / "t.json").write_text(json.dumps(content))
    created = score.run(one(tmp_path), tmp_path / "t.json")
    assert created["pooled"]["l2_average"] == 0
    assert created["pooled"]["angle_deg"] is None, "it is not known where the looker is"


def one(tmp_path):
    result = predictions.predictions_of(NAMES[:1], RIGHT[:1])
    predictions.write(tmp_path / "one.csv", result)
    return tmp_path / "one.csv"


def test_attention_target_people_are_found_by_their_heads(tmp_path):
    clip = tmp_path / "data" / "annotations" / "test" / "Show" / "1_2"
    clip.mkdir(parents=True)
    (clip / "s00.txt").write_text("001.jpg,100,100,200,200,400,150\n")
    (clip / "s01.txt").write_text("001.jpg,350,100,450,200,-1,-1\n")
    heads = HEADS[[1, 0]] + 5
    result = predictions.predictions_of(
        ["Show/1_2/001.jpg"] * 2, RIGHT[[1, 0]], head_xyxy=heads, in_frame=np.array([0.2, 0.9])
    )
    predictions.write(tmp_path / "p.csv", result)
    created = score.run(tmp_path / "p.csv", tmp_path / "data", size="1280x720")
    assert created["pooled"]["l2_average"] == 0
    assert created["pooled"]["in_out_ap"] == 1
    away = predictions.predictions_of(["Show/1_2/001.jpg"], RIGHT[:1], head_xyxy=HEADS[:1] + 90)
    predictions.write(tmp_path / "p.csv", away)
    with pytest.raises(DataError, match=r"the truth has no look in Show/1_2/001\.jpg"):
        score.run(tmp_path / "p.csv", tmp_path / "data", size="1280x720", subset=True)


def test_gazefollow_by_its_protocol(tmp_path):
    row = "test/1.jpg,1,0,0,1,1,0.5,0.2,{},180,60,240,140,a,b\n"
    (tmp_path / "test_annotations_release.txt").write_text(
        row.format("0.5,0.5") + row.format("0.7,0.5")
    )
    result = predictions.predictions_of(
        ["test/1.jpg"], np.array([[200.0, 100]]), head_xyxy=np.array([[180.0, 60, 240, 140]])
    )
    predictions.write(tmp_path / "p.csv", result)
    created = score.run(tmp_path / "p.csv", tmp_path, size="400x200")
    assert created["protocol"] == "gazefollow"
    assert created["pooled"]["l2_average"] == pytest.approx(0.1)
    assert created["pooled"]["l2_minimum"] == 0


def test_no_truth(tmp_path):
    with pytest.raises(DataError, match="none of VideoAttentionTarget and ChildPlay"):
        score.run(predicted(tmp_path), tmp_path)


VIDEOS, FRAMES = 8, 12


def material(tmp_path):
    """Two people and a lamp; the first looks at the second exactly while that one speaks."""
    rng = np.random.default_rng(0)
    truth, speakers, names, points, known, blind = [], [], [], [], [], []
    for video in range(VIDEOS):
        for frame in range(FRAMES):
            speaks = rng.random() < 0.5
            name = f"{video:03d}1{frame:03d}.jpg"
            at = (400.0, 150.0) if speaks else (900.0, 600.0)
            truth.append(f"{name},100,100,200,200,{at[0]:g},{at[1]:g}")
            truth.append(f"{video:03d}2{frame:03d}.jpg,350,100,450,200,150,150")
            speakers.append(f"{video:03d},{frame},{2 if speaks else 0}")
            names.append(name)
            known.append(at if rng.random() < 0.9 else (600.0, 300.0))
            blind.append((400.0, 150.0) if rng.random() < 0.5 else (900.0, 600.0))
            points.append(at)
    (tmp_path / "truth.txt").write_text("\n".join(truth) + "\n")
    (tmp_path / "speakers.csv").write_text("\n".join(speakers) + "\n")
    for file, values in (("with.csv", known), ("without.csv", blind)):
        predictions.write(tmp_path / file, predictions.predictions_of(names, np.array(values)))
    return tmp_path


def compared(folder, known="with.csv", blind="without.csv", **options):
    return score.run(
        folder / known, folder / "truth.txt", size="1280x720", subset=True,
        without=str(folder / blind), samples=200, **options,
    )  # fmt: skip


def test_the_cue_helps_where_somebody_speaks(tmp_path):
    folder, log = material(tmp_path), []
    created = compared(folder, speakers=str(folder / "speakers.csv"), log=log.append)
    cue = created["speaker_cue"]
    assert cue["all"]["looks"] == VIDEOS * FRAMES
    assert set(cue) == {"all", "at_speaker", "nobody_speaks"}
    assert cue["at_speaker"]["looks"] + cue["nobody_speaks"]["looks"] == VIDEOS * FRAMES
    for figures in cue.values():
        assert figures["right_person"]["better"] is figures["l2_average"]["better"] is True
        assert figures["l2_average"]["difference"] < 0
    one = cue["all"]["right_person"]
    assert one["difference"] == pytest.approx(one["with"] - one["without"])
    assert one["interval"][0] < one["difference"] < one["interval"][1]
    assert one["with"] == created["pooled"]["right_person"]
    assert cue["at_speaker"]["right_person"]["difference"] > 0.3
    assert any(line.startswith("at speaker:") for line in log)
    assert "left out" in created["notes"][-1], "nothing is predicted of the second person"


def test_the_same_file_twice_and_the_other_way_round(tmp_path):
    folder = material(tmp_path)
    same = compared(folder, blind="with.csv")["speaker_cue"]
    assert set(same) == {"all", "nobody_speaks"}, "it is not known who speaks"
    for figures in same["all"].values():
        if isinstance(figures, dict):
            assert figures["difference"] == 0 and figures["better"] is None
    worse = compared(folder, "without.csv", "with.csv")["speaker_cue"]
    assert worse["all"]["right_person"]["better"] is False
    predictions.write(
        folder / "other.csv", predictions.predictions_of(["0002000.jpg"], np.zeros((1, 2)))
    )
    with pytest.raises(DataError, match="no look in common"):
        compared(folder, blind="other.csv")

"""Annotated looks with what stands around them, from a synthetic data folder."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.matching import data, inputs
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_following.matching.invented import write_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("made_up"), videos=5, frames=6)


def test_open_folder(folder):
    scenes = data.open_folder(folder, split="train.txt")
    assert set(scenes.looks.video) == {"002", "003", "004"}
    assert not np.isnan(scenes.gaze).any()
    np.testing.assert_allclose(np.linalg.norm(scenes.gaze, axis=1), 1, atol=1e-5)
    assert np.isin(scenes.looks.speaks, (0, 1)).all()
    moments, image, person = scenes.moments()
    assert len(moments) == 3 * 6
    for row in range(len(scenes.looks)):
        moment = moments[image[row]]
        np.testing.assert_array_equal(moment.head_xyxy[person[row]], scenes.looks.head_xyxy[row])
        assert moment.speaks[person[row]] == scenes.looks.speaks[row]
    assert min(len(m.candidate_xyxy) for m in moments) > 1


def test_examples(folder):
    scenes = data.open_folder(folder)
    examples = data.examples(scenes)
    assert len(examples) == len(scenes.looks)
    kinds = np.array([[r[:-2].any(), r[-2], r[-1]] for r in examples.right])
    assert (kinds.sum(axis=1) <= 1).all()
    assert kinds.sum(axis=0).min() > 0, "each kind of answer is there"
    out = scenes.looks.in_frame == 0
    np.testing.assert_array_equal(kinds[:, 1], out)


def test_collate(folder):
    examples = data.examples(data.open_folder(folder))
    some = list(zip(examples.person, examples.option, examples.right, strict=True))[:7]
    batch = data.collate(some)
    most = max(len(option) for _, option, _ in some)
    assert batch["option"].shape == (7, most, len(inputs.OPTION))
    assert batch["there"].sum(1).tolist() == [len(option) for _, option, _ in some]
    for i, (_, option, right) in enumerate(some):
        np.testing.assert_array_equal(batch["right"][i, -2:], right[-2:])
        np.testing.assert_array_equal(batch["right"][i, : len(option)], right[:-2])


def test_candidates_of_the_published_text(folder, tmp_path):
    for path in folder.glob("*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    table = formats.read_candidates_csv(tmp_path / "candidates.csv")
    formats.write_candidates_text(tmp_path / "x101_1x_test.txt", table)
    (tmp_path / "candidates.csv").unlink()
    a = data.open_folder(folder).candidates
    b = data.open_folder(tmp_path).candidates
    assert a.keys() == b.keys()
    for name in a:
        assert_close_to_scale(a[name][0], b[name][0])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("candidates.csv", None, "has no candidates.csv or x101"),
        ("candidates.csv", "frame_name,gaze_bbox,gaze_score\n", "of no annotated image"),
        ("sizes.csv", "000,1280,720\n", "does not state the size of video 001"),
        ("sizes.csv", "000,1280\n", "line 1: 2 columns"),
        ("directions.csv", "0001000.jpg,1,1,1,1\n", "line 1: .* is no unit vector"),
        ("speakers.csv", "000,zero,1\n", "line 1: frame is 'zero'"),
    ],
)
def test_bad_folders_are_reported(folder, tmp_path, name, text, message):
    for path in folder.glob("*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).unlink()
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        data.open_folder(tmp_path)


def test_without_speakers_and_directions(folder, tmp_path):
    for path in folder.glob("*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "speakers.csv").unlink()
    (tmp_path / "directions.csv").unlink()
    scenes = data.open_folder(tmp_path)
    assert np.isnan(scenes.looks.speaks).all()
    assert np.isnan(scenes.gaze).all()
    assert np.isfinite(data.examples(scenes).person).all()

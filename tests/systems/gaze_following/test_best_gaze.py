"""The published choice of candidates as a command, against the authors' own files and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.geometry.boxes import centre
from eyeline.systems.gaze_following import best_gaze, formats, speaker_files
from eyeline.systems.gaze_following.datasets import vgs
from eyeline.systems.gaze_following.formats import Candidates, Truth
from eyeline.systems.gaze_following.heads import Heads
from eyeline.systems.gaze_following.matching.slope import SlopeMlp
from tests.closeness import assert_close_to_scale
from tests.conftest import Command
from tests.systems.gaze_following.matching.invented import saved_slope


@pytest.fixture(scope="module")
def weights(golden_mlp: SlopeMlp, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_slope(tmp_path_factory.mktemp("mlp") / "slope_mlp.safetensors", golden_mlp)


@pytest.fixture
def source(published: Mapping[str, Any], tmp_path: Path) -> Path:
    """Candidates and head boxes of a video in the authors' files."""
    folder = tmp_path / "source"
    names = published["cand_names"]
    formats.write_candidates_csv(folder / "candidates.csv", [
        Candidates(str(name), published["cand_boxes"][names == name],
                   published["cand_scores"][names == name])
        for name in dict.fromkeys(names.tolist())
    ])  # fmt: skip
    boxes = {str(i): track.tolist() for i, track in enumerate(published["head_boxes"])}
    path = folder / "head_boxes/055_frame_faces_boxes.npy"
    path.parent.mkdir()
    np.save(path, np.array(boxes, object), allow_pickle=True)
    return folder


def test_the_last_scripts_table(
    eyeline: Command, published: Mapping[str, Any], source: Path, weights: Path, tmp_path: Path
) -> None:
    ended = eyeline(
        "prepare", "gaze_following/best_gaze", "--source", source, "-o", tmp_path / "out",
        "--weights", weights, "--set", "rule=main",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    (tmp_path / "theirs.csv").write_text(str(published["main_best_csv"]))
    ours = formats.read_best(tmp_path / "out/best_gaze/055.csv")
    theirs = formats.read_best(tmp_path / "theirs.csv")
    assert [row._replace(slope=0) for row in ours] == [row._replace(slope=0) for row in theirs]
    assert_close_to_scale([row.slope for row in ours], [row.slope for row in theirs], 1e-9)


def test_the_notebooks_picks_on_damaged_numbers(
    published: Mapping[str, Any], weights: Path, tmp_path: Path
) -> None:
    (tmp_path / "x101_1x_test.txt").write_text(str(published["legacy_text"]))
    names, heads = published["legacy_names"].tolist(), published["legacy_head"].tolist()
    rows = [Truth(name, tuple(head), (0, 0)) for name, head in zip(names, heads, strict=True)]
    formats.write_truth(tmp_path / "heads.txt", rows)

    def picks(damaged: bool) -> dict[str, tuple[float, ...]]:
        best_gaze.run(
            tmp_path, tmp_path / "out", weights={"slope_mlp": weights},
            heads=str(tmp_path / "heads.txt"), damaged_numbers=damaged,
        )  # fmt: skip
        result = formats.read_sequence(tmp_path / "out/KETI_Sequence.csv")
        return {row.name: row.point_px for row in result}

    result = picks(True)
    assert {*result} == {*names}
    np.testing.assert_array_equal([result[name] for name in names], published["legacy_gaze"])
    clean = picks(False)
    assert {*clean} == {*names} and clean != result


def test_the_intended_rule(published: Mapping[str, Any], weights: Path, tmp_path: Path) -> None:
    (tmp_path / "x101_1x_test.txt").write_text(str(published["legacy_text"]))
    names, heads = published["legacy_names"].tolist(), published["legacy_head"].tolist()
    rows = [Truth(name, tuple(head), (0, 0)) for name, head in zip(names, heads, strict=True)]
    formats.write_truth(tmp_path / "heads.txt", rows)
    best_gaze.run(
        tmp_path,
        tmp_path / "out",
        weights={"slope_mlp": weights},
        heads=str(tmp_path / "heads.txt"),
    )
    text = formats.read_candidates_text(tmp_path / "x101_1x_test.txt")
    boxes = {one.name: one.box_xyxy for one in text}
    wanted = dict(zip(published["clean_names"].tolist(), published["clean_pick"], strict=True))
    result = formats.read_sequence(tmp_path / "out/KETI_Sequence.csv")
    assert len(result) > 30
    for row in result:
        midpoint = centre(boxes[row.name][int(wanted[row.name])].astype(np.float64))
        np.testing.assert_allclose(row.point_px, midpoint, rtol=0, atol=1e-3)


def test_images_without_a_head_are_left_out_and_named(source: Path, tmp_path: Path) -> None:
    one = formats.read_candidates_csv(source / "candidates.csv")
    other = one[0]._replace(name="0559000.jpg")
    elsewhere = one[0]._replace(name="0771000.jpg")
    formats.write_candidates_csv(source / "candidates.csv", [*one, other, elsewhere])
    result = best_gaze.run(source, tmp_path / "out")
    assert [o.status for o in result.outcomes] == ["done", "failed"]
    assert result.outcomes[0].notes == ("1 images without a head box are left out",)
    assert result.failed[0].message == "no head box of any of its 1 images"
    assert {p.name for p in (tmp_path / "out/best_gaze").iterdir()} == {"055.csv"}


def test_what_is_missing_is_named(source: Path, weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the rule 'intended' needs weights of slope_mlp"):
        best_gaze.run(source, tmp_path / "out", rule="intended")
    with pytest.raises(UsageError, match="no rule 'x'; there are intended"):
        best_gaze.run(source, tmp_path / "out", rule="x")
    with pytest.raises(UsageError, match="damaged_numbers is for the text"):
        best_gaze.run(source, tmp_path / "out", damaged_numbers=True)
    with pytest.raises(DataError, match=r"has no candidates\.csv"):
        best_gaze.run(source / "head_boxes", tmp_path / "out")
    with pytest.raises(DataError, match="has no head boxes"):
        best_gaze.run(source / "candidates.csv", tmp_path / "out", heads=str(weights.parent))
    heads = Heads(*np.ones((3, 2, 4), np.int64))
    speaker_files.write_head_boxes(tmp_path, "055", heads)
    corners = tmp_path / "055_faces_bboxes.npy"
    with pytest.raises(DataError, match="holds corners"):
        vgs.read_head_boxes(corners)
    assert not (tmp_path / "out").exists()

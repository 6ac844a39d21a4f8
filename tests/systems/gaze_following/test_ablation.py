"""What the speaker cue changes, on synthetic predictions."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_following import ablation, predictions, score

VIDEOS, FRAMES = 8, 12


def material(tmp_path, *, cue=True):
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
        predictions.write(tmp_path / file, predictions.made(names, np.array(values)))
    return tmp_path


def test_the_cue_helps_where_somebody_speaks(tmp_path):
    folder, known = material(tmp_path), []
    created = ablation.run(
        folder / "with.csv", folder / "without.csv", folder / "truth.txt", size="1280x720",
        speakers=str(folder / "speakers.csv"), log=known.append, samples=200,
    )  # fmt: skip
    compared = created["compared"]
    assert created["looks"] == VIDEOS * FRAMES
    assert set(compared) == {"all", "at_speaker", "nobody_speaks"}
    assert compared["at_speaker"]["looks"] + compared["nobody_speaks"]["looks"] == created["looks"]
    for kind in compared:
        assert compared[kind]["right_person"]["better"] is True
        assert compared[kind]["l2_average"]["better"] is True
        assert compared[kind]["l2_average"]["difference"] < 0
    one = compared["all"]["right_person"]
    assert one["difference"] == pytest.approx(one["with"] - one["without"])
    assert one["interval"][0] < one["difference"] < one["interval"][1]
    assert any(line.startswith("at speaker:") for line in known)
    assert "left out" in created["notes"][-1], "nothing is predicted of the second person"


def test_the_same_file_twice_changes_nothing(tmp_path):
    folder = material(tmp_path)
    created = ablation.run(
        folder / "with.csv", folder / "with.csv", folder / "truth.txt", size="1280x720", samples=50
    )
    assert set(created["compared"]) == {"all", "nobody_speaks"}, "it is not told who speaks"
    for figures in created["compared"]["all"].values():
        if isinstance(figures, dict):
            assert figures["difference"] == 0
            assert figures["better"] is None


def test_the_other_way_round_is_worse(tmp_path):
    folder = material(tmp_path)
    created = ablation.run(
        folder / "without.csv", folder / "with.csv", folder / "truth.txt", size="1280x720",
        samples=100,
    )  # fmt: skip
    assert created["compared"]["all"]["right_person"]["better"] is False


def test_parallel_a_score(tmp_path):
    folder = material(tmp_path)
    created = score.run(
        folder / "with.csv", folder / "truth.txt", size="1280x720", subset=True,
        without=str(folder / "without.csv"), speakers=str(folder / "speakers.csv"), samples=50,
    )  # fmt: skip
    assert created["speaker_cue"]["at_speaker"]["right_person"]["difference"] > 0.3
    assert (
        created["speaker_cue"]["all"]["right_person"]["with"] == created["pooled"]["right_person"]
    )


def test_nothing_in_common(tmp_path):
    folder = material(tmp_path)
    some = predictions.made(["0002000.jpg"], np.zeros((1, 2)))
    predictions.write(folder / "other.csv", some)
    with pytest.raises(DataError, match="no look in common"):
        ablation.run(
            folder / "with.csv", folder / "other.csv", folder / "truth.txt", size="1280x720"
        )

"""The synthetic data set: its layout, its oddities, and that it prepares as Ego4D's does."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import OutputError, UsageError
from eyeline.systems.gaze_anticipation import prepare, synthesize
from eyeline.systems.gaze_anticipation.data import open_clips
from eyeline.systems.gaze_anticipation.recordings import clips
from eyeline.systems.gaze_anticipation.recordings.labels import FIXATION, UNTRACKED, read_ego4d_gaze
from eyeline.systems.gaze_anticipation.synthetic.scenes import RATE_HZ, in_image
from eyeline.video.audio import has_audio
from eyeline.video.reader import probe

SMALL: dict[str, Any] = {"videos": 4, "test_videos": 1, "seconds": 15, "width_px": 64}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made") / "set"
    known: list[str] = []
    result = synthesize.run(root, log=known.append, **SMALL)
    assert (
        result["clips"] == 11 and result["test_clips"] == 3 and result["frames"] == 5 * 15 * RATE_HZ
    )
    assert known[-1].startswith("[5/5] ")
    return root


@pytest.fixture(scope="module")
def prepared(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("prepared")
    assert not prepare.run(dataset, out).failed
    return out


def digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def names(root: Path) -> list[str]:
    """Videos in the order in which they are made: to train on, then to test."""
    lists = [clips.read_list(root / f"{split}_ego4d_gaze.csv") for split in clips.SPLITS]
    assert not {c.video for c in lists[0]} & {c.video for c in lists[1]}
    return [*synthesize._uids((0, 0), 4), *synthesize._uids((0, 1), 1)]


def test_the_same_seed_gives_the_same_files(dataset: Path, tmp_path: Path) -> None:
    synthesize.run(tmp_path / "again", jobs=2, **SMALL)
    assert digests(tmp_path / "again") == digests(dataset)
    one = {**SMALL, "videos": 1, "seconds": 10}
    synthesize.run(tmp_path / "other", seed=1, **one)
    shared = set(digests(tmp_path / "other").values()) & set(digests(dataset).values())
    assert shared <= {hashlib.sha256(b"").hexdigest()}, "an empty list of spans at most"


def test_it_has_the_published_layout(dataset: Path) -> None:
    result = sorted(path.stem for path in (dataset / "full_scale.gaze").iterdir())
    assert result == sorted(names(dataset)) == sorted(p.stem for p in (dataset / "gaze").iterdir())
    for path in (dataset / "full_scale.gaze").iterdir():
        info = probe(path)
        assert (info.width_px, info.height_px, info.rate_hz) == (64, 64, RATE_HZ)
        assert info.duration_s == pytest.approx(15)
    text = (dataset / "train_ego4d_gaze.csv").read_bytes()
    assert text.count(b"\r\n") == 11 and text.splitlines() == sorted(text.splitlines())
    rows = list(csv.reader((dataset / "gaze" / f"{result[0]}.csv").read_text().splitlines()))
    assert tuple(rows[0]) == synthesize.HEADER and len(rows[0]) == len(rows[1]) == 7


def test_gaze_is_counted_from_the_bottom(dataset: Path) -> None:
    scene = synthesize.scene_of(0, "train", 0, 15)
    rows = read_ego4d_gaze(dataset / "gaze" / f"{names(dataset)[0]}.csv")
    seen = np.stack([rows.x, 1 - rows.y], 1)[: scene.frames]
    assert seen == pytest.approx(scene.gaze, abs=1e-6)
    late = rows.time_s - np.arange(len(rows.time_s)) / RATE_HZ
    assert (late >= 0).all() and late.max() < 0.005
    assert len(rows.time_s) == scene.frames + 3, "published labels end two rows early"


def test_some_videos_are_odd(dataset: Path) -> None:
    """Audio apart; gaze lost, whose clip is in no list; gaze that ends early."""
    _, apart, lost, short, _ = names(dataset)
    silent = [p.stem for p in (dataset / "full_scale.gaze").iterdir() if not has_audio(p)]
    assert silent == [apart] == [p.stem for p in (dataset / "missing_audio").iterdir()]
    assert clips.read_untracked(dataset / "ego4d_gaze_untracked.csv") == {lost: ((6, 8),)}
    gone = np.diff(read_ego4d_gaze(dataset / "gaze" / f"{lost}.csv").time_s).max()
    assert 1.9 < gone < 2.1
    listed = [
        c.start_s for c in clips.read_list(dataset / "train_ego4d_gaze.csv") if c.video == lost
    ]
    assert listed == [0, 10]
    assert read_ego4d_gaze(dataset / "gaze" / f"{short}.csv").time_s[-1] < 14


def test_it_prepares_and_its_labels_are_on_what_sounded(dataset: Path, prepared: Path) -> None:
    train, test = (open_clips(prepared, split) for split in ("train", "test"))
    assert (len(train), len(test)) == (11, 3) and not train.silent
    counts = np.bincount(train.kind.ravel(), minlength=4)
    assert counts[FIXATION] > 60 and counts[UNTRACKED] > 0
    scene = synthesize.scene_of(0, "test", 0, 15)
    for number in range(3):
        frame = test.target_frames[number, 2:]
        thing = scene.things[scene.events[number].thing]
        at = in_image(thing.places, scene.head)[frame]
        label = test.videos[test.video[number]].gaze.xy[frame]
        assert np.linalg.norm(label - at, axis=1).max() < 0.08


@pytest.mark.parametrize(("option", "value"), [
    ("videos", 0), ("test_videos", 0), ("seconds", 5), ("width_px", 65), ("things", 9),
    ("things", 1), ("jobs", 0),
])  # fmt: skip
def test_numbers_that_cannot_be(option: str, value: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=option):
        synthesize.run(tmp_path / "out", **{**SMALL, option: value})
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something(dataset: Path) -> None:
    with pytest.raises(OutputError):
        synthesize.run(dataset, **SMALL)

"""Ego4D's layout to an index over the original videos."""

from __future__ import annotations

import json
import shutil
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_anticipation import data, prepare, store
from eyeline.systems.gaze_anticipation.clips import read_list
from eyeline.systems.gaze_anticipation.labels import UNTRACKED
from tests.systems.gaze_anticipation import filmed


@pytest.fixture
def source(ego4d: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(ego4d, tmp_path / "source"))


def test_all_is_there(prepared: Path) -> None:
    report = json.loads((prepared / prepare.REPORT).read_text())
    assert report["videos"] == {"done": 2} and report["clips"] == {"train": 2, "test": 2}
    assert report["frames"] == 720 and report["seconds"] == report["sound_s"] == 24
    assert report["failed"] == {} and report["seconds_a_clip"] > 0
    assert not list(prepared.rglob("*.mp4"))


def test_a_second_run_keeps_and_a_changed_file_is_taken_anew(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told: list[str] = []
    first = prepare.run(source, out)
    filmed.write_gaze(source / "gaze" / "bb.csv", 11)
    (out / store.VIDEOS / "aa" / store.SOUND).unlink()
    second = prepare.run(source, out, told=told.append)
    third = prepare.run(source, out)
    assert [o.status for o in first.outcomes] == ["done", "done"]
    assert [o.status for o in second.outcomes] == ["done", "done"]
    assert [o.status for o in third.outcomes] == ["kept", "kept"]
    assert "frames have no gaze" in told[1] and told[0].startswith("[1/2] aa: done, 360 frames")
    assert third.as_dict()["seconds_a_clip"] is None


def test_side_by_side_as_one_after_the_other(ego4d: Path, prepared: Path, tmp_path: Path) -> None:
    assert not prepare.run(ego4d, tmp_path / "out", jobs=2).failed
    for name in ("aa", "bb"):
        ours, theirs = (root / store.VIDEOS / name for root in (tmp_path / "out", prepared))
        assert (ours / store.SOUND).read_bytes() == (theirs / store.SOUND).read_bytes()
    for split in ("train", "test"):
        ours, theirs = (root / "split" / f"{split}.list" for root in (tmp_path / "out", prepared))
        assert ours.read_text() == theirs.read_text()


def test_some_videos_only(ego4d: Path, tmp_path: Path) -> None:
    summary = prepare.run(ego4d, tmp_path / "out", videos=("bb",))
    assert [o.video for o in summary.outcomes] == ["bb"] and summary.clips == {"test": 2}
    with pytest.raises(DataError, match="no video cc"):
        prepare.run(ego4d, tmp_path / "out", videos=("cc",))


def _no_gaze(source: Path) -> None:
    (source / "gaze" / "aa.csv").unlink()


def _two_rows(source: Path) -> None:
    path = source / "gaze" / "aa.csv"
    path.write_text("\n".join(path.read_text().split("\n")[:3]))


def _slow(source: Path) -> None:
    filmed.write_video(source / "full_scale.gaze" / "aa.mp4", 300, 25, sound=filmed.tone(12))


def _no_sound(source: Path) -> None:
    filmed.write_video(source / "full_scale.gaze" / "aa.mp4", 360)


def _short_sound(source: Path) -> None:
    filmed.write_video(source / "full_scale.gaze" / "aa.mp4", 360, sound=filmed.tone(9))


def _no_video(source: Path) -> None:
    (source / "full_scale.gaze" / "aa.mp4").write_bytes(b"\0" * 100)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_no_gaze, "aa.csv is missing"),
        (_two_rows, "aa.csv has 2 rows of gaze"),
        (_slow, "aa.mp4: its frame rate is 25.000"),
        (_no_sound, "aa.mp4: it has no sound"),
        (_short_sound, "aa.mp4: its sound ends 3.00 s before the picture"),
        (_no_video, "aa.mp4 is not a video"),
    ],
)
def test_a_damaged_video_costs_itself(
    source: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    damage(source)
    summary = prepare.run(source, tmp_path / "out")
    assert [o.video for o in summary.failed] == ["aa"] and said in summary.failed[0].message
    assert store.prepared_videos(tmp_path / "out") == ("bb",)
    assert len(data.open_clips(tmp_path / "out", "test")) == 2
    with pytest.raises(DataError, match=r"train.list"):
        data.open_clips(tmp_path / "out", "train")


@pytest.mark.parametrize("damage", [_no_sound, _short_sound])
def test_silence_can_fill(source: Path, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    damage(source)
    summary = prepare.run(source, tmp_path / "out", fill_silence=True)
    assert not summary.failed and "are silent" in str(summary.as_dict()["notes_by_video"]["aa"])
    found = data.open_clips(tmp_path / "out", "train")
    assert np.isfinite(found[1]["sound"].numpy()).all()
    assert found.silent == (("aa",) if damage is _no_sound else ())


def test_sound_of_a_file_beside(source: Path, tmp_path: Path) -> None:
    _no_sound(source)
    path = source / "missing_audio" / "aa.wav"
    path.parent.mkdir()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        sound = np.repeat(filmed.tone(12), 2)
        stored = np.rint(np.stack([sound, sound], 1) * 32767).astype("<i2")
        file.writeframes(stored.tobytes())
    assert not prepare.run(source, tmp_path / "out").failed
    found = store.open_video(tmp_path / "out", "aa")
    assert found.has_sound and found.card["counts"]["sound_s"] == pytest.approx(12, abs=0.01)


def test_gaze_that_ends_early_is_told(source: Path, tmp_path: Path) -> None:
    filmed.write_gaze(source / "gaze" / "aa.csv", 6)
    summary = prepare.run(source, tmp_path / "out")
    assert "frames have no gaze" in summary.as_dict()["notes_by_video"]["aa"][0]
    assert (data.open_clips(tmp_path / "out", "train").kind[1] == UNTRACKED).all()


def test_listed_clips_beyond_a_video_are_left_out(source: Path, tmp_path: Path) -> None:
    with (source / "test_ego4d_gaze.csv").open("a") as file:
        file.write("bb/bb_t10_t15.mp4\r\n")
    summary = prepare.run(source, tmp_path / "out")
    assert summary.clips == {"train": 2, "test": 2}
    assert "1 clips of test are left out: their videos are too short" in summary.notes


def test_without_lists_of_its_own_unknown_videos_are_listed_apart(
    source: Path, tmp_path: Path
) -> None:
    for path in source.glob("*.csv"):
        path.unlink()
    (source / "ego4d_gaze_untracked.csv").write_text("bb,00:00:01,00:00:02,4\n")
    summary = prepare.run(source, tmp_path / "out")
    assert summary.clips == {prepare.OTHER: 3} and "made again by rule" in summary.notes[0]
    found = read_list(tmp_path / "out" / "split" / "other.list")
    assert [(c.video, c.start_s) for c in found] == [("aa", 0), ("aa", 5), ("bb", 5)]


def test_the_originals_clips_with_its_labels(ego4d: Path, prepared: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    told: list[str] = []
    prepare.run(ego4d, out, clip_files=True, told=told.append)
    assert "aa: 2 clips written, 0 kept" in told[-2] + told[-1]
    assert len(list(out.glob("clips.gaze/*/*.mp4"))) == 4
    for name in ("aa", "bb"):
        gaze = store.open_video(out, name).gaze
        rows = np.column_stack([np.arange(len(gaze)), gaze.xy, gaze.kind])
        path = out / "gaze_frame_label" / f"{name}_frame_label.csv"
        path.parent.mkdir(exist_ok=True)
        np.savetxt(path, rows, delimiter=",", header="frame,x,y,gaze_type", comments="", fmt="%.8f")
    for name in ("train", "test"):
        shutil.copy(ego4d / f"{name}_ego4d_gaze.csv", out)
    assert not prepare.run(out, again).failed
    ours, cut = (data.open_clips(root, "test") for root in (prepared, again))
    assert (ours.target_frames == cut.target_frames).all()
    assert np.abs(ours.gaze - cut.gaze).max() < 1e-7
    for n in range(2):
        # encoded anew: a little of the pictures and of the sound is lost
        assert (ours[n]["clip"] - cut[n]["clip"]).abs().max() < 4 / 255 / 0.225
        assert (ours[n]["sound"] - cut[n]["sound"]).abs().mean() < 1


def test_key_frames_do_not_matter(
    ego4d: Path, source: Path, prepared: Path, tmp_path: Path
) -> None:
    filmed.write_video(
        source / "full_scale.gaze" / "bb.mp4", 360, key_every=25, sound=filmed.tone(12, 1)
    )
    prepare.run(source, tmp_path / "out")
    ours, keyed = (data.open_clips(root, "test") for root in (prepared, tmp_path / "out"))
    for n in range(2):
        assert (ours[n]["clip"] - keyed[n]["clip"]).abs().max() < 1e-5


def test_what_cannot_be(tmp_path: Path, ego4d: Path) -> None:
    with pytest.raises(DataError, match="holds no video"):
        prepare.run(tmp_path, tmp_path / "out")
    with pytest.raises(UsageError, match="0 jobs"):
        prepare.run(ego4d, tmp_path / "out", jobs=0)

"""Ego4D's layout to an index over the original videos."""

from __future__ import annotations

import json
import shutil
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.datasets import listed
from eyeline.datasets.prepare import REPORT
from eyeline.errors import DataError, UsageError, VideoError
from eyeline.systems.gaze_anticipation import data, prepare
from eyeline.systems.gaze_anticipation.recordings import clips, cutting, store
from eyeline.systems.gaze_anticipation.recordings.clips import read_list
from eyeline.systems.gaze_anticipation.recordings.labels import UNTRACKED
from eyeline.video.audio import read_audio
from tests.systems.gaze_anticipation import filmed


@pytest.fixture
def source(ego4d: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(ego4d, tmp_path / "source"))


def test_all_is_there(prepared: Path) -> None:
    report = json.loads((prepared / REPORT).read_text())
    assert report["videos"] == {"done": 2} and report["clips"] == {"train": 2, "test": 2}
    assert report["frames"] == 720 and report["seconds"] == report["sound_s"] == 24
    assert report["failed"] == {} and report["seconds_a_clip"] > 0
    assert not list(prepared.rglob("*.mp4"))


def test_a_second_run_keeps_and_a_changed_file_is_taken_anew(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    known: list[str] = []
    first = prepare.run(source, out)
    filmed.write_gaze(source / "gaze" / "bb.csv", 11)
    (out / store.VIDEOS / "aa" / store.AUDIO).unlink()
    second = prepare.run(source, out, log=known.append)
    third = prepare.run(source, out)
    assert [o.status for o in first.outcomes] == ["done", "done"]
    assert [o.status for o in second.outcomes] == ["done", "done"]
    assert [o.status for o in third.outcomes] == ["kept", "kept"]
    assert "frames have no gaze" in known[2] and known[1].startswith("[1/2] aa: done, 360 frames")
    assert known[0].startswith("lists: those of")
    assert third.as_dict()["seconds_a_clip"] is None


def test_side_by_side_as_one_after_the_other(ego4d: Path, prepared: Path, tmp_path: Path) -> None:
    assert not prepare.run(ego4d, tmp_path / "out", jobs=2).failed
    for name in ("aa", "bb"):
        ours, theirs = (root / store.VIDEOS / name for root in (tmp_path / "out", prepared))
        assert (ours / store.AUDIO).read_bytes() == (theirs / store.AUDIO).read_bytes()
    for split in ("train", "test"):
        ours, theirs = (root / "split" / f"{split}.list" for root in (tmp_path / "out", prepared))
        assert ours.read_text() == theirs.read_text()


def test_some_videos_only(ego4d: Path, tmp_path: Path) -> None:
    summary = prepare.run(ego4d, tmp_path / "out", videos=("bb",))
    assert [o.name for o in summary.outcomes] == ["bb"] and summary.details["clips"] == {"test": 2}
    with pytest.raises(DataError, match="no video cc"):
        prepare.run(ego4d, tmp_path / "out", videos=("cc",))


def _no_gaze(source: Path) -> None:
    (source / "gaze" / "aa.csv").unlink()


def _two_rows(source: Path) -> None:
    path = source / "gaze" / "aa.csv"
    path.write_text("\n".join(path.read_text().split("\n")[:3]))


def _slow(source: Path) -> None:
    filmed.write_video(source / "full_scale.gaze" / "aa.mp4", 300, 25, audio=filmed.tone(12))


def _no_audio(source: Path) -> None:
    filmed.write_video(source / "full_scale.gaze" / "aa.mp4", 360)


def _short_audio(source: Path) -> None:
    filmed.write_video(source / "full_scale.gaze" / "aa.mp4", 360, audio=filmed.tone(9))


def _no_video(source: Path) -> None:
    (source / "full_scale.gaze" / "aa.mp4").write_bytes(b"\0" * 100)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_no_gaze, "aa.csv is missing"),
        (_two_rows, "aa.csv has 2 rows of gaze"),
        (_slow, "aa.mp4: its frame rate is 25.000"),
        (_no_audio, "aa.mp4: it has no audio"),
        (_short_audio, "aa.mp4: its audio ends 3.00 s before the image"),
        (_no_video, "aa.mp4 is not a video"),
    ],
)
def test_a_damaged_video_costs_itself(
    source: Path, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    damage(source)
    summary = prepare.run(source, tmp_path / "out")
    assert [o.name for o in summary.failed] == ["aa"] and said in summary.failed[0].message
    assert store.prepared_videos(tmp_path / "out") == ("bb",)
    assert len(data.open_clips(tmp_path / "out", "test")) == 2
    with pytest.raises(DataError, match=r"train.list"):
        data.open_clips(tmp_path / "out", "train")


@pytest.mark.parametrize("damage", [_no_audio, _short_audio])
def test_silence_can_fill(source: Path, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    damage(source)
    summary = prepare.run(source, tmp_path / "out", fill_silence=True)
    assert not summary.failed and "are silent" in str(summary.as_dict()["notes_by_video"]["aa"])
    result = data.open_clips(tmp_path / "out", "train")
    assert np.isfinite(result[1]["audio"].numpy()).all()
    assert result.silent == (("aa",) if damage is _no_audio else ())


def _write_missing_audio(source: Path, video: str = "aa", *, seed: int = 0, finer: int = 2) -> None:
    """Stereo, at some multiple of 24 kHz."""
    path = source / "missing_audio" / f"{video}.wav"
    path.parent.mkdir()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(24_000 * finer)
        audio = np.repeat(filmed.tone(12, seed), finer)
        stored = np.rint(np.stack([audio, audio], 1) * 32767).astype("<i2")
        file.writeframes(stored.tobytes())


def test_audio_of_a_file_parallel(source: Path, tmp_path: Path) -> None:
    _no_audio(source)
    _write_missing_audio(source)
    assert not prepare.run(source, tmp_path / "out").failed
    result = store.open_video(tmp_path / "out", "aa")
    assert result.has_audio and result.card["counts"]["sound_s"] == pytest.approx(12, abs=0.01)


def _far(ours: Path, theirs: Path) -> float:
    """Mean difference of the audio of two files, by the root mean square of the second."""
    a, b = (
        np.concatenate([block.samples for block in read_audio(path, 24_000, start_s=0.0)])[:110_000]
        for path in (ours, theirs)
    )
    return float(np.abs(a - b).mean() / np.sqrt((b**2).mean()))


def test_clips_have_the_audio_of_a_file_parallel(ego4d: Path, source: Path, tmp_path: Path) -> None:
    """Also those that an earlier version left without any."""
    _no_audio(source)
    _write_missing_audio(source)
    out, own = tmp_path / "out", tmp_path / "own"
    silent = out / "clips.gaze" / "aa" / "aa_t0_t5.mp4"
    filmed.write_video(silent, 150)
    known: list[str] = []
    prepare.run(source, out, clip_files=True, log=known.append)
    prepare.run(ego4d, own, clip_files=True)
    assert any(said.endswith("aa: 2 clips written, 0 kept") for said in known)
    for name in ("aa_t0_t5.mp4", "aa_t5_t10.mp4"):
        ours, theirs = (root / "clips.gaze" / "aa" / name for root in (out, own))
        assert _far(ours, theirs) < 0.3
    prepare.run(source, out, clip_files=True, log=known.append)
    assert any(said.endswith("aa: 0 clips written, 2 kept") for said in known)


def test_an_index_of_before_is_prepared_again(source: Path, tmp_path: Path) -> None:
    """One that does not know where the audio lies."""
    _no_audio(source)
    _write_missing_audio(source)
    assert not prepare.run(source, tmp_path / "out").failed
    path = tmp_path / "out" / store.VIDEOS / "aa" / store.INDEX
    content = dict(np.load(path))
    card = json.loads(str(content.pop("card")))
    del card["media"][0]["audio"]
    np.savez_compressed(path, **content, card=np.array(json.dumps(card)))
    outcomes = prepare.run(source, tmp_path / "out").outcomes
    assert [o.status for o in outcomes] == ["done", "kept"]


def test_silent_clips_take_their_part_of_the_audio_parallel(
    ego4d: Path, prepared: Path, tmp_path: Path
) -> None:
    cut, out = tmp_path / "cut", tmp_path / "out"
    prepare.run(ego4d, cut, original_layout=True)
    for path in (cut / "clips.gaze" / "bb").iterdir():
        filmed.write_video(path, 150)
    _write_missing_audio(cut, "bb", seed=1, finer=1)
    assert not prepare.run(cut, out).failed
    ours, theirs = (data.open_clips(root, "test") for root in (out, prepared))
    for n in range(2):
        assert (ours[n]["audio"] - theirs[n]["audio"]).abs().mean() < 0.1


def test_gaze_that_ends_early_is_reported(source: Path, tmp_path: Path) -> None:
    filmed.write_gaze(source / "gaze" / "aa.csv", 6)
    summary = prepare.run(source, tmp_path / "out")
    assert "frames have no gaze" in summary.as_dict()["notes_by_video"]["aa"][0]
    assert (data.open_clips(tmp_path / "out", "train").kind[1] == UNTRACKED).all()


def test_listed_clips_beyond_a_video_are_left_out(source: Path, tmp_path: Path) -> None:
    with (source / "test_ego4d_gaze.csv").open("a") as file:
        file.write("bb/bb_t10_t15.mp4\r\n")
    summary = prepare.run(source, tmp_path / "out")
    assert summary.details["clips"] == {"train": 2, "test": 2}
    assert "1 clips of test are left out: their videos are too short" in summary.notes


def test_a_listed_video_that_is_not_here_is_reported_in_prepare_and_evaluate(
    source: Path, tmp_path: Path
) -> None:
    path = source / "test_ego4d_gaze.csv"
    path.write_text(path.read_text() + "cc/cc_t0_t5.mp4\ncc/cc_t5_t10.mp4\ndd/dd_t0_t5.mp4\n")
    known: list[str] = []
    summary = prepare.run(source, tmp_path / "out", log=known.append)
    said = "2 of 3 listed videos are not here: cc, dd; test has 2 of 5 clips"
    assert said in known and said in summary.as_dict()["notes"]
    assert listed.notes(tmp_path / "out", "test") == (said,)
    assert listed.notes(tmp_path / "out", tmp_path / "out" / "split" / "test.list") == (said,)
    assert listed.notes(tmp_path / "out", "train") == ()
    path.write_text("bb/bb_t0_t5.mp4\n")
    prepare.run(source, tmp_path / "out")
    assert listed.notes(tmp_path / "out", "test") == (), "nothing lacks any more"


def test_videos_of_other_endings_are_taken_or_named(source: Path, tmp_path: Path) -> None:
    folder = source / "full_scale.gaze"
    (folder / "aa.mp4").rename(folder / "aa.MP4")
    shutil.copy(folder / "bb.mp4", folder / "bb.mov")
    (folder / "notes.docx").write_bytes(b"x")
    summary = prepare.run(source, tmp_path / "out")
    assert summary.as_dict()["videos"] == {"done": 2} and summary.details["clips"] == {
        "train": 2,
        "test": 2,
    }
    said = "passed over, not taken for videos: full_scale.gaze/bb.mov, full_scale.gaze/notes.docx"
    assert said in summary.notes


def test_gaze_of_a_download_that_is_named_like_a_video(source: Path, tmp_path: Path) -> None:
    (source / "gaze" / "aa.csv").rename(source / "gaze" / "aa.mp4")
    assert not prepare.run(source, tmp_path / "out").failed


def _own(source: Path) -> Path:
    """Without lists."""
    for path in source.glob("*.csv"):
        path.unlink()
    return source


def test_without_lists_videos_are_drawn_and_reported(source: Path, tmp_path: Path) -> None:
    known: list[str] = []
    summary = prepare.run(_own(source), tmp_path / "out", log=known.append)
    assert summary.details["clips"] == {"train": 2, "test": 2}
    assert "1 of 2 videos drawn to test on (test_fraction 0.2, seed 0)" in summary.notes[0]
    assert known[0] == summary.notes[0] and "train_ego4d_gaze.csv (or train.list)" in known[0]
    lists = [read_list(tmp_path / "out" / "split" / f"{split}.list") for split in ("train", "test")]
    assert sorted(clip.video for those in lists for clip in those) == ["aa", "aa", "bb", "bb"]
    again = prepare.run(source, tmp_path / "again", videos=("bb",))
    assert [*again.details["clips"]] == ["test" if lists[1][0].video == "bb" else "train"]


def test_a_video_to_test_on_alone_has_nothing_to_learn_from(source: Path, tmp_path: Path) -> None:
    filmed.write_video(_own(source) / "full_scale.gaze" / "bb.mp4", 120, audio=filmed.tone(4))
    summary = prepare.run(source, tmp_path / "out")
    assert (
        summary.notes[-1].startswith("no clip fits into bb") and len(summary.details["clips"]) == 1
    )
    (source / "full_scale.gaze" / "bb.mp4").unlink()
    assert prepare.run(source, tmp_path / "alone").details["clips"] == {"train": 2}


def test_videos_that_are_always_left_out_are_reported(source: Path, tmp_path: Path) -> None:
    name = sorted(clips.SKIPPED)[0]
    (source / "full_scale.gaze" / "aa.mp4").rename(source / "full_scale.gaze" / f"{name}.mp4")
    summary = prepare.run(source, tmp_path / "out")
    assert [o.name for o in summary.outcomes] == ["bb"]
    assert summary.notes[1] == f"left out, as by the published code: {name}"
    (source / "full_scale.gaze" / "bb.mp4").unlink()
    with pytest.raises(DataError, match="always left out"):
        prepare.run(source, tmp_path / "out")


def test_own_lists_of_whole_videos(source: Path, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "test.list").write_text("aa\n")
    summary = prepare.run(source, tmp_path / "out", lists=lists)
    assert summary.details["clips"] == {"test": 2, prepare.OTHER: 2}
    assert any("no list to train with" in note for note in summary.notes)
    (lists / "train.list").write_text("aa/aa_t5_t10.mp4\n")
    second = prepare.run(source, tmp_path / "out", lists=lists)
    assert second.details["clips"] == {"train": 1, "test": 2, prepare.OTHER: 2}
    assert "in train and in test: aa" in second.notes
    third = prepare.run(source, tmp_path / "out")
    assert third.details["clips"] == {"train": 2, "test": 2}
    assert not (tmp_path / "out" / "split" / "other.list").exists()


def test_lists_lie_in_data_too_or_are_overruled(source: Path, tmp_path: Path) -> None:
    (source / "data").mkdir()
    for path in source.glob("*.csv"):
        path.rename(source / "data" / path.name)
    summary = prepare.run(source, tmp_path / "out")
    assert summary.notes[0] == f"lists: those of {source / 'data'}"
    drawn = prepare.run(source, tmp_path / "out", test_fraction=0.5)
    assert "as asked for, lists or not" in drawn.notes[0]


def test_lists_of_other_videos(source: Path, tmp_path: Path) -> None:
    (_own(source) / "test_ego4d_gaze.csv").write_text("x/x_t0_t5.mp4\n")
    summary = prepare.run(source, tmp_path / "out")
    assert summary.details["clips"] == {prepare.OTHER: 4}
    assert "none of the 1 videos of the lists is here" in summary.notes


def test_clips_by_rule_keep_clear_of_what_is_not_tracked(source: Path, tmp_path: Path) -> None:
    path = _own(source) / "gaze" / "bb.csv"
    rows = path.read_text().split("\n")
    path.write_text("\n".join([rows[0], *rows[1:32], *rows[90:]]))
    summary = prepare.run(source, tmp_path / "out")
    assert (
        sum(summary.details["clips"].values()) == 3
        and "no ego4d_gaze_untracked.csv" in summary.notes[1]
    )
    (source / "ego4d_gaze_untracked.csv").write_text("aa,00:00:06,00:00:07,4\n")
    assert sum(prepare.run(source, tmp_path / "out").details["clips"].values()) == 3
    (source / "ego4d_gaze_untracked.csv").write_text("cc,00:00:06,00:00:07,4\n")
    assert sum(prepare.run(source, tmp_path / "out").details["clips"].values()) == 4


def test_the_originals_clips_with_its_labels(ego4d: Path, prepared: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    known: list[str] = []
    prepare.run(ego4d, out, clip_files=True, log=known.append)
    assert "aa: 2 clips written, 0 kept" in known[-2] + known[-1]
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
        # encoded anew: a little of the images and of the audio is lost
        assert (ours[n]["clip"] - cut[n]["clip"]).abs().max() < 4 / 255 / 0.225
        assert (ours[n]["audio"] - cut[n]["audio"]).abs().mean() < 1


def test_all_that_the_original_reads(ego4d: Path, prepared: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    assert not prepare.run(ego4d, out, original_layout=True).failed
    for split in ("train", "test"):
        name = f"{split}_ego4d_gaze.csv"
        assert (out / name).read_bytes() == (ego4d / name).read_bytes()
    result = store.open_video(out, "bb")
    rows = np.loadtxt(out / "gaze_frame_label" / "bb_frame_label.csv", delimiter=",", skiprows=1)
    assert (rows[:, 0] == np.arange(360)).all() and (rows[:, 3] == result.gaze.kind).all()
    assert (rows[:, 1:3] == result.gaze.xy).all()
    for clip in read_list(out / "test_ego4d_gaze.csv"):
        stem = Path(clip.line).with_suffix("")
        columns = np.load(out / "clips.audio_24kHz_stft" / f"{stem}.npy")
        assert columns.shape == (256, 1000) and columns.dtype == np.float32
        windows = result.heard(clip, np.array([0, 744]))
        assert np.abs(windows - np.stack([columns[:, :256], columns[:, 744:]])).max() < 1e-4
        assert (np.load(out / "clips.gaze.audio_stft" / f"{stem}.npy") == columns).all()
        with wave.open(str(out / "clips.audio_24kHz" / f"{stem}.wav")) as file:
            assert (file.getframerate(), file.getnframes()) == (24_000, 120_000)
    assert not prepare.run(out, again).failed
    ours, read = (data.open_clips(root, "test") for root in (prepared, again))
    assert (ours.gaze == read.gaze).all() and (ours.kind == read.kind).all()


def test_a_video_whose_clips_cannot_be_cut_costs_itself(
    ego4d: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = cutting._cut

    def damaged(found: store.PreparedVideo, *rest: Any) -> None:
        if found.video == "aa":
            raise VideoError("aa.mp4: frame 3 cannot be decoded")
        cut(found, *rest)

    monkeypatch.setattr(cutting, "_cut", damaged)
    summary = prepare.run(ego4d, tmp_path / "out", clip_files=True)
    assert [(o.name, o.message) for o in summary.failed] == [
        ("aa", "clips: aa.mp4: frame 3 cannot be decoded")
    ]
    assert len(list((tmp_path / "out").glob("clips.gaze/bb/*.mp4"))) == 2


def test_key_frames_do_not_matter(
    ego4d: Path, source: Path, prepared: Path, tmp_path: Path
) -> None:
    filmed.write_video(
        source / "full_scale.gaze" / "bb.mp4", 360, key_every=25, audio=filmed.tone(12, 1)
    )
    prepare.run(source, tmp_path / "out")
    ours, keyed = (data.open_clips(root, "test") for root in (prepared, tmp_path / "out"))
    for n in range(2):
        assert (ours[n]["clip"] - keyed[n]["clip"]).abs().max() < 1e-5


def test_what_cannot_be(tmp_path: Path, ego4d: Path) -> None:
    with pytest.raises(DataError, match="holds no video"):
        prepare.run(tmp_path, tmp_path / "out")
    with pytest.raises(UsageError, match="jobs is 0; must be at least 1"):
        prepare.run(ego4d, tmp_path / "out", jobs=0)
    with pytest.raises(DataError, match="holds no list: expected train_ego4d_gaze"):
        prepare.run(ego4d, tmp_path / "out", lists=tmp_path)

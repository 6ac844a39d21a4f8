"""Aria Everyday Activities, of today and of the pilot, to an index over videos."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_anticipation import data, prepare_aria
from eyeline.systems.gaze_anticipation.recordings import splits, store, vrs
from eyeline.systems.gaze_anticipation.recordings.labels import ARIA_SENSOR, aria_labels
from tests.systems.gaze_anticipation import filmed
from tests.systems.gaze_anticipation.invented import golden
from tests.systems.gaze_anticipation.recordings.test_tables import HEAD, table

NAME, MOVIE = "loc1_script1_seq1_rec1", "movie_514220390352260"
"""A recording that the lists know, by both of its names."""
SECONDS = 12
START_NS = 86_000_000_000


def today(root: Path, name: str = NAME) -> Path:
    """A recording of today's release that looks ahead and slowly to one side."""
    folder = root / name
    filmed.write_video(
        folder / "movie.mp4", 20 * SECONDS, 20, audio=filmed.tone(SECONDS), size=(64, 64)
    )
    times = START_NS + np.arange(20 * SECONDS) * 50_000_000
    (folder / "timestamps.csv").write_text("timestamp_ns\n" + "\n".join(map(str, times)) + "\n")
    (folder / "calibration.json").write_text(str(golden("aria_gaze")["DVT-S/calibration"]))
    gaze = folder / "mps" / "eye_gaze" / "general_eye_gaze.csv"
    gaze.parent.mkdir(parents=True)
    at_us = (START_NS // 1000) + np.arange(10 * SECONDS) * 100_000
    rows = [f"{t},{0.3 * np.sin(k / 20):.6f},-0.1,1.2,s" for k, t in enumerate(at_us)]
    gaze.write_text(
        "tracking_timestamp_us,yaw_rads_cpf,pitch_rads_cpf,depth_m,session_uid\n" + "\n".join(rows)
    )
    return folder


def lists(source: Path) -> None:
    """As the authors have them, of one recording."""
    lines = [f"{MOVIE}/{MOVIE}_t{s}_t{s + 4}.mp4\r\n" for s in (0, 2, 4, 6)]
    (source / "test_aria_gaze.csv").write_text("".join(lines))
    table(source / splits.NAMES, [HEAD, (f" {NAME}", MOVIE)])


def pilot(root: Path) -> Path:
    filmed.write_video(
        root / "full_scale" / f"{MOVIE}.mp4", 20 * SECONDS, 20, audio=filmed.tone(SECONDS)
    )
    group = root / "labels" / "loc1"
    group.mkdir(parents=True)
    row = [""] * 12
    row[6], row[11] = "rec1/gaze.csv", MOVIE.removeprefix("movie_")
    header = ",".join(f"c{n}" for n in range(12))
    (group / "data_summary.csv").write_text(f"{header}\n{','.join(row)}\n")
    (group / "rec1").mkdir()
    k = np.arange(10 * SECONDS)
    rows = [f"{t},{700 + 5 * t},{650 - 3 * t}" for t in k]
    (group / "rec1" / "gaze.csv").write_text("time,x,y\n" + "\n".join(rows) + "\n")
    return root


def test_todays_release(tmp_path: Path) -> None:
    lists(today(tmp_path / "source").parent)
    out = tmp_path / "out"
    summary = prepare_aria.run(tmp_path / "source", out)
    assert not summary.failed and [o.name for o in summary.outcomes] == [MOVIE]
    result = data.open_clips(out, "test")
    assert result.dataset == "aria" and result.start_s.tolist() == [0, 2, 4, 6]
    assert result.target_frames[2].tolist() == list(range(80 + 64, 80 + 100, 5))
    video = store.open_video(out, MOVIE)
    assert set(video.gaze.kind) == {0} and len(video.gaze) == 240
    # the wearer's left is the image's left: looking there makes x smaller
    assert video.gaze.xy[:60, 0].max() - video.gaze.xy[40, 0] > 0.05
    assert np.abs(result.ahead_s[0] - (5 + 5 * np.arange(8)) / 20).max() < 1e-9
    assert result[0]["clip"].shape == (3, 8, 256, 256)


def test_all_that_the_original_reads(tmp_path: Path) -> None:
    lists(today(tmp_path / "source").parent)
    out = tmp_path / "out"
    assert not prepare_aria.run(tmp_path / "source", out, original_layout=True).failed
    path = out / "gaze_frame_label" / f"{MOVIE}.csv"
    assert path.read_text().startswith("frame,timestamps_ns,x,y,gaze_type\n0,86000000000,")
    rows, gaze = np.loadtxt(path, delimiter=",", skiprows=1), store.open_video(out, MOVIE).gaze
    assert (rows[:, 1] == START_NS + np.arange(20 * SECONDS) * 50_000_000).all()
    assert (rows[:, 2:4] == gaze.xy).all() and (rows[:, 4] == gaze.kind).all()
    stems = [f"{MOVIE}/{MOVIE}_t{s}_t{s + 4}" for s in (0, 2, 4, 6)]
    for stem in stems:
        assert np.load(out / "clips.audio_24kHz_stft" / f"{stem}.npy").shape == (256, 1000)
        assert (out / "clips" / f"{stem}.mp4").is_file()
        assert (out / "clips.audio_24kHz" / f"{stem}.wav").is_file()
    listed = (out / "test_aria_gaze.csv").read_text().split()
    assert listed == [f"{stem}.mp4" for stem in stems]


def test_a_recording_in_no_list_keeps_its_name(tmp_path: Path) -> None:
    today(tmp_path / "source", "my_own_walk")
    lists(tmp_path / "source")
    summary = prepare_aria.run(tmp_path / "source", tmp_path / "out")
    assert summary.details["clips"] == {"other": 4} and summary.outcomes[0].name == "my_own_walk"


def test_without_lists_names_are_taken_as_they_are(tmp_path: Path) -> None:
    for name in (NAME, NAME.replace("rec1", "rec2"), NAME.replace("script1", "script2")):
        today(tmp_path / "source", name)
    table(tmp_path / "source" / splits.NAMES, [HEAD, (NAME, MOVIE)])
    summary = prepare_aria.run(tmp_path / "source", tmp_path / "out")
    assert summary.outcomes[0].name == NAME
    assert summary.details["clips"] in ({"train": 8, "test": 4}, {"train": 4, "test": 8})
    assert "videos drawn to test on" in summary.notes[0]


def test_the_authors_lists_and_names(authors: Path, tmp_path: Path) -> None:
    today(tmp_path / "source")
    summary = prepare_aria.run(tmp_path / "source", tmp_path / "out", lists=authors)
    assert [o.name for o in summary.outcomes] == [MOVIE]
    assert len(summary.details["clips"]) == 1 and {*summary.details["clips"]} < {"train", "test"}


def test_lists_without_the_table_of_names(tmp_path: Path) -> None:
    lists(today(tmp_path / "source").parent)
    (tmp_path / "source" / splits.NAMES).unlink()
    summary = prepare_aria.run(tmp_path / "source", tmp_path / "out")
    assert summary.details["clips"] == {"other": 4}
    assert any("put aria_video_ids_matching.xlsx" in note for note in summary.notes)


def test_a_recording_that_is_still_a_vrs_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = today(tmp_path / "source")
    created = tmp_path / "made"
    created.mkdir()
    for name in (vrs.MOVIE, vrs.TIMES, vrs.CALIBRATION):
        (folder / name).rename(created / name)
    (folder / "recording.vrs").write_bytes(b"synthetic")
    monkeypatch.setitem(sys.modules, "projectaria_tools", None)
    with pytest.raises(UsageError, match=r"pip install 'eyeline\[aria\]', or put"):
        prepare_aria.run(tmp_path / "source", tmp_path / "out")
    monkeypatch.setattr(vrs, "check_reader", lambda: None)
    monkeypatch.setattr(vrs, "export", lambda _, to: shutil.copytree(created, to))
    summary = prepare_aria.run(tmp_path / "source", tmp_path / "out")
    assert not summary.failed and (tmp_path / "out" / "recordings" / NAME / vrs.MOVIE).is_file()


def test_a_damaged_vrs_file_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(recording: Path, _: Path) -> None:
        raise DataError(f"{recording} cannot be read")

    monkeypatch.setattr(vrs, "check_reader", lambda: None)
    monkeypatch.setattr(vrs, "export", damaged)
    today(tmp_path / "source")
    other = today(tmp_path / "source", "other")
    (other / "movie.mp4").unlink()
    (other / "recording.vrs").write_bytes(b"synthetic")
    summary = prepare_aria.run(tmp_path / "source", tmp_path / "out")
    assert [o.status for o in summary.outcomes] == ["done", "failed"]
    assert "recording.vrs cannot be read" in summary.failed[0].message


def test_the_pilot(tmp_path: Path) -> None:
    source = pilot(tmp_path / "source")
    summary = prepare_aria.run(source, tmp_path / "out")
    assert not summary.failed
    k = np.arange(10 * SECONDS)
    wanted = aria_labels(k, 700 + 5 * k, 650 - 3 * k, 20 * SECONDS)
    result = store.open_video(tmp_path / "out", MOVIE).gaze
    assert np.abs(result.xy - wanted.xy).max() < 1e-12 and (result.kind == wanted.kind).all()
    assert result.xy[0].tolist() == [1 - 650 / ARIA_SENSOR, 700 / ARIA_SENSOR]


def _no_times(folder: Path) -> None:
    (folder / "timestamps.csv").unlink()


def _few_times(folder: Path) -> None:
    (folder / "timestamps.csv").write_text("timestamp_ns\n1\n2\n")


def _bad_times(folder: Path) -> None:
    (folder / "timestamps.csv").write_text("timestamp_ns\nnow\n")


def _no_calibration(folder: Path) -> None:
    (folder / "calibration.json").unlink()


def _other_clock(folder: Path) -> None:
    path = folder / "timestamps.csv"
    lines = path.read_text().split()
    later = [str(int(line) + 10**15) for line in lines[1:]]
    path.write_text("\n".join([lines[0], *later]))


def _slow(folder: Path) -> None:
    filmed.write_video(folder / "movie.mp4", 240, 30, audio=filmed.tone(8))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_no_times, "timestamps.csv is missing"),
        (_few_times, "timestamps.csv has 2 times"),
        (_bad_times, "timestamps.csv, line 2, column timestamp_ns"),
        (_no_calibration, "calibration.json is missing"),
        (_other_clock, "tracking_timestamp_us is nowhere near"),
        (_slow, "its frame rate is 30.000"),
    ],
)
def test_a_damaged_recording_costs_itself(tmp_path: Path, damage: object, said: str) -> None:
    folder = today(tmp_path / "source")
    assert callable(damage)
    damage(folder)
    summary = prepare_aria.run(tmp_path / "source", tmp_path / "out")
    assert len(summary.failed) == 1 and said in summary.failed[0].message
    report = json.loads((tmp_path / "out" / "prepare_report.json").read_text())
    assert report["videos"] == {"failed": 1} and list(report["failed"]) == [NAME]


def test_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no recording"):
        prepare_aria.run(tmp_path, tmp_path / "out")
    table = tmp_path / "labels" / "loc1" / "data_summary.csv"
    table.parent.mkdir(parents=True)
    table.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"data_summary.csv, line 2: 2 columns"):
        prepare_aria.run(tmp_path, tmp_path / "out")


def test_a_pairing_that_is_none(tmp_path: Path) -> None:
    today(tmp_path / "source")
    with pytest.raises(UsageError, match="no pairing"):
        prepare_aria.run(tmp_path / "source", tmp_path / "out", pairing="best")

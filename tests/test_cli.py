"""The command line on generated videos of every kind: one clear line, the right exit code, nothing
half written."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest

import eyeline as package
from tests.conftest import Command
from tests.video.generate import Audio, Clip, cut_off, write, write_audio

BLANK = Clip(frames=30, rate=Fraction(25), audio=Audio(end_s=1.2, clicks_s=(0.5,)))


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video without anybody in it."""
    return write(tmp_path_factory.mktemp("blank") / "blank.mp4", BLANK)


def left(folder: Path) -> list[str]:
    """What lies in an output folder, hidden things too."""
    return sorted(p.name for p in folder.rglob("*")) if folder.exists() else []


def test_a_video_without_anybody_is_a_valid_empty_analysis(
    eyeline: Command, blank: Path, tmp_path: Path
) -> None:
    ended = eyeline("analyze", blank, "-o", tmp_path / "out")
    assert ended.code == 0, ended.err
    analysis = package.load_analysis(tmp_path / "out" / "blank")
    assert (analysis.status, len(analysis.persons), len(analysis.people)) == ("ok", 0, 0)
    assert analysis.video.frame_count == 30
    assert any("no face" in warning for warning in analysis.warnings)
    assert {"report.html", "annotated.mp4", "timeline.eaf", "analysis.json"} <= set(
        left(tmp_path / "out")
    )


def _missing(folder: Path) -> Path:
    return folder / "none.mp4"


def _empty(folder: Path) -> Path:
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def _text(folder: Path) -> Path:
    (folder / "text.mp4").write_text("this is no video\n" * 50)
    return folder / "text.mp4"


def _audio_only(folder: Path) -> Path:
    return write_audio(folder / "sound.mp4", Audio())


@pytest.mark.parametrize("make", [_missing, _empty, _text, _audio_only])
def test_what_cannot_be_analysed_is_one_line_and_leaves_nothing(
    eyeline: Command, tmp_path: Path, make
) -> None:
    video = make(tmp_path)
    ended = eyeline("analyze", video, "-o", tmp_path / "out")
    assert ended.code == 1
    assert video.name in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert left(tmp_path / "out") == []


def test_one_bad_video_does_not_stop_the_others(
    eyeline: Command, blank: Path, tmp_path: Path
) -> None:
    ended = eyeline("analyze", _empty(tmp_path), blank, "-o", tmp_path / "out", "--no-video")
    assert ended.code == 1
    assert "empty.mp4" in ended.err
    assert (tmp_path / "out" / "blank" / "analysis.json").exists()
    assert not (tmp_path / "out" / "empty").exists()


def test_a_truncated_file_is_analysed_up_to_the_damage(eyeline: Command, tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.mp4", Clip(frames=100, rate=Fraction(25)), faststart=True)
    cut = cut_off(whole, tmp_path / "cut.mp4", 0.6)
    ended = eyeline("analyze", cut, "-o", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "partial" in ended.out
    analysis = package.load_analysis(tmp_path / "out" / "cut")
    assert analysis.status == "partial"
    assert 5 < analysis.video.frame_count < 90
    assert analysis.video.damage[-1].end_s == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize(
    "clip",
    [
        Clip(frames=30, rate=Fraction(25)),  # no audio
        Clip(frames=1, rate=Fraction(25)),  # one frame
        Clip(
            frames=12, rate=Fraction(25), size_wh=(97, 63), codec="libx264rgb", pixel_format="rgb24"
        ),  # odd sizes
        Clip(frames=12, rate=Fraction(25), turn_deg=90),  # a phone held upright
    ],
)
def test_unusual_videos_are_analysed(eyeline: Command, tmp_path: Path, clip: Clip) -> None:
    video = write(tmp_path / "odd.mkv" if clip.size_wh[0] % 2 else tmp_path / "odd.mp4", clip)
    ended = eyeline("analyze", video, "-o", tmp_path / "out")
    assert ended.code == 0, ended.err
    analysis = package.load_analysis(tmp_path / "out" / "odd")
    assert analysis.status == "ok"
    assert analysis.video.frame_count == clip.frames
    assert (analysis.video.width_px, analysis.video.height_px) == clip.size_wh


def test_the_same_command_again_does_nothing(eyeline: Command, blank: Path, tmp_path: Path) -> None:
    command = ("analyze", blank, "-o", tmp_path / "out", "--no-video")
    assert eyeline(*command).code == 0
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*")}
    again = eyeline(*command)
    assert again.code == 0
    assert "finished before" in again.out
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*")} == before


def test_other_settings_do_not_overwrite_unless_reported(
    eyeline: Command, blank: Path, tmp_path: Path
) -> None:
    assert eyeline("analyze", blank, "-o", tmp_path / "out", "--no-video").code == 0
    before = left(tmp_path / "out")
    other = ("analyze", blank, "-o", tmp_path / "out", "--no-video", "--rate", 5)
    refused = eyeline(*other)
    assert refused.code == 1
    assert "rate_hz was None, is 5.0" in refused.err
    assert left(tmp_path / "out") == before
    assert eyeline(*other, "--again").code == 0
    assert package.load_analysis(tmp_path / "out" / "blank").settings["rate_hz"] == 5.0


def test_a_folder_that_is_no_analysis_is_not_touched(
    eyeline: Command, blank: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "out" / "blank" / "thesis.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("three years")
    ended = eyeline("analyze", blank, "-o", tmp_path / "out")
    assert ended.code == 1
    assert "in the way" in ended.err
    assert precious.read_text() == "three years"


def test_a_place_that_cannot_be_written(eyeline: Command, blank: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = eyeline("analyze", blank, "-o", tmp_path / "file" / "out")
    assert ended.code == 1
    assert "cannot be written" in ended.err
    assert len(ended.err.strip().splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device on this system")
def test_a_full_disk_is_reported_and_leaves_nothing(
    eyeline: Command, blank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eyeline import files

    def full(path: Path, data: bytes) -> Path:
        with files.replacing(path):
            raise OSError(28, os.strerror(28), str(path))

    monkeypatch.setattr("eyeline.export.coding.write_bytes", full)
    ended = eyeline("analyze", blank, "-o", tmp_path / "out", "--no-video")
    assert ended.code == 1
    assert "No space left" in ended.err
    assert left(tmp_path / "out") == []


def test_folders_are_searched_and_keep_their_shape(
    eyeline: Command, blank: Path, tmp_path: Path
) -> None:
    for name in ("day1/a.mp4", "day2/a.mp4", "day2/notes.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(blank.read_bytes())
    ended = eyeline("analyze", tmp_path / "in", "-o", tmp_path / "out", "--no-video", "--rate", 5)
    assert ended.code == 0, ended.err
    result = (tmp_path / "out").rglob("analysis.json")
    names = {p.parent.relative_to(tmp_path / "out").as_posix() for p in result}
    assert names == {"day1/a", "day2/a"}


def test_two_at_a_time(eyeline: Command, blank: Path, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(blank.read_bytes())
    ended = eyeline(
        "analyze",
        tmp_path / "a.mp4",
        tmp_path / "b.mp4",
        _missing(tmp_path),
        "-o",
        tmp_path / "out",
        "--no-video",
        "--rate",
        5,
        "--jobs",
        2,
    )
    assert ended.code == 1
    assert "2 of 3 videos done, 1 failed" in ended.out
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"a", "b"}


@pytest.mark.parametrize(
    ("options", "known"),
    [
        (["--systems", "gaze"], "no system called 'gaze'"),
        (["--systems", "gaze_3d/best"], "gaze_3d has no builder 'best'"),
        (["--systems", "lam"], "add --ego"),
        (["--rate", "0"], "--rate 0.0"),
        (["--fov", "200"], "--fov 200.0"),
        (["--fov", "60", "--intrinsics", "1,1,1,1"], "not both"),
        (["--intrinsics", "1,2,3"], "fx,fy,cx,cy"),
        (["--speaker", "ears"], "no speaker method 'ears'"),
        (["--speaker", "lr_asd"], "needs --speaker-weights FILE: the authors' finetuning_TalkSet"),
        (["--speaker", "syncnet"], "syncnet_v2.model, which they offer"),
        (["--speaker", "syncnet"], "eyeline import gaze_following syncnet_v2.model -o"),
        (["--speaker-weights", "none.model"], "belong to --speaker lr_asd or syncnet"),
        (["--speaker", "syncnet", "--speaker-weights", "none.model"], "no such file"),
        (["--boxes", "none.txt"], "no such file"),
    ],
)
def test_wrong_options_are_usage_errors(
    eyeline: Command, blank: Path, tmp_path: Path, options: list[str], known: str
) -> None:
    ended = eyeline("analyze", blank, "-o", tmp_path / "out", *options)
    assert ended.code == 2
    assert known in ended.err
    assert left(tmp_path / "out") == []


def test_no_command_is_help(eyeline: Command) -> None:
    assert "analyze" in eyeline("--help").out


def test_version(eyeline: Command) -> None:
    assert eyeline("--version").out.strip() == package.__version__


def test_list_says_of_each_builder_what_it_is(eyeline: Command) -> None:
    import json

    rows = json.loads(eyeline("list", "--json").out)
    names = {f"{row['system']}/{row['builder']}" for row in rows}
    assert {
        "eye_contact/landmarks_tcn",
        "eye_contact/camera_angle",
        "gaze_3d/head_pose",
        "gaze_following/ray",
        "ego_social/contact_and_voice",
        "gaze_anticipation/centre_prior",
        "gaze_following/mask_rcnn_mlp",
        "speech/mouth_agreement",
        "speech/lr_asd",
        "speech/syncnet",
    } <= names
    assert all(row["what"] and row["measured"] and row["licence"] for row in rows)
    ready = {row["builder"]: row["ready"] for row in rows if row["system"] == "speech"}
    assert ready == {"mouth_agreement": True, "lr_asd": False, "syncnet": False}
    targets = next(row for row in rows if row["builder"] == "mask_rcnn_mlp")
    assert targets["weights"] == (
        "gaze_following/mask_rcnn: missing, eyeline download vgs_mask_rcnn; takes one more of "
        "matcher, slope_mlp, or does without"
    )
    assert "landmarks_tcn" in eyeline("list").out


def test_evaluate_says_what_the_weights_have_seen(eyeline: Command, shared: Path) -> None:
    data = shared / "reference" / "ecs" / "data"
    ended = eyeline("evaluate", "ecs/ecs_landmarks", "--data", data)
    assert ended.code == 0, ended.err
    assert "37 of these videos were in the training" in ended.err
    assert '"frames": 118687' in ended.out


@pytest.mark.parametrize(
    ("recipe", "known"),
    [
        ("eye_contact/best", "it has: ecs_landmarks"),
        ("vgs/vgs", "gaze_lle_in_out, mask_rcnn_h, mask_rcnn"),
    ],
)
def test_unknown_recipes_are_usage_errors(
    eyeline: Command, tmp_path: Path, recipe: str, known: str
) -> None:
    ended = eyeline("train", recipe, "--data", tmp_path, "-o", tmp_path / "out")
    assert ended.code == 2
    assert known in ended.err


def test_show_draws_a_data_set_and_fails_where_a_camera_is_damaged(
    eyeline: Command, tmp_path: Path
) -> None:
    from eyeline.systems.gaze_3d import synthesize

    data, out = tmp_path / "data", tmp_path / "out.png"
    synthesize.run(data, sessions=2, test_sessions=1, frames=8, width_px=64)
    ended = eyeline("show", "gafa", "--data", data, "-o", out)
    assert ended.code == 0 and '"item": "made/000"' in ended.out, ended.err
    again = eyeline("show", "gaze_3d/gafa", "--data", data, "-o", out)
    assert again.code == 1 and "is there already" in again.err
    (data / "raw_data" / "made" / "000" / "Camera2_0.pkl").write_bytes(b"nothing")
    ended = eyeline("show", "gaze_3d/gafa", "--data", data, "-o", tmp_path / "other.png")
    assert ended.code == 1 and "Camera2_0" in ended.out


@pytest.mark.parametrize(
    ("dataset", "out", "message"),
    [
        ("eye_contact/none", "a.png", "draws no data set 'none'; it draws: eye_contact/test"),
        ("gaze_following", "a.png", "gaze_following/vgs, gaze_following/attention_target"),
        ("eye_contact", "a.svg", "expected a name that ends in .png, .jpg, .mp4"),
    ],
)
def test_show_of_what_cannot_be_drawn(
    eyeline: Command, tmp_path: Path, dataset: str, out: str, message: str
) -> None:
    ended = eyeline("show", dataset, "--data", tmp_path, "-o", tmp_path / out)
    assert ended.code == 2 and message in ended.err
    assert left(tmp_path) == []


def test_all_systems_draw_their_data_sets() -> None:
    from eyeline.system import list_systems

    assert all(system.show for system in list_systems())


def test_all_systems_evaluate_in_several_processes() -> None:
    from eyeline.cli.research import _several
    from eyeline.system import list_systems

    runs = [system.evaluate for system in list_systems()]
    asked = [_several(run, "recipe", "cpu", 2, "local") for run in runs if run]
    assert [options["devices"].count for options in asked] == [2] * 5


def test_of_several_processes_one_prints_and_each_says_what_it_alone_cannot_do(
    eyeline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eyeline.cli.console import print_json, rank

    arguments = ("show", "gaze_3d", "--data", tmp_path / "none", "-o", tmp_path / "out.png")
    first = eyeline(*arguments)
    monkeypatch.setenv("LOCAL_RANK", "1")
    other = eyeline(*arguments)
    assert first.code == other.code == 1 and rank() == 1
    assert other.err == first.err.replace("eyeline: ", "eyeline: process 1: ")
    assert eyeline("list").code == 0
    print_json({"a": 1})
    monkeypatch.setattr("eyeline.errors.DataError.everywhere", True)
    assert eyeline(*arguments).err == ""

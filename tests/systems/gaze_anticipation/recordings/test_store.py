"""Prepared videos: audio as of single clips, and what is damaged or gone."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation import prepare
from eyeline.systems.gaze_anticipation.recordings import store
from eyeline.systems.gaze_anticipation.recordings.clips import Clip
from eyeline.systems.gaze_anticipation.windows import spectrogram
from eyeline.systems.gaze_anticipation.windows.spectrogram import SILENCE
from tests.systems.gaze_anticipation.filmed import tone, write_video


@pytest.fixture
def own(prepared: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(prepared, tmp_path / "own"))


@pytest.mark.parametrize("start_s", [0, 5, 7])
def test_audio_is_that_of_the_clip_alone(prepared: Path, start_s: int) -> None:
    video = store.open_video(prepared, "aa")
    audio = spectrogram.to_16_bits(tone(12, 0))[24_000 * start_s : 24_000 * (start_s + 5)]
    alone = spectrogram.spectrogram(audio)
    starts = np.array([0, 19, 500, 744])
    result = video.heard(Clip("aa", start_s), starts)
    for part, start in zip(result, starts, strict=True):
        assert np.abs(part - alone[:, start : start + 256]).max() < 1e-4


def test_beyond_the_audio_is_silence(ego4d: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "full_scale.gaze" / "aa.mp4", 360, audio=tone(11.5))
    shutil.copytree(ego4d / "gaze", tmp_path / "gaze")
    summary = prepare.run(tmp_path, tmp_path / "out")
    assert summary.outcomes[0].notes == ("the last 0.50 s are silent",)
    result = store.open_video(tmp_path / "out", "aa").heard(Clip("aa", 7), np.array([700, 744]))
    assert (result[0, :, 200:] == SILENCE).all() and (result[1, :, 156:] == SILENCE).all()
    assert (result[0, :, :199] != SILENCE).all()


def test_travels_to_another_process(prepared: Path) -> None:
    video = store.open_video(prepared, "bb")
    again = pickle.loads(pickle.dumps(video))
    assert again.video == "bb" and (again.gaze.xy == video.gaze.xy).all()


def test_moved_together_with_its_source(ego4d: Path, prepared: Path, tmp_path: Path) -> None:
    shutil.copytree(ego4d, tmp_path / ego4d.name)
    shutil.copytree(prepared, tmp_path / prepared.name)
    result = store.open_video(tmp_path / prepared.name, "aa").media[0].path
    assert result == (tmp_path / ego4d.name / "full_scale.gaze" / "aa.mp4").resolve()


def test_videos_that_are_there(prepared: Path) -> None:
    assert store.prepared_videos(prepared) == ("aa", "bb")
    card = json.loads((prepared / store.CARD).read_text())
    assert card["videos"] == ["aa", "bb"] and card["dataset"] == "ego4d"


def test_damaged_index(own: Path) -> None:
    path = own / store.VIDEOS / "aa" / store.INDEX
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"video aa: .* is damaged"):
        store.open_video(own, "aa")
    np.savez(path, xy=np.zeros((1, 2)))
    with pytest.raises(DataError, match="lacks kind"):
        store.open_video(own, "aa")
    path.unlink()
    with pytest.raises(DataError, match="video aa is not prepared"):
        store.open_video(own, "aa")


def test_another_version(own: Path) -> None:
    path = own / store.VIDEOS / "aa" / store.INDEX
    with np.load(path) as file:
        content = dict(file)
    content["card"] = np.array(json.dumps(json.loads(str(content["card"])) | {"version": 99}))
    np.savez(path, **content)
    with pytest.raises(DataError, match="layout 99"):
        store.open_video(own, "aa")


def test_audio_cut_short(own: Path) -> None:
    path = own / store.VIDEOS / "aa" / store.AUDIO
    np.save(path, np.load(path)[:100])
    with pytest.raises(DataError, match=r"sound.npy has shape \(100, 256\)"):
        store.open_video(own, "aa").check()
    path.unlink()
    with pytest.raises(DataError, match="cannot read"):
        store.open_video(own, "aa").check()


def test_source_that_is_gone(own: Path, ego4d: Path) -> None:
    video = store.open_video(own, "aa")
    video.card["media"][0].update(path=str(own / "gone.mp4"), beside="../nowhere/gone.mp4")
    with pytest.raises(DataError, match=r"gone.mp4 is gone"):
        video.check()


@pytest.mark.parametrize("start_s", [8, 100])
def test_a_clip_beyond_the_end(prepared: Path, start_s: int) -> None:
    with pytest.raises(DataError, match=r"lasts 12.00 s"):
        store.open_video(prepared, "aa").span(Clip("aa", start_s))

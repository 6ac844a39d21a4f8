"""Recordings of Aria glasses to plain videos, with a stand-in for Project Aria's reader."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_anticipation.recordings import vrs
from eyeline.systems.gaze_anticipation.recordings.device import read_calibrations
from eyeline.systems.gaze_anticipation.recordings.footage import Videos, find_frames
from eyeline.video.audio import read_audio
from eyeline.video.reader import probe
from tests.systems.gaze_anticipation.invented import golden

MS = 1_000_000
TAKEN = np.array([0, 51, 100, 150, 250, 301, 350]) * MS + 86 * 1000 * MS
"""One frame was dropped, at 200 ms."""
RATE, CHANNELS = 48_000, 7


GLASSES = json.loads(str(golden("aria_gaze")["DVT-S/calibration"]))


class Device:
    """A calibration as the reader has it, of the golden file's."""

    def __init__(self, lacking: str) -> None:
        self.lacking = lacking

    def get_device_subtype(self) -> str:
        return "DVT-S"

    def get_camera_calib(self, label: str) -> Any:
        if label == self.lacking:
            return None
        camera = next(c for c in GLASSES["CameraCalibrations"] if c["Label"] == label)
        pose = SimpleNamespace(translation=lambda: [camera["T_Device_Camera"]["Translation"]])
        return SimpleNamespace(
            get_projection_params=lambda: np.array(camera["Projection"]["Params"]),
            get_image_size=lambda: np.array([2880, 2880]),
            get_transform_device_camera=lambda: pose,
        )


class Reader:
    """Seven frames, each with a bright left half that turns up on top, and seven microphones."""

    lacking = ""

    def get_stream_id_from_label(self, label: str) -> str | None:
        return label if label in ("camera-rgb", "mic") else None

    def get_timestamps_ns(self, stream: str, _: Any) -> list[int]:
        return TAKEN.tolist() if stream == "camera-rgb" else []

    def get_num_data(self, _: str) -> int:
        return 5

    def get_image_data_by_index(self, _: str, number: int) -> Any:
        image = np.full((32, 32, 3), 20 * number, np.uint8)
        image[:, :16] = 200
        return (SimpleNamespace(to_numpy_array=lambda: image), None)

    def get_audio_configuration(self, _: str) -> Any:
        return SimpleNamespace(num_channels=CHANNELS, sample_rate=RATE)

    def get_audio_data_by_index(self, _: str, number: int) -> Any:
        begin = int(TAKEN[0]) + (number - 1) * 100 * MS
        line = np.repeat(np.full(RATE // 10, 1000 * number * 65536), CHANNELS)
        return (SimpleNamespace(data=line.tolist()), SimpleNamespace(capture_timestamps_ns=[begin]))

    def get_device_calibration(self) -> Any:
        return Device(self.lacking)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> None:
    parts: dict[str, dict[str, Any]] = {
        "data_provider": {"create_vrs_data_provider": lambda _: Reader()},
        "sensor_data": {"TimeDomain": SimpleNamespace(DEVICE_TIME=1)},
    }
    for name in ("projectaria_tools", "projectaria_tools.core"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    for name, content in parts.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, f"projectaria_tools.core.{name}", module)


@pytest.mark.usefixtures("reader")
def test_writes_what_was_recorded(tmp_path: Path) -> None:
    folder = vrs.export(tmp_path / "recording.vrs", tmp_path / "out")
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        [vrs.MOVIE, vrs.TIMES, vrs.CALIBRATION]
    )
    frames = find_frames(folder / vrs.MOVIE)
    assert len(frames) == 8 and frames.rate_hz == 20
    images = Videos().read(folder / vrs.MOVIE, frames, np.arange(8)).astype(int)
    assert (np.abs(images[:, :14].mean((1, 2, 3)) - 200) < 4).all()  # the left half, on top
    shades = images[:, 18:].mean((1, 2, 3)) / 20
    assert np.round(shades).tolist() == [0, 1, 2, 3, 3, 4, 5, 6]
    times = [int(line) for line in (folder / vrs.TIMES).read_text().split()[1:]]
    assert times == TAKEN[[0, 1, 2, 3, 3, 4, 5, 6]].tolist()
    (result,) = read_calibrations(folder / vrs.CALIBRATION)
    original = tmp_path / "calibration.json"
    original.write_text(json.dumps(GLASSES))
    (wanted,) = read_calibrations(original)
    assert np.array_equal(result.parameters, wanted.parameters) and result.frame == wanted.frame


@pytest.mark.usefixtures("reader")
def test_a_recording_without_calibration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "lacking", "camera-slam-left")
    with pytest.raises(DataError, match=r"recording.vrs bears no calibration"):
        vrs.export(tmp_path / "recording.vrs", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("reader")
def test_audio_begins_with_the_first_frame(tmp_path: Path) -> None:
    folder = vrs.export(tmp_path / "recording.vrs", tmp_path / "out")
    info = probe(folder / vrs.MOVIE)
    blocks = read_audio(folder / vrs.MOVIE, RATE, start_s=info.start_s)
    audio = np.concatenate([block.samples for block in blocks]) * 32768
    heard = [audio[round((0.05 + 0.1 * k) * RATE)] for k in range(4)]
    assert np.abs(np.array(heard) - [1000, 2000, 3000, 4000]).max() < 250


@pytest.mark.usefixtures("reader")
def test_what_is_there_is_kept(tmp_path: Path) -> None:
    folder = vrs.export(tmp_path / "recording.vrs", tmp_path / "out")
    before = (folder / vrs.MOVIE).stat().st_mtime_ns
    vrs.export(tmp_path / "recording.vrs", folder)
    assert (folder / vrs.MOVIE).stat().st_mtime_ns == before


def test_says_what_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "projectaria_tools", None)
    with pytest.raises(UsageError, match=r"pip install 'eyeline\[aria\]', or put"):
        vrs.export(tmp_path / "recording.vrs", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("given", [None, RuntimeError("damaged")])
def test_a_file_that_cannot_be_read(tmp_path: Path, given: Any) -> None:
    def read(_: str) -> Any:
        if given is not None:
            raise given

    sys.modules["projectaria_tools.core.data_provider"].create_vrs_data_provider = read  # type: ignore[attr-defined]
    with pytest.raises(DataError, match=r"recording.vrs cannot be read"):
        vrs.export(tmp_path / "recording.vrs", tmp_path / "out")

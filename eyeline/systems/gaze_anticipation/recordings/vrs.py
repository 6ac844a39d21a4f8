"""A recording of Aria glasses as a plain video, by Project Aria's own reader where it is there."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError
from eyeline.extras import needed_by
from eyeline.files import atomic_dir, write_bytes, write_json
from eyeline.results import Image, Ints, VideoInfo
from eyeline.video.audio import write_wav
from eyeline.video.writer import VideoWriter

MOVIE, TIMES, CALIBRATION = "movie.mp4", "timestamps.csv", "calibration.json"
RATE_HZ = 20
"""Frames a second of the recordings, and of the video."""

_LABEL, _MICROPHONES = "camera-rgb", "mic"
_CAMERAS = (_LABEL, "camera-slam-left", "camera-slam-right")
_LENS = "FisheyeRadTanThinPrism"
_NS = 1_000_000_000


def export(recording: Path, folder: Path) -> Path:
    """Write upright frames at a constant rate, the mean of all microphones, times and calibration.

    The folder is kept if it is there. It has `movie.mp4`, `timestamps.csv` (`timestamp_ns` of each
    frame on the device's clock) and `calibration.json`. DataError where Project Aria's reader is
    not installed, or cannot read the file.
    """
    if (folder / MOVIE).is_file() and (folder / TIMES).is_file():
        return folder
    provider, device_time = _opened(recording)
    stream = provider.get_stream_id_from_label(_LABEL)
    if stream is None:
        raise DataError(f"{recording} has no stream {_LABEL}")
    taken = np.array(provider.get_timestamps_ns(stream, device_time), np.int64)
    if len(taken) < 2:
        raise DataError(f"{recording} has {len(taken)} frames of {_LABEL}; at least 2 are needed")
    numbers = on_grid(taken)
    with atomic_dir(folder) as place:
        _write_movie(place, provider, stream, numbers, taken)
        lines = "".join(f"{t}\n" for t in taken[numbers].tolist())
        write_bytes(place / TIMES, f"timestamp_ns\n{lines}".encode())
        write_json(place / CALIBRATION, calibration_words(provider, recording))
    return folder


def on_grid(time_ns: Ints) -> Ints:
    """Numbers of the frames nearest to a constant rate; what was dropped is the frame before."""
    count = round((time_ns[-1] - time_ns[0]) * RATE_HZ / _NS) + 1
    wanted = time_ns[0] + np.arange(count) * _NS // RATE_HZ
    centre = (time_ns[1:] + time_ns[:-1]) // 2
    return np.asarray(np.searchsorted(centre, wanted), np.int64)


def check_reader() -> None:
    """UsageError unless Project Aria's reader is installed."""
    with needed_by("a VRS file", f"put {MOVIE}, {TIMES} and {CALIBRATION} beside it"):
        import projectaria_tools  # noqa: F401


def calibration_words(provider: Any, recording: Path) -> dict[str, Any]:
    """What `device.read_calibrations` takes of a recording's calibration.

    Written here, since the reader has words of its own only from version 2 on, which cannot be
    installed beside the `rerun` extra. DataError where the recording has none, or lacks a camera.
    """
    device = provider.get_device_calibration()
    if device is None or any(device.get_camera_calib(label) is None for label in _CAMERAS):
        raise DataError(f"{recording} bears no calibration of {', '.join(_CAMERAS)}")
    cameras = [device.get_camera_calib(label) for label in _CAMERAS]
    return {
        "DeviceClassInfo": {"BuildVersion": str(device.get_device_subtype())},
        "CameraCalibrations": [
            _camera_words(label, camera) for label, camera in zip(_CAMERAS, cameras, strict=True)
        ],
    }


def _camera_words(label: str, camera: Any) -> dict[str, Any]:
    place = np.asarray(camera.get_transform_device_camera().translation(), np.float64)
    lens = np.asarray(camera.get_projection_params(), np.float64)
    return {
        "Label": label,
        "Projection": {"Name": _LENS, "Params": lens.tolist()},
        "T_Device_Camera": {"Translation": place.ravel().tolist()},
        "ConfigData": {"ImageWidth": int(camera.get_image_size()[0])},
    }


def _opened(recording: Path) -> tuple[Any, Any]:
    """Reader, and the name of the device's clock."""
    check_reader()
    from projectaria_tools.core import data_provider, sensor_data

    try:
        provider = data_provider.create_vrs_data_provider(str(recording))
    except (RuntimeError, ValueError) as error:
        raise DataError(f"{recording} cannot be read: {error}") from error
    if provider is None:
        raise DataError(f"{recording} cannot be read as a VRS file")
    return provider, sensor_data.TimeDomain.DEVICE_TIME


def _write_movie(place: Path, provider: Any, stream: Any, numbers: Ints, taken: Ints) -> None:
    first = _upright(provider, stream, int(numbers[0]))
    height, width = first.shape[:2]
    seconds = len(numbers) / RATE_HZ
    info = VideoInfo(
        path=str(place / MOVIE),
        width_px=width,
        height_px=height,
        rate_hz=Fraction(RATE_HZ),
        start_s=0.0,
        duration_s=seconds,
        frame_count=len(numbers),
        has_audio=False,
        rotation_deg=0,
        pixel_aspect=Fraction(1),
        variable_rate=False,
    )
    wav = place / ".sound.wav"
    audio = _write_audio(wav, provider, int(taken[0]), seconds)
    try:
        with VideoWriter(
            place / MOVIE, info, audio_from=wav if audio else None, preset="medium", quality=18
        ) as writer:
            for k, number in enumerate(numbers.tolist()):
                image = _upright(provider, stream, number)
                writer.write(image, k / RATE_HZ, (k + 1) / RATE_HZ)
    finally:
        wav.unlink(missing_ok=True)


def _upright(provider: Any, stream: Any, number: int) -> Image:
    """A frame, a quarter turn clockwise from how the sensor lies."""
    image = provider.get_image_data_by_index(stream, number)[0].to_numpy_array()
    return np.ascontiguousarray(np.rot90(image, -1), np.uint8)


def _write_audio(path: Path, provider: Any, start_ns: int, seconds: float) -> bool:
    """The microphones' mean from the first frame on; whether there are any."""
    stream = provider.get_stream_id_from_label(_MICROPHONES)
    if stream is None or not provider.get_num_data(stream):
        return False
    configuration = provider.get_audio_configuration(stream)
    rate = int(configuration.sample_rate)
    line = np.zeros(round(seconds * rate), np.int16)
    for begin_ns, samples in _blocks(provider, stream, int(configuration.num_channels)):
        at = round((begin_ns - start_ns) * rate / _NS)
        part = samples[max(-at, 0) :][: max(len(line) - max(at, 0), 0)]
        line[max(at, 0) : max(at, 0) + len(part)] = part
    write_wav(path, line, rate)
    return True


def _blocks(
    provider: Any, stream: Any, channels: int
) -> Iterator[tuple[int, npt.NDArray[np.int16]]]:
    """Time of the first sample of each block, and its samples of 16 bits."""
    for number in range(provider.get_num_data(stream)):
        result, record = provider.get_audio_data_by_index(stream, number)
        every = np.array(result.data, np.float64).reshape(-1, channels).mean(axis=1)
        # stored in 32 bits, of which the upper 16 are heard
        yield int(record.capture_timestamps_ns[0]), np.round(every / 65536).astype(np.int16)

"""Preparing Aria Everyday Activities: today's release, or the pilot that the paper used.

Gaze of today's release was worked out anew after the pilot's, so scores on it are not the paper's.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eyeline.errors import DataError
from eyeline.files import made
from eyeline.results import Ints
from eyeline.systems.gaze_anticipation import aria, labels, vrs
from eyeline.systems.gaze_anticipation.clips import aea_names, mended_name
from eyeline.systems.gaze_anticipation.device import read_calibrations
from eyeline.systems.gaze_anticipation.footage import Frames
from eyeline.systems.gaze_anticipation.labels import FrameGaze
from eyeline.systems.gaze_anticipation.prepare import Summary, Told, chosen, prepare_all
from eyeline.systems.gaze_anticipation.preparing import Settings
from eyeline.systems.gaze_anticipation.raw import Raw, find_lists

EXPORT = "recordings"
"""Below the prepared data set: videos of VRS files."""

_GAZE = tuple(
    f"{folder}{name}"
    for folder in ("mps/eye_gaze/", "eye_gaze/", "mps/", "")
    for name in ("general_eye_gaze.csv", "generalized_eye_gaze.csv")
)
_CALIBRATION = (
    vrs.CALIBRATION, "mps/slam/online_calibration.jsonl", "mps/trajectory/online_calibration.jsonl",
    "slam/online_calibration.jsonl", "online_calibration.jsonl",
)  # fmt: skip
_SUMMARY_PATH, _SUMMARY_VIDEO = 6, 11


@dataclass(frozen=True)
class Recording:
    """A recording of today's release: a folder with gaze, and a video or a VRS file."""

    video: str
    """Its name in the lists, `movie_<id>`, or the folder's where the lists do not know it."""
    movie: Path
    times: Path
    """`timestamp_ns` of each frame of the video, on the device's clock."""
    gaze: Path
    calibration: Path
    pairing: str = "linear"
    dataset: str = "aria"
    sound: Path | None = None

    @property
    def media(self) -> tuple[tuple[Path, int | None], ...]:
        """The video."""
        return ((self.movie, None),)

    @property
    def files(self) -> tuple[Path, ...]:
        """All that it is made of."""
        return self.movie, self.times, self.gaze, self.calibration

    def labels(self, frames: Frames) -> FrameGaze:
        """Gaze projected into the camera, paired to frames by time.

        Raises:
            DataError: a file is not there or damaged, or the times are not those of the frames.
        """
        frame_ns = read_times(self.times)
        if len(frame_ns) != len(frames):
            raise DataError(
                f"{self.times} has {len(frame_ns)} times; {self.movie} has {len(frames)} frames"
            )
        angles = aria.read_angles(self.gaze)
        place = aria.sensor_places(angles, read_calibrations(self.calibration))
        found = aria.frame_labels(angles.time_ns, place, frame_ns, self.pairing)
        if (found.kind == labels.UNTRACKED).all():
            raise DataError(
                f"{self.gaze}: tracking_timestamp_us is nowhere near the times of {self.times}"
            )
        return found


@dataclass(frozen=True)
class PilotRecording:
    """A recording of the pilot release: a video, and gaze in pixels of the sensor."""

    video: str
    movie: Path
    gaze: Path
    dataset: str = "aria"
    sound: Path | None = None

    @property
    def media(self) -> tuple[tuple[Path, int | None], ...]:
        """The video."""
        return ((self.movie, None),)

    @property
    def files(self) -> tuple[Path, ...]:
        """All that it is made of."""
        return self.movie, self.gaze

    def labels(self, frames: Frames) -> FrameGaze:
        """Two frames a row, as published; DataError for a damaged file."""
        time_ns, place = aria.read_pilot_rows(self.gaze)
        return labels.aria_labels(time_ns, place[:, 0], place[:, 1], len(frames))


def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    told: Told | None = None,
    jobs: int = 1,
    videos: tuple[str, ...] = (),
    pairing: str = "linear",
    fill_silence: bool = False,
    clip_files: bool = False,
) -> Summary:
    """Prepare all recordings of Aria Everyday Activities, or some of them.

    Args:
        source: holds a folder a recording, with `mps/eye_gaze/general_eye_gaze.csv`, a calibration
            (`calibration.json` or `mps/slam/online_calibration.jsonl`) and either `movie.mp4` with
            `timestamps.csv` or `recording.vrs`; or else the pilot's `full_scale/movie_<id>.mp4` and
            `labels/<group>/data_summary.csv`.
        out: folder to make, as of `store`; videos of VRS files are written below it.
        weights: none are needed.
        device: none is used.
        told: hears of every recording.
        jobs: recordings worked on at the same time, a process each.
        videos: names in the lists; all by default.
        pairing: gaze of a frame between two rows, `linear` or of the `nearest`.
        fill_silence: take recordings without sound, or whose sound ends too early.
        clip_files: also write every listed clip as a file of its own.

    Raises:
        DataError: no recording; a VRS file without the reader for it; a damaged list.
        UsageError: numbers that cannot be.
        OutputError: the folder cannot be written.
    """
    del weights, device
    aria.check_pairing(pairing)
    source, out = Path(source), made(Path(out))
    found: list[Raw] = [*_pilot(source)] or [*_today(source, out, pairing, videos, told)]
    if not found:
        raise DataError(
            f"{source} holds no recording: expected <recording>/{_GAZE[0]}, or the pilot's "
            "full_scale/movie_<id>.mp4 with labels/<group>/data_summary.csv"
        )
    return prepare_all(
        chosen(found, videos, source), find_lists(source, "aria"), out, Settings(fill_silence),
        jobs, told, clip_files,
    )  # fmt: skip


def listed_name(folder: str) -> str:
    """A recording's name in the lists, by its folder's; that itself where they do not know it."""
    return aea_names().get(mended_name(folder), folder)


def read_times(path: Path) -> Ints:
    """Times `(frame,)` in ns, of a table whose first column they are.

    Raises:
        DataError: no such file, or rows without numbers.
    """
    if not path.is_file():
        raise DataError(
            f"{path} is missing: frames and gaze are paired by time. It has a line timestamp_ns, "
            "then one time a frame"
        )
    try:
        lines = path.read_text().split()[1:]
        return np.array([int(line.split(",")[0]) for line in lines], np.int64)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}, timestamp_ns: {error}") from error


def _today(
    source: Path, out: Path, pairing: str, videos: tuple[str, ...], told: Told | None
) -> list[Recording]:
    found = []
    for folder in sorted(path for path in source.iterdir() if path.is_dir()):
        gaze = next((folder / name for name in _GAZE if (folder / name).is_file()), None)
        name = listed_name(folder.name)
        if gaze is not None and (not videos or name in videos):
            place = _movie_of(folder, out / EXPORT / name, told)
            movie = place / vrs.MOVIE
            near = [*(folder / n for n in _CALIBRATION), place / vrs.CALIBRATION]
            calibration = next((path for path in near if path.is_file()), near[0])
            times = movie.with_name(vrs.TIMES)
            found.append(Recording(name, movie, times, gaze, calibration, pairing))
    return found


def _movie_of(folder: Path, export: Path, told: Told | None) -> Path:
    """The folder with a recording's video; made of its VRS file where there is none."""
    recording = folder / "recording.vrs"
    if (folder / vrs.MOVIE).is_file() or not recording.is_file():
        return folder
    if told and not (export / vrs.MOVIE).is_file():
        told(f"{folder.name}: writing a video of {recording.name}")
    return vrs.export(recording, export)


def _pilot(source: Path) -> list[PilotRecording]:
    """Recordings of the pilot release, by its tables."""
    found = []
    for table in sorted(source.glob("labels/*/data_summary.csv")):
        for line, row in enumerate(_rows(table), start=2):
            if len(row) <= _SUMMARY_VIDEO:
                raise DataError(f"{table}, line {line}: {len(row)} columns; 12 are expected")
            said = row[_SUMMARY_VIDEO].strip()
            name = said if said.startswith("movie_") else f"movie_{said}"
            movie = source / "full_scale" / f"{name}.mp4"
            if movie.is_file():
                gaze = table.parent / row[_SUMMARY_PATH].strip().lstrip("/")
                found.append(PilotRecording(name, movie, gaze))
    return sorted(found, key=lambda recording: recording.video)


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [row for row in csv.reader(file) if row][1:]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error

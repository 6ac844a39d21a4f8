"""Preparing Aria Everyday Activities: today's release, or the pilot that the paper used.

Gaze of today's release was worked out anew after the pilot's, so scores on it are not the paper's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eyeline.bounds import FractionWithin, Jobs, Whole
from eyeline.datasets.items import checked
from eyeline.datasets.prepare import Summary
from eyeline.errors import DataError
from eyeline.log import Log
from eyeline.results import Ints
from eyeline.systems.gaze_anticipation.prepare import Options, known, prepare_videos
from eyeline.systems.gaze_anticipation.recordings import aria, labels, vrs
from eyeline.systems.gaze_anticipation.recordings.device import read_calibrations
from eyeline.systems.gaze_anticipation.recordings.footage import Frames
from eyeline.systems.gaze_anticipation.recordings.labels import FrameGaze
from eyeline.systems.gaze_anticipation.recordings.raw import Raw
from eyeline.systems.gaze_anticipation.recordings.splits import (
    GROUP,
    NAMES,
    Lists,
    Wanted,
    beside,
    draw_lists,
    read_lists,
)
from eyeline.systems.gaze_anticipation.recordings.tables import mended, read_names, read_table

EXPORT = "recordings"
"""Below the prepared data set: videos of VRS files."""

_GAZE = tuple(
    f"{folder}{name}"
    for folder in ("mps/eye_gaze/", "eye_gaze/", "mps/", "")
    for name in ("general_eye_gaze.csv", "generalized_eye_gaze.csv")
)
_CALIBRATION = (
    vrs.CALIBRATION,
    "mps/slam/online_calibration.jsonl",
    "mps/trajectory/online_calibration.jsonl",
    "slam/online_calibration.jsonl",
    "online_calibration.jsonl",
)
_SUMMARY_PATH, _SUMMARY_VIDEO = 6, 11


@dataclass(frozen=True)
class _Movie:
    """A recording with one video, which has its own audio."""

    video: str
    """Its name in the lists, `movie_<id>`, or the folder's where the lists do not know it."""
    movie: Path
    gaze: Path
    dataset: str = field(default="aria", init=False)
    audio: Path | None = field(default=None, init=False)

    def ready(self) -> None:
        """All is there."""

    @property
    def media(self) -> tuple[tuple[Path, int | None], ...]:
        """The video."""
        return ((self.movie, None),)


@dataclass(frozen=True, kw_only=True)
class Recording(_Movie):
    """A recording of today's release: a folder with gaze, and a video or a VRS file."""

    times: Path
    """`timestamp_ns` of each frame of the video, on the device's clock."""
    calibration: Path
    pairing: str = "linear"
    recording: Path | None = None
    """The VRS file that its video comes from."""

    def ready(self) -> None:
        """Write the video of a VRS file, unless it is there; DataError for a damaged one."""
        if self.recording is not None:
            vrs.export(self.recording, self.movie.parent)

    @property
    def files(self) -> tuple[Path, ...]:
        """All that it is made of."""
        return self.movie, self.times, self.gaze, self.calibration

    def labels(self, frames: Frames) -> FrameGaze:
        """Gaze projected into the camera, paired to frames by time.

        DataError for a file that is not there or damaged, or times that are not those of the
        frames.
        """
        frame_ns = read_times(self.times)
        if len(frame_ns) != len(frames):
            raise DataError(
                f"{self.times} has {len(frame_ns)} times; {self.movie} has {len(frames)} frames"
            )
        angles = aria.read_angles(self.gaze)
        place = aria.sensor_places(angles, read_calibrations(self.calibration))
        result = aria.frame_labels(angles.time_ns, place, frame_ns, self.pairing)
        if (result.kind == labels.UNTRACKED).all():
            raise DataError(
                f"{self.gaze}: tracking_timestamp_us is nowhere near the times of {self.times}"
            )
        return result


@dataclass(frozen=True)
class PilotRecording(_Movie):
    """A recording of the pilot release: a video, and gaze in pixels of the sensor."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All that it is made of."""
        return self.movie, self.gaze

    def labels(self, frames: Frames) -> FrameGaze:
        """Two frames a row, as published; DataError for a damaged file."""
        time_ns, place = aria.read_pilot_rows(self.gaze)
        return labels.aria_labels(time_ns, place[:, 0], place[:, 1], len(frames))


@checked
def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    log: Log | None = None,
    jobs: Jobs = 1,
    videos: tuple[str, ...] = (),
    pairing: str = "linear",
    fill_silence: bool = False,
    clip_files: bool = False,
    original_layout: bool = False,
    lists: Path | str | None = None,
    test_fraction: FractionWithin | None = None,
    seed: Whole = 0,
    group: str = GROUP,
) -> Summary:
    """Prepare all recordings of Aria Everyday Activities, or some of them.

    Args:
        source: holds a folder a recording, with `mps/eye_gaze/general_eye_gaze.csv`, a calibration
            (`calibration.json` or `mps/slam/online_calibration.jsonl`) and either `movie.mp4` with
            `timestamps.csv` or `recording.vrs`; or else the pilot's `full_scale/movie_<id>.mp4` and
            `labels/<group>/data_summary.csv`.
        out: folder to create, as of `store`; videos of VRS files are written below it.
        weights: none are needed.
        device: none is used.
        log: receives every recording.
        jobs: recordings worked on at the same time, a process each.
        videos: names in the lists; all by default.
        pairing: gaze of a frame between two rows, `linear` or of the `nearest`.
        fill_silence: take recordings without audio, or whose audio ends too early.
        clip_files: also write every listed clip as a file of its own.
        original_layout: write all that the original's code reads: clips, `gaze_frame_label`,
            `clips.audio_24kHz`, `clips.audio_24kHz_stft` and the lists.
        lists: folder of the lists, as of `splits.read_lists`, and of the authors'
            `aria_video_ids_matching.xlsx`, which has the listed names of today's recordings; by
            default they lie in the source or its `data`. Without lists, recordings are drawn.
        test_fraction: of the recordings, drawn to measure on even with lists; 0.2 without lists.
        seed: of the draw.
        group: a regular expression; recordings in whose names it finds the same are not torn apart.
    """
    del weights, device
    aria.check_pairing(pairing)
    source, out = Path(source), Path(out)
    wanted = Wanted(Path(lists) if lists else None, test_fraction, seed, group)
    split = read_lists(source, "aria", wanted)
    names = _listed_names(source, split, wanted)
    result: list[Raw] = [*_pilot(source)] or [*_today(source, out, pairing, names)]
    if not result:
        raise DataError(
            f"{source} holds no recording: expected <recording>/{_GAZE[0]}, or the pilot's "
            "full_scale/movie_<id>.mp4 with labels/<group>/data_summary.csv"
        )
    split = split or draw_lists(source, "aria", known(result, out), wanted)
    options = Options(jobs, log, videos, fill_silence, clip_files, original_layout)
    return prepare_videos(source, result, split, out, options)


def _listed_names(source: Path, split: Lists | None, wanted: Wanted) -> dict[str, str]:
    """Today's names of recordings -> those in the lists, where the authors' table is there."""
    table = beside(source, NAMES, wanted.folder)
    if split is None or table is None:
        return {}
    return {today: name for today, name in read_names(table).items() if name in split.videos}


def read_times(path: Path) -> Ints:
    """Times `(frame,)` in ns, of the column `timestamp_ns`.

    DataError for no such file or column, rows without numbers, or times that go back.
    """
    if not path.is_file():
        raise DataError(
            f"{path} is missing: frames and gaze are paired by time. It has a line timestamp_ns, "
            "then one time a frame"
        )
    table = read_table(path)
    name = table.need("times", "timestamp_ns")
    times = table.integers(name)
    table.check_ascending(name, times)
    return times


def _today(source: Path, out: Path, pairing: str, names: Mapping[str, str]) -> list[Recording]:
    result = []
    for folder in sorted(path for path in source.glob("[!.]*") if path.is_dir()):
        gaze = next((folder / name for name in _GAZE if (folder / name).is_file()), None)
        if gaze is None:
            continue
        name = names.get(mended(folder.name), folder.name)
        recording = folder / "recording.vrs"
        whole = (folder / vrs.MOVIE).is_file() or not recording.is_file()
        place = folder if whole else out / EXPORT / name
        near = [*(folder / n for n in _CALIBRATION), place / vrs.CALIBRATION]
        calibration = next((path for path in near if path.is_file()), near[0 if whole else -1])
        result.append(
            Recording(
                name,
                place / vrs.MOVIE,
                gaze,
                times=place / vrs.TIMES,
                calibration=calibration,
                pairing=pairing,
                recording=None if whole else recording,
            )
        )
    if any(each.recording for each in result):
        vrs.check_reader()
    return result


def _pilot(source: Path) -> list[PilotRecording]:
    """Recordings of the pilot release, by its tables."""
    result = []
    for table in sorted(source.glob("labels/*/data_summary.csv")):
        rows = read_table(table)
        for line, row in zip(rows.lines, rows.rows, strict=True):
            if len(row) <= _SUMMARY_VIDEO:
                raise DataError(f"{table}, line {line}: {len(row)} columns; 12 are expected")
            given = row[_SUMMARY_VIDEO].strip()
            name = given if given.startswith("movie_") else f"movie_{given}"
            movie = source / "full_scale" / f"{name}.mp4"
            if movie.is_file():
                gaze = table.parent / row[_SUMMARY_PATH].strip().lstrip("/")
                result.append(PilotRecording(name, movie, gaze))
    return sorted(result, key=lambda recording: recording.video)

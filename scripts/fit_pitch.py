"""Fits the height of a look: where the assumed camera's axis lies and what irises and lids add.

    python scripts/fit_pitch.py CLIPS... --labels FOLDER...

CLIPS are videos, the folders hold `labels_<clip>.csv` (columns frame, person, box_center_x,
box_center_y or x, y, vertical or vert, certain). Every combination of the constants is scored on
all clips; the one that is best on the others is judged on each clip in turn (leave-one-clip-out).

A label counts as met by the rules of the labels: down is a pitch below -10 degrees, up above 3,
level between -20 and 15. The score is the mean over clips of the fraction met, less 0.01 for each
degree that level looks are off 0 on average.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.people.find import find_people
from eyeline.people.tracks import Track, usual_lids, usual_pitch
from eyeline.results import Floats
from eyeline.settings import Settings
from eyeline.systems.gaze_3d import head_pose
from eyeline.systems.gaze_3d.head_pose import Vertical
from eyeline.video.reader import VideoReader
from eyeline.video.shots import mark_shots

RANGES_DEG = {"down": (-90.0, -10.0), "level": (-20.0, 15.0), "up": (3.0, 90.0)}
COST_OF_BIAS = 0.01
MARGIN = 12
"""Frames about a label that smoothing reaches."""
FRAMES_OFF = 3
"""A label may lie this many frames from the nearest analysed one."""


@dataclass(frozen=True)
class Choice:
    """One combination of constants."""

    level_fraction: float
    vertical: Vertical


@dataclass(frozen=True)
class Labelled:
    """A track near its labelled rows, as a centred camera sees it."""

    track: Track
    open_lids: float
    usual_pitch_rad: float
    rows: list[tuple[int, str]]
    """Row of the track, label."""


@dataclass(frozen=True)
class Clip:
    """The labelled tracks of a clip."""

    name: str
    camera: Camera
    eyes_y_px: Floats
    tracks: list[Labelled]

    @property
    def labels(self) -> list[str]:
        """Labels in the order of `pitches`."""
        return [word for labelled in self.tracks for _, word in labelled.rows]

    def pitches(self, choice: Choice) -> Floats:
        """Pitch `(labels,)` in degrees in the camera frame."""
        camera = self.camera.levelled(self.eyes_y_px, choice.level_fraction)
        pitch = []
        for one in self.tracks:
            track = _turned(one.track, self.camera, camera)
            aim, _ = head_pose.gaze(
                track, one.open_lids, camera, one.usual_pitch_rad, choice.vertical
            )
            pitch.append(directions.to_yaw_pitch(aim)[1][[row for row, _ in one.rows]])
        return np.degrees(np.concatenate(pitch))


def _near(track: Track, rows: list[tuple[int, str]], camera: Camera) -> Labelled:
    """What the choices need of a track: the frames about its labels and its usual values."""
    kept = np.zeros(len(track), bool)
    for row, _ in rows:
        kept[max(0, row - MARGIN) : row + MARGIN + 1] = True
    part = {k: v[kept] for k, v in vars(track).items() if isinstance(v, np.ndarray)}
    place = np.cumsum(kept) - 1
    return Labelled(
        replace(track, **part),
        usual_lids([track]),
        usual_pitch([track], camera),
        [(int(place[row]), word) for row, word in rows],
    )


def _turned(track: Track, old: Camera, new: Camera) -> Track:
    """The track with its head's angles as another camera would report them."""
    head = directions.rotation_from_angles(track.yaw_rad, track.pitch_rad, track.roll_rad)
    local = np.swapaxes(_facing(track, old), -1, -2) @ head
    yaw, pitch, roll = directions.angles_from_rotation(_facing(track, new) @ local)
    return replace(track, yaw_rad=yaw, pitch_rad=pitch, roll_rad=roll)


def _facing(track: Track, camera: Camera) -> Floats:
    yaw, pitch = directions.to_yaw_pitch(-camera.rays(track.eyes_px))
    return directions.rotation_from_angles(yaw, pitch, np.zeros_like(yaw))


def read_clip(video: Path, labels: list[Path]) -> Clip:
    """Find the people of a clip and the rows that the labels are about."""
    reader = VideoReader(video)
    camera = Settings().camera(reader.info)
    tracks = list(find_people(mark_shots(iter(reader)), camera).tracks)
    rows: dict[int, list[tuple[int, str]]] = {}
    for path in labels:
        with path.open(newline="") as file:
            for line in csv.DictReader(file):
                word = line.get("vertical") or line.get("vert") or ""
                if word in RANGES_DEG and line.get("certain", "yes") != "no":
                    place = place_of(line, tracks)
                    if place:
                        rows.setdefault(place[0], []).append((place[1], word))
    eyes_y = np.concatenate([t.eyes_px[:, 1] for t in tracks])
    near = [_near(tracks[i], rows[i], camera) for i in sorted(rows)]
    return Clip(video.stem, camera, eyes_y, near)


def place_of(line: dict[str, str], tracks: list[Track]) -> tuple[int, int] | None:
    """Track and row whose head box holds the labelled point."""
    point = np.array(
        [float(line.get("box_center_x") or line["x"]), float(line.get("box_center_y") or line["y"])]
    )
    best: tuple[float, int, int] | None = None
    for i, track in enumerate(tracks):
        row = int(np.argmin(np.abs(track.frame - int(line["frame"]))))
        box = track.head_xyxy[row]
        margin = 0.2 * (box[2:] - box[:2])
        near = abs(int(track.frame[row]) - int(line["frame"])) <= FRAMES_OFF
        if near and (point >= box[:2] - margin).all() and (point <= box[2:] + margin).all():
            off = float(np.linalg.norm((box[:2] + box[2:]) / 2 - point))
            best = min(best or (np.inf, -1, -1), (off, i, row))
    return best and best[1:]


def met(clip: Clip, pitch_deg: Floats) -> Floats:
    """Which labels `(n,)` are met."""
    bounds = np.array([RANGES_DEG[word] for word in clip.labels])
    return (pitch_deg > bounds[:, 0]) & (pitch_deg < bounds[:, 1])


def figures(clips: list[Clip], pitches: list[Floats]) -> tuple[float, float]:
    """Mean over clips of the fraction met, and of the pitch of level looks in degrees."""
    level = [p[[w == "level" for w in c.labels]] for c, p in zip(clips, pitches, strict=True)]
    fraction = np.mean([met(c, p).mean() for c, p in zip(clips, pitches, strict=True)])
    return float(fraction), float(np.mean([p.mean() for p in level if len(p)]))


def score(clips: list[Clip], pitches: list[Floats]) -> float:
    """Fraction met less the cost of bias."""
    fraction, level_deg = figures(clips, pitches)
    return fraction - COST_OF_BIAS * abs(level_deg)


def report(name: str, clips: list[Clip], pitches: list[Floats]) -> None:
    """Print the figures of one choice."""
    fraction, level_deg = figures(clips, pitches)
    counts = []
    for word in RANGES_DEG:
        right = [
            met(c, p)[[w == word for w in c.labels]] for c, p in zip(clips, pitches, strict=True)
        ]
        counts.append(f"{word} {int(np.concatenate(right).sum())}/{len(np.concatenate(right))}")
    print(f"{name}: {fraction:.3f} by clip, {', '.join(counts)}, level mean {level_deg:.1f} deg")


def main() -> None:
    """Read clips and labels, score every choice, print the best and its leave-one-out figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--labels", nargs="+", type=Path, required=True)
    options = parser.parse_args()
    clips = []
    for video in options.clips:
        files = [f for d in options.labels if (f := d / f"labels_{video.stem}.csv").is_file()]
        clip = read_clip(video, files)
        if clip.labels:
            clips.append(clip)
    choices = [
        Choice(level, Vertical(usual, gain, iris, -1.4, dropped, float(np.radians(down_deg))))
        for level, usual, gain, iris, (dropped, down_deg) in itertools.product(
            (0.0, 0.25, 0.5), (0.0, 0.6), (1.0, 1.33), (0.0, 0.3, 0.6), ((0.22, 60), (0.16, 75))
        )
    ]
    table = [[clip.pitches(choice) for clip in clips] for choice in choices]
    report("as before (axis in the middle, no irises)", clips, table[0])
    best = max(range(len(choices)), key=lambda i: score(clips, table[i]))
    print(choices[best])
    report("best on all clips", clips, table[best])
    held = []
    for k in range(len(clips)):
        others = clips[:k] + clips[k + 1 :]
        chosen = max(
            range(len(choices)), key=lambda i: score(others, table[i][:k] + table[i][k + 1 :])
        )
        print(f"  without {clips[k].name}: {choices[chosen]}")
        held.append(table[chosen][k])
    report("leave-one-clip-out", clips, held)


if __name__ == "__main__":
    main()

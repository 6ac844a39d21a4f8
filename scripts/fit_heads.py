"""Fits how far the head network is trusted beside the points of a face, on labelled clips.

    python scripts/fit_heads.py CLIPS... --labels FOLDER... --cache FOLDER

Labels are those of `fit_pitch.py`. Every combination of the constants is scored on all clips, and
each clip is judged by the one that is best on the others. A side counts as met where the gaze
direction has its sign, a look at the camera where it is within 15 degrees of the line to it. What
is measured of a clip's faces stays in the cache; the networks are asked again. Labels of
`--others` are measured by the constants of the other clips and never fitted to.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from fit_pitch import RANGES_DEG, place_of
from gaze_target_parts import labels

from eyeline.geometry import directions
from eyeline.geometry.camera import Camera
from eyeline.people import assemble
from eyeline.people.assemble import FUSION, Fusion
from eyeline.people.follow import Follower
from eyeline.people.head_networks import WEIGHTS, EyeNetwork, HeadNetwork, eye_middles
from eyeline.people.landmarks import placing
from eyeline.people.methods import DETECTORS
from eyeline.people.tracks import Track, usual_lids, usual_pitch
from eyeline.results import Floats
from eyeline.settings import Settings
from eyeline.systems.gaze_3d import head_pose, looks
from eyeline.systems.gaze_3d.looks import Looks
from eyeline.video.reader import VideoReader
from eyeline.video.shots import mark_shots

CAMERA_DEG = 15.0


@dataclass(frozen=True)
class Clip:
    """What was measured of a clip, and its certain labels."""

    name: str
    camera: Camera
    rows: npt.NDArray[Any]
    clock: Floats
    labels: list[dict[str, str]]
    """What is fitted to."""
    others: list[dict[str, str]]
    """What is only measured."""


@dataclass(frozen=True)
class Labelled:
    """Of the labels that have a track: what was answered."""

    aim: Floats
    """`(n, 3)` as seen along the ray to the head."""
    aim_camera: Floats
    """`(n, 3)` camera frame."""
    labels: list[dict[str, str]]

    def met(self) -> dict[str, list[bool]]:
        """Which labels of each kind are met."""
        result: dict[str, list[bool]] = {k: [] for k in ("left", "right", "camera", *RANGES_DEG)}
        pitch = np.degrees(directions.to_yaw_pitch(self.aim_camera)[1])
        away = np.degrees(np.arccos(np.clip(-self.aim[:, 2], -1, 1)))
        for i, line in enumerate(self.labels):
            side = line.get("side", "")
            if side in ("left", "right"):
                result[side].append((self.aim_camera[i, 0] > 0) == (side == "right"))
            elif side == "camera":
                result[side].append(away[i] < CAMERA_DEG)
            word = line.get("vertical") or line.get("vert") or ""
            if word in RANGES_DEG:
                low, high = RANGES_DEG[word]
                result[word].append(bool(low < pitch[i] < high))
        return result


def read_clip(video: Path, folders: list[Path], others: list[Path], cache: Path) -> Clip:
    """The measured faces of a clip, from the cache where they are there."""
    reader = VideoReader(video)
    camera = Settings().camera(reader.info)
    kept = cache / f"{video.stem}.npz"
    if not kept.is_file():
        follower = Follower(DETECTORS["centerface"].create(None, "cpu"))
        clock: list[tuple[int, float, float]] = []

        def ticking() -> Iterator[tuple[Any, bool]]:
            for frame, cut in mark_shots(iter(reader)):
                clock.append((frame.index, frame.time_s, frame.end_s))
                yield frame, cut

        follower.run(ticking())
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, rows=follower.rows.table(), clock=np.array(clock))
    with np.load(kept) as arrays:
        rows, clock_s = arrays["rows"], arrays["clock"]
    axis = camera.levelled(rows["five"][:, :2, 1].mean(1))
    known = read_labels(video, folders), read_labels(video, others)
    return Clip(video.stem, axis, rows, clock_s, *known)


def read_labels(video: Path, folders: list[Path]) -> list[dict[str, str]]:
    """The certain labels of a clip."""
    return [r for r in labels.read(folders, video.stem) if r.get("certain", "yes") != "no"]


def ask_again(clip: Clip, video: Path, heads: HeadNetwork, eyes: EyeNetwork) -> None:
    """Fill in what the networks say of the searched faces."""
    rows = clip.rows
    for frame in VideoReader(video):
        for i in np.flatnonzero((rows["frame"] == frame.index) & rows["detected"]):
            image, row = frame.rgb(), rows[i]
            turn = heads(image, row["box"][None].astype(float))
            _, roll, scale = placing(row["five"][None].astype(float))[0]
            look = eyes(image, eye_middles(row["six"]), scale, roll, turn.rotation[0])
            rows["turn"][i], rows["turn_error"][i] = turn.rotation[0], turn.error_rad[0]
            seen = look.open().any()
            rows["look"][i] = look.gaze_rad if seen else np.nan
            rows["look_error"][i] = look.error_rad if seen else np.nan


@dataclass(frozen=True)
class Choice:
    """One combination of constants; None is without the network."""

    fusion: Fusion | None
    looks: Looks | None


class Answers:
    """The looks at the labels of a clip by each choice."""

    def __init__(self, clip: Clip, lines: list[dict[str, str]]) -> None:
        self.clip = clip
        self._tracks: dict[Fusion | None, list[Track]] = {}
        self._places: list[tuple[int, int]] = []
        self.labels: list[dict[str, str]] = []
        for line in lines:
            place = place_of(line, self.tracks(None))
            if place:
                self._places.append(place)
                self.labels.append(line)

    def tracks(self, fusion: Fusion | None) -> list[Track]:
        """All tracks of the clip."""
        if fusion not in self._tracks:
            rows = self.clip.rows
            if fusion is None:
                rows = rows.copy()
                rows["turn_error"] = rows["turn"] = np.nan
            made = assemble.tracks(rows, self.clip.clock, self.clip.camera, fusion=fusion or FUSION)
            self._tracks[fusion] = made
        return self._tracks[fusion]

    def __call__(self, choice: Choice) -> Labelled:
        """The looks that a choice gives."""
        camera, tracks = self.clip.camera, self.tracks(choice.fusion)
        aims = {}
        for i in {i for i, _ in self._places}:
            usual = usual_pitch([tracks[i]], camera)
            given = tracks[i], usual_lids([tracks[i]]), camera, usual
            both = looks.gaze(*given, choice.looks) if choice.looks else head_pose.gaze(*given)
            aims[i] = both[0]
        aim = np.array([aims[i][row] for i, row in self._places]).reshape(-1, 3)
        px = np.array([tracks[i].eyes_px[row] for i, row in self._places]).reshape(-1, 2)
        return Labelled(directions.as_seen(aim, camera.rays(px)), aim, self.labels)


def score(met: dict[str, list[bool]]) -> float:
    """Right ones over all, each kind of label of equal weight within sides and heights."""
    every = [v for values in met.values() for v in values]
    return float(np.mean(every)) if every else float("nan")


def report(name: str, clips: list[dict[str, list[bool]]]) -> None:
    """Counts by kind."""
    counts = []
    for kind in clips[0]:
        values = [v for clip in clips for v in clip[kind]]
        counts.append(f"{kind} {sum(values)}/{len(values)}")
    print(f"{name}: {np.nanmean([score(c) for c in clips]):.3f} by clip, {', '.join(counts)}")


def main() -> None:
    """Score every choice; print the best and what is left with each clip out."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--labels", nargs="+", type=Path, required=True)
    parser.add_argument("--others", nargs="*", type=Path, default=[])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--heads", type=Path, default=WEIGHTS / "heads.onnx")
    parser.add_argument("--eyes", type=Path, default=WEIGHTS / "eyes.onnx")
    options = parser.parse_args()
    heads, eyes = HeadNetwork(options.heads), EyeNetwork(options.eyes)
    clips = []
    for video in options.clips:
        clip = read_clip(video, options.labels, options.others, options.cache)
        if clip.labels:
            ask_again(clip, video, heads, eyes)
            clips.append(clip)
    fusions = [
        Fusion(factor, float(np.radians(least)), noise)
        for factor, least, noise in itertools.product((0.5, 1.0), (4.0, 8.0), (0.03, 0.06))
    ]
    choices = [Choice(None, None), *(Choice(f, None) for f in fusions)]
    choices += [
        Choice(fusion, Looks(down, gain, usual, across, pitch))
        for fusion, down, gain, usual, across, pitch in itertools.product(
            fusions, (0.5, 1.0), (1.0, 1.33), (0.3, 0.6), (0.0, 0.5), (0.0, 0.5, 0.8)
        )
    ]
    answers = [Answers(clip, clip.labels) for clip in clips]
    table = [[answer(choice).met() for answer in answers] for choice in choices]
    report("points alone", clips=table[0])
    best = max(range(len(choices)), key=lambda i: np.nanmean([score(m) for m in table[i]]))
    print(choices[best])
    report("best on all clips", table[best])
    held, chosen_by = [], []
    for k in range(len(clips)):
        chosen = max(
            range(len(choices)),
            key=lambda i: np.nanmean([score(m) for j, m in enumerate(table[i]) if j != k]),
        )
        print(f"  without {clips[k].name}: {choices[chosen]}")
        held.append(table[chosen][k])
        chosen_by.append(choices[chosen])
    report("leave-one-clip-out", held)
    for clip, alone, fused in zip(clips, table[0], held, strict=True):
        print(f"  {clip.name}: {score(alone):.3f} -> {score(fused):.3f}")
    others = [Answers(clip, clip.others) for clip in clips]
    if any(clip.others for clip in clips):
        report("other labels, points alone", [o(choices[0]).met() for o in others])
        report(
            "other labels, leave-one-clip-out",
            [o(choice).met() for o, choice in zip(others, chosen_by, strict=True)],
        )


if __name__ == "__main__":
    main()

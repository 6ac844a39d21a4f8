"""Any builder of `gaze_3d` on a prepared data set of `layouts`: errors in degrees by yaw.

Images are stills: each is a shot of its own, found, measured and answered by the same code as a
video's frames. All images of a recording count as one person's, as they would in a video.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.errors import DataError, UsageError
from eyeline.evaluation import bootstrap, tables
from eyeline.evaluation.report import Report
from eyeline.geometry import boxes
from eyeline.geometry.camera import Camera
from eyeline.geometry.directions import angle, normalise, to_yaw_pitch
from eyeline.log import Log
from eyeline.people import assemble
from eyeline.people.detect import CenterFace
from eyeline.people.follow import Follower, Measure
from eyeline.people.tracks import Track
from eyeline.results import Directions, Floats, Image, Ints, VideoInfo
from eyeline.system import Predictor, Scene, load_system
from eyeline.systems.gaze_3d import answers, calibration
from eyeline.systems.gaze_3d.answers import Answers
from eyeline.systems.gaze_3d.benchmarks.prepare import LABELS, read_labels
from eyeline.systems.gaze_3d.recordings import decoded
from eyeline.systems.gaze_3d.report import session_of

if TYPE_CHECKING:
    from eyeline.video.frame import Frame

YAW_DEG = (0, 15, 30, 45, 60, 90, 135, 180)
"""Edges of the bins of the true gaze's yaw, to either side of the line to the camera."""
STEP_S = 10.0
"""From still to still on the scene's clock: nothing is smoothed from one to the next."""


def run(
    weights: Path | None,
    data_dir: Path | str,
    out_dir: Path | str | None = None,
    log: Log | None = None,
    device: str = "cpu",
    *,
    builder: str = "",
) -> Report:
    """Errors of a builder in degrees.

    Args:
        weights: of the builder's network; None for a builder that needs none, or whose files lie
            in the folder of weights.
        data_dir: as `eyeline prepare gaze_3d/columbia` and the like leave it.
        out_dir: gets `report.json`, `predictions.csv` and `truth.csv`.
        log: receives every recording.
        device: where a network runs.
        builder: of `gaze_3d`; by default that of `analyze`.

    Returns:
        `pooled`, `interval` (95 %, whole persons drawn) and `by_yaw`, see `by_yaw`;
        `mean_direction` and `camera`: mean errors of the best single direction and of the line to
        the camera; `reliability` of the concentrations. Faces that are not found are counted as
        `missed` and are in no error.

    Raises:
        DataError, CheckpointError, OutputError, UsageError: for what is wrong with each.
    """
    data_dir = Path(data_dir)
    folders = (p.parent for p in data_dir.rglob(LABELS))
    whole = (f for f in folders if not f.name.startswith("."))  # the others were left half written
    names = sorted(folder.relative_to(data_dir).as_posix() for folder in whole)
    if not names:
        raise DataError(
            f"{data_dir} holds no {LABELS}: prepare it first, by `eyeline prepare gaze_3d/DATASET`"
        )
    name, predictor = _predictor(builder, weights, device)
    people = StillPeople()
    truths, predictions = [], []
    for number, recording in enumerate(names, start=1):
        truth, result = _answered(data_dir, recording, people, predictor)
        truths.append(truth)
        predictions.append(result)
        if log:
            log(f"[{number}/{len(names)}] {recording}: {len(result)} of {len(truth)} faces found")
    truth, result = _joined(truths), _joined(predictions)
    if not len(result):
        raise DataError(f"{data_dir}: no face was found in any of {len(truth)} images")
    figures = {"builder": name, "weights": weights.name if weights else ""}
    report = Report(figures | score(result, truth))
    if out_dir is not None:
        report.write(Path(out_dir) / "report.json")
        answers.write(Path(out_dir) / "predictions.csv", result)
        answers.write(Path(out_dir) / "truth.csv", truth)
    return report


class StillPeople:
    """Finds the labelled person in every still of a recording."""

    def __init__(self) -> None:
        self._detector, self._measure = CenterFace(), Measure()

    def scene(self, folder: Path, labels: Mapping[str, Any]) -> Scene:
        """What a builder is shown; a track of one row for each still with a face."""
        stills = [(folder / f"{n:06d}.jpg", i, int(n)) for i, n in enumerate(labels["frame"])]
        first = _image(stills[0][0])
        height, width = first.shape[:2]
        matrix = labels["matrix"][0]
        camera = Camera(matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2])

        def frames() -> Iterator[Frame]:
            return (_frame(*still) for still in stills)

        follower = Follower(self._detector, 0.0, measure=self._measure)
        follower.run((frame, True) for frame in frames())
        clock = np.array([(n, i * STEP_S, (i + 1) * STEP_S) for _, i, n in stills])
        tracks = assemble.tracks(follower.rows.table(), clock, camera)
        info = VideoInfo(
            path=str(folder),
            width_px=width,
            height_px=height,
            rate_hz=Fraction(1, round(STEP_S)),
            start_s=0.0,
            duration_s=float(clock[-1, 2]),
            frame_count=len(stills),
            has_audio=False,
        )
        return Scene(info, camera, _labelled(tracks, labels), frames=frames)


def _labelled(tracks: list[Track], labels: Mapping[str, Any]) -> list[Track]:
    """Of each still the face that the labels speak of: the nearest, or else the largest."""
    best: dict[int, tuple[float, Track]] = {}
    places = dict(zip(labels["frame"].tolist(), labels["face_px"], strict=True))
    for track in tracks:
        frame, box = int(track.frame[0]), track.box_xyxy[0]
        place = places[frame]
        away = np.linalg.norm(boxes.centre(box) - place) / boxes.size(box)
        rank = float(away) if np.isfinite(away) else -float(boxes.size(box))
        if not rank > 1.0 and (frame not in best or rank < best[frame][0]):
            best[frame] = rank, track
    return [replace(track, person=1) for _, (_, track) in sorted(best.items())]


def _frame(path: Path, place: int, number: int) -> Frame:
    from av import VideoFrame

    from eyeline.video.frame import Frame, Pixels, upright

    image = VideoFrame.from_ndarray(_image(path), format="rgb24")
    start_s = place * STEP_S
    pixels = Pixels(upright(image, None))
    return Frame(image, pixels, index=number, time_s=start_s, end_s=start_s + STEP_S)


def _image(path: Path) -> Image:
    image = decoded(path)
    if image is None:
        raise DataError(f"{path} is missing or damaged: prepare its recording again")
    return image


def _answered(
    root: Path, recording: str, people: StillPeople, predictor: Predictor
) -> tuple[Answers, Answers]:
    """Truth of a recording, and the predictions of its stills with a face."""
    labels, _ = read_labels(root / recording, recording)
    gaze, frame = normalise(labels["gaze"]), labels["frame"]
    truth = Answers((recording,) * len(frame), frame, None, {"gaze": gaze})
    scene = people.scene(root / recording, labels)
    nobody = Answers((), np.zeros(0, np.int64), None, {"gaze": np.zeros((0, 3))})
    if not scene.tracks:
        return truth, nobody
    given = (a for a in predictor.predict(scene) if isinstance(a, Directions) and a.name == "gaze")
    found = next(given)
    return truth, Answers(
        (recording,) * len(found.frame),
        found.frame,
        None,
        {"gaze": found.direction},
        {"gaze": found.concentration},
    )


def _joined(parts: list[Answers]) -> Answers:
    def gazes(values: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
        known = [one["gaze"] for one in values if "gaze" in one]
        return {"gaze": np.concatenate(known)} if known else {}

    return Answers(
        tuple(name for part in parts for name in part.recording),
        np.concatenate([part.frame for part in parts]),
        None,
        gazes([part.direction for part in parts]),
        gazes([part.concentration for part in parts]),
    )


def _predictor(builder: str, weights: Path | None, device: str) -> tuple[str, Predictor]:
    from eyeline.models import GivenWeights

    system = load_system("gaze_3d")
    name = builder or system.default
    if name not in system.builders:
        raise UsageError(f"builder is '{name}'; accepted are {', '.join(system.builders)}")
    chosen = system.builders[name]
    given = GivenWeights.read([weights] if weights else [])
    if faults := given.unused([(system, chosen)]):
        raise UsageError("; ".join(faults))
    files = given.of(system, chosen)
    if files and chosen.from_weights is not None:
        return name, chosen.from_weights(files, device)
    assert chosen.predictor is not None, "a builder without weights was refused"
    return name, chosen.predictor()


def score(found: Answers, truth: Answers) -> dict[str, Any]:
    """Figures of predictions, of which some frames of the truth may lack."""
    at = tables.join(found.side("predictions"), truth.side("truth"), subset=True, what="frames")
    label = truth.direction["gaze"]
    error = np.full(len(truth), np.nan)
    error[at] = np.rad2deg(angle(found.direction["gaze"], label[at]))
    person = np.unique([session_of(name) for name in truth.recording], return_inverse=True)[1]
    yaw = np.abs(np.rad2deg(to_yaw_pitch(label)[0]))
    whole = _figures(error, person)
    fixed = normalise(label.mean(axis=0))
    return {
        "pooled": {k: v for k, v in whole.items() if not k.endswith("interval")},
        "interval": {k.removesuffix("_interval"): whole[k] for k in whole if "interval" in k},
        "by_yaw": by_yaw(error, yaw, person),
        "mean_direction": float(np.rad2deg(angle(label, fixed)).mean()),
        "camera": float(np.rad2deg(angle(label, np.array([0.0, 0.0, -1.0]))).mean()),
        "reliability": calibration.reliability(found.concentration["gaze"], np.deg2rad(error[at])),
    }


def by_yaw(error_deg: Floats, yaw_deg: Floats, person: Ints) -> list[dict[str, Any]]:
    """Figures of each bin of `YAW_DEG` that holds a frame."""
    rows = []
    for low, high in pairwise(YAW_DEG):
        inside = (yaw_deg >= low) & ((yaw_deg < high) | (high == YAW_DEG[-1]))
        if inside.any():
            own = _figures(error_deg[inside], person[inside])
            rows.append({"from_deg": low, "to_deg": high, **own})
    return rows


def _figures(error_deg: Floats, person: Ints) -> dict[str, Any]:
    """Mean and median with intervals; `frames` and `persons` with a face, and `missed` frames."""
    known = np.isfinite(error_deg)
    groups = [error_deg[known & (person == one)] for one in np.unique(person[known])]
    scores: dict[str, Any] = {"mean_deg": np.mean, "median_deg": np.median}

    def drawn(of: Any) -> bootstrap.Score:
        return lambda drawn: float(of(np.concatenate([groups[i] for i in drawn])))

    figures: dict[str, Any] = {
        "frames": int(known.sum()),
        "persons": len(groups),
        "missed": int((~known).sum()),
    }
    for name, of in scores.items():
        figures[name] = float(of(error_deg[known])) if groups else None
        several = len(groups) > 1
        figures[f"{name}_interval"] = (
            bootstrap.interval(drawn(of), len(groups)) if several else None
        )
    return figures

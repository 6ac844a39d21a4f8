"""Live results beside those of `analyze`, on the labelled clip: what causality and delay cost.

The clip is analysed offline with its audio and without it, then frame by frame with nothing
dropped, then at its own rate, where frames are dropped as this machine needs it.
"""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clips import MEMBERS, SIDES, clip, side, without_audio
from eyeline.analysis import analyze_video
from eyeline.geometry import boxes, directions
from eyeline.geometry.camera import Camera
from eyeline.live.capture import Source
from eyeline.live.causal import Causal
from eyeline.live.recording import joined
from eyeline.live.session import Session
from eyeline.results import Analysis, Answer, Points, Scores, Segments
from eyeline.settings import Settings
from eyeline.video.reader import VideoReader

QUICK_FRAMES = 40
LAGS = 15
"""Frames that live directions may come late."""


def run(quick: bool = False) -> dict[str, object]:
    """Agreement of live results with offline ones and with labels; delay and dropped frames."""
    source, settings = clip(), Settings(video=False)
    with tempfile.TemporaryDirectory() as place:
        silent = Path(place) / "silent.mp4"
        without_audio(source, silent, QUICK_FRAMES if quick else None)
        offline = {"without_audio": analyze_video(silent, settings)}
        if not quick:
            offline["with_audio"] = analyze_video(source, settings)
        every, processor_ms = _every_frame(silent, settings)
        at_rate: list[Analysis] = []
        summary = Session(
            Source.of(str(silent), None),
            settings,
            log=lambda _: None,
            show=lambda frame, moment, status: at_rate.append(moment),
        ).run()
    live = {"every_frame": every, "at_its_rate": at_rate}
    return {
        "frames": len(every),
        "processor_ms_a_frame": processor_ms,
        "at_its_rate": {k: v for k, v in summary.items() if k not in ("source", "recording")},
        "agreement": {
            f"{name}, offline {kind}": agreement(moments, whole)
            for name, moments in live.items()
            for kind, whole in offline.items()
        },
        "labels": {
            name: _of_labels(people, gaze)
            for name, (people, gaze) in (
                *((k, (a.people, a.directions())) for k, a in offline.items()),
                *((k, (_people(m), _answer(m, "gaze"))) for k, m in live.items()),
            )
        },
    }


def _every_frame(source: Path, settings: Settings) -> tuple[list[Analysis], float]:
    """All frames in order, and the processor's time for one."""
    engine, moments, spent = Causal(settings, str(source)), [], []
    for frame in VideoReader(source):
        before = time.process_time()
        moments.append(engine.step(frame))
        spent.append(time.process_time() - before)
    return moments, round(1000 * float(np.median(spent)), 1)


def _people(moments: Sequence[Analysis]) -> Any:
    return joined([moment.people for moment in moments])


def _answer(moments: Sequence[Analysis], name: str) -> Any:
    """All rows of an answer by frame."""
    return joined(
        [a for m in moments for a in m.answers if a.name == name and not isinstance(a, Segments)]
    )


def agreement(moments: Sequence[Analysis], whole: Analysis) -> dict[str, object]:
    """Of rows of the same face in the same frame, in frames that were analysed live."""
    people, gaze = _people(moments), _answer(moments, "gaze")
    frames = {int(m.clock.frame[0]) for m in moments if m.clock is not None}
    who, found = _matched(people, whole.people, frames)
    a, b = _pairs(gaze, whole.directions(), who)
    apart = directions.angle(gaze.direction[a], whole.directions().direction[b])
    angle = np.degrees(apart)
    result: dict[str, object] = {
        "faces_found": round(found, 3),
        "persons": len(who),
        "rows": len(angle),
        "gaze_deg_median": round(float(np.median(angle)), 2),
        "gaze_deg_90": round(float(np.quantile(angle, 0.9)), 2),
        "late_frames": _late(gaze, whole.directions(), who),
    }
    for name in [a.name for a in moments[-1].answers if isinstance(a, Scores | Points)]:
        live = _answer(moments, name)
        other = next(a for a in whole.answers if a.name == name and type(a) is type(live))
        a, b = _pairs(live, other, who)
        result[name] = _same(_words(live, who)[a], _words(other, {})[b])
    return result


def _matched(people: Any, other: Any, frames: set[int]) -> tuple[Mapping[int, int], float]:
    """Live person -> offline person by the boxes that overlap most often, and faces found live."""
    votes: dict[tuple[int, int], int] = {}
    found = total = 0
    for frame in sorted(frames):
        a, b = np.flatnonzero(people.frame == frame), np.flatnonzero(other.frame == frame)
        total += len(b)
        if len(a) and len(b):
            overlap = boxes.iou(people.box_xyxy[a], other.box_xyxy[b])
            for i, j in zip(*np.nonzero(overlap > 0.5), strict=True):
                found += 1
                pair = int(people.person[a[i]]), int(other.person[b[j]])
                votes[pair] = votes.get(pair, 0) + 1
    who: dict[int, int] = {}
    for (a_person, b_person), _ in sorted(votes.items(), key=lambda item: item[1]):
        who[a_person] = b_person
    return who, found / max(total, 1)


def _pairs(live: Any, other: Any, who: Mapping[int, int], late: int = 0) -> Any:
    """Rows of the same person in the same frame, `(n,)` of each; `late`: frames in between."""
    mine = zip((live.frame - late).tolist(), map(who.get, live.person.tolist()), strict=True)
    there = zip(other.frame.tolist(), other.person.tolist(), strict=True)
    place = {key: k for k, key in enumerate(there)}
    rows = [(k, place[key]) for k, key in enumerate(mine) if key in place]
    return np.array(rows, np.int64).reshape(-1, 2).T


def _late(live: Any, other: Any, who: Mapping[int, int]) -> int:
    """By how many frames live directions come late: the shift at which they fit best."""

    def apart(late: int) -> float:
        a, b = _pairs(live, other, who, late)
        return float(np.mean(directions.angle(live.direction[a], other.direction[b])))

    return min(range(LAGS), key=apart)


def _words(answer: Answer, who: Mapping[int, int]) -> Any:
    """What an answer says of each row: yes or no, or a target, by the offline persons' numbers."""
    if isinstance(answer, Scores):
        return np.where(np.isnan(answer.value), -9, answer.value >= answer.threshold)
    target: Any = answer.target  # type: ignore[union-attr]
    return np.array([who.get(t, t) for t in target.tolist()])


def _same(a: Any, b: Any) -> dict[str, object]:
    """Fraction of equal values where both say something, and Cohen's kappa."""
    from sklearn.metrics import cohen_kappa_score

    known = (a != -9) & (b != -9)
    a, b = a[known], b[known]
    if not len(a):
        return {"rows": 0}
    differs = len({*a.tolist(), *b.tolist()}) > 1  # else kappa says nothing
    return {
        "rows": len(a),
        "same": round(float(np.mean(a == b)), 3),
        "kappa": round(float(cohen_kappa_score(a, b)), 3) if differs else None,
    }


def _of_labels(people: Any, gaze: Any) -> dict[str, int]:
    """Sides of looks that are as labelled; persons by their places from left to right."""
    if not SIDES.is_file() or not len(gaze):
        return {}
    camera, right, labelled = Camera.from_fov(1280, 720), 0, 0
    with SIDES.open() as file:
        for row in csv.DictReader(file):
            at = np.flatnonzero(gaze.frame == int(row.pop("frame")))
            at = at[np.argsort(gaze.origin_px[at, 0])]
            if len(at) == 4:
                for k, label in zip(at, [row[m] for m in MEMBERS], strict=True):
                    labelled += label != "closed"
                    said = side(gaze.direction[k], camera.rays(gaze.origin_px[k]))
                    right += said in label.split("|")
    return {"right": right, "of": labelled}

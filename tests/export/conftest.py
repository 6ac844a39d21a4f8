"""Synthetic analyses: people in a row who look at each other, speak and face the camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from eyeline import results
from eyeline.people.shared_looks import shared_looks
from eyeline.results import (
    Analysis,
    Answer,
    Directions,
    Method,
    People,
    Person,
    Points,
    Scores,
    Segments,
    VideoInfo,
    make_segments,
)

MakeAnalysis = Callable[..., Analysis]

RAY = Method(
    "gaze_following", "ray", "Follows the gaze direction to the nearest face.",
    "not measured: no weights", "Apache-2.0",
)  # fmt: skip
TCN = Method(
    "eye_contact", "landmarks_tcn", "A temporal network on head movements.",
    "accuracy 58 % in cross-validation over 39 videos", "research use",
    "landmarks_tcn.safetensors", "ab" * 32,
)  # fmt: skip


def video_info(duration_s: float = 8.0, **changes: Any) -> VideoInfo:
    """A 1280x720 video at 25 Hz."""
    fields: dict[str, Any] = {
        "path": "talk.mp4", "width_px": 1280, "height_px": 720, "rate_hz": Fraction(25),
        "start_s": 0.0, "duration_s": duration_s, "frame_count": round(duration_s * 25),
        "has_audio": True,
    }  # fmt: skip
    return VideoInfo(**(fields | changes))


def build(
    persons: int = 4,
    frames: int = 200,
    stride: int = 1,
    *,
    heatmaps: bool = False,
    dtype: str = "float64",
    extra: Sequence[Answer] = (),
    **changes: Any,
) -> Analysis:
    """An analysis of `persons` people over `frames` analysed frames.

    In every second they pass a look on: in second k person i looks at person 1 + (i + k) mod n;
    those who would look at themselves look into the camera, have eye contact and speak.
    """
    rng = np.random.default_rng(7)
    frame = np.repeat(np.arange(frames) * stride, persons)
    person = np.tile(np.arange(1, persons + 1), frames)
    time = frame / 25
    n = len(frame)
    x = 80 + 1120 * (person - 0.5) / max(persons, 1) + 4 * np.sin(time + person)
    y, half = 300 + 10 * np.cos(time), np.full(n, 44.0)
    box = np.stack([x - half, y - half, x + half, y + half], -1).astype(dtype)
    eyes = np.stack([x, y - 12], -1).astype(dtype)
    second = np.floor(time).astype(int)
    target = 1 + (person + second) % max(persons, 1)
    camera = target == person
    target = np.where(camera, results.TARGET_CAMERA, target)
    away = np.where(camera, 0.0, np.sign(target - person) * 0.9)
    gaze = np.stack([np.sin(away), np.zeros(n), -np.cos(away)], -1)
    seen_at = 80 + 1120 * (target - 0.5) / max(persons, 1)
    point = np.where(camera[:, None], np.nan, np.stack([seen_at, y], -1))
    target_box = point[:, [0, 1, 0, 1]] + np.array([-44, -44, 44, 44])
    yes = np.where(camera, 0.9, 0.1).astype(dtype)
    people = People(
        frame, time, person, person, box, rng.uniform(0.6, 1, n).astype(dtype),
        rng.random(n) > 0.1, rng.random(n).astype(dtype), eyes,
        np.degrees(away), np.zeros(n), np.zeros(n),
    )  # fmt: skip
    kept = np.arange(0, n, 7)
    maps = rng.integers(0, 256, (len(kept), 6, 8)).astype(np.uint8) if heatmaps else None
    speaking = Scores("speech", "mouth_agreement", "speaking", 0.5, frame, time, person, yes)
    contact = Scores("eye_contact", "landmarks_tcn", "eye_contact", 0.5, frame, time, person, yes)
    ends = time + stride / 25
    answers: tuple[Answer, ...] = (
        speaking,
        results.segments_from_scores(speaking, ends, "speech"),
        contact,
        results.segments_from_scores(contact, ends, "contact"),
        Directions(
            "gaze_3d", "head_pose", "gaze", frame, time, person, eyes, gaze, np.full(n, 30.0)
        ),
        Points(
            "gaze_following", "ray", "gaze_target", frame, time, person, point, target,
            np.full(n, 0.75), target_box, kept if heatmaps else kept[:0], maps,
        ),
        *extra,
    )  # fmt: skip
    clock = np.stack([frame, time, ends], -1)[:: max(persons, 1)].astype(np.float64)
    answers = (*answers, *shared_looks(answers, clock))
    who = tuple(
        Person(k, (k,), 0.0, float(time[-1]), frames * stride / 25, face(k))
        for k in range(1, persons + 1)
    )
    fields: dict[str, Any] = {
        "video": video_info(frames * stride / 25), "status": "ok", "persons": who, "people": people,
        "answers": answers, "methods": (RAY, TCN),
        "settings": {"rate_hz": None, "systems": ["all"]},
    }  # fmt: skip
    return Analysis(**(fields | changes))


def face(seed: int) -> results.Image:
    """A coloured blob that stands for a face crop."""
    rows, columns = np.mgrid[0:96, 0:80]
    inside = ((rows - 48) / 44) ** 2 + ((columns - 40) / 34) ** 2 < 1
    colour = np.random.default_rng(seed).integers(60, 230, 3)
    return np.where(inside[..., None], colour, 40).astype(np.uint8)


def segments(name: str, rows: Sequence[tuple[int, float, float, str, float]]) -> Segments:
    """Segments of a synthetic system."""
    return make_segments("room", "builder", name, rows)


@pytest.fixture(scope="session")
def make_analysis() -> MakeAnalysis:
    return build


@pytest.fixture(scope="session")
def make_segments_of() -> Callable[..., Segments]:
    return segments


@pytest.fixture(scope="session")
def make_video_info() -> Callable[..., VideoInfo]:
    return video_info


@pytest.fixture(scope="session")
def nobody() -> Analysis:
    """A silent video in which no face was found and nothing was answered."""
    empty = build(persons=0, frames=0)
    silent = video_info(2.0, has_audio=False)
    return Analysis(silent, "ok", (), empty.people, ())

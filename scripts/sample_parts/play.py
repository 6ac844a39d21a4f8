"""The play: who looks where and who speaks when, and the truth that tests hold us to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .head import Pose
from .voice import HOP_S, RATE_HZ, Voice, speak

Floats = npt.NDArray[np.floating[Any]]

FRAMES = 260
RATE = 25
"""Frames a second."""
DURATION_S = FRAMES / RATE

_HEAD_MOVE_S = 0.52
_EYE_MOVE_S = 0.24
_EYE_RANGE_DEG = 26.0


@dataclass(frozen=True)
class Look:
    """From `start_s` on the person turns to something; eyes first, then the head."""

    start_s: float
    target: str
    """As `results.target_label` says it."""
    gaze_yaw_deg: float
    head_yaw_deg: float
    pitch_deg: float = 0.0


@dataclass(frozen=True)
class Role:
    """One person's part."""

    person: int
    looks: tuple[Look, ...]
    says: tuple[tuple[float, float], ...]
    """Start and end of each utterance, seconds."""
    blinks_s: tuple[float, ...]
    voice: Voice


ROLES = (
    Role(
        1,
        (
            Look(0.0, "camera", 0, 0),
            Look(0.9, "person 2", 70, 42),
            Look(4.6, "camera", 0, 0),
            Look(6.4, "person 2", 70, 42),
            Look(7.9, "off screen", -45, -32, -14),
            Look(9.3, "camera", 0, 0),
        ),
        ((1.2, 4.2), (8.2, 9.6)),
        (0.5, 3.0, 4.65, 6.4, 7.92, 9.9),
        Voice(205.0, 1.0, 0.20, 1),
    ),
    Role(
        2,
        (
            Look(0.0, "camera", 0, 0),
            Look(1.1, "person 1", -70, -42),
            Look(3.9, "camera", 0, 0),
            Look(5.6, "person 1", -70, -42),
            Look(8.0, "off screen", 42, 30, 12),
            Look(9.4, "camera", 0, 0),
        ),
        ((4.7, 7.5),),
        (1.12, 2.6, 5.0, 5.62, 8.05, 9.42),
        Voice(160.0, 0.92, 0.21, 2),
    ),
)


@dataclass(frozen=True)
class Part:
    """A role played out, one value a frame."""

    role: Role
    poses: tuple[Pose, ...]
    sway_px: Floats
    """`(FRAMES, 2)` how far the body is from its place, right and down."""


def audio() -> Floats:
    """The audio of the play `(n,)` at `RATE_HZ`: both voices over a quiet room."""
    n = round(DURATION_S * RATE_HZ)
    mix = 6e-4 * np.random.default_rng(7).standard_normal(n)
    for role in ROLES:
        for k, (start, end) in enumerate(role.says):
            spoken, _ = speak(_voice(role, k), end - start)
            at = round(start * RATE_HZ)
            mix[at : at + len(spoken)] += 0.45 * spoken[: n - at]
    return mix


def part(role: Role) -> Part:
    """Poses and sway of one role, deterministic."""
    t = (np.arange(FRAMES) + 0.5) / RATE
    looks = role.looks
    starts = [look.start_s for look in looks]
    head = _steps(t, starts, [look.head_yaw_deg for look in looks], _HEAD_MOVE_S, 0.06)
    gaze = _steps(t, starts, [look.gaze_yaw_deg for look in looks], _EYE_MOVE_S, 0.0)
    pitch = _steps(t, starts, [look.pitch_deg for look in looks], _HEAD_MOVE_S, 0.06)
    mouth = _mouth(role)
    talk = np.convolve(mouth > 0.02, np.ones(15) / 15, "same")
    p = float(role.person)
    yaw = head + 1.0 * _wave(t, 0.31, p) + talk * 1.6 * _wave(t, 0.83, p + 2)
    pitch = pitch + 0.8 * _wave(t, 0.37, p + 1) + talk * 2.4 * _wave(t, 1.21, p + 3)
    roll = 1.0 * _wave(t, 0.23, p + 4) + talk * 1.5 * _wave(t, 0.67, p) + 0.03 * head
    eyes = np.clip(gaze - yaw, -_EYE_RANGE_DEG, _EYE_RANGE_DEG)
    blink = _blinks(t, role.blinks_s)
    rows = np.round(np.column_stack([yaw, pitch, roll, eyes, mouth, blink]), 3)
    sway = np.column_stack([0.10 * head + 2.5 * _wave(t, 0.19, p), 1.5 * _wave(t, 0.27, p + 5)])
    return Part(role, tuple(Pose(*map(float, row)) for row in rows), sway)


def truth(parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    """What each person does, as `truth.json` keeps it: spans in seconds, and a value a frame."""
    return [
        {
            "person": one.role.person,
            "looks": _spans(one.role),
            "speaks": [{"start_s": start, "end_s": end} for start, end in one.role.says],
            "yaw_deg": [round(pose.yaw_deg, 2) for pose in one.poses],
            "pitch_deg": [round(pose.pitch_deg, 2) for pose in one.poses],
            "roll_deg": [round(pose.roll_deg, 2) for pose in one.poses],
            "eye_yaw_deg": [round(pose.eye_yaw_deg, 2) for pose in one.poses],
            "mouth": [round(pose.mouth, 3) for pose in one.poses],
            "blink": [round(pose.blink, 3) for pose in one.poses],
        }
        for one in parts
    ]


def _spans(role: Role) -> list[dict[str, Any]]:
    """The looks once head and eyes have arrived, until they leave again."""
    ends = [look.start_s for look in role.looks[1:]] + [DURATION_S]
    arrive = [0.0] + [look.start_s + 0.06 + _HEAD_MOVE_S for look in role.looks[1:]]
    return [
        {"start_s": round(start, 2), "end_s": round(end, 2), "target": look.target}
        for look, start, end in zip(role.looks, arrive, ends, strict=True)
    ]


def _voice(role: Role, utterance: int) -> Voice:
    voice = role.voice
    return Voice(voice.pitch_hz, voice.tract, voice.syllable_s, voice.seed + 10 * utterance)


def _mouth(role: Role) -> Floats:
    """Opening of the mouth `(FRAMES,)` in [0, 1]: that of the utterances."""
    hops = np.zeros(round(DURATION_S / HOP_S))
    for k, (start, end) in enumerate(role.says):
        _, opening = speak(_voice(role, k), end - start)
        at = round(start / HOP_S)
        hops[at : at + len(opening)] = opening[: len(hops) - at]
    return np.asarray(hops.reshape(FRAMES, -1).mean(axis=1))


def _steps(
    t: Floats, starts: list[float], values: list[float], move_s: float, delay_s: float
) -> Floats:
    """A value that goes from one to the next by smooth moves."""
    series = np.full_like(t, float(values[0]))
    for before, after, start in zip(values[:-1], values[1:], starts[1:], strict=True):
        x = np.clip((t - start - delay_s) / move_s, 0, 1)
        series += (after - before) * x**3 * (10 - 15 * x + 6 * x**2)
    return series


def _wave(t: Floats, rate_hz: float, phase: float) -> Floats:
    return np.asarray(np.sin(2 * np.pi * rate_hz * t + 1.7 * phase))


def _blinks(t: Floats, times_s: tuple[float, ...]) -> Floats:
    closed = [np.clip(1.25 - np.abs(t - at - 0.09) / 0.075, 0, 1) for at in times_s]
    return np.asarray(np.max(closed, axis=0))

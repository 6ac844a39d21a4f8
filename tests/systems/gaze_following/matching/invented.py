"""Conversations that nobody had: heads around a table, objects, a speaker, and looks by rule.

Written in the layout of VideoGazeSpeech, with the detector's boxes, speakers and directions beside.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eyeline.systems.gaze_following.matching import slope
from eyeline.systems.gaze_following.matching.model import matcher
from eyeline.systems.gaze_following.matching.slope import SlopeMlp
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard

WIDTH, HEIGHT = 1280, 720
TO_SPEAKER, TO_OBJECT, TO_LAP, OUT = 0.6, 0.15, 0.1, 0.05
"""Shares of looks; the rest goes to people who do not speak."""
NOISE_DEG = 25.0
"""Of a direction, so that it cannot tell neighbours apart."""


def write_folder(folder: Path, videos: int, frames: int, seed: int = 0) -> Path:
    """Annotations, candidates, speakers, directions, sizes and splits of synthetic videos."""
    rng = np.random.default_rng(seed)
    tables: dict[str, list[str]] = {name: [] for name in ("truth", "found", "speak", "look")}
    names = [f"{video:03d}" for video in range(videos)]
    for name in names:
        _video(name, frames, rng, tables)
    files = {
        "GT_label_all_videoFormat.txt": tables["truth"],
        "candidates.csv": ["frame_name,gaze_bbox,gaze_score", *tables["found"]],
        "speakers.csv": tables["speak"],
        "directions.csv": tables["look"],
        "sizes.csv": [f"{name},{WIDTH},{HEIGHT}" for name in names],
    }
    cut = max(1, videos // 5)
    files |= {
        "test.txt": names[:cut], "validation.txt": names[cut : 2 * cut],
        "train.txt": names[2 * cut :],
    }  # fmt: skip
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


def _video(name: str, frames: int, rng: np.random.Generator, tables: dict[str, list[str]]) -> None:
    people = int(rng.integers(3, 5))
    size = rng.uniform(90, 150)
    at = np.column_stack(
        [np.linspace(150, 1130, people) + rng.normal(0, 25, people), rng.uniform(180, 300, people)]
    )
    objects = np.column_stack([rng.uniform(200, 1080, 2), rng.uniform(480, 640, 2)])
    for frame in range(frames):
        speaker = int(rng.integers(0, people + 1))  # one past the last: nobody
        tables["speak"].append(f"{name},{frame},{speaker + 1 if speaker < people else 0}")
        heads = at + rng.normal(0, 3, at.shape)
        _detections(f"{name}1{frame:03d}.jpg", heads, objects, size, rng, tables["found"])
        for person in range(people):
            image = f"{name}{person + 1}{frame:03d}.jpg"
            point = _point(person, speaker, heads, objects, size, rng)
            half = size / 2
            box = (*(heads[person] - half), *(heads[person] + half))
            known = (-1, -1) if point is None else tuple(point)
            tables["truth"].append(
                ",".join([image, *(f"{v:.0f}" for v in box), *(f"{v:.1f}" for v in known)])
            )
            way = _way(heads[person], point, size, rng)
            tables["look"].append(f"{image},{person + 1},{way[0]:.6f},{way[1]:.6f},{way[2]:.6f}")


def _point(person, speaker, heads, objects, size, rng):
    """Where somebody looks; None for out of the image."""
    people = len(heads)
    kind = rng.random()
    if kind < OUT:
        return None
    if kind < OUT + TO_LAP:
        return heads[person] + (rng.normal(0, 0.2 * size), size * rng.uniform(1.6, 2.6))
    if kind < OUT + TO_LAP + TO_OBJECT:
        return objects[rng.integers(len(objects))] + rng.normal(0, 8, 2)
    others = [i for i in range(people) if i != person]
    if kind < OUT + TO_LAP + TO_OBJECT + TO_SPEAKER and speaker in others:
        return heads[speaker] + rng.normal(0, 0.1 * size, 2)
    return heads[rng.choice(others)] + rng.normal(0, 0.1 * size, 2)


def _way(head, point, size, rng):
    """A unit vector about the true direction; out of the image is towards the camera's side."""
    if point is None:
        true = np.array([rng.choice([-1, 1]) * 0.5, -0.4, -1.0])
    else:
        step = (point - head) / size
        true = np.array([step[0], step[1], -0.5])
    true = true / np.linalg.norm(true)
    way = true + rng.normal(0, np.deg2rad(NOISE_DEG), 3)
    return way / np.linalg.norm(way)


def _detections(image, heads, objects, size, rng, lines):
    middles = [*heads, *objects, *rng.uniform((0, 0), (WIDTH, HEIGHT), (2, 2))]
    for k, centre in enumerate(middles):
        if rng.random() < 0.1:
            continue
        half = (size if k < len(heads) else 60) / 2 * rng.uniform(0.8, 1.2, 2)
        box = [float(round(v, 3)) for v in (*(centre - half), *(centre + half))]
        lines.append(f'{image},"{box}",{rng.uniform(0.1, 0.9):.4f}')


def saved_matcher(path: Path, width: int = 8) -> Path:
    """A weights file of a small matcher."""
    card = CheckpointCard("gaze_following", "matcher", {"width": width})
    checkpoint.save(path, matcher(width=width).state_dict(), card)
    return path


def saved_slope(path: Path, mlp: SlopeMlp) -> Path:
    """A weights file of a regressor."""
    card = CheckpointCard("gaze_following", slope.NETWORK, slope.arguments_of(mlp))
    checkpoint.save(path, slope.state_of(mlp), card)
    return path

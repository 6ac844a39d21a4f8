"""A prepared data set that small networks learn: who looks or talks to me can be told at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from eyeline.results import Image
from eyeline.systems.ego_social.recipe import Recipe, read_recipe
from eyeline.systems.ego_social.recordings.annotations import Clip, Segment
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.ego_social.stored import Samples, store_clip, track_of, write_list

FRAMES = 62
LOOKS = ((5, 20), (35, 50))
TO_ME, TO_OTHERS = (4, 26), (32, 56)

SMALL: dict[str, dict[str, Any]] = {
    "lam": {
        "model": {"builder": "lam_lstm", "width": 4, "memory": 8},
        "data": {"stride": 9, "validation_stride": 9},
        "optimizer": {"learning_rate": 2e-3},
        "training": {"epochs": 2, "batch_size": 8, "save_every": 1},
    },
    "ttm": {
        "model": {"builder": "ttm", "width": 4, "memory": 8, "voice_width": 4},
        "optimizer": {"learning_rate": 2e-3},
        "training": {"epochs": 2, "frame_budget": 60, "save_every": 1},
    },
}
"""Recipes of shrunken networks."""


def plan(task: str, *changes: str) -> Recipe:
    return read_recipe(SMALL[task], changes)


def taught(root: Path, train: int = 3, val: int = 2, *, only: str = "", silent: str = "") -> Path:
    """Clips of 62 frames; in `only` nobody looks or talks to me, `silent` has no audio."""
    lists = {"train": [f"train{i}" for i in range(train)], "val": [f"val{i}" for i in range(val)]}
    for name, uids in lists.items():
        write_list(root, name, uids)
        for seed, uid in enumerate(uids):
            clip = _clip(uid, nothing=name == only)
            audio = None if uid == silent else _audio(seed)
            rng = np.random.default_rng(seed)
            images = ((i, _image(rng, clip, i + 1)) for i in range(FRAMES))
            store_clip(root, clip, images, audio)
    return root


def saved(path: Path, network: nn.Module, builder: str, **arguments: Any) -> Path:
    card = CheckpointCard("ego_social", builder, arguments)
    checkpoint.save(path, network.state_dict(), card)
    return path


def small(task: str, path: Path, seed: int = 0) -> Path:
    """Weights of a shrunken network, random but for statistics that fit such images."""
    torch.manual_seed(seed)
    created = plan(task)
    return saved(path, created.network(), created.builder, **created.arguments)


def _clip(uid: str, *, nothing: bool) -> Clip:
    track = track_of(range(1, FRAMES), (8, 8, 32, 32), track_id="t1")
    looking = () if nothing else tuple(Segment("1", a, b, None, False) for a, b in LOOKS)
    talking = tuple(
        Segment("1", a, b, target, False)
        for (a, b), target in ((TO_ME, None if nothing else "0"), (TO_OTHERS, None))
    )
    return Clip(uid, "v", None, (track,), looking, talking)


def _image(rng: np.random.Generator, clip: Clip, frame: int) -> Callable[[], Image]:
    """Gray noise; a bright patch in the face while it looks."""
    image = rng.integers(60, 120, (48, 64, 3)).astype(np.uint8)
    if any(s.start_frame <= frame <= s.end_frame for s in clip.looking):
        image[18:30, 16:32] = 250
    return lambda: image


def _audio(seed: int) -> Samples:
    """Quick beats while somebody talks to me, slow ones else."""
    rng = np.random.default_rng(100 + seed)
    t = np.arange(FRAMES * 16_000 // 30) / 16_000
    quick = (t >= TO_ME[0] / 30) & (t < TO_ME[1] / 30)
    beat = np.sin(2 * np.pi * np.where(quick, 14.0, 4.0) * t)
    return np.round(9000 * beat * rng.standard_normal(len(t)) / 4).astype(np.int16)

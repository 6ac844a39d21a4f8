"""Scenes of the labelled clips, analysed once and kept as arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import eyeline
from eyeline.analysis import analyze_video
from eyeline.files import sha256
from eyeline.geometry.camera import Camera
from eyeline.people.tracks import Track, who_and_when
from eyeline.results import Directions, Scores, VideoInfo
from eyeline.settings import Settings
from eyeline.system import Scene, load_system

FRONT_END = ("analysis.py", "people", "speech", "video", "geometry")
"""What tracks and speech depend on; a change of any reads the clips anew. The target model
(`people/targets`) comes after it."""


def scene_of(video: Path, cache: Path, progress: Callable[[str], None] = print) -> Scene:
    """The scene of a clip with the directions of the default builder, from the cache if it can."""
    kept = cache / f"{video.stem}-{_key(video)}.npz"
    if not kept.exists():
        progress(f"analysing {video}")
        scenes: list[Scene] = []
        analyze_video(video, Settings(systems=("gaze_3d",)), on_scene=scenes.append)
        cache.mkdir(parents=True, exist_ok=True)
        _save(kept, scenes[0])
    return with_gaze(_load(kept))


def with_gaze(scene: Scene) -> Scene:
    """The scene with the directions of the default builder, as `analyze` makes them."""
    system = load_system("gaze_3d")
    builder = system.builders[system.default].predictor
    assert builder is not None
    result = builder().predict(scene)
    gaze = next(a for a in result if isinstance(a, Directions) and a.name == "gaze")
    return replace(scene, gaze=gaze)


def _key(video: Path) -> str:
    """What the cached scene was made of: the clip and the code of the front end."""
    root = Path(eyeline.__file__).parent
    files = [
        f
        for part in FRONT_END
        for f in ([root / part] if part.endswith(".py") else sorted((root / part).rglob("*")))
        if f.suffix in (".py", ".onnx", ".safetensors")
        and "targets" not in f.relative_to(root).parts
    ]
    digest = hashlib.sha256(sha256(video).encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _save(path: Path, scene: Scene) -> None:
    info = {k: v for k, v in vars(scene.video).items() if not isinstance(v, tuple)}
    info["path"] = Path(scene.video.path).name
    head = {
        "video": {k: str(v) if isinstance(v, Fraction) else v for k, v in info.items()},
        "camera": vars(scene.camera),
        "tracks": [
            {k: v for k, v in vars(t).items() if isinstance(v, int | str | type(None))}
            for t in scene.tracks
        ],
    }
    arrays: dict[str, Any] = {"head": np.array(json.dumps(head))}
    for i, track in enumerate(scene.tracks):
        values = {k: v for k, v in vars(track).items() if isinstance(v, np.ndarray)}
        arrays |= {f"{i}/{k}": v for k, v in values.items()}
    if scene.speaking is not None:
        arrays["speaking"] = scene.speaking.value
    np.savez(path, **arrays)


def _load(path: Path) -> Scene:
    with np.load(path, allow_pickle=False) as kept:
        head = json.loads(str(kept["head"]))
        arrays = {name: kept[name] for name in kept.files}
    video = head["video"]
    for name in ("rate_hz", "pixel_aspect"):
        video[name] = Fraction(video[name])
    tracks = [
        Track(
            **numbers,
            **{f.name: arrays[f"{i}/{f.name}"] for f in fields(Track) if f"{i}/{f.name}" in arrays},
        )
        for i, numbers in enumerate(head["tracks"])
    ]
    speaking = None
    if "speaking" in arrays:
        who = who_and_when(tracks)
        speaking = Scores("speech", "cached", "speaking", 0.5, **who, value=arrays["speaking"])
    return Scene(VideoInfo(**video), Camera(**head["camera"]), tracks, speaking=speaking)

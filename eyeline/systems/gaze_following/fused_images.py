"""`prepare gaze_following/fused`: the authors' frames and head maps to fused images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.datasets.prepare import Outcome, Summary, attempt, check_weights, prepare_all
from eyeline.errors import DataError
from eyeline.files import write_bytes
from eyeline.log import Log
from eyeline.results import Image
from eyeline.systems.gaze_following import formats, speaker_files
from eyeline.systems.gaze_following.detector.data import read_image
from eyeline.systems.gaze_following.fusion import check_fusion, fuse

JPEG_QUALITY = 95
"""OpenCV's own, as published."""


def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    log: Log | None = None,
    maps: str | None = None,
    fusion: str = "hs",
) -> Summary:
    """Brighten the heads in frames; frames without maps are left out and counted.

    Args:
        source: folder of frames `VVVHFFF.jpg`, in it or below.
        out: folder to make: `VVV/VVVHFFF.jpg`.
        weights: none are needed.
        device: none is used.
        log: gets a line for every video.
        maps: folder below which `VVV_f<frame>_{speaker,nonspeaker}.png` lie; by default the source.
        fusion: `hs`, `h` or `none`.

    Raises:
        DataError: no frames.
        UsageError: no such fusion.
        OutputError: the folder cannot be written.
    """
    del device
    check_weights(weights, ())
    check_fusion(fusion)
    source, out = Path(source), Path(out)
    frames: dict[str, list[Path]] = {}
    for path in sorted(source.rglob("*.jpg")):
        frames.setdefault(formats.parse_name(path.name, str(path)).video, []).append(path)
    if not frames:
        raise DataError(f"{source} has no frames VVVHFFF.jpg")
    places = _map_folders(Path(maps) if maps else source)
    work = [(out, name, paths, places.get(name), fusion) for name, paths in frames.items()]
    return Summary.of_counts("videos", prepare_all(_attempt, work, log))


def jpeg(rgb: Image) -> bytes:
    """An image `(h, w, 3)` as the authors' scripts store it."""
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), options)[1].tobytes()


def _map_folders(root: Path) -> dict[str, Path]:
    result: dict[str, Path] = {}
    for path in sorted(root.rglob("*_f*_speaker.png")):
        result.setdefault(path.name[:3], path.parent)
    return result


def _attempt(out: Path, video: str, *rest: Any) -> Outcome:
    return attempt(video, lambda: _of_video(out, video, *rest))


def _of_video(
    out: Path, video: str, paths: list[Path], places: Path | None, fusion: str
) -> Outcome:
    fused = 0
    by_frame: dict[int, list[Path]] = {}
    for path in paths:
        by_frame.setdefault(formats.parse_name(path.name).frame, []).append(path)
    for frame, copies in by_frame.items():
        drawn = speaker_files.read_maps(places, video, frame) if places else None
        if drawn is None:
            continue
        created: dict[bytes, bytes] = {}  # the heads' copies of a frame are alike
        for path in copies:
            content = path.read_bytes()
            if content not in created:
                created[content] = jpeg(fuse(read_image(path), drawn, check_fusion(fusion)))
            write_bytes(out / video / path.name, created[content])
        fused += len(copies)
    if not fused:
        raise DataError(f"none of its {len(paths)} frames has maps of heads")
    left = len(paths) - fused
    notes = (f"{left} frames without maps are left out",) if left else ()
    return Outcome(video, "done", counts={"frames": len(paths), "fused_images": fused}, notes=notes)

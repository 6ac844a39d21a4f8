"""GAFA's annotations drawn: directions and joints on each camera's image, and in space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.bounds import Count, Whole
from eyeline.datasets.drawing import (
    arrow,
    below,
    blank,
    pixel,
    read_image,
    resized,
    side_by_side,
    tag,
)
from eyeline.errors import DataError, EyelineError
from eyeline.geometry.directions import angle, normalise
from eyeline.geometry.views import projection
from eyeline.results import Floats, Image
from eyeline.system import Clip, Drawing
from eyeline.systems.gaze_3d.prepare import INTRINSICS
from eyeline.systems.gaze_3d.raw import (
    Annotation,
    RawCamera,
    data_root,
    find_cameras,
    numbered,
    read_annotation,
    read_matrix,
)
from eyeline.systems.gaze_3d.scene_plot import COLOURS, Scene
from eyeline.systems.gaze_3d.skeleton import (
    BONES,
    HEAD,
    NAMES,
    TRUNK,
    centre,
    found,
    in_space,
    off_px,
)

RATE_HZ = Fraction(25)
"""Of a drawn clip; the data set states none."""
_WIDE_PX = 2704
"""Longer side of the data set's frames, at which lines have the widths below."""
_ARROW, _LINE, _BONE, _DISC = 300, 16, 5, 12
_TILE_PX, _ROW = 300, 4
"""Height of a camera's image and crop, and how many stand in a row."""
_MARGIN = 0.6
"""Of the person's size, around joints in a crop."""


def show(
    data: Path,
    item: str | None = None,
    *,
    cameras: tuple[str, ...] = (),
    frame: Whole | None = None,
    count: Count = 100,
) -> Drawing:
    """A session: the image and a crop of each camera, and the same instant in space.

    Args:
        data: the data set as downloaded, as of `raw.find_cameras`.
        item: for example `library/1029_2`; the first session by default.
        cameras: for example `Camera_5_0`; by default those whose names end as the first one's,
            which are of one part of the session and number their frames alike.
        frame: number of the first frame; by default the first that most cameras see somebody in.
        count: frames of a drawn clip, as far as there are so many.
    """
    name, chosen = _chosen(data, item, cameras)
    known, failed = _read(chosen)
    length = min(map(len, known.values()))
    first = _first(known, length) if frame is None else frame
    if first >= length:
        raise DataError(f"frame {first} is wanted; {name} has {length}, from 0")
    matrix, notes = _matrix(data, len(known))
    files = {camera: _numbered(chosen[camera].folder) for camera in known}

    def image(number: int) -> Image:
        points = np.full((len(NAMES), 3), np.nan)
        if matrix is not None:
            points, _ = joints_in_space([*known.values()], matrix, number)
        tiles = [_tile(own, known[own], files[own], number, failed) for own in known]
        rows = [side_by_side(tiles[row : row + _ROW]) for row in range(0, len(tiles), _ROW)]
        return below([*rows, scene(f"{name}, frame {number}", known, number, points).image])

    def frames() -> Iterator[Image]:
        yield from map(image, range(first, min(first + count, length)))

    off = joints_in_space([*known.values()], matrix, first)[1] if matrix is not None else None
    facts = {
        "frame": first,
        "cameras": _described(known, off),
        "gaze_apart_deg": round(_apart_deg([*known.values()], first), 2),
        "notes": notes,
        "failed": failed,
    }
    clip = Clip(frames, min(count, length - first), RATE_HZ)
    return Drawing(name, lambda: image(first), clip, facts)


def draw(image: Image, annotation: Annotation, frame: int) -> Image:
    """A frame `(h, w, 3)` RGB with joints, and arrows of gaze, head and body.

    Arrows lie in the image plane: x and y of the direction as they are, as the authors draw them.
    """
    import cv2

    unit = max(image.shape[:2]) / _WIDE_PX
    drawn, joints = image.copy(), annotation.joints[frame]
    there = found(joints)
    for a, b in BONES:
        if there[a] and there[b]:
            ends = pixel(joints[a]), pixel(joints[b])
            cv2.line(drawn, *ends, (255, 255, 255), _px(_BONE * unit), cv2.LINE_AA)
    for joint in joints[there]:
        cv2.circle(drawn, pixel(joint), _px(_DISC * unit), (255, 214, 10), -1, cv2.LINE_AA)
    head, trunk = centre(joints, HEAD), centre(joints, TRUNK)
    for part, start in (("body", trunk), ("head", head), ("gaze", head)):
        if start is not None:
            way = getattr(annotation, part)[frame][:2]
            end = start + _ARROW * unit * way
            arrow(drawn, start, end, COLOURS[part], _px(_LINE * unit))
    return drawn


def joints_in_space(
    annotations: Sequence[Annotation], matrix: Floats, frame: int
) -> tuple[Floats, Floats]:
    """Joints `(25, 3)` in the world, and by how many pixels each camera's lie off `(camera,)`."""
    projections = np.stack([projection(matrix, a.rotation, a.position) for a in annotations])
    joints = np.stack([a.joints[frame] for a in annotations])
    points = in_space(projections, joints)
    return points, off_px(projections, joints, points)


def scene(title: str, known: Mapping[str, Annotation], frame: int, joints: Floats) -> Scene:
    """An instant in space; directions and places are the means of the cameras'."""
    arrows = {}
    for part in COLOURS:
        at = "body_position" if part == "body" else "head_position"
        starts = [a.rotation @ getattr(a, at)[frame] + a.position for a in known.values()]
        ways = [a.rotation @ getattr(a, part)[frame] for a in known.values()]
        start, way = np.mean(starts, axis=0), normalise(np.mean(ways, axis=0))
        if np.isfinite([start, way]).all():
            arrows[part] = (start, way)
    cameras = {name: (a.rotation, a.position) for name, a in known.items()}
    return Scene(title, cameras, joints, arrows)


def _chosen(
    source: Path, session: str | None, cameras: Sequence[str]
) -> tuple[str, dict[str, RawCamera]]:
    """A session's name and its cameras to be drawn, by their own names."""
    every = find_cameras(source, None if session is None else [session]).cameras
    if not every:
        raise DataError(f"{source} holds no camera with both annotation and frames")
    name = every[0].name.rpartition("/")[0]
    own = {c.name.rpartition("/")[2]: c for c in every if c.name.rpartition("/")[0] == name}
    if lacking := [camera for camera in cameras if camera not in own]:
        raise DataError(f"{name} has no camera {', '.join(lacking)}; it has: {', '.join(own)}")
    part = next(iter(own)).rpartition("_")[2]
    wanted = cameras or [camera for camera in own if camera.rpartition("_")[2] == part]
    return name, {camera: own[camera] for camera in wanted}


def _read(chosen: Mapping[str, RawCamera]) -> tuple[dict[str, Annotation], dict[str, str]]:
    known: dict[str, Annotation] = {}
    failed: dict[str, str] = {}
    for name, camera in chosen.items():
        try:
            known[name] = read_annotation(camera.annotation)
        except EyelineError as error:
            failed[name] = str(error)
    if not known:
        raise DataError(f"no camera can be read: {'; '.join(failed.values())}")
    return known, failed


def _first(known: Mapping[str, Annotation], length: int) -> int:
    """The first frame that most cameras see somebody in."""
    seen = sum(found(a.joints[:length]).any(axis=1).astype(int) for a in known.values())
    return int(np.argmax(seen)) if length else 0


def _matrix(source: Path, cameras: int) -> tuple[Floats | None, list[str]]:
    """Intrinsics; None, and why, where nothing can be triangulated."""
    path = data_root(source) / INTRINSICS
    if cameras < 2:
        return None, ["one camera only: no joint is triangulated"]
    if not path.is_file():
        return None, [f"{path} is missing: no joint is triangulated"]
    return read_matrix(path)[0], []


def _numbered(folder: Path) -> dict[int, Path]:
    names, _ = numbered(path.name for path in folder.iterdir())
    return {number: folder / name for number, name in names.items()}


def _tile(
    name: str,
    annotation: Annotation,
    files: Mapping[int, Path],
    number: int,
    failed: dict[str, str],
) -> Image:
    """A camera's image with its annotation, and a crop around the person beside it."""
    try:
        rgb = draw(read_image(files.get(number, Path(f"{number:06d}.jpg"))), annotation, number)
        result = side_by_side(
            [resized(rgb, _TILE_PX), resized(_crop(rgb, annotation, number), _TILE_PX)]
        )
    except DataError as error:
        failed[f"{name}, frame {number}"] = str(error)
        result = blank(_TILE_PX, _TILE_PX)
    tag(result, (6, 6), name)
    return result


def _crop(rgb: Image, annotation: Annotation, number: int) -> Image:
    """A square around all joints that are there, empty beyond the image or where none is."""
    joints = annotation.joints[number]
    joints = joints[found(joints)]
    if not len(joints):
        return blank(_TILE_PX, _TILE_PX)
    low, high = joints.min(axis=0), joints.max(axis=0)
    side = max(round(float((high - low).max()) * (1 + _MARGIN)), 16)
    left, top = (round(float(v)) for v in (low + high) / 2 - side / 2)
    result = blank(side, side)
    part = rgb[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    y, x = max(-top, 0), max(-left, 0)
    result[y : y + part.shape[0], x : x + part.shape[1]] = part
    return result


def _apart_deg(annotations: Sequence[Annotation], frame: int) -> float:
    """Largest angle in the world between the gaze of one camera and that of another."""
    ways = np.stack([a.rotation @ a.gaze[frame] for a in annotations])
    return float(np.rad2deg(angle(ways[:, None], ways[None]).max()))


def _described(known: Mapping[str, Annotation], off: Floats | None) -> dict[str, dict[str, Any]]:
    away = np.full(len(known), np.nan) if off is None else off
    return {
        name: {
            "position_m": [round(float(value), 4) for value in annotation.position],
            "joints_off_px": None if np.isnan(px) else round(float(px), 2),
        }
        for (name, annotation), px in zip(known.items(), away, strict=True)
    }


def _px(value: float) -> int:
    return max(1, round(value))

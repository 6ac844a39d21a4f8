"""What GAFA's annotations say: drawn on the frames of all cameras, and in space."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.bounds import Count, Whole
from eyeline.errors import DataError, EyelineError, UsageError
from eyeline.files import write_bytes
from eyeline.geometry.directions import angle, normalise
from eyeline.geometry.views import projection
from eyeline.log import Log
from eyeline.results import Floats, Image
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
from eyeline.systems.gaze_3d.scene_plot import COLOURS, Colour, Scene
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

POINTS = "points.csv"

_WIDE_PX = 2704
"""Longer side of the data set's frames, at which lines have the widths below."""
_ARROW, _LINE, _BONE, _DISC = 300, 16, 5, 12


@dataclass(frozen=True)
class Summary:
    """What was drawn."""

    session: str
    frames: tuple[int, ...]
    cameras: Mapping[str, Mapping[str, Any]]
    """Name -> position in metres, and how far joints lie from the triangulated points."""
    notes: tuple[str, ...]
    failed: Mapping[str, str]
    """Camera, or camera and frame -> what is wrong with it."""

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "session": self.session,
            "frames": list(self.frames),
            "cameras": dict(self.cameras),
            "notes": list(self.notes),
            "failed": dict(self.failed),
        }


def run(
    source: Path | str,
    out: Path | str,
    *,
    session: str | None = None,
    cameras: tuple[str, ...] = (),
    frame: Whole | None = None,
    count: Count = 1,
    every: Count = 1,
    log: Log | None = None,
) -> Summary:
    """Draw the annotations of a session's cameras at the same instants.

    Args:
        source: the data set as downloaded, as of `raw.find_cameras`.
        out: gets `<camera>/<frame>.jpg` with joints and directions, `scene_<frame>.svg` with
            cameras, triangulated joints and directions in space, and `points.csv`.
        session: for example `library/1029_2`; the first one by default.
        cameras: for example `Camera_5_0`; by default those whose names end as the first one's,
            which are of one part of the session and number their frames alike.
        frame: number of the first frame; by default the first that most cameras see somebody in.
        count: how many frames.
        every: from one frame to the next.
        log: receives every frame.

    Raises:
        DataError: no such session, camera or frame, or none that can be read.
        UsageError: numbers that cannot be.
        OutputError: the folder cannot be written.
    """
    if count < 1 or every < 1:
        raise UsageError(f"count is {count} and every is {every}; both must be at least 1")
    source, out = Path(source), Path(out)
    name, chosen = _chosen(source, session, cameras)
    known, failed = _read(chosen)
    frames = _frames(known, frame, count, every)
    matrix, notes = _matrix(source, len(known))
    rows: list[list[Any]] = []
    off: list[Floats] = []
    for number in frames:
        failed |= _draw_frames(chosen, known, number, out)
        points = np.full((len(NAMES), 3), np.nan)
        if matrix is not None:
            points, away = joints_in_space([*known.values()], matrix, number)
            off.append(away)
            rows += _rows(number, points, [a.joints[number] for a in known.values()])
        drawn = scene(f"{name}, frame {number}", known, number, points)
        write_bytes(out / f"scene_{number:06d}.svg", drawn.svg.encode())
        if log:
            log(f"frame {number}: {np.isfinite(points[:, 0]).sum()} of {len(NAMES)} joints")
    if rows:
        _write_points(out / POINTS, rows)
    apart = max(_apart_deg([*known.values()], number) for number in frames)
    notes += [f"the gaze of the cameras differs by at most {apart:.2f} degrees in the world"]
    for note in notes if log else ():
        log(note)  # type: ignore[misc]
    return Summary(name, frames, _described(known, off), tuple(notes), failed)


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
            ends = _pixel(joints[a]), _pixel(joints[b])
            cv2.line(drawn, *ends, (255, 255, 255), _px(_BONE * unit), cv2.LINE_AA)
    for joint in joints[there]:
        cv2.circle(drawn, _pixel(joint), _px(_DISC * unit), (255, 214, 10), -1, cv2.LINE_AA)
    head, trunk = centre(joints, HEAD), centre(joints, TRUNK)
    for part, start in (("body", trunk), ("head", head), ("gaze", head)):
        if start is not None:
            way = getattr(annotation, part)[frame][:2]
            _arrow(drawn, start, start + _ARROW * unit * way, COLOURS[part], _px(_LINE * unit))
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


def _frames(
    known: Mapping[str, Annotation], first: int | None, count: int, every: int
) -> tuple[int, ...]:
    shortest = min(known, key=lambda name: len(known[name]))
    length = len(known[shortest])
    if first is None and length:
        seen = sum(found(a.joints[:length]).any(axis=1).astype(int) for a in known.values())
        first = int(np.argmax(seen))
    wanted = tuple(range(first or 0, (first or 0) + count * every, every))
    if wanted[0] < 0 or wanted[-1] >= length:
        raise DataError(
            f"frames {wanted[0]} to {wanted[-1]} are wanted; {shortest} has {length}, from 0"
        )
    return wanted


def _matrix(source: Path, cameras: int) -> tuple[Floats | None, list[str]]:
    """Intrinsics; None, and why, where nothing can be triangulated."""
    path = data_root(source) / INTRINSICS
    if cameras < 2:
        return None, ["one camera only: no joint is triangulated"]
    if not path.is_file():
        return None, [f"{path} is missing: no joint is triangulated"]
    return read_matrix(path)[0], []


def _draw_frames(
    chosen: Mapping[str, RawCamera], known: Mapping[str, Annotation], frame: int, out: Path
) -> dict[str, str]:
    """Write a frame of every camera; what is wrong with those that could not be read."""
    import cv2

    failed = {}
    for name, annotation in known.items():
        files, _ = numbered(path.name for path in chosen[name].folder.iterdir())
        path = chosen[name].folder / files.get(frame, f"{frame:06d}.jpg")
        content = np.fromfile(path, np.uint8) if path.is_file() else np.zeros(0, np.uint8)
        image = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
        if image is None:
            failed[f"{name}, frame {frame}"] = f"{path} is missing or damaged"
            continue
        drawn = draw(np.asarray(image[..., ::-1], np.uint8), annotation, frame)
        jpeg = cv2.imencode(".jpg", drawn[..., ::-1])[1]
        write_bytes(out / name / f"{frame:06d}.jpg", jpeg.tobytes())
    return failed


def _rows(frame: int, points: Floats, joints: Sequence[Floats]) -> Iterator[list[Any]]:
    cameras = found(np.stack(joints)).sum(axis=0)
    for number, (name, point) in enumerate(zip(NAMES, points, strict=True)):
        if np.isfinite(point).all():
            places = [f"{value:.4f}" for value in point]
            yield [frame, number, name, *places, int(cameras[number])]


def _write_points(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["frame", "joint", "name", "x_m", "y_m", "z_m", "cameras"])
    table.writerows(rows)
    write_bytes(path, text.getvalue().encode())


def _apart_deg(annotations: Sequence[Annotation], frame: int) -> float:
    """Largest angle in the world between the gaze of one camera and that of another."""
    ways = np.stack([a.rotation @ a.gaze[frame] for a in annotations])
    return float(np.rad2deg(angle(ways[:, None], ways[None]).max()))


def _described(known: Mapping[str, Annotation], off: Sequence[Floats]) -> dict[str, dict[str, Any]]:
    away = np.median(off, axis=0) if off else np.full(len(known), np.nan)
    return {
        name: {
            "position_m": [round(float(value), 4) for value in annotation.position],
            "joints_off_px": None if np.isnan(px) else round(float(px), 2),
        }
        for (name, annotation), px in zip(known.items(), away, strict=True)
    }


def _arrow(image: Image, start: Floats, end: Floats, colour: Colour, line: int) -> None:
    import cv2

    ends = _pixel(start), _pixel(end)
    cv2.arrowedLine(image, *ends, (255, 255, 255), line + max(2, line // 2), cv2.LINE_AA, 0, 0.3)
    cv2.arrowedLine(image, *ends, colour, line, cv2.LINE_AA, 0, 0.3)


def _pixel(point: Floats) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _px(value: float) -> int:
    return max(1, round(value))

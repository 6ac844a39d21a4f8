"""A small data set in the raw layout of GAFA, with rendered people whose directions are exact.

Below the output folder: `raw_data/<scene>/<session>/<camera>/000000.jpg ...`, the annotation of
each camera beside its folder, `raw_data/intrinsics.npz`, and lists of sessions under the names of
the published ones, so that the recipe finds them. Whatever is trained or measured on it says that
the chain works, and nothing of real people.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le

from eyeline.bounds import Count, Jobs, Whole
from eyeline.datasets.items import checked, size_of, work_on
from eyeline.files import atomic_dir, write_bytes
from eyeline.geometry.directions import normalise
from eyeline.log import Log
from eyeline.results import Floats
from eyeline.synthetic.camera import View
from eyeline.synthetic.solids import Canvas, Part, draw, draw_room, plain
from eyeline.systems.gaze_3d.figure import Figure, Look, pose
from eyeline.systems.gaze_3d.inputs import FRAMES, HEAD_JOINTS, JOINTS
from eyeline.systems.gaze_3d.motion import Motion, directions, draw_motion

SCENE = "made"
ROOM_HALF_M = 6.5
JPEG_QUALITY = 85

_JOINT_NOISE_PX = 1.0
_JOINT_MISSED = 0.02
_GAP_FRACTION, _GAP_FRAMES = 0.25, 3
"""Share of the cameras that lose the person for some frames."""


@dataclass(frozen=True)
class _Session:
    """One person in one room; drawn anew from the seed in every process."""

    name: str
    seed: tuple[int, int]
    cameras: int
    frames: int
    width_px: int


@checked
def run(
    out: Path | str,
    *,
    seed: Whole = 0,
    sessions: Annotated[int, Ge(2), Le(999)] = 4,
    test_sessions: Count = 2,
    cameras: Count = 2,
    frames: Annotated[int, Gt(FRAMES), Le(10**6)] = 24,
    width_px: Annotated[int, Ge(64), Le(2**14)] = 480,
    jobs: Jobs = 1,
    log: Log | None = None,
) -> dict[str, Any]:
    """Write a data set; the same for the same arguments.

    Args:
        out: a folder that is empty or not there yet.
        seed: of everything that is drawn.
        sessions: to train and validate on; each is another person in another room.
        test_sessions: to test on.
        cameras: of each session; every third is portrait.
        frames: of each camera.
        width_px: of an image; its height is three quarters of that.
        jobs: sessions made at the same time, a process each.
        log: receives every session.

    Returns:
        Where it lies and how much it is.

    Raises:
        UsageError: numbers that cannot be.
        OutputError: the folder holds something, or cannot be written.
    """
    count = sessions + test_sessions
    drawn = [
        _Session(f"{SCENE}/{i:03d}", (seed, i), cameras, frames, width_px) for i in range(count)
    ]
    with atomic_dir(Path(out)) as folder:
        _write_intrinsics(folder / "raw_data" / "intrinsics.npz", width_px)
        for name, some in (("train", drawn[:sessions]), ("test", drawn[sessions:])):
            text = "".join(f"{session.name}\n" for session in some)
            write_bytes(folder / f"gafa_{name}.txt", text.encode())
        work = [(session, folder / "raw_data") for session in drawn]
        list(work_on(_write_session, work, log, str, jobs=jobs))
        size = size_of(folder)
    return {
        "folder": str(out),
        "sessions": sessions,
        "test_sessions": test_sessions,
        "cameras": count * cameras,
        "frames": count * cameras * frames,
        "bytes": size,
    }


def matrix_of(width_px: int) -> Floats:
    """The camera matrix `(3, 3)` of all cameras, for images of this width.

    As in the real data set its principal point is that of landscape images.
    """
    focal = 0.95 * width_px
    return np.array([[focal, 0, width_px / 2], [0, focal, width_px * 0.375], [0, 0, 1]])


def _write_session(session: _Session, root: Path) -> str:
    rng = np.random.default_rng(session.seed)
    look, motion = Look.drawn(rng), draw_motion(rng, session.frames)
    light = normalise(np.array([*rng.uniform(-1, 1, 2), 1.2]))
    first = rng.uniform(0, 2 * np.pi)
    figures = [pose(look, motion, frame) for frame in range(session.frames)]
    for number in range(session.cameras):
        around = first + 2 * np.pi * (number + rng.uniform(-0.15, 0.15)) / session.cameras
        view = _view(rng, around, session.width_px, portrait=number % 3 == 2)
        place = root / session.name / f"Camera{number + 1}_0"
        _write_images(place, view, figures, motion, light, rng)
        annotation = _annotation(view, figures, motion, rng)
        write_bytes(place.with_name(f"{place.name}.pkl"), pickle.dumps(annotation, protocol=4))
    return session.name


def _view(rng: np.random.Generator, around: float, width_px: int, portrait: bool) -> View:
    """A camera on the wall that has the room's middle in the middle of its image."""
    away, matrix = rng.uniform(4.2, 5.4), matrix_of(width_px)
    position = np.array([away * np.cos(around), away * np.sin(around), rng.uniform(1.5, 2.6)])
    size = (width_px, width_px * 3 // 4)
    width, height = size[::-1] if portrait else size
    forward = normalise(np.array([0, 0, 0.95]) - position)
    right = normalise(np.cross(forward, [0.0, 0.0, 1.0]))
    looking = np.stack([right, np.cross(forward, right), forward], axis=1)
    centre = normalise(np.linalg.inv(matrix) @ [width / 2, height / 2, 1])
    return View(matrix, width, height, looking @ _turn_to_axis(centre), position)


def _turn_to_axis(ray: Floats) -> Floats:
    """The smallest rotation `(3, 3)` that takes a unit vector in front to (0, 0, 1)."""
    x, y, z = ray.tolist()
    cross = np.array([[0, 0, -x], [0, 0, -y], [x, y, 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + z))


def _write_images(
    place: Path,
    view: View,
    figures: list[Figure],
    motion: Motion,
    light: Floats,
    rng: np.random.Generator,
) -> None:
    import cv2

    rays = view.rays()
    room = draw_room(view, rays, rng, ROOM_HALF_M)
    draw(room, view, rays, _clutter(rng, view), light)
    floor = (view.position + room.depth[..., None] * (rays @ view.rotation.T))[..., :2]
    noise = rng.normal(0, 0.005, room.colour.shape)
    for frame, figure in enumerate(figures):
        canvas = Canvas(room.colour + np.roll(noise, rng.integers(0, 9999)), room.depth.copy())
        near = ((floor - motion.place[frame]) ** 2).sum(axis=-1) < 0.35**2
        canvas.colour[near] *= 0.6
        draw(canvas, view, rays, figure.parts, light)
        options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        content = cv2.imencode(".jpg", canvas.pixels()[..., ::-1], options)[1]
        write_bytes(place / f"{frame:06d}.jpg", content.tobytes())


def _clutter(rng: np.random.Generator, view: View) -> list[Part]:
    """Round things along the walls, none before the camera."""
    parts = []
    behind = np.arctan2(-view.position[1], -view.position[0])
    for _ in range(6):
        around, away = behind + rng.uniform(-1.6, 1.6), rng.uniform(3.2, 5.5)
        radii, colour = rng.uniform(0.15, 0.5, 3), rng.uniform(0.1, 0.9, 3)
        centre = np.array([away * np.cos(around), away * np.sin(around), radii[2]])
        parts.append(Part(centre, np.eye(3), radii, plain(colour)))
    return parts


def _annotation(
    view: View, figures: list[Figure], motion: Motion, rng: np.random.Generator
) -> dict[str, Any]:
    """What the authors' pickle of a camera holds."""

    def seen(yaw_pitch: Floats) -> Floats:
        return np.asarray(directions(yaw_pitch) @ view.rotation)

    chest, head = (
        view.to_camera(np.array([getattr(figure, part) for figure in figures]))
        for part in ("chest", "head")
    )
    return {
        "keypoints2d": _keypoints(view, figures, rng),
        "chest": {"direction": seen(motion.body), "position": chest},
        "head": {"direction": seen(motion.head), "position": head},
        "gaze": {"direction": seen(motion.gaze)},
        "R_cam2w": view.rotation,
        "t_cam2w": view.position,
    }


def _keypoints(view: View, figures: list[Figure], rng: np.random.Generator) -> Floats:
    """`(t, 25, 3)` float32 pixels and confidence as a detector finds them; 0 where it does not."""
    points = np.zeros((len(figures), JOINTS, 3), np.float32)
    lost = int(rng.integers(len(figures))) if rng.random() < _GAP_FRACTION else len(figures)
    for frame, figure in enumerate(figures):
        joints = view.to_camera(figure.joints)
        pixel = view.project(joints) + rng.normal(0, _JOINT_NOISE_PX, (JOINTS, 2))
        inside = ((pixel > 1) & (pixel < [view.width_px, view.height_px])).all(axis=1)
        to_camera = normalise(view.position - figure.joints)
        hidden = (figure.normals * to_camera).sum(axis=1) < figure.shows
        result = inside & ~hidden & (rng.random(JOINTS) >= _JOINT_MISSED)
        points[frame, result, :2], points[frame, result, 2] = pixel[result], 0.9
    points[lost : lost + _GAP_FRAMES, list(HEAD_JOINTS)] = 0
    return points


def _write_intrinsics(path: Path, width_px: int) -> None:
    content = io.BytesIO()
    np.savez(content, cam_mat=matrix_of(width_px), dist_coeffs=np.zeros((1, 12)))
    write_bytes(path, content.getvalue())

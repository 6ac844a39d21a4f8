"""`scene.rrd` for the Rerun viewer: camera, heads and looks in space, over small images.

A view of an analysis and never its storage: nothing is read back from it, and its format is that of
the installed Rerun. Positions are metres in the camera frame (x right, y down, z forward), the
camera in the origin; the timeline `video` is seconds since the first frame.

The SDK tells the parts of a recording apart by random numbers, so that two files of one analysis
differ as bytes; `rerun rrd compare` finds their content equal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.errors import OutputError
from eyeline.export.anonymised import images as images_of
from eyeline.export.colours import person_colour
from eyeline.export.files import SCENE
from eyeline.export.spans import clock_of
from eyeline.export.timeline import NO_TARGET, FrameView, rays_of, timeline_of
from eyeline.extras import needed_by
from eyeline.files import replacing
from eyeline.geometry.camera import Camera
from eyeline.geometry.directions import cone_rim
from eyeline.results import (
    TARGET_OFF_SCREEN,
    Analysis,
    Floats,
    VideoInfo,
    person_label,
    target_label,
)

TIMELINE = "video"
IMAGES_HZ = 2.0
"""Images a second; the heads move at the rate of the analysis."""
IMAGE_PX = 640
"""Longer side of an image at most; ten minutes then take some 20 MB."""
FACE_MM = 185.0
"""Forehead to chin, as the detector's face boxes have it."""
HEAD_MM = 250.0
"""Height of a head box: that of a face times 1.35."""
SMOOTH_S = 0.25
"""Standard deviation in time over which a distance is smoothed, as `gaze_following` does."""
HEAD_RADIUS_M = 0.1
GAZE_M = 0.6
"""Length of a gaze arrow."""
WIDEST_RAD = np.radians(75.0)
"""Half-angle of a cone that is not drawn any more."""

_BATCH = 100


def write_rerun(
    analysis: Analysis, folder: Path, camera: Camera, source: Path | None = None
) -> Path:
    """Write `scene.rrd`: a pinhole camera, and for each person a head, an arrow and a cone of gaze.

    A head lies on the ray through its box, as far away as the box is small; its label says whom
    the person looks at and whether they speak. Distances are guesses: all heads count as equally
    large.

    Args:
        analysis: any, also one without people or directions.
        folder: where to; it is made.
        camera: the camera that the analysis assumed.
        source: the video, to show its images behind the heads; read once more for that.

    Returns:
        The path of the file.

    Raises:
        UsageError: rerun-sdk is not installed.
        VideoError: the source can no longer be read.
        OutputError: the folder cannot be written.
    """
    path = folder / SCENE
    scale = min(1.0, IMAGE_PX / max(analysis.video.width_px, analysis.video.height_px))
    with replacing(path) as temporary, _recording(temporary, analysis) as recording:
        _send_camera(recording, camera, analysis.video, scale)
        for trace in traces(analysis, camera):
            _send_person(recording, trace)
        if source is not None:
            _send_images(recording, source, analysis, scale)
    return path


@dataclass(frozen=True)
class Trace:
    """One person in space, `n` rows in order of time."""

    person: int
    time_s: Floats
    """`(n,)`."""
    head_m: Floats
    """`(n, 3)` middle of the head."""
    eyes_m: Floats
    """`(n, 3)` where the gaze arrow starts."""
    gaze_m: Floats
    """`(n, 3)` the arrow, `GAZE_M` long, zero where there is no direction."""
    cone_m: Floats
    """`(n, points, 3)` a line that draws the cone about the arrow in which the look lies as often
    as not; all in the eyes where there is no direction, or one that is nearly unknown."""
    label: list[str]
    """`n` texts, for example `person 1, looks at person 2, speaks`."""
    gone_s: Floats
    """Times from which the person is not seen until the next row."""


def traces(analysis: Analysis, camera: Camera) -> list[Trace]:
    """Every person of an analysis in space, by number."""
    people, clock, timeline = analysis.people, clock_of(analysis), timeline_of(analysis)
    views = [timeline.at(frame) for frame in clock.frame.tolist()]
    if not views:
        return []
    # the rows of the views one after the other are the people by frame, then person
    rows = np.lexsort((people.person, people.frame))
    time_s, end_s = people.time_s[rows].astype(np.float64), clock.ends_of(people.frame[rows])
    person, track = people.person[rows], people.track_id[rows]
    box, eyes = people.box_xyxy[rows].astype(np.float64), people.eyes_px[rows].astype(np.float64)
    gaze = np.nan_to_num(np.concatenate([v.direction for v in views])) * GAZE_M
    cone = np.concatenate([_cone(v) for v in views])
    target = np.concatenate([v.target for v in views])
    speaks = np.concatenate([v.speaks for v in views])
    # boxes that the user gave are those of faces
    height_mm = FACE_MM if analysis.settings.get("boxes_sha256") else HEAD_MM
    result = []
    for number in np.unique(person).tolist():
        mine = np.flatnonzero(person == number)
        rays, focal_px = rays_of(analysis, camera, track[mine], eyes[mine])
        far_m = _distance_m(box[mine], track[mine], time_s[mine], focal_px * height_mm / 1000)
        centre = (box[mine, :2] + box[mine, 2:]) / 2
        result.append(
            Trace(
                number,
                time_s[mine],
                rays_of(analysis, camera, track[mine], centre)[0] * far_m,
                rays * far_m,
                gaze[mine],
                (rays * far_m)[:, None] + cone[mine],
                [
                    analysis.shown(t)
                    for t in _labels(number, target[mine].tolist(), speaks[mine].tolist())
                ],
                _gone(time_s[mine], end_s[mine]),
            )
        )
    return result


def _cone(view: FrameView) -> Floats:
    """Lines `(n, points, 3)` in metres from the eyes: the rim of each cone and four spokes."""
    assert view.cone_rad is not None
    shown = ~np.isnan(view.direction).any(axis=1) & (view.cone_rad < WIDEST_RAD)
    direction = np.where(shown[:, None], view.direction, [0.0, 0.0, -1.0])
    rim = cone_rim(direction, np.where(shown, view.cone_rad, 0.0)) * GAZE_M
    eyes = np.zeros_like(rim[:, :1])
    quarter = rim.shape[1] // 4
    spokes = [part for k in range(1, 4) for part in (rim[:, k * quarter, None], eyes)]
    line = np.concatenate([eyes, rim, rim[:, :1], eyes, *spokes], axis=1)
    return np.where(shown[:, None, None], line, 0.0)


def _distance_m(
    box_xyxy: Floats, track_id: npt.NDArray[Any], time_s: Floats, focal_m: Floats
) -> Floats:
    """Distances `(n, 1)` by the height of boxes `(n, 4)`, smoothed within each track."""
    from scipy.ndimage import gaussian_filter1d

    height = np.maximum(box_xyxy[:, 3] - box_xyxy[:, 1], 2.0)
    for track in np.unique(track_id):
        mine = np.flatnonzero(track_id == track)
        if len(mine) > 1:
            rows = SMOOTH_S / max(float(np.median(np.diff(time_s[mine]))), 1e-3)
            height[mine] = gaussian_filter1d(height[mine], rows, mode="nearest")
    return np.asarray((focal_m / height)[:, None])


def _labels(person: int, target: list[int], speaks: list[bool]) -> list[str]:
    speech = {True: ", speaks", False: ""}
    return [
        person_label(person) + _look(at) + speech[speaking]
        for at, speaking in zip(target, speaks, strict=True)
    ]


def _look(target: int) -> str:
    if target == NO_TARGET:
        return ""
    if target == TARGET_OFF_SCREEN:
        return ", looks off screen"
    article = "" if target > 0 else "the "
    return f", looks at {article}{target_label(target)}"


def _gone(time_s: Floats, end_s: Floats) -> Floats:
    """Ends of rows that no row of the same person follows at once."""
    return np.asarray(end_s[np.append(time_s[1:] > end_s[:-1] + 1e-6, True)])


def _sdk() -> Any:
    with needed_by("--rerun"):
        import rerun
    return rerun


@contextmanager
def _recording(path: Path, analysis: Analysis) -> Iterator[Any]:
    """A recording into a file, whole once the block is left."""
    rr = _sdk()
    recording = rr.RecordingStream(
        "eyeline", recording_id=_identity(analysis), send_properties=False, default_enabled=True
    )
    try:
        recording.save(path, _blueprint())
        try:
            recording.log("/", rr.ViewCoordinates.RDF, static=True)
            yield recording
            recording.flush()  # only here does the SDK say that the disk is full
        finally:
            recording.disconnect()
    except RuntimeError as error:
        raise OutputError(f"cannot write {path.parent / SCENE}: {error}") from None


def _identity(analysis: Analysis) -> str:
    """One for each content: the viewer joins recordings of equal identity."""
    people = analysis.people
    parts = [
        analysis.video.path.encode("utf-8", "surrogateescape"),
        json.dumps(dict(analysis.settings), sort_keys=True, default=str).encode(),
        *(
            np.ascontiguousarray(c).tobytes()
            for c in (people.frame, people.person, people.box_xyxy)
        ),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


def _blueprint() -> Any:
    import rerun.blueprint as rrb

    return rrb.Blueprint(
        rrb.Horizontal(
            rrb.Spatial2DView(origin="/camera", contents="/**", name="picture"),
            rrb.Spatial3DView(origin="/", name="scene"),
        ),
        rrb.TimePanel(timeline=TIMELINE),
        collapse_panels=True,
    )


def _send_camera(recording: Any, camera: Camera, video: VideoInfo, scale: float) -> None:
    """The pinhole of the small images: the camera's own, all pixels scaled."""
    rr = _sdk()
    width, height = _size(video, scale)
    matrix = np.diag([width / video.width_px, height / video.height_px, 1.0]) @ camera.matrix
    recording.log(
        "camera",
        rr.Pinhole(
            image_from_camera=matrix,
            resolution=[width, height],
            camera_xyz=rr.ViewCoordinates.RDF,
            image_plane_distance=0.5,
        ),
        static=True,
        strict=True,
    )


def _send_person(recording: Any, trace: Trace) -> None:
    rr = _sdk()
    name, colour = f"people/person_{trace.person}", person_colour(trace.person)
    when = [rr.TimeColumn(TIMELINE, duration=trace.time_s)]
    for entity, look in (
        ("head", rr.Points3D.from_fields(colors=colour, radii=HEAD_RADIUS_M, show_labels=True)),
        ("gaze", rr.Arrows3D.from_fields(colors=colour, radii=HEAD_RADIUS_M / 8)),
        ("cone", rr.LineStrips3D.from_fields(colors=colour, radii=HEAD_RADIUS_M / 40)),
    ):
        recording.log(f"{name}/{entity}", look, static=True, strict=True)
    heads = rr.Points3D.columns(positions=trace.head_m, labels=trace.label)
    arrows = rr.Arrows3D.columns(origins=trace.eyes_m, vectors=trace.gaze_m)
    recording.send_columns(f"{name}/head", when, heads, strict=True)
    recording.send_columns(f"{name}/gaze", when, arrows, strict=True)
    cones = rr.LineStrips3D.columns(strips=trace.cone_m)
    recording.send_columns(f"{name}/cone", when, cones, strict=True)
    gone = [rr.TimeColumn(TIMELINE, duration=trace.gone_s)]
    clear = rr.Clear.columns(is_recursive=np.ones(len(trace.gone_s), bool))
    recording.send_columns(name, gone, clear, strict=True)


def _send_images(recording: Any, source: Path, analysis: Analysis, scale: float) -> None:
    times: list[float] = []
    images: list[bytes] = []
    for frame in images_of(analysis, source, IMAGES_HZ):
        times.append(frame.time_s)
        images.append(_jpeg(frame.small_rgb(*_size(analysis.video, scale))))
        if len(times) == _BATCH:
            _send_jpegs(recording, times, images)
            times, images = [], []
    _send_jpegs(recording, times, images)


def _send_jpegs(recording: Any, times: list[float], images: list[bytes]) -> None:
    rr = _sdk()
    columns = rr.EncodedImage.columns(blob=images, media_type=["image/jpeg"] * len(images))
    when = [rr.TimeColumn(TIMELINE, duration=times)]
    recording.send_columns("camera/picture", when, columns, strict=True)


def _jpeg(rgb: npt.NDArray[np.uint8]) -> bytes:
    import cv2

    done, jpeg = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert done
    return jpeg.tobytes()


def _size(video: VideoInfo, scale: float) -> tuple[int, int]:
    return max(1, round(video.width_px * scale)), max(1, round(video.height_px * scale))

"""A video to everybody's targets, against the published way frame by frame in the same run.

`python -m benchmarks gaze_following`. Ours looks at a
image every half a second and matches in every frame; the published way looks at every frame and
makes the masks of all boxes. Both are given the same faces, networks of the published size whose
weights are drawn at random, and a stretch of the same video; of the published way a few frames are
measured. Finding faces counts as much in both: the authors' detector is not at hand.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import clips, syncnet
from benchmarks.pairs import Work
from benchmarks.published.gaze_following_detector import published

if TYPE_CHECKING:
    from torch import Tensor

    from eyeline.system import Scene

SPEC_MS = {"detector": 15000.0, "decode": 2.2, "preprocess": 7.5, "fusion": 0.6, "lips": 122.0}
"""What the published parts took a frame, and the last one a face and frame, on two cores of another
machine that was busy, milliseconds."""
MINUTE_S = 60


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    frames: int
    """Of the stretch."""
    published: int
    """Frames of it that the published way is shown."""
    short_px: int
    """Most for the shorter side of an image, for both ways."""
    repeat: int


SIZES = {False: Size(48, 2, 800, 3), True: Size(14, 1, 160, 1)}
"""Whether it is to be quick."""


def run(device: str = "cpu", *, threads: int = 2, quick: bool = False) -> dict[str, object]:
    """All figures.

    Args:
        device: of the networks.
        threads: of torch, for both ways; with fewer free cores than threads all figures are off.
        quick: a short stretch, small images, measured once.
    """
    return {"pipeline": pipeline(device, threads=threads, quick=quick)}


def pipeline(device: str = "cpu", *, threads: int = 2, quick: bool = False) -> dict[str, object]:
    """Seconds of the processor for a minute of video, by stage and in all.

    `ratio` is the published way's time over ours. On another device than the CPU it is time on the
    clock.
    """
    from eyeline.training.devices import for_answers

    size, clock = SIZES[quick], _clock(device)
    _scene(2)  # what is imported and opened once is not measured
    start = clock()
    scene = _scene(size.frames)
    people_s = clock() - start
    persons = len({track.person for track in scene.tracks})
    length_s = float(max(track.end_s[-1] for track in scene.tracks))
    with for_answers(threads), tempfile.TemporaryDirectory() as folder:
        ours, theirs = _ways(scene, device, threads, size, Path(folder))
        targets = _in_turns(theirs, ours, size.repeat, clock)
    per_minute = MINUTE_S / length_s
    stages = {
        "people": (people_s * per_minute, people_s * per_minute),
        "speakers": _speakers(device, threads, quick, persons),
        "targets": (
            targets[0] * per_minute * size.frames / size.published,
            targets[1] * per_minute,
        ),
    }
    stages["all"] = tuple(sum(column) for column in zip(*stages.values(), strict=True))
    known = {
        name: {
            "s_a_minute": round(mine, 1),
            "published_s_a_minute": round(plain, 1),
            "ratio": round(plain / mine, 2),
        }
        for name, (plain, mine) in stages.items()
    }
    rate_hz = float(scene.video.rate_hz)
    return {
        "video": Path(scene.video.path).name,
        "persons": persons,
        "seconds": round(length_s, 2),
        **known,
        "specification_s_a_minute": _specification(rate_hz, persons),
    }


def _scene(frames: int) -> Scene:
    """The first frames of a clip with its people; the first of them speaks."""
    from eyeline.geometry.camera import Camera
    from eyeline.people.find import find_people
    from eyeline.people.tracks import who_and_when
    from eyeline.results import Scores
    from eyeline.system import Scene
    from eyeline.video.reader import VideoReader
    from eyeline.video.shots import mark_shots

    path = clips.clip()
    info = VideoReader(path).info
    camera = Camera.from_fov(info.width_px, info.height_px)

    def shown() -> Any:
        return itertools.islice(VideoReader(path), frames)

    result = find_people(mark_shots(shown()), camera)
    columns = who_and_when(result.tracks)
    value = (columns["person"] == 1).astype(np.float64)
    speaking = Scores("speech", "scripted", "speaking", 0.5, **columns, value=value)
    return Scene(info, camera, result.tracks, speaking=speaking, frames=shown)


def _ways(
    scene: Scene, device: str, threads: int, size: Size, folder: Path
) -> tuple[Work, Callable[[], object]]:
    """Ours over the whole stretch, and the published way over some of its frames."""
    import torch

    from eyeline.systems.gaze_following.detector.model import mask_rcnn
    from eyeline.systems.gaze_following.from_video import MaskRcnnMlp
    from eyeline.systems.gaze_following.matching.model import matcher
    from eyeline.training import checkpoint
    from eyeline.training.checkpoint import CheckpointCard

    torch.manual_seed(0)
    with torch.inference_mode(False):
        network, choosing = mask_rcnn().eval(), matcher().eval()
    with torch.no_grad():  # what it sees should reach the answers
        for name, value in network.named_parameters():
            if name.endswith("bn3.weight"):
                value.fill_(0.1)
    for name, created in (("mask_rcnn", network), ("matcher", choosing)):
        card = CheckpointCard("gaze_following", name, {})
        checkpoint.save(folder / f"{name}.safetensors", created.state_dict(), card)
    ours = MaskRcnnMlp(
        folder / "mask_rcnn.safetensors",
        device,
        matcher=folder / "matcher.safetensors",
        short_px=size.short_px,
        threads=threads,
    )
    plain = published(network).to(device)
    return lambda: ours.predict(scene), lambda: _frame_by_frame(plain, scene, device, size)


def _frame_by_frame(network: Any, scene: Scene, device: str, size: Size) -> list[Tensor]:
    """Each frame with its heads marked, all boxes and their masks, and the surest for everybody."""
    import torch

    from eyeline.systems.gaze_following.detector import inputs
    from eyeline.systems.gaze_following.detector.detections import Finding, find, masks_of
    from eyeline.systems.gaze_following.fusion import Enhanced
    from eyeline.systems.gaze_following.matching.rules import RULES
    from eyeline.systems.gaze_following.moments import Crowd

    assert scene.frames is not None
    crowd, images = Crowd(scene), Enhanced(scene.tracks, scene.speaking)
    masks: list[Tensor] = []
    for place, frame in enumerate(itertools.islice(scene.frames(), size.published)):
        image = images.image(frame)
        shown = inputs.show(image, short_px=size.short_px)
        with torch.inference_mode():
            result = find(network, shown.pixels[None].to(device), [shown], Finding(masks=True))[0]
            masks.append(masks_of(result, shown.original_hw).cpu())
        boxes = result.box_xyxy.cpu().double().numpy()
        for row in range(*crowd.rows(place).indices(len(crowd))):
            RULES["main"](crowd.head_xyxy[row], boxes, lambda points: np.zeros(len(points)))
    return masks


def _speakers(device: str, threads: int, quick: bool, persons: int) -> tuple[float, float]:
    """The published way and ours over a face, as often as there are persons."""
    measured: Any = syncnet.run(device, threads=threads, quick=quick)
    faces = measured["faces_1"]
    ways = ("published", "every_second_clip")
    plain, mine = (persons * float(faces[way]["s_a_minute"]) for way in ways)
    return plain, mine


def _in_turns(
    theirs: Work, ours: Work, repeat: int, clock: Callable[[], float]
) -> tuple[float, float]:
    """Median seconds of both."""
    times: list[list[float]] = [[], []]
    for _ in range(repeat):
        for way, kept in zip((theirs, ours), times, strict=True):
            start = clock()
            way()
            kept.append(clock() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def _clock(device: str) -> Callable[[], float]:
    """Time of the processor, which other work disturbs less; of a GPU it would tell nothing."""
    return time.process_time if device == "cpu" else time.perf_counter


def _specification(rate_hz: float, persons: int) -> float:
    """Seconds for a minute of video by the times of the specification, faces left out."""
    frame_ms = sum(SPEC_MS.values()) - SPEC_MS["lips"] + persons * SPEC_MS["lips"]
    return round(MINUTE_S * rate_hz * frame_ms / 1000, 1)

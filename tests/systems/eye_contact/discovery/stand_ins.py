"""Stand-ins for detector, embedding, gaze network and bodies, and a video that they can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from eyeline.people.tracks import SIX_OF_68
from eyeline.results import Floats, Image
from eyeline.systems.eye_contact.discovery.bodies import TorsoFromHead
from eyeline.systems.eye_contact.discovery.extract import Instruments
from eyeline.systems.eye_contact.discovery.faces import Landmarked
from eyeline.video.frame import Frame
from tests.systems.eye_contact.faces import six_points

WIDTH, HEIGHT = 320, 180


def write_video(path: Path, levels: Sequence[int], rate: Fraction = Fraction(25)) -> Path:
    """A grey video whose frames have the given brightness, which says what is in them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for level in levels:
            image = np.full((HEIGHT, WIDTH, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def landmarked(x: float = 0.0) -> Landmarked:
    """A face in the middle of the image, or that many pixels beside it."""
    zero = np.zeros(1)
    six = six_points(zero + 5, zero, zero, at_mm=(0, 0, 900))[0] / 4 + [x, 0]
    points = np.tile(six.mean(0), (68, 1))
    points[list(SIX_OF_68)] = six
    box = np.array([six[:, 0].min() - 10, six[:, 1].min() - 15, six[:, 0].max() + 10, 0])
    box[3] = six[:, 1].max() + 25
    return Landmarked(box, points)


@dataclass
class Finder:
    """Nobody in a dark frame, one face in a grey one, the same face elsewhere in a bright one."""

    seen: list[int] = field(default_factory=list)

    def find(self, frame: Frame) -> list[Landmarked]:
        level = float(frame.rgb().mean())
        self.seen.append(frame.index)
        if level < 60:
            return []
        return [landmarked(80.0 if level > 180 else 0.0)]


class Embedder:
    """Everybody is alike."""

    def __call__(self, chip: Image) -> Floats:
        return np.ones(128)


@dataclass
class Gaze:
    """Looks about with the brightness of the face; remembers how many faces came at once."""

    batches: list[int] = field(default_factory=list)

    def __call__(self, faces: Image) -> tuple[Floats, Floats]:
        self.batches.append(len(faces))
        level = faces.reshape(len(faces), -1).mean(axis=1) / 255
        return np.stack([0.1 * level, 0.5 - level], 1), np.repeat(level[:, None], 6, axis=1)


def instruments(**switches: object) -> Instruments:
    """All stand-ins but the torso."""
    parts: dict[str, object] = {
        "finder": Finder(), "embedder": Embedder(), "gaze": Gaze(), "bodies": TorsoFromHead(),
    }  # fmt: skip
    return Instruments(**(parts | switches))  # type: ignore[arg-type]

"""Faces of a raw video on their way to a network: boxes, pixels, features, and what opens it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, get_args

import numpy as np

from eyeline.errors import DataError, UsageError, check_shape
from eyeline.people.tracks import Track
from eyeline.results import Floats, Image
from eyeline.runtimes.run import Running, Runtime, open_network
from eyeline.systems.ego_social.inputs import crop_face, normalised

Box = Literal["head", "face"]
"""Which box of a track is cut out.

`head`: hair to chin and ear to ear. The benchmark's boxes, which are cut out without a margin,
follow a person's head from any side, as these do. `face`: forehead to chin, as the detector has it.
Boxes that the user gave are both.
"""
THRESHOLD = 0.5
"""From this probability on a frame or an utterance counts, as in the benchmark."""
THREADS = 1
"""Decoding has one too, and on a busy machine a second one waits more than it works."""
BATCH_SIZES = {"cpu": 8, "cuda": 64}
"""Crops that pass through the network together, by kind of device."""
AT_ONCE = BATCH_SIZES["cpu"]


class FacesPredictor:
    """A network that looks at the faces of a scene.

    Args:
        weights: of one of `builders`, or an exported file of it.
        device: `cpu`, `cuda` or `cuda:N`.
        box: what is cut out of the images.
        batch_size: crops that pass through the network together, by default `BATCH_SIZES`.
        threads: of the CPU.
        runtime: see `runtimes.run.open_network`.

    Raises:
        CheckpointError: a file that is not what it should be, for example Gaze360's own.
        UsageError: a device, runtime or box that is not there.
    """

    builders: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        weights: Path | str,
        device: str = "cpu",
        *,
        box: Box = "head",
        batch_size: int | None = None,
        threads: int = THREADS,
        runtime: Runtime | None = None,
    ) -> None:
        from eyeline.systems.ego_social import weights as files

        if box not in get_args(Box):
            raise UsageError(f"no box '{box}'; there are {', '.join(get_args(Box))}")
        self.network, card = open_network(
            weights,
            [f"ego_social/{builder}" for builder in self.builders],
            lambda: files.load(weights, self.builders, device),
            device=device,
            runtime=runtime,
            threads=threads,
        )
        files.check_head(card, weights)
        self.builder, self.box = card.builder, box
        self.batch_size = batch_size or BATCH_SIZES[device.partition(":")[0]]

    def crop(self, image: Image, track: Track, row: int) -> Image | None:
        """The face of a track's row as of `inputs.crop_face`; None where the image has none."""
        boxes = track.head_xyxy if self.box == "head" else track.box_xyxy
        crop = crop_face(image, boxes[row])
        return crop if crop.any() else None


@dataclass(frozen=True)
class View:
    """A face in a frame; DataError for a crop or a count that cannot be."""

    track_id: int
    """Whose; of `TalkingStream` the utterance."""
    frame: int
    """Number of the frame at 30 frames a second."""
    crop: Image | None
    """`(224, 224, 3)` uint8 RGB, as of `inputs.crop_face`; None where the face is not seen."""
    count: int = 1
    """Frames in a row, this one and later ones, that show the same image."""

    def __post_init__(self) -> None:
        if self.crop is not None:
            check_shape(self.crop, "h w 3", "crop")
        if self.count < 1:
            raise DataError(f"frame {self.frame} of track {self.track_id}: {self.count} frames")

    @property
    def last(self) -> int:
        """Number of the last frame that shows it."""
        return self.frame + self.count - 1


def encode(network: Running, views: Sequence[View], at_once: int) -> list[Floats | None]:
    """Features `(256,)` of views, so many crops at a time; None of those without a crop."""
    shown = [(place, view.crop) for place, view in enumerate(views) if view.crop is not None]
    if len(shapes := {crop.shape for _, crop in shown}) > 1:
        raise DataError(f"crops of one push have different shapes: {sorted(shapes)}")
    result: list[Floats | None] = [None] * len(views)
    for start in range(0, len(shown), at_once):
        part = shown[start : start + at_once]
        crops = normalised(np.stack([crop for _, crop in part]))
        for (place, _), feature in zip(part, network.run("encode", crops[None])[0][0], strict=True):
            result[place] = feature
    return result


def check_at_once(at_once: int) -> None:
    """Raise a UsageError where no crop may pass through."""
    if at_once < 1:
        raise UsageError(f"{at_once} crops at once: it must be at least 1")


def check_order(views: Sequence[View], last: Mapping[int, int]) -> None:
    """DataError where a frame is not after the one before of its track, or after `last` of it."""
    known = dict(last)
    for view in views:
        if view.frame <= known.get(view.track_id, view.frame - 1):
            raise DataError(
                f"frame {view.frame} of track {view.track_id} came after frame "
                f"{known[view.track_id]}; the frames of a track must be shown in the order of "
                "time, each once"
            )
        known[view.track_id] = view.last

"""Images with targets as the network learns from them, and batches of images that are alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from eyeline.errors import DataError
from eyeline.results import Image
from eyeline.systems.gaze_following.detector import coco, inputs
from eyeline.systems.gaze_following.detector.coco import Annotations, ImageItem
from eyeline.systems.gaze_following.detector.targets import Targets
from eyeline.systems.gaze_following.detector.weights import FUSION_WORDS
from eyeline.systems.gaze_following.fusion import Fusion
from eyeline.training.loop import Epoch

ORIGINAL_NAMES = {fusion: f"coco-{word}" for fusion, word in FUSION_WORDS.items()}
"""Folders of the published data set, by what was written into its images."""


class Batch(NamedTuple):
    """Some images."""

    images: Tensor
    """`(batch, 3, h, w)` as of `inputs.batch`."""
    targets: list[Targets]


@dataclass(frozen=True)
class Sample:
    """One image as shown, with its targets."""

    pixels: Tensor
    """`(3, h, w)` as of `inputs.show`."""
    targets: Targets


@dataclass(frozen=True)
class Images(Dataset[Sample]):
    """Annotated images in a folder."""

    annotations: Annotations
    folder: Path
    short_px: int = inputs.SHORT_PX
    """Most for the shorter side, as shown."""
    mirrored: Sequence[bool] = ()
    """Which are shown with left and right exchanged; none by default."""

    def __len__(self) -> int:
        return len(self.annotations)

    def __getitem__(self, number: int) -> Sample:
        frame = self.annotations.images[number]
        mirrored = bool(self.mirrored and self.mirrored[number])
        image = self.image(number)
        shown = inputs.show(image, short_px=self.short_px, mirrored=mirrored)
        try:
            boxes, masks = _as_shown(frame, shown, mirrored)
        except DataError as error:
            raise DataError(f"{self.annotations.source}, image {frame.number}: {error}") from error
        padded_hw = int(shown.pixels.shape[1]), int(shown.pixels.shape[2])
        return Sample(shown.pixels, Targets(boxes, masks, shown.size_hw, padded_hw))

    def image(self, number: int) -> Image:
        """An image `(h, w, 3)` RGB; DataError where it is not there or of another size."""
        frame = self.annotations.images[number]
        image = inputs.read_image(self.folder / frame.name)
        h, w = image.shape[:2]
        if (w, h) != frame.size_wh:
            raise DataError(
                f"{self.folder / frame.name} is {w} x {h} pixels; its annotations say "
                f"{frame.size_wh[0]} x {frame.size_wh[1]}"
            )
        return image

    def with_mirrored(self, fraction: float, seed: int) -> Images:
        """The same, so large a share of them mirrored by chance."""
        generator = torch.Generator().manual_seed(seed)
        mirrored = (torch.rand(len(self), generator=generator) < fraction).tolist()
        return Images(self.annotations, self.folder, self.short_px, mirrored)


def open_split(
    root: Path | str, split: str, fusion: Fusion, *, short_px: int = inputs.SHORT_PX,
    for_training: bool = False,
) -> Images:  # fmt: skip
    """A split of a data set in COCO's layout.

    The root holds `annotations/instances_<split>.json` and `<split>/`, or a folder with that for
    each fusion, under its name or the published one; `fusion` only chooses the folder. See
    `coco.read` for training. DataError where they are not there, or not of that form.
    """
    root = Path(root)
    names = (fusion, ORIGINAL_NAMES[fusion])
    folder = next((root / n for n in names if (root / n / "annotations").is_dir()), root)
    others = [n for pair in ORIGINAL_NAMES.items() for n in pair if n not in names]
    if folder == root and any((root / n / "annotations").is_dir() for n in others):
        raise DataError(f"{root} has no {' or '.join(names)}, only other fusions")
    file = folder / "annotations" / f"instances_{split}.json"
    annotations = coco.read(file, for_training=for_training)
    if not len(annotations):
        raise DataError(f"{file} has no image with a target: {annotations.left_out}")
    return Images(annotations, folder / split, short_px)


def batches(
    images: Images, epoch: Epoch, *, batch_size: int, mirror: float, workers: int = 0
) -> Iterator[Batch]:
    """An epoch of one process: `batch_size` images a batch, a fraction `mirror` mirrored."""
    order = grouped(
        [p.is_landscape for p in images.annotations.images], batch_size, epoch.world, epoch.seed
    )
    fraction = slice(epoch.rank * batch_size, (epoch.rank + 1) * batch_size)
    own = [together[fraction] for together in order][epoch.done :]
    shown = images.with_mirrored(mirror, epoch.seed)
    return iter(DataLoader(shown, batch_sampler=own, collate_fn=collate, num_workers=workers))


def grouped(landscape: Sequence[bool], batch_size: int, world: int, seed: int) -> list[list[int]]:
    """Rows of images in an epoch's order, as many in a list as all processes take at once.

    Wide and high images are not mixed; where a kind does not divide, its first ones come twice.
    `batch_size` is of one of `world` processes.
    """
    generator = torch.Generator().manual_seed(seed)
    size, result = batch_size * world, []
    kinds = np.asarray(landscape, bool)
    for kind in (False, True):
        rows = np.flatnonzero(kinds == kind)
        if not len(rows):
            continue
        rows = rows[torch.randperm(len(rows), generator=generator).numpy()]
        whole = np.resize(rows, -(-len(rows) // size) * size)
        result += [part.tolist() for part in whole.reshape(-1, size)]
    return [result[i] for i in torch.randperm(len(result), generator=generator).tolist()]


def collate(samples: Sequence[Sample]) -> Batch:
    """Images of several sizes as one batch."""
    return Batch(inputs.batch([s.pixels for s in samples]), [s.targets for s in samples])


def _as_shown(frame: ImageItem, shown: inputs.Shown, mirrored: bool) -> tuple[Tensor, Tensor]:
    """Boxes `(n, 4)` and masks `(n, h, w)` of the targets in the pixels of the image as shown."""
    import cv2

    h, w = shown.size_hw
    given = np.array([t.box_xyxy for t in frame.targets], np.float32).reshape(-1, 4)
    boxes = given * shown.scale_xyxy.astype(np.float32)
    boxes = boxes.clip(0, np.array([w, h, w, h], np.float32))
    masks = np.zeros((len(boxes), h, w), np.uint8)
    for number, target in enumerate(frame.targets):
        drawn = coco.rasterised(target.outline, target.box_xyxy, frame.size_wh)
        masks[number] = cv2.resize(drawn, (w, h), interpolation=cv2.INTER_NEAREST)
    if mirrored:
        boxes[:, [0, 2]] = w - boxes[:, [2, 0]]
        masks = masks[:, :, ::-1].copy()
    return torch.from_numpy(boxes), torch.from_numpy(masks)

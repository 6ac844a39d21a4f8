"""From what is predicted of anchors to proposals, and from these to boxes and masks of targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import nms

from eyeline.systems.gaze_following.detector import boxes
from eyeline.systems.gaze_following.detector.inputs import Shown
from eyeline.systems.gaze_following.detector.model import MaskRcnn


@dataclass(frozen=True)
class Proposing:
    """How many."""

    before: int = 1000
    """Anchors of a level that are gone on with, the surest."""
    most: int = 1000
    """Boxes of an image."""
    overlap: float = 0.7
    """Intersection over union with a surer one of its level above which a box is left out."""


IN_TRAINING = Proposing(before=2000)
"""As published."""


def propose(
    scores: Sequence[Tensor],
    deltas: Sequence[Tensor],
    sizes_hw: Sequence[tuple[int, int]],
    how: Proposing,
) -> list[Tensor]:
    """Boxes of each image of a batch, the surest first.

    Args:
        scores: by level `(batch, 3, h, w)` logits.
        deltas: by level `(batch, 12, h, w)`.
        sizes_hw: of the images, without what was added to their sides.
        how: many.

    Returns:
        An image's `(n, 5)`: xyxy in pixels of the image as shown, and a score in [0, 1].
    """
    starts = boxes.anchors_of_maps(scores)
    return [
        _of_image(
            [s[number].permute(1, 2, 0).reshape(-1) for s in scores],
            [d[number].permute(1, 2, 0).reshape(-1, 4) for d in deltas],
            starts,
            size_hw,
            how,
        )
        for number, size_hw in enumerate(sizes_hw)
    ]


def _of_image(
    scores: Sequence[Tensor],
    deltas: Sequence[Tensor],
    starts: Sequence[Tensor],
    size_hw: tuple[int, int],
    how: Proposing,
) -> Tensor:
    result = []
    for logits, delta, start in zip(scores, deltas, starts, strict=True):
        best, rows = torch.sort(logits.float(), descending=True, stable=True)
        best, rows = best[: how.before], rows[: how.before]
        box = boxes.decode(start[rows], delta[rows].float(), boxes.ANCHOR_SPREAD, size_hw)
        whole = (box[:, 2:] > box[:, :2]).all(dim=1)
        box, score = box[whole], torch.sigmoid(best[whole])
        kept = nms(box, score, how.overlap)[: how.most]
        result.append(torch.cat([box[kept], score[kept, None]], dim=1))
    together = torch.cat(result)
    return together[torch.argsort(together[:, 4], descending=True, stable=True)][: how.most]


class Found(NamedTuple):
    """Targets in an image, the surest first."""

    box_xyxy: Tensor
    """`(n, 4)` pixels of the image as given."""
    score: Tensor
    """`(n,)` in [0, 1]."""
    mask_logits: Tensor | None
    """`(n, 28, 28)` within the boxes; see `pasted`."""


@dataclass(frozen=True)
class Finding:
    """What counts as found; the defaults are as published."""

    proposing: Proposing = field(default_factory=Proposing)
    score: float = 0.05
    """Boxes are surer than that."""
    overlap: float = 0.5
    """Intersection over union with a surer one above which a box is left out."""
    most: int = 100
    masks: bool = False


def find(network: MaskRcnn, images: Tensor, shown: Sequence[Shown], how: Finding) -> list[Found]:
    """What a network finds in images.

    Args:
        network: in evaluation mode.
        images: `(batch, 3, h, w)` as of `inputs.batch`, on the network's device.
        shown: what they were made of; their pixels are not read.
        how: much.
    """
    maps = network.see(images)
    sizes = [s.size_hw for s in shown]
    proposed = [p[:, :4] for p in propose(*network.propose(maps), sizes, how.proposing)]
    classes, deltas = network.classify(maps, boxes.as_regions(proposed))
    counts = [len(p) for p in proposed]
    said = zip(
        proposed, torch.split(classes, counts), torch.split(deltas, counts), shown, strict=True
    )
    result = [conclude(*one, how) for one in said]
    return _outlined(network, maps, result, shown) if how.masks else result


def conclude(
    proposed: Tensor, classes: Tensor, deltas: Tensor, shown: Shown, how: Finding
) -> Found:
    """Boxes of one image, without masks.

    Args:
        proposed: `(n, 4)` xyxy in pixels of the image as shown.
        classes: `(n, 2)` logits.
        deltas: `(n, 4)`.
        shown: the image; its pixels are not read.
        how: much.
    """
    score = torch.softmax(classes.float(), dim=1)[:, 0]
    box = boxes.decode(proposed, deltas.float(), boxes.REGION_SPREAD, shown.size_hw)
    box = box / box.new_tensor(shown.scale_xyxy)
    sure = score > how.score
    box, score = box[sure], score[sure]
    kept = nms(box, score, how.overlap)[: how.most]
    return Found(box[kept], score[kept], None)


def pasted(logits: Tensor, box_xyxy: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Masks `(n, h, w)` of a whole image, probabilities.

    Args:
        logits: `(n, 28, 28)` within the boxes.
        box_xyxy: `(n, 4)` pixels.
        size_hw: of the image.
    """
    grids = []
    for axis, length in ((1, size_hw[0]), (0, size_hw[1])):
        start, end = box_xyxy[:, axis, None], box_xyxy[:, axis + 2, None]
        middles = torch.arange(length, device=box_xyxy.device) + 0.5
        place = (middles - start) / (end - start) * 2 - 1
        grids.append(torch.where(place.isfinite(), place, 0.0))
    y, x = grids
    n, (h, w) = len(box_xyxy), size_hw
    places = torch.stack([x[:, None].expand(n, h, w), y[:, :, None].expand(n, h, w)], dim=3)
    probability = torch.sigmoid(logits.float())[:, None]
    return F.grid_sample(probability, places, align_corners=False)[:, 0]


def masks_of(found: Found, size_hw: tuple[int, int], at_once: int = 8) -> Tensor:
    """Masks `(n, h, w)` of what was found, bool, in the image as given.

    Args:
        found: with mask logits.
        size_hw: of the image as given.
        at_once: how many are pasted together.
    """
    assert found.mask_logits is not None, "found without masks"
    pairs = zip(
        torch.split(found.mask_logits, at_once), torch.split(found.box_xyxy, at_once), strict=True
    )
    parts = [pasted(*pair, size_hw) >= 0.5 for pair in pairs]
    empty = torch.zeros((0, *size_hw), dtype=torch.bool, device=found.box_xyxy.device)
    return torch.cat(parts) if len(found.box_xyxy) else empty


def _outlined(
    network: MaskRcnn, maps: Sequence[Tensor], found: Sequence[Found], shown: Sequence[Shown]
) -> list[Found]:
    within = [
        f.box_xyxy * f.box_xyxy.new_tensor(s.scale_xyxy) for f, s in zip(found, shown, strict=True)
    ]
    logits = network.outline(maps, boxes.as_regions(within))[:, 0]
    parts = torch.split(logits, [len(w) for w in within])
    return [Found(f.box_xyxy, f.score, m) for f, m in zip(found, parts, strict=True)]

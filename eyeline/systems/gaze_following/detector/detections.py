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
from eyeline.systems.gaze_following.detector.exported import ExportedDetector
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
    """Boxes of each image of a batch, `(n, 5)`, the surest first: xyxy as shown, score in [0, 1].

    Scores are logits, by level `(batch, 3, h, w)`, deltas `(batch, 12, h, w)`; the sizes are those
    of the images without what was added to their sides.
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


class Detected(NamedTuple):
    """Targets in an image, the surest first."""

    box_xyxy: Tensor
    """`(n, 4)` pixels of the image as given."""
    score: Tensor
    """`(n,)` in [0, 1]."""
    mask_logits: Tensor | None
    """`(n, 28, 28)` within the boxes; see `pasted`."""


@dataclass(frozen=True)
class Finding:
    """What counts as a target; the defaults are as published."""

    proposing: Proposing = field(default_factory=Proposing)
    score: float = 0.05
    """Boxes are surer than that."""
    overlap: float = 0.5
    """Intersection over union with a surer one above which a box is left out."""
    most: int = 100
    masks: bool = False


def find(
    network: MaskRcnn | ExportedDetector, images: Tensor, shown: Sequence[Shown], how: Finding
) -> list[Detected]:
    """Targets in images `(batch, 3, h, w)`, as of `inputs.batch` and on the network's device.

    The network is in evaluation mode; pixels of `shown` are not read.
    """
    maps = network.see(images)
    sizes = [s.size_hw for s in shown]
    proposed = [p[:, :4] for p in propose(*network.propose(maps), sizes, how.proposing)]
    counts = [len(p) for p in proposed]
    outputs = network.classify(maps, boxes.as_regions(proposed))
    classes, deltas = (torch.split(output, counts) for output in outputs)
    each = zip(proposed, classes, deltas, shown, strict=True)
    result = [postprocess(*one, how) for one in each]
    if not how.masks:
        return result
    within = [
        d.box_xyxy * d.box_xyxy.new_tensor(s.scale_xyxy) for d, s in zip(result, shown, strict=True)
    ]
    logits = network.outline(maps, boxes.as_regions(within))[:, 0]
    masks = torch.split(logits, [len(w) for w in within])
    return [d._replace(mask_logits=m) for d, m in zip(result, masks, strict=True)]


def postprocess(
    proposed: Tensor, classes: Tensor, deltas: Tensor, shown: Shown, how: Finding
) -> Detected:
    """Boxes of one image, without masks.

    Of proposals `(n, 4)` as shown, logits `(n, 2)` and deltas `(n, 4)`.
    """
    score = torch.softmax(classes.float(), dim=1)[:, 0]
    box = boxes.decode(proposed, deltas.float(), boxes.REGION_SPREAD, shown.size_hw)
    box = box / box.new_tensor(shown.scale_xyxy)
    sure = score > how.score
    box, score = box[sure], score[sure]
    kept = nms(box, score, how.overlap)[: how.most]
    return Detected(box[kept], score[kept], None)


def pasted(logits: Tensor, box_xyxy: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Probabilities `(n, h, w)` of a whole image, of logits `(n, 28, 28)` within boxes `(n, 4)`."""
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


def masks_of(detected: Detected, size_hw: tuple[int, int], at_once: int = 8) -> Tensor:
    """Masks `(n, h, w)` bool, in the image as given; so many are pasted together."""
    assert detected.mask_logits is not None, "found without masks"
    pairs = zip(
        torch.split(detected.mask_logits, at_once),
        torch.split(detected.box_xyxy, at_once),
        strict=True,
    )
    parts = [pasted(*pair, size_hw) >= 0.5 for pair in pairs]
    empty = torch.zeros((0, *size_hw), dtype=torch.bool, device=detected.box_xyxy.device)
    return torch.cat(parts) if len(detected.box_xyxy) else empty

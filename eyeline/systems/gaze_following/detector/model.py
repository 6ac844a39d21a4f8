"""The network of builder `mask_rcnn`: maps of an image, proposals, and what they hold.

Blocks, pyramid and heads are torchvision's. Batch norms never learn statistics, so that each is
computed within its convolution, in training too: the same numbers with fewer maps kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.models.resnet import Bottleneck
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from eyeline.bounds import Size, Stages
from eyeline.errors import DataError, check_shape
from eyeline.runtimes.interface import Interface, Part
from eyeline.systems.gaze_following.detector.inputs import PIXELS
from eyeline.systems.gaze_following.detector.pooling import pooled

BOX_BINS, MASK_BINS = 7, 14
"""Bins of a region along each side, for its class and box, and for its mask."""
MASK = 2 * MASK_BINS
"""Side of a mask."""
MULTIPLE = 32
"""Sides of an image are multiples of it."""

LEVELS = 5
"""Of the pyramid."""

_RATIOS = 3


class Chosen(NamedTuple):
    """Regions to look into: `(n, 5)` of the image's number in the batch and xyxy pixels."""

    regions: Tensor
    """For class and box."""
    outlined: Tensor
    """For the mask."""


class Outputs(NamedTuple):
    """What the network says, as needed for training."""

    scores: list[Tensor]
    """By level `(batch, 3, h, w)` logits of the anchors."""
    deltas: list[Tensor]
    """By level `(batch, 12, h, w)` from anchors to boxes."""
    classes: Tensor
    """`(n, 2)` logits of a target and of none."""
    boxes: Tensor
    """`(n, 4)` from regions to boxes."""
    masks: Tensor
    """`(m, 1, 28, 28)` logits."""


Choose = Callable[[Sequence[Tensor], Sequence[Tensor]], Chosen]
"""Scores and deltas of all levels to regions."""


class Block(Bottleneck):  # type: ignore[misc]
    """torchvision's block, with norms of fixed statistics within the convolutions."""

    def forward(self, maps: Tensor) -> Tensor:
        """`(batch, channels, h, w)`."""
        result = F.relu(normed(maps, self.conv1, self.bn1), inplace=True)
        result = F.relu(normed(result, self.conv2, self.bn2), inplace=True)
        result = normed(result, self.conv3, self.bn3)
        kept = maps if self.downsample is None else normed(maps, *self.downsample)
        return F.relu(result + kept, inplace=True)


class ResNeXt(nn.Module):
    """Maps of four sizes, each half of the one before.

    Args:
        depths: blocks of each stage.
        stem: channels of the first convolution.
        width: channels of the first stage's blocks at their end, over 4; doubles by stage.
        groups: of the 3 x 3 convolutions.
        group_width: channels of a group in the first stage where `width` is 64.
    """

    def __init__(
        self, depths: Sequence[int], stem: int, width: int, groups: int, group_width: int
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.widths: list[int] = []
        before = stem
        for number, depth in enumerate(depths):
            planes = width << number
            stage = _stage(before, planes, depth, 1 + (number > 0), groups, group_width)
            self.add_module(f"layer{number + 1}", stage)
            before = planes * Block.expansion
            self.widths.append(before)
        self.frozen_stages = 0
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(part, Block):
                nn.init.zeros_(part.bn3.weight)
        self.eval()

    @property
    def stages(self) -> list[nn.Module]:
        """In order."""
        return [cast(nn.Module, getattr(self, f"layer{i + 1}")) for i in range(len(self.widths))]

    def forward(self, images: Tensor) -> list[Tensor]:
        """`(batch, 3, h, w)` to maps of a 4th, 8th, 16th and 32nd of the size."""
        maps = F.relu(normed(images, self.conv1, self.bn1), inplace=True)
        result = [F.max_pool2d(maps, 3, 2, padding=1)]
        for stage in self.stages:
            result.append(stage(result[-1]))
        return result[1:]

    def freeze(self, stages: int) -> None:
        """Let the stem and the first stages keep their weights; 0 frees everything."""
        self.requires_grad_(True)
        frozen = [self.conv1, self.bn1, *self.stages[:stages]] if stages else []
        for part in frozen:
            part.requires_grad_(False)
        self.frozen_stages = stages

    def train(self, mode: bool = True) -> ResNeXt:
        """Nothing here behaves otherwise in training: statistics are fixed."""
        return super().train(False)


class MaskRcnn(nn.Module):
    """Boxes and masks of gaze targets in an image.

    Args:
        backbone: `(batch, 3, h, w)` to maps of four sizes.
        pyramid: torchvision's, of four maps, with one more level by leaving pixels out.
        proposer: maps to logits and deltas of three anchors a pixel.
        box_head: what a region's 7 x 7 bins hold, as one vector.
        classes: of that vector, a target or none.
        boxes: of that vector, four deltas.
        mask_head: what a region's 14 x 14 bins hold, as maps.
        masks: of these maps, one logit for each of 28 x 28 pixels.
    """

    foldable = ("backbone",)

    def __init__(
        self,
        backbone: nn.Module,
        pyramid: nn.Module,
        proposer: nn.Module,
        box_head: nn.Module,
        classes: nn.Linear,
        boxes: nn.Linear,
        mask_head: nn.Module,
        masks: nn.Module,
    ) -> None:
        super().__init__()
        self.backbone, self.pyramid, self.proposer = backbone, pyramid, proposer
        self.box_head, self.classes, self.boxes = box_head, classes, boxes
        self.mask_head, self.masks = mask_head, masks

    def forward(self, images: Tensor, choose: Choose) -> Outputs:
        """All that losses need of images as of `inputs.batch`; `choose` picks the regions."""
        maps = self.see(images)
        scores, deltas = self.propose(maps)
        chosen = choose(scores, deltas)
        classes, boxes = self.classify(maps, chosen.regions)
        return Outputs(scores, deltas, classes, boxes, self.outline(maps, chosen.outlined))

    @property
    def interface(self) -> Interface:
        """Of its parts: an image to maps, maps to proposals, regions to classes, boxes, masks."""
        channels = self.masks[0].in_channels  # type: ignore[index]
        maps = {f"maps_{i}": f"batch {channels} h{i} w{i}" for i in range(LEVELS)}
        scores = {f"scores_{i}": f"batch {_RATIOS} h{i} w{i}" for i in range(LEVELS)}
        deltas = {f"deltas_{i}": f"batch {4 * _RATIOS} h{i} w{i}" for i in range(LEVELS)}
        return Interface(
            {
                "see": Part({"images": "batch 3 h w"}, maps),
                "propose_all": Part(maps, {**scores, **deltas}),
                "classify_all": Part(
                    {**maps, "regions": "region 5"}, {"classes": "region 2", "boxes": "region 4"}
                ),
                "outline_all": Part(
                    {**maps, "outlined": "mask 5"}, {"masks": f"mask 1 {MASK} {MASK}"}
                ),
            },
            pixels={"images": PIXELS},
            example={"h": 2 * MULTIPLE, "w": 3 * MULTIPLE},
            rows=dict.fromkeys(("regions", "outlined"), (0.0, 8.0, 8.0, 40.0, 56.0)),
        )

    def propose_all(self, *maps: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """`propose`, the maps one by one."""
        return self.propose(maps)

    def classify_all(self, *maps_and_regions: Tensor) -> tuple[Tensor, Tensor]:
        """`classify` likewise."""
        return self.classify(maps_and_regions[:-1], maps_and_regions[-1])

    def outline_all(self, *maps_and_regions: Tensor) -> Tensor:
        """`outline` likewise."""
        return self.outline(maps_and_regions[:-1], maps_and_regions[-1])

    def see(self, images: Tensor) -> list[Tensor]:
        """Maps `(batch, 256, h / s, w / s)` for s of 4, 8, 16, 32, 64 of `(batch, 3, h, w)` RGB.

        DataError for another shape, or sides that are no multiples of 32.
        """
        sizes = check_shape(images, "batch 3 h w", "images")
        if sizes["h"] % MULTIPLE or sizes["w"] % MULTIPLE:
            raise DataError(
                f"images have shape {tuple(images.shape)}; sides should be multiples of "
                f"{MULTIPLE}, as inputs.batch makes them"
            )
        maps = self.backbone(images)
        return list(self.pyramid(OrderedDict((str(i), m) for i, m in enumerate(maps))).values())

    def propose(self, maps: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Logits `(batch, 3, h, w)` and deltas `(batch, 12, h, w)` of the anchors, by level."""
        scores, deltas = self.proposer(list(maps))
        return scores, deltas

    def classify(self, maps: Sequence[Tensor], regions: Tensor) -> tuple[Tensor, Tensor]:
        """Logits `(n, 2)` of a target and of none, and deltas `(n, 4)`, of regions `(n, 5)`."""
        result = self.box_head(pooled(maps, regions, BOX_BINS))
        return self.classes(result), self.boxes(result)

    def outline(self, maps: Sequence[Tensor], regions: Tensor) -> Tensor:
        """Logits `(n, 1, 28, 28)` of the masks of regions `(n, 5)`."""
        return cast(Tensor, self.masks(self.mask_head(pooled(maps, regions, MASK_BINS))))


def normed(maps: Tensor, conv: nn.Conv2d, norm: nn.Module) -> Tensor:
    """A convolution and the norm behind it, which takes the statistics that it holds."""
    if not isinstance(norm, nn.BatchNorm2d):  # as of `training.fused`
        return cast(Tensor, conv(maps))
    weight, bias = folded(conv, norm)
    return F.conv2d(maps, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)


def folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of the one convolution that both are."""
    assert norm.running_mean is not None and norm.running_var is not None
    gain = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return conv.weight * gain[:, None, None, None], norm.bias - norm.running_mean * gain


def mask_rcnn(
    *,
    depths: Stages = (3, 4, 23, 3),
    stem: Size = 64,
    width: Size = 64,
    groups: Size = 32,
    group_width: Size = 4,
    pyramid: Size = 256,
    hidden: Size = 1024,
) -> MaskRcnn:
    """The builder, with random weights; the defaults are those of the published network.

    Args:
        depths: blocks of each of four stages.
        stem: channels of the first convolution.
        width: a fourth of the first stage's channels.
        groups: of the 3 x 3 convolutions.
        group_width: channels of each of them in the first stage, where `width` is 64.
        pyramid: channels of the pyramid and of all that stands on it.
        hidden: width of the two layers that look into a region.

    Raises:
        DataError: numbers that make no network.
    """
    numbers = (*depths, stem, width, groups, group_width, pyramid, hidden)
    if len(depths) != 4 or min(numbers) < 1 or width * group_width < 64:
        raise DataError(
            f"no network of depths {depths}, stem {stem}, width {width}, groups {groups}, group "
            f"width {group_width}, pyramid {pyramid}, hidden {hidden}: four depths, all positive, "
            "and width times group width at least 64"
        )
    backbone = ResNeXt(depths, stem, width, groups, group_width)
    created = MaskRcnn(
        backbone,
        FeaturePyramidNetwork(backbone.widths, pyramid, LastLevelMaxPool()),
        RPNHead(pyramid, _RATIOS),
        TwoMLPHead(pyramid * BOX_BINS**2, hidden),
        nn.Linear(hidden, 2),
        nn.Linear(hidden, 4),
        MaskRCNNHeads(pyramid, [pyramid] * 4, 1),
        MaskRCNNPredictor(pyramid, pyramid, 1),
    )
    _initialise(created)
    return created


def _initialise(network: MaskRcnn) -> None:
    """As published, where torchvision does otherwise."""
    for part in (network.pyramid, network.box_head):
        for layer in part.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
    nn.init.normal_(network.classes.weight, std=0.01)
    nn.init.normal_(network.boxes.weight, std=0.001)
    for part in (network.box_head, network.classes, network.boxes, network.masks):
        for name, value in part.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(value)


def _stage(
    before: int, planes: int, depth: int, stride: int, groups: int, group_width: int
) -> nn.Sequential:
    after = planes * Block.expansion
    shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
    first = Block(before, planes, stride, shortcut, groups, group_width)
    rest = (Block(after, planes, 1, None, groups, group_width) for _ in range(depth - 1))
    return nn.Sequential(first, *rest)

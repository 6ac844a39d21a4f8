"""The detector of gaze targets, against the published way in the same run.

`python -m benchmarks gaze_following_detector`: an image of
720 rows at the published size, or a fourth of its area. Both ways are measured in turns; beside the
time on the clock stands that of the processor. The published way computes and pastes the masks of
100 boxes; `same_work` is against it without them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from benchmarks.pairs import Work, median_ms, pair, train_step

if TYPE_CHECKING:
    from torch import Tensor

SPEC_MS = {"forward": 15000, "step": 39900}
"""What the published code took on two cores of another machine that was busy, milliseconds."""

SIZE_HW, QUICK_HW = (720, 1280), (360, 640)
_SHORT_PX = {SIZE_HW: 800, QUICK_HW: 400}


def run(device: str = "cpu", *, quick: bool = False) -> dict[str, object]:
    """All figures; `ratio` is the published way's time over ours.

    Args:
        device: of the networks.
        quick: a small image, few repetitions.
    """
    size, repeat = (QUICK_HW, 2) if quick else (SIZE_HW, 5)
    return {
        "picture_hw": size,
        "forward": forward(device, size, repeat),
        "switches_ms": switches(device, size, repeat),
        "training_step": training(device, size, max(2, repeat // 2)),
    }


def forward(device: str, size_hw: tuple[int, int], repeat: int) -> dict[str, object]:
    """An image to boxes, and the difference between the answers."""
    theirs, ours = _networks(device)
    plain = _search(theirs, size_hw, device)
    masked = _search(theirs, size_hw, device, masks=True)
    quick = _search(ours, size_hw, device)
    with_masks = _search(ours, size_hw, device, masks=True)
    spec = SPEC_MS["forward"] if size_hw == SIZE_HW else None
    return {
        **pair(masked, quick, repeat, spec_ms=spec),
        "same_work": pair(plain, quick, repeat),
        "both_with_masks": pair(masked, with_masks, repeat),
        **_apart(plain(), quick()),
    }


def switches(device: str, size_hw: tuple[int, int], repeat: int) -> dict[str, float]:
    """Milliseconds of a search by named switch; the first has none."""
    _, ours = _networks(device)
    short = _SHORT_PX[size_hw]
    options: dict[str, dict[str, Any]] = {
        "published_boxes": {},
        "masks": {"masks": True},
        "proposals_300": {"proposals": 300},
        "proposals_100": {"proposals": 100},
        "side_three_quarters": {"short_px": short * 3 // 4},
        "side_half": {"short_px": short // 2},
        "proposals_300_side_half": {"proposals": 300, "short_px": short // 2},
    }
    return {
        name: median_ms(_search(ours, size_hw, device, **chosen), repeat)
        for name, chosen in options.items()
    }


def training(device: str, size_hw: tuple[int, int], repeat: int) -> dict[str, object]:
    """A step on one image with two targets."""
    import torch

    from eyeline.systems.gaze_following.detector.model import mask_rcnn

    torch.manual_seed(0)
    ours = mask_rcnn()
    ours.backbone.freeze(1)  # type: ignore[operator]
    theirs, _ = _networks(device)
    if device == "cpu":
        ours.to(memory_format=torch.channels_last)
    spec = SPEC_MS["step"] if size_hw == SIZE_HW else None
    steps = [_step(net.to(device), size_hw, device) for net in (theirs, ours)]
    return pair(steps[0], steps[1], repeat, spec_ms=spec)


def _search(
    network: Any,
    size_hw: tuple[int, int],
    device: str,
    *,
    masks: bool = False,
    proposals: int = 1000,
    short_px: int | None = None,
) -> Callable[[], Tensor]:
    """An image from its pixels to boxes, or to masks in its own size."""
    import torch

    from eyeline.systems.gaze_following.detector import inputs
    from eyeline.systems.gaze_following.detector.detections import (
        Finding,
        Proposing,
        find,
        masks_of,
    )

    how = Finding(Proposing(proposals, proposals), masks=masks)
    frame = _image(size_hw)
    short = short_px or _SHORT_PX[size_hw]

    def once() -> Tensor:
        with torch.inference_mode():
            shown = inputs.show(frame, short_px=short)
            result = find(network, shown.pixels[None].to(device), [shown], how)[0]
            if masks:
                masks_of(result, size_hw).cpu()
            return torch.cat([result.box_xyxy, result.score[:, None]], dim=1).cpu()

    return once


def _step(network: Any, size_hw: tuple[int, int], device: str) -> Work:
    import torch

    from eyeline.systems.gaze_following.detector import inputs
    from eyeline.systems.gaze_following.detector.data import Batch
    from eyeline.systems.gaze_following.detector.recipe import Sgd, read_recipe
    from eyeline.systems.gaze_following.detector.targets import Targets
    from eyeline.systems.gaze_following.detector.train import Step, optimizer

    step = Step(read_recipe({}))
    shown = inputs.show(_image(size_hw), short_px=_SHORT_PX[size_hw])
    h, w = shown.size_hw
    boxes = torch.tensor([[0.1, 0.2, 0.3, 0.6], [0.5, 0.4, 0.9, 0.7]]) * torch.tensor([w, h, w, h])
    masks = torch.zeros(2, h, w, dtype=torch.uint8)
    for mask, (left, top, right, bottom) in zip(masks, boxes.int().tolist(), strict=True):
        mask[top:bottom, left:right] = 1
    padded = int(shown.pixels.shape[1]), int(shown.pixels.shape[2])
    target = Targets(boxes.to(device), masks.to(device), (h, w), padded)
    batch = Batch(shown.pixels[None].to(device), [target])

    return train_step(
        network, optimizer(Sgd(), network), lambda: step(network, batch).total, device
    )


def _networks(device: str) -> tuple[Any, Any]:
    """The published way, and ours for finding, with the same weights."""
    import torch

    from benchmarks.published.gaze_following_detector import published
    from eyeline.systems.gaze_following.detector.model import mask_rcnn
    from eyeline.training.fused import fused

    torch.manual_seed(0)
    ours = mask_rcnn().eval()
    with torch.no_grad():  # what it sees should reach the answers
        for name, value in ours.named_parameters():
            if name.endswith("bn3.weight"):
                value.fill_(0.1)
    return published(ours).to(device), fused(ours.to(device))


def _image(size_hw: tuple[int, int]) -> Any:
    """Coarse noise, so that boxes of all sizes are proposed."""
    import cv2
    import numpy as np

    coarse = np.random.default_rng(0).integers(0, 256, (9, 16, 3), dtype=np.uint8)
    return cv2.resize(coarse, size_hw[::-1], interpolation=cv2.INTER_CUBIC)


def _apart(theirs: Tensor, ours: Tensor) -> dict[str, object]:
    """Share of the published boxes that ours has within a tenth of a pixel and 1e-4."""
    from torchvision.ops import box_iou

    best = box_iou(theirs[:, :4], ours[:, :4]).argmax(dim=1)
    apart = (ours[best] - theirs).abs()
    same = (apart[:, :4].amax(dim=1) < 0.1) & (apart[:, 4] < 1e-4)
    return {"boxes": len(theirs), "same": round(float(same.float().mean()), 4)}

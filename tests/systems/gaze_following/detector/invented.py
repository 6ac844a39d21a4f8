"""Deterministic weights and inputs by name, a shrunken network, a data set of bright squares."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from eyeline.systems.gaze_following.detector.model import MaskRcnn, mask_rcnn
from eyeline.systems.gaze_following.detector.original_keys import our_name
from tests.systems.gaze_following.conftest import GOLDEN, Array

SMALL: dict[str, Any] = {
    "depths": (1, 1, 1, 1), "stem": 16, "width": 16, "groups": 4, "group_width": 8, "pyramid": 16,
    "hidden": 32,
}  # fmt: skip
"""Arguments of a network that a test can train."""
TINY: dict[str, dict[str, Any]] = {
    "model": {**SMALL, "depths": list(SMALL["depths"])},
    "data": {"short_px": 96, "workers": 0},
    "samples": {"anchors": 64, "regions": 32, "proposals_before": 200, "proposals": 100},
    "optimizer": {
        "learning_rate": 0.01,
        "warm_up_steps": 10,
        "drop_epochs": [24],
        "clip_norm": 5.0,
    },
    "training": {"epochs": 2, "batch_size": 2, "frozen_stages": 0, "save_every": 1},
}
"""The recipe of a training that takes seconds."""

_GAINS = {
    "rpn_head.rpn_cls.weight": 0.15,
    "rpn_head.rpn_reg.weight": 0.03,
    "roi_head.bbox_head.fc_cls.weight": 1.5,
    "roi_head.bbox_head.fc_reg.weight": 0.25,
}


def random_of(text: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(text.encode()))


def their_shapes() -> dict[str, tuple[int, ...]]:
    """Of all entries of the authors' state dict."""
    text = (GOLDEN / "mask_rcnn_keys.json").read_text(encoding="utf-8")
    return {name: tuple(shape) for name, shape in json.loads(text).items()}


def their_tensors() -> dict[str, Tensor]:
    """A state dict in the names of the authors."""
    return {name: _tensor(name, shape) for name, shape in their_shapes().items()}


def network() -> MaskRcnn:
    """In evaluation mode."""
    created = mask_rcnn()
    created.load_state_dict({our_name(name): value for name, value in their_tensors().items()})
    return created.eval()


def small(seed: int = 0) -> MaskRcnn:
    """Shrunken, in evaluation mode; it sees something from the start."""
    torch.manual_seed(seed)
    created = mask_rcnn(**SMALL)
    with torch.no_grad():
        for name, value in created.named_parameters():
            if name.endswith(("cls_logits.weight", "bbox_pred.weight", "classes.weight")):
                value.mul_(20)
            if name.endswith("bn3.weight"):
                value.fill_(1)
    return created.eval()


def given() -> Tensor:
    """The image of the golden file, `(1, 3, 192, 256)`."""
    return torch.from_numpy(
        np.float32(random_of("input:vgs_mrcnn_a").standard_normal((1, 3, 192, 256)))
    )


def squares(seed: int, size_wh: tuple[int, int]) -> tuple[Array, list[list[float]]]:
    """A dark image with one or two bright boxes `x, y, w, h` in it."""
    rng = np.random.default_rng(seed)
    w, h = size_wh
    image = rng.integers(0, 60, (h, w, 3), dtype=np.uint8)
    boxes = []
    for column in range(1 + seed % 2):
        wide, high = (int(n) for n in rng.integers(min(size_wh) // 4, min(size_wh) // 3, 2))
        x = int(rng.integers(2, w // 2 - wide - 2)) + column * w // 2
        y = int(rng.integers(2, h - high - 2))
        image[y : y + high, x : x + wide] = (230, 40, 200)
        boxes.append([float(v) for v in (x, y, wide, high)])
    return image, boxes


def data_set(
    root: Path, *, train: Sequence[tuple[int, int]], validation: Sequence[tuple[int, int]]
) -> Path:
    """Files in COCO's layout, images of the sizes asked for."""
    for split, sizes, first in (("train2017", train, 0), ("val2017", validation, 1000)):
        content = instances([f"{i:04d}.png" for i in range(len(sizes))], sizes)
        folder = root / split
        folder.mkdir(parents=True)
        for number, size in enumerate(sizes):
            image, boxes = squares(first + number, size)
            cv2.imwrite(str(folder / f"{number:04d}.png"), image[..., ::-1])
            for box in boxes:
                add(content, number + 1, box)
        path = root / "annotations" / f"instances_{split}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return root


def instances(names: Sequence[str], sizes_wh: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """A file of images, numbered from 1, without annotations."""
    return {
        "images": [
            {"id": i + 1, "file_name": name, "width": w, "height": h}
            for i, (name, (w, h)) in enumerate(zip(names, sizes_wh, strict=True))
        ],
        "annotations": [],
        "categories": [{"id": 7, "name": "target"}],
    }


def add(content: dict[str, Any], image: int, box: Sequence[float], **other: Any) -> None:
    """Annotate an image."""
    x, y, w, h = box
    outline = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    content["annotations"].append({
        "id": len(content["annotations"]) + 1, "image_id": image, "category_id": 7,
        "bbox": list(box), "area": w * h, "iscrowd": 0, "segmentation": outline, **other,
    })  # fmt: skip


def _tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    values = np.asarray(_values(name, shape), np.float32) * np.float32(_GAINS.get(name, 1))
    return torch.from_numpy(values)


def _values(name: str, shape: tuple[int, ...]) -> Array:
    rng = random_of(name)
    if name.endswith("running_var"):
        return 1 + 0.1 * rng.random(shape)
    if name.endswith(("running_mean", "bias")):
        return 0.01 * rng.standard_normal(shape)
    if len(shape) <= 1:
        return 1 + 0.05 * rng.standard_normal(shape)
    return rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))

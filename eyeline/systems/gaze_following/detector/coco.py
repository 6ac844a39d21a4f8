"""Annotations of gaze targets as COCO writes instances, and which of them training may use."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.documents import read_json
from eyeline.errors import DataError
from eyeline.results import Floats, Image

CATEGORY = "target"
"""The only one."""

_LEAST_SIDE_PX = 32
"""Smaller images are left out of training."""

_FAULTS = (KeyError, TypeError, ValueError, IndexError)


@dataclass(frozen=True)
class Target:
    """Something that a person in the image looks at."""

    box_xyxy: tuple[float, float, float, float]
    """Pixels."""
    outline: Any
    """COCO's `segmentation`: polygons or run lengths; None stands for the box."""
    row: int
    """Among the file's annotations."""


@dataclass(frozen=True)
class ImageItem:
    """An image and what is marked in it."""

    number: int
    """COCO's `id`."""
    name: str
    """Its file."""
    size_wh: tuple[int, int]
    targets: tuple[Target, ...]

    @property
    def is_landscape(self) -> bool:
        """Wider than high; images of both kinds do not share a batch."""
        return self.size_wh[0] > self.size_wh[1]


@dataclass(frozen=True)
class Annotations:
    """What a file holds."""

    source: Path
    images: tuple[ImageItem, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    """How many annotations and images were not taken, by reason."""

    def __len__(self) -> int:
        return len(self.images)


def read(
    path: Path | str, *, for_training: bool = False, content: Mapping[str, Any] | None = None
) -> Annotations:
    """The images of a file of instances, and their usable targets.

    Targets that are ignored, crowds, of another category, without an area, less than a pixel wide
    or high, or outside the image are left out and counted. Training also leaves out images
    without any annotation of a target, and those with a side below 32 pixels.

    Args:
        path: such as `instances_train2017.json`.
        for_training: whether that is what they are for.
        content: of such a file; it is not read then.

    Raises:
        DataError: no such file, or not of that form; names the entry.
    """
    path = Path(path)
    content = contents(path) if content is None else content
    category = _category(content, path)
    marked: dict[Any, list[tuple[int, Any]]] = {}
    for row, entry in enumerate(content["annotations"]):
        if not isinstance(entry, Mapping) or "image_id" not in entry:
            raise DataError(f"{path}, annotations[{row}] has no image_id")
        marked.setdefault(entry["image_id"], []).append((row, entry))
    left_out, images = Counter[str](), []
    for row, entry in enumerate(content["images"]):
        own = marked.pop(entry.get("id"), []) if isinstance(entry, Mapping) else []
        image, any_target = _image(path, row, entry, own, category, left_out)
        if for_training and not any_target:
            left_out["images without a target"] += 1
        elif for_training and min(image.size_wh) < _LEAST_SIDE_PX:
            left_out["small images"] += 1
        else:
            images.append(image)
    if marked:
        shown = ", ".join(map(str, list(marked)[:4])) + (" and more" if len(marked) > 4 else "")
        raise DataError(f"{path} annotates images that it does not list: {shown}")
    return Annotations(path, tuple(images), dict(left_out))


def contents(path: Path) -> dict[str, Any]:
    """A file of instances as it is, its three lists checked to be there."""
    content = read_json(path)
    lists = ("images", "annotations", "categories")
    lacking = [
        n for n in lists if not isinstance(content, dict) or not isinstance(content.get(n), list)
    ]
    if lacking:
        raise DataError(f"{path} is no file of COCO instances: no list of {', '.join(lacking)}")
    return dict(content)


def rasterised(outline: Any, box_xyxy: tuple[float, ...], size_wh: tuple[int, int]) -> Image:
    """A target's mask `(h, w)` uint8, 0 or 1; its outline as of `Target`, None for the box.

    DataError for an outline that is neither polygons nor run lengths.
    """
    from pycocotools import mask

    w, h = size_wh
    left, top, right, bottom = box_xyxy
    around = [[left, top, right, top, right, bottom, left, bottom]]
    drawn = around if outline is None else outline
    try:
        if isinstance(drawn, list):
            coded = mask.merge(mask.frPyObjects(drawn, h, w))
        else:
            coded = mask.frPyObjects(drawn, h, w) if isinstance(drawn["counts"], list) else drawn
        with warnings.catch_warnings():
            # of the library's way to make an array, which NumPy wants otherwise some day
            warnings.simplefilter("ignore", DeprecationWarning)
            result: npt.NDArray[np.uint8] = mask.decode(coded)
    except _FAULTS as error:
        raise DataError(f"no segmentation of COCO: {_named(error)}") from error
    if result.shape != (h, w):
        raise DataError(f"a segmentation of {result.shape} in an image of {(h, w)}")
    return result


def run_lengths(mask_: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """A mask `(h, w)` as COCO's results have it: `size` and `counts`, text."""
    from pycocotools import mask

    coded = mask.encode(np.asfortranarray(mask_.astype(np.uint8)))
    return {"size": [int(n) for n in coded["size"]], "counts": coded["counts"].decode()}


def instance(number: int, image: int, box_xyxy: Floats) -> dict[str, Any]:
    """An annotation of a target, the box `(4,)` being its mask, as in the published data."""
    x1, y1, x2, y2 = (round(float(v), 2) for v in box_xyxy)
    width, height = round(x2 - x1, 2), round(y2 - y1, 2)
    return {
        "id": number, "image_id": image, "category_id": 1, "iscrowd": 0, "ignore": 0,
        "bbox": [x1, y1, width, height], "area": round(width * height, 2),
        "segmentation": [[x1, y1, x2, y1, x2, y2, x1, y2]],
    }  # fmt: skip


def instances(images: Iterable[tuple[str, tuple[int, int], Iterable[Floats]]]) -> dict[str, Any]:
    """The content of a file of instances: of each image its name, width and height, and boxes."""
    listed: list[dict[str, Any]] = []
    marked: list[dict[str, Any]] = []
    for number, (name, (width, height), boxes) in enumerate(images, start=1):
        listed.append({"id": number, "file_name": name, "width": width, "height": height})
        for box in boxes:
            marked.append(instance(len(marked) + 1, number, box))
    categories = [{"id": 1, "name": CATEGORY, "supercategory": "none"}]
    return {"images": listed, "annotations": marked, "categories": categories}


def _image(
    path: Path, row: int, entry: Any, own: list[tuple[int, Any]], category: Any,
    left_out: Counter[str],
) -> tuple[ImageItem, bool]:  # fmt: skip
    """An image, and whether anything in it is of the category."""
    try:
        number, name = int(entry["id"]), str(entry["file_name"])
        size = int(entry["width"]), int(entry["height"])
    except _FAULTS as error:
        raise DataError(f"{path}, images[{row}] lacks {error}") from error
    if min(size) < 1:
        raise DataError(f"{path}, images[{row}] is {size[0]} x {size[1]} pixels")
    targets = []
    for place, one in own:
        target = _target(path, place, one, size, category)
        if isinstance(target, Target):
            targets.append(target)
        else:
            left_out[target] += 1
    of_category = any(one.get("category_id") == category for _, one in own)
    return ImageItem(number, name, size, tuple(targets)), of_category


def _target(
    path: Path, row: int, entry: Mapping[str, Any], size_wh: tuple[int, int], category: Any
) -> Target | str:
    """A target, or why there is none."""
    where = f"{path}, annotations[{row}]"
    try:
        x, y, w, h = (float(v) for v in entry["bbox"])
        area = float(entry.get("area", w * h))
        kind = entry["category_id"]
    except _FAULTS as error:
        raise DataError(f"{where} is no annotation of COCO: {_named(error)}") from error
    if not np.isfinite([x, y, w, h, area]).all():
        raise DataError(f"{where} has a box that is no numbers: {entry['bbox']}")
    overlap_x = min(x + w, size_wh[0]) - max(x, 0)
    overlap_y = min(y + h, size_wh[1]) - max(y, 0)
    reasons = {
        "ignored": bool(entry.get("ignore")),
        "beside the image": overlap_x <= 0 or overlap_y <= 0,
        "less than a pixel": area <= 0 or w < 1 or h < 1,
        "of another category": kind != category,
        "crowds": bool(entry.get("iscrowd")),
    }
    target = Target((x, y, x + w, y + h), entry.get("segmentation") or None, row)
    return next((reason for reason, holds in reasons.items() if holds), target)


def _category(content: Mapping[str, Any], path: Path) -> Any:
    """The number of the one category."""
    named = {c.get("name"): c.get("id") for c in content["categories"] if isinstance(c, Mapping)}
    if CATEGORY not in named:
        raise DataError(
            f"{path} has no category '{CATEGORY}'; it has {', '.join(map(str, named)) or 'none'}"
        )
    return named[CATEGORY]


def _named(error: Exception) -> str:
    return f"{type(error).__name__} {error}"

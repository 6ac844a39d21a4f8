"""How well the detector finds what people look at: COCO's average precision, as published."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from eyeline.documents import read_json
from eyeline.errors import DataError
from eyeline.evaluation import report as reports
from eyeline.evaluation.report import Figures
from eyeline.files import write_bytes
from eyeline.log import Log
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.detector import average_precision, coco
from eyeline.systems.gaze_following.detector.average_precision import KINDS
from eyeline.systems.gaze_following.detector.inputs import SHORT_PX
from eyeline.systems.gaze_following.formats import Candidates
from eyeline.training import sharing
from eyeline.training.devices import Devices

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from eyeline.systems.gaze_following.detector.data import Images
    from eyeline.systems.gaze_following.detector.detections import Found
    from eyeline.systems.gaze_following.detector.model import MaskRcnn
    from eyeline.systems.gaze_following.fusion import Fusion

SPLIT = "val2017"
PREDICTIONS = "predictions.json"
"""COCO's results, a box and a mask each."""
CANDIDATES = "candidates.csv"
"""The boxes once more as the published code writes them, and the matcher reads them."""
REPORT = "report.json"

Report = Figures

Answer = dict[str, Any]


def run(
    weights: Path | str,
    data_dir: Path | str,
    out_dir: Path | str | None = None,
    log: Log | None = None,
    device: str = "cpu",
    *,
    split: str = SPLIT,
    fusion: Fusion | None = None,
    masks: bool = True,
    proposals: int = 1000,
    short_px: int | None = None,
    devices: Devices | None = None,
) -> reports.Report:
    """Average precision of a weights file on a split in COCO's layout.

    Args:
        weights: of `mask_rcnn`.
        data_dir: as of `data.open_split`.
        out_dir: gets `report.json`, `predictions.json` and `candidates.csv`.
        log: receives progress.
        device: where, of one process.
        split: which.
        fusion: what is written into the images, by default what the weights learned.
        masks: whether they are scored, too.
        proposals: of an image; fewer are quicker.
        short_px: most for the shorter side of an image as the network sees it, by default what
            the weights learned; less is quicker.
        devices: several processes that share the images; `device` is not heeded then.

    Returns:
        `bbox` and `segm` as of `average_precision.score`, the same `published`, rounded; counts.
        Empty in processes other than the first.

    Raises:
        CheckpointError, DataError, OutputError, UsageError: for what is wrong with each.
    """
    from eyeline.systems.gaze_following.detector.data import open_split
    from eyeline.systems.gaze_following.detector.weights import load_mask_rcnn
    from eyeline.training import checkpoint

    card = checkpoint.read_card(weights)
    learned = cast("Fusion", card.settings.get("fusion", "hs"))
    short_px = short_px or int(card.settings.get("short_px", SHORT_PX))
    images = open_split(data_dir, split, fusion or learned, short_px=short_px)
    fabric = sharing.launched(devices)
    network = load_mask_rcnn(weights, sharing.place(fabric, device))
    log = log if sharing.leads(fabric) else None
    predictions = answers(network, images, log, masks=masks, proposals=proposals, fabric=fabric)
    if not sharing.leads(fabric):
        sharing.end(fabric)
        return reports.Report({})
    created = reports.Report(
        {
            **report(images, predictions, masks=masks),
            "weights": Path(weights).name,
            "split": split,
            "fusion": fusion or learned,
            "fusion_learned": card.settings.get("fusion"),
            "proposals": proposals,
            "short_px": short_px,
        }
    )
    if out_dir is not None:
        write_bytes(Path(out_dir) / PREDICTIONS, (json.dumps(predictions) + "\n").encode())
        formats.write_candidates_csv(Path(out_dir) / CANDIDATES, candidates(images, predictions))
        created.write(Path(out_dir) / REPORT)
    sharing.end(fabric)
    return created


def answers(
    network: MaskRcnn,
    images: Images,
    log: Log | None = None,
    *,
    masks: bool = True,
    proposals: int = 1000,
    fabric: Fabric | None = None,
) -> list[Answer]:
    """What a network finds in annotated images, in the form of COCO's results.

    Args:
        network: in evaluation mode, on its device.
        images: one after the other.
        log: receives progress.
        masks: whether the answers have them.
        proposals: of an image.
        fabric: launched; its processes share the images, and all get all answers.
    """
    import torch

    from eyeline.systems.gaze_following.detector import detections, inputs
    from eyeline.systems.gaze_following.detector.detections import Proposing
    from eyeline.training.devices import for_answers
    from eyeline.training.fused import fused

    how, quick = detections.Finding(Proposing(proposals, proposals), masks=masks), fused(network)
    category = _category(images)
    device = quick.classes.weight.device

    def found_in(own: range) -> Iterator[list[Answer]]:
        for number in own:
            image = images.annotations.images[number]
            shown = inputs.show(images.image(number), short_px=images.short_px)
            given = inputs.batch([shown.pixels]).to(device)
            predictions = detections.find(quick, given, [shown], how)[0]
            yield _as_answers(predictions, image.number, category, shown.original_hw)

    created: list[Answer] = []
    with for_answers(torch.get_num_threads()):
        for done, some in enumerate(sharing.shared(fabric, len(images), found_in), start=1):
            created += some
            if log and done % 50 == 0:
                log(f"{done} of {len(images)} images")
    return created


def report(images: Images, found: Sequence[Answer], *, masks: bool = True) -> Figures:
    """The scores of answers to annotated images."""
    truth = coco.contents(images.annotations.source)
    kinds = KINDS if masks else KINDS[:1]
    scores = {kind: average_precision.score(truth, found, kind) for kind in kinds}
    return {
        **scores,
        "published": {k: average_precision.as_published(s) for k, s in scores.items()},
        "pictures": len(images),
        "answers": len(found),
        "targets": sum(len(p.targets) for p in images.annotations.images),
        "left_out": images.annotations.left_out,
    }


def candidates(images: Images, found: Sequence[Answer]) -> list[Candidates]:
    """The boxes of answers image by image, in their order; images without any are there."""
    own: dict[int, list[Answer]] = {p.number: [] for p in images.annotations.images}
    for answer in found:
        own[answer["image_id"]].append(answer)
    created = []
    for image in images.annotations.images:
        here = own[image.number]
        box = np.array([a["bbox"] for a in here], np.float64).reshape(-1, 4)
        box[:, 2:] += box[:, :2]
        created.append(Candidates(image.name, box, np.array([a["score"] for a in here])))
    return created


def score_file(predictions: Path | str, truth: Path | str) -> Figures:
    """The scores of a file of COCO's results, of boxes, masks or both.

    Args:
        predictions: such as `predictions.json`, or what mmdetection writes.
        truth: a file of instances.

    Raises:
        DataError: a file that cannot be read, or not of that form.
    """
    path = Path(predictions)
    result = read_json(path)
    if not isinstance(result, list) or not all(isinstance(one, Mapping) for one in result):
        raise DataError(f"{path} is no list of COCO's results")
    coco.read(truth)
    known = coco.contents(Path(truth))
    kinds = [
        k
        for k, entry in zip(KINDS, ("bbox", "segmentation"), strict=True)
        if not result or any(entry in one for one in result)
    ]
    scores = {kind: average_precision.score(known, result, kind) for kind in kinds}
    rounded = {k: average_precision.as_published(s) for k, s in scores.items()}
    return {**scores, "published": rounded, "answers": len(result)}


def _category(images: Images) -> int:
    """The number that the truth has for a target."""
    content = coco.contents(images.annotations.source)
    return next(int(c["id"]) for c in content["categories"] if c["name"] == coco.CATEGORY)


def _as_answers(found: Found, number: int, category: int, size_hw: tuple[int, int]) -> list[Answer]:
    from eyeline.systems.gaze_following.detector.detections import masks_of

    boxes = found.box_xyxy.double().cpu().numpy()
    created: list[Answer] = [
        {
            "image_id": number,
            "category_id": category,
            "score": float(score),
            "bbox": [float(x1), float(y1), float(x2 - x1), float(y2 - y1)],
        }
        for (x1, y1, x2, y2), score in zip(boxes, found.score.tolist(), strict=True)
    ]
    if found.mask_logits is not None:
        for one, mask in zip(created, masks_of(found, size_hw).cpu().numpy(), strict=True):
            one["segmentation"] = coco.run_lengths(mask)
    return created

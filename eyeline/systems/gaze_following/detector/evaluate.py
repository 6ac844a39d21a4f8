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

    from eyeline.systems.gaze_following.detector.data import Pictures
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
    told: Log | None = None,
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
        told: hears of progress.
        device: where, of one process.
        split: which.
        fusion: what is written into the pictures, by default what the weights learned.
        masks: whether they are scored, too.
        proposals: of a picture; fewer are quicker.
        short_px: most for the shorter side of a picture as the network sees it, by default what
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
    pictures = open_split(data_dir, split, fusion or learned, short_px=short_px)
    fabric = sharing.launched(devices)
    network = load_mask_rcnn(weights, sharing.place(fabric, device))
    told = told if sharing.leads(fabric) else None
    found = answers(network, pictures, told, masks=masks, proposals=proposals, fabric=fabric)
    if not sharing.leads(fabric):
        sharing.end(fabric)
        return reports.Report({})
    made = reports.Report(
        {
            **report(pictures, found, masks=masks),
            "weights": Path(weights).name,
            "split": split,
            "fusion": fusion or learned,
            "fusion_learned": card.settings.get("fusion"),
            "proposals": proposals,
            "short_px": short_px,
        }
    )
    if out_dir is not None:
        write_bytes(Path(out_dir) / PREDICTIONS, (json.dumps(found) + "\n").encode())
        formats.write_candidates_csv(Path(out_dir) / CANDIDATES, candidates(pictures, found))
        made.write(Path(out_dir) / REPORT)
    sharing.end(fabric)
    return made


def answers(
    network: MaskRcnn,
    pictures: Pictures,
    told: Log | None = None,
    *,
    masks: bool = True,
    proposals: int = 1000,
    fabric: Fabric | None = None,
) -> list[Answer]:
    """What a network finds in annotated pictures, in the form of COCO's results.

    Args:
        network: in evaluation mode, on its device.
        pictures: one after the other.
        told: hears of progress.
        masks: whether the answers have them.
        proposals: of a picture.
        fabric: launched; its processes share the images, and all get all answers.
    """
    import torch

    from eyeline.systems.gaze_following.detector import detections, inputs
    from eyeline.systems.gaze_following.detector.proposals import Proposing
    from eyeline.training.devices import for_answers
    from eyeline.training.fused import fused

    how, quick = detections.Finding(Proposing(proposals, proposals), masks=masks), fused(network)
    category = _category(pictures)
    device = quick.classes.weight.device

    def found_in(own: range) -> Iterator[list[Answer]]:
        for number in own:
            picture = pictures.annotations.pictures[number]
            shown = inputs.show(pictures.image(number), short_px=pictures.short_px)
            given = inputs.batch([shown.pixels]).to(device)
            found = detections.find(quick, given, [shown], how)[0]
            yield _told(found, picture.number, category, shown.original_hw)

    made: list[Answer] = []
    with for_answers(torch.get_num_threads()):
        for done, some in enumerate(sharing.shared(fabric, len(pictures), found_in), start=1):
            made += some
            if told and done % 50 == 0:
                told(f"{done} of {len(pictures)} pictures")
    return made


def report(pictures: Pictures, found: Sequence[Answer], *, masks: bool = True) -> Figures:
    """The scores of answers to annotated pictures."""
    truth = coco.contents(pictures.annotations.source)
    kinds = KINDS if masks else KINDS[:1]
    scores = {kind: average_precision.score(truth, found, kind) for kind in kinds}
    return {
        **scores,
        "published": {k: average_precision.as_published(s) for k, s in scores.items()},
        "pictures": len(pictures),
        "answers": len(found),
        "targets": sum(len(p.targets) for p in pictures.annotations.pictures),
        "left_out": pictures.annotations.left_out,
    }


def candidates(pictures: Pictures, found: Sequence[Answer]) -> list[Candidates]:
    """The boxes of answers picture by picture, in their order; pictures without any are there."""
    own: dict[int, list[Answer]] = {p.number: [] for p in pictures.annotations.pictures}
    for answer in found:
        own[answer["image_id"]].append(answer)
    made = []
    for picture in pictures.annotations.pictures:
        here = own[picture.number]
        box = np.array([a["bbox"] for a in here], np.float64).reshape(-1, 4)
        box[:, 2:] += box[:, :2]
        made.append(Candidates(picture.name, box, np.array([a["score"] for a in here])))
    return made


def score_file(predictions: Path | str, truth: Path | str) -> Figures:
    """The scores of a file of COCO's results, of boxes, masks or both.

    Args:
        predictions: such as `predictions.json`, or what mmdetection writes.
        truth: a file of instances.

    Raises:
        DataError: a file that cannot be read, or not of that form.
    """
    path = Path(predictions)
    found = read_json(path)
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise DataError(f"{path} is no list of COCO's results")
    coco.read(truth)
    known = coco.contents(Path(truth))
    kinds = [
        k
        for k, entry in zip(KINDS, ("bbox", "segmentation"), strict=True)
        if not found or any(entry in one for one in found)
    ]
    scores = {kind: average_precision.score(known, found, kind) for kind in kinds}
    rounded = {k: average_precision.as_published(s) for k, s in scores.items()}
    return {**scores, "published": rounded, "answers": len(found)}


def _category(pictures: Pictures) -> int:
    """The number that the truth has for a target."""
    content = coco.contents(pictures.annotations.source)
    return next(int(c["id"]) for c in content["categories"] if c["name"] == coco.CATEGORY)


def _told(found: Found, number: int, category: int, size_hw: tuple[int, int]) -> list[Answer]:
    from eyeline.systems.gaze_following.detector.detections import masks_of

    boxes = found.box_xyxy.double().cpu().numpy()
    made: list[Answer] = [
        {
            "image_id": number,
            "category_id": category,
            "score": float(score),
            "bbox": [float(x1), float(y1), float(x2 - x1), float(y2 - y1)],
        }
        for (x1, y1, x2, y2), score in zip(boxes, found.score.tolist(), strict=True)
    ]
    if found.mask_logits is not None:
        for one, mask in zip(made, masks_of(found, size_hw).cpu().numpy(), strict=True):
            one["segmentation"] = coco.run_lengths(mask)
    return made

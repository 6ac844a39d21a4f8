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
    from eyeline.systems.gaze_following.detector.detections import Detected
    from eyeline.systems.gaze_following.detector.model import MaskRcnn
    from eyeline.systems.gaze_following.fusion import Fusion

SPLIT = "val2017"
PREDICTIONS = "predictions.json"
"""COCO's results, a box and a mask each."""
CANDIDATES = "candidates.csv"
"""The boxes once more as the published code writes them, and the matcher reads them."""
REPORT = "report.json"

Report = Figures

Result = dict[str, Any]
"""One of COCO's results: `image_id`, `category_id`, `score`, `bbox`, and maybe `segmentation`."""


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
        fusion: what is written into the images, by default what the weights were trained on.
        masks: whether they are scored, too.
        proposals: of an image; fewer are quicker.
        short_px: most for the shorter side of an image as the network sees it, by default what
            the weights were trained at; less is quicker.
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
    trained_on = cast("Fusion", card.settings.get("fusion", "hs"))
    short_px = short_px or int(card.settings.get("short_px", SHORT_PX))
    images = open_split(data_dir, split, fusion or trained_on, short_px=short_px)
    fabric = sharing.launched(devices)
    network = load_mask_rcnn(weights, sharing.place(fabric, device))
    log = log if sharing.leads(fabric) else None
    predictions = predict(network, images, log, masks=masks, proposals=proposals, fabric=fabric)
    if not sharing.leads(fabric):
        sharing.end(fabric)
        return reports.Report({})
    created = reports.Report(
        {
            **report(images, predictions, masks=masks),
            "weights": Path(weights).name,
            "split": split,
            "fusion": fusion or trained_on,
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


def predict(
    network: MaskRcnn,
    images: Images,
    log: Log | None = None,
    *,
    masks: bool = True,
    proposals: int = 1000,
    fabric: Fabric | None = None,
) -> list[Result]:
    """Detections in annotated images, in the form of COCO's results.

    The network is in evaluation mode, on its device. The processes of a launched fabric share the
    images, and all get all results.
    """
    import torch

    from eyeline.systems.gaze_following.detector import detections, inputs
    from eyeline.systems.gaze_following.detector.detections import Proposing
    from eyeline.training.devices import for_answers
    from eyeline.training.fused import fused

    how, quick = detections.Finding(Proposing(proposals, proposals), masks=masks), fused(network)
    content = coco.contents(images.annotations.source)
    category = next(int(c["id"]) for c in content["categories"] if c["name"] == coco.CATEGORY)
    device = quick.classes.weight.device

    def detected_in(own: range) -> Iterator[list[Result]]:
        for number in own:
            image = images.annotations.images[number]
            shown = inputs.show(images.image(number), short_px=images.short_px)
            given = inputs.batch([shown.pixels]).to(device)
            detected = detections.find(quick, given, [shown], how)[0]
            yield _as_results(detected, image.number, category, shown.original_hw)

    created: list[Result] = []
    with for_answers(torch.get_num_threads()):
        for done, some in enumerate(sharing.shared(fabric, len(images), detected_in), start=1):
            created += some
            if log and done % 50 == 0:
                log(f"{done} of {len(images)} images")
    return created


def report(images: Images, results: Sequence[Result], *, masks: bool = True) -> Figures:
    """The scores of results in annotated images."""
    truth = coco.contents(images.annotations.source)
    scores = {k: average_precision.score(truth, results, k) for k in KINDS[: 1 + masks]}
    return {
        **scores,
        "published": {k: average_precision.as_published(s) for k, s in scores.items()},
        "pictures": len(images),
        "answers": len(results),
        "targets": sum(len(p.targets) for p in images.annotations.images),
        "left_out": images.annotations.left_out,
    }


def candidates(images: Images, results: Sequence[Result]) -> list[Candidates]:
    """The boxes of results image by image, in their order; images without any are there."""
    own: dict[int, list[Result]] = {p.number: [] for p in images.annotations.images}
    for result in results:
        own[result["image_id"]].append(result)
    created = []
    for image in images.annotations.images:
        here = own[image.number]
        box = np.array([a["bbox"] for a in here], np.float64).reshape(-1, 4)
        box[:, 2:] += box[:, :2]
        created.append(Candidates(image.name, box, np.array([a["score"] for a in here])))
    return created


def score_file(predictions: Path | str, truth: Path | str) -> Figures:
    """The scores of a file of COCO's results, of boxes, masks or both, against a file of instances.

    DataError for a file that cannot be read, or not of that form.
    """
    path = Path(predictions)
    result = read_json(path)
    if not isinstance(result, list) or not all(isinstance(one, Mapping) for one in result):
        raise DataError(f"{path} is no list of COCO's results")
    coco.read(truth)
    known, entries = coco.contents(Path(truth)), ("bbox", "segmentation")
    scores = {
        kind: average_precision.score(known, result, kind)
        for kind, entry in zip(KINDS, entries, strict=True)
        if not result or any(entry in one for one in result)
    }
    rounded = {k: average_precision.as_published(s) for k, s in scores.items()}
    return {**scores, "published": rounded, "answers": len(result)}


def _as_results(
    detected: Detected, number: int, category: int, size_hw: tuple[int, int]
) -> list[Result]:
    from eyeline.systems.gaze_following.detector.detections import masks_of

    pairs = zip(detected.box_xyxy.double().tolist(), detected.score.tolist(), strict=True)
    created: list[Result] = [
        {
            "image_id": number,
            "category_id": category,
            "score": score,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
        }
        for (x1, y1, x2, y2), score in pairs
    ]
    if detected.mask_logits is not None:
        for one, mask in zip(created, masks_of(detected, size_hw).cpu().numpy(), strict=True):
            one["segmentation"] = coco.run_lengths(mask)
    return created

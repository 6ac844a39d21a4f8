"""Average precision of boxes and masks as COCO counts it, with the limits that were published.

Counted by pycocotools. The first figure takes the 100 surest boxes of an image, the next five the
1000 surest, as mmdetection's limits of 100, 300 and 1000 give it.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eyeline.errors import DataError
from eyeline.systems.gaze_following.detector.coco import CATEGORY

KINDS = ("bbox", "segm")
"""What is scored, in COCO's words."""

LIMITS = (100, 300, 1000)
"""Most boxes of an image that count."""

NAMES = (
    *("mAP", "mAP_50", "mAP_75", "mAP_s", "mAP_m", "mAP_l"),
    *("AR@100", "AR@300", "AR@1000", "AR_s@1000", "AR_m@1000", "AR_l@1000"),
)
"""As mmdetection calls them: areas below 32 x 32 and 96 x 96 pixels, and above."""
PUBLISHED = NAMES[:6]
"""Those that its logs round to three digits."""

Scores = dict[str, float | None]


def score(truth: Mapping[str, Any], results: Sequence[Mapping[str, Any]], kind: str) -> Scores:
    """The twelve figures by name; None where the truth has nothing of that size.

    The truth is the content of a file of instances, results are as COCO has them: `image_id`,
    `category_id`, `score`, and `bbox` (x, y, width, height) or `segmentation` (run lengths); `kind`
    is one of `KINDS`. DataError for results of images that are not in the truth, or not of that
    form.
    """
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        annotations = [_whole(a, i) for i, a in enumerate(truth["annotations"], start=1)]
        known = _opened({**truth, "annotations": annotations})
        numbers = known.getCatIds(catNms=[CATEGORY])
        given = _loaded(known, results, kind)
        counted = COCOeval(known, given, kind)
        counted.params.catIds, counted.params.maxDets = numbers, list(LIMITS)
        counted.params.imgIds = known.getImgIds()
        counted.evaluate()
        counted.accumulate()
        counted.summarize()
    return {
        name: None if value < 0 else float(value)
        for name, value in zip(NAMES, counted.stats, strict=True)
    }


def as_published(scores: Mapping[str, float | None]) -> dict[str, float]:
    """The first six rounded to three digits, -1 where there is none."""
    return {name: round(-1.0 if (v := scores[name]) is None else v, 3) for name in PUBLISHED}


def _opened(content: Mapping[str, Any]) -> Any:
    from pycocotools.coco import COCO

    created = COCO()
    created.dataset = dict(content)
    created.createIndex()
    return created


def _whole(annotation: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A copy, which the library will change, with all that it takes for granted.

    Numbers are from 1: a target with number 0 would count as never found.
    """
    x, y, w, h = annotation["bbox"]
    around = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    given = {"area": w * h, "iscrowd": 0, **annotation, "id": number}
    return {**given, "segmentation": annotation.get("segmentation") or around}


def _loaded(known: Any, results: Sequence[Mapping[str, Any]], kind: str) -> Any:
    """Results of the library's type; masks without boxes, so that their own areas count."""
    kept = [{k: v for k, v in a.items() if kind == "bbox" or k != "bbox"} for a in results]
    if not kept:  # the library cannot load none at all
        return _opened({**known.dataset, "annotations": []})
    try:
        strange = {a["image_id"] for a in kept} - set(known.getImgIds())
        if strange:
            raise DataError(f"results for images that are not there: {sorted(strange)[:4]}")
        wanted = "bbox" if kind == "bbox" else "segmentation"
        if any(wanted not in a or not np.isfinite(a["score"]) for a in kept):
            raise DataError(f"results without '{wanted}', or with a score that is no number")
        return known.loadRes(kept)
    except (KeyError, IndexError, TypeError, ValueError, AssertionError) as error:
        raise DataError(f"no results of COCO: {type(error).__name__} {error}") from error

"""Scoring predicted looks against annotated ones, without any network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from eyeline.bounds import Positive, Whole
from eyeline.documents import read_npy
from eyeline.errors import DataError, UsageError
from eyeline.evaluation import tables
from eyeline.evaluation.report import Figures, Report, plain
from eyeline.evaluation.tables import Side
from eyeline.geometry import boxes
from eyeline.log import Log
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_following import measures, predictions, report, social
from eyeline.systems.gaze_following.datasets import (
    attention_target,
    childplay,
    gazefollow,
    texts,
    vgs,
    voc,
)
from eyeline.systems.gaze_following.datasets.annotations import GazeAnnotations
from eyeline.systems.gaze_following.formats import parse_name
from eyeline.systems.gaze_following.predictions import Predictions
from eyeline.systems.gaze_following.predictions import read as read_predictions

LEAST_OVERLAP = 0.5
"""Intersection over union from which on two head boxes in an image are one person's."""


def run(
    predictions: Path | str,
    truth: Path | str,
    *,
    log: Log | None = None,
    part: str = "test",
    split: str | None = None,
    size: str | None = None,
    images: str | None = None,
    heatmaps: str | None = None,
    protocol: str | None = None,
    sigma_cells: Positive = 3.0,
    subset: bool = False,
    extra: bool = False,
    speakers: str | None = None,
    heads: str | None = None,
    without: str | None = None,
    samples: Whole = 200,
) -> Report:
    """Scores of predicted looks by the field's point metrics, or of boxes by COCO's.

    Args:
        predictions: a table as `predictions.read` takes it, the authors' `KETI_Sequence.csv` and
            table of the best gaze among them; or a `.json` of COCO's results, which is scored
            against COCO's instances as `detector.evaluate.score_file` does and takes no option.
        truth: of VideoGazeSpeech the text with points, the `.json` with boxes, `GT_label_all.zip`
            or the folder of its XML files; the folder of VideoAttentionTarget, of ChildPlay or of
            GazeFollow.
        log: receives notes and figures.
        part: of these folders, `train` or `test`, of ChildPlay `val`, too.
        split: list of the videos that are wanted; all by default.
        size: of all images, `1280x720`, where their files are not at hand.
        images: folder of the image files, where it is not the data set's own.
        heatmaps: `.npy` with predicted heatmaps `(n, rows, columns)` in the order of the rows; by
            default a Gaussian stands for each point.
        protocol: how AUC is counted, one of `heatmaps.PROTOCOLS`; by default GazeFollow's for
            GazeFollow, VideoAttentionTarget's for the others.
        sigma_cells: standard deviation of that Gaussian, in 64ths of the image.
        subset: whether predictions may leave looks out; they are counted.
        extra: whether there may be predictions of looks that are not annotated; likewise.
        speakers: who speaks in VideoGazeSpeech, see `vgs.read_speakers`.
        heads: head boxes, which VideoGazeSpeech's boxes of targets lack, see `vgs.read_head_boxes`.
        without: predictions of the same looks that do not know who speaks, to be compared with.
        samples: draws of the intervals; 0 for none.

    Returns:
        `pooled`: see `report.score`; `interval`: by bootstrap over videos; `baselines`: what the
        image's middle and the nearest head would get; `social`: see `social.score`; `protocol`;
        counts and notes. With `without`, `speaker_cue`: see `report.compare`.

    Raises:
        DataError: naming file and line: looks that are missing or unknown, or come twice; a
            image whose size is not known.
        UsageError: no such protocol or size.
    """
    where = {"predictions": str(predictions), "truth": str(truth)}
    wanted: dict[str, Any] = {"part": part, "size": size, "speakers": speakers, "heads": heads}
    if Path(predictions).suffix.lower() == ".json":
        from eyeline.systems.gaze_following.detector import evaluate

        unfit = {"split": split, "size": size, "images": images, "heatmaps": heatmaps}
        unfit |= {"protocol": protocol, "speakers": speakers, "heads": heads, "without": without}
        if given := [name for name, value in unfit.items() if value is not None]:
            raise UsageError(f"{', '.join(given)}: no option where boxes of COCO are scored")
        return Report({**where, **evaluate.score_file(predictions, truth)})
    result = read_predictions(predictions)
    known = read_truth(truth, folder=images, **wanted)
    if split is not None:
        known = known.of_videos(texts.read_list(split))
    notes = [*result.notes, *known.notes]
    place = matched(result, known, subset=subset, extra=extra, notes=notes)
    heat = _heat(heatmaps, len(result))
    at = np.flatnonzero(place >= 0)
    rule = protocol or ("gazefollow" if is_gazefollow(Path(truth)) else "attention_target")
    looks, maps = result.take(place[at]), None if heat is None else heat[place[at]]
    compared = measures.measure(
        looks, known, rows=at, protocol=rule, sigma_cells=sigma_cells, heat=maps
    )
    if silent := int(np.isnan(result.point_px[place[at]]).any(axis=1).sum()):
        notes.append(f"{silent} predictions have no point: the image's middle is taken")
    figures = report.score(compared, samples=samples)
    figures["baselines"] = baselines(known, at, rule)
    figures["social"] = social.score(looks, known, rows=at, heat=maps, samples=samples)
    table = [*report.lines(figures), *social.lines(figures["social"])]
    if without is not None:
        other = read_predictions(without)
        theirs = matched(other, known, subset=True, extra=extra)
        both = np.flatnonzero((place >= 0) & (theirs >= 0))
        if not len(both):
            raise DataError(f"{predictions} and {without} have no look in common")
        pair = (
            measures.measure(one.take(rows[both]), known, rows=both, protocol=rule)
            for one, rows in ((result, place), (other, theirs))
        )
        figures["speaker_cue"] = report.compare(*pair, samples=samples)
        table += report.difference_lines(figures["speaker_cue"])
        notes += other.notes
        if left := len(known) - len(both):
            notes.append(f"{left} of {len(known)} looks are not in both files: left out")
    head = {**where, "protocol": rule, "sigma_cells": sigma_cells}
    created = Report({**head, **figures, "notes": notes})
    created.log(log, *table)
    return created


def read_truth(
    path: Path | str,
    *,
    part: str = "test",
    size: str | None = None,
    folder: str | None = None,
    speakers: str | None = None,
    heads: str | None = None,
) -> GazeAnnotations:
    """Annotated looks in any of the formats, see `run`; DataError for none of them.

    UsageError for a size of another form.
    """
    path = Path(path)
    size_of = _size_of(size, folder)
    if path.is_dir():
        if is_gazefollow(path):
            return gazefollow.read(path, part, size_of)
        if childplay.is_childplay(path):
            return childplay.read(path, part, size_of)
        if (path / "annotations").is_dir():
            return attention_target.read(path, part, size_of)
        if not voc.is_voc(path):
            raise DataError(
                f"{path} is none of VideoAttentionTarget and ChildPlay (no folder annotations), "
                f"GazeFollow (no {gazefollow.FILES['test']}) and XML files of VideoGazeSpeech; of "
                "its other forms name the file"
            )
    boxes = vgs.read_head_boxes(heads) if heads is not None else None
    if path.suffix.lower() == ".json":
        return vgs.read_coco(path, boxes)
    if voc.is_voc(path):
        return vgs.read_coco(path, boxes, voc.instances(path))
    who = vgs.read_speakers(speakers) if speakers is not None else None
    return vgs.read_text(path, size_of or texts.unknown_size, speakers=who)


def matched(
    predicted: Predictions,
    known: GazeAnnotations,
    *,
    subset: bool = False,
    extra: bool = False,
    notes: list[str] | None = None,
) -> Ints:
    """For each annotated look `(n,)` the row of its prediction, -1 for none.

    People are told apart by the image's name, by their own, or by the overlap of head boxes.

    Args:
        predicted: `m` rows.
        known: the truth.
        subset: whether looks may lack.
        extra: whether predictions may be of nobody in the truth.
        notes: where notes are added.

    Raises:
        DataError: naming the rows: predictions of nobody in the truth, of one person twice, or
            looks without a prediction.
    """
    there = {name: own.tolist() for name, own in tables.groups(known.image).items()}
    rows = [_row_of(predicted, i, known, there, extra=extra) for i in range(len(predicted))]
    kept = [i for i, row in enumerate(rows) if row is not None]
    if not kept:
        raise DataError("the predictions are of no look of the truth")
    if len(kept) < len(predicted) and notes is not None:
        beyond = len(predicted) - len(kept)
        notes.append(f"{beyond} of {len(predicted)} predictions are of no annotated look: left out")
    mine = Side(
        "the table of predictions", [rows[i] for i in kept], lambda k: predicted.source[kept[k]]
    )
    theirs = Side("the truth", range(len(known)), lambda row: known.source[row])
    place = np.full(len(known), -1)
    place[tables.join(mine, theirs, subset=subset, what="looks", notes=notes)] = kept
    return place


def baselines(known: GazeAnnotations, rows: Ints, protocol: str) -> Figures:
    """What needs no network would get in these rows, by name; without intervals."""
    names = [known.image[row] for row in rows.tolist()]
    created: Figures = {}
    for kind in measures.BASELINES:
        guess = predictions.predictions_of(names, measures.baseline_points(known, kind)[rows])
        result = measures.measure(guess, known, rows=rows, protocol=protocol)
        created[kind] = plain(report.summary(result))
    return created


def _row_of(
    predicted: Predictions,
    i: int,
    known: GazeAnnotations,
    there: dict[str, list[int]],
    *,
    extra: bool,
) -> int | None:
    """The row of the truth that a prediction is of; None where it has none and need not."""
    image, person, source = predicted.frame_name[i], predicted.person[i], predicted.source[i]
    if image not in there and person is None:
        try:
            name = parse_name(image, source)
            image, person = vgs.image_of(name), str(name.head)
        except DataError:
            person = "?"
    rows = there.get(image, [])
    if person is not None:
        rows = [row for row in rows if known.person[row] == person]
    elif rows:
        overlap = boxes.iou(predicted.head_xyxy[i][None], known.head_xyxy[rows])[0]
        best = int(np.argmax(np.nan_to_num(overlap, nan=-1.0)))
        rows = [rows[best]] if overlap[best] >= LEAST_OVERLAP else []
    if not rows and not extra:
        who = f" of {person}" if person is not None else ""
        raise DataError(
            f"{source}: the truth has no look{who} in {predicted.frame_name[i]}. With extra=true "
            "such predictions are left out"
        )
    return rows[0] if rows else None


def is_gazefollow(path: Path) -> bool:
    """Whether a folder has its texts."""
    return any((path / name).is_file() for name in gazefollow.FILES.values())


def _size_of(size: str | None, folder: str | None) -> texts.SizeOf | None:
    if size is not None:
        width, cross, height = size.lower().partition("x")
        if not (cross and width.isdigit() and height.isdigit() and int(width) and int(height)):
            raise UsageError(f"size '{size}'; expected WIDTHxHEIGHT, for example 1280x720")
        return texts.one_size(int(width), int(height))
    return texts.sizes_in_folder(folder) if folder is not None else None


def _heat(path: str | None, rows: int) -> Floats | None:
    if path is None:
        return None
    heat = read_npy(Path(path))
    if heat.ndim != 3 or len(heat) != rows or heat.dtype.kind not in "fiu":
        raise DataError(f"{path} should hold {rows} heatmaps (n, rows, columns)")
    return np.asarray(heat, np.float64)

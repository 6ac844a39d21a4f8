"""`prepare gaze_following/best_gaze`: candidates and head boxes to the authors' tables of gaze.

Below the output folder `best_gaze/VVV.csv`, one a video, and `KETI_Sequence.csv` of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from eyeline.datasets.prepare import Outcome, Summary, check_weights, prepare_all
from eyeline.errors import DataError, UsageError
from eyeline.geometry.boxes import centre
from eyeline.log import Log
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.datasets import vgs
from eyeline.systems.gaze_following.formats import BestGaze, Candidates, Prediction
from eyeline.systems.gaze_following.matching import rules
from eyeline.systems.gaze_following.matching.rules import RULES, Slope

CANDIDATES, BEST, SEQUENCE = "candidates", "best_gaze", "KETI_Sequence.csv"
TEXT = "x101_1x_test.txt"


def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    log: Log | None = None,
    heads: str | None = None,
    rule: str | None = None,
    damaged_numbers: bool = False,
) -> Summary:
    """Choose each person's candidate by a published rule.

    Args:
        source: a file of candidates, `.csv` or `x101_1x_test.txt`; or a folder with such files, or
            with a folder `candidates` of them, as `prepare gaze_following/vgs` writes it.
        out: folder to make.
        weights: of `slope_mlp`, for the rules `intended` and `master`.
        device: none is used.
        log: gets a line for every video.
        heads: head boxes, see `vgs.read_head_boxes`; by default those below the source's folder.
        rule: one of `rules.RULES`; by default `intended` with weights, `main` without.
        damaged_numbers: read the text as the released scripts did, which lost digits.

    Raises:
        DataError: no candidates or head boxes, or damaged ones.
        UsageError: no such rule, or one that lacks its weights.
        OutputError: the folder cannot be written.
    """
    del device
    given = check_weights(weights, ("slope_mlp",)).get("slope_mlp")
    name, slope = rules.open_rule(rule, given)
    source, out = Path(source), Path(out)
    boxes = vgs.read_head_boxes(heads or (source if source.is_dir() else source.parent))
    by_video: dict[str, list[Candidates]] = {}
    for file in _files(source):
        for one in _read(file, damaged_numbers):
            by_video.setdefault(formats.parse_name(one.name).video, []).append(one)
    work = [(out, video, images, boxes, name, slope) for video, images in by_video.items()]
    outcomes = prepare_all(_of_video, work, log)
    write_sequence(out, (o.name for o in outcomes if o.status == "done"))
    return Summary.of_counts("videos", outcomes)


def best_rows(
    candidates: Iterable[Candidates],
    heads_xyxy: Mapping[str, Sequence[float]],
    rule: str,
    slope: Slope,
) -> list[BestGaze]:
    """The candidate, best first, that a rule chooses in each image, with a slope from head points.

    Images without candidates, or without a head in `heads_xyxy`, have no row.
    """
    result = []
    for one in candidates:
        if not len(one.box_xyxy) or one.name not in heads_xyxy:
            continue
        name, head = formats.parse_name(one.name), np.asarray(heads_xyxy[one.name])
        row = RULES[rule](head, one.box_xyxy, slope)
        assert row is not None, "there is a candidate"
        here, there = rules.head_point(head), rules.head_point(one.box_xyxy[row])
        point = tuple(there.tolist())
        best = BestGaze(
            one.name,
            tuple(one.box_xyxy[row].tolist()),
            float(one.score[row]),
            tuple(head.tolist()),
            name.head,
            name.frame,
            tuple(here.tolist()),
            point,
            float(slope(here[None].astype(np.float64))[0]),
            None if there[0] == here[0] else point,  # straight up or down, a slope has no end
        )
        result.append(best)
    return result


def write_sequence(out: Path, videos: Iterable[str]) -> None:
    """`KETI_Sequence.csv` of the tables `best_gaze/VVV.csv` of some videos."""
    rows = []
    for best in (row for v in videos for row in formats.read_best(out / BEST / f"{v}.csv")):
        video = f"{formats.parse_name(best.name).video}.mp4"
        point = tuple(centre(np.asarray(best.box_xyxy, np.float64)).tolist())
        rows.append(Prediction(video, best.head, best.frame, best.name, best.head_xyxy, point))
    formats.write_sequence(out / SEQUENCE, rows)


def _files(source: Path) -> list[Path]:
    """The file of candidates, or all of a folder, see `run`."""
    if not source.is_dir():
        return [source]
    places = [source / "candidates.csv", source / TEXT]
    files = sorted((source / CANDIDATES).glob("*.csv")) or [p for p in places if p.is_file()][:1]
    if not files:
        raise DataError(f"{source} has no candidates.csv, {TEXT} or {CANDIDATES}/VVV.csv")
    return files


def _read(path: Path, damaged_numbers: bool) -> list[Candidates]:
    is_table = path.suffix.lower() == ".csv"
    if is_table and damaged_numbers:
        raise UsageError(f"damaged_numbers is for the text {TEXT}; {path} is a table")
    if is_table:
        return formats.read_candidates_csv(path)
    result = formats.read_candidates_text(path)
    if not damaged_numbers:
        return result
    damaged = rules.damaged_candidates(path.read_text(encoding="utf-8-sig"))
    return [one._replace(box_xyxy=damaged.get(one.name, one.box_xyxy)) for one in result]


def _of_video(
    out: Path,
    video: str,
    images: Sequence[Candidates],
    boxes: Mapping[str, Sequence[float]],
    rule: str,
    slope: Slope,
) -> Outcome:
    empty = sum(not len(one.box_xyxy) for one in images)
    headless = sum(bool(len(one.box_xyxy)) and one.name not in boxes for one in images)
    if headless == len(images) - empty and headless:
        return Outcome(video, "failed", f"no head box of any of its {len(images)} images")
    rows = best_rows(images, boxes, rule, slope)
    formats.write_best(out / BEST / f"{video}.csv", rows)
    left_out = [(empty, "without candidates"), (headless, "without a head box")]
    notes = tuple(f"{n} images {what} are left out" for n, what in left_out if n)
    counts = {"images": len(images), "gaze_points": len(rows)}
    return Outcome(video, "done", counts=counts, notes=notes)

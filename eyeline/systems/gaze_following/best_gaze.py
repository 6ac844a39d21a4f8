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
from eyeline.results import Floats
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.datasets import vgs
from eyeline.systems.gaze_following.formats import BestGaze, Candidates, FrameName, Prediction
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
    name, slope = chosen_rule(rule, check_weights(weights, ("slope_mlp",)).get("slope_mlp"))
    source, out = Path(source), Path(out)
    boxes = vgs.read_head_boxes(heads or (source if source.is_dir() else source.parent))
    by_video: dict[str, list[Candidates]] = {}
    for one in read_candidates(source, damaged_numbers=damaged_numbers):
        by_video.setdefault(formats.parse_name(one.name).video, []).append(one)
    work = [(out, video, result, boxes, name, slope) for video, result in by_video.items()]
    outcomes = prepare_all(_of_video, work, log)
    write_sequence(out, (o.name for o in outcomes if o.status == "done"))
    return Summary.of_counts("videos", outcomes)


def chosen_rule(rule: str | None, weights: Path | None) -> tuple[str, Slope]:
    """A rule's name and its slope, NaN without weights; UsageError where it needs them."""
    name = rule or ("main" if weights is None else "intended")
    if name not in RULES:
        raise UsageError(f"no rule '{name}'; there are {', '.join(RULES)}")
    if weights is not None:
        from eyeline.systems.gaze_following.matching.slope import read

        return name, read(weights)
    if name != "main":
        raise UsageError(f"the rule '{name}' needs --weights of slope_mlp")
    return name, lambda points: np.full(len(points), np.nan)


def read_candidates(source: Path, *, damaged_numbers: bool = False) -> list[Candidates]:
    """The candidates of a file, or of all files of a folder, see `run`."""
    if not source.is_dir():
        return _read(source, damaged_numbers)
    places = [source / "candidates.csv", source / TEXT]
    files = sorted((source / CANDIDATES).glob("*.csv")) or [p for p in places if p.is_file()][:1]
    if not files:
        raise DataError(f"{source} has no candidates.csv, {TEXT} or {CANDIDATES}/VVV.csv")
    return [one for file in files for one in _read(file, damaged_numbers)]


def best_rows(
    candidates: Iterable[Candidates],
    heads_xyxy: Mapping[str, Sequence[float]],
    rule: str,
    slope: Slope,
) -> list[BestGaze]:
    """The candidate that a rule chooses in each image; none of images without candidates or head.

    Args:
        candidates: best first.
        heads_xyxy: by image name.
        rule: one of `rules.RULES`.
        slope: of a look, from head points.
    """
    return [
        _best(one, np.asarray(heads_xyxy[one.name]), rule, slope)
        for one in candidates
        if len(one.box_xyxy) and one.name in heads_xyxy
    ]


def write_sequence(out: Path, videos: Iterable[str]) -> None:
    """`KETI_Sequence.csv` of the tables `best_gaze/VVV.csv` of some videos."""
    files = [out / BEST / f"{video}.csv" for video in videos]
    rows = [_prediction(row) for file in files for row in formats.read_best(file)]
    formats.write_sequence(out / SEQUENCE, rows)


def _best(one: Candidates, head: Floats, rule: str, slope: Slope) -> BestGaze:
    name = formats.parse_name(one.name)
    row = RULES[rule](head, one.box_xyxy, slope)
    assert row is not None, "there is a candidate"
    here, there = rules.head_point(head), rules.head_point(one.box_xyxy[row])
    point = tuple(there.tolist())
    return BestGaze(
        one.name,
        tuple(one.box_xyxy[row].tolist()),
        float(one.score[row]),
        tuple(head.tolist()),
        name.head,
        name.frame,
        tuple(here.tolist()),
        point,
        float(slope(here[None].astype(np.float64))[0]),
        None if there[0] == here[0] else point,  # straight up or down, where a slope has no end
    )


def _prediction(row: BestGaze) -> Prediction:
    name: FrameName = formats.parse_name(row.name)
    point = tuple(centre(np.asarray(row.box_xyxy, np.float64)).tolist())
    return Prediction(f"{name.video}.mp4", row.head, row.frame, row.name, row.head_xyxy, point)


def _read(path: Path, damaged_numbers: bool) -> list[Candidates]:
    if path.suffix.lower() == ".csv":
        if damaged_numbers:
            raise UsageError(f"damaged_numbers is for the text {TEXT}; {path} is a table")
        return formats.read_candidates_csv(path)
    result = formats.read_candidates_text(path)
    if not damaged_numbers:
        return result
    damaged = rules.damaged_candidates(path.read_text(encoding="utf-8-sig"))
    return [one._replace(box_xyxy=damaged.get(one.name, one.box_xyxy)) for one in result]


def _of_video(
    out: Path,
    video: str,
    found: Sequence[Candidates],
    boxes: Mapping[str, Sequence[float]],
    rule: str,
    slope: Slope,
) -> Outcome:
    empty = sum(not len(one.box_xyxy) for one in found)
    headless = sum(bool(len(one.box_xyxy)) and one.name not in boxes for one in found)
    if headless == len(found) - empty and headless:
        return Outcome(video, "failed", f"no head box of any of its {len(found)} images")
    rows = best_rows(found, boxes, rule, slope)
    formats.write_best(out / BEST / f"{video}.csv", rows)
    left_out = [(empty, "without candidates"), (headless, "without a head box")]
    return Outcome(
        video,
        "done",
        counts={"images": len(found), "gaze_points": len(rows)},
        notes=tuple(f"{n} images {what} are left out" for n, what in left_out if n),
    )

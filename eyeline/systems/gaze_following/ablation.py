"""What the speaker cue changes: predictions made with it against those made without, look by look.

The differences are paired: both are of the same looks, and whole videos are drawn for the
intervals. Looks are told apart by whether they truly go to somebody who speaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.errors import DataError
from eyeline.evaluation import bootstrap
from eyeline.log import Log
from eyeline.results import Floats
from eyeline.systems.gaze_following import measures, predictions, report, score
from eyeline.systems.gaze_following.datasets import splits
from eyeline.systems.gaze_following.measures import Measures
from eyeline.systems.gaze_following.report import FIGURES, MEANS, Report

NAMES = ("with", "without")
"""Of both in a comparison."""
KINDS = ("all", "at_speaker", "past_speaker", "nobody_speaks")
"""Looks of all kinds; to somebody who speaks; elsewhere though somebody else speaks; while nobody
else does, or it is not told."""


def run(
    with_speaker: Path | str,
    without_speaker: Path | str,
    truth: Path | str,
    *,
    log: Log | None = None,
    part: str = "test",
    split: str | None = None,
    size: str | None = None,
    images: str | None = None,
    speakers: str | None = None,
    heads: str | None = None,
    protocol: str | None = None,
    extra: bool = False,
    samples: int = 1000,
) -> Report:
    """Compare two files of predictions of the same looks.

    Args:
        with_speaker: predictions that know who speaks: variant HS, or the matcher.
        without_speaker: those that do not: variants H or none, or the matcher with masked speakers.
        truth: as for `score.run`, as are the further arguments.
        log: receives the comparison, line by line.
        part: see there.
        split: see there.
        size: see there.
        images: see there.
        speakers: see there; without it looks cannot be told apart by who speaks.
        heads: see there.
        protocol: see there.
        extra: see there.
        samples: draws of the intervals.

    Returns:
        `compared`: see `compare`; counts and notes.

    Raises:
        DataError: as of `score.run`, for either file; or the files have no look in common.
    """
    known = score.read_truth(
        truth, part=part, size=size, folder=images, speakers=speakers, heads=heads
    )
    if split is not None:
        known = known.of_videos(splits.read(split))
    files = [predictions.read(path) for path in (with_speaker, without_speaker)]
    places = [score.matched(result, known, subset=True, extra=extra) for result in files]
    both = np.flatnonzero((places[0] >= 0) & (places[1] >= 0))
    if not len(both):
        raise DataError(f"{with_speaker} and {without_speaker} have no look in common")
    rule = protocol or score.default_protocol(truth)
    compared = compare(
        *(
            measures.measure(result.take(place[both]), known, rows=both, protocol=rule)
            for result, place in zip(files, places, strict=True)
        ),
        samples=samples,
    )
    notes = [note for result in files for note in result.notes]
    if left := len(known) - len(both):
        notes.append(f"{left} of {len(known)} looks are not in both files: left out")
    for line in (*notes, *lines(compared)) if log else ():
        log(line)  # type: ignore[misc]
    return {"protocol": rule, "looks": len(both), "compared": compared, "notes": notes}


def compare(
    with_speaker: Measures, without_speaker: Measures, *, samples: int = 1000, seed: int = 0
) -> Report:
    """Figures of both and their differences, for looks of all kinds and of each.

    Args:
        with_speaker: of `n` looks.
        without_speaker: of the same.
        samples: draws of the intervals; 0 for none.
        seed: of the draws.

    Returns:
        By `KINDS`: `looks`, and by figure `with`, `without`, `difference` (the first less the
        second), `interval` of the difference (None of a single video), and `better`: whether the
        whole interval lies on the side of the cue, None where there is none.

    Raises:
        DataError: the rows are not the same looks.
    """
    if with_speaker.video != without_speaker.video:
        raise DataError("the predictions to compare are not of the same looks")
    at = with_speaker.at_speaker
    kinds = dict(zip(KINDS, (at == at, at == 1, at == 0, np.isnan(at)), strict=True))
    kinds["all"][:] = True
    return {
        name: _differences(with_speaker.take(rows), without_speaker.take(rows), samples, seed)
        for name, yes in kinds.items()
        for rows in [np.flatnonzero(yes)]
        if len(rows)
    }


def lines(compared: Mapping[str, Any]) -> list[str]:
    """The comparison in words."""
    known = []
    for kind, figures in compared.items():
        known.append(f"{kind.replace('_', ' ')}: {figures['looks']} looks")
        known += bootstrap.difference_lines(figures, NAMES)
    return known


def _differences(a: Measures, b: Measures, samples: int, seed: int) -> Report:
    """Of each figure that both have; a row without one of the two has a part in neither."""
    a, b = _both(a, b), _both(b, a)
    mine, theirs = report.by_video(a), report.by_video(b)
    videos = len(set(a.video))
    result: Report = {"looks": len(a)}
    for name in FIGURES:
        one = bootstrap.compared(
            mine[name],
            theirs[name],
            videos,
            names=NAMES,
            higher=name in report.BETTER_HIGH,
            samples=samples,
            seed=seed,
        )
        result |= {name: one} if one is not None else {}
    return result


def _both(a: Measures, b: Measures) -> Measures:
    """Without what the other has not told."""
    columns: dict[str, Floats] = {f.name: getattr(a, f.name) for f in fields(a)[1:]}
    for name in (*MEANS, "in_frame_score"):
        columns[name] = np.where(np.isnan(getattr(b, name)), np.nan, columns[name])
    return Measures(a.video, **columns)

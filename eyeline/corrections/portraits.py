"""Images of people whom corrections have split off, cut from the original video."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from eyeline.corrections.model import Corrections, SplitPerson
from eyeline.errors import VideoError
from eyeline.people.portraits import cut_thumbnail
from eyeline.results import Analysis, Image, Part

_NEAR_S = 1e-3
Frames = Mapping[int, int]
"""By person, the number of the frame that the image is from."""


def split_people(corrections: Corrections, analysis: Analysis) -> set[int]:
    """Those who were split, and split off: the computed images may show somebody else."""
    splits = [op for op in corrections.operations if isinstance(op, SplitPerson)]
    numbers = {number for op in splits for number in (op.person, op.new_person)}
    return {p.person for p in analysis.persons if p.person in numbers}


def seen_in(analysis: Analysis, frames: Frames) -> dict[int, int]:
    """The frames in which the persons are still seen."""
    rows = set(zip(analysis.people.person.tolist(), analysis.people.frame.tolist(), strict=True))
    return {person: frame for person, frame in frames.items() if (person, frame) in rows}


def cut_images(analysis: Analysis, people: set[int], video: Path) -> dict[int, tuple[int, Image]]:
    """The frame and image in which each of some people is seen best, in one pass of the video.

    Raises:
        VideoError: the video cannot be read.
    """
    from eyeline.video.reader import VideoReader

    table, rows = analysis.people, {n: _best_row(analysis, n) for n in sorted(people)}
    times = sorted({float(table.time_s[row]) for row in rows.values()})
    reader = VideoReader(
        video,
        video_track=analysis.video.video_track,
        turn_deg=analysis.video.turn_deg,
        parts=[Part(max(t - _NEAR_S, 0.0), t + _NEAR_S) for t in times],
    )
    result: dict[int, tuple[int, Image]] = {}
    for frame in reader if times else ():
        for person, row in rows.items():
            if int(table.frame[row]) == frame.index:
                image = cut_thumbnail(frame.rgb(), table.box_xyxy[row].astype(np.float64))
                result[person] = frame.index, image
    return result


def _best_row(analysis: Analysis, person: int) -> int:
    """The row in which a person's face is seen best."""
    table = analysis.people
    mine = np.flatnonzero(table.person == person)
    sides = table.box_xyxy[mine, 2:] - table.box_xyxy[mine, :2]
    quality = table.detected[mine] * table.score[mine] * table.quality[mine] * sides.mean(axis=1)
    return int(mine[np.argmax(np.nan_to_num(quality))])


def with_images(analysis: Analysis, images: Mapping[int, Image]) -> Analysis:
    """An analysis with other images of some persons."""
    persons = (replace(p, thumbnail=images.get(p.person, p.thumbnail)) for p in analysis.persons)
    return replace(analysis, persons=tuple(persons))


def renewed(
    analysis: Analysis, people: set[int], video: Path | None
) -> tuple[Analysis, dict[int, int]]:
    """An analysis with images of some people out of its video, and the frames that they are from.

    Without the video, and where people are to be covered, the images stay as they are.
    """
    if not people or video is None or analysis.settings.get("anonymise"):
        return analysis, {}
    try:
        cut = cut_images(analysis, people, video)
    except VideoError as error:
        warning = f"no new images of people who were split: {error}"
        return replace(analysis, warnings=(*analysis.warnings, warning)), {}
    return with_images(analysis, {n: image for n, (_, image) in cut.items()}), {
        n: frame for n, (frame, _) in cut.items()
    }

"""Several cameras on one clock: a page with the timelines of all, and one ELAN file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.codings import eaf
from eyeline.codings.coding import Coding, CodingTier
from eyeline.export.coding import coding_of
from eyeline.export.exporters import copy_in
from eyeline.export.files import CORRECTED, REPORT
from eyeline.export.intervals import as_spans
from eyeline.export.lanes import Group, Lane, Timelines, timelines
from eyeline.export.report import colour_keys, template
from eyeline.export.summary import summarise
from eyeline.results import Analysis, Ints, person_number

_Recording = tuple[str, str, float, Analysis]
"""Name of the camera, folder of its results, offset in seconds, and its analysis."""


def joint_eaf(recordings: Sequence[_Recording], out: Path) -> tuple[bytes, float]:
    """An ELAN file that links all videos, each from where all of them record.

    ELAN leaves out the beginning of a video that began early (TIME_ORIGIN) and cannot begin one
    late. So the file begins, on the clock of the session, with the camera that begins last; what
    ends before that is in the files of the single cameras.

    Returns:
        The document, and when on the clock of the session it begins.
    """
    begins_s = max(offset_s for _, _, offset_s, _ in recordings)
    media, tiers = [], list[CodingTier]()
    for name, folder, offset_s, analysis in recordings:
        early_s = round(begins_s - offset_s, 3)
        media.append(_media(out, folder, analysis, early_s))
        named = set(analysis.corrected.names.values()) if analysis.corrected else set()
        for tier in coding_of(analysis).tiers:
            person = tier.person if tier.person in named else f"{name}: {tier.person}"
            own = tier.shifted(-early_s)
            tiers.append(replace(own, name=f"{name}: {tier.name}", person=person))
    return eaf.write(Coding(str(out), tuple(tiers)), media), begins_s


def named_persons(recordings: Sequence[tuple[str, Analysis]]) -> dict[str, dict[str, int]]:
    """By the name that people gave the number in each camera: one name is one person."""
    result: dict[str, dict[str, int]] = {}
    for camera, analysis in recordings:
        for label, name in (analysis.corrected.names if analysis.corrected else {}).items():
            if number := person_number(label):
                result.setdefault(name, {})[camera] = number
    return dict(sorted(result.items()))


def _media(out: Path, folder: str, analysis: Analysis, early_s: float) -> eaf.Media:
    copy = copy_in(out / folder)
    if copy:
        return f"{folder}/{copy}", early_s
    coding = coding_of(analysis)
    return "" if "anonymise" in analysis.settings else coding.media, early_s + coding.origin_s


def session_timelines(recordings: Sequence[_Recording]) -> Timelines:
    """The timelines of all cameras on the clock of the session, that of each person by itself."""
    own = [(n, at, a, timelines(a, summarise(a))) for n, _, at, a in recordings]
    codes: dict[str, str] = {}
    for _, _, _, lines in own:
        for name, (_, colour) in zip(lines.names, lines.codes, strict=True):
            codes.setdefault(name, colour)
    numbers = {name: code for code, name in enumerate(codes)}
    end_ms = max(lines.end_ms + round(at * 1000) for _, at, _, lines in own)
    groups = [
        _group(group, name, at, [numbers[n] for n in lines.names], analysis, end_ms)
        for name, at, analysis, lines in own
        for group in lines.groups
    ]
    step = max(lines.resolution_ms for _, _, _, lines in own)
    return Timelines(tuple(groups), tuple(codes.items()), tuple(codes), end_ms, step)


def _group(
    group: Group, camera: str, at_s: float, codes: list[int], analysis: Analysis, end_ms: int
) -> Group:
    def moved(runs: Ints) -> Ints:
        code = np.array(codes, np.int64)[runs[:, 2]] if codes else runs[:, 2]
        shift = round(at_s * 1000)
        return np.stack([runs[:, 0] + shift, runs[:, 1] + shift, code], -1)

    lanes = tuple(
        Lane(lane.title, lane.kind, moved(lane.runs), moved(lane.missing)) for lane in group.lanes
    )
    inside_s = analysis.video.duration_s
    outside = [(gap.start_s, gap.end_s) for gap in analysis.video.not_analysed]
    bounds = [(-at_s, 0.0), *outside, (inside_s, end_ms / 1000 - at_s)]
    spans = as_spans([(a + at_s, b + at_s) for a, b in bounds if b - a > 1e-3])
    return replace(group, label=f"{camera}: {group.label}", lanes=lanes, outside=spans)


def render(
    listed: Sequence[tuple[str, str, float, str, float | None, Analysis]], begins_s: float
) -> str:
    """The page of a session as text; everything that comes from outside is escaped.

    Args:
        listed: name of each camera, folder, offset, how that is known, confidence and analysis.
        begins_s: where the ELAN file begins on the clock of the session.
    """
    recordings = [(name, folder, at, analysis) for name, folder, at, _, _, analysis in listed]
    lines = session_timelines(recordings)
    cameras: list[dict[str, Any]] = [
        {
            "name": name,
            "page": f"{folder}/{_report(analysis)}",
            "offset_s": at,
            "how": how,
            "confidence": confidence,
            "analysis": analysis,
            "summary": summarise(analysis),
        }
        for name, folder, at, how, confidence, analysis in listed
    ]
    page: str = template("session.html.j2").render(
        cameras=cameras,
        persons=named_persons([(name, analysis) for name, _, _, analysis in recordings]),
        lines=lines,
        timeline=lines.to_json(),
        keys=colour_keys(lines),
        media="",
        grey="Grey all through: this camera did not record, or it was not analysed.",
        begins_s=begins_s,
    )
    return page


def _report(analysis: Analysis) -> str:
    """The report of a camera, the one that follows its corrections where it was written."""
    follows = f"{CORRECTED}/{REPORT}"
    there = analysis.corrected and analysis.folder and (analysis.folder / follows).is_file()
    return follows if there else REPORT

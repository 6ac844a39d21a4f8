"""Exports of odd names and labels, read again by other programs' readers."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import eyeline as package
from eyeline.export.coding import write_elan, write_textgrid
from eyeline.export.report import write_report
from eyeline.export.rttm import write_rttm
from eyeline.export.tables import write_tables
from eyeline.results import Analysis, make_segments
from torture.cases import Sources
from torture.command import forked
from torture.figures import Figure, skipped

NAMES = (
    "<script>alert(1)<.mp4", "\"><img src=x onerror=alert(1)>.mp4", "a'b&c;d.mp4", "new\nline.mp4",
    "control\x01\x0b.mp4", "rtl\u202egpj.mp4", "tab\t.mp4", "=1+1.mp4", "sp ace  two.mp4",
    "%2e%2e%2f.mp4", "{{7*7}}.mp4", "{% raw %}.mp4", os.fsdecode(b"latin1_\xe9.mp4"),
)  # fmt: skip
LABELS = (
    '=HYPERLINK("http://evil","x")', "+1+1", "-1+1|cmd", "@SUM(A1)", "\t=1",
    "quote \" and ' and \"\"",
    "<b>&amp;</b> ]]>", "line\nbreak\r\nagain", "\u202ertl \u05d0\u05d1", "nul\x00 control\x01\x1f",
    "emoji \U0001f600", "", " ", "long " * 5000,
)  # fmt: skip
ROWS = [(1 + k % 3, 0.1 + k, 0.8 + k, label, 0.5) for k, label in enumerate(LABELS)]
LENGTH_S = len(LABELS) + 1.0
RTTM = re.compile(r"SPEAKER \S+ 1 [\d.]+ [\d.]+ <NA> <NA> \S+ <NA> <NA>")
_OUTSIDE = re.compile(
    r"<(?:script|link|img|iframe|video|source|audio|object|embed)[^>]+(?:src|href|data)\s*=\s*"
    r"""["']?(?:https?:)?//|@import|url\(\s*["']?(?:https?:)?//|\bfetch\(|XMLHttpRequest|WebSocket"""
)


def trial(work: Path) -> Iterator[Figure]:
    """Names go through the whole command, labels through the writers."""
    sources = Sources(work)
    for number, name in enumerate(NAMES):
        video = work / str(number) / name
        video.parent.mkdir()
        video.write_bytes(sources.short)
        ended = forked("analyze", video, "-o", work / f"out {number}", "--no-video")
        faults = [ended.last] if ended.code else of_folder(next((work / f"out {number}").iterdir()))
        yield _figure(f"name {name}", faults, ended.seconds)
    yield from labels(package.load_analysis(next((work / "out 0").iterdir())), work)


def labels(plain: Analysis, work: Path) -> Iterator[Figure]:
    """Write an analysis with odd labels in all forms, and read each again."""
    info = replace(plain.video, duration_s=LENGTH_S)
    segments = make_segments("eye_contact", "x", "odd & <name>", ROWS)
    odd = replace(plain, video=info, answers=(*plain.answers, segments))
    readers: dict[str, tuple[Callable[[Analysis, Path], object], Callable[[Path], list[str]]]] = {
        "CSV": (write_tables, _read_as_csv),
        "ELAN by pympi": (write_elan, _read_by_pympi),
        "TextGrid by praatio": (write_textgrid, _read_by_praatio),
        "RTTM": (write_rttm, _lines_of_rttm),
        "report": (write_report, _page),
    }
    for subject, (write, read) in readers.items():
        needed = subject.rpartition(" by ")[2]
        if " by " in subject and not importlib.util.find_spec(needed):
            yield skipped(f"labels: {subject}", f"{needed} is not installed")
            continue
        start, folder = time.monotonic(), work / subject
        folder.mkdir()
        write(odd, folder)
        yield _figure(f"labels: {subject}", read(folder), time.monotonic() - start)


def _figure(subject: str, faults: list[str], seconds: float) -> Figure:
    return Figure(subject, "read as written", "; ".join(faults) or "read", not faults, seconds)


def of_folder(folder: Path) -> list[str]:
    """What is wrong with the files of a result, whatever its video is called."""
    faults = _lines_of_rttm(folder) + _page(folder)
    try:
        json.loads((folder / "analysis.json").read_bytes())
        package.load_analysis(folder)
        ET.parse(folder / "timeline.eaf")
    except (package.EyelineError, ValueError, ET.ParseError) as error:
        faults.append(str(error))
    return faults


def _lines_of_rttm(folder: Path) -> list[str]:
    text = (folder / "timeline.rttm").read_text("utf-8", "surrogateescape")
    return [f"RTTM: {line!r}" for line in text.splitlines() if not RTTM.fullmatch(line)]


def _page(folder: Path) -> list[str]:
    page = (folder / "report.html").read_text("utf-8", "replace")
    faults = ["a name is run by the page"] if re.search("<script>alert|<img src=x", page) else []
    return faults + (["the page loads from outside"] if _OUTSIDE.search(page) else [])


def _read_as_csv(folder: Path) -> list[str]:
    with (folder / "segments.csv").open(newline="", encoding="utf-8") as file:
        labels = {row["label"] for row in csv.DictReader(file)}
    return [f"{label[:20]!r} is missing" for label in LABELS if label not in labels]


def _read_by_pympi(folder: Path) -> list[str]:
    import pympi

    eaf = pympi.Elan.Eaf(str(folder / "timeline.eaf"))
    spans = [s[:2] for t in eaf.get_tier_names() for s in eaf.get_annotation_data_for_tier(t)]
    wanted = [(round(1000 * row[1]), round(1000 * row[2])) for row in ROWS]
    return [f"{span} ms is missing" for span in wanted if span not in spans]


def _read_by_praatio(folder: Path) -> list[str]:
    from praatio import textgrid

    grid = textgrid.openTextgrid(str(folder / "timeline.TextGrid"), includeEmptyIntervals=False)
    entries = [entry for name in grid.tierNames for entry in grid.getTier(name).entries]
    spans = [(round(1000 * entry.start), round(1000 * entry.end)) for entry in entries]
    wanted = [(round(1000 * row[1]), round(1000 * row[2])) for row in ROWS if row[3].strip()]
    return [f"{span} ms is missing" for span in wanted if span not in spans]

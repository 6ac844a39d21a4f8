"""Odd and damaged videos, each analysed in a process of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import av

import eyeline as package
from torture.cases import DRAWN, written
from torture.command import Ended, forked
from torture.figures import Figure

LIMIT_S = 400
_CODES = {None: "HANGS", 1: "refused", 2: "usage"}


def trial(work: Path) -> Iterator[Figure]:
    """Write the corpus and analyse it file by file."""
    for path, expected in written(work / "corpus"):
        out = work / "results" / path.parent.name
        drawn = [] if path.name in DRAWN else ["--no-video"]
        ended = forked("analyze", path, "-o", out, *drawn, limit_s=LIMIT_S)
        status, faults = judged(path, out, ended)
        holds = status in expected.split(" or ") and not faults
        yield Figure(path.name, expected, "; ".join([status, *faults]), holds, ended.seconds)


def judged(path: Path, out: Path, ended: Ended) -> tuple[str, list[str]]:
    """The outcome of an analysis in a word, and whatever is wrong beyond it."""
    inside = [p.name for p in out.iterdir()] if out.exists() else []
    left = [name for name in inside if name.startswith(".eyeline")]
    faults = [f"leaves {name}" for name in left]
    if "Traceback" in ended.err:
        faults.append("traceback")
    if ended.code != 0:
        return _CODES.get(ended.code, f"CRASH {ended.code}"), faults + _refusal(path, inside, ended)
    results = [name for name in inside if name not in left]
    if len(results) != 1:
        return "no single result", faults
    video = (analysis := package.load_analysis(out / results[0])).video
    count = decodable(path)
    if analysis.status == "ok" and video.frame_count != count:
        faults.append(f"{video.frame_count} of {count} frames")
    return analysis.status, faults


def _refusal(path: Path, inside: list[str], ended: Ended) -> list[str]:
    lines = [line for line in ended.err.splitlines() if line.strip()]
    said = [] if len(lines) == 1 or "\n" in path.name else [f"{len(lines)} lines"]
    return said + [f"leaves {name}" for name in inside if not name.startswith(".eyeline")]


def decodable(path: Path) -> int:
    """Frames that the libraries decode from the stream that a player would choose."""
    count = 0
    with av.open(f"file:{path}", metadata_errors="replace") as file:
        cover = av.stream.Disposition.attached_pic
        shown = [s for s in file.streams.video if not s.disposition & cover]
        stream = shown[0] if len(shown) == 1 else file.streams.best("video")
        with contextlib.suppress(av.FFmpegError):
            for _ in file.decode(stream):
                count += 1
    return count

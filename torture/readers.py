"""Hostile tables, JSON, XML, YAML and arrays: given boxes, settings, scores, and sets of data."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from torture.attacks import Marks, tables
from torture.cases import Sources
from torture.command import Ended, forked
from torture.figures import Figure
from torture.hostile import MEMORY_GB, SYSTEMS
from torture.judged import judged

LIMIT_S = 300.0
TRUTHS = ("a billion laughs", "XML entity of a file", "XML of great depth", ".npz of objects")
IN_SETS = (
    "noise",
    "JSON of great depth",
    "JSON list",
    "pickle that runs",
    "Latin-1",
    ".npz of objects",
)
MEDIA = frozenset({".jpg", ".png", ".mp4", ".wav"})
CONSUMERS: Mapping[str, tuple[str, ...]] = {
    "eye_contact": ("evaluate", "eye_contact/ecs_landmarks", "--data"),
    "gaze_3d": ("prepare", "gaze_3d/gafa", "--source"),
    "ego_social": ("prepare", "ego_social/ego4d", "--source"),
    "gaze_anticipation": ("prepare", "gaze_anticipation/ego4d", "--source"),
}
"""What reads a synthetic set of each system."""
SETTINGS = (
    "training.epochs=2001-99-99", "training.epochs=[" + "[" * 3000, "training.epochs=" + "9" * 5000,
    "training.epochs=&a [*a]", "training.epochs={? [1]: 2}", "training.epochs=.inf",
    "training.epochs=-1", "training.epochs=0", "training.seed=99999999999999999999", "=", "a",
    "training.epochs=!!python/object/apply:os.system ['true']",
)  # fmt: skip


def trial(work: Path) -> Iterator[Figure]:
    """Refuse each in a line, or read it; run nothing."""
    marks = Marks(work / "marks")
    (work / "one.mp4").write_bytes(Sources(work / "sources").short)
    yield from _given_boxes(work, marks)
    for setting in SETTINGS:
        line = (
            "train",
            "eye_contact/ecs_landmarks",
            "--data",
            work,
            "-o",
            work / "t",
            "--set",
            setting,
        )
        yield _read(f"--set {setting[:50]}", line, marks, codes=(1, 2))
    yield from _scores(work, marks)
    yield from _sets(work / "sets", marks)


def _read(subject: str, line: Any, marks: Marks, codes: tuple[int, ...] = (0, 1, 2)) -> Figure:
    ended: Ended = forked(*line, memory_gb=MEMORY_GB, limit_s=LIMIT_S)
    return judged(subject, ended, codes=codes, lines=3, faults=marks.taken())


def _mot(*values: object) -> bytes:
    return (",".join(map(str, values)) + "\n").encode()


def _parquet(**columns: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def boxes() -> dict[str, bytes]:
    """By name: tables of boxes with odd values, .txt where the name begins with MOT."""
    box: dict[str, Any] = {
        "frame": [0],
        "x1_px": [1.0],
        "y1_px": [1.0],
        "x2_px": [90.0],
        "y2_px": [90.0],
    }
    changes: dict[str, dict[str, Any]] = {
        "text": {"x2_px": ["x"]},
        "frame NaN": {"frame": [float("nan")]},
        "frame negative": {"frame": [-5]},
        "frame a date": {"frame": pa.array([0], pa.timestamp("ms"))},
        "lists": {"frame": [[0]]},
        "person NaN": {"person": [float("nan")]},
        "person null": {"person": pa.array([None], pa.int64())},
        "infinite": {"x2_px": [float("inf")]},
        "NaN": {"x1_px": [float("nan")]},
        "inverted": {"x1_px": [95.0]},
        "score null": {"score": pa.array([None], pa.float64())},
        "score text": {"score": ["x"]},
        "score 7": {"score": [7.0]},
    }
    return {
        "MOT NaN": _mot(1, 1, "nan", 1, 5, 5),
        "MOT frame infinite": _mot("inf", 1, 1, 1, 5, 5),
        "MOT frame 10^18": _mot(10**18, 1, 1, 1, 5, 5),
        "MOT person 1e400": _mot(1, "1e400", 1, 1, 5, 5),
        "MOT person 10^30": _mot(1, 10**30, 10, 10, 50, 50),
        "MOT a tiny box": _mot(1, 1, 10, 10, 1e-9, 1e-9),
        "MOT a huge box": _mot(1, 1, -1e12, -1e12, 3e12, 3e12),
        "MOT outside": _mot(1, 1, 1e7, 1e7, 50, 50),
        "MOT twice": _mot(1, 1, 10, 10, 50, 50) * 2,
        "MOT 300 boxes": b"".join(_mot(1, k + 1, k, k, 20, 20) for k in range(300)),
        "MOT semicolons": b"1;1;10;10;50;50\n",
        "MOT zeros": b"1,1,1\x00,1,5,5\n",
        "no columns": _parquet(a=[1]),
        "empty": b"",
        **{name: _parquet(**(box | change)) for name, change in changes.items()},
    }


def _given_boxes(work: Path, marks: Marks) -> Iterator[Figure]:
    for name, data in boxes().items():
        file = work / ("boxes.txt" if name.startswith("MOT") else "boxes.parquet")
        file.write_bytes(data)
        for option in ("--boxes", "--bodies"):
            out = work / "out"
            line = ("analyze", work / "one.mp4", "-o", out, "--no-video", option, file)
            yield _read(f"{option}: {name}", line, marks)
            shutil.rmtree(out, ignore_errors=True)


def _scores(work: Path, marks: Marks) -> Iterator[Figure]:
    hostile = tables(marks)
    for system in SYSTEMS:
        for name, data in hostile.items():
            for ending in (".csv", ".json") if name.startswith("JSON") else (".csv",):
                yield _score(f"{system} {ending}: {name}", work / f"g{ending}", system, data, marks)
        for name in TRUTHS:
            for ending in (".eaf", ".npz", ".txt"):
                file = work / f"g{ending}"
                yield _score(f"{system} {ending}: {name}", file, system, hostile[name], marks)
        yield _score(f"{system}: missing", work / "missing.csv", system, None, marks)


def _score(subject: str, file: Path, system: str, data: bytes | None, marks: Marks) -> Figure:
    if data is not None:
        file.write_bytes(data)
    line = ("score", system, "--predictions", file, "--truth", file)
    return _read(f"score {subject}", line, marks, codes=(1, 2))


def _sets(work: Path, marks: Marks) -> Iterator[Figure]:
    hostile = tables(marks)
    for system, consumer in CONSUMERS.items():
        data, out = work / system, work / "out"
        yield judged(f"synthesize {system}", forked("synthesize", system, "-o", data), codes=(0,))
        for file in kinds(data):
            whole = file.read_bytes()
            names = ("noise",) if file.suffix in MEDIA else IN_SETS
            for name in (*names, "cut in half"):
                file.write_bytes(hostile.get(name, whole[: len(whole) // 2]))
                subject = f"{system}/{file.relative_to(data)}: {name}"
                yield _read(subject, (*consumer, data, "-o", out), marks)
                shutil.rmtree(out, ignore_errors=True)
            file.write_bytes(whole)


def kinds(folder: Path) -> list[Path]:
    """One file of each kind in a set: by ending, first folder, and name where it has no number."""
    first: dict[tuple[str, ...], Path] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        numbered = any(letter.isdigit() for letter in path.stem)
        inside = "".join(path.relative_to(folder).parent.parts[:1])
        first.setdefault((path.suffix, inside, "" if numbered else path.stem), path)
    return list(first.values())

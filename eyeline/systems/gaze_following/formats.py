"""The text files of the published code: candidates, best gaze, predicted sequences, ground truth.

Frame names are `VVVHFFF.jpg`: three characters of the video, one digit of the head from 1, and the
frame from 0 in three digits or, from frame 1000 on, more. All boxes are `xyxy` pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eyeline.documents import read_text
from eyeline.errors import DataError
from eyeline.evaluation import tables
from eyeline.evaluation.tables import Column, Parser
from eyeline.files import write_bytes
from eyeline.results import Floats
from eyeline.systems.gaze_following.datasets import texts

_NAME = re.compile(r"(?P<video>.{3})(?P<head>\d)(?P<frame>\d{3,})\.(?:jpg|jpeg|png)")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)"
_LIST = re.compile(rf"\[?\[\s*((?:{_NUMBER})(?:\s*,\s*(?:{_NUMBER}))*)\s*\]\]?")
_RECORD = re.compile(r"^(\S[^,\n]*\.(?:jpg|jpeg|png)),", re.MULTILINE)

CANDIDATE_COLUMNS = ("frame_name", "gaze_bbox", "gaze_score")
SEQUENCE_COLUMNS = (
    *("video_name", "head_num", "frame_seq", "frame_name", "head_position", "gaze_point"),
)
BEST_COLUMNS = (
    *("frame_name", "gaze_bbox", "gaze_score", "head_bbox", "head_num", "frame_seq"),
    *("head_point", "gaze_point", "gaze_k_predict", "gaze_best"),
)


class FrameName(NamedTuple):
    """What the name of an image says."""

    video: str
    """The last three characters of the video's name."""
    head: int
    """From 1."""
    frame: int
    """From 0."""

    def __str__(self) -> str:
        """For example `0122037.jpg`."""
        return f"{self.video}{self.head}{self.frame:03d}.jpg"


class Candidates(NamedTuple):
    """What may be looked at in one image."""

    name: str
    box_xyxy: Floats
    """`(n, 4)` in the file's order, surest first."""
    score: Floats
    """`(n,)`."""


class Prediction(NamedTuple):
    """A row of `KETI_Sequence.csv`: what the published code predicted, never truth."""

    video: str
    head: int
    frame: int
    name: str
    head_xyxy: tuple[float, ...]
    point_px: tuple[float, ...]


class BestGaze(NamedTuple):
    """A row of the published best gaze."""

    name: str
    box_xyxy: tuple[float, ...]
    score: float
    head_xyxy: tuple[float, ...]
    head: int
    frame: int
    head_px: tuple[float, ...]
    point_px: tuple[float, ...]
    slope: float
    best_px: tuple[float, ...] | None
    """None where the published code left it empty: head and point in one column."""


class Truth(NamedTuple):
    """A row of the ground truth in its "video" form."""

    name: str
    head_xyxy: tuple[float, ...]
    point_px: tuple[float, ...]


def parse_name(name: str, where: str = "a frame's name") -> FrameName:
    """Take an image's name apart; DataError says what was expected."""
    result = _NAME.fullmatch(Path(name).name)
    if result is None:
        raise DataError(f"{where}: '{name}'; expected VVVHFFF.jpg, for example 0122037.jpg")
    return FrameName(result["video"], int(result["head"]), int(result["frame"]))


def read_candidates_text(path: Path) -> list[Candidates]:
    """`x101_1x_test.txt`: a name and the printed array of its boxes, which runs over many lines.

    Raises:
        DataError: the file cannot be read, or a record is not of this form; with its line.
    """
    text = read_text(path)
    starts = list(_RECORD.finditer(text))
    if text.strip() and (not starts or text[: starts[0].start()].strip()):
        raise DataError(f"{path} does not begin with a record: 'name.jpg,[[x1 y1 x2 y2 score]'")
    ends = [*(start.start() for start in starts[1:]), len(text)]
    result = []
    for start, end in zip(starts, ends, strict=True):
        line = text.count("\n", 0, start.start()) + 1
        where = f"{path}, line {line}"
        body = text[start.end() : end].strip()
        content = re.sub(r"[\[\]\s]+", " ", body).split()
        if not (body.startswith("[") and body.endswith("]")) or len(content) % 5:
            raise DataError(f"{where}: expected rows of [x1 y1 x2 y2 score], got '{body[:60]}'")
        if any(re.fullmatch(_NUMBER, number) is None for number in content):
            raise DataError(f"{where}: not all are numbers: '{body[:60]}'")
        table = np.array(content, np.float32).reshape(-1, 5)
        result.append(Candidates(start[1], table[:, :4], table[:, 4]))
    return result


def write_candidates_text(path: Path, candidates: Iterable[Candidates]) -> None:
    """The same file as the published code prints it."""
    parts = []
    for one in candidates:
        table = np.column_stack([one.box_xyxy, one.score]).astype(np.float32)
        with np.printoptions(precision=8, threshold=10**9, linewidth=75, floatmode="maxprec"):
            parts.append(f"\n{one.name},{table if len(table) else '[]'}")
    write_bytes(path, "".join(parts).encode())


def read_candidates_csv(path: Path) -> list[Candidates]:
    """All candidates as a table, a row each; an image's rows are joined in their order.

    Raises:
        DataError: the file cannot be read, lacks a column, or holds something else in one.
    """
    names, box, score = _read(path, CANDIDATE_COLUMNS)
    return [
        Candidates(name, np.array(box[rows].tolist(), np.float64), score[rows].astype(np.float64))
        for name, rows in tables.groups(names).items()
    ]


def write_candidates_csv(path: Path, candidates: Iterable[Candidates]) -> None:
    """The same table; images without candidates leave no row."""
    rows = (
        (one.name, _listed(box), float(score))
        for one in candidates
        for box, score in zip(one.box_xyxy, one.score, strict=True)
    )
    write_table(path, CANDIDATE_COLUMNS, rows)


def read_sequence(path: Path) -> list[Prediction]:
    """`KETI_Sequence.csv`: predictions of the published code; errors as of the other tables."""
    return [Prediction(*row) for row in zip(*_read(path, SEQUENCE_COLUMNS), strict=True)]


def write_sequence(path: Path, predictions: Iterable[Prediction]) -> None:
    """The same table, with the numbers of its rows in front."""
    rows = (
        (i, *p[:4], _listed(p.head_xyxy), f"[{_listed(p.point_px)}]")
        for i, p in enumerate(predictions)
    )
    write_table(path, ("", *SEQUENCE_COLUMNS), rows)


def read_best(path: Path) -> list[BestGaze]:
    """The published table of the best gaze; errors as of the other tables."""
    return [BestGaze(*row) for row in zip(*_read(path, BEST_COLUMNS), strict=True)]


def write_best(path: Path, rows: Iterable[BestGaze]) -> None:
    """The same table."""
    cells = (
        tuple(_listed(cell) if isinstance(cell, tuple) else cell for cell in row)
        for row in ((*r[:5], f"{r.frame:03d}", *r[6:9], r.best_px or "") for r in rows)
    )
    write_table(path, BEST_COLUMNS, cells)


def read_truth(path: Path) -> list[Truth]:
    """Ground truth in its "video" form: name, head box, gaze point, without a header.

    The published README calls the box that of the gaze and the point the head; its own example
    shows that it is the other way round.

    Raises:
        DataError: naming the line: another number of cells, or one that is no finite number.
    """
    result = []
    for where, cells in texts.read_rows(path, 7):
        parse_name(cells[0], where)
        texts.numbers(where, cells[1:], ("x1", "y1", "x2", "y2", "x", "y"))
        x1, y1, x2, y2, x, y = map(_exact, cells[1:])
        result.append(Truth(cells[0], (x1, y1, x2, y2), (x, y)))
    return result


def write_truth(path: Path, rows: Iterable[Truth]) -> None:
    """The same form; whole numbers are written without a point."""
    texts.write_lines(
        path, (",".join([r.name, *map(_plain, (*r.head_xyxy, *r.point_px))]) for r in rows)
    )


def real(cell: str) -> float:
    """The number in a cell, also none (`nan`) and infinite ones; a parser of a `Column`."""
    if re.fullmatch(_NUMBER, cell.strip()) is None:
        raise ValueError("a number")
    return float(cell)


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table with a header."""
    cells = list(rows)
    tables.write(path, {name: [row[i] for row in cells] for i, name in enumerate(columns)})


def _numbers(count: int) -> Parser:
    """A parser of a list as Python writes it, maybe inside another."""

    def parse(cell: str) -> tuple[float, ...]:
        result = _LIST.fullmatch(cell.strip())
        values = re.findall(_NUMBER, result[1]) if result else []
        if len(values) != count:
            raise ValueError(f"a list of {count} numbers")
        return tuple(map(_exact, values))

    return parse


_PARSERS: dict[str, Parser] = {
    "gaze_bbox": _numbers(4),
    "head_bbox": _numbers(4),
    "head_position": _numbers(4),
    "head_point": _numbers(2),
    "gaze_point": _numbers(2),
    "gaze_best": tables.maybe(_numbers(2), None),
    "gaze_score": real,
    "gaze_k_predict": real,
    "head_num": tables.whole,
    "frame_seq": tables.whole,
}
"""By column; text where there is none."""


def _read(path: Path, names: Sequence[str]) -> list[Any]:
    """The columns of a table, in that order."""
    columns = [Column(name, _PARSERS.get(name, str), object) for name in names]
    table = tables.read(path, columns).columns
    return [table[name] for name in names]


def _exact(text: str) -> float:
    """The number; whole ones stay whole, so that they are written back as they were."""
    return int(text) if re.fullmatch(r"[-+]?[0-9]{1,18}", text.strip()) else float(text)


def _listed(values: Iterable[float]) -> str:
    return f"[{', '.join(repr(v.item() if isinstance(v, np.generic) else v) for v in values)}]"


def _plain(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))

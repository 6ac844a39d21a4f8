"""The text files of the published code: candidates, best gaze, predicted sequences, ground truth.

Frame names are `VVVHFFF.jpg`: three characters of the video, one digit of the head from 1, and the
frame from 0 in three digits or, from frame 1000 on, more. All boxes are `xyxy` pixels.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from eyeline.errors import DataError
from eyeline.files import write_bytes
from eyeline.results import Floats

_NAME = re.compile(r"(?P<video>.{3})(?P<head>\d)(?P<frame>\d{3,})\.(?:jpg|jpeg|png)")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)"
_LIST = re.compile(rf"\[?\[\s*((?:{_NUMBER})(?:\s*,\s*(?:{_NUMBER}))*)\s*\]\]?")
_RECORD = re.compile(r"^(\S[^,\n]*\.(?:jpg|jpeg|png)),", re.MULTILINE)

CANDIDATE_COLUMNS = ("frame_name", "gaze_bbox", "gaze_score")
SEQUENCE_COLUMNS = (
    "video_name",
    "head_num",
    "frame_seq",
    "frame_name",
    "head_position",
    "gaze_point",
)
BEST_COLUMNS = (
    "frame_name",
    "gaze_bbox",
    "gaze_score",
    "head_bbox",
    "head_num",
    "frame_seq",
    "head_point",
    "gaze_point",
    "gaze_k_predict",
    "gaze_best",
)

Row = TypeVar("Row")


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
    text = _text(path)
    starts = list(_RECORD.finditer(text))
    if text.strip() and (not starts or text[: starts[0].start()].strip()):
        raise DataError(f"{path} does not begin with a record: 'name.jpg,[[x1 y1 x2 y2 score]'")
    ends = [*(start.start() for start in starts[1:]), len(text)]
    result = []
    for start, end in zip(starts, ends, strict=True):
        line = text.count("\n", 0, start.start()) + 1
        table = _printed(text[start.end() : end], f"{path}, line {line}")
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
    rows: dict[str, list[tuple[float, ...]]] = {}
    for where, row in rows_of(path, CANDIDATE_COLUMNS):
        box = _numbers(row["gaze_bbox"], 4, where)
        rows.setdefault(row["frame_name"], []).append((*box, number(row["gaze_score"], where)))
    tables = {name: np.array(table, np.float64) for name, table in rows.items()}
    return [Candidates(name, table[:, :4], table[:, 4]) for name, table in tables.items()]


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

    def prediction(row: dict[str, str], where: str) -> Prediction:
        return Prediction(
            row["video_name"],
            whole_number(row["head_num"], where),
            whole_number(row["frame_seq"], where),
            row["frame_name"],
            _numbers(row["head_position"], 4, where),
            _numbers(row["gaze_point"], 2, where),
        )

    return _read(path, SEQUENCE_COLUMNS, prediction)


def write_sequence(path: Path, predictions: Iterable[Prediction]) -> None:
    """The same table, with the numbers of its rows in front."""
    rows = (
        (i, p.video, p.head, p.frame, p.name, _listed(p.head_xyxy), f"[{_listed(p.point_px)}]")
        for i, p in enumerate(predictions)
    )
    write_table(path, ("", *SEQUENCE_COLUMNS), rows)


def read_best(path: Path) -> list[BestGaze]:
    """The published table of the best gaze; errors as of the other tables."""

    def best(row: dict[str, str], where: str) -> BestGaze:
        return BestGaze(
            row["frame_name"],
            _numbers(row["gaze_bbox"], 4, where),
            number(row["gaze_score"], where),
            _numbers(row["head_bbox"], 4, where),
            whole_number(row["head_num"], where),
            whole_number(row["frame_seq"], where),
            _numbers(row["head_point"], 2, where),
            _numbers(row["gaze_point"], 2, where),
            number(row["gaze_k_predict"], where),
            _numbers(row["gaze_best"], 2, where) if row["gaze_best"] else None,
        )

    return _read(path, BEST_COLUMNS, best)


def write_best(path: Path, rows: Iterable[BestGaze]) -> None:
    """The same table."""
    write_table(
        path,
        BEST_COLUMNS,
        (
            (
                r.name,
                _listed(r.box_xyxy),
                r.score,
                _listed(r.head_xyxy),
                r.head,
                f"{r.frame:03d}",
                _listed(r.head_px),
                _listed(r.point_px),
                r.slope,
                _listed(r.best_px) if r.best_px else "",
            )
            for r in rows
        ),
    )


def read_truth(path: Path) -> list[Truth]:
    """Ground truth in its "video" form: name, head box, gaze point, without a header.

    The published README calls the box that of the gaze and the point the head; its own example
    shows that it is the other way round.

    Raises:
        DataError: the file cannot be read, or a line has not seven fields; with its line.
    """
    result = []
    for line, fields in enumerate(csv.reader(io.StringIO(_text(path))), start=1):
        where = f"{path}, line {line}"
        if not fields:
            continue
        if len(fields) != 7:
            raise DataError(f"{where} has {len(fields)} fields; expected name, head box, gaze x, y")
        x1, y1, x2, y2, x, y = (number(field, where) for field in fields[1:])
        parse_name(fields[0], where)
        result.append(Truth(fields[0], (x1, y1, x2, y2), (x, y)))
    return result


def write_truth(path: Path, rows: Iterable[Truth]) -> None:
    """The same form; whole numbers are written without a point."""
    lines = (",".join([r.name, *map(_plain, (*r.head_xyxy, *r.point_px))]) for r in rows)
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode())


def _printed(text: str, where: str) -> Floats:
    """An array `(n, 5)` as numpy prints it."""
    body = text.strip()
    content = re.sub(r"[\[\]\s]+", " ", body).split()
    if not (body.startswith("[") and body.endswith("]")) or len(content) % 5:
        raise DataError(f"{where}: expected rows of [x1 y1 x2 y2 score], found '{body[:60]}'")
    if any(re.fullmatch(_NUMBER, number) is None for number in content):
        raise DataError(f"{where}: not all are numbers: '{body[:60]}'")
    return np.array(content, np.float32).reshape(-1, 5)


def _read(
    path: Path, columns: Sequence[str], make: Callable[[dict[str, str], str], Row]
) -> list[Row]:
    return [make(row, where) for where, row in rows_of(path, columns)]


def rows_of(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a table by column, each with where it stands."""
    reader = csv.DictReader(io.StringIO(_text(path)))
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise DataError(
            f"{path} has no column {', '.join(missing)}; expected {', '.join(columns)}, found "
            f"{', '.join(reader.fieldnames or ()) or 'nothing'}"
        )
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        if None in row or None in row.values():
            raise DataError(f"{where} has another number of fields than the header")
        yield where, row


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no text file") from None


def _numbers(text: str, count: int, where: str) -> tuple[float, ...]:
    """A list as Python writes it, maybe inside another."""
    result = _LIST.fullmatch(text.strip())
    values = re.findall(_NUMBER, result[1]) if result else []
    if len(values) != count:
        raise DataError(f"{where}: expected a list of {count} numbers, found '{text[:60]}'")
    return tuple(_exact(value) for value in values)


def _exact(text: str) -> float:
    """The number; whole ones stay whole, so that they are written back as they were."""
    return int(text) if re.fullmatch(r"[-+]?[0-9]{1,18}", text) else float(text)


def number(text: str, where: str) -> float:
    """The number of a cell; DataError says where there is none."""
    if re.fullmatch(_NUMBER, text.strip()) is None:
        raise DataError(f"{where}: expected a number, found '{text[:60]}'")
    return float(text)


def whole_number(text: str, where: str) -> int:
    """The whole number of a cell, 0 or more; DataError says where there is none."""
    if not re.fullmatch(r"[0-9]{1,18}", text.strip()):
        raise DataError(f"{where}: expected a whole number, found '{text[:60]}'")
    return int(text)


def _listed(values: Iterable[float]) -> str:
    return f"[{', '.join(repr(v.item() if isinstance(v, np.generic) else v) for v in values)}]"


def _plain(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())

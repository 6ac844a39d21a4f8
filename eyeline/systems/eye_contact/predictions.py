"""Predictions of eye contact as files: a table of tracklet frames, ELAN, or tables of `analyze`."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.errors import DataError
from eyeline.evaluation import tables
from eyeline.evaluation.tables import Column, Side, text
from eyeline.export.files import INDEX
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.annotations import RATE_HZ
from eyeline.systems.eye_contact.elan import TARGETS, Interval, read_elan
from eyeline.systems.eye_contact.landmarks.inputs import nearest
from eyeline.systems.eye_contact.report import Predicted
from eyeline.systems.eye_contact.samples import Sample
from eyeline.systems.eye_contact.tracklets import tracklet_number, video_name

HEAD = ("celebrity", "video", "tracklet", "frame", "label")
"""Columns of the table of tracklet frames; `probability` may follow."""
ANSWER = "eye_contact"
"""Name of the answer, and of tiers that hold it."""
THRESHOLD = 0.5
"""Where scores come without one."""

Key = tuple[str, str, str]
"""Celebrity, video and number of a tracklet."""


@dataclass(frozen=True)
class FrameRows(tables.Rows):
    """Predictions for frames of tracklets, tracklet by tracklet in the order of time."""

    key: tuple[Key, ...]
    """`n` tracklets."""
    frame: Ints
    """`(n,)` video frames."""
    state: Ints
    """`(n,)` 0 or 1."""
    probability: Floats
    """`(n,)`, NaN where the file has none."""
    line: Ints
    """`(n,)` where each stands in the file."""

    def side(self, source: object) -> Side:
        """Its keys, to be joined."""
        keys = list(zip(self.key, self.frame.tolist(), strict=True))
        return Side(str(source), keys, lambda row: frame_name(*keys[row]))

    def tracklets(self) -> dict[Key, FrameRows]:
        """The rows of each tracklet."""
        return {key: self.take(rows) for key, rows in tables.groups(self.key).items()}


def frame_name(key: Key, frame: int) -> str:
    """A frame of a tracklet in words."""
    return f"frame {frame} of {'/'.join(key)}"


@dataclass(frozen=True)
class Faces:
    """Where the persons of an analysis were seen: one row a person and analysed frame."""

    time_s: Floats
    person: Ints
    box_norm: Floats
    """`(n, 4)` head box over the image's width and height; in pixels where `sized` is False."""
    sized: bool


@dataclass(frozen=True)
class TimeSeries:
    """Predictions over the whole of one video, by person; ELAN's are person 0."""

    source: str
    spans: Mapping[int, Ints] = field(default_factory=dict)
    """`(m, 2)` first and last video frame of contact."""
    scores: Mapping[int, tuple[Floats, Floats]] = field(default_factory=dict)
    """Times `(n,)` and probabilities `(n,)`."""
    threshold: float = THRESHOLD
    end_s: float | None = None
    """Of the video, where the file has it."""
    faces: Faces | None = None

    @property
    def persons(self) -> list[int]:
        """Numbers of all that something is said of."""
        return sorted({*self.spans, *self.scores})

    def at(self, frames: Ints, person: int) -> tuple[Ints, Floats]:
        """States and probabilities `(n,)` at video frames; NaN where there is no score."""
        probability = self._probability(frames, person)
        if person not in self.spans:
            return (np.nan_to_num(probability) >= self.threshold).astype(np.int64), probability
        state = np.zeros(len(frames), np.int64)
        for first, last in self.spans[person].tolist():
            state[np.searchsorted(frames, first) : np.searchsorted(frames, last, "right")] = 1
        return state, probability

    def _probability(self, frames: Ints, person: int) -> Floats:
        if person not in self.scores or not len(self.scores[person][0]):
            return np.full(len(frames), np.nan)
        time_s, value = self.scores[person]
        wanted = frames / RATE_HZ
        near = nearest(time_s, wanted)
        step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
        apart = np.abs(time_s[near] - wanted)
        return np.where(apart <= max(1 / RATE_HZ, step) / 2 + 1e-3, value[near], np.nan)


def write_predictions(path: Path | str, samples: Sequence[Sample], predicted: Predicted) -> None:
    """Write predictions for tracklets as the `.csv` that `read_predictions` takes, at once."""
    columns: dict[str, list[Any]] = {name: [] for name in (*HEAD, "probability")}
    rows = zip(samples, predicted.states, predicted.probability, strict=True)
    for sample, states, probability in rows:
        celebrity, _, video = sample.video.partition("_")
        frames = range(sample.start_frame, sample.start_frame + len(states))
        chances = ["" if math.isnan(p) else f"{p:.6f}" for p in probability.tolist()]
        place = ([name] * len(states) for name in (celebrity, video, sample.tracklet))
        own = (*place, frames, states.tolist(), chances)
        for column, values in zip(columns.values(), own, strict=True):
            column += values
    tables.write(Path(path), columns)


def read_predictions(path: Path | str) -> FrameRows:
    """The table of tracklet frames: celebrity, video, tracklet, frame, label[, probability].

    DataError names file and line: columns, labels other than 0 and 1, probabilities outside [0, 1]
    or on some lines only, a frame that stands there twice.
    """
    path = Path(path)
    result, line = tables.read(
        path,
        [
            Column("celebrity", text, object),
            Column("video", lambda cell: video_name(text(cell)), object),
            Column("tracklet", tracklet_number, object),
            Column("frame", tables.whole, np.int64),
            Column("label", tables.one_of("0", "1"), np.int64),
            Column("probability", tables.maybe(tables.fraction), needed=False),
        ],
    )
    if not len(line):
        raise DataError(f"{path}, line 2: no predictions")
    probability = result.get("probability", np.full(len(line), np.nan))
    known = ~np.isnan(probability)
    if (odd := known != known[0]).any():
        raise DataError(f"{path}, line {line[odd.argmax()]}: a probability on some lines only")
    key = tuple(zip(*(result[name] for name in HEAD[:3]), strict=True))
    rows = FrameRows(key, result["frame"], result["label"], probability, line)
    tables.check_once(rows.side(path), line)
    by_tracklet = (own[np.argsort(rows.frame[own])] for own in tables.groups(key).values())
    return rows.take(np.concatenate(list(by_tracklet)))


def read_series(path: Path | str, *, tier: str | None = None, answer: str = ANSWER) -> TimeSeries:
    """Predictions for one video; DataError names the file and what is missing or wrong.

    Args:
        path: an ELAN text or `.eaf`; `segments` or `scores` of `analyze` as `.parquet` or `.csv`;
            or the folder of an analysis, both tables of which are used.
        tier: the tier of an ELAN file; by default those of the annotators' targets, else the one
            whose name holds `eye_contact`, else its only one.
        answer: name of the answer in the tables.
    """
    path = Path(path)
    if path.is_dir():
        paths = [path / f"{name}.parquet" for name in ("segments", "scores")]
        paths = [p if p.is_file() else p.with_suffix(".csv") for p in paths]
        paths = [p for p in paths if p.is_file()]
        if not paths:
            raise DataError(f"{path} holds no segments or scores; is it the folder of an analysis?")
        return _tables(path, paths, answer)
    if path.suffix.lower() in (".parquet", ".csv"):
        return _tables(path.parent, [path], answer)
    rows = _chosen_tier(read_elan(path), tier, path)
    spans = [(math.ceil(r.start_s * RATE_HZ), math.floor(r.end_s * RATE_HZ)) for r in rows]
    return TimeSeries(str(path), {0: np.array(spans, np.int64).reshape(-1, 2)})


def is_frame_table(path: Path) -> bool:
    """Whether a file is a table of tracklet frames, from its first line."""
    if path.suffix.lower() != ".csv":
        return False
    try:
        with path.open(encoding="utf-8-sig") as file:
            head = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    return set(HEAD) <= set(head)


def _chosen_tier(rows: Sequence[Interval], tier: str | None, path: Path) -> list[Interval]:
    names = list(dict.fromkeys(row.tier for row in rows))
    if tier is not None:
        wanted = [tier] if tier in names else []
    else:
        wanted = [n for n in names if n in TARGETS[1:]]
        holding = [n for n in names if ANSWER in n.replace(" ", "_")]
        wanted = wanted or (holding if len(holding) == 1 else names if len(names) == 1 else [])
    if names and not wanted:
        reason = f"no tier '{tier}'" if tier is not None else "it is not clear which tier to take"
        raise DataError(f"{path}: {reason}; tiers: {', '.join(names)}. Name one with --tier")
    return [row for row in rows if row.tier in wanted]


def _tables(folder: Path, paths: Sequence[Path], answer: str) -> TimeSeries:
    """Segments and scores of the answer in these tables, with what lies beside them."""
    spans: dict[int, Ints] = {}
    scores: dict[int, tuple[Floats, Floats]] = {}
    threshold, names = THRESHOLD, set()
    for path in paths:
        columns = _columns(path)
        mine = np.asarray(columns["name"] == answer, bool)
        names.update(columns["name"].tolist())
        own = {name: values[mine] for name, values in columns.items()}
        if "start_s" in columns:
            spans |= _spans_by_person(own)
        elif mine.any():
            scores, threshold = _scores_by_person(own), float(own["threshold"][0])
    if not spans and not scores:
        has = ", ".join(sorted(names)) or "nothing"
        raise DataError(f"{paths[0]}: no answer '{answer}'; it has: {has}")
    if spans and scores:  # somebody without a segment holds no contact
        spans |= {p: np.zeros((0, 2), np.int64) for p in scores if p not in spans}
    end_s, size = _video(folder)
    faces = _faces(folder, size)
    return TimeSeries(str(paths[0]), spans, scores, threshold, end_s, faces)


def _columns(path: Path) -> dict[str, Any]:
    """A table of `analyze` as arrays by name."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    try:
        whole = pa_csv.read_csv(path) if path.suffix == ".csv" else pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    kinds = ({"name", "person", "start_s", "end_s"}, {"name", "person", "time_s", "value"})
    if not any(kind <= set(whole.column_names) for kind in kinds):
        raise DataError(
            f"{path} is neither segments nor scores of analyze, nor a table with the columns "
            f"{', '.join(HEAD)}; it has: {', '.join(whole.column_names)}"
        )
    if "value" in whole.column_names and "threshold" not in whole.column_names:
        raise DataError(f"{path} lacks the column threshold")
    return {name: whole.column(name).to_numpy() for name in whole.column_names if name != "heatmap"}


def _spans_by_person(columns: Mapping[str, Any]) -> dict[int, Ints]:
    """Video frames whose time lies in a segment, which does not hold its end."""
    first = np.ceil(columns["start_s"] * RATE_HZ - 1e-6).astype(np.int64)
    last = np.ceil(columns["end_s"] * RATE_HZ - 1e-6).astype(np.int64) - 1
    both = np.stack([first, last], axis=1)
    return {int(p): both[columns["person"] == p] for p in np.unique(columns["person"])}


def _scores_by_person(columns: Mapping[str, Any]) -> dict[int, tuple[Floats, Floats]]:
    result = {}
    for person in np.unique(columns["person"]):
        rows = np.flatnonzero(columns["person"] == person)
        rows = rows[np.argsort(columns["time_s"][rows], kind="stable")]
        result[int(person)] = columns["time_s"][rows], columns["value"][rows].astype(np.float64)
    return result


def _video(folder: Path) -> tuple[float | None, tuple[int, int] | None]:
    """Duration and size of the analysed video, where its index lies beside the tables."""
    from eyeline.export.index import read_index

    if not (folder / INDEX).is_file():
        return None, None
    video = read_index(folder)["video"]
    return float(video["duration_s"]), (int(video["width_px"]), int(video["height_px"]))


def _faces(folder: Path, size: tuple[int, int] | None) -> Faces | None:
    from eyeline.export.tables import read_table

    if not (folder / "people.parquet").is_file():
        return None
    table = read_table(folder, "people")
    box = np.stack([table.column(c).to_numpy() for c in ("x1_px", "y1_px", "x2_px", "y2_px")], 1)
    scale = np.array([*size, *size]) if size else np.ones(4)
    order = np.argsort(table.column("time_s").to_numpy(), kind="stable")
    time_s, person = (table.column(c).to_numpy()[order] for c in ("time_s", "person"))
    return Faces(time_s, person, (box / scale)[order], size is not None)

"""Annotated looks in memory: who, in which image, looks at which point by how many annotators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.evaluation import tables
from eyeline.geometry.boxes import centre, contain
from eyeline.results import Floats, Ints

NOT_STATED = -1
"""Of `GazeAnnotations.in_frame`: the annotators could not say."""


@dataclass(frozen=True)
class GazeAnnotations(tables.Rows):
    """One row a person and image; all of one data set and part of it."""

    source: tuple[str, ...]
    """`n` places, file and line, for messages."""
    image: tuple[str, ...]
    """`n` names of images, as the data set has them; the same for all people in an image."""
    video: tuple[str, ...]
    """`n` names of videos, or of images of no video."""
    frame: Ints
    """`(n,)` number in the video, -1 for none."""
    person: tuple[str, ...]
    """`n` names of people, telling apart those in one image."""
    head_xyxy: Floats
    """`(n, 4)` pixels, NaN where not known."""
    eyes_px: Floats
    """`(n, 2)`, NaN where not known."""
    size_px: Floats
    """`(n, 2)` width and height of the image, NaN where not known."""
    in_frame: Ints
    """`(n,)` 1: looks at something in the image, 0: at something outside, `NOT_STATED`."""
    points_px: Floats
    """`(m, 2)` annotated points, those of a row together; only looks in the image have any."""
    first: Ints
    """`(n + 1,)` row i has the points from `first[i]` to `first[i + 1]`."""
    target_xyxy: Floats
    """`(n, 4)` box of what is looked at, NaN where not known."""
    speaks: Floats
    """`(n,)` 1 while the person speaks, 0 while not, NaN where not known."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was left out."""

    WHOLE = ("points_px", "first", "notes")

    def __post_init__(self) -> None:
        """Check the lengths; DataError says which is wrong."""
        sizes = {"row": len(self.source)}
        for name in _NAMES:
            if (rows := len(getattr(self, name))) != sizes["row"]:
                raise DataError(f"{name} of looks has {rows} rows, not {sizes['row']}")
        for name, pattern in _SHAPES.items():
            check_shape(getattr(self, name), pattern, f"{name} of looks", sizes)
        check_shape(self.first, str(sizes["row"] + 1), "first of looks")
        check_shape(self.points_px, "point 2", "points of looks")
        ends = self.first[0], self.first[-1]
        if ends != (0, len(self.points_px)) or (np.diff(self.first) < 0).any():
            raise DataError("first of looks does not divide the points")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.source)

    def points(self, row: int) -> Floats:
        """Annotated points `(k, 2)` of a row in pixels."""
        return self.points_px[self.first[row] : self.first[row + 1]]

    def mean_point_px(self) -> Floats:
        """The mean of each row's points `(n, 2)`, NaN where it has none."""
        count, total = np.diff(self.first), np.zeros((len(self), 2))
        np.add.at(total, np.repeat(np.arange(len(self)), count), self.points_px)
        with np.errstate(invalid="ignore"):
            return np.asarray(total / count[:, None])

    def origin_px(self) -> Floats:
        """Where each look starts `(n, 2)`: the eyes, else the middle of the head box."""
        return np.where(np.isnan(self.eyes_px), centre(self.head_xyxy), self.eyes_px)

    def take(self, at: Ints | npt.NDArray[np.bool_]) -> Self:
        """Some of the rows, with their points."""
        rows = np.arange(len(self))[at]
        points = np.concatenate([np.zeros((0, 2)), *map(self.points, rows.tolist())])
        first = np.concatenate([[0], np.cumsum(np.diff(self.first)[rows])]).astype(np.int64)
        return replace(self, **self.taken(rows), points_px=points, first=first)

    def of_videos(self, names: Iterable[str]) -> GazeAnnotations:
        """The rows of some videos; DataError names one that has none."""
        wanted, there = list(names), set(self.video)
        if lacking := [name for name in wanted if name not in there]:
            shown = ", ".join(f"'{name[:40]}'" for name in lacking[:3])
            raise DataError(f"no looks of {shown}: {len(lacking)} videos lack")
        return self.take(np.flatnonzero(np.isin(self.video, wanted)))


_NAMES = ("source", "image", "video", "person")
_SHAPES = {
    "frame": "row",
    "head_xyxy": "row 4",
    "eyes_px": "row 2",
    "size_px": "row 2",
    "in_frame": "row",
    "target_xyxy": "row 4",
    "speaks": "row",
}


@dataclass
class Builder:
    """GazeAnnotations as they are read, row by row."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    points: list[Floats] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self,
        source: str,
        *,
        image: str,
        video: str,
        person: str,
        head_xyxy: Sequence[float] | None = None,
        points_px: Sequence[Sequence[float]] = (),
        in_frame: int = 1,
        frame: int = -1,
        eyes_px: Sequence[float] | None = None,
        size_px: Sequence[float] | None = None,
        target_xyxy: Sequence[float] | None = None,
        speaks: float = np.nan,
    ) -> None:
        """A row; what is None is not known."""
        row: dict[str, Any] = {
            "source": source,
            "image": image,
            "video": video,
            "person": person,
            "frame": frame,
        }
        boxes = {"head_xyxy": head_xyxy, "target_xyxy": target_xyxy}
        pairs = {"eyes_px": eyes_px, "size_px": size_px}
        row |= {"in_frame": in_frame, "speaks": speaks}
        row |= {n: [np.nan] * 4 if values is None else [*values] for n, values in boxes.items()}
        row |= {n: [np.nan] * 2 if values is None else [*values] for n, values in pairs.items()}
        self.rows.append(row)
        self.points.append(np.array(points_px, np.float64).reshape(-1, 2))

    def looks(self) -> GazeAnnotations:
        """All of them."""
        count = [len(p) for p in self.points]
        columns: dict[str, Any] = {n: tuple(r[n] for r in self.rows) for n in _NAMES}
        for name, pattern in _SHAPES.items():
            kind = np.int64 if name in ("frame", "in_frame") else np.float64
            width = tuple(int(axis) for axis in pattern.split()[1:])
            columns[name] = np.array([r[name] for r in self.rows], kind).reshape(-1, *width)
        return GazeAnnotations(
            **columns,
            points_px=np.concatenate([np.zeros((0, 2)), *self.points]),
            first=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
            notes=tuple(self.notes),
        )


def looked_at(
    points_px: Floats, head_xyxy: Floats, image: Sequence[str], row: Ints | None = None
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """In whose head box each point `(k, 2)` lies, of the people annotated in the same image.

    Of several boxes the one whose centre is nearest, measured in the box's size; never the looker's
    own. `head_xyxy` and `image` are of the people in all images, `row` `(k,)` is the looker's row
    of each point, by default the points' own order.

    Returns:
        `(k,)` row of the person looked at, -1 for nobody; and whether there was anybody else.
    """
    row = np.arange(len(points_px)) if row is None else row
    others = tables.groups(image)
    result, alone = np.full(len(points_px), -1), np.zeros(len(points_px), bool)
    for k, (point, mine) in enumerate(zip(points_px, row.tolist(), strict=True)):
        near = others[image[mine]]
        near = near[near != mine]
        alone[k] = not len(near)
        heads = head_xyxy[near]
        inside = contain(heads, point)
        if inside.any():
            size = np.maximum(heads[:, 2:] - heads[:, :2], 1e-9)
            away = np.linalg.norm((point - centre(heads)) / size, axis=1)
            result[k] = near[np.argmin(np.where(inside, away, np.inf))]
    return result, ~alone

"""Targets of a video's looks, gathered row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eyeline.people.tracks import rows_of, who_and_when
from eyeline.results import TARGET_OFF_SCREEN, Floats, Image, Ints, Points
from eyeline.systems.gaze_following import heatmaps
from eyeline.systems.gaze_following.infer import every
from eyeline.systems.gaze_following.moments import Crowd

if TYPE_CHECKING:
    from eyeline.system import Scene


def every_rows(scene: Scene, step_s: float) -> set[int]:
    """Rows of the tracks that get a heatmap."""
    pairs = zip(rows_of(scene.tracks), scene.tracks, strict=True)
    return {rows.start + int(row) for rows, t in pairs for row in every(t.time_s, step_s)}


@dataclass(frozen=True)
class Targets:
    """Targets so far, in the order of the tracks' rows; off screen with probability 0 at first."""

    builder: str
    crowd: Crowd
    kept: set[int]
    """Rows whose heatmaps are kept."""
    target: Ints
    probability: Floats
    point_px: Floats
    box_xyxy: Floats
    heat: dict[int, Image] = field(default_factory=dict)

    @classmethod
    def empty(cls, builder: str, crowd: Crowd, kept: set[int]) -> Targets:
        """Of nobody yet."""
        n = len(crowd)
        nowhere = np.full((n, 4), np.nan)
        off = np.full(n, TARGET_OFF_SCREEN, np.int64)
        return cls(builder, crowd, kept, off, np.zeros(n), nowhere[:, :2].copy(), nowhere)

    def put(
        self,
        row: int,
        target: int,
        probability: float,
        point_px: Floats,
        box_xyxy: Floats,
        heat: Image | None,
    ) -> None:
        """What a row looks at; arguments as of `Points`."""
        self.target[row], self.probability[row] = target, probability
        self.point_px[row], self.box_xyxy[row] = point_px, box_xyxy
        if heat is not None:
            self.heat[row] = heat

    def points(self, scene: Scene) -> Points:
        """All of them."""
        rows = sorted(self.heat)
        cells = np.zeros((0, heatmaps.CELLS, heatmaps.CELLS), np.uint8)
        return Points(
            "gaze_following",
            self.builder,
            "gaze_target",
            **who_and_when(scene.tracks),
            point_px=self.point_px,
            target=self.target,
            probability=self.probability,
            target_xyxy=self.box_xyxy,
            heatmap_row=np.array(rows, np.int64),
            heatmap=np.stack([self.heat[row] for row in rows]) if rows else cells,
        )

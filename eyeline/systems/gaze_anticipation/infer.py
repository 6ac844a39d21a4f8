"""`centre_prior` on a scene: one broad guess for every time step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eyeline.results import TARGET_SCENE, WEARER, Answer, Floats, Image, Points
from eyeline.system import Scene


@dataclass(frozen=True)
class CentrePrior:
    """The middle of the image, always.

    `spread` is the standard deviation of the look about the middle, in image heights, `step_s` the
    time between two predictions; the heatmap lies over the whole image.
    """

    spread: float = 0.2
    step_s: float = 1.0
    heatmap_rows: int = 36
    heatmap_columns: int = 64

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """`Points` called `gaze_next`: where the wearer will look, as seen from `time_s`."""
        video = scene.video
        time_s = np.arange(0.0, max(video.duration_s, 1e-9), self.step_s)
        n = len(time_s)
        # that the look falls within a tenth of the image's height of the middle
        within = float(-np.expm1(-0.5 * (0.1 / self.spread) ** 2))
        centre = np.array([video.width_px / 2, video.height_px / 2])
        frame = np.minimum(np.round(time_s * float(video.rate_hz)), max(video.frame_count - 1, 0))
        heat = self._heatmap(video.width_px / video.height_px)
        return [
            Points(
                "gaze_anticipation",
                "centre_prior",
                "gaze_next",
                frame=frame.astype(np.int64),
                time_s=time_s,
                person=np.full(n, WEARER),
                point_px=np.tile(centre, (n, 1)),
                target=np.full(n, TARGET_SCENE),
                probability=np.full(n, within),
                target_xyxy=np.full((n, 4), np.nan),
                heatmap_row=np.arange(n),
                heatmap=np.tile(heat, (n, 1, 1)),
            )
        ]

    def _heatmap(self, aspect: float) -> Image:
        y = (np.arange(self.heatmap_rows) + 0.5) / self.heatmap_rows - 0.5
        x = ((np.arange(self.heatmap_columns) + 0.5) / self.heatmap_columns - 0.5) * aspect
        density: Floats = np.exp(-0.5 * (y[:, None] ** 2 + x[None] ** 2) / self.spread**2)
        return np.asarray(np.round(255 * density / density.max()), np.uint8)

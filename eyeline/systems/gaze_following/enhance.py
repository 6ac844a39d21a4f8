"""The frames of a video with the heads of all persons brightened, more so of those who speak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import DataError
from eyeline.people.published_face import published_face
from eyeline.people.tracks import Track, joined
from eyeline.results import Image, Scores
from eyeline.speech.syncnet.crops import squares
from eyeline.systems.gaze_following.fusion import Fusion, check_fusion, fuse
from eyeline.systems.gaze_following.heads import Heads, heads, maps

if TYPE_CHECKING:
    from eyeline.video.reader import Frame


class Enhanced:
    """Images for a detector that was trained on brightened heads.

    Heads go by the number of the frame, so tracks may begin and end anywhere. Nobody, one or
    several may speak.
    """

    def __init__(
        self, tracks: Sequence[Track], speaking: Scores | None, fusion: Fusion = "hs"
    ) -> None:
        """Lay out the heads.

        Args:
            tracks: all faces.
            speaking: who speaks, rows in the order of the tracks; None where nobody is heard.
            fusion: how heads are brightened.

        Raises:
            DataError: answers whose rows are not those of the tracks.
            UsageError: no such fusion.
        """
        self.fusion = check_fusion(fusion)
        each = [heads(squares(published_face(track))) for track in tracks]
        frame = joined((track.frame for track in tracks), np.int64)
        order = np.argsort(frame, kind="stable")
        speaks = _speaks(len(frame), speaking)
        self._frame, self._speaks = frame[order], speaks[order]
        columns = (joined((h[i] for h in each), np.int64)[order] for i in range(3))
        self._heads = Heads(*columns)

    def heads(self, frame: int) -> tuple[Heads, np.ndarray]:
        """The heads `(n,)` in a frame, and which of them speak `(n,)`; by person, then track."""
        at = slice(*np.searchsorted(self._frame, [frame, frame + 1]))
        return self._heads.at(at), self._speaks[at]

    def image(self, frame: Frame) -> Image:
        """`(h, w, 3)` RGB; the frame's own pixels where there are no heads: do not write there."""
        rgb = frame.rgb()
        result, speak = self.heads(frame.index)
        if self.fusion == "none" or not len(speak):
            return rgb
        return fuse(rgb, maps(result, speak, (rgb.shape[1], rgb.shape[0])), self.fusion)


def _speaks(rows: int, speaking: Scores | None) -> np.ndarray:
    if speaking is None:
        return np.zeros(rows, bool)
    if len(speaking) != rows:
        raise DataError(
            f"{len(speaking)} answers on who speaks for {rows} faces; they must be of one analysis"
        )
    known = np.nan_to_num(speaking.value, nan=-1.0)
    return np.asarray(known >= speaking.threshold)

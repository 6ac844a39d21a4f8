"""Builder `gaze_lle`: images and heads to heatmaps, and a video's looks now and then.

A frame passes through the encoder once for all of its heads. Between two frames that were seen a
person's heatmap changes from the one to the other along a straight line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eyeline.errors import UsageError
from eyeline.people.tracks import joined
from eyeline.results import TARGET_OFF_SCREEN, TARGET_SCENE, Answer, Floats, Image
from eyeline.runtimes.run import Runtime
from eyeline.systems.gaze_following import moments
from eyeline.systems.gaze_following.datasets.annotations import looked_at
from eyeline.systems.gaze_following.gaze_lle.weights import Pair, load_pair
from eyeline.systems.gaze_following.infer import segments
from eyeline.systems.gaze_following.moments import Crowd
from eyeline.systems.gaze_following.targets import Targets, every_rows
from eyeline.training.devices import THREADS, for_answers

if TYPE_CHECKING:
    from eyeline.system import Scene
    from eyeline.video.reader import Frame

BUILDER = "gaze_lle"
AT_ONCE = {"cpu": 1, "cuda": 8}
"""Frames that pass through the encoder together, by kind of device."""


class Outputs(NamedTuple):
    """What the networks give for the heads of one image."""

    heatmap: Floats
    """`(heads, rows, columns)` in [0, 1], float32."""
    in_frame: Floats
    """`(heads,)` probability that the look stays in the image, NaN where the decoder knows none."""


def look(pair: Pair, images: Sequence[Image], heads_norm: Sequence[Floats]) -> list[Outputs]:
    """Heatmaps of all heads `(n, 4)`, fractions of their image, of images `(h, w, 3)` RGB.

    There may be no heads in an image, or in all.
    """
    import torch

    from eyeline.runtimes.write import flat
    from eyeline.systems.gaze_following.gaze_lle import inputs

    device, grid = pair.device, pair.grid
    counts = [len(heads) for heads in heads_norm]
    if not sum(counts):
        return [Outputs(np.zeros((0, 2 * grid, 2 * grid), np.float32), np.zeros(0))] * len(images)
    shown = torch.stack([inputs.image_tensor(image, grid) for image in images])
    maps = inputs.head_maps(np.concatenate(list(heads_norm)), grid).to(device)
    number = torch.repeat_interleave(torch.arange(len(images)), torch.tensor(counts)).to(device)
    outputs = flat(pair.decoder(pair.encoder(shown.to(device)), maps, number))
    values = [one.sigmoid().float().cpu().numpy() for one in outputs]
    if not pair.in_out:
        values.append(np.full(len(maps), np.nan))
    parts = (np.split(each, np.cumsum(counts)[:-1]) for each in values)
    return [Outputs(*one) for one in zip(*parts, strict=True)]


class Look(NamedTuple):
    """One person's heatmap at one time."""

    time_s: float
    shot: int
    heatmap: Floats
    in_frame: float


class GazeLle:
    """Targets of all persons' looks in a video.

    `how` says in words what was chosen, and what was left out of the video seen last.
    """

    def __init__(
        self,
        decoder: Path | str,
        encoder: Path | str,
        device: str = "cpu",
        *,
        every_s: float = moments.EVERY_S,
        heatmap_every_s: float = 1.0,
        threads: int = THREADS,
        runtime: Runtime | None = None,
    ) -> None:
        """Open the networks.

        Args:
            decoder: weights of `gaze_lle`.
            encoder: weights of `dinov2`, of the size that the decoder was trained on.
            device: `cpu`, `cuda` or `cuda:N`.
            every_s: time from one frame that the encoder sees to the next; 0 takes every frame.
            heatmap_every_s: time between two heatmaps kept of each person.
            threads: of the CPU.
            runtime: of exported files, see `runtimes.run.open_network`.

        Raises:
            CheckpointError: a file that is not what it should be, or networks of two sizes.
            UsageError: a device or runtime that is not there.
        """
        self.pair = load_pair(decoder, encoder, device, runtime, threads)
        self.at_once = AT_ONCE[device.partition(":")[0]]
        self.every_s, self.heatmap_every_s, self.threads = every_s, heatmap_every_s, threads
        self.outside = 0

    @property
    def how(self) -> str:
        """What was chosen, in words."""
        said = (
            f"the encoder sees a frame every {self.every_s:g} s, at cuts and where people appear"
            "; between those heatmaps are interpolated"
        )
        if not self.pair.in_out:
            said += "; the decoder does not know of looks out of the image"
        if self.outside:
            said += f"; heads outside the image, which got no target there: {self.outside}"
        return said

    def predict(self, scene: Scene) -> list[Answer]:
        """`Points` called `gaze_target` with heatmaps, and `Segments`.

        Points have a row for each row of the scene's tracks, in order. Looks at a head have that
        person as target, others in the image the scene, with the region of the heatmap above half
        of its peak as box.

        Raises:
            UsageError: the scene has no frames to look at.
        """
        if scene.frames is None:
            raise UsageError(f"gaze_following/{BUILDER} looks at images: the scene has no frames")
        crowd, self.outside = Crowd(scene), 0
        targets = Targets.empty(BUILDER, crowd, every_rows(scene, self.heatmap_every_s))
        between = _Between(
            crowd, joined((t.head_xyxy for t in scene.tracks), np.float64, (4,)), targets
        )
        appears = crowd.frames[moments.frames_due(crowd.time_s, crowd.shot, self.every_s)]
        due = np.union1d(appears, np.array([t.frame[0] for t in scene.tracks], np.int64))
        for batch in moments.due_batches(scene, crowd, due, _rgb, self.at_once):
            for place, looks in self._looks(crowd, between.head_xyxy, batch):
                between.advance(place, looks)
        between.finish()
        points = targets.points(scene)
        return [points, segments(scene, points, points.probability > 0)]

    def _looks(
        self, crowd: Crowd, head_xyxy: Floats, batch: list[tuple[int, Image]]
    ) -> list[tuple[int, dict[int, Look]]]:
        """By place, then person, in frames that pass through the encoder together."""
        from eyeline.systems.gaze_following.gaze_lle import inputs

        rows = [np.arange(len(crowd))[crowd.rows(place)] for place, _ in batch]
        there = [mine[inputs.inside(head_xyxy[mine], crowd.size_px)] for mine in rows]
        self.outside += sum(map(len, rows)) - sum(map(len, there))
        heads = [inputs.normed_heads(head_xyxy[mine], crowd.size_px) for mine in there]
        with for_answers(self.threads):
            outputs = look(self.pair, [image for _, image in batch], heads)
        result = []
        for (place, _), mine, out in zip(batch, there, outputs, strict=True):
            when = float(crowd.time_s[place]), int(crowd.shot[place])
            pairs = zip(crowd.person[mine].tolist(), *out, strict=True)
            looks = {who: Look(*when, heat, float(inside)) for who, heat, inside in pairs}
            result.append((place, looks))
        return result


def _rgb(frame: Frame) -> Image:
    return frame.rgb()


class _Between:
    """Fills the rows between two looks of each person; two heatmaps of each are in memory."""

    def __init__(self, crowd: Crowd, head_xyxy: Floats, targets: Targets) -> None:
        self.crowd, self.targets = crowd, targets
        self.head_xyxy = head_xyxy[crowd.row]
        self._done = 0
        self._last: dict[int, Look] = {}
        self._waiting: dict[int, list[tuple[int, int]]] = {}

    def advance(self, place: int, looks: dict[int, Look]) -> None:
        """Take the looks of a frame; frames come in order."""
        self._wait(place + 1)
        for person, new in looks.items():
            self._fill(person, new)
            self._last[person] = new

    def finish(self) -> None:
        """Fill what comes after the last look of each person."""
        self._wait(len(self.crowd.frames))
        for person in list(self._waiting):
            self._fill(person, None)

    def _wait(self, end: int) -> None:
        for place in range(self._done, end):
            for row in range(len(self.crowd))[self.crowd.rows(place)]:
                self._waiting.setdefault(int(self.crowd.person[row]), []).append((place, row))
        self._done = max(self._done, end)

    def _fill(self, person: int, new: Look | None) -> None:
        for place, row in self._waiting.pop(person, []):
            shot = self.crowd.shot[place]
            ends = [e for e in (self._last.get(person), new) if e is not None and e.shot == shot]
            if ends:
                self._put(place, row, *_at(float(self.crowd.time_s[place]), ends))

    def _put(self, place: int, row: int, heatmap: Floats, in_frame: float) -> None:
        """Decide what a row looks at; a decoder that knows no looks out of the image has none."""
        crowd, mine = self.crowd, self.crowd.rows(place)
        into = 1.0 if np.isnan(in_frame) else in_frame
        where = int(crowd.row[row])
        heat = np.round(255 * heatmap / heatmap.max()).astype(np.uint8)
        shown = heat if where in self.targets.kept else None
        if into < 0.5:
            nowhere = np.full(4, np.nan)
            self.targets.put(where, TARGET_OFF_SCREEN, 1 - into, nowhere[:2], nowhere, shown)
            return
        heads = self.head_xyxy[mine]
        point, box = peak_px(heatmap, crowd.size_px)
        looker = np.array([row - mine.start])
        other = int(looked_at(point[None], heads, ("",) * len(heads), looker)[0][0])
        target = TARGET_SCENE if other < 0 else int(crowd.person[mine][other])
        box = box if other < 0 else heads[other]
        self.targets.put(where, target, into * float(heatmap.max()), point, box, shown)


def _at(time_s: float, ends: list[Look]) -> tuple[Floats, float]:
    """Heatmap and probability between two looks, or of the only one."""
    first, last = ends[0], ends[-1]
    span = last.time_s - first.time_s
    part = float(np.clip((time_s - first.time_s) / span, 0, 1)) if span > 0 else 1.0
    heat = (1 - part) * first.heatmap + part * last.heatmap
    return heat, (1 - part) * first.in_frame + part * last.in_frame


def peak_px(heatmap: Floats, size_px: tuple[float, float]) -> tuple[Floats, Floats]:
    """The centre `(2,)` of the highest cell; the box `(4,)` of what is half as high about it."""
    from scipy.ndimage import find_objects, label

    peak = np.unravel_index(int(heatmap.argmax()), heatmap.shape)
    parts, _ = label(heatmap >= heatmap.max() / 2)
    rows, columns = find_objects((parts == parts[peak]).astype(np.int64))[0]
    cell = np.array(size_px) / heatmap.shape[::-1]
    corners = np.array([[columns.start, rows.start], [columns.stop, rows.stop]])
    return (np.array(peak[::-1]) + 0.5) * cell, (corners * cell).ravel()

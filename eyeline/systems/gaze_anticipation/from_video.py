"""Builder `csts` on a scene: images and audio to where the wearer will look, or looks now.

One pass over images and audio together; of both the seconds of a window are held.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from eyeline.errors import CheckpointError, UsageError
from eyeline.results import TARGET_SCENE, WEARER, Answer, Image, Points
from eyeline.runtimes import manifest
from eyeline.runtimes.run import Runtime, TorchNetwork, open_network
from eyeline.system import Scene
from eyeline.systems.gaze_anticipation.windows.sampling import TASKS, TIMINGS, timing_of
from eyeline.systems.gaze_anticipation.windows.spectrogram import AUDIO_HZ
from eyeline.training.devices import for_answers

if TYPE_CHECKING:
    from eyeline.runtimes.run import Running
    from eyeline.systems.gaze_anticipation.model import GazeAnticipation
    from eyeline.systems.gaze_anticipation.streaming import Stream
    from eyeline.systems.gaze_anticipation.windows.series import Mapped, TimeSeries
    from eyeline.systems.gaze_anticipation.windows.spatial import Places
    from eyeline.training.checkpoint import CheckpointCard
    from eyeline.video.audio import AudioBlock
    from eyeline.video.reader import Frame

NAMES = {"anticipation": "gaze_next", "estimation": "gaze_now"}
"""Of the answer, by task."""
THREADS = 1
"""Decoding has one too, and on a busy machine a second one waits more than it works."""
AT_ONCE = {"cpu": 1, "cuda": 8}
"""Windows that pass through the network together, by kind of device."""
_SILENCES = {
    True: "with silence for the audio that is not there",
    False: "without the audio, of which it learned nothing",
}
_ROUNDING_S = 1e-3
_LISTEN_AHEAD_S = 1.0
"""More than a window may need beyond its last image."""


class CstsPredictor:
    """The look of whoever wears the camera: in the next two seconds, or now.

    Which of both, and how far frames are apart, the weights say; those that say neither are taken
    for Ego4D's of anticipation. Windows end every `every` steps of 0.3 s (Aria: 0.25 s), from 2.1 s
    (1.75 s) on; frames between them are interpolated as of `series`. What lies outside the central
    square of the image is not seen. Audio from before the video is silent, and so is all audio of a
    video that has none.
    """

    def __init__(
        self,
        weights: Path | str,
        device: str = "cpu",
        *,
        dataset: str | None = None,
        task: str | None = None,
        every: int | None = None,
        at_once: int | None = None,
        precision: str = "float32",
        threads: int = THREADS,
        runtime: Runtime | None = None,
    ) -> None:
        """Open the network.

        `dataset` is `ego4d` or `aria`, `task` `anticipation` or `estimation`, both by default what
        the weights say; `every` are steps from one window to the next, by default
        `streaming.EVERY`, `at_once` windows that pass through the network together, by default
        `AT_ONCE`. CheckpointError for steps that are not those of the data set, or another file.
        """
        from eyeline.systems.gaze_anticipation.weights import load_csts
        from eyeline.systems.gaze_anticipation.windows.sampling import window_of

        purpose = purpose_of(manifest.card_of(weights), weights)
        self.dataset, self.task = dataset or purpose.dataset, task or purpose.task
        self.with_audio = purpose.with_audio
        window_of(timing_of(self.dataset), self.task)
        if manifest.is_exported(weights) and precision != "float32":
            raise UsageError(f"precision is {precision}; {weights} has its own: leave it out")
        network, _ = open_network(
            weights,
            ("gaze_anticipation/csts",),
            lambda: load_csts(weights, device, precision=precision),
            device=device,
            runtime=runtime,
            threads=threads,
        )
        module = network.network if isinstance(network, TorchNetwork) else network
        self.network = cast("GazeAnticipation | Running", module)
        self.every, self.threads = every, threads
        self.how = f"{self.task} of {self.dataset}"
        """What was computed of the weights and, once a scene was seen, of its audio."""
        self.at_once = at_once or AT_ONCE[device.partition(":")[0]]

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """`Points` of the wearer, a row for each analysed frame: `gaze_next` or `gaze_now`.

        `gaze_next` is where the mean of the maps of the two seconds after a frame is largest, and
        what fraction of it lies within a tenth of the image's height. Heatmaps over the image are
        kept once a step. A video that is shorter than a window has no row. UsageError for a scene
        without frames.
        """
        from eyeline.systems.gaze_anticipation.streaming import Stream
        from eyeline.systems.gaze_anticipation.windows.series import Next, Now

        if scene.frames is None:
            raise UsageError("gaze_anticipation/csts looks at images: the scene has no frames")
        series: TimeSeries = Next() if self.task == "anticipation" else Now()
        with_audio = self.with_audio and scene.audio is not None
        heard = "with audio" if with_audio else _SILENCES[self.with_audio]
        with for_answers(self.threads):
            stream = Stream(
                self.network,
                dataset=self.dataset,
                task=self.task,
                every=self.every,
                with_audio=with_audio,
                at_once=self.at_once,
            )
            every_s = stream.every * stream.window.step_s
            self.how = f"{self.task} of {self.dataset}, a pass every {every_s:g} s, {heard}"
            rows = _Rows(stream.window.step_s)
            audio = scene.audio(AUDIO_HZ) if with_audio and scene.audio else None
            for mapped in _series(stream, series, scene.frames(), audio):
                assert stream.places is not None
                rows.add(mapped, stream.places)
        return [rows.points(NAMES[self.task])]


class Purpose(NamedTuple):
    """What a network is for."""

    dataset: str
    task: str
    with_audio: bool
    """Whether it has heard anything in training."""


def purpose_of(card: CheckpointCard, where: Path | str) -> Purpose:
    """What a network is for, by its card; where that says nothing, Ego4D, anticipation and audio.

    CheckpointError for steps that are not those of the data set.
    """
    section = card.recipe.get("data")
    known = {**(section if isinstance(section, Mapping) else {}), **card.data}
    dataset, task = known.get("dataset", "ego4d"), known.get("task", "anticipation")
    if dataset not in TIMINGS or task not in TASKS:
        raise CheckpointError(f"{where} is of {task} on {dataset}, which csts does not know")
    timing = TIMINGS[dataset]
    rate, step = (
        card.settings.get(name, own)
        for name, own in (("rate_hz", timing.fps), ("frame_step", timing.step))
    )
    if (rate, step) != (timing.fps, timing.step):
        raise CheckpointError(
            f"{where} learned from every {step}th frame of {rate} a second; of {dataset} csts "
            f"takes every {timing.step}th of {timing.fps}"
        )
    return Purpose(dataset, task, known.get("with_audio") is not False)


def _series(
    stream: Stream, series: TimeSeries, frames: Iterable[Frame], audio: Iterator[AudioBlock] | None
) -> Iterator[Mapped]:
    """All frames that have predictions, with their maps."""
    for frame in frames:
        outputs = []
        while audio is not None and stream.heard_s < frame.end_s + _LISTEN_AHEAD_S:
            block = next(audio, None)
            outputs += stream.end_audio() if block is None else stream.hear(block.samples)
        series.show((frame.index, frame.time_s))
        outputs += stream.show(frame.rgb, frame.time_s, frame.end_s)
        for output in outputs:
            yield from series.add(output)
    for output in stream.end():
        yield from series.add(output)
    yield from series.end()


class _Rows:
    """The table, row after row; `heatmap_s` is the time from one kept heatmap to the next."""

    def __init__(self, heatmap_s: float) -> None:
        self._heatmap_s, self._next_s = heatmap_s - _ROUNDING_S, -np.inf
        self._rows = array("d")
        """Five numbers a row; long videos have many."""
        self._count = 0
        self._kept: list[int] = []
        self._heatmaps: list[Image] = []

    def add(self, mapped: Mapped, places: Places) -> None:
        number, time_s, known = mapped
        point = places.peaks(known[None])
        near = float(places.near(known[None], point)[0])
        if time_s >= self._next_s:
            self._next_s = time_s + self._heatmap_s
            self._kept.append(self._count)
            self._heatmaps.append(places.over_image(known[None])[0])
        self._rows.extend((number, time_s, *point[0].tolist(), near))
        self._count += 1

    def points(self, name: str) -> Points:
        n, table = self._count, np.array(self._rows, np.float64).reshape(self._count, 5)
        return Points(
            "gaze_anticipation",
            "csts",
            name,
            frame=table[:, 0].astype(np.int64),
            time_s=table[:, 1],
            person=np.full(n, WEARER),
            point_px=table[:, 2:4],
            target=np.full(n, TARGET_SCENE),
            probability=table[:, 4],
            target_xyxy=np.full((n, 4), np.nan),
            heatmap_row=np.array(self._kept, np.int64),
            heatmap=np.stack(self._heatmaps) if n else None,
        )

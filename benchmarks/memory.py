"""Peak memory against length: of a real clip again and again, and of synthetic faces by step.

Of the synthetic ones, four in every frame, a small video is decoded and its audio heard, but faces
are not measured: their rows are given. All from there on, from tracks to files, is that of
`analyze` without the drawing. Each length is a process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.analyze import measure
from benchmarks.clips import clip, repeat

RATE_HZ, PEOPLE, SIZE = 25, 4, (320, 180)
MINUTES = (2, 8, 30)
STEPS = {
    "tracks": "eyeline.people.assemble.tracks",
    "systems": "eyeline.analysis._run",
    "table of people": "eyeline.analysis.people_table",
    "tables": "eyeline.export.tables.write_tables",
    "timeline": "eyeline.export.to_video.write_annotated",
    "report": "eyeline.export.report.write_report",
    "index": "eyeline.export.index.write_index",
}


CLIP_MINUTES = (2, 10)


def run(quick: bool = False) -> dict[str, object]:
    """Peaks in MiB by length, and KiB that a frame adds."""
    result: dict[str, object] = {"synthetic": synthetic(quick)}
    return result if quick else result | {"clip": of_clip()}


def of_clip() -> dict[str, object]:
    """Peak memory and speed of the real clip repeated to each length."""
    from eyeline.video.reader import probe

    source = clip()
    result: dict[str, object] = {"video": source.name}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in CLIP_MINUTES:
            video = Path(folder) / f"{minutes}min.mp4"
            repeat(source, video, max(1, round(minutes * 60 / probe(source).duration_s)))
            one = measure(video)
            frames, wall = int(str(one["frames"])), float(str(one["wall_s"]))
            result[f"{minutes}_minutes"] = {
                "frames": frames,
                "frames_per_second": round(frames / wall, 1),
                "people": one["people"],
                "peak_memory_mib": round(float(str(one["peak_memory_mib"]))),
            }
    return result


def synthetic(quick: bool = False) -> dict[str, object]:
    """Peaks by length and step; one process each."""
    result: dict[str, object] = {}
    before: dict[str, Any] | None = None
    with tempfile.TemporaryDirectory() as folder:
        for minutes in MINUTES[:2] if quick else MINUTES:
            code = f"from benchmarks.memory import analyse; analyse({minutes}, {folder!r})"
            done = subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True
            )
            now: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
            if before:
                frames = now["frames"] - before["frames"]
                for name in ("peak_mib", "peak_without_files_mib"):
                    grown = (now[name] - before[name]) * 1024 / frames
                    now[name.replace("_mib", "_kib_a_frame")] = round(grown, 2)
            result[f"{minutes}_minutes"] = before = now
    return result


def analyse(minutes: int, folder: str) -> None:
    """Analyse a video of so many minutes in this process and print its peaks."""
    from eyeline import jobs
    from eyeline.settings import Settings

    video = Path(folder) / f"{minutes}.mp4"
    write_video(video, minutes)
    peaks, steps, stop = [0.0], dict.fromkeys(STEPS, 0.0), threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            peaks[0] = max(peaks[0], _mib("RssAnon"))

    watching = threading.Thread(target=watch)
    with ExitStack() as stack:
        stack.enter_context(patch("eyeline.people.follow.Follower.run", _follow))
        stack.enter_context(patch("eyeline.export.to_video.write_annotated", _timeline))
        for name, place in STEPS.items():
            stack.enter_context(_watched(name, place, steps))
        watching.start()
        outcome = jobs.analyze_into(video, Path(folder) / str(minutes), Settings())
        stop.set()
        watching.join()
    assert outcome.status == "ok", outcome
    print(
        json.dumps(
            {
                "frames": minutes * 60 * RATE_HZ,
                "peak_mib": round(max(_mib("VmHWM"), *steps.values()), 1),
                "peak_without_files_mib": round(peaks[0], 1),
                "peak_by_step_mib": {name: round(peak, 1) for name, peak in steps.items()},
            }
        )
    )


def write_video(path: Path, minutes: int) -> None:
    """Grey frames, and noise that is no voice."""
    import av

    noise = np.random.default_rng(0).normal(0, 1000, (1, 16000)).astype(np.int16)
    with av.open(str(path), "w") as out:
        images = out.add_stream("mpeg4", rate=RATE_HZ)
        images.width, images.height, images.pix_fmt = *SIZE, "yuv420p"
        audio = out.add_stream("aac", rate=16000, layout="mono")
        image = av.VideoFrame.from_ndarray(
            np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8), format="yuv420p"
        )
        sound = av.AudioFrame.from_ndarray(noise, format="s16", layout="mono")
        image.time_base, sound.sample_rate = Fraction(1, RATE_HZ), 16000
        sound.time_base = Fraction(1, 16000)
        for second in range(minutes * 60):
            for k in range(RATE_HZ):
                image.pts = second * RATE_HZ + k
                out.mux(images.encode(image))
            sound.pts = second * 16000
            out.mux(audio.encode(sound))
        out.mux([*images.encode(None), *audio.encode(None)])


def _follow(self: Any, frames: Iterable[Any]) -> None:
    """In the place of `Follower.run`: rows of faces that turn, every third one searched."""
    from eyeline.people.assemble import SIX_MM
    from eyeline.people.pose import FIVE_MM

    jitter = np.random.default_rng(1).normal(0, 0.1, (1000, 11, 2))
    for k, (frame, _) in enumerate(frames):
        if k == 0:
            self._cut(frame)
        for person in range(PEOPLE):
            turn = 0.5 * np.sin(frame.time_s / 2.7 + person)
            cos, sin, seen = np.cos(turn), np.sin(turn), k % 3 == 0
            model = np.concatenate([FIVE_MM, SIX_MM])
            points = model[:, :2] * [cos, 1] - np.outer(model[:, 2], [sin, 0])
            points = points * 0.29 + [40 + 70 * person, 80] + jitter[(k + person) % 1000]
            x, y = points[:2].mean(axis=0)
            self.rows.add(
                frame=frame.index, time_s=frame.time_s, end_s=frame.end_s, track_id=person + 1,
                shot=0, box=[x - 25, y - 25, x + 25, y + 45], five=points[:5], six=points[5:],
                score=0.9, detected=seen, quality=0.8, iris=[sin, 0.3], lids=0.3 + 0.02 * cos,
                mouth=0.1 * abs(np.sin(8 * frame.time_s + person)),
                turn=np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]) * (1 if seen else np.nan),
                turn_error=0.1 if seen else np.nan, look=[0.2 * sin, 0.1], look_error=0.1,
            )  # fmt: skip


def _timeline(analysis: Any, *_: object) -> None:
    """In the place of drawing: what is known of frames here and there."""
    from eyeline.export.timeline import timeline_of

    for frame in range(0, analysis.video.frame_count, 100):
        timeline_of(analysis).at(frame)


def _watched(name: str, place: str, steps: dict[str, float]) -> Any:
    """The function of a place, which notes its own peak."""
    import importlib

    module, _, attribute = place.rpartition(".")
    work = getattr(importlib.import_module(module), attribute)

    def noted(*args: Any, **kwargs: Any) -> Any:
        steps[name] = max(steps[name], _mib("VmRSS"))
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew
        result = work(*args, **kwargs)
        steps[name] = max(steps[name], _mib("VmHWM"))
        return result

    return patch(place, noted)


def _mib(name: str) -> float:
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024

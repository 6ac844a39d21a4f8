"""Peak memory against length: the clip repeated to 2 and to 10 minutes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.analyze import measure
from benchmarks.clips import clip, repeat

MINUTES = (2, 10)


def run() -> dict[str, object]:
    """Peak memory and speed for each length."""
    from eyeline.video.reader import probe

    source = clip()
    result: dict[str, object] = {"video": source.name}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in MINUTES:
            video = Path(folder) / f"{minutes}min.mp4"
            times = max(1, round(minutes * 60 / probe(source).duration_s))
            repeat(source, video, times)
            one = measure(video)
            frames, wall = int(str(one["frames"])), float(str(one["wall_s"]))
            result[f"{minutes}_minutes"] = {
                "frames": frames,
                "frames_per_second": round(frames / wall, 1),
                "people": one["people"],
                "peak_memory_mib": round(float(str(one["peak_memory_mib"]))),
            }
    return result

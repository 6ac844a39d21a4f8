"""`analyze` end to end: frames a second, time by stage, peak memory.

The median of three runs, each a process of its own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

RUNS = 3

_ONE = """
import json, resource, sys, tempfile, time
from pathlib import Path
begin = time.perf_counter()
from eyeline import jobs
from eyeline.processes import most_bytes
from eyeline.settings import Settings
video, marks = Path(sys.argv[1]), {"start": time.perf_counter()}
def tell(stage, done, total):
    marks.setdefault(stage + " begins", time.perf_counter())
    marks[stage + " ends"] = time.perf_counter()
with tempfile.TemporaryDirectory() as out:
    outcome = jobs.analyze_into(video, Path(out) / "result", Settings(), tell)
    assert outcome.status in ("ok", "partial"), outcome
    index = json.loads((Path(out) / "result" / "analysis.json").read_text())
end = time.perf_counter()
people = marks["people ends"] - marks["start"]
draw = marks["drawing ends"] - marks["drawing begins"]
total = end - begin
print(json.dumps({
    "frames": index["video"]["frame_count"],
    "video_s": index["video"]["duration_s"],
    "people": index["counts"]["persons"],
    "wall_s": total,
    "stages_s": {
        "start_up": marks["start"] - begin,
        "people_and_sound": people,
        "answers_and_tables": marks["drawing begins"] - marks["people ends"],
        "annotated_video": draw,
        "report_and_index": end - marks["drawing ends"],
    },
    "cpu_s": sum(resource.getrusage(resource.RUSAGE_SELF)[:2]),
    "peak_memory_mib": most_bytes() / 2**20,
}))
"""


def measure(video: Path) -> dict[str, object]:
    """One run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _ONE, str(video)], check=True, capture_output=True, text=True
    )
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def run() -> dict[str, object]:
    """The median run, with frames a second with and without start-up."""
    from benchmarks.clips import clip

    video = clip()
    runs = sorted((measure(video) for _ in range(RUNS)), key=lambda r: float(str(r["wall_s"])))
    centre = runs[RUNS // 2]
    wall, frames = float(str(centre["wall_s"])), int(str(centre["frames"]))
    stages = {str(k): float(v) for k, v in dict(centre["stages_s"]).items()}  # type: ignore[call-overload]
    return {
        "video": video.name,
        "frames_per_second": round(frames / (wall - stages["start_up"]), 1),
        "frames_per_second_with_start_up": round(frames / wall, 1),
        "frames_per_second_of_all_runs": [
            round(frames / (float(str(r["wall_s"])) - stages["start_up"]), 1) for r in runs
        ],
        "share_by_stage": {name: round(s / wall, 3) for name, s in stages.items()},
        "cores_busy": round(float(str(centre["cpu_s"])) / wall, 2),
        "peak_memory_mib": round(statistics.median(float(str(r["peak_memory_mib"])) for r in runs)),
    }

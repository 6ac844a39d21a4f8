"""Results of many videos in one folder: to list, to resume, to sum up, to query and to view.

One real result, that of the packaged sample, is linked again and again; only the index is each
video's own. Every step is a process of its own, run twice (but for the summary, which keeps
nothing): what the first run leaves behind, the second one may use.
`python -m benchmarks corpus --videos 10000`; scratch goes to TMPDIR, some 30 kB and 22 names a
video.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VIDEOS, QUICK = 1000, 20
SHARD = 1000
"""Videos in a folder."""
LINKS = 10_000
"""Names that a file gets before another copy of it is made; ext4 has at most 65,000."""

_MEASURED = """
import atexit, resource, sys
from pathlib import Path
from eyeline.processes import most_bytes
place = Path(sys.argv.pop(1))
def keep():
    used = resource.getrusage(resource.RUSAGE_SELF)
    place.write_text(f"{used.ru_utime + used.ru_stime} {most_bytes()}")
atexit.register(keep)
"""
_LIST = """
from eyeline.summary.corpus import read_corpus
print(len(read_corpus(Path(sys.argv[1])).results))
"""
_VIEW = """
from starlette.testclient import TestClient
from eyeline.viewer.server import application
with TestClient(application(Path(sys.argv[1]), "token"), base_url="http://127.0.0.1") as client:
    client.cookies.set("eyeline_80", "token")
    client.get("/api/recordings").raise_for_status()
"""
_CLI = """
from eyeline.cli import main
main()
"""


def run(videos: int = VIDEOS, quick: bool = False, lean: bool = False) -> dict[str, object]:
    """Seconds, processor seconds and most memory of each step, first and second time.

    Args:
        videos: how many.
        quick: a few.
        lean: tables and index alone are linked, and what reads every table is left out.
    """
    count = QUICK if quick else videos
    with tempfile.TemporaryDirectory(prefix="eyeline-corpus-") as place:
        originals, results = Path(place) / "videos", Path(place) / "results"
        start = time.perf_counter()
        per_video = build(originals, results, count, "*.parquet" if lean else "**/*")
        built_s = time.perf_counter() - start
        ask = "SELECT name, avg(value) FROM scores GROUP BY 1"
        steps: dict[str, tuple[object, ...]] = {
            "list": (_LIST, results),
            "resume": (_CLI, "analyze", originals, "-o", results, "--no-video"),
            "query_videos": (_CLI, "query", results, "SELECT sum(duration_s) FROM videos"),
            "query_scores": (_CLI, "query", results, ask),
            "view": (_VIEW, results),
            "summary": (_CLI, "summary", results, "-o", Path(place) / "sums"),
        }
        if lean:
            steps = {name: steps[name] for name in ("list", "resume", "query_videos", "view")}
        figures = {}
        for name, step in steps.items():
            times = ("first",) if name == "summary" else ("first", "again")
            figures[name] = {which: process(*step) for which in times}
            print(name, figures[name], file=sys.stderr, flush=True)
    return {"videos": count, "build_s": round(built_s, 1), **per_video, "steps": figures}


def build(originals: Path, results: Path, count: int, linked: str = "**/*") -> dict[str, object]:
    """So many videos and their results, as a finished run leaves them; what one result takes."""
    from eyeline import sample
    from eyeline.jobs import analyze_into
    from eyeline.settings import Settings

    real, settings = results.parent / "real" / "talk", Settings(video=False)
    outcome = analyze_into(sample.path(), real, settings)
    assert outcome.status == "ok", outcome
    index = _Index(real, settings)
    names = [p.relative_to(real) for p in sorted(real.glob(linked)) if p.name != "analysis.json"]
    video, source = sample.path(), real
    for k in range(count):
        name = f"day{k // SHARD:04d}/talk{k:06d}"
        if k % LINKS == 0:  # links to copies, so that no file has too many names
            source = results.parent / f"copy{k}"
            shutil.copytree(real, source)
            video = Path(shutil.copy2(sample.path(), source / "video.mp4"))
        (originals / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(video, originals / f"{name}.mp4")
        place = results / name
        place.mkdir(parents=True)
        for path in names:
            if (real / path).is_dir():
                (place / path).mkdir()
            else:
                os.link(source / path, place / path)
        (place / "analysis.json").write_text(index.of(f"{originals / name}.mp4"))
    files = [path for path in real.rglob("*") if path.is_file()]
    return {"files_a_video": len(files), "bytes_a_video": sum(p.stat().st_size for p in files)}


class _Index:
    """The index of a result, made another video's."""

    def __init__(self, folder: Path, settings: object) -> None:
        from eyeline.export.index import read_index

        self._text, self._settings = (folder / "analysis.json").read_text(), settings
        content = read_index(folder)
        self._path, self._sha256 = content["video"]["path"], content["source"]["sha256"]
        self._mark = content["fingerprint"]

    def of(self, video: str) -> str:
        import eyeline
        from eyeline.settings import Settings, fingerprint

        assert isinstance(self._settings, Settings)
        digest = hashlib.sha256(video.encode()).hexdigest()
        mark = fingerprint(self._settings, digest, eyeline.__version__)
        text = self._text.replace(self._path, video).replace(self._mark, mark)
        return text.replace(self._sha256, digest)


def process(code: object, *arguments: object) -> dict[str, float]:
    """What a process takes: seconds by the clock and of the processor, most memory."""
    with tempfile.TemporaryDirectory() as folder:
        used = Path(folder) / "used"
        command = [sys.executable, "-c", f"{_MEASURED}{code}", str(used), *map(str, arguments)]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        elapsed_s = time.perf_counter() - start
        processor_s, most_bytes = map(float, used.read_text().split())
    return {
        "s": round(elapsed_s, 2),
        "processor_s": round(processor_s, 2),
        "peak_memory_mib": round(most_bytes / 2**20),
    }

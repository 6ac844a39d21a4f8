"""The same command again, results of other settings, what is in the way, videos that change."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from torture.cases import Sources
from torture.command import Ended, command, environment, forked
from torture.figures import Figure
from torture.judged import judged, unfinished

MANY = 200
PER_1000_S = 1.0
OTHERS = {
    "rate_hz": ("--rate", "5"),
    "fov_deg": ("--fov", "70"),
    "ego": ("--ego",),
    "tracker": ("--tracker", "iou"),
}
BOMB = "[" * 100_000


def trial(work: Path) -> Iterator[Figure]:
    """Go through them with videos of 3 s."""
    sources = Sources(work)
    yield from _settings(work / "settings", sources.whole)
    yield from _in_the_way(work / "way", sources.whole)
    yield from _finished(work / "finished", sources.whole)
    yield from _poison(work / "poison", sources)
    yield from _changed(work / "changed", sources)


def _analyzed(video: Path, out: Path, *more: str) -> Ended:
    return forked("analyze", video, "-o", out, "--no-video", *more)


def _settings(out: Path, video: Path) -> Iterator[Figure]:
    yield judged("first", _analyzed(video, out), codes=(0,), faults=unfinished(out))
    before = _times(out)
    again = _analyzed(video, out)
    touched = [] if _times(out) == before else ["files are touched"]
    yield judged("again", again, codes=(0,), words="finished before", faults=touched)
    for name, options in OTHERS.items():
        ended = _analyzed(video, out, *options)
        touched = [] if _times(out) == before else ["files are touched"]
        yield judged(f"other {name}", ended, codes=(1,), words=name, faults=touched)
    ended = _analyzed(video, out, "--rate", "5", "--again")
    yield judged("other rate_hz and --again", ended, codes=(0,), faults=unfinished(out))


def _times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def _in_the_way(work: Path, video: Path) -> Iterator[Figure]:
    def beside(name: str) -> Path:
        out = work / name
        (out / video.stem).mkdir(parents=True)
        return out

    for name, text in (("damaged", "{"), ("a depth bomb", BOMB)):
        out = beside(f"index {name}")
        (out / video.stem / "analysis.json").write_text(text)
        yield judged(f"index {name}", _analyzed(video, out), codes=(1,))
    mine, note = beside("mine"), Path(video.stem) / "mine.txt"
    (mine / note).write_text("mine")
    for more in ((), ("--again",)):
        ended = _analyzed(video, mine, *more)
        yield judged(_named("a folder of the user's", more), ended, faults=_lost(mine / note))
    for what, name in (("a file of the user's", "file"), ("the video itself", "video")):
        out = work / name
        out.mkdir()
        file = Path(shutil.copy(video, out / video.stem))
        given = video if name == "file" else file
        ended = _analyzed(given, out, "--again")
        codes = (1, 2) if name == "file" else (0, 1, 2)
        yield judged(_named(what, ("--again",)), ended, codes=codes, faults=_lost(file))


def _named(what: str, more: tuple[str, ...]) -> str:
    return " and ".join([f"{what} in the way", *more])


def _lost(path: Path) -> list[str]:
    return [] if path.is_file() else ["it is gone"]


def _finished(work: Path, video: Path) -> Iterator[Figure]:
    videos, out = work / "videos", work / "out"
    videos.mkdir(parents=True)
    for number in range(MANY):
        os.link(video, videos / f"{number:04d}.mp4")
    yield judged("one of many", _analyzed(videos / "0000.mp4", out), codes=(0,))
    for number in range(1, MANY):
        shutil.copytree(out / "0000", out / f"{number:04d}")
    one = _analyzed(videos / "0001.mp4", out)
    yield judged("one that was finished before", one, codes=(0,), words="finished before")
    all_of_them = _analyzed(videos, out)
    per_1000_s = max(0.0, all_of_them.seconds - one.seconds) / (MANY - 1) * 1000
    words = f"{MANY} of {MANY} videos done"
    figure = judged("", all_of_them, codes=(0,), words=words)
    subject = f"{MANY} that were finished before"
    expected = f"under {PER_1000_S:g} s per 1,000"
    outcome = f"{figure.outcome}, {per_1000_s:.2f} s per 1,000"
    holds = figure.holds and per_1000_s < PER_1000_S
    yield Figure(subject, expected, outcome, holds, figure.seconds)


def _poison(work: Path, sources: Sources) -> Iterator[Figure]:
    videos, out = work / "videos", work / "out"
    videos.mkdir(parents=True)
    for number in range(6):
        (videos / f"{number}.mp4").write_bytes(sources.short)
    (videos / "3.mp4").write_bytes(random.Random(3).randbytes(100_000))
    ended = _analyzed(videos, out)
    names = [] if "3.mp4" in ended.err else ["the video is not named"]
    done = sum(1 for path in out.iterdir() if (path / "analysis.json").exists())
    faults = [*names, *unfinished(out), *([] if done == 5 else [f"{done} of 5 done"])]
    words = "5 of 6 videos done, 1 failed"
    yield judged("noise among 6 videos", ended, codes=(1,), words=words, lines=2, faults=faults)


CHANGES: dict[str, Callable[[Path, Path], object]] = {
    "replaced": lambda video, other: other.replace(video),
    "cut": lambda video, other: os.truncate(video, video.stat().st_size // 2),
    "removed": lambda video, other: video.unlink(),
    "written over": lambda video, other: video.write_bytes(other.read_bytes()),
}


def _changed(work: Path, sources: Sources) -> Iterator[Figure]:
    for what, change in CHANGES.items():
        folder = work / what
        folder.mkdir(parents=True)
        video = Path(shutil.copy(sources.whole, folder / "video.mp4"))
        other = folder / "other.bin"
        other.write_bytes(sources.fast[:-1000] + bytes(1000))
        ended = _meanwhile(video, folder / "out", partial(change, video, other))
        faults = unfinished(folder / "out")
        yield judged(f"{what} while it is analysed", ended, codes=(1,), faults=faults)


def _meanwhile(video: Path, out: Path, change: Callable[[], object]) -> Ended:
    """Analyse a video that is changed once work on it has begun."""
    start = time.monotonic()
    line = command("analyze", video, "-o", out)
    process = subprocess.Popen(
        line, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (out / ".eyeline" / video.stem).exists() and process.poll() is None:
        time.sleep(0.01)
    change()
    written, errors = process.communicate(timeout=900)
    return Ended(process.returncode, written, errors, time.monotonic() - start)

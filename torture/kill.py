"""Batches that are killed, stopped by Ctrl-C, orphaned, and two of them in one folder."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from eyeline.export.index import foreign_files
from torture.cases import Sources
from torture.command import command, environment
from torture.figures import Figure

KILLS, VIDEOS = 5, 4
STOPS_S, ORPHANS_S = 3.0, 10.0
WAIT_S = 600.0


class Batch:
    """A batch of two jobs in a session of its own."""

    def __init__(self, videos: Path, out: Path, jobs: int = 2) -> None:
        """Begin it."""
        self.out, self._log = out, out.with_name(f"{out.name}.log")
        line = command("analyze", videos, "-o", out, "--no-video", "--jobs", str(jobs))
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                line, env=environment(), stdout=log, stderr=log, start_new_session=True
            )

    @property
    def text(self) -> str:
        """What it wrote."""
        return self._log.read_text("utf-8", "replace")

    def finished(self) -> list[Path]:
        """Folders that bear the name of a result."""
        return visible(self.out)

    def until(self, reached: Callable[[], bool], limit_s: float = WAIT_S) -> None:
        """Wait for something, but not longer than the batch lasts."""
        end = time.monotonic() + limit_s
        while self.process.poll() is None and not reached() and time.monotonic() < end:
            time.sleep(0.02)

    def alive(self) -> list[int]:
        """Processes of its session."""
        result = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                result.append(int(stat.parent.name))
        return result

    def kill(self) -> None:
        """End all of its processes at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def trial(work: Path) -> Iterator[Figure]:
    """Compare what they leave with a batch that nobody disturbed."""
    videos = copies(work, VIDEOS)
    undisturbed, start = Batch(videos, work / "undisturbed"), time.monotonic()
    code = undisturbed.process.wait()
    names = [path.name for path in undisturbed.finished()]
    holds = code == 0 and len(names) == VIDEOS
    taken_s = time.monotonic() - start
    yield Figure("undisturbed", f"{VIDEOS} done", f"exit {code}, {len(names)} done", holds, taken_s)
    reference = hashes(work / "undisturbed")
    yield killed(videos, work / "killed", reference)
    yield _interrupted(videos, work / "all interrupted", os.killpg)
    yield _interrupted(videos, work / "parent interrupted", os.kill)
    yield _orphaned(videos, work / "orphaned")
    yield _two(videos, work / "two", reference)


def copies(work: Path, count: int) -> Path:
    """A folder with so many videos of 3 s."""
    videos, sources = work / "videos", Sources(work)
    videos.mkdir()
    for number in range(count):
        shutil.copy(sources.whole, videos / f"{number}.mp4")
    return videos


def killed(videos: Path, out: Path, reference: dict[str, str]) -> Figure:
    """Kill a batch at random moments, begin it again, and compare what it leaves."""
    rng, start, faults, kills = random.Random(1), time.monotonic(), [], 0
    for _ in range(KILLS):
        before = inodes(out)
        batch = Batch(videos, out)
        batch.until(lambda: (out / ".eyeline").exists())
        batch.until(partial(_more, out, len(before)), rng.uniform(0, 20))
        time.sleep(rng.uniform(0, 1))
        kills += batch.process.poll() is None
        if batch.process.poll() is None:
            batch.kill()
        faults += half_written(out) + _again(before, inodes(out))
    before = inodes(out)
    code = Batch(videos, out).process.wait()
    faults += half_written(out) + _again(before, inodes(out))
    faults += [f"exit {code}"] if code else []
    faults += [
        f"{name} differs" for name, value in hashes(out).items() if value != reference.get(name)
    ]
    faults += ["leaves .eyeline"] if (out / ".eyeline").exists() else []
    outcome = "; ".join([f"{kills} kills", *(faults or ["the same bytes"])])
    return Figure(
        "kill -9 and begun again",
        "the same bytes, none twice",
        outcome,
        not faults,
        time.monotonic() - start,
    )


def _interrupted(videos: Path, out: Path, send: Callable[[int, int], None]) -> Figure:
    batch = Batch(videos, out)
    batch.until(lambda: bool(batch.finished()))
    known = {path.name for path in [*batch.finished(), *_hidden(out)]}
    start = time.monotonic()
    send(batch.process.pid, signal.SIGINT)
    code = batch.process.wait(WAIT_S)
    took_s = time.monotonic() - start
    time.sleep(1)
    begun = [path.name for path in batch.finished() if path.name not in known]
    faults = [f"begins {name}" for name in begun] + half_written(out)
    faults += [f"exit {code}"] if code != 130 else []
    faults += ["traceback"] if "Traceback" in batch.text else []
    faults += [f"{len(batch.alive())} processes left"] if batch.alive() else []
    faults += ["leaves .eyeline"] if (out / ".eyeline").exists() else []
    faults += [f"after {took_s:.1f} s"] if took_s > STOPS_S else []
    outcome = "; ".join([f"exit {code} after {took_s:.1f} s", *faults])
    subject = "Ctrl-C to all processes" if send is os.killpg else "Ctrl-C to the parent alone"
    return Figure(subject, f"exit 130 within {STOPS_S:g} s", outcome, not faults, took_s)


def _orphaned(videos: Path, out: Path) -> Figure:
    batch = Batch(videos, out)
    batch.until(lambda: bool(batch.finished()))
    start = time.monotonic()
    os.kill(batch.process.pid, signal.SIGKILL)
    batch.process.wait()
    while batch.alive() and time.monotonic() - start < ORPHANS_S:
        time.sleep(0.1)
    left, took_s = batch.alive(), time.monotonic() - start
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    outcome = f"{len(left)} processes after {took_s:.1f} s"
    faults = half_written(out)
    holds = not left and not faults
    return Figure(
        "the parent alone is killed",
        "no process is left",
        "; ".join([outcome, *faults]),
        holds,
        took_s,
    )


def _two(videos: Path, out: Path, reference: dict[str, str]) -> Figure:
    start = time.monotonic()
    first, second = Batch(videos, out, 1), Batch(videos, out, 1)
    codes = [batch.process.wait() for batch in (first, second)]
    done = first.text.count(": ok")  # they share a log
    faults = [f"exits {codes}"] if any(codes) else []
    faults += [f"{done} of {VIDEOS} done"] if done != VIDEOS else []
    faults += ["other bytes"] if hashes(out) != reference else []
    outcome = "; ".join(faults) or f"{done} done, the same bytes"
    expected = "each video once, the same bytes"
    return Figure(
        "two commands in one folder", expected, outcome, not faults, time.monotonic() - start
    )


def visible(out: Path) -> list[Path]:
    """Folders in an output folder whose names do not begin with a dot."""
    return sorted(p for p in out.iterdir() if p.name[0] != ".") if out.is_dir() else []


def _hidden(out: Path) -> list[Path]:
    hidden = out / ".eyeline"
    return sorted(hidden.iterdir()) if hidden.is_dir() else []


def half_written(out: Path) -> list[str]:
    """Visible folders that are not what their index lists, byte by byte."""
    faults = []
    for folder in visible(out):
        try:
            wrong = foreign_files(folder)
        except Exception as error:  # noqa: BLE001 whatever is wrong with it
            wrong = [str(error)]
        faults += [f"{folder.name} is half written: {wrong}"] if wrong else []
    return faults


def inodes(out: Path) -> dict[str, int]:
    """What tells a result from one that took its place."""
    return {path.name: path.stat().st_ino for path in visible(out)}


def _more(out: Path, count: int) -> bool:
    return len(visible(out)) > count


def _again(before: dict[str, int], after: dict[str, int]) -> list[str]:
    return [f"{name} is done again" for name, inode in before.items() if after.get(name) != inode]


def hashes(out: Path) -> dict[str, str]:
    """SHA-256 of all files of results."""
    files = [
        path for folder in visible(out) for path in sorted(folder.rglob("*")) if path.is_file()
    ]
    return {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

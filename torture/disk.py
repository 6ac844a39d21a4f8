"""Places that cannot be written: full, read-only, forbidden, no folder, no name."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torture.cases import Sources
from torture.command import Ended, command, environment, forked
from torture.figures import Figure, skipped
from torture.judged import judged, unfinished

FRACTIONS = (0.02, 0.1, 0.3, 0.5, 0.7, 0.85, 0.95)
LARGEST_KB = (1, 20, 60)


def trial(work: Path) -> Iterator[Figure]:
    """Analyse one video into each."""
    video = Sources(work).whole
    yield from _no_folders(work, video)
    yield from _forbidden(work, video)
    for size_kb in LARGEST_KB:
        yield largest(size_kb, work / f"largest {size_kb}", video)
    yield from _full(work / "disk", video)


def largest(size_kb: int, out: Path, video: Path) -> Figure:
    """Analyse where no file may be larger than this."""
    ended = forked("analyze", video, "-o", out, file_kb=size_kb)
    subject = f"files up to {size_kb} kB"
    return judged(subject, ended, codes=(1,), words="too large", faults=unfinished(out))


def _no_folders(work: Path, video: Path) -> Iterator[Figure]:
    mine = work / "mine"
    mine.write_text("mine")
    places = {
        "a file": mine,
        "below a file": mine / "x",
        "/dev/null": "/dev/null",
        "a name of 300 letters": work / ("n" * 300),
    }
    for what, out in places.items():
        ended = forked("analyze", video, "-o", out, "--no-video")
        lost = [] if mine.read_text() == "mine" else ["a file of the user's is changed"]
        yield judged(f"-o is {what}", ended, faults=lost)


def _forbidden(work: Path, video: Path) -> Iterator[Figure]:
    out, secret = work / "forbidden", Path(shutil.copy(video, work / "secret.mp4"))
    out.mkdir(mode=0o555)
    secret.chmod(0)
    for what, arguments in (
        ("-o may not be written", (video, "-o", out)),
        ("the video may not be read", (secret, "-o", work / "of a secret")),
    ):
        ended = _without_rights("analyze", *arguments, "--no-video")
        yield judged(what, ended, codes=(1,)) if ended else skipped(what, "root without setpriv")


def _without_rights(*arguments: str | Path) -> Ended | None:
    """A command that permissions hold for, even if this process is root's."""
    bounded = (
        ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if not os.geteuid() else []
    )
    if bounded and not shutil.which("setpriv"):
        return None
    done = subprocess.run(
        [*bounded, *command(*arguments)], env=environment(), capture_output=True, text=True
    )
    return Ended(done.returncode, done.stdout, done.stderr, 0)


def _full(disk: Path, video: Path) -> Iterator[Figure]:
    disk.mkdir()
    try:
        with _mounted(disk, "size=64m"):
            ended = forked("analyze", video, "-o", disk)
            size_kb = sum(p.stat().st_size for p in disk.rglob("*") if p.is_file()) // 1024
        yield judged("a disk of 64 MB", ended, codes=(0,))
    except (OSError, subprocess.CalledProcessError):
        yield skipped("a full disk", "no file system may be mounted here")
        return
    for fraction in FRACTIONS:
        with _mounted(disk, f"size={max(8, int(size_kb * fraction))}k"):
            ended = forked("analyze", video, "-o", disk)
            left = unfinished(disk)
        subject = f"full at {fraction:.0%} of {size_kb} kB"
        yield judged(subject, ended, codes=(1,), words="No space left", faults=left)
    with _mounted(disk, "size=4m,ro"):
        ended = forked("analyze", video, "-o", disk)
    yield judged("a read-only disk", ended, codes=(1,), words="Read-only")


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[None]:
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)

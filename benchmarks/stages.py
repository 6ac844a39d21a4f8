"""Where the processor time of `analyze` goes, by stage, sampled by py-spy (`pip install py-spy`).

`python -m benchmarks.stages FOLDER [OPTION ...]` prints a table of stages and writes the sampled
stacks to FOLDER/analyze.folded, for viewers of flame graphs (speedscope, flamegraph.pl). Options,
such as `--rate 5`, go to `analyze`.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

STAGES = {
    "start": ("<frozen importlib", "_predictor (", "InferenceSession.__init__ ("),
    "detection": ("CenterFace.detect (",),
    "landmarks": ("Landmarker.find (", "cut_chip ("),
    "irises": ("Locator.__call__ (", "measure (eyeline/people/eyes.py"),
    "head and eye networks": ("HeadNetwork.__call__ (", "EyeNetwork.__call__ ("),
    "split screens": ("PaneFinder._end_shot (",),
    "decoding": ("_step (eyeline/video/decode.py", "Pass.frames ("),
    "colour conversion": ("Pixels.",),
    "cuts": ("mark_shots (",),
    "lips": ("read_lips (",),
    "voice": ("_listen (", "_choose_audio ("),
    "poses and tracks": ("tracks (eyeline/people/assemble.py",),
    "systems": ("_run (eyeline/analysis.py",),
    "drawing": ("_drawn (",),
    "encoding": ("VideoWriter.",),
    "tables and report": ("write (eyeline/jobs.py",),
}
"""Functions by which a stack belongs to a stage; of several the first stage counts."""
WAITING = ("wait (threading.py", "_worker (concurrent")
"""Innermost functions of a thread that waits."""


def by_stage(folded: Iterable[str]) -> dict[str, float]:
    """Fraction of the samples in each stage, most first; threads that wait do not count."""
    counts: Counter[str] = Counter()
    for line in folded:
        stack, _, count = line.rpartition(" ")
        if not any(name in stack.rpartition(";")[2] for name in WAITING):
            counts[_stage(stack)] += int(count)
    return {name: round(n / counts.total(), 3) for name, n in counts.most_common()}


def _stage(stack: str) -> str:
    return next((s for s, names in STAGES.items() if any(n in stack for n in names)), "other")


def record(video: Path, folder: Path, options: Iterable[str]) -> Path:
    """Sample one run of `analyze`; the stacks, one a line with its count."""
    folder.mkdir(parents=True, exist_ok=True)
    stacks = folder / "analyze.folded"
    command = [sys.executable, "-m", "eyeline", "analyze", str(video), "-o", str(folder)]
    sampler = ["py-spy", "record", "--rate", "50", "--format", "raw", "--output", str(stacks), "--"]
    subprocess.run([*sampler, *command, *options], check=True, stdout=subprocess.DEVNULL)
    return stacks


def main() -> None:
    """Print the table."""
    from benchmarks.clips import clip

    if len(sys.argv) < 2:
        sys.exit(__doc__)
    stacks = record(clip(), Path(sys.argv[1]), sys.argv[2:])
    for name, fraction in by_stage(stacks.read_text().splitlines()).items():
        print(f"{name:24s} {100 * fraction:5.1f} %")


if __name__ == "__main__":
    main()

"""The published metric against ours in the same run; part of `benchmarks.gaze_anticipation`.

The published way is told by its specification: rescaled maps of the whole test set are gathered,
compared with all thresholds at once, and counted; ours streams a byte a cell and counts more.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np

from benchmarks.pairs import median_ms, pair

SPEC_MS = 96
"""What the published code took for `SPEC_CLIPS` clips on two cores of another machine."""
SPEC_CLIPS, FRAMES = 24, 8
ALL_FRAMES = 10_000

_VIDEOS = 7


def scores(frames: int = ALL_FRAMES, repeat: int = 7) -> dict[str, object]:
    """The metric of the specification's clips in both ways, and ours of many frames.

    Args:
        frames: how many those are.
        repeat: times each way is measured.

    Returns:
        Milliseconds and their ratio; `difference` of the best F1; of many frames milliseconds and
        the most megabytes at once, beside what the three arrays of the
        published way would hold.
    """
    few = made_up(SPEC_CLIPS * FRAMES)
    result = pair(lambda: published(*few), lambda: ours(*few), repeat, spec_ms=SPEC_MS)
    apart = abs(published(*few)["f1"] - ours(*few)["f1"])
    piece = made_up(512)
    return result | {
        "difference": float(f"{apart:.1e}"),
        "frames": frames,
        "frames_ms": median_ms(lambda: _streamed(piece, frames), 3),
        "frames_mb": _most_mb(piece, frames),
        "published_frames_mb": round(3 * 4 * 31 * frames * 4096 / 2**20),
    }


def made_up(frames: int) -> tuple[Any, Any]:
    """Distributions over maps with a bump each, and places that are looked at."""
    rng = np.random.default_rng(0)
    place = rng.uniform(0.1, 0.9, (frames, 2))
    grid = np.arange(64) / 64
    off = place + rng.normal(0, 0.05, place.shape)
    bump = [np.exp(-0.5 * ((grid - off[:, axis, None]) / 0.08) ** 2) for axis in (0, 1)]
    maps = bump[1][:, :, None] * bump[0][:, None] + 0.02 * rng.random((frames, 64, 64))
    maps /= maps.sum((1, 2), keepdims=True)
    return maps.astype(np.float32), place


def published(maps: Any, place: Any) -> dict[str, float]:
    """All maps against all thresholds at once, in 32 bits."""
    import torch

    from eyeline.systems.gaze_anticipation.inputs import LABELLED, heatmaps
    from eyeline.systems.gaze_anticipation.scoring.levels import sweep

    label = (torch.from_numpy(heatmaps(place)) > LABELLED).float()
    given = torch.from_numpy(maps)
    least, most = given.amin((1, 2), keepdim=True), given.amax((1, 2), keepdim=True)
    value = (given - least) / (most - least + 1e-6)
    thresholds = torch.from_numpy(sweep("ego4d", "anticipation")).float()
    above = (value[None] > thresholds[:, None, None, None]).float()
    hit = (above * label[None]).sum((2, 3))
    recall = (hit / (label.sum((1, 2)) + 1e-6)).mean(1)
    precision = (hit / (above.sum((2, 3)) + 1e-6)).mean(1)
    f1 = 2 * recall * precision / (recall + precision + 1e-6)
    return {"f1": float(f1.max()), "threshold": float(thresholds[f1.argmax()])}


def ours(maps: Any, place: Any) -> dict[str, float]:
    """One histogram a map; 255 thresholds, AUC and distances."""
    from eyeline.systems.gaze_anticipation.report import adaptive
    from eyeline.systems.gaze_anticipation.scoring.accumulator import Accumulator
    from eyeline.systems.gaze_anticipation.scoring.levels import sweep

    accumulator = Accumulator(_VIDEOS, FRAMES)
    _add(accumulator, maps, place)
    return adaptive(accumulator.means((0,)), sweep("ego4d", "anticipation"))


def _add(accumulator: Any, maps: Any, place: Any) -> None:
    from eyeline.systems.gaze_anticipation.scoring.evaluator import labelled
    from eyeline.systems.gaze_anticipation.scoring.levels import levels, rescaled
    from eyeline.systems.gaze_anticipation.scoring.outputs import peaks

    number = np.arange(len(maps))
    distance = np.linalg.norm(peaks(maps)[0] - place, axis=1)
    kind = np.zeros(len(maps), np.int64)
    accumulator.add(
        number // FRAMES % _VIDEOS,
        number % FRAMES,
        kind,
        levels(rescaled(maps)),
        labelled(place, maps.shape[1]),
        distance,
    )


def _most_mb(piece: tuple[Any, Any], frames: int) -> float:
    """Most memory at once, beside the maps that come in."""
    tracemalloc.start()
    _streamed(piece, frames)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return round(most / 2**20, 1)


def _streamed(piece: tuple[Any, Any], frames: int) -> None:
    """Scores of many frames that come in pieces."""
    from eyeline.systems.gaze_anticipation.scoring.accumulator import Accumulator

    accumulator = Accumulator(_VIDEOS, FRAMES)
    for start in range(0, frames, len(piece[0])):
        count = min(len(piece[0]), frames - start)
        _add(accumulator, piece[0][:count], piece[1][:count])


def main() -> None:
    """Print the figures."""
    import json

    import torch

    torch.set_num_threads(1)
    print(json.dumps(scores(), indent=2))


if __name__ == "__main__":
    main()

"""How often joined images are distinguished from images of one camera; `docs/accuracy.md`.

python scripts/measure_panes.py CLIPS/*.mp4
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from eyeline.people.panes import LONGEST_PX, MOST, panes_of
from eyeline.video.reader import VideoReader

Images = npt.NDArray[np.float32]


def main() -> None:
    """Print what is found in clips, in pairs and in squares of four of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs="+")
    clips = {path.stem: sampled(path) for path in parser.parse_args().clips}
    for name, images in clips.items():
        print(f"{name}: {len(panes_of(images))} parts; turned {len(panes_of(turned(images)))}")
    pairs = [
        len(panes_of(joined(a, b, gap_px)))
        for a, b in itertools.permutations(clips.values(), 2)
        for gap_px in (0, 3)
    ]
    print(f"pairs of clips side by side: {pairs.count(2)} of {len(pairs)} are two parts")
    fours = itertools.islice(itertools.permutations(clips.values(), 4), 0, None, 171)
    squares = [
        len(panes_of(np.concatenate([joined(a, b, 0), joined(c, d, 0)], axis=1)))
        for a, b, c, d in fours
    ]
    print(f"four clips in a square: {squares.count(4)} of {len(squares)} are four parts")


def sampled(path: Path) -> Images:
    """`MOST` small images of a clip."""
    images = []
    for frame in VideoReader(path, rate_hz=4):
        scale = LONGEST_PX / max(frame.size_wh)
        images.append(frame.small_rgb(*(round(n * scale) for n in frame.size_wh)))
    chosen = np.linspace(0, len(images) - 1, MOST).astype(int)
    return np.stack([images[i] for i in chosen]).astype(np.float32)


def turned(images: Images) -> Images:
    """Lying on the side."""
    return np.ascontiguousarray(images.swapaxes(1, 2))


def joined(left: Images, right: Images, gap_px: int) -> Images:
    """The centres of two clips side by side, perhaps with a white line between."""
    parts = [half(left), *[np.full((MOST, 180, gap_px, 3), 255, np.float32)], half(right)]
    return np.concatenate(parts, axis=2)


def half(images: Images) -> Images:
    """The centre of a clip as 160 x 180 pixels."""
    height, width = images.shape[1:3]
    wide = min(width, round(height * 8 / 9))
    start = (width - wide) // 2
    return np.stack([cv2.resize(i[:, start : start + wide], (160, 180)) for i in images])


if __name__ == "__main__":
    main()

"""Whether something covers a mouth: edges of its patch, weighed by a small linear model.

The weights were fitted by `scripts/fit_speech.py`; see `docs/accuracy.md`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from eyeline.results import Floats, Image

WEIGHTS = Path(__file__).parent / "weights" / "covered.npz"

_CELL, _DIRECTIONS = 8, 9
_FAINT = 200.0  # added to the length of a block, so that the noise of flat cloth stays small


def edges(image: Image) -> Floats:
    """Histograms `(720,)` of oriented gradients of a patch `(40, 48)`.

    Cells of 8 x 8 pixels, nine directions without sign, blocks of 2 x 2 cells scaled to length one.
    """
    down, right = np.gradient(image.astype(np.float64))
    place = np.arctan2(down, right) % np.pi / np.pi * _DIRECTIONS
    strength, low = np.hypot(down, right), np.floor(place)
    rows, columns = (n // _CELL for n in image.shape)
    y, x = np.indices(image.shape) // _CELL
    cells = np.zeros(rows * columns * _DIRECTIONS)
    for step in (0, 1):
        fraction = strength * np.abs(1 - step - (place - low))
        bins = (y * columns + x) * _DIRECTIONS + ((low + step) % _DIRECTIONS).astype(np.int64)
        cells += np.bincount(bins.ravel(), fraction.ravel(), len(cells))
    cells = cells.reshape(rows, columns, _DIRECTIONS)
    corners = [cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]]
    blocks = np.concatenate(corners, axis=-1)
    blocks /= np.linalg.norm(blocks, axis=-1, keepdims=True) + _FAINT
    return blocks.ravel()


def covered_probability(image: Image) -> float:
    """Probability that the mouth in a patch `(40, 48)` is covered."""
    weight, bias = _weights()
    return float(1 / (1 + np.exp(-(edges(image) @ weight + bias))))


@cache
def _weights() -> tuple[Floats, float]:
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return stored["weight"].astype(np.float64), float(stored["bias"])

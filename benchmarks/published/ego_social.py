"""The published way of `ego_social`, written anew from its description, to compare with.

Every window sees its seven frames anew and all at once, with batch norms and activations one by
one, and is read from seven images in full size; tables are joined by a text for each row.
"""

from __future__ import annotations

import copy
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eyeline.results import Floats, Image

MEAN_RGB, STD_RGB = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def published(network: Any) -> Any:
    """A copy of a network of ours that sees any number of frames at once."""
    created = copy.deepcopy(network)
    created.encoder.at_once = 10**9
    return created


def step(network: Any, weights: Sequence[float]) -> Any:
    """What trains a network by one batch of inputs and a label, and tells the loss."""
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), 5e-4)
    device = next(network.parameters()).device
    criterion = torch.nn.CrossEntropyLoss(torch.tensor(weights, device=device))

    def once(*given: Tensor) -> float:
        optimizer.zero_grad()
        loss = criterion(network(*given[:-1]), given[-1])
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return once


def window(folder: Path, boxes: Mapping[int, Floats], centre: int) -> Tensor:
    """The window `(7, 3, 224, 224)` about a frame, from images `img_%05d.jpg`."""
    frames = [_crop(folder, boxes, frame) for frame in range(centre - 3, centre + 4)]
    if any(frame is None for frame in frames):
        frames = _padded(frames)
    return torch.stack([_tensor(frame) for frame in frames])


def _crop(folder: Path, boxes: Mapping[int, Floats], frame: int) -> Image | None:
    import cv2

    path = folder / f"img_{frame:05d}.jpg"
    if frame not in boxes or not path.is_file():
        return None
    stored = cv2.imread(str(path))
    assert stored is not None, path
    image = cv2.cvtColor(stored, cv2.COLOR_BGR2RGB)
    left, top, right, bottom = (int(side) for side in boxes[frame])
    return np.asarray(cv2.resize(image[top:bottom, left:right], (224, 224)), np.uint8)


def _padded(frames: Sequence[Image | None]) -> list[Image | None]:
    centre = len(frames) // 2
    rest: list[Image | None] = [f for f in frames if f is not None]
    before = sum(f is None for f in frames[:centre])
    after = sum(f is None for f in frames[centre + 1 :])
    return [rest[0]] * before + rest + [rest[-1]] * after


def _tensor(frame: Image | None) -> Tensor:
    assert frame is not None
    scaled = torch.from_numpy(frame).permute(2, 0, 1).contiguous().float().div(255)
    mean, std = (torch.tensor(v)[:, None, None] for v in (MEAN_RGB, STD_RGB))
    return (scaled - mean) / std


def mean_ap(predictions: Path, truth: Path) -> float:
    """Mean of both classes' average precision, in [0, 1], rows joined by their texts.

    The original reads and joins with pandas, which may not be here; csv and a dict stand for it.
    """
    label: dict[str, int] = {}
    with truth.open(newline="") as file:
        for row in csv.reader(file):
            label.setdefault(f"{row[0]}:{row[1]}:{row[6]}", int(row[7]))
    score: dict[str, float] = {}
    with predictions.open(newline="") as file:
        for row in csv.reader(file):
            score.setdefault(f"{row[0]}:{row[1]}:{row[6]}", float(row[8]))
    given = np.array([label[name] for name in score])
    value = np.array(list(score.values()))
    return (_average(1 - given, 1 - value) + _average(given, value)) / 2


def _average(label: Floats, score: Floats) -> float:
    hits = np.cumsum(label[np.argsort(-score, kind="stable")])
    precision = np.concatenate([[0], hits / np.arange(1, len(hits) + 1), [0]])
    recall = np.concatenate([[0], hits / hits[-1], [1]])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.flatnonzero(np.diff(recall))
    return float(((recall[at + 1] - recall[at]) * precision[at + 1]).sum())

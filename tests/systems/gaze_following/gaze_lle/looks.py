"""Tiny data sets in the published text forms, with images, and networks of their size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from eyeline.systems.gaze_following.gaze_lle import model
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard

SIZE = (160, 120)
HEADS = ((10, 10, 40, 46), (110, 12, 146, 50))
"""Of two people."""
POINTS = (((120, 30), (25, 30)), ((60, 100), (62, 98)), ((130, 80), None), ((30, 90), (140, 100)))
"""By frame and person, where they look; None out of the image. In the first at each other."""


def write_image(path: Path, number: int) -> None:
    """An image that shows its number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
    pixels = np.kron(blocks, np.ones((20, 20, 1), np.uint8))
    Image.fromarray(pixels).save(path)


def write_attention_target(root: Path, part: str = "train", clips: int = 2) -> Path:
    """VideoAttentionTarget."""
    for clip in (f"Show/{n}" for n in range(clips)):
        for number in range(len(POINTS)):
            write_image(root / "images" / clip / f"{number:08d}.jpg", number)
        for person, head in enumerate(HEADS):
            rows = [
                ",".join(map(str, (f"{n:08d}.jpg", *head, *(pair[person] or (-1, -1)))))
                for n, pair in enumerate(POINTS)
            ]
            path = root / "annotations" / part / clip / f"s{person:02d}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(rows) + "\n")
    return root


CHILDPLAY = (
    "clip,frame,person_id,bbox_x,bbox_y,bbox_width,bbox_height,gaze_class,gaze_x,gaze_y,is_child"
)


def write_childplay(root: Path, part: str = "test", *rows: str) -> Path:
    """ChildPlay, with further rows if wanted."""
    clip, lines = "a_b_c_100-103", [CHILDPLAY]
    for number, pair in enumerate(POINTS):
        write_image(root / "images" / clip / f"a_b_c_{100 + number}.jpg", number)
        for person, (head, point) in enumerate(zip(HEADS, pair, strict=True)):
            x, y, right, bottom = head
            kind = "inside_visible" if point else "outside_frame"
            cells = (clip, number + 1, person + 1, x, y, right - x, bottom - y, kind)
            lines.append(",".join(map(str, (*cells, *(point or (-1, -1)), 1 - person))))
    path = root / "annotations" / part / f"{clip}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, *rows]) + "\n")
    return root


def write_gazefollow(root: Path) -> Path:
    """GazeFollow's training text, one look an image; the last one leaves the image."""
    rows = []
    for number, (point, _) in enumerate(POINTS):
        write_image(root / "train" / f"{number}.jpg", number)
        x, y = np.array(point) / SIZE
        cells = (f"train/{number}.jpg", number, 0, 0, 1, 1, 0.15, 0.2, x, y, *HEADS[0])
        rows.append(",".join(map(str, (*cells, int(number < 3), "a", "b"))))
    (root / "train_annotations_release.txt").write_text("\n".join(rows) + "\n")
    return root


ENCODER = {"width": 64, "depth": 1, "grid": 8}
DECODER = {"encoder_width": 64, "width": 32, "depth": 1, "grid": 8}


def saved_encoder(folder: Path) -> Path:
    """A file of an encoder with random weights."""
    torch.manual_seed(0)
    card = CheckpointCard("gaze_following", "dinov2", ENCODER)
    checkpoint.save(folder / "dinov2.safetensors", model.dinov2(**ENCODER).state_dict(), card)
    return folder / "dinov2.safetensors"


def changes(encoder: Path, *more: str) -> list[str]:
    """Of a recipe, for networks of this size and images as they are."""
    sizes = [f"model.{name}={value}" for name, value in DECODER.items()]
    still = [f"data.{name}=0" for name in ("crop", "mirror", "jitter", "workers")]
    return [*sizes, *still, f"data.encoder={encoder}", "training.batch_size=8", *more]

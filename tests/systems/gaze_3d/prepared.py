"""Prepared folders as the authors have them, written by tests."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.systems.gaze_3d.conftest import Array


def original_annotation(
    frame: npt.ArrayLike, head_box: npt.ArrayLike, body_box: npt.ArrayLike, **other: Any
) -> dict[str, Any]:
    """What `annotation.pickle` holds, directions drawn by the number of frames."""
    frame = np.asarray(frame)
    rng = np.random.default_rng(len(frame))
    vectors = rng.standard_normal((3, len(frame), 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    content = {
        "keypoins": np.ones((len(frame), 25, 3)), "index": frame,
        "bodys": vectors[0], "heads": vectors[1], "gazes": vectors[2],
        "body_pos": vectors[0], "head_pos": vectors[1],
        "head_bb": list(np.asarray(head_box)), "body_bb": list(np.asarray(body_box)),
        "R_cam": np.eye(3, dtype=np.float32), "t_cam": np.zeros(3, np.float32),
    }  # fmt: skip
    return content | other


def write_original(folder: Path, content: dict[str, Any], jpeg: bytes | None) -> None:
    """A camera's folder, each crop the same, or without crops."""
    folder.mkdir(parents=True)
    (folder / "annotation.pickle").write_bytes(pickle.dumps(content))
    for number in content["index"] if jpeg else ():
        (folder / f"{number:06d}.jpg").write_bytes(jpeg or b"")


def write_golden(root: Path, known: dict[str, Array]) -> None:
    """The four cameras of `loader.npz`; the crops of its window are its own, all others one."""
    for key in [k for k in known if k.endswith("|index")]:
        camera = key.removesuffix("|index")
        content = original_annotation(
            known[key], known[f"{camera}|head_bb"], known[f"{camera}|body_bb"]
        )
        if camera == "lab__s1__Camera2_0":
            start = int(known["item1_start"])
            content["gazes"][start : start + 7] = known["item1_gaze_dir"]
        write_original(root / camera.replace("__", "/"), content, known["item1_jpeg_0"].tobytes())
    folder, start = root / "lab/s1/Camera2_0", int(known["item1_start"])
    for i, number in enumerate(known["lab__s1__Camera2_0|index"][start : start + 7]):
        (folder / f"{number:06d}.jpg").write_bytes(known[f"item1_jpeg_{i}"].tobytes())

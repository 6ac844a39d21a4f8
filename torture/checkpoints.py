"""Checkpoints with names and shapes of published ones: imported bit for bit, and out as ONNX."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

import eyeline as package
from torture.command import Ended, forked
from torture.figures import Figure, skipped
from torture.hostile import REFERENCE, state

PUBLISHED = (
    ("ecs", "eye_contact", "ms_tcn2_11_10_4_64_2048_2", "model_state"),
    ("ecs", "eye_contact", "xgaze_resnet50", "model_state"),
    ("gafa", "gaze_3d", "GazeNet(n_frames=7)", "state_dict"),
    ("ego4d_social", "ego_social", "lam_baseline_lstm", "state_dict"),
    ("ego4d_social", "ego_social", "lam_gaze_lstm_single_head", "state_dict"),
    ("ego4d_social", "ego_social", "gaze360_lstm", "state_dict"),
    ("ego4d_social", "ego_social", "ttm_baseline_lstm", "state_dict"),
    ("vgs", "gaze_following", "syncnet", None),
    ("vgs", "gaze_following", "mask_rcnn_x101_32x4d_fpn", "state_dict"),
    ("csts", "gaze_anticipation", "CSTS_kldiv", "model_state"),
    ("csts", "gaze_anticipation", "CSTS_kldiv+egonce", "model_state"),
)
"""Folder of the reference, system, model, and the name that wraps its tensors."""
OFF = 1e-5
"""Of the largest number of an output: what ONNX Runtime may differ by."""


def trial(work: Path) -> Iterator[Figure]:
    """Random numbers of their names and shapes go in; the same must come out."""
    if not REFERENCE.is_dir():
        yield skipped("published checkpoints", "their names and shapes are not at hand")
        return
    for folder, system, model, wrapper in PUBLISHED:
        theirs, ours = work / "theirs.pth", work / "ours.safetensors"
        whole = state(folder, model)
        named = {f"module.{name}": tensor for name, tensor in whole.items()}
        torch.save({wrapper: named, "epoch": 3} if wrapper else whole, theirs)
        ended = forked("import", system, theirs, "-o", ours)
        yield _placed(f"{system}: {model}", ended, whole, ours)
        if ended.code == 0:
            yield _exported(f"{system}: {model} as ONNX", system, ours, work / "ours.onnx")


def _placed(subject: str, ended: Ended, whole: Mapping[str, torch.Tensor], ours: Path) -> Figure:
    if ended.code != 0:
        return Figure(subject, "imported", ended.last, False, ended.seconds)
    report, got = json.loads(ended.out), prints(load_file(ours).values())
    given = prints(whole.values())
    lost, more = (given - got).total(), (got - given).total()
    left = len(report["left_out"])
    outcome = f"{report['tensors']} of {len(whole)} tensors, {left} left out, {more} not theirs"
    expected = "each bit for bit or left out by name"
    return Figure(subject, expected, outcome, lost <= left and not more, ended.seconds)


def prints(tensors: Iterable[torch.Tensor]) -> Counter[tuple[Any, ...]]:
    """How often there is a tensor of this shape, type and content."""
    return Counter(
        (tuple(t.shape), t.dtype, hashlib.sha256(t.contiguous().numpy().tobytes()).hexdigest())
        for t in tensors
    )


def _exported(subject: str, system: str, ours: Path, onnx: Path) -> Figure:
    onnx.unlink(missing_ok=True)
    ended = forked("export", system, "--weights", ours, "-o", onnx)
    if ended.code != 0:
        return Figure(subject, "exported", ended.last, False, ended.seconds)
    start = time.monotonic()
    try:
        off = _difference(onnx, ours)
    except (RuntimeError, ValueError, TypeError) as error:
        return skipped(f"{subject}, compared", f"{type(error).__name__}: {error}"[:120])
    seconds = ended.seconds + time.monotonic() - start
    return Figure(subject, f"within {OFF:g} of the largest", f"{off:.1e}", off <= OFF, seconds)


def _difference(onnx: Path, ours: Path) -> float:
    """Greatest difference of the outputs, each by its largest number."""
    import onnxruntime

    from eyeline.runtimes import write

    network = write.Chained(package.load_model(str(ours)))
    inputs = write.example(network.interface)
    session = onnxruntime.InferenceSession(str(onnx))
    names = network.interface.inputs
    theirs = session.run(None, {n: x.numpy() for n, x in zip(names, inputs, strict=True)})
    with torch.inference_mode():
        mine = [output.numpy() for output in network(*inputs)]
    return max(_off(a, b) for a, b in zip(theirs, mine, strict=True))


def _off(theirs: np.ndarray, ours: np.ndarray) -> float:
    known = np.isfinite(ours)
    return float(np.abs(theirs - ours)[known].max() / max(np.abs(ours[known]).max(), 1e-30))

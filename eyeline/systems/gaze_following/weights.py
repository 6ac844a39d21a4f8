"""The authors' files become ours: SyncNet, the detector, the slope of the gaze.

Which of the three networks a file is for is read off its content, never off its name.
"""

from __future__ import annotations

from pathlib import Path

from eyeline.errors import CheckpointError
from eyeline.speech.syncnet import weights as syncnet
from eyeline.training.checkpoint import CheckpointCard, Imported, existing

SYSTEM = "gaze_following"

_TORCH = (b"PK", b"\x80\x02\x8a\nl\xfc\x9cF\xf9")
"""Beginnings of PyTorch's files: the zip of today, and the number that old ones open with."""


def import_original(path: Path | str) -> Imported:
    """Read one of the authors' files: `syncnet_v2.model`, mmdetection's `.pth`, `model_mlp.m`.

    Nothing in the file is executed.

    Raises:
        CheckpointError: no such file, or one whose content is not that of the network it looks
            like; the message names what differs.
    """
    if not _is_torch(existing(path)):
        from eyeline.systems.gaze_following.matching import joblib_mlp

        return joblib_mlp.import_original(path)
    if is_syncnet(path):
        return import_syncnet(path)
    from eyeline.systems.gaze_following.detector import weights as detector

    return detector.import_original(path)


def import_syncnet(path: Path | str) -> Imported:
    """The authors' `syncnet_v2.model`; errors as of `speech.syncnet.weights.read_original`."""
    state = syncnet.read_original(path)
    return Imported(CheckpointCard(SYSTEM, syncnet.BUILDER, {}, licence=syncnet.LICENCE), state)


def is_syncnet(path: Path | str) -> bool:
    """Whether a PyTorch file's entries are named like SyncNet's; False for an unreadable one."""
    from eyeline.training.foreign import load_foreign

    try:
        return syncnet.is_original(load_foreign(path, inert=True))
    except CheckpointError:
        return False


def _is_torch(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16).startswith(_TORCH)

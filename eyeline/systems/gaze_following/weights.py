"""The authors' files become ours: SyncNet, the detector, the slope of the gaze.

Which of the three networks a file is for is read off its content, never off its name.
"""

from __future__ import annotations

from pathlib import Path

from eyeline.speech.syncnet import weights as syncnet
from eyeline.training import file_kinds
from eyeline.training.checkpoint import CheckpointCard, Imported, existing
from eyeline.training.foreign import load_state

SYSTEM = "gaze_following"

_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9"
"""The number that PyTorch's old files open with."""
_JOBLIB = (b"\x80", b"\x1f\x8b", b"x\x01", b"x\x9c", b"x\xda", b"x\x5e")
"""Beginnings of joblib's files: a pickle, as it is or packed by gzip or zlib."""


def import_original(path: Path | str) -> Imported:
    """Read one of the authors' files: `syncnet_v2.model`, mmdetection's `.pth`, `model_mlp.m`.

    Nothing in the file is executed.

    Raises:
        CheckpointError: no such file, or one whose content is not that of the network it looks
            like; the message names what differs.
    """
    if _may_be_joblib(existing(path)):
        from eyeline.systems.gaze_following.matching import joblib_mlp

        return joblib_mlp.import_original(path)
    from eyeline.systems.gaze_following.detector import weights as detector

    result = load_state(path, f"SyncNet or {SYSTEM}/{detector.BUILDER} as mmdetection writes it")
    if syncnet.is_original(result.state):
        card = CheckpointCard(SYSTEM, syncnet.BUILDER, {}, licence=syncnet.LICENCE)
        return Imported(card, syncnet.place(result.state, path), result.beside)
    return detector.place(result, path)


def _may_be_joblib(path: Path) -> bool:
    """Whether it begins as a pickle, packed or not, that is none of PyTorch's."""
    with path.open("rb") as file:
        begins = file.read(16)
    other = begins.startswith(_TORCH) or file_kinds.is_safetensors(path)
    return begins.startswith(_JOBLIB) and not other

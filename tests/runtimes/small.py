"""Every network of every system, small enough for tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.system import load_system
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard

if TYPE_CHECKING:
    from torch import nn

SMALL: dict[str, dict[str, Any]] = {
    "ego_social/lam_lstm": {"width": 4, "memory": 8, "frames": 3},
    "ego_social/gaze360_lstm": {"width": 4, "memory": 8, "frames": 3, "head": "angles"},
    "ego_social/ttm": {"width": 4, "memory": 8, "voice_width": 4},
    "eye_contact/landmarks_tcn": {"channels": 6, "layers": 3, "members": 2},
    "eye_contact/xgaze_resnet50": {},
    "eye_contact/ms_tcn2": {
        "layers_prediction": 3,
        "layers_refinement": 2,
        "refinements": 1,
        "maps": 8,
        "features": 16,
    },
    "gaze_3d/gaze_from_afar": {"backbone": "small", "frames": 3},
    "gaze_3d/heads": {"width": 4},
    "gaze_3d/eyes": {"width": 4},
    "gaze_anticipation/csts": {"side": 64, "width": 8, "frames": 4, "layers": (1, 1, 1, 1)},
    "gaze_anticipation/mvit_b": {"side": 64, "width": 8, "frames": 2, "layers": (1, 1, 1, 1)},
    "gaze_following/dinov2": {"width": 64, "depth": 1, "grid": 4},
    "gaze_following/gaze_lle": {
        "encoder_width": 64,
        "in_out": True,
        "width": 16,
        "depth": 1,
        "heads": 2,
        "grid": 4,
    },
    "gaze_following/syncnet": {"narrower": 16, "features": 32},
    "gaze_following/mask_rcnn": {
        "depths": (1, 1, 1, 1),
        "stem": 8,
        "width": 16,
        "groups": 4,
        "pyramid": 16,
        "hidden": 16,
    },
    "gaze_following/matcher": {"width": 8},
    "gaze_following/slope_mlp": {"hidden": (8,)},
}


def network(name: str) -> nn.Module:
    """With random weights, in evaluation mode."""
    import torch

    torch.manual_seed(0)
    system, _, builder = name.partition("/")
    return load_system(system).networks[builder](**SMALL[name]).eval()


def weights(name: str, folder: Path) -> Path:
    """Of that network, as a file."""
    system, _, builder = name.partition("/")
    path = folder / f"{builder}.safetensors"
    arguments = {k: list(v) if isinstance(v, tuple) else v for k, v in SMALL[name].items()}
    checkpoint.save(path, network(name).state_dict(), CheckpointCard(system, builder, arguments))
    return path

"""A small encoder and decoders, as files of the authors and as ours."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from eyeline.systems.gaze_following import weights
from eyeline.systems.gaze_following.gaze_lle import model
from eyeline.training import checkpoint
from tests.systems.gaze_following.gaze_lle import drawn


def original(kind: str, width: int = drawn.SMALL["width"]) -> dict[str, torch.Tensor]:
    """The state of one of the authors' files: `dinov2`, `gaze_lle` or `gaze_lle_in_out`."""
    if kind == "dinov2":
        state = drawn.state_of(model.dinov2(width, drawn.SMALL["depth"]), but=("pos_embed",))
        state["pos_embed"] = drawn.weight("pos_embed", (1, 1 + 37**2, width))
        return state | {"mask_token": drawn.weight("mask_token", (1, width))}
    decoder = model.gaze_lle(width, in_out=kind.endswith("in_out"), width=32)
    return drawn.state_of(decoder, but=("pos_embed",))


def imported(kind: str, folder: Path, width: int = drawn.SMALL["width"]) -> Path:
    """The file of ours that comes of it."""
    torch.save(original(kind, width), folder / "theirs.pt")
    result = weights.import_original(folder / "theirs.pt")
    checkpoint.save(folder / f"{kind}_{width}.safetensors", result.state, result.card)
    return folder / f"{kind}_{width}.safetensors"


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Our files by kind."""
    folder = tmp_path_factory.mktemp("gaze_lle")
    return {kind: imported(kind, folder) for kind in ("dinov2", "gaze_lle", "gaze_lle_in_out")}

"""Deterministic weights and inputs by name, as the golden numbers of the network were made with."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from eyeline.systems.gaze_anticipation.model import GazeAnticipation, csts
from eyeline.systems.gaze_anticipation.network.original_keys import our_name

GOLDEN = Path(__file__).parent / "golden"
WHOLE, BARE = "CSTS_kldiv+egonce", "CSTS_kldiv"
KINETICS = "K400_MVIT_B_16x4_CONV_checkpoint"
SMALL: Mapping[str, Any] = {"frames": 4, "side": 64, "width": 16, "layers": (1, 1, 2, 1)}
"""A network of 1.4 million numbers with a stage of two blocks."""

Array = npt.NDArray[Any]


def golden(name: str) -> dict[str, Array]:
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


@cache
def their_shapes(which: str = WHOLE) -> dict[str, tuple[int, ...]]:
    """Of all entries of a state dict of the authors, or of the file that they begin at."""
    known = json.loads((GOLDEN / "keys.json").read_text(encoding="utf-8"))
    return {name: tuple(shape) for name, shape in known[which].items()}


def random_of(text: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(text.encode()))


def their_tensors() -> dict[str, Tensor]:
    """A state dict in the names of the authors."""
    return {name: _tensor(name, shape) for name, shape in their_shapes().items()}


def network() -> GazeAnticipation:
    """The whole one in evaluation mode, 0.75 GB."""
    with torch.device("meta"):
        created = csts()
    state = {our_name(name): value for name, value in their_tensors().items()}
    created.load_state_dict(state, assign=True)
    return created.requires_grad_().eval()


def small(seed: int = 0, **arguments: Any) -> GazeAnticipation:
    """A shrunken one whose answers vary over the image, in evaluation mode."""
    torch.manual_seed(seed)
    created = csts(**{**SMALL, **arguments})
    with torch.no_grad():
        for parameter in created.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=float(parameter[0].numel()) ** -0.5)
            else:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return created.eval()


def small_inputs(batch: int = 2, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A clip and its audio for `small`."""
    generator = torch.Generator().manual_seed(seed)
    frames, side = SMALL["frames"], SMALL["side"]
    clip, audio = (torch.randn(batch, n, frames, side, side, generator=generator) for n in (3, 1))
    return clip, audio


def inputs(name: str, batch: int) -> tuple[Tensor, Tensor]:
    """A clip and its audio."""
    return tuple(  # type: ignore[return-value]
        torch.from_numpy(
            random_of(f"input:{kind}_{name}").standard_normal((batch, n, 8, 256, 256))
        ).float()
        for kind, n in (("video", 3), ("audio", 1))
    )


def sampled(x: Tensor, count: int = 256) -> Array:
    """Some values of a tensor, as in the golden files."""
    flat = x.detach().reshape(-1).numpy()
    return flat[np.linspace(0, flat.size - 1, min(count, flat.size)).astype(np.int64)]


def _tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    values = random_of(name).standard_normal(shape)
    if name.endswith("bias"):
        values *= 0.01
    elif len(shape) == 1:
        values = 1 + 0.05 * values
    else:
        values /= np.sqrt(np.prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32))

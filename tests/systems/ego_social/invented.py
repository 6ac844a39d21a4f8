"""Deterministic weights and inputs by name, as the golden numbers were made with."""

from __future__ import annotations

import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from eyeline.systems.ego_social.weights import our_name
from tests.closeness import assert_close_to_scale

GOLDEN = Path(__file__).parent / "golden"

Array = npt.NDArray[Any]

LAM, SINGLE, GAZE360, TTM = (
    "lam_baseline_lstm", "lam_gaze_lstm_single_head", "gaze360_lstm", "ttm_baseline_lstm",
)  # fmt: skip
"""Networks of `golden/keys.json`."""

_FRONT = {"emphasis": "preemph", "window": "window", "filters": "fb"}
"""Constants of the front end that the golden numbers keep."""


def golden(name: str) -> dict[str, Array]:
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


@cache
def keys() -> dict[str, dict[str, Any]]:
    """Shapes of all entries, and the number of parameters, of four networks."""
    result: dict[str, dict[str, Any]] = json.loads((GOLDEN / "keys.json").read_text("utf-8"))
    return result


def their_tensors(network: str) -> dict[str, Tensor]:
    """A state dict in the names of the authors."""
    return {name: _tensor(name, shape) for name, shape in keys()[network]["state_dict"].items()}


def filled(network: nn.Module, which: str) -> nn.Module:
    """A network with those tensors, in evaluation mode."""
    network.load_state_dict({our_name(name): v for name, v in their_tensors(which).items()})
    return network.eval()


def random_of(text: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(text.encode()))


def blocky(name: str, *lead: int, size: int = 224) -> Tensor:
    """Images `(*lead, size, size)` of blocks of 16 pixels, and some noise."""
    rng = random_of(f"input:{name}")
    coarse = rng.standard_normal((*lead, size // 16, size // 16))
    fine = rng.standard_normal((*lead, size, size))
    blocks = coarse.repeat(16, axis=-2).repeat(16, axis=-1)
    return torch.from_numpy((blocks + 0.1 * fine).astype(np.float32))


def audio(name: str, batch: int, samples: int) -> Tensor:
    """Noise that grows louder, `(batch, samples)`."""
    noise = random_of(f"input:{name}").standard_normal((batch, samples))
    swell = 0.2 + 1.6 * np.arange(samples) / samples
    return torch.from_numpy((0.1 * noise * swell).astype(np.float32))


def thinned(maps: Tensor) -> Array:
    """The entries of a large tensor that a golden file holds."""
    step = max(1, -(-maps.numel() // 4096))
    return maps.detach().numpy().ravel()[:: step + (step % 2 == 0)]


def statistics(maps: Tensor) -> list[float]:
    """Mean, deviation and largest size."""
    given = maps.detach().double()
    return [float(given.mean()), float(given.std(correction=0)), float(given.abs().max())]


def watched(network: nn.Module, names: dict[str, str]) -> dict[str, Tensor]:
    """What modules will give from now on, under the names of the golden files."""
    seen: dict[str, Tensor] = {}

    def keep(theirs: str, ours: str) -> None:
        network.get_submodule(ours).register_forward_hook(
            lambda _, given, out: seen.update({theirs: out[0] if isinstance(out, tuple) else out})
        )

    for theirs, ours in names.items():
        keep(theirs, ours)
    return seen


def assert_seen(seen: dict[str, Tensor], file: dict[str, Array], tolerance: float = 2e-5) -> int:
    """Compare with all that a golden file holds of these modules; returns how many values."""
    count = 0
    for name, maps in seen.items():
        held: dict[str, Any] = {
            "": maps.detach().numpy(),
            ".sub": thinned(maps),
            ".stat": statistics(maps),
        }
        for end, result in held.items():
            if (wanted := file.get(f"act.{name}{end}")) is not None:
                assert_close_to_scale(result, wanted, tolerance, err_msg=name)
                count += np.size(wanted)
    return count


def assert_gradients(network: nn.Module, file: dict[str, Array], tolerance: float) -> None:
    """Compare the lengths of all parameters' gradients."""
    parameters = {our_name(str(name)): str(name) for name in file["train.gradnorm.names"]}
    wanted = dict(zip(parameters, file["train.gradnorm"], strict=True))
    assert set(wanted) == {name for name, _ in network.named_parameters()}
    for name, value in network.named_parameters():
        assert value.grad is not None, name
        result = float(value.grad.norm())
        np.testing.assert_allclose(result, wanted[name], rtol=tolerance, atol=1e-6, err_msg=name)


def _tensor(name: str, shape: list[int]) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if name.startswith("audio_encoder.torchfb."):
        held = golden("ttm_audio_frontend")[_FRONT[our_name(name).rpartition(".")[2]]]
        return torch.from_numpy(held)
    return torch.from_numpy(np.asarray(_values(name, tuple(shape)), np.float32))


def _values(name: str, shape: tuple[int, ...]) -> Array:
    rng = random_of(name)
    if name.endswith("running_var"):
        return 1 + 0.1 * rng.random(shape)
    if name.endswith(("running_mean", "bias")):
        return 0.01 * rng.standard_normal(shape)
    if len(shape) <= 1:
        return 1 + 0.05 * rng.standard_normal(shape)
    return np.asarray(rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:])))

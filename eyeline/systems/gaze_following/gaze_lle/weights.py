"""DINOv2's files and Gaze-LLE's become ours, every key accounted for; ours are opened as a pair."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from eyeline.errors import CheckpointError
from eyeline.runtimes.manifest import card_of
from eyeline.runtimes.run import Runtime, TorchNetwork, open_network
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard, Imported
from eyeline.training.devices import THREADS
from eyeline.training.foreign import ForeignState

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from eyeline.runtimes.module import Exported
    from eyeline.systems.gaze_following.gaze_lle.model import DinoV2, GazeDecoder

SYSTEM = "gaze_following"
ENCODER, DECODER = "dinov2", "gaze_lle"
LICENCES = {ENCODER: "Apache-2.0 (DINOv2)", DECODER: "MIT (Gaze-LLE)"}
GRID = 32
"""Patches on a side of the 448 pixels that the published decoders are trained at."""
_WITHIN = "backbone.model."
_UNUSED = "mask_token"
"""Of DINOv2's own training."""
_SIZES = {384: "ViT-S/14", 768: "ViT-B/14", 1024: "ViT-L/14"}


class Pair(NamedTuple):
    """The networks of the builder, or exported files of them in their place."""

    encoder: DinoV2 | Exported
    decoder: GazeDecoder | Exported

    @property
    def device(self) -> torch.device:
        """Of the encoder's inputs."""
        return next(self.encoder.parameters()).device

    @property
    def grid(self) -> int:
        """Cells on a side of the features."""
        return self.encoder.interface.sizes["grid"]

    @property
    def in_out(self) -> bool:
        """Whether the decoder knows of looks out of the image."""
        return "in_frame" in self.decoder.interface.outputs


def is_original(state: Mapping[str, Any]) -> bool:
    """Whether a checkpoint is a vision transformer's or a decoder's of Gaze-LLE."""
    return "head_token.weight" in state or "cls_token" in state


def place(foreign: ForeignState, path: Path | str) -> Imported:
    """Card and tensors of `dinov2_*_pretrain.pth` or `gazelle_*.pt`.

    A decoder's file that holds its encoder, too, is taken for the decoder alone.

    Raises:
        CheckpointError: another network, such as DINOv3, or keys that do not fit.
    """
    if "head_token.weight" in foreign.state:
        return _decoder(foreign, path)
    return _encoder(foreign, path)


def _decoder(foreign: ForeignState, path: Path | str) -> Imported:
    state = {k: v for k, v in foreign.state.items() if not k.startswith(_WITHIN)}
    left = tuple(k for k in foreign.state if k.startswith(_WITHIN))
    linear = _shaped(state, "linear.weight", 4, path)
    arguments = {
        "encoder_width": linear.shape[1],
        "in_out": "inout_token.weight" in state,
        "width": linear.shape[0],
        "depth": _depth(state, "transformer"),
        "grid": _shaped(state, "pos_embed", 3, path).shape[1],
    }
    return _imported(DECODER, arguments, state, (*foreign.beside, *left), path)


def _encoder(foreign: ForeignState, path: Path | str) -> Imported:
    state = dict(foreign.state)
    _check_kind(state, path)
    width = _shaped(state, "pos_embed", 3, path).shape[2]
    arguments = {"width": width, "depth": _depth(state, "blocks"), "grid": GRID}
    left = (_UNUSED,) if state.pop(_UNUSED, None) is not None else ()
    state["pos_embed"] = resized_positions(state["pos_embed"], GRID, path)
    return _imported(ENCODER, arguments, state, (*foreign.beside, *left), path)


def _imported(
    network: str,
    arguments: dict[str, Any],
    state: Mapping[str, Tensor],
    left: tuple[str, ...],
    path: Path | str,
) -> Imported:
    card = CheckpointCard(SYSTEM, network, arguments, licence=LICENCES[network])
    built = checkpoint.build(_makers()[network], card, state, path)
    return Imported(card, built.state_dict(), left)


def _makers() -> dict[str, Any]:
    from eyeline.systems.gaze_following.gaze_lle import model

    return {ENCODER: model.dinov2, DECODER: model.gaze_lle}


def _check_kind(state: Mapping[str, Tensor], path: Path | str) -> None:
    """CheckpointError for vision transformers that are none of DINOv2's with patches of 14."""
    wanted = "Gaze-LLE takes DINOv2 without registers: dinov2_vitb14_pretrain.pth or vitl14's"
    names = "".join(state)
    for mark, what in (
        ("rope_embed", "DINOv3"),
        ("storage_tokens", "DINOv3"),
        ("register_tokens", "DINOv2 with registers"),
        ("mlp.w12", "a network with SwiGLU, such as DINOv2's ViT-g/14"),
    ):
        if mark in names:
            raise CheckpointError(f"{path} is {what}; {wanted}")
    patch = _shaped(state, "patch_embed.proj.weight", 4, path).shape[2]
    if patch != 14:
        raise CheckpointError(f"{path} has patches of {patch} pixels; {wanted}")


def _shaped(state: Mapping[str, Tensor], name: str, axes: int, path: Path | str) -> Tensor:
    if name not in state or state[name].ndim != axes or not state[name].numel():
        raise CheckpointError(
            f"{path} has no {name} of {axes} axes: it is none of Gaze-LLE's files"
        )
    return state[name]


def _depth(state: Mapping[str, Any], blocks: str) -> int:
    numbers = (re.match(rf"{blocks}\.(\d+)\.", name) for name in state)
    return max((int(found[1]) + 1 for found in numbers if found), default=0)


def resized_positions(pos_embed: Tensor, grid: int, path: Path | str) -> Tensor:
    """Positions of tokens `(1, 1 + n, width)` for another grid, as DINOv2 interpolates them.

    The factor is a tenth of a cell larger than the ratio of the grids; the published weights were
    always used so.
    """
    import torch

    stored = round((pos_embed.shape[1] - 1) ** 0.5)
    if stored**2 != pos_embed.shape[1] - 1:
        raise CheckpointError(f"{path} has {pos_embed.shape[1] - 1} positions, which are no square")
    if stored == grid:
        return pos_embed
    cells = pos_embed[:, 1:].float().transpose(1, 2).reshape(1, -1, stored, stored)
    factor = (grid + 0.1) / stored
    resized = torch.nn.functional.interpolate(cells, scale_factor=(factor, factor), mode="bicubic")
    return torch.cat([pos_embed[:, :1].float(), resized.flatten(2).transpose(1, 2)], dim=1)


def load_encoder(path: Path | str, device: str = "cpu") -> DinoV2:
    """The encoder of one of our files, frozen; CheckpointError for another network's."""
    return cast("DinoV2", _load(ENCODER, path, device).requires_grad_(False))


def load_pair(
    decoder: Path | str,
    encoder: Path | str,
    device: str = "cpu",
    runtime: Runtime | None = None,
    threads: int = THREADS,
) -> Pair:
    """Both networks, weights or exported, ready to predict; `runtimes.run.open_network` says how.

    Raises:
        CheckpointError: another network's file, or a decoder for an encoder of another size.
        UsageError: a device that is not there.
    """
    for path, network in ((decoder, DECODER), (encoder, ENCODER)):
        checkpoint.check_builder(card_of(path), SYSTEM, (network,), path)
    how = {"device": device, "runtime": runtime, "threads": threads}
    pair = Pair(_open(ENCODER, encoder, **how), _open(DECODER, decoder, **how))
    check_pair(pair, decoder, encoder)
    return pair


def _open(network: str, path: Path | str, **how: Any) -> Any:
    from eyeline.runtimes.module import Exported

    def load() -> nn.Module:
        module: nn.Module = _load(network, path, how["device"])
        return module.requires_grad_(False)

    opened, _ = open_network(path, (f"{SYSTEM}/{network}",), load, **how)
    return opened.network if isinstance(opened, TorchNetwork) else Exported(opened)


def check_pair(pair: Pair, decoder: Path | str, encoder: Path | str) -> None:
    """CheckpointError unless the decoder is for encoders like this one."""
    sizes = pair.decoder.interface.sizes, pair.encoder.interface.sizes
    widths = [each["width"] for each in sizes]
    if widths[0] != widths[1]:
        wanted, given = (f"{n} ({_SIZES[n]})" if n in _SIZES else str(n) for n in widths)
        raise CheckpointError(
            f"{decoder} is a decoder for an encoder of width {wanted}, but {encoder} has {given}; "
            "give the two of one size"
        )
    if sizes[0]["grid"] != sizes[1]["grid"]:
        raise CheckpointError(
            f"{decoder} has {sizes[0]['grid']} cells on a side, {encoder} {sizes[1]['grid']}"
        )


def _load(network: str, path: Path | str, device: str) -> Any:
    from eyeline.training.devices import check_device

    card, state = checkpoint.load(path)
    checkpoint.check_builder(card, SYSTEM, (network,), path)
    return checkpoint.build(_makers()[network], card, state, path).to(check_device(device))

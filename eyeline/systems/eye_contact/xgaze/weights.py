"""The authors' two checkpoints become ours: recognised by their keys, every key accounted for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from eyeline.errors import CheckpointError
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard, Imported
from eyeline.training.foreign import load_state

if TYPE_CHECKING:
    from torch import Tensor, nn

    from eyeline.systems.eye_contact.xgaze.gaze_network import GazeNetwork
    from eyeline.systems.eye_contact.xgaze.model import MsTcn2

GAZE_NETWORK = "xgaze_resnet50"
"""Name of the gaze network in a checkpoint's card."""
SEGMENTER = "ms_tcn2"
"""Name of the temporal network likewise."""

LICENCES = {
    GAZE_NETWORK: "weights of ETH-XGaze's authors, CC BY-NC-SA 4.0 as far as known: not for "
    "commercial use",
    SEGMENTER: "weights of the authors of ut-vision/Video-Independent-ECS, which states no "
    "licence; for research until it is clarified",
}

_KNOWN_BY = {GAZE_NETWORK: ("gaze_network.", "gaze_fc."), SEGMENTER: ("PG.", "Rs.")}
_BUILDERS = "Builders whose weights can be imported here: " + ", ".join(
    f"{name} (keys {', '.join(f'{p}*' for p in prefixes)})" for name, prefixes in _KNOWN_BY.items()
)


def import_original(path: Path | str) -> Imported:
    """Read a checkpoint of ETH-XGaze or of the published temporal network.

    Both are taken bare or as the entry `model_state` of a larger file, with `module.` before their
    keys or without. CheckpointError: no such file, one that needs code to load, or one whose keys,
    shapes or values are not those of a builder; the message names them.
    """
    state, ignored, _ = load_state(path, " or ".join(LICENCES))
    builder = _builder_of(state, path)
    arguments = segmenter_arguments(state, path) if builder == SEGMENTER else {}
    expected = _empty(builder, arguments).state_dict()
    try:
        placed = checkpoint.placed(expected, state, builder, path)
    except CheckpointError as error:
        raise CheckpointError(f"{error}. {_BUILDERS}") from None
    card = CheckpointCard("eye_contact", builder, arguments, licence=LICENCES[builder])
    return Imported(card, placed, ignored)


def load_gaze_network(path: Path | str, device: str = "cpu") -> GazeNetwork:
    """The gaze network of one of our files, in evaluation mode.

    CheckpointError: another builder's file, or tensors that do not fit.
    """
    from eyeline.systems.eye_contact.xgaze.gaze_network import xgaze_resnet50

    card, state = _own(path, GAZE_NETWORK)
    return cast("GazeNetwork", _built(xgaze_resnet50, state, card, path, device))


def load_segmenter(path: Path | str, device: str = "cpu") -> MsTcn2:
    """The temporal network of one of our files, in evaluation mode; see `load_gaze_network`."""
    from eyeline.systems.eye_contact.xgaze.model import ms_tcn2

    card, state = _own(path, SEGMENTER)
    given = card.arguments
    arguments = segmenter_arguments(state, path)
    odd = [k for k, v in given.items() if k != "dropout" and arguments.get(k) != v]
    if odd:
        raise CheckpointError(
            f"{path} has a card that its tensors contradict: it says "
            f"{', '.join(f'{k} {given[k]!r}' for k in odd)}; they are those of {arguments}"
        )
    if arguments["classes"] != 2:
        raise CheckpointError(
            f"{path} tells {arguments['classes']} classes apart; expected 2: no contact, contact"
        )
    return cast("MsTcn2", _built(ms_tcn2, state, replace(card, arguments=arguments), path, device))


def segmenter_arguments(state: Mapping[str, Tensor], source: Path | str) -> dict[str, int]:
    """Arguments of `model.ms_tcn2`, read off names and shapes of its tensors.

    CheckpointError where tensors that they are read off are missing.
    """

    def count(before: str, after: str) -> int:
        pattern = re.compile(re.escape(before) + r"\d+" + re.escape(after))
        return sum(pattern.fullmatch(key) is not None for key in state)

    for name in ("PG.conv_1x1_in.weight", "PG.conv_out.weight"):
        if name not in state or state[name].ndim != 3 or not state[name].numel():
            raise CheckpointError(
                f"{source} does not fit {SEGMENTER}: it lacks {name} of 3 axes. {_BUILDERS}"
            )
    entry, leave = state["PG.conv_1x1_in.weight"], state["PG.conv_out.weight"]
    return {
        "layers_prediction": count("PG.conv_dilated_1.", ".weight"),
        "layers_refinement": count("Rs.0.layers.", ".conv_dilated.weight"),
        "refinements": count("Rs.", ".conv_out.weight"),
        "maps": int(entry.shape[0]),
        "features": int(entry.shape[1]),
        "classes": int(leave.shape[0]),
    }


def _builder_of(state: Mapping[str, Tensor], path: Path | str) -> str:
    for builder, prefixes in _KNOWN_BY.items():
        if any(key.startswith(prefixes) for key in state):
            return builder
    some = ", ".join(sorted(state)[:4]) or "none"
    raise CheckpointError(
        f"{path} holds {len(state)} tensors of no network that is known here ({some}). {_BUILDERS}"
    )


def _empty(builder: str, arguments: Mapping[str, Any]) -> nn.Module:
    """A network without memory for its tensors, for its names and shapes."""
    import torch

    from eyeline.systems.eye_contact.xgaze.gaze_network import xgaze_resnet50
    from eyeline.systems.eye_contact.xgaze.model import ms_tcn2

    with torch.device("meta"):
        return ms_tcn2(**arguments) if builder == SEGMENTER else xgaze_resnet50()


def _own(path: Path | str, builder: str) -> tuple[CheckpointCard, dict[str, Tensor]]:
    card, state = checkpoint.load(path)
    checkpoint.check_builder(card, "eye_contact", (builder,), path)
    return card, state


def _built(
    make: Callable[..., nn.Module],
    state: Mapping[str, Tensor],
    card: CheckpointCard,
    path: Path | str,
    device: str,
) -> nn.Module:
    from eyeline.training.devices import check_device

    return checkpoint.build(make, card, state, path).to(check_device(device))

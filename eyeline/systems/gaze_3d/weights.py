"""The authors' Lightning checkpoint becomes ours; ours are opened: every key accounted for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from eyeline.errors import CheckpointError
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard, Imported
from eyeline.training.foreign import first_keys, load_state

if TYPE_CHECKING:
    from torch import Tensor

    from eyeline.systems.gaze_3d.model import GazeFromAfar

SYSTEM, BUILDER = "gaze_3d", "gaze_from_afar"

LICENCE = (
    "weights of the authors of 'Dynamic 3D Gaze from Afar'; their code is MIT, the data they were "
    "trained on CC BY 4.0; the weights state no licence of their own"
)

MEASURED = {
    "concentration": "uncalibrated: the published loss draws every gaze concentration of a batch "
    "towards one value, those of head and body are weights of a sum",
}
"""What the authors' weights are worth beside their directions; goes into the card's settings."""

_COUNTS_FRAMES = "gazemodule.kappa_layer.2.weight"

_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_LAYER = ("weight", "bias")

_BLOCK = {
    "_expand_conv": ("expand", ("weight",)),
    "_bn0": ("expand_norm", _NORM),
    "_depthwise_conv": ("depthwise", ("weight",)),
    "_bn1": ("depthwise_norm", _NORM),
    "_se_reduce": ("squeeze", _LAYER),
    "_se_expand": ("excite", _LAYER),
    "_project_conv": ("project", ("weight",)),
    "_bn2": ("project_norm", _NORM),
}
"""A part of a block, theirs to ours, and what it holds."""

_BRANCH = {"_conv_head": ("top", ("weight",)), "_bn1": ("top_norm", _NORM)}

_REST = {
    "hbnet.featurenet.stem.0": ("stem.conv", ("weight",)),
    "hbnet.featurenet.stem.1": ("stem.norm", _NORM),
    "hbnet.trajnet.fc.{}": ("motion.{}", _LAYER),
    "hbnet.head_vmf.direction_layer.reg_branch.{}": ("head.direction.{}", _LAYER),
    "hbnet.head_vmf.kappa_layer.{}": ("head.concentration.{}", _LAYER),
    "hbnet.body_vmf.direction_layer.reg_branch.{}": ("body.direction.{}", _LAYER),
    "hbnet.body_vmf.kappa_layer.{}": ("body.concentration.{}", _LAYER),
    "gazemodule.direction_layer.{}": ("gaze.estimate.direction.{}", _LAYER),
    "gazemodule.kappa_layer.{}": ("gaze.estimate.concentration.{}", _LAYER),
}
"""`{}` is a number."""

_MEMORIES = {
    "hbnet.temporal_alignment.temporal_align_net": "memory",
    "gazemodule.lstm": "gaze.memory",
}
_MEMORY = r"(?:weight|bias)_[ih]h_l\d+(?:_reverse)?"


def import_original(path: Path | str) -> Imported:
    """Read the authors' checkpoint: a Lightning file, or its `state_dict` alone.

    The length of a window is read off the tensors. Nothing in the file is executed, also where an
    old version of Lightning left classes in it.

    Raises:
        CheckpointError: no such file, not a checkpoint, or one whose keys, shapes or values are
            not those of the builder; the message names them.
    """
    theirs, beside, _ = load_state(path, f"{SYSTEM}/{BUILDER}")
    arguments = {"frames": _frames(theirs, path)}
    placed = {our_name(name): value for name, value in theirs.items()}
    expected = _empty(arguments["frames"]).state_dict()
    state = checkpoint.placed(expected, placed, BUILDER, path)
    card = CheckpointCard(SYSTEM, BUILDER, arguments, settings=MEASURED, licence=LICENCE)
    return Imported(card, state, beside)


def our_name(theirs: str) -> str:
    """Our name of one of their entries; an entry that has no place keeps its name."""
    for pattern, ours in _RULES:
        if result := pattern.fullmatch(theirs):
            return ours.format(*result.groups())
    return theirs


def load_gaze_from_afar(path: Path | str, device: str = "cpu") -> GazeFromAfar:
    """The network of one of our files, in evaluation mode.

    Raises:
        CheckpointError: another builder's file, or tensors that do not fit.
        UsageError: a device that is not there.
    """
    from eyeline.systems.gaze_3d.model import gaze_from_afar
    from eyeline.training.devices import check_device

    card, state = checkpoint.load(path)
    checkpoint.check_builder(card, SYSTEM, (BUILDER,), path)
    network = checkpoint.build(gaze_from_afar, card, state, path)
    return cast("GazeFromAfar", network.to(check_device(device)))


def _rules() -> list[tuple[re.Pattern[str], str]]:
    rules = dict(_REST)
    for branch in ("head", "body"):
        theirs, ours = f"hbnet.{branch}net.{branch}_branch", f"{branch}_branch"
        rules |= {f"{theirs}.{k}": (f"{ours}.{v}", e) for k, (v, e) in _BRANCH.items()}
        rules |= {
            f"{theirs}._blocks.{{}}.{k}": (f"{ours}.blocks.{{}}.{v}", e)
            for k, (v, e) in _BLOCK.items()
        }
    result = [_rule(theirs, ours, "|".join(e)) for theirs, (ours, e) in rules.items()]
    return result + [_rule(theirs, ours, _MEMORY) for theirs, ours in _MEMORIES.items()]


def _rule(theirs: str, ours: str, entries: str) -> tuple[re.Pattern[str], str]:
    pattern = re.escape(theirs).replace(re.escape("{}"), r"(\d+)")
    return re.compile(rf"{pattern}\.({entries})"), f"{ours}.{{}}"


_RULES = _rules()


def _frames(state: Mapping[str, Tensor], path: Path | str) -> int:
    """The length of a window that the tensors are for."""
    counts = state.get(_COUNTS_FRAMES)
    if counts is None or counts.ndim != 2 or len(counts) % 2 == 0:
        result = "lacks it" if counts is None else f"has it as {tuple(counts.shape)}"
        raise CheckpointError(
            f"{path} does not fit {BUILDER}: {_COUNTS_FRAMES} should be (frames, 64) with an odd "
            f"number of frames; the file {result}. Only the whole network of GAFA can be imported "
            f"here, not its parts; {first_keys(state)}"
        )
    return len(counts)


def _empty(frames: int) -> GazeFromAfar:
    """The network without memory for its tensors."""
    import torch

    from eyeline.systems.gaze_3d.model import gaze_from_afar

    with torch.device("meta"):
        return gaze_from_afar(frames=frames)

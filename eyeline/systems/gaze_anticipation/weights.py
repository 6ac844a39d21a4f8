"""The authors' checkpoint becomes ours; ours are opened; and a network begins at Kinetics-400."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from eyeline.documents import parse_yaml
from eyeline.errors import CheckpointError, DataError, UsageError
from eyeline.systems.gaze_anticipation.network.original_keys import (
    EMBEDDINGS,
    KINETICS_IGNORED,
    our_name,
)
from eyeline.training import checkpoint, foreign
from eyeline.training.checkpoint import CheckpointCard, Imported

if TYPE_CHECKING:
    from torch import Tensor

    from eyeline.systems.gaze_anticipation.model import GazeAnticipation

SYSTEM, BUILDER, BACKBONE = "gaze_anticipation", "csts", "mvit_b"

LICENCE = (
    "weights of the authors of 'Listen to Look into the Future', CC BY 4.0 by their page; trained "
    "on data under the licence agreements of Ego4D or Aria; their code states no licence"
)

ACTIONS_LICENCE = (
    "weights of others that learned to recognise actions; their file states no licence"
)

_VIDEO = "video."
_STATE, _CONFIGURATION = "model_state", "cfg"
_PLACES = ("space", "time")
_EMBEDDED = tuple(f"{part}.{what}" for part in EMBEDDINGS for what in ("weight", "bias"))
_SPLIT = re.compile(r"(.+\.attn)\.([qkv])\.(weight|bias)")


def import_original(path: Path | str) -> Imported:
    """Read the authors' checkpoint: their dictionary of training, or its `model_state` alone.

    A file of SlowFast's MViT-B 16x4, such as the Kinetics-400 start, gives the network `mvit_b`, at
    which training begins (`initialise`).

    The size of the network and whether it has embeddings are read off the tensors; data set, task
    and the option that tensors do not show are read off the configuration, where there is one.
    Nothing in the file is executed. CheckpointError: no such file, not a checkpoint, or one whose
    keys, shapes, values or configuration are not those of the builder; the message names them.
    """
    theirs, beside, content = foreign.load_state(path, f"{SYSTEM}/{BUILDER}")
    parts = {our_name(_whole_name(name)) for name in theirs} - {*theirs}
    if parts and all(name.startswith(_VIDEO) for name in parts):
        return _import_backbone(theirs, beside, path)
    known = _configuration(content.get(_CONFIGURATION), path)
    projection = theirs.get("vision_proj.weight")
    embedding = 0 if projection is None else len(projection)
    arguments = _sizes(theirs, path) | {"embedding": embedding} | _options(known, path)
    expected = _empty(arguments, path).state_dict()
    placed = _renamed(theirs, expected)
    if len(placed) < len(theirs):
        raise CheckpointError(f"{path} holds parts of networks of several kinds")
    state = checkpoint.placed(expected, placed, f"{SYSTEM}/{BUILDER}", path)
    card = CheckpointCard(
        SYSTEM,
        BUILDER,
        arguments,
        data=_trained_on(known),
        settings=_settings(known),
        licence=LICENCE,
    )
    return Imported(card, state, beside)


def _import_backbone(
    theirs: Mapping[str, Tensor], beside: tuple[str, ...], path: Path | str
) -> Imported:
    import torch

    from eyeline.systems.gaze_anticipation.model import mvit_b

    joined = _joined(theirs, path)
    unused = KINETICS_IGNORED & {*joined}
    sizes = _sizes(joined, path)
    try:
        with torch.device("meta"):
            expected = {f"{_VIDEO}{k}": v for k, v in mvit_b(**sizes).state_dict().items()}
    except DataError as error:
        raise CheckpointError(
            f"{path} is for a network that {BACKBONE} cannot be: {error}"
        ) from error
    used = {name: value for name, value in joined.items() if name not in unused}
    placed = checkpoint.placed(expected, _renamed(used, expected), f"{SYSTEM}/{BACKBONE}", path)
    card = CheckpointCard(SYSTEM, BACKBONE, sizes, licence=ACTIONS_LICENCE)
    state = {name.removeprefix(_VIDEO): value for name, value in placed.items()}
    return Imported(card, state, tuple(sorted({*beside, *unused})))


def load_csts(
    path: Path | str, device: str = "cpu", *, precision: str = "float32"
) -> GazeAnticipation:
    """The network of one of our files, in evaluation mode; `precision` is of `model.PRECISIONS`.

    CheckpointError for another builder's file, or tensors that do not fit.
    """
    from eyeline.systems.gaze_anticipation.model import PRECISIONS, csts
    from eyeline.training.devices import check_device

    where = check_device(device)
    if precision not in PRECISIONS:
        raise UsageError(f"no precision '{precision}'; there are {', '.join(PRECISIONS)}")
    card, state = checkpoint.load(path)
    checkpoint.check_builder(card, SYSTEM, (BUILDER,), path)
    network = cast("GazeAnticipation", checkpoint.build(csts, card, state, path, assign=True))
    network.precision = precision
    return network.requires_grad_().eval().to(where)


def initialise(
    network: GazeAnticipation, path: Path | str, *, audio: Path | str | None = None
) -> tuple[str, ...]:
    """Begin a network at another's tensors, in place; names of those that stay as they were.

    Args:
        network: changed in place.
        path: one of our files, the authors' checkpoint, or SlowFast's of MViT-B 16x4 that was
            trained on Kinetics-400 (imported or not), which gives the video encoder; its places are
            resized as published.
        audio: a second file of such kinds, whose tensors come first where both have them.

    Raises:
        CheckpointError: not such a file, or shapes that differ from the network's; nothing is
            changed then.
    """
    own = network.state_dict()
    given: dict[str, Tensor] = {}
    for file in (path, audio):
        if file is not None:
            given |= _beginning(file, network)
    network.load_state_dict({**own, **given})
    return tuple(name for name in own if name not in given)


def _beginning(path: Path | str, network: GazeAnticipation) -> dict[str, Tensor]:
    """What of a file can begin a network, in our names and its shapes."""
    own = network.state_dict()
    arguments: Mapping[str, Any] = {}
    if checkpoint.is_own(path):
        card, result = checkpoint.load(path)
        checkpoint.check_builder(card, SYSTEM, (BUILDER, BACKBONE), path)
        arguments = card.arguments
        needed = [name for name in own if not name.startswith(EMBEDDINGS)]
        if card.builder == BACKBONE:
            result = {f"{_VIDEO}{name}": value for name, value in result.items()}
            needed = [name for name in own if name.startswith(_VIDEO)]
    else:
        theirs = foreign.load_state(path, "an MViT-B 16x4 or of CSTS").state
        joined = _joined(theirs, path)
        used = {k: v for k, v in joined.items() if k not in KINETICS_IGNORED}
        result = _renamed(used, {**own, **dict.fromkeys(_EMBEDDED)})
        needed = [name for name in own if name.startswith(_VIDEO)]
    sized = {name: _resized(name, value, own) for name, value in result.items()}
    kept = {k: v for k, v in sized.items() if k in own or not k.startswith(EMBEDDINGS)}
    wanted = {name: own[name] for name in own if name in kept or name in {*needed}}
    placed = checkpoint.placed(wanted, kept, f"a start for {SYSTEM}/{BUILDER}", path)
    if any(name.startswith("sound.") for name in kept):
        _check_scale(arguments, network, path)
    return placed


def _check_scale(arguments: Mapping[str, Any], network: GazeAnticipation, path: Path | str) -> None:
    """Tensors do not show which scale of audio they are for."""
    theirs = (arguments.get("sound_mean", 0.0), arguments.get("sound_std", 1.0))
    stem = network.sound.stem
    if theirs != (stem.mean, stem.std):
        raise CheckpointError(
            f"{path} is for sound_mean {theirs[0]} and sound_std {theirs[1]}, the network to begin "
            f"for {stem.mean} and {stem.std}: set model.sound_mean and model.sound_std to those of "
            "the file"
        )


def _renamed(theirs: Mapping[str, Tensor], ours: Mapping[str, Any]) -> dict[str, Tensor]:
    """Tensors in our names; those that have no place there keep theirs, for the message."""
    names = {name: our_name(name) for name in theirs}
    return {names[n] if names[n] in ours else n: value for n, value in theirs.items()}


def _joined(theirs: Mapping[str, Tensor], path: Path | str) -> dict[str, Tensor]:
    """Queries, keys and values of each block in one tensor, as some versions of SlowFast had it."""
    import torch

    split: dict[str, dict[str, Tensor]] = {}
    result = dict(theirs)
    for name in theirs:
        if part := _SPLIT.fullmatch(name):
            split.setdefault(_whole_name(name), {})[part[2]] = result.pop(name)
    for name, parts in split.items():
        if set(parts) != set("qkv") or name in result:
            raise CheckpointError(f"{path} should hold {name}, or q, k and v of it, each once")
        result[name] = torch.cat([parts[which] for which in "qkv"])
    return result


def _whole_name(name: str) -> str:
    """Of queries, keys and values together, where an entry is one of them."""
    part = _SPLIT.fullmatch(name)
    return f"{part[1]}.qkv.{part[3]}" if part else name


def _resized(name: str, value: Tensor, own: Mapping[str, Tensor]) -> Tensor:
    """Places in another number, between the nearest two.

    As published: over the numbers of the places, also where these are places of an image.
    """
    import torch.nn.functional as F

    wanted = own.get(name)
    if wanted is None or not name.endswith(_PLACES) or value.ndim != 3:
        return value
    if value.shape[0] != 1 or value.shape[2] != wanted.shape[2] or value.shape == wanted.shape:
        return value
    size = (wanted.shape[1], wanted.shape[2])
    return F.interpolate(value[None].float(), size=size, mode="bilinear", align_corners=False)[0]


def _sizes(state: Mapping[str, Tensor], path: Path | str) -> dict[str, Any]:
    """What an encoder of video sees, by its places."""
    space, time = (_places(state, f"pos_embed_{name}", path) for name in ("spatial", "temporal"))
    side = math.isqrt(space.shape[1])
    if side**2 != space.shape[1]:
        raise CheckpointError(
            f"{path} has pos_embed_spatial of {space.shape[1]} places, which are no square"
        )
    return {"frames": 2 * time.shape[1], "side": 4 * side, "width": space.shape[2]}


def _places(state: Mapping[str, Tensor], name: str, path: Path | str) -> Tensor:
    result = state.get(name)
    if result is None or result.ndim != 3:
        has = "lacks it" if result is None else f"has it as {tuple(result.shape)}"
        raise CheckpointError(
            f"{path} does not fit {SYSTEM}/{BUILDER}: {name} should be (1, places, channels); the "
            f"file {has}; {foreign.first_keys(state)}"
        )
    return result


def _configuration(text: Any, path: Path | str) -> dict[str, Any]:
    """The settings of a training, as YAML text next to the tensors."""
    try:
        known = parse_yaml(text, str(path)) if isinstance(text, str) else None
    except DataError as error:
        raise CheckpointError(
            f"{path} has a '{_CONFIGURATION}' that is not YAML: {checkpoint.first_line(error)}. "
            f"Its '{_STATE}' alone would be taken as trained by the published configuration"
        ) from error
    return known if isinstance(known, dict) else {}


def _options(known: Mapping[str, Any], path: Path | str) -> dict[str, Any]:
    """What of the network shows in the configuration only."""
    if _of(known, "MVIT", "CLS_EMBED_ON"):
        raise CheckpointError(
            f"{path}: {_CONFIGURATION}.MVIT.CLS_EMBED_ON is true; {SYSTEM}/{BUILDER} has no token "
            "for a class"
        )
    return {"gate_by_sound": True} if _of(known, "MVIT", "SPATIAL_AUDIO_ATTN") else {}


def _trained_on(known: Mapping[str, Any]) -> dict[str, Any]:
    name = _of(known, "TRAIN", "DATASET")
    if not isinstance(name, str):
        return {}
    return {
        "name": name,
        "dataset": "aria" if "aria" in name.lower() else "ego4d",
        "task": "anticipation" if "forecast" in name.lower() else "estimation",
    }


def _settings(known: Mapping[str, Any]) -> dict[str, Any]:
    """What prediction needs: how far frames are apart."""
    rate, step = _of(known, "DATA", "TARGET_FPS"), _of(known, "DATA", "SAMPLING_RATE")
    result: dict[str, Any] = {}
    if isinstance(rate, int | float) and rate > 0:
        result["rate_hz"] = rate
    if isinstance(step, int) and step >= 0:
        # the published loader takes every step-th frame after the next one
        result["frame_step"] = step + 1
    return result


def _of(known: Mapping[str, Any], section: str, key: str) -> Any:
    result = known.get(section)
    return result.get(key) if isinstance(result, Mapping) else None


def _empty(arguments: Mapping[str, Any], path: Path | str) -> GazeAnticipation:
    """The network without memory for its tensors."""
    import torch

    from eyeline.systems.gaze_anticipation.model import csts

    try:
        with torch.device("meta"):
            return csts(**arguments)
    except (TypeError, DataError) as error:
        raise CheckpointError(
            f"{path} is for a network that {BUILDER} cannot be: {error}"
        ) from error

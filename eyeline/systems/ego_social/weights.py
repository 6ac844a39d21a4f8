"""Checkpoints of the benchmarks' authors and of Gaze360 become ours; ours are opened.

Which network a file of theirs is for is read off its keys, never off its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from eyeline.errors import CheckpointError
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard, Imported
from eyeline.training.foreign import first_keys, load_state

if TYPE_CHECKING:
    from torch import Tensor, nn

    from eyeline.systems.ego_social.model import LookingAtMe
    from eyeline.systems.ego_social.ttm_model import TalkingToMe

TRACKED = "num_batches_tracked"
"""The entry of a norm that old files lack."""

_NORM = ("weight", "bias", "running_mean", "running_var", TRACKED)
_LAYER = ("weight", "bias")

_BLOCKS = {
    "layer{}.{}.conv{}": ("layer{}.{}.conv{}", ("weight",)),
    "layer{}.{}.bn{}": ("layer{}.{}.norm{}", _NORM),
    "layer{}.{}.downsample.0": ("layer{}.{}.shortcut.0", ("weight",)),
    "layer{}.{}.downsample.1": ("layer{}.{}.shortcut.1", _NORM),
    "bn1": ("norm", _NORM),
}
"""A residual network's parts, theirs to ours, and what they hold; `{}` is a number."""

_FACE = _BLOCKS | {
    "conv1": ("conv", ("weight",)),
    "fc1": ("project.0", _LAYER),
    "fc2": ("project.2", _LAYER),
}
_VOICE = _BLOCKS | {
    "conv1": ("conv", _LAYER),
    "layer{}.{}.se.fc.{}": ("layer{}.{}.excite.{}", _LAYER),
    "attention.0": ("attention.0", _LAYER),
    "attention.2": ("attention.2", _NORM),
    "attention.3": ("attention.3", _LAYER),
    "fc": ("project", _LAYER),
    "torchfb.0": ("front_end", ("flipped_filter",)),
    "torchfb.1.spectrogram": ("front_end", ("window",)),
    "torchfb.1.mel_scale": ("front_end", ("fb",)),
}
_HEADS = {
    "last_layer1": ("head.0", _LAYER),
    "last_layer2": ("head.1", _LAYER),
    "last_layer": ("head.0", _LAYER),
}
_PREFIXES = {
    "base_model": ("encoder", _FACE),
    "video_encoder": ("encoder", _FACE),
    "audio_encoder": ("voice", _VOICE),
}
_RENAMED = {"flipped_filter": "emphasis", "fb": "filters"}

SYSTEM = "ego_social"
LOOKING, TALKING = ("lam_lstm", "gaze360_lstm"), ("ttm",)
"""Builders by what they answer."""

EGO4D_LICENCE = (
    "weights of the authors of the Ego4D social baselines; their code is MIT; the weights, which "
    "state no licence, were trained on data under the Ego4D licence agreement"
)
GAZE360_LICENCE = (
    "weights of the authors of Gaze360, for research only; what is trained from them is bound by "
    "the same terms"
)

_FRONT_END, _CONSTANTS_AGREE = "voice.front_end.", 1e-5


def our_name(theirs: str) -> str:
    """Our name of one of their entries; an entry that has no place keeps its name."""
    for pattern, ours in _RULES:
        if result := pattern.fullmatch(theirs):
            *numbers, entry = result.groups()
            return ours.format(*numbers, _RENAMED.get(entry, entry))
    return theirs


def _rule(theirs: str, ours: str, entries: str) -> tuple[re.Pattern[str], str]:
    pattern = re.escape(theirs).replace(re.escape("{}"), r"(\d+)")
    return re.compile(rf"{pattern}\.({entries})"), f"{ours}.{{}}"


_RULES = [
    *(_rule(theirs, ours, "|".join(entries)) for theirs, (ours, entries) in _HEADS.items()),
    *(
        _rule(f"{theirs}.{part}", f"{ours}.{own}", "|".join(entries))
        for theirs, (ours, parts) in _PREFIXES.items()
        for part, (own, entries) in parts.items()
    ),
    _rule("lstm", "memory", r"(?:weight|bias)_[ih]h_l\d+(?:_reverse)?"),
]


class Original(NamedTuple):
    """A network of theirs that can be imported."""

    builder: str
    arguments: Mapping[str, Any]
    licence: str


_LAM = Original("lam_lstm", {}, EGO4D_LICENCE)
_LAM_SINGLE = Original("gaze360_lstm", {"head": "single"}, EGO4D_LICENCE)
_GAZE360 = Original("gaze360_lstm", {"head": "angles"}, GAZE360_LICENCE)
_TTM = Original("ttm", {}, EGO4D_LICENCE)


def import_original(path: Path | str) -> Imported:
    """Read a checkpoint of the benchmarks' authors, or the public one of Gaze360.

    Four kinds are told apart by their keys: LAM with a head of two layers, LAM with one layer (the
    released file that began at Gaze360), Gaze360 itself, whose card says `head: angles` and which
    is for `initialise` alone, and TTM. Nothing in the file is executed.

    Raises:
        CheckpointError: no such file, not a checkpoint, or one whose keys, shapes or values are
            not those of the builder; the message names them.
    """
    theirs, beside, _ = load_state(path, f"a builder of {SYSTEM}")
    kind = _kind_of(theirs, path)
    state = _placed(theirs, kind, path)
    card = CheckpointCard(
        SYSTEM, kind.builder, kind.arguments, settings=_settings(state), licence=kind.licence
    )
    return Imported(card, state, beside)


def load(path: Path | str, builders: tuple[str, ...], device: str) -> nn.Module:
    """The network of one of our files of some builders, in evaluation mode.

    Raises:
        CheckpointError: another builder's file, one that tells angles, or tensors that do not fit.
        UsageError: a device that is not there.
    """
    from eyeline.systems.ego_social.recipe import NETWORKS
    from eyeline.training.devices import check_device

    card, state = checkpoint.load(path)
    checkpoint.check_builder(card, SYSTEM, builders, path)
    check_head(card, path)
    network = checkpoint.build(NETWORKS[card.builder], card, state, path)
    return network.to(check_device(device))


def check_head(card: CheckpointCard, path: Path | str) -> None:
    """CheckpointError for a network that predicts angles."""
    if card.arguments.get("head") == "angles":
        raise CheckpointError(
            f"{path} tells where a person looks, as Gaze360 does, not whether it is at me; train a "
            "network that begins at it"
        )


def load_looking_at_me(path: Path | str, device: str = "cpu") -> LookingAtMe:
    """The network of one of our files of `lam_lstm` or `gaze360_lstm`; as of `load`."""
    return cast("LookingAtMe", load(path, LOOKING, device))


def load_talking_to_me(path: Path | str, device: str = "cpu") -> TalkingToMe:
    """The network of one of our files of `ttm`; as of `load`."""
    return cast("TalkingToMe", load(path, TALKING, device))


def initialise(network: nn.Module, path: Path | str) -> tuple[str, ...]:
    """Begin a network at another's encoder of faces and memory; heads stay as they are.

    Args:
        network: of any builder of this system; changed in place.
        path: one of our files, or one of theirs: LAM, TTM, Gaze360, or a ResNet-18 that learned
            ImageNet, which gives the encoder without its last layers.

    Returns:
        The network's tensors that stay as they were, by name.

    Raises:
        CheckpointError: not such a file, or shapes that differ from the network's; nothing is
            changed then.
    """
    given = _beginning(path)
    own = network.state_dict()
    # every file that another network can begin at has the face's encoder but for its last layers
    needed = re.compile(rf"encoder\.(?!project\.)(?!.*{TRACKED}$).*")
    wanted = {n: v for n, v in own.items() if n in given or needed.fullmatch(n)}
    what = f"the encoder and memory of {type(network).__name__}"
    network.load_state_dict({**own, **checkpoint.placed(wanted, given, what, path)})
    return tuple(name for name in own if name not in given)


def _beginning(path: Path | str) -> dict[str, Tensor]:
    """What of a file can begin another network, in our names."""
    if checkpoint.is_own(path):
        card, ours = checkpoint.load(path)
        checkpoint.check_builder(card, SYSTEM, (*LOOKING, *TALKING), path)
        return _shared(ours)
    theirs = load_state(path, f"a builder of {SYSTEM}").state
    if "conv1.weight" not in theirs:
        return _shared(import_original(path).state)
    bare = {k: v for k, v in theirs.items() if k not in ("fc.weight", "fc.bias")}
    return {our_name(f"base_model.{name}"): value for name, value in bare.items()}


def _shared(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k: v for k, v in state.items() if k.startswith(("encoder.", "memory."))}


def _kind_of(state: Mapping[str, Tensor], path: Path | str) -> Original:
    """Which network the tensors are for."""
    if any(name.startswith("audio_encoder.") for name in state):
        return _TTM
    if "last_layer1.weight" in state:
        return _LAM
    head = state.get("last_layer.weight")
    rows = len(head) if head is not None and head.ndim == 2 else 0
    kinds = {2: _LAM_SINGLE, 3: _GAZE360}
    if rows in kinds:
        return kinds[rows]
    shown = "none" if head is None else f"last_layer.weight {tuple(head.shape)}"
    raise CheckpointError(
        f"{path} is no checkpoint of {SYSTEM}: its head should be last_layer1 and last_layer2 of "
        f"LAM or TTM, or last_layer with 2 rows (LAM) or 3 (Gaze360); the file has {shown}; "
        f"{first_keys(state)}"
    )


def _placed(theirs: Mapping[str, Tensor], kind: Original, path: Path | str) -> dict[str, Tensor]:
    """All tensors of our network in its order and precision; batch counts may be absent."""
    import torch

    from eyeline.systems.ego_social.recipe import NETWORKS

    with torch.device("meta"):  # without memory for its tensors
        expected = NETWORKS[kind.builder](**kind.arguments).state_dict()
    # PyTorch of the time before 0.4.1 kept no counts
    counts = {k: torch.tensor(0) for k in expected if k.endswith(TRACKED)}
    placed = {our_name(name): value for name, value in theirs.items()}
    if len(placed) < len(theirs):
        raise CheckpointError(f"{path} holds the parts of several networks under one name")
    return checkpoint.placed(expected, {**counts, **placed}, f"{SYSTEM}/{kind.builder}", path)


def _settings(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """What of a file is not as published: the front end of the voice, which we take as it is."""
    from eyeline.systems.ego_social.log_mel import LogMel

    if f"{_FRONT_END}window" not in state:
        return {}
    names = {f"{_FRONT_END}{name}": value for name, value in LogMel().state_dict().items()}
    apart = {name: float((state[name] - value).abs().max()) for name, value in names.items()}
    odd = {name: value for name, value in apart.items() if value > _CONSTANTS_AGREE}
    return {"front_end_differs": odd} if odd else {}

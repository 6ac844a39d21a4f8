"""The names of tensors in the checkpoints of the benchmarks' authors and of Gaze360, and ours."""

from __future__ import annotations

import re

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
_MEMORY = r"(?:weight|bias)_[ih]h_l\d+(?:_reverse)?"


def our_name(theirs: str) -> str:
    """Our name of one of their entries; an entry that has no place keeps its name."""
    for pattern, ours in _RULES:
        if result := pattern.fullmatch(theirs):
            *numbers, entry = result.groups()
            return ours.format(*numbers, _RENAMED.get(entry, entry))
    return theirs


def _rules() -> list[tuple[re.Pattern[str], str]]:
    rules = [_rule(theirs, ours, "|".join(e)) for theirs, (ours, e) in _HEADS.items()]
    for theirs, (ours, parts) in _PREFIXES.items():
        rules += [_rule(f"{theirs}.{k}", f"{ours}.{v}", "|".join(e)) for k, (v, e) in parts.items()]
    return [*rules, _rule("lstm", "memory", _MEMORY)]


def _rule(theirs: str, ours: str, entries: str) -> tuple[re.Pattern[str], str]:
    pattern = re.escape(theirs).replace(re.escape("{}"), r"(\d+)")
    return re.compile(rf"{pattern}\.({entries})"), f"{ours}.{{}}"


_RULES = _rules()

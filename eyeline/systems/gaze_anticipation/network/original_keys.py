"""The names of tensors in the authors' checkpoints and in SlowFast's of MViT, and ours."""

from __future__ import annotations

import re

EMBEDDINGS = ("embed_seen", "embed_heard")
"""Our parts that a network trained without the contrastive loss lacks."""

_LAYER = ("weight", "bias")
_WEIGHT = ("weight",)

_BLOCK = {
    "norm1": ("norm1", _LAYER),
    "norm2": ("norm2", _LAYER),
    "attn.qkv": ("attention.qkv", _LAYER),
    "attn.proj": ("attention.proj", _LAYER),
    "attn.pool_q": ("attention.pool_q", _WEIGHT),
    "attn.upsample_q": ("attention.pool_q", _WEIGHT),
    "attn.pool_k": ("attention.pool_k", _WEIGHT),
    "attn.pool_v": ("attention.pool_v", _WEIGHT),
    "attn.norm_q": ("attention.norm_q", _LAYER),
    "attn.norm_k": ("attention.norm_k", _LAYER),
    "attn.norm_v": ("attention.norm_v", _LAYER),
    "mlp.fc1": ("mlp.fc1", _LAYER),
    "mlp.fc2": ("mlp.fc2", _LAYER),
    "proj": ("proj", _LAYER),
}
"""A block's parts, theirs to ours, and what they hold."""

_BLOCKS = {
    r"blocks\.(\d+)": "video.blocks.{}",
    r"blocks_audio\.(\d+)": "sound.blocks.{}",
    "spatial_fusion": "fusion.space",
    "temporal_fusion": "fusion.time",
    "decode_block([1-4])": "decoder.blocks.{}",
}

_REST = {
    "patch_embed.proj": "video.stem.conv",
    "patch_embed_audio.proj": "sound.stem.conv",
    "vision_pool": "fusion.pool_seen",
    "audio_pool": "fusion.pool_heard_space",
    "audio_pool2": "fusion.pool_heard_time",
    "vision_proj": "embed_seen",
    "audio_proj": "embed_heard",
    "classifier": "decoder.classifier",
}
"""Layers, each with a weight and a bias."""

_PLACES = {
    "pos_embed_spatial": "video.stem.space",
    "pos_embed_temporal": "video.stem.time",
    "pos_embed_spatial_audio": "sound.stem.space",
    "pos_embed_temporal_audio": "sound.stem.time",
}

KINETICS_IGNORED = frozenset(
    {
        "cls_token",
        "pos_embed_class",
        "norm.weight",
        "norm.bias",
        "head.projection.weight",
        "head.projection.bias",
    }
)
"""Entries of a network for actions that this one has no use for."""


def our_name(theirs: str) -> str:
    """Our name of one of their entries; an entry that has no place keeps its name."""
    if theirs in _PLACES:
        return _PLACES[theirs]
    layer, _, entry = theirs.rpartition(".")
    if layer in _REST and entry in _LAYER:
        return f"{_REST[layer]}.{entry}"
    for pattern, ours in _RULES:
        if result := pattern.fullmatch(theirs):
            return _of_block(ours, result)
    return theirs


def _of_block(ours: str, match: re.Match[str]) -> str:
    *number, part, entry = match.groups()
    name, entries = _BLOCK[part]
    # a part that makes queries, of the decoder
    spreads = part in ("attn.pool_q", "attn.upsample_q") and ours.startswith("decoder")
    if entry not in entries or (part == "attn.upsample_q") != spreads:
        return match[0]
    # their decoder counts from 1
    where = [int(n) - ours.startswith("decoder") for n in number]
    return f"{ours.format(*where)}.{name}.{entry}"


def _rules() -> list[tuple[re.Pattern[str], str]]:
    parts = "|".join(re.escape(part) for part in _BLOCK)
    return [(re.compile(rf"{a}\.({parts})\.(weight|bias)"), b) for a, b in _BLOCKS.items()]


_RULES = _rules()

"""Names of the tensors in checkpoints of mmdetection and of torchvision's kind, and ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAMES = {
    "neck.lateral_convs.{}.conv": "pyramid.inner_blocks.{}.0",
    "neck.fpn_convs.{}.conv": "pyramid.layer_blocks.{}.0",
    "rpn_head.rpn_conv": "proposer.conv.0.0",
    "rpn_head.rpn_cls": "proposer.cls_logits",
    "rpn_head.rpn_reg": "proposer.bbox_pred",
    "roi_head.bbox_head.shared_fcs.0": "box_head.fc6",
    "roi_head.bbox_head.shared_fcs.1": "box_head.fc7",
    "roi_head.bbox_head.fc_cls": "classes",
    "roi_head.bbox_head.fc_reg": "boxes",
    "roi_head.mask_head.convs.{}.conv": "mask_head.{}.0",
    "roi_head.mask_head.upsample": "masks.conv5_mask",
    "roi_head.mask_head.conv_logits": "masks.mask_fcn_logits",
}
"""Theirs to ours, `{}` a number, without `weight` and `bias`; those of the backbone are alike."""

_PARTS = {
    "backbone": "backbone",
    "neck": "feature pyramid",
    "rpn_head": "proposals",
    "roi_head.bbox_head": "boxes",
    "roi_head.mask_head": "masks",
}
_OURS = {
    "backbone": "backbone",
    "pyramid": "neck",
    "proposer": "rpn_head",
    "box_head": "roi_head.bbox_head",
    "classes": "roi_head.bbox_head",
    "boxes": "roi_head.bbox_head",
    "mask_head": "roi_head.mask_head",
    "masks": "roi_head.mask_head",
}


def our_name(theirs: str) -> str:
    """Our name of one of their entries; an entry that has no place keeps its name."""
    return _translated(theirs, _TO_OURS)


def their_name(ours: str) -> str:
    """Their name of one of our entries."""
    return _translated(ours, _TO_THEIRS)


def differences(expected: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """Which parts of the network a checkpoint of another one has otherwise, in words.

    Args:
        expected: our names to shapes.
        state: our names, or theirs where there is no place, to tensors.
    """
    known = []
    for part, word in _PARTS.items():
        wanted = {k for k in expected if _part_of(k) == part}
        given = {k for k in state if _part_of(k) == part}
        if not wanted and not given:
            continue
        shaped = {k for k in wanted & given if tuple(state[k].shape) != tuple(expected[k])}
        counts = {
            "missing": len(wanted - given),
            "without a place": len(given - wanted),
            "of another shape": len(shaped),
        }
        said = [f"{n} {what}" for what, n in counts.items() if n]
        if said and wanted and not given:
            known.append(f"{word} ({part}): none of it is there")
        elif said:
            first = min(wanted - given or given - wanted or shaped)
            known.append(f"{word} ({part}): {', '.join(said)}, such as {their_name(first)}")
        else:
            known.append(f"{word} ({part}): the same")
    return "; ".join(known)


def _part_of(name: str) -> str:
    first = name.partition(".")[0]
    if first in _OURS:
        return _OURS[first]
    return next((part for part in _PARTS if name.startswith(f"{part}.")), "")


def _rules(names: Mapping[str, str]) -> list[tuple[re.Pattern[str], str]]:
    def pattern(name: str) -> re.Pattern[str]:
        return re.compile(re.escape(name).replace(re.escape("{}"), r"(\d)") + r"\.(weight|bias)")

    return [(pattern(given), f"{wanted}.{{}}") for given, wanted in names.items()]


def _translated(name: str, rules: list[tuple[re.Pattern[str], str]]) -> str:
    for pattern, wanted in rules:
        if result := pattern.fullmatch(name):
            return wanted.format(*result.groups())
    return name


_TO_OURS = _rules(_NAMES)
_TO_THEIRS = _rules({ours: theirs for theirs, ours in _NAMES.items()})

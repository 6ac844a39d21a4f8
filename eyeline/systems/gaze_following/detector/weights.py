"""Checkpoints of mmdetection become ours; ours are opened: every key accounted for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from eyeline.errors import CheckpointError
from eyeline.runtimes.run import Runtime, TorchNetwork, open_network
from eyeline.systems.gaze_following.fusion import Fusion
from eyeline.training import checkpoint, foreign
from eyeline.training.checkpoint import CheckpointCard, Imported
from eyeline.training.foreign import ForeignState

if TYPE_CHECKING:
    from torch import Tensor

    from eyeline.systems.gaze_following.detector.exported import ExportedDetector
    from eyeline.systems.gaze_following.detector.model import MaskRcnn


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

    Expected are our names to shapes; `state` has our names, or theirs where there is no place.
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
        faults = [f"{n} {what}" for what, n in counts.items() if n]
        if faults and wanted and not given:
            known.append(f"{word} ({part}): none of it is there")
        elif faults:
            first = min(wanted - given or given - wanted or shaped)
            known.append(f"{word} ({part}): {', '.join(faults)}, such as {their_name(first)}")
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


SYSTEM, BUILDER = "gaze_following", "mask_rcnn"

CLASS = "target"
"""The one class."""

FUSION_WORDS: Mapping[Fusion, str] = {"hs": "HS", "h": "H", "none": "noHnoS"}
"""What the authors call them."""

LICENCE = (
    "weights of the authors of 'Multi-Modal Gaze Following in Conversational Scenarios', who state "
    "no licence; trained from an ImageNet backbone of mmdetection (Apache-2.0)"
)

_META = "meta"
_EXPECTED = f"{SYSTEM}/{BUILDER} as mmdetection writes it"
_TRACKED = "num_batches_tracked"
_CLASSIFIER = ("fc.weight", "fc.bias")


def import_original(path: Path | str) -> Imported:
    """Read a checkpoint of mmdetection as it is, or its `state_dict` alone.

    What was written into the images it was trained on is read off the names of folders in its
    configuration (`HS`, `H`, `noHnoS`), where they say so; the card's settings then have it as
    `fusion`. Nothing in the file is executed.

    Raises:
        CheckpointError: no such file, one of another detector (the message says which parts
            differ), of other classes, or with values that are no numbers.
    """
    return place(foreign.load_state(path, _EXPECTED), path)


def place(foreign_state: ForeignState, path: Path | str) -> Imported:
    """The same of a file that has been read."""
    theirs, beside, content = foreign_state
    meta = content.get(_META)
    meta = meta if isinstance(meta, Mapping) else {}
    placed = {our_name(name): value for name, value in theirs.items()}
    expected = _empty({}).state_dict()
    whole = _with_counts(expected, placed)
    state = _placed(expected, whole, path)
    _check_classes(meta, path)
    fusion = _fusion_of(meta)
    settings = {"fusion": fusion} if fusion else {}
    return Imported(
        CheckpointCard(SYSTEM, BUILDER, {}, settings=settings, licence=LICENCE), state, beside
    )


def load_mask_rcnn(path: Path | str, device: str = "cpu") -> MaskRcnn:
    """The network of one of our files, in evaluation mode.

    Raises:
        CheckpointError: another builder's file, or tensors that do not fit.
        UsageError: a device that is not there.
    """
    from eyeline.systems.gaze_following.detector.model import mask_rcnn
    from eyeline.training.devices import check_device

    card, state = checkpoint.load(path)
    checkpoint.check_builder(card, SYSTEM, (BUILDER,), path)
    network = checkpoint.build(mask_rcnn, card, state, path)
    return cast("MaskRcnn", network.to(check_device(device)))


def open_detector(
    path: Path | str, device: str, runtime: Runtime | None, threads: int
) -> tuple[MaskRcnn | ExportedDetector, CheckpointCard]:
    """The network of weights or of an exported file, ready to answer; errors of `open_network`."""
    network, card = open_network(
        path,
        (f"{SYSTEM}/{BUILDER}",),
        lambda: load_mask_rcnn(path, device),
        device=device,
        runtime=runtime,
        threads=threads,
    )
    if isinstance(network, TorchNetwork):
        return cast("MaskRcnn", network.network), card
    from eyeline.systems.gaze_following.detector.exported import ExportedDetector

    return ExportedDetector(network), card


def initialise(network: MaskRcnn, path: Path | str) -> tuple[str, ...]:
    """Initialise a network by weights of another training, or of this.

    Args:
        network: changed in place.
        path: our own file of a whole detector; a checkpoint of mmdetection's; or a backbone that
            was trained on ImageNet (`resnext101_32x4d`), its classifier left out.

    Returns:
        The network's tensors that stay as they were, by name.

    Raises:
        CheckpointError: not such a file, or shapes that differ; nothing is changed then.
    """
    given = _beginning(path)
    own = network.state_dict()
    needed = [k for k in own if k.startswith("backbone.")] if _is_backbone(given) else list(own)
    given = _with_counts(needed, given)
    placed = _placed({name: own[name] for name in needed}, given, path)
    network.load_state_dict({**own, **placed})
    return tuple(name for name in own if name not in given)


def _beginning(path: Path | str) -> dict[str, Tensor]:
    """What of a file can begin a network, in our names."""
    if checkpoint.is_own(path):
        card, ours = checkpoint.load(path)
        checkpoint.check_builder(card, SYSTEM, (BUILDER,), path)
        return ours
    theirs = foreign.load_state(path, _EXPECTED).state
    if "conv1.weight" in theirs:
        return {f"backbone.{k}": v for k, v in theirs.items() if k not in _CLASSIFIER}
    return {our_name(name): value for name, value in theirs.items()}


def _is_backbone(state: Mapping[str, Any]) -> bool:
    return all(name.startswith("backbone.") for name in state)


def _with_counts(expected: Any, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """With the counts of batches, which nothing reads and old files lack."""
    import torch

    counts = {k: torch.tensor(0) for k in expected if k.endswith(_TRACKED)}
    return {**counts, **state}


def _placed(
    expected: Mapping[str, Tensor], state: Mapping[str, Tensor], path: Path | str
) -> dict[str, Tensor]:
    shapes = {name: tuple(value.shape) for name, value in expected.items()}
    try:
        return checkpoint.placed(expected, state, f"{SYSTEM}/{BUILDER}", path)
    except CheckpointError as error:
        parts = differences(shapes, state)
        raise CheckpointError(f"{error}. By part: {parts}" if parts else str(error)) from None


def _check_classes(meta: Mapping[str, Any], path: Path | str) -> None:
    """CheckpointError where the file names other classes than the one."""
    named = meta.get("CLASSES")
    classes = (named,) if isinstance(named, str) else named
    if not isinstance(classes, list | tuple):  # none, or a stand-in for an object of theirs
        return
    if tuple(classes) != (CLASS,):
        shown = ", ".join(map(str, tuple(classes)[:4])) or "none"
        raise CheckpointError(
            f"{path} finds {len(tuple(classes))} classes ({shown}); expected one: {CLASS}"
        )


def _fusion_of(meta: Mapping[str, Any]) -> Fusion | None:
    """What the configuration says was written into the images."""
    text = str(meta.get("config", ""))
    named = re.findall(r"(?:work_dir|data_root)\s*=\s*['\"]([^'\"]*)['\"]", text)
    words = {word for place in named for word in re.split(r"[^A-Za-z]+", place)}
    result = [fusion for fusion, word in FUSION_WORDS.items() if word in words]
    return result[0] if len(result) == 1 else None


def _empty(arguments: Mapping[str, Any]) -> MaskRcnn:
    """The network without memory for its tensors."""
    import torch

    from eyeline.systems.gaze_following.detector.model import mask_rcnn

    with torch.device("meta"):
        return mask_rcnn(**arguments)

"""Checkpoints of mmdetection come in whole or not at all, without running what lies in them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from eyeline.errors import CheckpointError, UsageError
from eyeline.systems.gaze_following.detector import weights
from eyeline.systems.gaze_following.detector.model import mask_rcnn
from eyeline.systems.gaze_following.detector.weights import our_name, their_name
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.gaze_following.detector.invented import (
    SMALL,
    network,
    saved,
    small,
    their_shapes,
    their_tensors,
)

Write = Callable[[Any], Path]

CONFIG = "\n".join([
    "dataset_type = 'CocoDataset'", "data_root = 'data/coco/'",
    "work_dir = './work_dirs/yuqi_x101_32x4d_fpn_1x_HS'", "gpu_ids = range(0, 2)",
])  # fmt: skip


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(content: Any) -> Path:
        path = tmp_path / "epoch_12.pth"
        torch.save(content, path)
        return path

    return write


@pytest.fixture
def theirs() -> dict[str, Tensor]:
    """All names and shapes, hardly any memory: each tensor repeats one number."""
    return {
        name: torch.tensor(0 if name.endswith("num_batches_tracked") else 0.5).expand(shape)
        for name, shape in their_shapes().items()
    }


def mmdetection(state: dict[str, Tensor], **meta: Any) -> dict[str, Any]:
    said = {
        "env_info": "CUDA 11.3", "config": CONFIG, "seed": 0, "mmdet_version": "2.25.1+",
        "CLASSES": ("target",), "epoch": 12, "iter": 98765, "hook_msgs": {"last_ckpt": "x"}, **meta,
    }  # fmt: skip
    optimizer = {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 2.5e-5}]}
    return {"meta": said, "state_dict": state, "optimizer": optimizer}


class Opens:
    """Runs a command where a file is trusted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def test_every_key_has_its_place() -> None:
    with torch.device("meta"):
        created = mask_rcnn()
    shapes = {our_name(name): shape for name, shape in their_shapes().items()}
    assert shapes == {name: tuple(v.shape) for name, v in created.state_dict().items()}
    assert len(shapes) == 666
    assert [their_name(our_name(name)) for name in their_shapes()] == list(their_shapes())


def test_a_checkpoint_as_it_is(written: Write) -> None:
    """The network of the golden numbers, as several devices write it."""
    state = {f"module.{name}": value for name, value in their_tensors().items()}
    result = weights.import_original(written(mmdetection(state)))
    assert (result.card.system, result.card.builder) == ("gaze_following", "mask_rcnn")
    assert result.card.arguments == {} and result.card.settings == {"fusion": "hs"}
    assert result.card.licence and result.ignored == ("meta", "optimizer")
    expected = network().state_dict()
    assert list(result.state) == list(expected)
    assert all(torch.equal(result.state[name], value) for name, value in expected.items())


def test_a_state_dict_alone_without_counts(written: Write, theirs: dict[str, Tensor]) -> None:
    bare = {k: v for k, v in theirs.items() if not k.endswith("num_batches_tracked")}
    result = weights.import_original(written(bare))
    assert len(result.state) == 666 and result.ignored == () and result.card.settings == {}


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        (CONFIG, "hs"),
        (CONFIG.replace("_HS", "_H"), "h"),
        (CONFIG.replace("1x_HS", "1x").replace("data/coco/", "data/coco-noHnoS/"), "none"),
        (CONFIG.replace("1x_HS", "1x"), None),
        (CONFIG.replace("data/coco/", "data/coco-H/"), None),
        ("", None),
    ],
)
def test_what_was_written_into_the_images(config: str, wanted: str | None) -> None:
    assert weights._fusion_of({"config": config}) == wanted


@pytest.mark.parametrize("classes", [("person", "target"), ["bus"], "person", ()])
def test_other_classes(written: Write, theirs: dict[str, Tensor], classes: Any) -> None:
    with pytest.raises(CheckpointError, match="expected one: target"):
        weights.import_original(written(mmdetection(theirs, CLASSES=classes)))


@pytest.mark.parametrize("classes", ["target", ["target"], None])
def test_classes_of_other_forms(written: Write, theirs: dict[str, Tensor], classes: Any) -> None:
    assert weights.import_original(written(mmdetection(theirs, CLASSES=classes))).state


def test_the_whole_of_coco(written: Write, theirs: dict[str, Tensor]) -> None:
    """Eighty classes: the message says which parts are the same and which are not."""
    state = {**theirs, "roi_head.bbox_head.fc_cls.weight": torch.zeros(81, 1024)}
    with pytest.raises(CheckpointError) as error:
        weights.import_original(written(mmdetection(state)))
    assert "backbone (backbone): the same; feature pyramid (neck): the same" in str(error.value)
    wanted = "1 of another shape, such as roi_head.bbox_head.fc_cls.weight"
    assert wanted in str(error.value)


def test_other_detectors(written: Write, theirs: dict[str, Tensor]) -> None:
    state = {
        k.replace("bbox_head.", "bbox_head.0.") : v
        for k, v in theirs.items() if not k.startswith("backbone.layer3.9.")
    }  # fmt: skip
    with pytest.raises(CheckpointError) as error:
        weights.import_original(written(mmdetection(state)))
    known = str(error.value)
    assert "backbone (backbone): 15 missing, such as backbone.layer3.9.bn1.bias" in known
    assert "boxes (roi_head.bbox_head): 8 missing, 8 without a place" in known
    assert "masks (roi_head.mask_head): the same" in known
    state = {k: v for k, v in theirs.items() if "mask_head" not in k}
    with pytest.raises(CheckpointError, match=r"masks \(roi_head.mask_head\): none of it is there"):
        weights.import_original(written(mmdetection(state)))


def test_odd_files(written: Write, theirs: dict[str, Tensor], tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    with pytest.raises(CheckpointError, match="without running code"):
        weights.import_original(written({**mmdetection(theirs), "hooks": Opens(trap)}))
    assert not trap.exists()
    worn = {**theirs, "neck.fpn_convs.0.conv.bias": torch.full((256,), torch.nan)}
    for content, fault in (
        ({"state_dict": worn}, "no numbers in pyramid.layer_blocks.0.0.bias"),
        ({**theirs, "module.backbone.conv1.weight": theirs["backbone.conv1.weight"]}, "twice"),
        ({"state_dict": {}}, "no tensors"),
        ({"epoch": 12}, "no tensors: its entries are epoch"),
        ([1], "no dict of tensors but a list"),
    ):
        with pytest.raises(CheckpointError, match=fault):
            weights.import_original(written(content))
    with pytest.raises(CheckpointError, match="no weights file"):
        weights.import_original(tmp_path / "absent.pth")


def test_ours_is_opened(tmp_path: Path) -> None:
    path = saved(tmp_path / "mask_rcnn.safetensors", 3)
    result = weights.load_mask_rcnn(path)
    assert not result.training
    assert all(torch.equal(v, small(3).state_dict()[k]) for k, v in result.state_dict().items())
    with pytest.raises(UsageError):
        weights.load_mask_rcnn(path, "tpu")


@pytest.mark.parametrize(
    ("card", "fault"),
    [
        (CheckpointCard("gaze_3d", "gaze_from_afar", {}), "expected gaze_following/mask_rcnn"),
        (CheckpointCard("gaze_following", "mask_rcnn", {"stem": 8, "legs": 4}), "cannot use"),
        (CheckpointCard("gaze_following", "mask_rcnn", {**SMALL, "depths": [1]}), "cannot use"),
        (CheckpointCard("gaze_following", "mask_rcnn", {**SMALL, "hidden": 8}), "another shape"),
    ],
)
def test_other_files_of_ours(tmp_path: Path, card: CheckpointCard, fault: str) -> None:
    path = tmp_path / "odd.safetensors"
    checkpoint.save(path, small().state_dict(), card)
    with pytest.raises(CheckpointError, match=fault):
        weights.load_mask_rcnn(path)


@pytest.mark.parametrize("with_classifier", [False, True])
def test_begin_at_imagenet(written: Write, with_classifier: bool) -> None:
    """A file of a backbone: names without a prefix, perhaps with the classifier."""
    backbone = {
        k.removeprefix("backbone."): v for k, v in small(5).state_dict().items()
        if k.startswith("backbone.") and not k.endswith("num_batches_tracked")
    }  # fmt: skip
    if with_classifier:
        backbone |= {"fc.weight": torch.ones(1000, 512), "fc.bias": torch.ones(1000)}
    created = small()
    before = {k: v.clone() for k, v in created.state_dict().items()}
    left = weights.initialise(created, written(backbone))
    assert left and not any(name.startswith("backbone.") for name in left)
    for name, value in created.state_dict().items():
        source = small(5).state_dict() if name.startswith("backbone.") else before
        assert torch.equal(value, source[name]), name


def test_begin_at_a_detector(written: Write, tmp_path: Path) -> None:
    state = small(5).state_dict()
    ours = saved(tmp_path / "ours.safetensors", 5)
    for path in (ours, written({"state_dict": {their_name(k): v for k, v in state.items()}})):
        created = small()
        assert weights.initialise(created, path) == ()
        assert all(torch.equal(v, state[k]) for k, v in created.state_dict().items())


def test_a_backbone_of_another_width_changes_nothing(written: Write) -> None:
    created, wide = small(), mask_rcnn(**{**SMALL, "stem": 8})
    before = {k: v.clone() for k, v in created.state_dict().items()}
    backbone = {
        k.removeprefix("backbone."): v for k, v in wide.state_dict().items() if "backbone" in k
    }
    with pytest.raises(CheckpointError, match=r"7 of another shape, such as backbone.bn1.bias$"):
        weights.initialise(created, written(backbone))
    del backbone["layer4.0.conv3.weight"]
    with pytest.raises(CheckpointError, match=r"1 missing|lacks"):
        weights.initialise(created, written(backbone))
    assert all(torch.equal(v, before[k]) for k, v in created.state_dict().items())

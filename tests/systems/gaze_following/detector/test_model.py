"""The network stage by stage, `golden/maskrcnn_net.npz`: numbers of mmdetection 2.25.1."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from eyeline.errors import DataError
from eyeline.systems.gaze_following.detector import boxes, loss, pooling, targets
from eyeline.systems.gaze_following.detector.model import MaskRcnn, ResNeXt, mask_rcnn
from eyeline.systems.gaze_following.detector.weights import our_name
from tests.systems.gaze_following.conftest import Array, Golden
from tests.systems.gaze_following.detector.invented import SMALL, given, small

STEPS = {
    "c2": (32, 8, 8), "c3": (32, 4, 4), "c4": (64, 2, 2), "c5": (64, 1, 1), "p2": (32, 8, 8),
    "p3": (32, 4, 4), "p4": (32, 2, 2), "p5": (16, 1, 1), "p6": (8, 1, 1),
}  # fmt: skip
"""Which channels, rows and columns the file has."""


def close(found: Tensor, wanted: Array) -> None:
    """Within a ten thousandth of the deviation."""
    np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=1e-4 * float(wanted.std()))


@torch.inference_mode()
def test_maps_and_proposals(net: MaskRcnn, golden: Golden) -> None:
    file = golden("maskrcnn_net")
    named = dict(zip(("c2", "c3", "c4", "c5"), net.backbone(given()), strict=True))
    maps = net.see(given())
    named |= dict(zip(("p2", "p3", "p4", "p5", "p6"), maps, strict=True))
    for name, result in named.items():
        c, y, x = STEPS[name]
        close(result[:, ::c, ::y, ::x], file[f"{name}_sub"])
        known = [float(result.mean()), float(result.std())]
        np.testing.assert_allclose(known, file[f"{name}_stat"], atol=1e-4 * known[1])
    scores, deltas = net.propose(maps)
    for number, (score, delta) in enumerate(zip(scores, deltas, strict=True), start=2):
        some = slice(None, None, 8 if number < 4 else 1)
        close(score[:, :, some, some], file[f"rpn_cls{number}_sub"])
        close(delta[:, :, some, some], file[f"rpn_reg{number}_sub"])


@torch.inference_mode()
def test_regions(net: MaskRcnn, golden: Golden) -> None:
    file = golden("maskrcnn_net")
    maps, looked_at = net.see(given()), torch.from_numpy(file["rois"])
    assert boxes.levels(looked_at).tolist() == file["roi_levels"].tolist()
    close(pooling.pooled(maps, looked_at, 7)[:, ::32], file["roi_feat_sub"])
    classes, deltas = net.classify(maps, looked_at)
    close(classes, file["roi_cls"])
    close(deltas, file["roi_reg"])
    close(net.outline(maps, looked_at)[:, :, ::2, ::2], file["roi_mask_logits"])


def test_losses_and_gradients(net: MaskRcnn, golden: Golden) -> None:
    file = golden("maskrcnn_net")
    masks = np.stack([np.unpackbits(m, count=192 * 256) for m in file["gt_masks_0"]])
    target = targets.Targets(
        torch.from_numpy(file["gt_bboxes_0"]),
        torch.from_numpy(masks.reshape(-1, 192, 256)), (180, 250), (192, 256),
    )  # fmt: skip
    every = targets.Sampling(10**6, 0.5)
    proposed = torch.from_numpy(file["train_props_0"])
    wanted = {}

    def choose(scores: list[Tensor], deltas: list[Tensor]) -> object:
        wanted["anchors"] = targets.of_anchors(scores, [target], every)
        chosen, wanted["regions"] = targets.of_regions([proposed], [target], every)
        return chosen

    network = net.train()
    network.zero_grad()
    network.backbone.freeze(1)  # type: ignore[operator]
    seen = network(given(), choose)
    result = loss.losses(seen, wanted["anchors"], wanted["regions"])  # type: ignore[arg-type]
    names = dict(zip(result, ("rpn_cls", "rpn_bbox", "cls", "bbox", "mask"), strict=True))
    for name, value in result.items():
        assert float(value.detach()) == pytest.approx(
            float(file[f"loss_loss_{names[name]}"]), rel=1e-3
        )
    right = loss.accuracy(seen.classes.detach(), wanted["regions"].regions)  # type: ignore[attr-defined]
    assert right == pytest.approx(float(file["loss_acc"]))
    torch.stack([*result.values()]).sum().backward()
    parameters = dict(network.named_parameters())
    for name, norm in zip(file["grad_keys"], file["grad_norms"], strict=True):
        gradient = parameters[our_name(str(name))].grad
        assert gradient is not None
        assert float(gradient.norm()) == pytest.approx(float(norm), rel=1e-2), name
    frozen = {n for n, p in parameters.items() if p.grad is None}
    assert frozen == {n for n in parameters if n.startswith(
        ("backbone.conv1", "backbone.bn1", "backbone.layer1")
    )}  # fmt: skip
    network.zero_grad()
    network.eval()


def test_counts_and_statistics_never_learn() -> None:
    with torch.device("meta"):
        created = mask_rcnn()
    assert sum(p.numel() for p in created.parameters()) == 62_591_830
    backbone = created.backbone
    assert isinstance(backbone, ResNeXt)
    backbone.freeze(1)
    assert sum(p.numel() for p in created.parameters() if p.requires_grad) == 62_376_470
    backbone.freeze(0)
    assert all(p.requires_grad for p in created.parameters())
    network = small().train()
    before = {k: v.clone() for k, v in network.named_buffers()}
    assert before
    with torch.no_grad():
        network.see(torch.randn(2, 3, 64, 64))
    assert all(torch.equal(v, before[k]) for k, v in network.named_buffers())
    assert not network.backbone.training and network.mask_head.training


def test_a_network_from_chance_starts_calm() -> None:
    """Residual branches end in gains of zero and all scores near one another."""
    torch.manual_seed(0)
    network = mask_rcnn(**SMALL).eval()
    with torch.inference_mode():
        maps = network.see(torch.randn(1, 3, 64, 96))
        scores, _ = network.propose(maps)
    assert [tuple(m.shape[2:]) for m in maps] == [(16, 24), (8, 12), (4, 6), (2, 3), (1, 2)]
    assert all(float(s.abs().max()) < 1 for s in scores)
    state = network.state_dict()
    assert float(state["backbone.layer4.0.bn3.weight"].abs().max()) == 0
    biases = [v for k, v in state.items() if k.endswith(".bias") and "backbone" not in k]
    assert len(biases) == 21 and not any(bool(b.any()) for b in biases)


@pytest.mark.parametrize("size", [(3, 50, 64), (3, 64, 70), (4, 64, 64)])
def test_images_of_other_shapes(size: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"multiples of 32|axis '3'"):
        small().see(torch.zeros(1, *size))


@pytest.mark.parametrize(
    "odd", [{"depths": (1, 1)}, {"groups": 0}, {"width": 4, "group_width": 4}, {"pyramid": -1}]
)
def test_numbers_that_make_no_network(odd: dict[str, object]) -> None:
    with pytest.raises(DataError, match="no network of depths"):
        mask_rcnn(**{**SMALL, **odd})  # type: ignore[arg-type]

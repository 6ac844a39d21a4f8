"""The copy for finding says what the network says."""

from __future__ import annotations

import pytest
import torch

from eyeline.systems.gaze_following.detector.detections import Finding, find
from eyeline.systems.gaze_following.detector.fused import fused
from eyeline.systems.gaze_following.detector.inputs import Shown
from eyeline.systems.gaze_following.detector.model import MaskRcnn
from eyeline.training import fused as ground
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_following.conftest import Golden
from tests.systems.gaze_following.detector.invented import given, small
from tests.systems.gaze_following.detector.test_proposals import assert_same_boxes


@torch.inference_mode()
def test_parity(net: MaskRcnn, golden: Golden) -> None:
    file = golden("maskrcnn_net")
    shown = Shown(given()[0], (180, 250), (90, 125))
    found = find(fused(net), given(), [shown], Finding())[0]
    assert_same_boxes(torch.cat([found.box_xyxy, found.score[:, None]], 1), file["dets_0"])


@pytest.mark.parametrize("way", ["onednn", "plain"])
@torch.inference_mode()
def test_every_part_agrees(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "plain":
        monkeypatch.setattr(ground, "has_fusion", lambda: False)
    elif not ground.has_fusion():
        pytest.skip("this build of torch has no oneDNN")
    network = small()
    quick = fused(network)
    looked_at = torch.tensor([[0, 3.0, 4, 60, 50], [1, 10, 10, 90, 30], [1, 0, 0, 95, 63]])
    for size in ((64, 96), (96, 128), (64, 96)):
        pictures = torch.randn(2, 3, *size)
        both = [n.see(pictures) for n in (network, quick)]
        for ours, theirs in zip(*both, strict=True):
            assert_close_to_scale(ours, theirs, 1e-4)
        maps = both[0]
        for levels in zip(network.propose(maps), quick.propose(maps), strict=True):
            for ours, theirs in zip(*levels, strict=True):
                assert_close_to_scale(ours, theirs, 1e-4)
        for ours, theirs in zip(
            network.classify(maps, looked_at), quick.classify(maps, looked_at), strict=True
        ):
            assert_close_to_scale(ours, theirs, 1e-4)
        outlines = [n.outline(maps, looked_at) for n in (network, quick)]
        torch.testing.assert_close(*outlines, atol=1e-4, rtol=1e-4)


def test_it_shares_nothing_and_cannot_be_trained() -> None:
    network = small()
    quick = fused(network)
    own = {p.data_ptr() for p in network.parameters()}
    assert not own & {p.data_ptr() for p in quick.parameters()}
    assert not quick.training and not any(p.requires_grad for p in quick.parameters())
    assert all(p.requires_grad for p in network.parameters())

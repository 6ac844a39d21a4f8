"""The copy for inference has the outputs of the network."""

from __future__ import annotations

import torch

from eyeline.systems.gaze_following.detector.detections import Finding, find
from eyeline.systems.gaze_following.detector.inputs import Shown
from eyeline.systems.gaze_following.detector.model import MaskRcnn
from eyeline.training.fused import fused
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_following.conftest import Golden
from tests.systems.gaze_following.detector.invented import given, small
from tests.systems.gaze_following.detector.test_proposals import assert_same_boxes


@torch.inference_mode()
def test_parity(net: MaskRcnn, golden: Golden) -> None:
    file = golden("maskrcnn_net")
    shown = Shown(given()[0], (180, 250), (90, 125))
    result = find(fused(net), given(), [shown], Finding())[0]
    assert_same_boxes(torch.cat([result.box_xyxy, result.score[:, None]], 1), file["dets_0"])


@torch.inference_mode()
def test_every_part_agrees() -> None:
    network = small()
    quick = fused(network)
    looked_at = torch.tensor([[0, 3.0, 4, 60, 50], [1, 10, 10, 90, 30], [1, 0, 0, 95, 63]])
    for size in ((64, 96), (96, 128), (64, 96)):
        images = torch.randn(2, 3, *size)
        both = [n.see(images) for n in (network, quick)]
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

"""Anchors are those of the published network, `golden/maskrcnn_ops.npz`."""

from __future__ import annotations

import numpy as np
import torch

from eyeline.systems.gaze_following.detector import anchors
from tests.systems.gaze_following.conftest import Golden


def test_parity(golden: Golden) -> None:
    file = golden("maskrcnn_ops")
    for level, stride in enumerate(anchors.STRIDES):
        at_origin = anchors.at_origin(stride).numpy()
        np.testing.assert_allclose(at_origin, file["base_anchors"][level], atol=1e-4)
        h, w = (int(n) for n in file["anchor_sizes"][level])
        result = anchors.of_level((h, w), stride).numpy()
        np.testing.assert_allclose(result, file[f"anchors_{level}"], atol=1e-4)


def test_of_maps_has_one_array_a_level() -> None:
    maps = [torch.zeros(2, 3, 64 // s, 96 // s) for s in (4, 8, 16, 32, 64)]
    result = anchors.of_maps(maps)
    assert [len(f) for f in result] == [3 * m.shape[2] * m.shape[3] for m in maps]


def test_within_leaves_out_what_a_batch_adds() -> None:
    result = anchors.within((3, 4), (32, 64), 16).reshape(3, 4, 3)
    assert bool(result[:2].all()) and not bool(result[2].any())
    narrow = anchors.within((3, 4), (48, 32), 16).reshape(3, 4, 3)
    assert bool(narrow[:, :2].all()) and not bool(narrow[:, 2:].any())
    # a cell that stands on the image in part counts
    assert int(anchors.within((1, 1), (32, 32), 64).sum()) == 3

"""What the benchmark compares with does the same work: its answers are ours."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.published.eye_contact import Temporal, face_tensor, loss
from eyeline.systems.eye_contact.loss import segmentation_loss
from eyeline.systems.eye_contact.xgaze.inputs import cut_faces, network_input, views
from eyeline.systems.eye_contact.xgaze.model import MsTcn2
from tests.systems.eye_contact.faces import six_points


def test_the_temporal_network_and_its_loss(temporal: MsTcn2) -> None:
    published = Temporal().eval()
    published.load_state_dict(temporal.state_dict())
    features, label = torch.rand(1, 2048, 150), (torch.arange(150)[None] // 20) % 3 - 1
    with torch.inference_mode():
        theirs, ours = published(features), temporal(features)
    assert torch.allclose(theirs, ours, atol=2e-4)
    assert loss(theirs, label).item() == pytest.approx(
        segmentation_loss(theirs, label).item(), rel=1e-5
    )


def test_the_faces() -> None:
    six = six_points(np.array([0.0, 20, -30]), np.array([0.0, 10, -5]), np.array([0.0, 5, 8]))
    image = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), np.uint8)
    ours = network_input(cut_faces(image, views(six, 1280, 720).warp))
    for points, face in zip(six, ours, strict=True):
        assert (face_tensor(image, points)[0] - face).abs().mean() < 0.01

"""The copies for inference answer as the networks do, and as the original."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch
from torch import nn

from eyeline.systems.ego_social.model import LookingAtMe, gaze360_lstm, lam_lstm
from eyeline.systems.ego_social.network.fused import fused
from eyeline.systems.ego_social.ttm_model import TalkingToMe, ttm
from eyeline.training import fused as ground
from tests.closeness import assert_close_to_scale
from tests.systems.ego_social.invented import LAM, SINGLE, TTM, blocky, filled, golden, sound
from tests.systems.ego_social.raw_video import small_lam, small_ttm

CLOSE = 2e-5


@pytest.fixture(params=["onednn", "plain"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "plain":
        monkeypatch.setattr(ground, "has_fusion", lambda: False)
    elif not ground.has_fusion():
        pytest.skip("this build of torch has no oneDNN")


def test_looking_at_me() -> None:
    file, clip = golden("lam_n2"), blocky("lam_n2", 2, 7, 3)
    quick = fused(cast(LookingAtMe, filled(lam_lstm(), LAM)))
    single = fused(cast(LookingAtMe, filled(gaze360_lstm(head="single"), SINGLE)))
    with torch.inference_mode():
        seen = quick.see(clip.flatten(0, 1)).reshape(2, 7, -1)
        np.testing.assert_allclose(quick.conclude(seen), file["logits"], rtol=0, atol=CLOSE)
        found = single.conclude(seen)  # its encoder has the same tensors
    np.testing.assert_allclose(found, file["singlehead.logits"], rtol=0, atol=CLOSE)


def test_talking_to_me() -> None:
    file = golden("ttm_n2_d12")
    given = blocky("ttm_n2_d12/video", 2, 12, 3), sound("ttm_n2_d12/audio", 2, 5866)
    quick = fused(cast(TalkingToMe, filled(ttm(), TTM)))
    with torch.inference_mode():
        np.testing.assert_allclose(quick(*given), file["logits"], rtol=0, atol=CLOSE)


def test_sizes_may_change_from_call_to_call() -> None:
    network = small_lam()
    quick = fused(network)
    with torch.inference_mode():
        for count, size in ((2, 64), (19, 48), (1, 80)):
            frames = torch.randn(count, 3, size, size)
            kept = frames.clone()
            found = quick.see(frames)
            assert_close_to_scale(found, network.see(frames), 1e-4)
            assert torch.equal(frames, kept)


def test_the_network_itself_is_untouched() -> None:
    for network in (small_lam(), small_ttm()):
        before = {name: value.clone() for name, value in network.state_dict().items()}
        copy = fused(network)
        with torch.inference_mode():
            copy.see(torch.randn(3, 3, 32, 32))
        assert type(copy) is type(network)
        for name, value in network.state_dict().items():
            assert torch.equal(value, before[name]), name
        assert not [m for m in copy.encoder.modules() if isinstance(m, nn.BatchNorm2d)]
        assert not copy.training and not any(p.requires_grad for p in copy.parameters())
        theirs = {p.data_ptr() for p in network.parameters()}
        assert not theirs & {p.data_ptr() for p in copy.parameters()}


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    from eyeline.training.devices import check_device, for_answers

    device = check_device("cuda")
    file, clip = golden("lam_n2"), blocky("lam_n2", 2, 7, 3)
    with for_answers():
        found = fused(cast(LookingAtMe, filled(lam_lstm(), LAM))).to(device)(clip.to(device))
        np.testing.assert_allclose(found.cpu(), file["logits"], rtol=0, atol=1e-4)
        file = golden("ttm_n2_d12")
        video, voice = blocky("ttm_n2_d12/video", 2, 12, 3), sound("ttm_n2_d12/audio", 2, 5866)
        quick = fused(cast(TalkingToMe, filled(ttm(), TTM))).to(device)
        found = quick(video.to(device), voice.to(device))
        np.testing.assert_allclose(found.cpu(), file["logits"], rtol=0, atol=1e-4)

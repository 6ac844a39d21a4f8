"""The copies for inference have the outputs of the original."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch

from eyeline.systems.ego_social.model import LookingAtMe, gaze360_lstm, lam_lstm
from eyeline.systems.ego_social.ttm_model import TalkingToMe, ttm
from eyeline.training.fused import fused
from tests.systems.ego_social.invented import LAM, SINGLE, TTM, audio, blocky, filled, golden

CLOSE = 2e-5


def test_looking_at_me() -> None:
    file, clip = golden("lam_n2"), blocky("lam_n2", 2, 7, 3)
    quick = fused(cast(LookingAtMe, filled(lam_lstm(), LAM)))
    single = fused(cast(LookingAtMe, filled(gaze360_lstm(head="single"), SINGLE)))
    with torch.inference_mode():
        seen = quick.see(clip.flatten(0, 1)).reshape(2, 7, -1)
        np.testing.assert_allclose(quick.conclude(seen), file["logits"], rtol=0, atol=CLOSE)
        result = single.conclude(seen)  # its encoder has the same tensors
    np.testing.assert_allclose(result, file["singlehead.logits"], rtol=0, atol=CLOSE)


def test_talking_to_me() -> None:
    file = golden("ttm_n2_d12")
    given = blocky("ttm_n2_d12/video", 2, 12, 3), audio("ttm_n2_d12/audio", 2, 5866)
    quick = fused(cast(TalkingToMe, filled(ttm(), TTM)))
    with torch.inference_mode():
        np.testing.assert_allclose(quick(*given), file["logits"], rtol=0, atol=CLOSE)


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    from eyeline.training.devices import check_device, for_answers

    device = check_device("cuda")
    file, clip = golden("lam_n2"), blocky("lam_n2", 2, 7, 3)
    with for_answers():
        result = fused(cast(LookingAtMe, filled(lam_lstm(), LAM))).to(device)(clip.to(device))
        np.testing.assert_allclose(result.cpu(), file["logits"], rtol=0, atol=1e-4)
        file = golden("ttm_n2_d12")
        video, voice = blocky("ttm_n2_d12/video", 2, 12, 3), audio("ttm_n2_d12/audio", 2, 5866)
        quick = fused(cast(TalkingToMe, filled(ttm(), TTM))).to(device)
        result = quick(video.to(device), voice.to(device))
        np.testing.assert_allclose(result.cpu(), file["logits"], rtol=0, atol=1e-4)

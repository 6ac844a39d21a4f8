"""Images and boxes to answers, as the original's whole chain gave them; `golden/e2e.npz`."""

from __future__ import annotations

import json
from typing import cast

import numpy as np
import torch

from eyeline.results import Image
from eyeline.systems.ego_social.inputs import normalise, segment_audio, stacked, window
from eyeline.systems.ego_social.model import LookingAtMe, lam_lstm
from eyeline.systems.ego_social.ttm_model import TalkingToMe, ttm
from tests.systems.ego_social.invented import LAM, TTM, filled, golden
from tests.systems.ego_social.test_inputs import crop, known_boxes, wave


def test_looking_at_me() -> None:
    file, boxes = golden("e2e"), known_boxes()
    net = cast(LookingAtMe, filled(lam_lstm(), LAM))
    result, seen = [], Seen(net)
    for clip, track, t, _ in json.loads(str(file["lam.keys"])):
        known = boxes[clip, track]
        frames = window([crop(clip, i, known) for i in range(t - 3, t + 4)])
        with torch.no_grad():
            result.append(net.conclude(seen.features(frames)[None])[0])
    assert len(result) == 42
    np.testing.assert_allclose(torch.stack(result), file["lam.logits"], rtol=0, atol=2e-5)
    assert len(seen.known) < 42 * 7 / 2


def test_talking_to_me() -> None:
    file = golden("e2e")
    boxes = json.loads(str(golden("ttm_segments")["train.boxes"]))
    net = cast(TalkingToMe, filled(ttm(), TTM))
    result, seen = [], Seen(net)
    for clip, person, _, first, last, _ in json.loads(str(file["ttm.segments"])):
        known = {
            n: box for n in range(first, last + 1) if (box := boxes[clip].get(f"{n}:{person}"))
        }
        frames = stacked([crop(clip, n, known) for n in range(first, last + 1)])
        audio = torch.from_numpy(segment_audio(wave(1), first, last))
        with torch.no_grad():
            result.append(net.conclude(seen.features(frames)[None], net.hear(audio[None]))[0])
    np.testing.assert_allclose(torch.stack(result), file["ttm.logits"], rtol=0, atol=2e-5)


class Seen:
    """Features of crops, each computed once."""

    def __init__(self, net: LookingAtMe | TalkingToMe) -> None:
        self.net = net
        self.known: dict[bytes, torch.Tensor] = {}

    def features(self, frames: Image) -> torch.Tensor:
        """`(time, 256)` of crops `(time, 224, 224, 3)`."""
        for frame in frames:
            if (name := frame.tobytes()) not in self.known:
                self.known[name] = self.net.see(normalise(frame[None]))[0]
        return torch.stack([self.known[frame.tobytes()] for frame in frames])

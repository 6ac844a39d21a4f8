"""Answers for a whole data set: the same as item by item, with each image seen once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from eyeline.errors import UsageError
from eyeline.systems.ego_social.data import open_looks, open_talks
from eyeline.systems.ego_social.inputs import FRAMES, normalise
from eyeline.systems.ego_social.model import FrameEncoder, LookingAtMe
from eyeline.systems.ego_social.scoring import outputs
from eyeline.systems.ego_social.scoring.outputs import Work
from eyeline.systems.ego_social.ttm_model import TalkingToMe
from tests.systems.ego_social.stored import prepared
from tests.systems.ego_social.taught import plan, taught

pytestmark = pytest.mark.usefixtures("one_thread")

CLOSE = 2e-5


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Windows with holes, black crops and images that are missing."""
    return prepared(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def looker() -> LookingAtMe:
    torch.manual_seed(1)
    return cast(LookingAtMe, plan("lam").network().eval())


@pytest.fixture(scope="module")
def talker() -> TalkingToMe:
    torch.manual_seed(1)
    return cast(TalkingToMe, plan("ttm").network().eval())


@pytest.fixture
def counted(looker: LookingAtMe, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images pass through the encoder, call by call."""
    counts: list[int] = []
    seen = FrameEncoder.forward

    def counting(self: FrameEncoder, frames: Tensor) -> Tensor:
        counts.append(len(frames))
        return seen(self, frames)

    monkeypatch.setattr(FrameEncoder, "forward", counting)
    return counts


@pytest.mark.parametrize("stride", [1, 5])
def test_windows_fraction_what_they_saw(
    root: Path, looker: LookingAtMe, stride: int, counted: list[int]
) -> None:
    looks = open_looks(root, "train", stride=stride)
    looks = looks.subset(np.arange(min(len(looks), 60)))
    predictions = outputs.looks(looker, looks, Work(at_once=20))
    shown = sum(counted)
    with torch.no_grad():
        each = torch.stack([looker(looks[i]["clip"][None])[0] for i in range(len(looks))])
    np.testing.assert_allclose(predictions, each, rtol=0, atol=CLOSE)
    most = {1: 60 + 3 * (FRAMES - 1), 5: 60 * 6}[stride]
    assert shown <= most < 60 * FRAMES, "each image once, but where parts meet"
    assert predictions.dtype == np.float32 and np.ptp(predictions) > 1e-3


def test_mirror_images(root: Path, looker: LookingAtMe) -> None:
    looks = open_looks(root, "train", stride=9)
    predictions = outputs.looks(looker, looks, mirrored=True)
    with torch.no_grad():
        wanted = looker(torch.stack([looks[i]["clip"].flip(-1) for i in range(len(looks))]))
    np.testing.assert_allclose(predictions, wanted, rtol=0, atol=CLOSE)
    assert not np.allclose(predictions, outputs.looks(looker, looks), atol=CLOSE)


def test_parts_and_workers_change_nothing(root: Path, looker: LookingAtMe) -> None:
    looks, known = open_looks(root, "train", stride=5), list[str]()
    whole = outputs.looks(looker, looks, Work(1000, log=known.append))
    for at_once, workers in ((1, 0), (7, 0), (8, 1)):
        predictions = outputs.looks(looker, looks, Work(at_once, workers))
        np.testing.assert_allclose(predictions, whole, rtol=0, atol=CLOSE)
    assert known == [f"{len(looks)} of {len(looks)} windows"]
    with pytest.raises(UsageError, match="0 windows at once"):
        Work(at_once=0)


def test_talk_piece_by_piece(root: Path, talker: TalkingToMe) -> None:
    talks = open_talks(root, "train")
    predictions = outputs.talks(talker, talks)
    for number in range(0, len(talks), 3):
        item = talks[number]
        with torch.no_grad():
            wanted = talker(item["clip"][None], item["audio"][None])[0]
        np.testing.assert_allclose(predictions.logits[number], wanted, rtol=0, atol=CLOSE)
    frames = [s.end_frame - s.start_frame + 1 for s in talks.segments]
    assert predictions.frames.tolist() == frames
    seen = [int(talks.frames(i).any(axis=(1, 2, 3)).sum()) for i in range(len(talks))]
    assert predictions.faces.tolist() == seen and 0 < sum(seen) < sum(frames)


def test_face_and_voice_alone(tmp_path: Path, talker: TalkingToMe) -> None:
    """The face's answer heeds no voice, the voice's no face, and both add up to the whole."""
    talks = open_talks(taught(tmp_path, 1, 1), "val")
    predictions = outputs.talks(talker, talks)

    class Changed:
        def __init__(self, name: str) -> None:
            self.name = name

        def __len__(self) -> int:
            return len(talks)

        def __getitem__(self, number: int) -> Any:
            item = dict(talks[number])
            return item | {self.name: item[self.name] * 0.5 + 0.25}  # type: ignore[operator]

    other_voice, other_face = (outputs.talks(talker, Changed(n)) for n in ("audio", "clip"))
    np.testing.assert_array_equal(other_voice.face, predictions.face)
    np.testing.assert_array_equal(other_face.voice, predictions.voice)
    assert not np.allclose(other_voice.voice, predictions.voice, atol=1e-6)
    assert not np.allclose(other_face.face, predictions.face, atol=1e-6)

    class Silent(Changed):
        def __getitem__(self, number: int) -> Any:
            item = talks[number]
            black = normalise(np.zeros((1, 224, 224, 3), np.uint8)).expand_as(item["clip"])
            return {**item, "clip": black, "audio": torch.zeros(16_000)}

    nothing = outputs.talks(talker, Silent(""))
    assert nothing.faces.tolist() == [0, 0]
    np.testing.assert_allclose(
        predictions.face + predictions.voice - nothing.logits,
        predictions.logits,
        rtol=0,
        atol=CLOSE,
    )

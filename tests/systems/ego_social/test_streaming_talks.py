"""A stretch of speech that grows is answered for as the network answers for all of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
import torch

from eyeline.errors import DataError, UsageError
from eyeline.results import Image
from eyeline.systems.ego_social.from_video.faces import View
from eyeline.systems.ego_social.inputs import normalise, segment_audio, stacked
from eyeline.systems.ego_social.recordings.tracklets import pieces
from eyeline.systems.ego_social.scoring.postprocess import scores
from eyeline.systems.ego_social.streaming_talks import TalkingStream
from eyeline.systems.ego_social.ttm_model import TalkingToMe
from tests.refusals import refuses
from tests.systems.ego_social.raw_video import noise, small_ttm

CLOSE = 2e-5


@pytest.fixture(scope="module")
def net() -> TalkingToMe:
    return small_ttm()


def face(frame: int) -> Image:
    coarse = np.random.default_rng(frame).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return coarse.repeat(56, 0).repeat(56, 1)


def logits(
    net: TalkingToMe, audio: npt.NDArray[np.float32], first: int, last: int, hidden: Sequence[int]
) -> npt.NDArray[np.float32]:
    """Of one piece, from its images and the audio of the whole clip."""
    frames = stacked([None if f in hidden else face(f) for f in range(first, last + 1)])
    heard = torch.from_numpy(segment_audio(audio, first, last))
    with torch.no_grad():
        return np.asarray(net(normalise(frames)[None], heard[None])[0])


def shown(
    net: TalkingToMe, audio: npt.NDArray[np.float32], first: int, last: int,
    hidden: Sequence[int] = (), at_once: int = 5, steps: int = 4,
) -> float | None:  # fmt: skip
    """Images and audio pushed little by little."""
    stream = TalkingStream(net, at_once=at_once)
    stream.begin(3, first)
    views = [View(3, f, face(f)) for f in range(first, last + 1) if f not in hidden]
    begin, end = int(first / 30 * 16_000), int(last / 30 * 16_000)
    for k in range(steps):
        part = slice(begin + (end - begin) * k // steps, begin + (end - begin) * (k + 1) // steps)
        stream.hear(3, audio[part])
        stream.show(views[len(views) * k // steps : len(views) * (k + 1) // steps])
    return stream.end(3, last)


@pytest.mark.parametrize(("first", "last"), [(0, 1), (7, 19), (10, 40)])
@pytest.mark.parametrize("hidden", [(), (7, 8, 12, 40)])
def test_a_short_stretch_is_one_piece(
    net: TalkingToMe, first: int, last: int, hidden: Sequence[int]
) -> None:
    audio = noise(3)
    wanted = scores(logits(net, audio, first, last, hidden)[None])[0]
    for steps in (1, 4, 9):
        result = shown(net, audio, first, last, hidden, steps=steps)
        assert result == pytest.approx(wanted, abs=CLOSE)


@pytest.mark.parametrize("frames", [150, 151, 300])
def test_pieces_are_the_benchmark_s(net: TalkingToMe, frames: int) -> None:
    audio, first = noise(11), 4
    hidden = [f for f in range(400) if f % 7]  # most are black, for speed
    cut = pieces(first, first + frames - 1)
    known = np.stack([logits(net, audio, a, b, hidden) for a, b in cut])
    result = shown(net, audio, first, first + frames - 1, hidden)
    assert result == pytest.approx(scores(known.mean(axis=0)[None])[0], abs=CLOSE)


def test_the_tail_counts_by_its_fraction(net: TalkingToMe) -> None:
    audio, hidden = noise(8), [f for f in range(400) if f % 7]
    head, tail = (logits(net, audio, a, b, hidden) for a, b in ((2, 152), (152, 181)))
    wanted = scores(((head + 0.2 * tail) / 1.2)[None])[0]
    assert abs(wanted - scores(head[None])[0]) > 1e-3
    assert shown(net, audio, 2, 181, hidden) == pytest.approx(wanted, abs=CLOSE)


def test_answers_while_it_grows(net: TalkingToMe) -> None:
    audio, stream = noise(3), TalkingStream(net)
    stream.begin(0, 0)
    known = {}
    for frame in range(40):
        stream.show([View(0, frame, face(frame))])
        if frame:
            stream.hear(0, audio[int((frame - 1) / 30 * 16_000) : int(frame / 30 * 16_000)])
        known[frame] = stream.answer(0)
    assert known[0] is None
    for last in (1, 12, 39):
        wanted = scores(logits(net, audio, 0, last, ())[None])[0]
        assert known[last] == pytest.approx(wanted, abs=CLOSE)
    assert stream.end(0) == pytest.approx(known[39], abs=1e-7)


def test_images_may_run_ahead_of_the_audio(net: TalkingToMe) -> None:
    audio, hidden = noise(8), [f for f in range(400) if f % 7]
    stream = TalkingStream(net)
    stream.begin(0, 2)
    stream.show([View(0, f, face(f)) for f in range(2, 182) if f not in hidden])
    assert stream.answer(0) is None
    stream.hear(0, audio[int(2 / 30 * 16_000) : int(181 / 30 * 16_000)])
    wanted = shown(net, audio, 2, 181, hidden)
    assert stream.end(0, 181) == pytest.approx(wanted, abs=CLOSE)


def test_what_was_not_heard_is_silence(net: TalkingToMe) -> None:
    audio = noise(1)
    whole = np.concatenate([audio[:8000], np.zeros(8000, np.float32)])
    stream = TalkingStream(net)
    stream.begin(0, 0)
    stream.show([View(0, f, face(f)) for f in range(31)])
    stream.hear(0, audio[:8000])
    wanted = scores(logits(net, whole, 0, 30, ())[None])[0]
    assert stream.end(0) == pytest.approx(wanted, abs=CLOSE)


def test_each_crop_is_seen_once_and_black_once(net: TalkingToMe) -> None:
    seen: list[int] = []
    handle = net.encoder.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    shown(net, noise(11), 0, 299, [f for f in range(400) if f % 10])
    handle.remove()
    assert sum(seen) == 30 + 1 and max(seen) <= 5


def test_little_is_held(net: TalkingToMe) -> None:
    stream, audio = TalkingStream(net), noise(1)
    stream.begin(0, 0)
    for second in range(14):
        stream.show([View(0, 30 * second + 5, face(0)), View(0, 30 * second + 29, None)])
        stream.hear(0, audio)
    talk = stream._talks[0]
    assert len(talk.features) <= 151 and len(talk.audio) <= 80_000 + 16_000
    stream.end(0)
    assert not stream._talks


def test_what_cannot_be_is_refused(net: TalkingToMe) -> None:
    stream = TalkingStream(net)
    stream.begin(1, 10)
    refuses(UsageError, "begun already", lambda: stream.begin(1, 20))
    for call in (lambda: stream.answer(2), lambda: stream.end(2), lambda: stream.hear(2, noise(1)),
                 lambda: stream.show([View(2, 0, None)])):  # fmt: skip
        with pytest.raises(UsageError, match="2 has not begun"):
            call()
    with pytest.raises(DataError, match="frame 9 of track 1 came after frame 9"):
        stream.show([View(1, 9, None)])
    refuses(DataError, "samples has", lambda: stream.hear(1, np.zeros((2, 5))))
    refuses(UsageError, "at least 1", lambda: TalkingStream(net, at_once=0))
    assert stream.end(1) is None

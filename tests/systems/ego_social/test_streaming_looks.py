"""Each crop is seen once, windows are those of the published preparation, each frame has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import torch

from eyeline.errors import DataError, UsageError
from eyeline.results import Image
from eyeline.systems.ego_social.from_video.faces import View
from eyeline.systems.ego_social.inputs import normalise, window
from eyeline.systems.ego_social.model import LookingAtMe
from eyeline.systems.ego_social.scoring.postprocess import scores
from eyeline.systems.ego_social.streaming_looks import Look, LookingStream
from tests.refusals import refuses
from tests.systems.ego_social.raw_video import small_lam

CLOSE = 2e-5
SIZE = 48

Crops = Mapping[int, Image | None]


@pytest.fixture(scope="module")
def net() -> LookingAtMe:
    return small_lam()


def crops(frames: Sequence[int], track_id: int = 0, black: Sequence[int] = ()) -> dict[int, Image]:
    rng = np.random.default_rng(track_id)
    coarse = rng.integers(0, 256, (100, 4, 4, 3), dtype=np.uint8)
    result = {f: coarse[f % 100].repeat(SIZE // 4, 0).repeat(SIZE // 4, 1) for f in frames}
    return result | {f: np.zeros((SIZE, SIZE, 3), np.uint8) for f in black}


def views(shown: Crops, track_id: int = 0) -> list[View]:
    return [View(track_id, frame, crop) for frame, crop in sorted(shown.items())]


def directly(net: LookingAtMe, shown: Crops) -> dict[int, float]:
    """What the network says of the window about each crop, from its images."""
    frames = sorted(f for f, crop in shown.items() if crop is not None)
    black = np.zeros((SIZE, SIZE, 3), np.uint8)
    clips = []
    for f in frames:
        around = [shown.get(i) for i in range(f - 3, f + 4)]
        clips.append(window(around))
        assert clips[-1].shape == (7, *black.shape)
    with torch.no_grad():
        logits = net(normalise(np.stack(clips)))
    return dict(zip(frames, scores(logits.numpy()).tolist(), strict=True))


def live(stream: LookingStream, shown: Sequence[View]) -> list[Look]:
    return [look for view in shown for look in stream.push([view])] + stream.end()


def by_frame(looks: Sequence[Look], track_id: int = 0) -> dict[int, float]:
    result = [(look.frame, look.probability) for look in looks if look.track_id == track_id]
    assert [f for f, _ in result] == sorted({f for f, _ in result})
    return dict(result)


@pytest.mark.parametrize(
    ("frames", "black", "none"),
    [
        (range(12), (), ()),
        ([4], (), ()),
        ([4, 5], (), ()),
        ([1, 2, 3, 5, 6, 9, 10, 17, 18, 40], (), ()),
        (range(20), (), (3, 4, 11)),
        (range(20), (5, 6), ()),
        (range(20), (0, 6, 7, 8, 18, 19), (4, 12, 13)),
        ([0, 1, 2, 3, 4, 5, 30, 31, 32], (2, 31), (7, 20)),
    ],
)
def test_windows_are_those_of_the_images(
    net: LookingAtMe, frames: Sequence[int], black: Sequence[int], none: Sequence[int]
) -> None:
    shown: dict[int, Image | None] = {**crops(frames, black=black), **dict.fromkeys(none)}
    wanted = directly(net, shown)
    assert len(wanted) < 3 or np.ptp(list(wanted.values())) > 0.01
    at_once = LookingStream(net)
    for looks in (live(LookingStream(net), views(shown)),
                  at_once.push(views(shown)) + at_once.end()):  # fmt: skip
        assert by_frame(looks) == pytest.approx(wanted, abs=CLOSE)


def test_answers_come_three_frames_late(net: LookingAtMe) -> None:
    stream = LookingStream(net)
    known = [[k.frame for k in stream.push([view])] for view in views(crops(range(8)))]
    assert known == [[], [], [], [0], [1], [2], [3], [4]]
    assert [k.frame for k in stream.end()] == [5, 6, 7]
    assert stream.end() == []


def test_a_face_that_is_not_seen_gets_the_answers_before_it_out(net: LookingAtMe) -> None:
    stream = LookingStream(net)
    stream.push(views(crops(range(3))))
    assert [k.frame for k in stream.push([View(0, 4, None)])] == [0, 1]
    assert [k.frame for k in stream.push([View(0, 90, None)])] == [2]
    assert stream.end(0) == []


def test_each_crop_is_seen_once_and_no_more_together_than_allowed(net: LookingAtMe) -> None:
    seen: list[int] = []
    handle = net.encoder.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    shown = [View(k, f, c, count=2) for k in (0, 1) for f, c in crops(range(0, 40, 2), k).items()]
    looks = LookingStream(net, at_once=6).push(shown)
    handle.remove()
    assert sum(seen) == 40 and max(seen) == 6
    assert len(looks) == 2 * 37


def test_people_do_not_touch_each_other(net: LookingAtMe) -> None:
    one, two = crops(range(9), 1), crops([2, 3, 5, 6, 7, 8], 2)
    mixed = sorted([*views(one, 1), *views(two, 2)], key=lambda view: view.frame)
    stream = LookingStream(net)
    looks = [k for i in range(0, len(mixed), 4) for k in stream.push(mixed[i : i + 4])]
    looks += stream.end()
    assert by_frame(looks, 1) == pytest.approx(directly(net, one), abs=CLOSE)
    assert by_frame(looks, 2) == pytest.approx(directly(net, two), abs=CLOSE)


def test_a_image_may_stand_for_several_frames(net: LookingAtMe) -> None:
    shown = crops(range(6))
    doubled = {2 * f + k: crop for f, crop in shown.items() for k in (0, 1)}
    looks = live(LookingStream(net), [View(0, 2 * f, c, count=2) for f, c in shown.items()])
    assert by_frame(looks) == pytest.approx(directly(net, doubled), abs=CLOSE)


def test_little_is_held(net: LookingAtMe) -> None:
    stream = LookingStream(net)
    for view in views(crops(range(90))):
        stream.push([view])
    face = stream._faces[0]
    assert len(face.seen) <= 7 and len(face.waiting) <= 3


def test_windows_of_another_length() -> None:
    from eyeline.systems.ego_social.model import lam_lstm

    torch.manual_seed(0)
    net = lam_lstm(frames=3, width=4, memory=8).eval()
    shown = crops([0, 1, 2, 4])
    around = [window([shown.get(i) for i in range(f - 1, f + 2)]) for f in shown]
    with torch.no_grad():
        wanted = scores(net(normalise(np.stack(around))).numpy()).tolist()
    result = by_frame(live(LookingStream(net), views(shown)))
    assert list(result.values()) == pytest.approx(wanted, abs=CLOSE)


def test_what_cannot_be_is_refused(net: LookingAtMe) -> None:
    stream = LookingStream(net)
    assert stream.push([]) == []
    stream.push(views(crops(range(3))))
    for frame in (2, 0):
        with pytest.raises(DataError, match=f"frame {frame} of track 0 came after frame 2"):
            stream.push(views(crops([frame])))
    with pytest.raises(DataError, match="after frame 8"):
        stream.push([View(0, 7, crops([0])[0], count=2), View(0, 8, None)])
    with pytest.raises(DataError, match="different shapes"):
        stream.push([View(0, 9, crops([0])[0]), View(1, 0, np.zeros((32, 32, 3), np.uint8))])
    refuses(DataError, "crop has", lambda: View(0, 1, np.zeros((3, 224), np.uint8)))
    refuses(DataError, "0 frames", lambda: View(0, 1, None, count=0))
    refuses(UsageError, "at least 1", lambda: LookingStream(net, at_once=0))

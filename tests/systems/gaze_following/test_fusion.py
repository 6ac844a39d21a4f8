"""Parity with the original's blends and its stored images of the real clip; frames of a video."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.people.tracks import Track
from eyeline.results import Scores
from eyeline.systems.gaze_following.fusion import Enhanced, check_fusion, fuse
from eyeline.systems.gaze_following.heads import Heads, Maps, maps
from tests.speech.synthesis import make_track

from .conftest import Golden


def test_a_frame_and_every_value(golden: Golden) -> None:
    wanted = golden("facemap_fusion")
    f = int(wanted["fusion_frame_index"])
    drawn = Maps(wanted["speaker_maps"][f], wanted["nonspeaker_maps"][f])
    frame = np.ascontiguousarray(wanted["video3"][..., ::-1])
    np.testing.assert_array_equal(fuse(frame, drawn, "hs"), wanted["fused_HS_bgr"])
    np.testing.assert_array_equal(fuse(frame, drawn, "h"), wanted["fused_H_bgr"])
    assert fuse(frame, drawn, "none") is frame
    wanted = golden("facemap_fusion")
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    for (others, speaker), table in zip(wanted["blend_keys"], wanted["blend_table"], strict=True):
        level = Maps(*(np.full((1, 256), v, np.uint8) for v in (speaker, others)))
        for fusion, values in zip(("hs", "h"), table, strict=True):
            np.testing.assert_array_equal(fuse(ramp, level, fusion)[0, :, 0], values)


@pytest.mark.parametrize("frame", [0, 60, 120, 179, 180, 240, 300, 387])
def test_the_stored_images_are_h(shared: Path, frame: int) -> None:
    cv2 = pytest.importorskip("cv2")
    folder = shared / "reference/vgs/data"
    with np.load(folder / "speaker_012/speaker_012.npz") as file:
        box, who = file["head_boxes"][:, frame], file["whospeaks"][frame]
    raw = cv2.imread(str(folder / f"fusion_012/raw_{frame:03d}.jpg"))
    stored = cv2.imread(str(folder / f"fusion_012/fused_{frame:03d}.jpg")).astype(float)
    half = (box[:, 2] - box[:, 0]) // 2
    result = Heads(box[:, 0] + half, box[:, 1] + half, half)
    drawn = maps(result, np.arange(4) == who, (1280, 720), published=True)
    apart = {kind: np.abs(fuse(raw, drawn, kind) - stored).mean() for kind in ("h", "hs", "none")}
    assert apart["h"] < 0.4
    assert apart["hs"] > 0.9 and apart["none"] > 2


def test_no_heads_leave_the_image_and_faults_are_reported() -> None:
    image = np.full((20, 30, 3), 90, np.uint8)
    nothing = Maps(*np.zeros((2, 20, 30), np.uint8))
    np.testing.assert_array_equal(fuse(image, nothing), image)
    with pytest.raises(DataError, match="one size"):
        fuse(np.zeros((20, 30, 3), np.uint8), Maps(*np.zeros((2, 20, 31), np.uint8)))
    with pytest.raises(UsageError, match="there are hs, h, none"):
        check_fusion("hsv")


GREY = np.full((480, 640, 3), 60, np.uint8)


@dataclass
class Plain:
    index: int

    def rgb(self) -> np.ndarray:
        return GREY


def two_tracks() -> list[Track]:
    """The second one begins at frame 5."""
    first, second = (make_track(k + 1, np.arange(10) / 25, np.zeros(10)) for k in range(2))
    return [first, replace(second, frame=second.frame + 5)]


def speaking(tracks: list[Track], values: list[float]) -> Scores:
    frame = np.concatenate([t.frame for t in tracks])
    person = np.concatenate([np.full(len(t), t.person) for t in tracks])
    value = np.repeat(values, [len(t) for t in tracks])
    return Scores("speech", "syncnet", "speaking", 0.5, frame, frame / 25, person, value)


def brightness(enhanced: Enhanced, frame: int, track: int) -> int:
    x, y = 245 + 200 * track, 160
    return int(enhanced.image(Plain(frame))[y, x, 0])  # type: ignore[arg-type]


def test_speakers_are_brighter_than_listeners() -> None:
    tracks = two_tracks()
    enhanced = Enhanced(tracks, speaking(tracks, [0.9, 0.1]))
    assert brightness(enhanced, 7, 0) == 60 + 178
    assert brightness(enhanced, 7, 1) == 60 + 90
    assert brightness(enhanced, 2, 1) == brightness(enhanced, 12, 0) == 60, "not there then"
    alike = Enhanced(tracks, speaking(tracks, [0.9, 0.1]), "h")
    assert brightness(alike, 7, 0) == brightness(alike, 7, 1) == 60 + 128
    tracks = two_tracks()
    for values, wanted in (([np.nan, 0.2], 150), ([0.5, 0.7], 238)):
        enhanced = Enhanced(tracks, speaking(tracks, values))
        assert {brightness(enhanced, 7, k) for k in range(2)} == {wanted}
    assert brightness(Enhanced(tracks, None), 7, 0) == 150


def test_frames_without_heads_and_faults() -> None:
    assert Enhanced([], None).image(Plain(3)) is GREY  # type: ignore[arg-type]
    tracks = two_tracks()
    assert Enhanced(tracks, None).image(Plain(99)) is GREY  # type: ignore[arg-type]
    assert Enhanced(tracks, None, "none").image(Plain(7)) is GREY  # type: ignore[arg-type]
    assert (GREY == 60).all()
    tracks = two_tracks()
    with pytest.raises(DataError, match="10 scores of who speaks for 20 faces"):
        Enhanced(tracks, speaking(tracks[:1], [1.0]))
    with pytest.raises(UsageError, match="no fusion"):
        Enhanced(tracks, None, "sh")  # type: ignore[arg-type]

"""Parity numbers: the original's blends, and its stored images of the real clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_following.fusion import check_fusion, fuse
from eyeline.systems.gaze_following.heads import Heads, Maps, maps

from .conftest import Golden


def test_a_frame(golden: Golden) -> None:
    wanted = golden("facemap_fusion")
    f = int(wanted["fusion_frame_index"])
    drawn = Maps(wanted["speaker_maps"][f], wanted["nonspeaker_maps"][f])
    frame = np.ascontiguousarray(wanted["video3"][..., ::-1])
    np.testing.assert_array_equal(fuse(frame, drawn, "hs"), wanted["fused_HS_bgr"])
    np.testing.assert_array_equal(fuse(frame, drawn, "h"), wanted["fused_H_bgr"])
    assert fuse(frame, drawn, "none") is frame


def test_every_value(golden: Golden) -> None:
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


def test_no_heads_leave_the_image() -> None:
    image = np.full((20, 30, 3), 90, np.uint8)
    nothing = Maps(*np.zeros((2, 20, 30), np.uint8))
    np.testing.assert_array_equal(fuse(image, nothing), image)


def test_faults_are_reported() -> None:
    with pytest.raises(DataError, match="one size"):
        fuse(np.zeros((20, 30, 3), np.uint8), Maps(*np.zeros((2, 20, 31), np.uint8)))
    with pytest.raises(UsageError, match="there are hs, h, none"):
        check_fusion("hsv")

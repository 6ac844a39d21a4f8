from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from eyeline.video.reader import VideoReader
from eyeline.video.shots import LOOK_AHEAD, ShotFinder, mark_shots

from .generate import Clip, write_colours, write_images

ImageItem = npt.NDArray[np.uint8]
SIZE_WH = (160, 96)


def scene(seed: int) -> ImageItem:
    """A wide image of coloured shapes on a coloured ground, to move a window over."""
    random = np.random.default_rng(seed)
    image = np.empty((SIZE_WH[1] + 60, SIZE_WH[0] + 400, 3), np.uint8)
    image[:] = random.integers(20, 236, 3)
    for _ in range(60):
        top, left = random.integers(0, image.shape[0] - 10), random.integers(0, image.shape[1])
        height, width = random.integers(8, 50, 2)
        image[top : top + height, left : left + width] = random.integers(20, 236, 3)
    return image


def shot(seed: int, frames: int, speed_px: int = 1) -> list[ImageItem]:
    """A camera that pans over a scene."""
    wide, (width, height) = scene(seed), SIZE_WH
    lefts = [number * speed_px % 400 for number in range(frames)]
    return [np.ascontiguousarray(wide[30 : 30 + height, x : x + width]) for x in lefts]


def cuts(path: Path) -> list[int]:
    marked = list(mark_shots(VideoReader(path)))
    assert [frame.index for frame, _ in marked] == list(range(len(marked)))
    return [frame.index for frame, starts in marked if starts]


def test_hard_cuts_are_found_where_they_are(tmp_path: Path) -> None:
    lengths = [30, 12, 45, 8, 25, 5, 40]
    images = [image for seed, n in enumerate(lengths) for image in shot(seed, n)]
    path = write_images(tmp_path / "cuts.mp4", images)
    assert cuts(path) == np.cumsum(lengths[:-1]).tolist()


def test_cuts_near_both_ends_are_found(tmp_path: Path) -> None:
    images = shot(1, 1) + shot(2, 20) + shot(3, 1)
    assert cuts(write_images(tmp_path / "ends.mp4", images)) == [1, 21]


def test_cuts_between_plain_colours(tmp_path: Path) -> None:
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 220), (10, 10, 10)]
    assert cuts(write_colours(tmp_path / "plain.mp4", colours, 20)) == [20, 40, 60, 80]


@pytest.mark.parametrize("speed_px", [0, 2, 8, 16])
def test_moving_camera_is_no_cut(speed_px: int, tmp_path: Path) -> None:
    assert cuts(write_images(tmp_path / "pan.mp4", shot(4, 24, speed_px))) == []


def test_cut_during_a_fast_pan(tmp_path: Path) -> None:
    images = shot(5, 20, 4) + shot(6, 20, 4)
    assert cuts(write_images(tmp_path / "pan.mp4", images)) == [20]


@pytest.mark.parametrize("length", [1, 2])
def test_flash_is_no_cut(length: int, tmp_path: Path) -> None:
    images = shot(7, 40)
    for start in (12, 25):
        images[start : start + length] = [np.full_like(images[0], 250)] * length
    assert cuts(write_images(tmp_path / "flash.mp4", images)) == []


def test_cross_fade_is_no_hard_cut(tmp_path: Path) -> None:
    before, after = shot(8, 40), shot(9, 40)
    mixed = [
        (a * (1 - fraction) + b * fraction).astype(np.uint8)
        for a, b, fraction in zip(
            before, after, np.clip((np.arange(40) - 10) / 20, 0, 1), strict=True
        )
    ]
    assert cuts(write_images(tmp_path / "fade.mp4", mixed)) == []


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5])
def test_short_videos_come_out_whole(frames: int, tmp_path: Path) -> None:
    assert cuts(write_images(tmp_path / "short.mp4", shot(1, frames))) == []


def test_nothing_gives_nothing() -> None:
    assert list(mark_shots([])) == []


def test_look_ahead_is_what_is_documented(make) -> None:
    finder = ShotFinder()
    decided = [len(finder.feed(frame)) for frame in VideoReader(make("mp4", Clip(frames=10)))]
    assert decided == [0] * LOOK_AHEAD + [1] * (10 - LOOK_AHEAD)
    assert len(finder.finish()) == LOOK_AHEAD
    assert finder.finish() == []


def test_real_clips_have_no_cuts(interview: Path, silent_clips: list[Path]) -> None:
    for path in (interview, *silent_clips):
        assert cuts(path) == []


def test_splices_of_real_clips(interview: Path, silent_clips: list[Path], tmp_path: Path) -> None:
    pieces = [
        [frame.small_rgb(320, 180) for frame in VideoReader(path) if frame.index < 30]
        for path in (interview, *silent_clips)
    ]
    images = [image for piece in (*pieces, pieces[0]) for image in piece]
    assert cuts(write_images(tmp_path / "spliced.mp4", images)) == [30, 60, 90]

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from eyeline.video.frame import Frame, Upright
from eyeline.video.reader import VideoReader

from .generate import Clip, number_in, write_colours


@pytest.mark.parametrize(
    ("stored_wh", "aspect", "turn_deg", "expected_wh"),
    [
        ((1280, 720), Fraction(1), 0, (1280, 720)),
        ((1280, 720), Fraction(1), 90, (720, 1280)),
        ((1280, 720), Fraction(1), 180, (1280, 720)),
        # a wide pixel widens, a narrow one heightens
        ((720, 576), Fraction(16, 15), 0, (768, 576)),
        ((720, 480), Fraction(8, 9), 0, (720, 540)),
        ((720, 480), Fraction(8, 9), 270, (540, 720)),
        ((1, 1), Fraction(1), 0, (1, 1)),
    ],
)
def test_upright_size(stored_wh, aspect, turn_deg, expected_wh) -> None:
    assert Upright(stored_wh, aspect, turn_deg).size_wh == expected_wh


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turn_deg", [0, 90, 180, 270])
def test_turning_agrees_with_numpy(turn_deg: int, mirrored: bool) -> None:
    image = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    before = image[:, ::-1] if mirrored else image
    expected = np.rot90(before, -turn_deg // 90)
    for stored, wanted in ((image, expected), (image[..., 0].copy(), expected[..., 0])):
        turned = Upright((7, 5), turn_deg=turn_deg, mirrored=mirrored).turned(stored)
        np.testing.assert_array_equal(turned, wanted)
        assert turned.flags.c_contiguous


STORED = {
    "h264": Clip(frames=3),
    "turned 90": Clip(frames=3, turn_deg=90),
    "turned 180": Clip(frames=3, turn_deg=180),
    "turned 270": Clip(frames=3, turn_deg=270),
    "mirrored": Clip(frames=3, mirrored=True),
    "mirrored and turned": Clip(frames=3, mirrored=True, turn_deg=90),
    "wide pixels": Clip(frames=3, pixel_aspect=Fraction(4, 3)),
    "narrow pixels, turned": Clip(frames=3, pixel_aspect=Fraction(2, 3), turn_deg=270),
    "odd size": Clip(frames=3, size_wh=(97, 65), codec="ffv1", options=()),
    "odd size, turned": Clip(frames=3, size_wh=(97, 65), codec="ffv1", options=(), turn_deg=90),
    "4:4:4": Clip(frames=3, size_wh=(97, 65), pixel_format="yuv444p"),
    "10 bit": Clip(frames=3, codec="ffv1", options=(), pixel_format="yuv420p10le"),
    "RGB": Clip(frames=3, codec="ffv1", options=(), pixel_format="bgr0"),
    "gray": Clip(frames=3, codec="ffv1", options=(), pixel_format="gray"),
    "full range": Clip(frames=3, codec="mjpeg", options=(), pixel_format="yuvj420p", b_frames=0),
}
EXPECTED_WH = {"wide pixels": (128, 64), "narrow pixels, turned": (144, 64)}


@pytest.mark.parametrize("name", STORED)
def test_pixels_are_upright_square_and_those_of_the_frame(name: str, make) -> None:
    clip = STORED[name]
    reader = VideoReader(make("mp4" if clip.codec == "libx264" else "mkv", clip))
    width, height = EXPECTED_WH.get(name, clip.size_wh)
    assert (reader.info.width_px, reader.info.height_px) == (width, height)
    assert reader.info.rotation_deg == clip.turn_deg
    for frame in reader:
        assert frame.size_wh == (width, height)
        for image, shape in (
            (frame.rgb(), (height, width, 3)),
            (frame.gray(), (height, width)),
            (frame.small_rgb(48, 32), (32, 48, 3)),
            (frame.small_rgb(63, 127), (127, 63, 3)),
        ):
            assert image.shape == shape
            assert image.dtype == np.uint8
            assert image.flags.c_contiguous
            assert number_in(image) == frame.index, name


def test_absurd_pixel_aspect_is_ignored(make) -> None:
    reader = VideoReader(make("mp4", Clip(frames=2, pixel_aspect=Fraction(200))))
    assert reader.info.pixel_aspect == 1
    assert reader.info.width_px == 96


def test_colours(make, tmp_path) -> None:
    colours = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (128, 128, 128)]
    path = write_colours(tmp_path / "colours.mp4", colours, 2)
    for frame in VideoReader(path):
        expected = np.array(colours[frame.index // 2])
        for image in (frame.rgb(), frame.small_rgb(40, 30)):
            assert np.abs(image.mean(axis=(0, 1)) - expected).max() < 4
        assert np.ptp(frame.gray()) <= 2


def test_gray_is_the_luma_as_stored(make) -> None:
    """Black and white cells of 30 and 225 lie at 42 and 209 in the limited range."""
    frame = next(iter(VideoReader(make("mp4", Clip(frames=3)))))
    gray = frame.gray()
    assert abs(float(gray[:8, :8].mean()) - (16 + 225 * 219 / 255)) < 2
    assert abs(float(gray[:8, -8:].mean()) - (16 + 30 * 219 / 255)) < 2


def test_what_is_asked_for_twice_is_kept(make) -> None:
    frame = next(iter(VideoReader(make("mp4", Clip(frames=3)))))
    for ask in (frame.rgb, frame.gray, lambda: frame.small_rgb(48, 32)):
        first, second, third = ask(), ask(), ask()
        assert first is not second
        assert second is third
        np.testing.assert_array_equal(first, third)
    assert frame.small_rgb(32, 48).shape == (48, 32, 3)


def test_frame_holds_no_more_than_it_says(make) -> None:
    frame = next(iter(VideoReader(make("mp4", Clip(frames=3)))))
    assert not hasattr(frame, "__dict__")
    assert repr(frame) == "Frame(0, 0.0000 s to 0.0417 s)"
    with pytest.raises(AttributeError):
        frame.colour = 1  # type: ignore[attr-defined]


def test_images_whose_size_changes_keep_the_first_size(make, tmp_path) -> None:
    """Two transport streams one after the other, as a recorder leaves them."""
    small = Clip(frames=12, b_frames=0)
    path = tmp_path / "both.ts"
    path.write_bytes(
        make("ts", small).read_bytes() + make("ts", replace(small, size_wh=(160, 96))).read_bytes()
    )
    reader = VideoReader(path)
    frames: list[Frame] = list(reader)
    assert [number_in(frame.gray()) for frame in frames if not frame.damaged][-12:] == [*range(12)]
    assert {frame.rgb().shape for frame in frames} == {(64, 96, 3)}
    assert {frame.gray().shape for frame in frames} == {(64, 96)}
    assert all(later.time_s > frame.time_s for frame, later in pairwise(frames))

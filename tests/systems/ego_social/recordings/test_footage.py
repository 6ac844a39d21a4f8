"""Images by number and audio by time, out of videos that say their numbers."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError, VideoError
from eyeline.systems.ego_social.recordings.footage import Footage, at_rate, to_16_bits
from tests.systems.ego_social.stored import film, numbered, tone


def levels(footage: Footage) -> list[int]:
    """Numbers that the images say."""
    result = [(number, int(frame.rgb()[2, 2, 0]) - 40) for number, frame in footage.images()]
    assert [number for number, _ in result] == list(range(len(result)))
    return [level for _, level in result]


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264rgb"), ("a.mkv", "ffv1")])
def test_images_of_a_clip_come_one_by_one_to_the_bit(tmp_path: Path, name: str, codec: str) -> None:
    footage = Footage(film(tmp_path / name, 20, codec=codec))
    for number, frame in footage.images():
        np.testing.assert_array_equal(frame.rgb(), numbered(number))
    assert number == 19
    assert (footage.repeated, footage.dropped, footage.damaged) == (0, 0, ())


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        # 25 a second: frame j goes to number round(1.2 j)
        (Fraction(25), [0, 1, 2, 2, 3, 4, 5, 6, 7, 7, 8, 9]),
        (Fraction(60), [0, 2, 4, 6, 8]),
        (Fraction(15), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9]),
        (Fraction(30000, 1001), list(range(10))),
    ],
)
def test_other_rates_are_laid_on_thirty(
    tmp_path: Path, rate: Fraction, expected: list[int]
) -> None:
    footage = Footage(film(tmp_path / "a.mp4", 10, rate=rate))
    assert levels(footage) == expected
    assert footage.repeated == len(expected) - len(set(expected))
    assert footage.dropped == (5 if rate == 60 else 0)


def test_ffmpegs_own_filter_gives_the_same(tmp_path: Path) -> None:
    for rate in (Fraction(24), Fraction(25), Fraction(50), Fraction(48), Fraction(30000, 1001)):
        path = film(tmp_path / f"{rate.numerator}.mp4", 60, rate=rate)
        assert levels(Footage(path)) == filtered(path), rate


def filtered(path: Path) -> list[int]:
    """Numbers after FFmpeg's `fps=30`."""
    import av
    from av.filter import Graph

    result: list[int] = []
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        graph = Graph()
        source = graph.add_buffer(template=stream, time_base=stream.time_base)
        created, sink = graph.add("fps", "fps=30"), graph.add("buffersink")
        source.link_to(created)
        created.link_to(sink)
        graph.configure()
        for frame in [*file.decode(stream), None]:
            source.push(frame)
            while True:
                try:
                    pulled: Any = sink.pull()
                except (av.BlockingIOError, av.EOFError):
                    break
                result.append(int(pulled.to_ndarray(format="rgb24")[2, 2, 0]) - 40)
    return result


@pytest.mark.parametrize(
    ("keys", "preset"), [(1, "ultrafast"), (12, "ultrafast"), (250, "medium"), (48, "medium")]
)
def test_a_clip_is_cut_out_of_its_video(tmp_path: Path, keys: int, preset: str) -> None:
    """As `-ss 2 -to 7` of 30 frames a second: 150 images, the first is frame 60."""
    path = film(tmp_path / "video.mp4", 215, keys=keys, preset=preset)
    footage = Footage(path, (2.0, 7.0))
    assert levels(footage) == list(range(60, 210))
    assert footage.start_s == pytest.approx(2.0)
    assert levels(Footage(path, (0.0, 0.5))) == list(range(15))
    assert levels(Footage(path, (6.9666, 9.0))) == list(range(209, 215)), "to the video's end"
    assert levels(Footage(path, (2.01, 2.1))) == [61, 62]
    with pytest.raises(DataError, match=r"video.mp4 ends before the clip begins"):
        levels(Footage(path, (60.0, 70.0)))


@pytest.mark.parametrize(("rate_hz", "channels"), [(16_000, 1), (44_100, 2), (48_000, 1)])
def test_audio_is_brought_to_16_khz_mono(tmp_path: Path, rate_hz: int, channels: int) -> None:
    path = film(tmp_path / "a.mp4", 90, audio_hz=rate_hz, channels=channels)
    footage = Footage(path)
    assert len(levels(footage)) == 90
    heard = footage.audio()
    assert heard.dtype == np.int16 and abs(len(heard) - 48_000) < 1600
    wanted = tone(3, 16_000)[8000:40_000]
    result = heard[8000:40_000] / 32768
    assert np.corrcoef(result, wanted)[0, 1] > 0.98
    assert np.abs(result).max() == pytest.approx(np.abs(wanted).max(), rel=0.1)


def test_audio_of_a_part_begins_with_its_first_image(tmp_path: Path) -> None:
    path = film(tmp_path / "video.mp4", 150, audio_hz=16_000)
    whole, part = Footage(path), Footage(path, (2.0, 4.0))
    levels(whole), levels(part)
    heard = part.audio()
    assert len(heard) == 32_000
    np.testing.assert_allclose(heard, whole.audio()[32_000:64_000], atol=40)


def test_a_file_without_audio_has_none(tmp_path: Path) -> None:
    footage = Footage(film(tmp_path / "a.mp4", 3))
    levels(footage)
    assert footage.audio().shape == (0,) and footage.audio().dtype == np.int16


def test_damage_is_reported_by_number(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 120, keys=30, make=lambda n: noisy(n))
    content = bytearray(path.read_bytes())
    centre = len(content) // 2
    content[centre : centre + 3000] = bytes(3000)
    path.write_bytes(content)
    footage = Footage(path)
    assert len(levels(footage)) == 120, "the rest stays in its place"
    assert footage.damaged and 45 < footage.damaged[0] < 75


def noisy(number: int) -> np.ndarray:
    image = numbered(number)
    image[40:] = np.random.default_rng(number).integers(0, 256, (24, 96, 3))
    return image


def test_a_file_that_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"not a video")
    with pytest.raises(VideoError):
        levels(Footage(path))


def test_nothing_is_laid_on_a_rate() -> None:
    assert list(at_rate([])) == []


def test_samples_of_16_bits() -> None:
    given = np.array([0, 1, -1, 0.5, 2, -2, 1 / 32768], np.float32)
    assert to_16_bits(given).tolist() == [0, 32767, -32768, 16384, 32767, -32768, 1]

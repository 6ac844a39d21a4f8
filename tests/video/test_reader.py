from __future__ import annotations

import threading
import time
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from eyeline.errors import UsageError, VideoError
from eyeline.video import passes
from eyeline.video.reader import VideoReader, probe

from .generate import Audio, Clip, cut_off, number_in, spoil

UNEVEN = tuple(Fraction(n, 30) for n in (0, 1, 2, 5, 6, 16, 17, 18, 40, 41))
EVEN = [number / 24 for number in range(48)]
NTSC = Fraction(24000, 1001)
LONG = Clip(frames=96, size_wh=(160, 120), noise=25)
"""Four seconds with large packets, a key frame every half second."""


def numbers(reader: VideoReader) -> list[int | None]:
    return [number_in(frame.gray()) for frame in reader]


@pytest.mark.parametrize(
    ("suffix", "clip", "start_s", "tolerance_s"),
    [
        ("mp4", Clip(), 0, 0),
        ("mp4", Clip(rate=NTSC), 0, 0),
        ("mp4", Clip(b_frames=0), 0, 0),
        ("mp4", Clip(frames=1), 0, 0),
        ("mp4", Clip(frames=10, times_s=UNEVEN, time_base=Fraction(1, 90000)), 0, 0),
        ("mp4", Clip(offset_s=Fraction(3)), 3, 0),
        ("mkv", Clip(offset_s=Fraction(3)), 3, 0.0005),
        ("mkv", Clip(rate=NTSC), 0, 0.0005),
        ("mkv", Clip(frames=10, times_s=UNEVEN, time_base=Fraction(1, 90000)), 0, 0.0005),
        ("ts", Clip(offset_s=Fraction(3)), 3, 0.00002),
        ("ts", Clip(rate=NTSC, offset_s=8 / NTSC), 8 / NTSC, 0.00002),
        ("mov", Clip(codec="libx265", options=(("x265-params", "log-level=none"),)), 0, 0),
        ("webm", Clip(frames=12, codec="libvpx-vp9", options=(("cpu-used", "8"),)), 0, 0.0005),
        ("avi", Clip(codec="mpeg4", options=(), b_frames=0), 0, 0),
        ("avi", Clip(codec="mjpeg", options=(), pixel_format="yuvj420p", b_frames=0), 0, 0),
    ],
)
def test_right_frame_at_the_right_time(suffix, clip, start_s, tolerance_s, make) -> None:
    reader = VideoReader(make(suffix, clip))
    frames = list(reader)
    assert [number_in(frame.gray()) for frame in frames] == list(range(clip.frames))
    assert [frame.index for frame in frames] == list(range(clip.frames))
    expected = clip.times_s or [number / clip.rate for number in range(clip.frames)]
    got = [frame.time_s for frame in frames]
    assert got == pytest.approx([float(t) for t in expected], abs=2 * tolerance_s + 1e-9)
    assert got[0] == 0
    assert [frame.end_s for frame in frames[:-1]] == got[1:]
    assert frames[-1].end_s == reader.info.duration_s > got[-1]
    assert not any(frame.damaged for frame in frames)

    info = reader.info
    assert reader.complete
    assert reader.warnings == ()
    assert info.frame_count == clip.frames
    assert info.start_s == pytest.approx(float(start_s), abs=tolerance_s + 1e-9)
    assert info.variable_rate == (clip.times_s is not None)
    assert info.damage == ()
    if clip.times_s is None:
        assert info.rate_hz == clip.rate
        assert info.duration_s == pytest.approx(float(clip.frames / clip.rate), abs=2 * tolerance_s)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_header_lets_one_expect_nearly_what_is_there(suffix: str, make) -> None:
    path = make(suffix, Clip(rate=NTSC))
    expected = probe(path)
    reader = VideoReader(path)
    assert reader.info == expected
    list(reader)
    assert abs(expected.frame_count - reader.info.frame_count) <= 1
    assert expected.duration_s == pytest.approx(reader.info.duration_s, abs=0.05)
    assert (expected.start_s, expected.rate_hz) == (reader.info.start_s, reader.info.rate_hz)
    assert expected.path == str(path)


def test_edit_list_hides_frames(make) -> None:
    """Stamps below zero become an edit list that cuts off the first five frames."""
    reader = VideoReader(make("mp4", Clip(offset_s=Fraction(-5, 24))))
    assert numbers(reader) == list(range(5, 48))
    assert reader.info.start_s == 0
    assert reader.info.duration_s == pytest.approx(43 / 24)
    assert reader.info.damage == ()


@pytest.mark.parametrize("key_every", [12, 48])
@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("libx264", "mp4"), ("libx264", "ts"), ("libx265", "mp4"), ("mpeg4", "mp4")],
)
def test_stamps_of_decoding_are_put_in_order(codec, suffix, key_every, make) -> None:
    """Like the real interview: the file keeps no other stamps, but stores frames out of order."""
    options = {"libx265": (("x265-params", "log-level=none"),), "libx264": (("preset", "fast"),)}
    clip = Clip(
        codec=codec, options=options.get(codec, ()), key_every=key_every, decoding_stamps=True
    )
    reader = VideoReader(make(suffix, clip))
    frames = list(reader)
    assert [number_in(frame.gray()) for frame in frames] == list(range(48))
    assert [frame.time_s for frame in frames] == pytest.approx(EVEN, abs=1e-4)
    assert "their order was mended" in reader.warnings[0]


@pytest.mark.parametrize("clip", [Clip(), Clip(codec="mpeg4", options=())])
def test_file_without_presentation_stamps_goes_by_the_rate(clip: Clip, make) -> None:
    """AVI keeps no such stamps, and B frames are stored out of order."""
    reader = VideoReader(make("avi", clip))
    frames = list(reader)
    assert [number_in(frame.gray()) for frame in frames] == list(range(48))
    assert [frame.time_s for frame in frames] == pytest.approx([n / 24 for n in range(48)])
    assert "no usable time stamp" in reader.warnings[0]


def test_bare_stream_goes_by_the_rate_of_the_codec(tmp_path: Path) -> None:
    from .generate import write

    reader = VideoReader(write(tmp_path / "bare.h264", Clip(), format="h264"))
    assert numbers(reader) == list(range(48))
    assert reader.info.duration_s == pytest.approx(2)


def test_every_pass_is_the_same(make) -> None:
    reader = VideoReader(make("mp4", Clip()))
    first = [(f.index, f.time_s, f.end_s, f.rgb().tobytes()) for f in reader]
    assert first == [(f.index, f.time_s, f.end_s, f.rgb().tobytes()) for f in reader]


@pytest.mark.parametrize(
    ("clip", "rate_hz", "expected"),
    [
        (Clip(), 24, list(range(48))),
        (Clip(), 100, list(range(48))),
        (Clip(), 12, list(range(0, 48, 2))),
        (Clip(), 5, [round(k * 24 / 5 - 1e-9) for k in range(10)]),
        (Clip(), 0.25, [0]),
        # points at 0, 0.1, ... 1.3 among stamps in thirtieths 0 1 2 5 6 16 17 18 40 41
        (Clip(frames=10, times_s=UNEVEN, time_base=Fraction(1, 90000)), 10, [0, 2, 4, 5, 7, 8]),
    ],
)
def test_rate_takes_the_nearest_frames(clip: Clip, rate_hz: float, expected, make) -> None:
    reader = VideoReader(make("mp4", clip), rate_hz=rate_hz)
    frames = list(reader)
    assert [frame.index for frame in frames] == expected
    assert [number_in(frame.gray()) for frame in frames] == expected
    assert [frame.end_s for frame in frames[:-1]] == [frame.time_s for frame in frames[1:]]
    assert frames[-1].end_s == reader.info.duration_s
    assert reader.info.frame_count == clip.frames


@pytest.mark.parametrize("wrong", [{"rate_hz": 0}, {"rate_hz": -1}, {"queue_frames": 0}])
def test_wrong_arguments(wrong: dict[str, int], make) -> None:
    with pytest.raises(UsageError):
        VideoReader(make("mp4", Clip()), **wrong)


def decoding_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "eyeline-decode"]


def test_stopping_early_ends_the_thread_and_leaves_the_expected_info(make) -> None:
    reader = VideoReader(make("mp4", LONG), queue_frames=2)
    expected = reader.info
    for frame in reader:
        if frame.index == 3:
            break
    assert not decoding_threads()
    assert not reader.complete
    assert reader.info is expected


def test_consumer_that_fails_ends_the_thread(make) -> None:
    reader = VideoReader(make("mp4", LONG), queue_frames=2)
    with pytest.raises(ZeroDivisionError):
        for frame in reader:
            frame.index / 0
    assert not decoding_threads()


def test_decoding_stays_a_bounded_number_of_frames_ahead(make, monkeypatch) -> None:
    placed: list[int] = []
    place = passes.Pass._place
    monkeypatch.setattr(passes.Pass, "_place", lambda *args: placed.append(1) or place(*args))
    frames = iter(VideoReader(make("mp4", LONG), queue_frames=4))
    next(frames)
    time.sleep(0.2)
    # one taken, four in the queue, one in hand, and three held to know when they end
    assert 5 <= len(placed) <= 10
    frames.close()


def test_error_of_the_thread_reaches_the_consumer(make, monkeypatch) -> None:
    reader = VideoReader(make("mp4", Clip()))
    monkeypatch.setattr(passes.Pass, "_length", lambda self, image: 1 / 0)
    seen = []
    with pytest.raises(ZeroDivisionError):
        seen.extend(frame.index for frame in reader)
    assert not reader.complete


def test_file_that_vanishes_is_reported(tmp_path: Path, make) -> None:
    path = tmp_path / "short-lived.mp4"
    path.write_bytes(make("mp4", Clip()).read_bytes())
    reader = VideoReader(path)
    path.unlink()
    with pytest.raises(VideoError, match="does not exist"):
        list(reader)


def zero_out(source: Path, target: Path, start: float, length: int) -> Path:
    data = bytearray(source.read_bytes())
    first = int(len(data) * start)
    data[first : first + length] = bytes(length)
    target.write_bytes(data)
    return target


def watched(path: Path, capfd: pytest.CaptureFixture[str]) -> tuple[VideoReader, list[int]]:
    """Read a damaged file; the times of frames said to be whole, in frames, are checked."""
    reader = VideoReader(path)
    frames = list(reader)
    whole = [(round(f.time_s * 24), number_in(f.gray())) for f in frames if not f.damaged]
    assert all(place == number for place, number in whole)
    assert all(b.time_s > a.time_s for a, b in pairwise(frames))
    for frame in frames:
        inside = any(d.start_s - 1e-6 <= frame.time_s < d.end_s for d in reader.info.damage)
        assert frame.damaged == inside
    assert reader.info.frame_count == len(frames)
    assert capfd.readouterr().err == ""
    return reader, [place for place, _ in whole]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_cut_off_file_gives_all_frames_before_the_cut(suffix, make, tmp_path, capfd) -> None:
    source = make(suffix, LONG, faststart=suffix == "mp4")
    reader, whole = watched(cut_off(source, tmp_path / f"cut.{suffix}", 0.6), capfd)
    assert whole == list(range(len(whole)))
    assert 50 <= len(whole) <= 60
    (damage,) = reader.info.damage
    assert damage.start_s == pytest.approx(len(whole) / 24, abs=0.01)
    assert damage.end_s == pytest.approx(4, abs=0.01)
    assert damage.message


def test_cut_off_stream_declares_no_end(make, tmp_path, capfd) -> None:
    """A transport stream does not say how long it should be; only the torn packet is known."""
    reader, whole = watched(cut_off(make("ts", LONG), tmp_path / "cut.ts", 0.6), capfd)
    assert whole == list(range(len(whole)))
    assert all(damage.end_s <= reader.info.duration_s for damage in reader.info.damage)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_hole_in_the_centre_is_named_and_passed_over(suffix, make, tmp_path, capfd) -> None:
    source = make(suffix, LONG, faststart=suffix == "mp4")
    path = zero_out(source, tmp_path / f"hole.{suffix}", 0.5, 6000)
    reader, whole = watched(path, capfd)
    (damage,) = reader.info.damage
    # no frame out of its turn, whose stamp would have to be synthetic
    assert reader.warnings == ()
    assert 1.7 < damage.start_s < 2.3
    assert damage.end_s in (pytest.approx(2.0, abs=0.01), pytest.approx(2.5, abs=0.01))
    assert damage.message
    lost = set(range(96)) - set(whole)
    assert lost == {n for n in range(96) if damage.start_s - 0.01 <= n / 24 < damage.end_s - 0.01}


def test_hole_among_stamps_of_decoding(make, tmp_path, capfd) -> None:
    """A packet that gives no frame must not leave its stamp to the frame after it."""
    clip = replace(LONG, decoding_stamps=True, options=(("preset", "fast"), ("qp", "20")))
    source = make("mp4", clip, faststart=True)
    reader, whole = watched(zero_out(source, tmp_path / "hole.mp4", 0.5, 30000), capfd)
    assert "their order was mended" in reader.warnings[0]
    assert len(whole) > 70
    assert whole[-1] == 95


@pytest.mark.parametrize("suffix", ["mp4", "ts", "avi"])
@pytest.mark.parametrize("seed", [0, 1])
def test_spoilt_bytes_are_survived(suffix, seed, make, tmp_path, capfd) -> None:
    clip = LONG
    if suffix == "avi":
        clip = Clip(96, size_wh=(160, 120), noise=25, codec="mpeg4", options=(("b", "2M"),))
    source = make(suffix, clip, faststart=suffix == "mp4")
    path = spoil(source, tmp_path / f"spoilt.{suffix}", 0.45, 0.5, seed=seed)
    reader, whole = watched(path, capfd)
    assert len(whole) >= 75
    assert reader.info.damage
    assert all(1.5 < d.start_s < d.end_s < 2.6 for d in reader.info.damage)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_nothing_that_is_spoilt_crashes(suffix, seed, make, tmp_path, capfd) -> None:
    """Headers, stamps and sizes are hit too, so all that holds is: times increase, no noise."""
    source = make(suffix, Clip(noise=20, audio=Audio("ac3")) if suffix != "avi" else Clip(noise=20))
    path = spoil(source, tmp_path / f"wild.{suffix}", 0.0, 1.0, seed=seed)
    try:
        frames = list(VideoReader(path))
    except VideoError as error:
        assert "\n" not in str(error)
    else:
        times = [frame.time_s for frame in frames]
        assert times == sorted(set(times))
        assert all(frame.rgb().any() for frame in frames[:3])
    assert capfd.readouterr().err == ""


def test_damage_is_the_same_in_every_pass(make, tmp_path) -> None:
    reader = VideoReader(spoil(make("mkv", LONG), tmp_path / "spoilt.mkv", 0.3, 0.6, seed=1))
    passes_ = [([(f.time_s, f.damaged, f.gray().tobytes()) for f in reader], reader.info)
               for _ in range(2)]  # fmt: skip
    assert passes_[0] == passes_[1]


def test_audio_that_outlasts_the_image_is_no_damage(make) -> None:
    for suffix in ("mp4", "mkv"):
        reader = VideoReader(make(suffix, Clip(audio=Audio("flac", end_s=6.0))))
        assert len(list(reader)) == 48
        assert reader.info.has_audio
        assert reader.info.damage == ()
        assert reader.info.duration_s == pytest.approx(2, abs=0.001)


def without_tags(source: Path, target: Path) -> Path:
    """Matroska that states only the length of the whole file, as some programs write it."""
    target.write_bytes(source.read_bytes().replace(b"DURATION", b"DURATIOX"))
    return target


def test_length_of_the_whole_file_is_not_that_of_the_image(make, tmp_path) -> None:
    source = make("mkv", Clip(frames=240, audio=Audio("flac", end_s=14.0)))
    whole = VideoReader(without_tags(source, tmp_path / "whole.mkv"))
    list(whole)
    assert whole.info.damage == ()
    assert whole.info.duration_s == pytest.approx(10, abs=0.001)
    cut = VideoReader(cut_off(tmp_path / "whole.mkv", tmp_path / "cut.mkv", 0.3))
    list(cut)
    (damage,) = cut.info.damage
    assert damage.start_s < 9
    assert damage.end_s == pytest.approx(14, abs=0.1)


def test_real_interview(interview: Path) -> None:
    reader = VideoReader(interview)
    assert reader.info.has_audio
    times, ends, brightness = [], [], []
    for frame in reader:
        times.append(frame.time_s)
        ends.append(frame.end_s)
        if frame.index % 50 == 0:
            assert frame.gray().shape == (720, 1280)
            assert frame.rgb().shape == (720, 1280, 3)
            brightness.append(frame.small_rgb(480, 270).mean())
    assert times == pytest.approx([n * 1001 / 24000 for n in range(396)], abs=1e-9)
    assert ends[-1] == reader.info.duration_s == pytest.approx(16.5165, abs=1e-6)
    assert (reader.info.rate_hz, reader.info.variable_rate) == (NTSC, False)
    assert reader.info.damage == ()
    # its presentation stamps are those of decoding, though the frames are stored out of order
    assert reader.warnings == (
        "140 frames bore another frame's time stamp; their order was mended",
    )
    assert min(brightness) > 20


def test_other_real_clips(silent_clips: list[Path]) -> None:
    result = {}
    for path in silent_clips:
        reader = VideoReader(path, rate_hz=5)
        assert len(list(reader)) == round(reader.info.duration_s * 5 + 0.49)
        result[path.stem] = (reader.info.frame_count, reader.info.rate_hz, reader.info.has_audio)
    assert result == {
        "father_daughter_toy": (177, 25, False),
        "two_girls_drawings": (214, 30, False),
    }

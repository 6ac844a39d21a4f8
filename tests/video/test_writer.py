from __future__ import annotations

import resource
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from eyeline.errors import DataError, OutputError
from eyeline.results import Gap, VideoInfo
from eyeline.video.audio import read_audio
from eyeline.video.placing import audio_spans
from eyeline.video.reader import VideoReader, probe
from eyeline.video.writer import VideoWriter, ticks_a_second

from .generate import (
    Audio,
    Clip,
    click_times,
    number_in,
    numbered,
    spoil,
    write_with_hole,
)

UNEVEN = tuple(Fraction(n, 30) for n in (0, 1, 2, 5, 6, 16, 17, 18, 40, 41))
FOUR = (0.25, 0.75, 1.25, 1.75)


def copy(source: Path, target: Path) -> VideoWriter:
    """Write a video again, frame by frame, with its audio."""
    reader = VideoReader(source)
    with VideoWriter(target, reader.info, audio_from=source) as writer:
        for frame in reader:
            writer.write(frame.rgb(), frame.time_s, frame.end_s)
    return writer


def clicks(path: Path) -> list[float]:
    blocks = read_audio(path, 16000, start_s=probe(path).start_s)
    return click_times(np.concatenate([block.samples for block in blocks]), 16000)


def info(width: int, height: int, rate: Fraction = Fraction(25)) -> VideoInfo:
    return VideoInfo("made", width, height, rate, 0.0, 1.0, 25, has_audio=False)


@pytest.mark.parametrize(
    ("suffix", "clip", "exact_s"),
    [
        ("mp4", Clip(), 1e-9),
        ("mp4", Clip(rate=Fraction(24000, 1001)), 1e-9),
        ("mp4", Clip(rate=Fraction(30000, 1001), offset_s=Fraction(3)), 1e-9),
        ("mp4", Clip(frames=1), 1e-9),
        ("mp4", Clip(frames=10, times_s=UNEVEN, time_base=Fraction(1, 90000)), 1.2e-5),
        ("mkv", Clip(frames=10, times_s=UNEVEN, time_base=Fraction(1, 90000)), 1.2e-5),
        ("mkv", Clip(size_wh=(97, 65), codec="ffv1", options=()), 1.2e-5),
        ("mp4", Clip(turn_deg=90, pixel_aspect=Fraction(4, 3)), 1e-9),
    ],
)
def test_written_frames_have_the_times_of_the_read_ones(
    suffix, clip, exact_s, make, tmp_path: Path
) -> None:
    source, target = make(suffix, clip), tmp_path / "copy.mp4"
    writer = copy(source, target)
    before, after = VideoReader(source), VideoReader(target)
    pairs = list(zip(before, after, strict=True))
    assert writer.frame_count == len(pairs) == clip.frames
    for read, written in pairs:
        assert number_in(written.gray()) == read.index
        assert written.time_s == pytest.approx(read.time_s, abs=exact_s)
        assert written.end_s == pytest.approx(read.end_s, abs=exact_s)
    assert after.info.duration_s == pytest.approx(before.info.duration_s, abs=exact_s)
    assert after.info.width_px == before.info.width_px + before.info.width_px % 2
    assert after.info.height_px == before.info.height_px + before.info.height_px % 2
    assert after.info.damage == ()
    assert writer.audio is None
    assert not after.info.has_audio
    assert list(tmp_path.iterdir()) == [target]


AUDIOS = {
    "aac in mp4": ("mp4", Audio("aac"), 0, "aac", 0.05),
    "stereo": ("mp4", Audio("aac", 44100, 2), 0, "aac", 0.05),
    "mp3 in mp4": ("mp4", Audio("mp3", 44100, 2), 0, "mp3", 0.05),
    "aac in a transport stream": ("ts", Audio("aac"), 3, "aac", 0.05),
    "opus": ("mkv", Audio("libopus"), 0, "opus", 1.0),
    "flac": ("mkv", Audio("flac", 44100, 2), 3, "flac", 0.05),
    "ac3": ("mkv", Audio("ac3"), 0, "ac3", 0.5),
    "pcm is encoded": ("mkv", Audio("pcm_s16le", 44100, 2), 3, "aac", 0.05),
    "pcm at an odd rate": ("mkv", Audio("pcm_s16le", 18900), 0, "aac", 0.05),
    "late": ("mp4", Audio("aac", start_s=0.5, clicks_s=FOUR[1:]), 0, "aac", 0.05),
    "late, encoded": ("mkv", Audio("pcm_s16le", start_s=0.5, clicks_s=FOUR[1:]), 0, "aac", 0.05),
    "longer than the image": (
        "mp4",
        Audio("aac", end_s=4, clicks_s=(*FOUR, 3.5)),
        0,
        "aac",
        0.05,
    ),
    "shorter than the image": ("mp4", Audio(end_s=1, clicks_s=FOUR[:2]), 0, "aac", 0.05),
}


@pytest.mark.parametrize("name", AUDIOS)
def test_audio_goes_along_in_step(name: str, make, tmp_path: Path) -> None:
    suffix, audio, offset_s, codec, tolerance_ms = AUDIOS[name]
    source = make(suffix, Clip(audio=audio, offset_s=Fraction(offset_s)))
    target = tmp_path / "copy.mp4"
    writer = copy(source, target)
    assert writer.audio == ("encoded" if "pcm" in audio.codec else "copied")
    assert writer.audio_packets_lost == 0
    assert clicks(target) == pytest.approx(clicks(source), abs=tolerance_ms / 1000)
    assert len(clicks(target)) == len(audio.clicks_s)
    with av.open(str(target)) as container:
        (stream,) = container.streams.audio
        assert stream.codec_context.codec.canonical_name == codec
        assert stream.codec_context.channels == audio.channels
        # whole: up to a frame of padding at either end
        end_s = float((stream.start_time + stream.duration) * stream.time_base)
        assert end_s - probe(target).start_s == pytest.approx(audio.end_s, abs=0.06)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_audio_from_before_the_image_is_left_out(codec: str, make, tmp_path: Path) -> None:
    """The written clock is that of the tables: it begins with the first frame."""
    audio = Audio(codec, start_s=-0.5, clicks_s=(-0.25, *FOUR))
    source = make("mkv", Clip(audio=audio, offset_s=Fraction(1)))
    target = tmp_path / "copy.mp4"
    copy(source, target)
    written = VideoReader(target)
    assert [number_in(frame.gray()) for frame in written] == list(range(48))
    assert written.info.start_s == 0
    assert written.info.player_start_s == pytest.approx(0, abs=0.03)
    assert clicks(target) == pytest.approx(FOUR, abs=0.001)


@pytest.mark.parametrize(("hours", "ticks"), [(1, 90_000), (6, 90_000), (14_000 / 60, 2550)])
def test_a_gap_of_hours_can_be_written(hours: float, ticks: int, tmp_path: Path) -> None:
    gap_s = hours * 3600
    created = info(96, 64)
    created = replace(created, gaps=(Gap(0.08, 0.08 + gap_s),), duration_s=0.16 + gap_s)
    times_s = [0.0, 0.04, 0.08 + gap_s, 0.12 + gap_s]
    with VideoWriter(tmp_path / "gap.mp4", created) as writer:
        for number, time_s in enumerate(times_s):
            writer.write(numbered(number, (96, 64)), time_s, time_s + 0.04)
    read = VideoReader(tmp_path / "gap.mp4")
    assert [frame.time_s for frame in read] == pytest.approx(times_s, abs=1e-3)
    assert ticks_a_second(Fraction(25), gap_s) == ticks


@pytest.mark.parametrize("hours", [1, 30])
def test_audio_goes_on_after_a_gap_of_hours(hours: float, tmp_path: Path) -> None:
    gap_s = hours * 3600
    source = write_with_hole(tmp_path / "gap.mkv", gap_s)
    target = tmp_path / "copy.mp4"
    writer = copy_read_before(source, target)
    assert writer.audio == ("copied" if hours == 1 else "encoded")
    spans = [s for s in audio_spans(target, Fraction(0)) if s.end_s - s.start_s > 0.5]
    # Where the audio is encoded anew, some seconds of silence stand before and after the gap.
    silent_s = 0.1 if writer.audio == "copied" else 4.1
    assert [s.start_s for s in spans] == pytest.approx([0, 2 + gap_s], abs=silent_s)
    assert spans[0].end_s == pytest.approx(2, abs=silent_s)
    assert spans[1].end_s == pytest.approx(4 + gap_s, abs=0.1)


def copy_read_before(source: Path, target: Path) -> VideoWriter:
    """Likewise of a video whose gaps are known from an earlier pass."""
    reader = VideoReader(source)
    assert len(list(reader)) == 100
    with VideoWriter(target, reader.info, audio_from=source) as writer:
        for frame in reader:
            writer.write(frame.rgb(), frame.time_s, frame.end_s)
    return writer


def test_spoilt_audio_does_not_stop_the_writing(make, tmp_path: Path, capfd) -> None:
    source = make("mp4", Clip(audio=Audio("aac", end_s=2.0)), faststart=True)
    for seed in range(3):
        path = spoil(source, tmp_path / f"spoilt{seed}.mp4", 0.5, 1.0, seed=seed)
        copy(path, tmp_path / "copy.mp4")
        assert VideoReader(tmp_path / "copy.mp4").info.has_audio
    assert capfd.readouterr().err == ""


def test_colours_survive(tmp_path: Path) -> None:
    colours = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (128, 128, 128), (250, 250, 250)]
    path = tmp_path / "colours.mp4"
    with VideoWriter(path, info(64, 48)) as writer:
        for number, colour in enumerate(colours):
            writer.write(np.full((48, 64, 3), colour, np.uint8), number / 25, (number + 1) / 25)
    for frame, colour in zip(VideoReader(path), colours, strict=True):
        assert np.abs(frame.rgb().mean(axis=(0, 1)) - colour).max() < 4
    with av.open(str(path)) as container:
        # said rather than left to be guessed: players take large images for BT.709
        assert container.streams.video[0].codec_context.colorspace == 6


def test_odd_sides_repeat_their_last_pixels(tmp_path: Path) -> None:
    image = numbered(5, (61, 47))
    image[:, -1], image[-1] = 200, 200
    path = tmp_path / "odd.mp4"
    with VideoWriter(path, info(61, 47), quality=1) as writer:
        writer.write(image, 0.0, 0.04)
    (frame,) = VideoReader(path)
    assert frame.size_wh == (62, 48)
    assert np.abs(frame.rgb()[:, -2:].astype(int) - 200).max() < 12
    assert np.abs(frame.rgb()[-2:].astype(int) - 200).max() < 12


def test_header_comes_first_and_key_frames_are_frequent(make, tmp_path: Path) -> None:
    target = tmp_path / "copy.mp4"
    with VideoWriter(target, info(96, 64)) as writer:
        for number in range(150):
            writer.write(numbered(number, (96, 64)), number / 25, (number + 1) / 25)
    data = target.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(target)) as container:
        keys = [p.pts * p.time_base for p in container.demux(video=0) if p.size and p.is_keyframe]
    assert max(b - a for a, b in pairwise(keys)) <= 2


def test_last_frame_lasts_as_long_as_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    with VideoWriter(path, info(64, 48)) as writer:
        writer.write(numbered(0, (64, 48)), 0.0, 0.04)
        writer.write(numbered(1, (64, 48)), 0.04, 1.54)
    frames = list(VideoReader(path))
    assert [frame.end_s for frame in frames] == pytest.approx([0.04, 1.54])


def test_existing_file_stays_until_the_new_one_is_whole(make, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_text("the old one")
    with VideoWriter(target, info(96, 64)) as writer:
        writer.write(numbered(0, (96, 64)), 0.0, 0.04)
        assert target.read_text() == "the old one"
        assert len(list(tmp_path.iterdir())) == 2
    assert probe(target).frame_count == 1
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("frames", [0, 1, 40])
def test_failure_leaves_nothing_behind(frames: int, make, tmp_path: Path) -> None:
    source = make("mp4", Clip(audio=Audio("aac")))
    target = tmp_path / "out.mp4"
    target.write_text("the old one")
    with (
        pytest.raises(KeyError, match="analysis failed"),
        VideoWriter(target, info(96, 64), audio_from=source) as writer,
    ):
        for number in range(frames):
            writer.write(numbered(number, (96, 64)), number / 25, (number + 1) / 25)
        raise KeyError("analysis failed")
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_text() == "the old one"


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="given no frame"),
        VideoWriter(tmp_path / "none.mp4", info(64, 48)),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_reported_at_once(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "gone" / "out.mp4", info(64, 48))
    with pytest.raises(OutputError, match=r"cannot be written: No such file.*gone"), writer:
        pytest.fail("the body must not run")


@pytest.mark.parametrize("limit", [0, 2_000, 100_000, 400_000])
def test_full_disk_is_reported(limit: int, tmp_path: Path, capfd) -> None:
    """A limit on the size of files stands in for the disk."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 64, 96, 3), np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with (
            pytest.raises(OutputError, match=r"full\.mp4 c") as caught,
            VideoWriter(tmp_path / "full.mp4", info(96, 64), quality=1) as writer,
        ):
            for number, image in enumerate(noise):
                writer.write(image, number / 25, (number + 1) / 25)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == ""


def test_frames_that_did_not_arrive_are_noticed(tmp_path: Path, monkeypatch) -> None:
    """FFmpeg does not tell of every failed write."""
    mux = VideoWriter._mux_image
    with (
        pytest.raises(OutputError, match="29 of 30 frames arrived"),
        VideoWriter(tmp_path / "out.mp4", info(96, 64), encode_threads=1, preset="fast") as writer,
    ):
        for number in range(30):
            writer.write(numbered(number, (96, 64)), number / 25, (number + 1) / 25)
        monkeypatch.setattr(
            VideoWriter, "_mux_image", lambda self, packets: mux(self, packets[:-1])
        )
    assert list(tmp_path.iterdir()) == []


def test_wrong_frames_are_refused(tmp_path: Path) -> None:
    image = numbered(0, (96, 64))
    with VideoWriter(tmp_path / "out.mp4", info(96, 64)) as writer:
        writer.write(image, 0.0, 0.04)
        with pytest.raises(DataError, match="the frame to write"):
            writer.write(image[:-1], 0.04, 0.08)
        with pytest.raises(DataError, match="begins no earlier"):
            writer.write(image, 0.0, 0.04)
    assert probe(tmp_path / "out.mp4").frame_count == 1


def test_missing_audio_file_is_reported(tmp_path: Path) -> None:
    from eyeline.errors import VideoError

    writer = VideoWriter(tmp_path / "out.mp4", info(96, 64), audio_from=tmp_path / "gone.wav")
    with pytest.raises(VideoError, match="does not exist"), writer:
        pytest.fail("the body must not run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rate_hz", "expected"),
    [
        (Fraction(25), 90_000),
        (Fraction(24000, 1001), 96_000),
        (Fraction(30000, 1001), 90_000),
        (Fraction(1), 90_000),
        (Fraction(7, 3), 90_006),
        (Fraction(1_350_000, 137_893), 90_000),
    ],
)
def test_ticks_divide_the_frame_interval(rate_hz: Fraction, expected: int) -> None:
    assert ticks_a_second(rate_hz) == expected


def test_real_interview_keeps_its_audio(interview: Path, tmp_path: Path) -> None:
    """Every tenth frame, as an analysis at a lower rate would write it."""
    reader = VideoReader(interview, rate_hz=2.4)
    target = tmp_path / "interview.mp4"
    with VideoWriter(target, reader.info, audio_from=interview) as writer:
        for frame in reader:
            writer.write(frame.rgb(), frame.time_s, frame.end_s)
    assert writer.audio == "copied"
    before, after = (
        np.concatenate([b.samples for b in read_audio(path, 16000, start_s=0)])
        for path in (interview, target)
    )
    np.testing.assert_array_equal(before, after)
    written = VideoReader(target)
    assert len(list(written)) == writer.frame_count == 40
    assert written.info.duration_s == pytest.approx(reader.info.duration_s, abs=1e-9)
    assert replace(written.info, path="") == replace(
        written.info, path="", width_px=1280, height_px=720, has_audio=True
    )

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from eyeline.errors import UsageError, VideoError
from eyeline.video.audio import BLOCK_S, AudioBlocks, has_audio, read_audio
from eyeline.video.reader import probe

from .generate import Audio, Clip, click_times, cut_off, number_in, spoil, write, write_audio

AAC, MP3, OPUS = "aac", "mp3", "libopus"


def read(path: Path, rate_hz: int = 16000) -> tuple[npt.NDArray[np.float32], AudioBlocks]:
    """All samples on the video's clock; that the blocks follow each other is checked."""
    blocks = read_audio(path, rate_hz, start_s=probe(path).start_s)
    parts = []
    position = 0
    for block in blocks:
        assert block.time_s == position / rate_hz
        assert block.samples.dtype == np.float32
        assert block.samples.ndim == 1
        assert 0 < len(block.samples) <= round(BLOCK_S * rate_hz)
        parts.append(block.samples)
        position += len(block.samples)
    return np.concatenate(parts), blocks


def with_audio(audio: Audio, offset_s: int = 0) -> Clip:
    return Clip(audio=audio, offset_s=Fraction(offset_s))


# mp4 keeps starts to a millisecond unless told otherwise, Matroska keeps all stamps so
@pytest.mark.parametrize("offset_s", [0, 3])
@pytest.mark.parametrize(
    ("suffix", "audio", "tolerance_ms"),
    [
        ("mp4", Audio(AAC, 48000, 1), 1.0),
        ("mp4", Audio(AAC, 44100, 2), 1.0),
        ("mp4", Audio(MP3, 44100, 2), 1.0),
        ("mkv", Audio(OPUS, 48000, 1), 1.0),
        ("mkv", Audio(OPUS, 48000, 2), 1.0),
        ("mkv", Audio(MP3, 44100, 1), 0.5),
        ("mkv", Audio(AAC, 44100, 2), 0.5),
        ("mkv", Audio("flac", 44100, 2), 0.5),
        ("mkv", Audio("pcm_s16le", 48000, 1), 0.5),
        ("mkv", Audio("pcm_s16le", 16000, 1), 0.5),
        ("mkv", Audio("ac3", 48000, 2), 0.5),
        ("ts", Audio(AAC, 48000, 2), 0.1),
    ],
)
def test_clicks_lie_where_they_were_made(suffix, audio, tolerance_ms, offset_s, make) -> None:
    samples, blocks = read(make(suffix, with_audio(audio, offset_s)))
    assert click_times(samples, 16000) == pytest.approx(audio.clicks_s, abs=tolerance_ms / 1000)
    assert len(samples) / 16000 == pytest.approx(2, abs=0.03)
    # neither mixing down nor resampling changes the level
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.03)
    assert blocks.damage == ()


@pytest.mark.parametrize("rate_hz", [8000, 16000, 22050, 44100, 48000])
def test_any_rate(rate_hz: int, make) -> None:
    path = make("mkv", with_audio(Audio("flac", 44100)))
    samples, _ = read(path, rate_hz)
    assert len(samples) == 2 * rate_hz
    assert click_times(samples, rate_hz) == pytest.approx((0.25, 0.75, 1.25, 1.75), abs=5e-5)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_late_audio_is_preceded_by_silence(suffix: str, make) -> None:
    audio = Audio(AAC, start_s=0.5, clicks_s=(0.75, 1.25, 1.75))
    samples, _ = read(make(suffix, with_audio(audio)))
    assert click_times(samples, 16000) == pytest.approx(audio.clicks_s, abs=0.001)
    # the encoder's own silence may begin a frame earlier
    assert not samples[: round(0.47 * 16000)].any()


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_audio_from_before_the_image_is_left_out(suffix: str, make) -> None:
    audio = Audio(AAC, start_s=-0.5, clicks_s=(-0.25, 0.25, 0.75, 1.25, 1.75))
    samples, _ = read(make(suffix, with_audio(audio, offset_s=1)))
    assert click_times(samples, 16000) == pytest.approx(audio.clicks_s[1:], abs=0.001)


def test_audio_of_a_image_whose_beginning_is_cut_off(tmp_path: Path) -> None:
    """An edit list hides five frames; the audio's hides as much."""
    path = write(tmp_path / "trimmed.mp4", Clip(audio=Audio(AAC), offset_s=Fraction(-5, 24)))
    samples, _ = read(path)
    expected = [click - 5 / 24 for click in (0.25, 0.75, 1.25, 1.75)]
    assert click_times(samples, 16000) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_gap_is_silent_and_shifts_nothing(suffix: str, make) -> None:
    samples, _ = read(make(suffix, with_audio(Audio(AAC, hole_s=(0.9, 1.1)))))
    assert click_times(samples, 16000) == pytest.approx((0.25, 0.75, 1.25, 1.75), abs=0.001)
    assert not samples[round(0.96 * 16000) : round(1.04 * 16000)].any()


@pytest.mark.parametrize("slow", [1.0002, 0.9998])
def test_drifting_clock_is_followed(slow: float, tmp_path: Path) -> None:
    """200 parts in a million, ten times what a camera's clock drifts."""
    clicks = tuple(float(click) for click in np.arange(0.25, 40, 0.5))
    audio = Audio("pcm_s16le", 16000, end_s=40, clicks_s=clicks, slow=slow)
    samples, _ = read(write(tmp_path / "slow.mkv", Clip(frames=12, audio=audio)))
    expected = [click * slow for click in clicks]
    assert click_times(samples, 16000) == pytest.approx(expected, abs=0.0012)
    # stretched rather than patched: no jump between samples that a patch would leave
    assert len(samples) == pytest.approx(40 * slow * 16000, abs=32)


def test_coarse_stamps_do_not_disturb_a_steady_clock(make) -> None:
    """Milliseconds are far coarser than samples; the audio must not be chopped up for it."""
    coarse, _ = read(make("mkv", with_audio(Audio("flac", 44100))), 44100)
    reference, _ = read(make("mp4", with_audio(Audio("flac", 44100))), 44100)
    np.testing.assert_allclose(coarse, reference, atol=1e-6)


def test_two_passes_are_equal(make) -> None:
    path = make("mp4", with_audio(Audio(AAC)))
    np.testing.assert_array_equal(read(path)[0], read(path)[0])


LONG = Clip(
    frames=192, audio=Audio(AAC, end_s=8, clicks_s=tuple(0.25 + 0.5 * n for n in range(15)))
)


def test_spoilt_audio_is_silent_and_named(make, tmp_path: Path, capfd) -> None:
    source = make("mp4", LONG, faststart=True)
    path = spoil(source, tmp_path / "spoilt.mp4", 0.5, 0.55)
    samples, blocks = read(path)
    assert len(samples) / 16000 == pytest.approx(8, abs=0.03)
    assert blocks.damage
    for damage in blocks.damage:
        assert 1.5 < damage.start_s < damage.end_s < 5
        assert damage.message
    clicks = click_times(samples, 16000)
    for expected in LONG.audio.clicks_s:
        if not any(d.start_s - 0.1 < expected < d.end_s + 0.1 for d in blocks.damage):
            assert min(abs(click - expected) for click in clicks) < 0.001
    assert capfd.readouterr().err == ""


def test_cut_off_audio_is_named_to_its_declared_end(make, tmp_path: Path) -> None:
    path = cut_off(make("mp4", LONG, faststart=True), tmp_path / "cut.mp4", 0.6)
    samples, blocks = read(path)
    (damage,) = blocks.damage
    assert damage.start_s == pytest.approx(len(samples) / 16000, abs=0.03)
    assert damage.end_s == pytest.approx(8, abs=0.03)
    assert len(click_times(samples, 16000)) >= 5


def test_spoilt_anywhere_never_crashes(make, tmp_path: Path, capfd) -> None:
    for suffix, codec in (("mp4", AAC), ("mkv", OPUS), ("ts", "mp2"), ("mkv", "flac")):
        source = make(suffix, with_audio(Audio(codec)))
        for seed in range(3):
            path = spoil(source, tmp_path / f"wild{seed}.{suffix}", 0.2, 1.0, seed=seed)
            try:
                samples, _ = read(path)
            except VideoError as error:
                assert "\n" not in str(error)
            else:
                assert len(samples) < 16000 * 20
    assert capfd.readouterr().err == ""


def test_has_audio(make, tmp_path: Path) -> None:
    assert has_audio(make("mp4", with_audio(Audio(AAC))))
    assert has_audio(write_audio(tmp_path / "sound.m4a", Audio()))
    assert not has_audio(make("mp4", Clip()))


def test_file_without_audio_is_refused(make) -> None:
    with pytest.raises(VideoError, match="holds no audio"):
        read_audio(make("mp4", Clip()), 16000, start_s=0)


def test_missing_file_and_wrong_rate_are_refused(make, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="does not exist"):
        read_audio(tmp_path / "gone.mp4", 16000, start_s=0)
    with pytest.raises(UsageError, match="greater than 0"):
        read_audio(make("mp4", Clip()), 0, start_s=0)


def test_image_and_audio_tell_the_same_time(make) -> None:
    """The middle of the click at 0.75 s falls into frame 18, whichever the container."""
    from eyeline.video.reader import VideoReader

    for suffix, offset_s in (("mp4", 0), ("mkv", 3), ("ts", 3)):
        path = make(suffix, with_audio(Audio(AAC), offset_s))
        click = click_times(read(path)[0], 16000)[1]
        frame = next(f for f in VideoReader(path) if f.time_s <= click + 0.001 < f.end_s)
        assert number_in(frame.gray()) == 18


def test_real_interview(interview: Path) -> None:
    samples, blocks = read(interview)
    assert len(samples) / 16000 == pytest.approx(19.8995, abs=0.002)
    assert blocks.damage == ()
    assert 0.01 < np.sqrt(np.mean(samples**2)) < 0.5
    # lossy coding overshoots full scale where the recording was loud
    assert np.abs(samples).max() < 1.3


def test_real_audio_agrees_with_the_published_extract(shared: Path, interview: Path) -> None:
    """The original authors' wav, at 16 kHz, lags by the 1105 samples of an MP3 encoder at 44.1 kHz.

    They passed the video through AVI, where that delay is kept nowhere.
    """
    import wave

    with wave.open(str(shared / "reference/vgs/data/speaker_012/audio.wav")) as file:
        assert (file.getframerate(), file.getnchannels()) == (16000, 1)
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    ours, _ = read(interview)
    length = min(len(data), len(ours))
    ours_spectrum, theirs = (np.fft.rfft(x[:length], 2 * length) for x in (ours, data))
    lag = int(np.fft.irfft(ours_spectrum * theirs.conj()).argmax())
    lag = lag - 2 * length if lag > length else lag
    assert lag == pytest.approx(-1105 / 44100 * 16000, abs=2)
    aligned = np.roll(ours[:length], -lag)
    assert np.corrcoef(aligned[1000:-1000], data[1000 : length - 1000])[0, 1] > 0.98

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from eyeline.errors import VideoError
from eyeline.video.audio import read_audio
from eyeline.video.audio_tracks import choose_audio_track, is_heard, single_channel
from eyeline.video.reader import VideoReader, probe

from .generate import number_in, numbered

RATE_HZ = 16000
TONE = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE_HZ) / RATE_HZ)
SILENCE = np.zeros_like(TONE)


def write_tracks(path: Path, *tracks: list[np.ndarray], videos: tuple[int, ...] = (0,)) -> Path:
    """A video of 2 s with audio tracks, each a list of its channels, and numbered video tracks."""
    with av.open(str(path), "w") as container:
        images = [container.add_stream("ffv1", rate=25) for _ in videos]
        for stream in images:
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        audios = [container.add_stream("pcm_s16le", rate=RATE_HZ) for _ in tracks]
        for stream, channels in zip(audios, tracks, strict=True):
            stream.codec_context.layout = "mono" if len(channels) == 1 else "stereo"
        for k in range(50):
            for number, stream in zip(videos, images, strict=True):
                frame = av.VideoFrame.from_ndarray(numbered(number, (96, 64)), format="rgb24")
                frame.pts, frame.time_base = k, Fraction(1, 25)
                container.mux(stream.encode(frame))
        for stream, channels in zip(audios, tracks, strict=True):
            samples = np.round(np.stack(channels, axis=1) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(
                samples.reshape(1, -1), format="s16", layout=stream.codec_context.layout
            )
            frame.sample_rate, frame.pts = RATE_HZ, 0
            container.mux(stream.encode(frame))
        for stream in (*images, *audios):
            container.mux(stream.encode(None))
    return path


def spoil_codec(path: Path, which: int) -> Path:
    """Give an audio track of a Matroska file a codec that nobody knows."""
    data = path.read_bytes()
    places = [k for k in range(len(data)) if data.startswith(b"A_PCM/INT/LIT", k)]
    at = places[which]
    path.write_bytes(data[:at] + b"A_XYZ/INT/LIT" + data[at + 13 :])
    return path


def loudness(path: Path, track: int | None = None) -> float:
    samples = np.concatenate([b.samples for b in read_audio(path, RATE_HZ, start_s=0, track=track)])
    return float(np.sqrt((samples**2).mean()))


def test_a_silent_default_track_is_passed_over(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "two.mkv", [SILENCE], [TONE])
    chosen = choose_audio_track(path)
    assert chosen.number == 2
    assert chosen.warnings[0] == "audio track 1 (pcm_s16le) is silent"
    assert "audio track 2 of 2 (pcm_s16le) is used" in chosen.warnings[1]
    assert loudness(path, 1) == 0
    assert loudness(path, 2) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)


def test_the_track_of_a_player_is_used_where_it_is_heard(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "two.mkv", [TONE], [TONE])
    assert choose_audio_track(path).number == 1


def test_a_track_without_a_rival_is_taken_as_it_is(tmp_path: Path) -> None:
    one = write_tracks(tmp_path / "one.mkv", [SILENCE])
    two = write_tracks(tmp_path / "two.mkv", [SILENCE], [TONE])
    assert choose_audio_track(one).number == 1
    assert choose_audio_track(two, 1).number == 1
    assert choose_audio_track(two, 1).warnings == ()


def test_a_track_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "two.mkv", [SILENCE], [TONE])
    with pytest.raises(VideoError, match=r"two.mkv has no audio track 3: it has audio tracks 1 to"):
        choose_audio_track(path, 3)
    with pytest.raises(VideoError, match="has no video track 2"):
        probe(path, video_track=2)


def test_a_track_that_cannot_be_decoded_is_named_and_passed_over(tmp_path: Path) -> None:
    alone = spoil_codec(write_tracks(tmp_path / "one.mkv", [TONE]), 0)
    chosen = choose_audio_track(alone)
    assert chosen.number is None
    assert chosen.warnings == (
        (
            "audio track 1 (unknown codec) cannot be decoded by this FFmpeg; convert it to AAC to "
            "have it analysed"
        ),
    )
    two = spoil_codec(write_tracks(tmp_path / "two.mkv", [TONE], [TONE]), 0)
    assert choose_audio_track(two).number == 2


def test_channels_in_opposite_phase_do_not_cancel(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "phase.mkv", [0.9 * TONE, -TONE])
    assert is_heard(path)
    assert single_channel(path) == 1
    assert loudness(path) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize(
    "channels",
    [[TONE, TONE], [TONE, SILENCE], [TONE, np.roll(TONE, 9)], [SILENCE, SILENCE], [TONE]],
)
def test_other_channels_are_mixed(channels, tmp_path: Path) -> None:
    assert single_channel(write_tracks(tmp_path / "mixed.mkv", channels)) is None


def test_a_video_track_is_chosen_by_its_number(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "two.mkv", videos=(5, 9))
    for track, number in ((1, 5), (2, 9)):
        reader = VideoReader(path, video_track=track)
        assert {number_in(frame.gray()) for frame in reader} == {number}
        assert reader.info.video_track == track

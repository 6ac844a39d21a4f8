from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from eyeline.errors import VideoError
from eyeline.video.container import audio_stream, open_source, video_stream
from eyeline.video.reader import probe

from .generate import Audio, Clip, cut_off, numbered, write, write_audio


def missing(folder: Path) -> Path:
    return folder / "gone.mp4"


def a_folder(folder: Path) -> Path:
    return folder


def empty(folder: Path) -> Path:
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def text(folder: Path) -> Path:
    (folder / "text.mp4").write_text("These are the notes of the interview.\n" * 50)
    return folder / "text.mp4"


def playlist(folder: Path) -> Path:
    (folder / "list.mp4").write_text(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n"
    )
    return folder / "list.mp4"


def garbage(folder: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, 50_000, np.uint8)
    (folder / "noise.mp4").write_bytes(noise.tobytes())
    return folder / "noise.mp4"


def without_index(folder: Path) -> Path:
    return cut_off(write(folder / "whole.mp4", Clip(noise=20)), folder / "cut.mp4", 0.6)


def with_half_an_index(folder: Path) -> Path:
    whole = write(folder / "whole.mp4", Clip(noise=20)).read_bytes()
    (folder / "half.mp4").write_bytes(whole[: whole.index(b"moov") + 20])
    return folder / "half.mp4"


def audio_only(folder: Path) -> Path:
    return write_audio(folder / "sound.m4a", Audio())


def image_file(folder: Path) -> Path:
    with av.open(str(folder / "picture.png"), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "rgb24"
        frame = av.VideoFrame.from_ndarray(numbered(1, (96, 64)), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return folder / "picture.png"


def header_alone(folder: Path) -> Path:
    """An index without anything that it points to."""
    whole = write(folder / "whole.mp4", Clip(noise=20), faststart=True).read_bytes()
    (folder / "header.mp4").write_bytes(whole[: whole.index(b"mdat") + 8])
    return folder / "header.mp4"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (missing, "does not exist"),
        (a_folder, "is a folder"),
        (empty, "is empty"),
        (text, "is text, not a video"),
        (playlist, "is text"),
        (garbage, "is not a video that FFmpeg can read"),
        (without_index, "lacks its index"),
        (with_half_an_index, "tells of no stream"),
        (audio_only, "holds audio but no moving image"),
        (image_file, "is a single image"),
        (header_alone, "gives no image that can be decoded"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(
    bad: Callable[[Path], Path], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = bad(tmp_path)
    with pytest.raises(VideoError, match=said) as caught:
        probe(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert ";" in message, "the next step is missing"
    assert capfd.readouterr().err == ""


def test_unreadable_file_is_refused(make, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object, **__: object) -> None:
        raise av.error.PermissionError(13, "Permission denied")

    path = make("mp4", Clip())
    monkeypatch.setattr(av, "open", deny)
    with pytest.raises(VideoError, match="permission denied"):
        probe(path)


def test_names_that_look_like_something_else(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("talk:1.mp4", "100%d.mp4", "-i.mp4", "größe €.mp4", "a b;c.mp4"):
        write(tmp_path / "plain.mp4", Clip(frames=2)).rename(tmp_path / name)
        assert probe(name).frame_count == 2


def test_cover_image_is_no_video(tmp_path: Path) -> None:
    """A music file with a cover has a video stream of one image, attached."""
    from av.stream import Disposition

    path = tmp_path / "music.mp4"
    with av.open(str(path), "w") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 96, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        audio = container.add_stream("aac", rate=48000)
        frame = av.VideoFrame.from_ndarray(numbered(1, (96, 64)), format="rgb24")
        container.mux(cover.encode(frame))
        container.mux(cover.encode(None))
        silence = av.AudioFrame.from_ndarray(np.zeros((2, 4096), np.float32), "fltp", "stereo")
        silence.sample_rate, silence.pts = 48000, 0
        container.mux(audio.encode(silence))
        container.mux(audio.encode(None))
    with open_source(path) as opened:
        assert len(opened.streams.video) == 1
        assert video_stream(opened) is None
        assert audio_stream(opened) is not None
    with pytest.raises(VideoError, match="audio but no moving image"):
        probe(path)


class Left:
    """What only the garbage collector frees, as a decoder that nobody closed."""

    def __init__(self, freed_in: list[int]) -> None:
        self.itself, self.freed_in = self, freed_in

    def __del__(self) -> None:
        self.freed_in.append(os.getpid())


def test_a_forked_process_does_not_free_what_its_parent_left() -> None:
    freed_in: list[int] = []

    def collect() -> None:
        gc.collect()
        os._exit(len(freed_in))

    gc.collect()
    gc.disable()
    try:
        Left(freed_in)
        child = multiprocessing.get_context("fork").Process(target=collect)
        child.start()
        child.join()
    finally:
        gc.enable()
    assert child.exitcode == 0
    gc.collect()
    assert freed_in == [os.getpid()]

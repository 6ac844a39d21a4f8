"""Opening a media file, or saying in one line why it cannot be, and choosing its streams."""

from __future__ import annotations

import codecs
import gc
import logging
import os
import stat
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.errors import VideoError
from eyeline.remote.videos import RangeFile, remote_video

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.logging import Capture
    from av.video.stream import VideoStream

_IMAGE_FORMATS = ("image2", "_pipe")
_BOXES = (b"ftyp", b"mdat", b"moov", b"wide", b"free", b"skip")
"""What an mp4 file may begin with, from its fifth byte."""
_TEXT_FORMATS = ("tty", "srt", "webvtt", "ass", "concat", "hls", "lrc", "ffmetadata")

# A forked process has copies of its parent's decoders, but not of their threads, for which closing
# one would wait forever. So its garbage collector leaves alone what was there before.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=gc.freeze)


def open_source(path: str | Path) -> InputContainer:
    """Open a media file of this machine, or one that `remote.videos` knows, for reading.

    Raises:
        VideoError: the file is missing, no file, empty, or nothing that FFmpeg can read.
    """
    import av

    remote = remote_video(path)
    file = remote.open() if remote else None
    _refuse_what_is_no_file(path, file)
    with listen() as said:
        try:
            # The prefix keeps a name such as "talk:1.mp4" from being taken for a protocol, and
            # the list keeps a playlist from reaching for the network.
            container = av.open(
                file or f"file:{path}", "r", container_options={"protocol_whitelist": "file"}
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise VideoError(_why_not_opened(path, error, words(said), file)) from error
    name = container.format.name
    if name in _TEXT_FORMATS:
        container.close()
        raise VideoError(f"{path} is text ({name}), not a video; name the video file itself")
    if name.endswith(_IMAGE_FORMATS):
        container.close()
        raise VideoError(f"{path} is a single image ({name}), not a video; give a video file")
    # Without this FFmpeg makes up presentation stamps for AVI, in the wrong order.
    made_up: Any = av.container.Flags.gen_pts
    container.flags &= ~made_up.value
    return container


def video_streams(container: InputContainer) -> list[VideoStream]:
    """The video tracks in the order of their numbers; covers and thumbnails do not count."""
    from av.stream import Disposition

    still = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    return [s for s in container.streams.video if not s.disposition & still]


def video_stream(container: InputContainer, track: int | None = None) -> VideoStream | None:
    """A video track by its number from 1, by default the one that a player would choose.

    Raises:
        VideoError: no track of this number.
    """
    moving = video_streams(container)
    if track is not None:
        return moving[_index(container, "video", track, len(moving))]
    best = container.streams.best("video")
    if any(stream is best for stream in moving):
        moving = [stream for stream in moving if stream is best]
    return moving[0] if moving else None


def audio_stream(container: InputContainer, track: int | None = None) -> AudioStream | None:
    """An audio track by its number from 1, by default the one that a player would choose.

    None where it cannot be decoded, and by default where none can be.

    Raises:
        VideoError: no track of this number.
    """
    streams = container.streams.audio
    if track is not None:
        stream = streams[_index(container, "audio", track, len(streams))]
        return stream if stream.codec_context is not None else None
    playable = [s for s in streams if s.codec_context is not None]
    best = container.streams.best("audio")
    chosen = [stream for stream in playable if stream is best] or playable
    return chosen[0] if chosen else None


def _index(container: InputContainer, kind: str, track: int, count: int) -> int:
    if 1 <= track <= count:
        return track - 1
    have = f"it has {kind} tracks 1 to {count}" if count else f"it has no {kind} track"
    raise VideoError(
        f"{container.name.removeprefix('file:')} has no {kind} track {track}: {have}; "
        f"choose another --{kind}-track or leave it out"
    )


@cache
def _hear_errors() -> None:
    """Let FFmpeg's errors through to `listen` and, if nobody listens, to the logger `libav`."""
    import av.logging

    # Otherwise Python prints what no handler takes.
    logging.getLogger("libav").addHandler(logging.NullHandler())
    av.logging.set_skip_repeated(False)
    av.logging.set_level(av.logging.ERROR)


def listen() -> Capture:
    """Collect what FFmpeg says in this thread while the block runs; nothing reaches stderr."""
    import av.logging

    _hear_errors()
    return av.logging.Capture()


def words(said: list[tuple[int, str, str]]) -> str:
    """The first thing that FFmpeg said, without its line break."""
    return said[0][2].strip() if said else ""


def _refuse_what_is_no_file(path: str | Path, remote: RangeFile | None) -> None:
    if remote:
        if remote.size == 0:
            raise VideoError(f"{path} is empty (0 bytes); copy it again from where it was recorded")
        return
    place = Path(path)
    try:
        result = place.stat()
    except FileNotFoundError:
        raise VideoError(f"{path} does not exist; check the name and the folder") from None
    except OSError as error:
        raise VideoError(f"{path} cannot be read: {error.strerror}; check its rights") from error
    if stat.S_ISDIR(result.st_mode):
        raise VideoError(f"{path} is a folder, not a video; name the files in it")
    if not stat.S_ISREG(result.st_mode):
        raise VideoError(f"{path} is not a regular file; save the video to a file first")
    if result.st_size == 0:
        raise VideoError(f"{path} is empty (0 bytes); copy it again from where it was recorded")


def _why_not_opened(path: str | Path, error: Exception, said: str, remote: RangeFile | None) -> str:
    if isinstance(error, PermissionError):
        return f"{path} cannot be read: permission denied; change its rights or its owner"
    with remote or Path(path).open("rb") as file:
        file.seek(0)
        head = file.read(4096) or b""
    if _is_text(head):
        return f"{path} is text, not a video; name the video file itself"
    if "moov atom not found" in said and head[4:8] in _BOXES:
        return (
            f"{path} lacks its index (moov), so it was cut off while being recorded or copied; "
            "copy it again, or rebuild it with a recovery tool and a good file of the same camera"
        )
    reason = said or getattr(error, "strerror", None) or str(error)
    return f"{path} is not a video that FFmpeg can read ({reason}); give a video file, such as .mp4"


def _is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are printable characters in UTF-8."""
    try:
        letters, _ = codecs.utf_8_decode(head, "strict", False)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in letters)

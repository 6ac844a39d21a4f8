"""The key frames of a video: images from all over it for the cost of decoding only these."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eyeline.errors import VideoError
from eyeline.video.container import open_source, video_stream
from eyeline.video.decode import decoded
from eyeline.video.frame import Frame, Pixels, upright


def key_frames(path: str | Path, apart_s: float = 0.0) -> Iterator[Frame]:
    """Key frames in order, upright; `end_s` is `time_s`, and frames are counted among themselves.

    Args:
        path: the video.
        apart_s: how long after the last frame yielded the next one is at least.

    Raises:
        VideoError: the file cannot be read or holds no moving image.
    """
    with open_source(path) as container:
        stream = video_stream(container)
        if stream is None or stream.codec_context is None:
            raise VideoError(f"{path} holds no moving image that can be decoded")
        stream.codec_context.skip_frame = "NONKEY"
        pixels: Pixels | None = None
        last_s, count = None, 0
        for step in decoded(container, stream):
            for image in step.frames:
                time_s = float((image.pts or 0) * (stream.time_base or 0))
                if last_s is not None and time_s - last_s < apart_s:
                    continue
                pixels = pixels or Pixels(upright(image, stream.sample_aspect_ratio))
                yield Frame(image, pixels, index=count, time_s=time_s, end_s=time_s)
                last_s, count = time_s, count + 1

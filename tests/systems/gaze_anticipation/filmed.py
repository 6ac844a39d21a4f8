"""Small videos and data sets in the layouts of Ego4D and Aria; what each frame shows is known."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

AUDIO_HZ = 24_000


def tone(seconds: float, seed: int = 0) -> npt.NDArray[np.float32]:
    """Something that can be heard, `(n,)`."""
    at = np.arange(round(seconds * AUDIO_HZ)) / AUDIO_HZ
    noise = np.random.default_rng(seed).normal(0, 0.02, len(at))
    return (0.2 * np.sin(2 * np.pi * (300 + 40 * at) * at) + noise).astype(np.float32)


def write_video(
    path: Path, frames: int, fps: int = 30, *, size: tuple[int, int] = (64, 60),
    key_every: int = 250, b_frames: int = 2, audio: npt.NDArray[np.float32] | None = None,
) -> Path:  # fmt: skip
    """A video whose brightness tells the number of the frame, as of `number_of`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    with av.open(str(path), "w") as file:
        options = {
            "qp": "0", "preset": "ultrafast", "bf": str(b_frames), "g": str(key_every),
            "keyint_min": str(key_every), "sc_threshold": "0",
        }  # fmt: skip
        video: Any = file.add_stream("libx264", rate=fps, options=options)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        voice: Any = None if audio is None else file.add_stream("flac", rate=AUDIO_HZ)
        if voice is not None:
            voice.codec_context.layout, voice.codec_context.format = "mono", "s16"
        for k in range(frames):
            frame = VideoFrame.from_ndarray(
                np.full((height, width, 3), shade(k), np.uint8), format="rgb24"
            )
            frame.pts, frame.time_base = k, Fraction(1, fps)
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
        if voice is not None and audio is not None:
            _mux_audio(file, voice, audio)
    return path


def shade(number: int) -> int:
    """Of a frame: distinct for 100 frames in a row."""
    return 25 + 2 * (number % 100)


def number_of(images: npt.NDArray[np.uint8]) -> Any:
    """Numbers modulo 100 of frames `(n, h, w, 3)`."""
    return np.rint((images.mean(axis=(1, 2, 3)) - 24.5) / 2).astype(int).tolist()


def _mux_audio(file: Any, voice: Any, audio: npt.NDArray[np.float32]) -> None:
    stored = np.clip(np.rint(audio * 32768), -32768, 32767).astype(np.int16)
    for start in range(0, len(stored), 4096):
        part = np.ascontiguousarray(stored[None, start : start + 4096])
        frame = AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_HZ, start, Fraction(1, AUDIO_HZ)
        file.mux(voice.encode(frame))
    file.mux(voice.encode(None))


def write_gaze(path: Path, seconds: float, fps: int = 30) -> Path:
    """Rows of Ego4D's gaze: a slow circle with jumps, a little before each frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    at = np.arange(round(seconds * fps) + 4) / fps - 0.004
    x = 0.5 + 0.3 * np.cos(at) + 0.2 * (np.floor(at * 2) % 2)
    y = 0.5 + 0.3 * np.sin(at)
    head = "number,canonical_timestamp_s,a,b,c,norm_pos_x,norm_pos_y"
    body = [
        f"{n},{t:.6f},0,0,0,{u:.6f},{v:.6f}"
        for n, (t, u, v) in enumerate(zip(at, x, y, strict=True))
    ]
    path.write_text("\n".join([head, *body]) + "\n")
    return path


def ego4d(root: Path, seconds: int = 12) -> Path:
    """Two videos in Ego4D's layout with lists of their own: one to train on, one to test."""
    for name, seed in (("aa", 0), ("bb", 1)):
        write_video(
            root / "full_scale.gaze" / f"{name}.mp4", 30 * seconds, audio=tone(seconds, seed)
        )
        write_gaze(root / "gaze" / f"{name}.csv", seconds)
    for split, name in (("train", "aa"), ("test", "bb")):
        lines = [f"{name}/{name}_t{s}_t{s + 5}.mp4" for s in range(0, seconds - 4, 5)]
        (root / f"{split}_ego4d_gaze.csv").write_bytes("".join(f"{x}\r\n" for x in lines).encode())
    return root

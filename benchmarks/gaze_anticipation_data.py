"""`gaze_anticipation`'s data against the published way; part of `benchmarks.gaze_anticipation`.

The published way is told by its specification: a 5 s clip is a file of its own, of which 65 frames
are decoded, turned to RGB and normalised in full size, and eight are kept.
"""

from __future__ import annotations

import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.pairs import Work, pair

if TYPE_CHECKING:
    from eyeline.systems.gaze_anticipation.data import Clips

SPEC_MS = {"item": 320, "sound": 6}
"""What the published code took on two cores of another machine, milliseconds."""
SIZE_WH = (1088, 1080)
"""Of Ego4D's images."""

_RATE, _CLIP_S, _LEAD_KEY = 30, 5, 250


def data(
    seconds: int = 15, repeat: int = 7, size_wh: tuple[int, int] = SIZE_WH
) -> dict[str, object]:
    """A synthetic video of Ego4D's size: preparing it, and reading clips of it.

    Args:
        seconds: length of the video.
        repeat: readings of each way, in turns.
        size_wh: of its images.
    """
    from eyeline.systems.gaze_anticipation import prepare
    from eyeline.systems.gaze_anticipation.data import open_clips

    with tempfile.TemporaryDirectory() as folder:
        source, out, cut = (Path(folder, name) for name in ("source", "out", "cut"))
        _make(source, seconds, size_wh)
        begin = time.perf_counter()
        summary = prepare.run(source, out)
        prepared = time.perf_counter() - begin
        begin = time.perf_counter()
        prepare.run(source, cut, clip_files=True)
        with_files = time.perf_counter() - begin
        clips = open_clips(out, "test")
        clip = clips.clips[-1]
        file = cut / "clips.gaze" / clip.video / clip.name
        last = len(clips) - 1
        result = pair(
            lambda: _published_item(file, out), lambda: clips[last], repeat, spec_ms=SPEC_MS["item"]
        )
        return {
            "item": result,
            "item_from_clip_file": _own_clip(cut, source, repeat),
            "prepared_clip_s": round(prepared / len(clips), 3),
            "prepared_clip_with_files_s": round(with_files / len(clips), 3),
            "bytes_a_clip": round(summary.as_dict()["size_bytes"] / len(clips)),
            "difference": _difference(clips, file),
        }


def _published_item(file: Path, out: Path) -> Any:
    """The published loader's work on one clip."""
    import av
    import torch
    import torch.nn.functional as F

    from eyeline.systems.gaze_anticipation.inputs import heatmaps

    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        first, last = 22, 85
        tick = int(1 / (Fraction(stream.time_base or 1) * _RATE))
        kept = []
        for frame in container.decode(stream):
            if frame.pts is not None and frame.pts >= first * tick:
                kept.append(frame.to_ndarray(format="rgb24"))
            if frame.pts is not None and frame.pts > last * tick:
                break
    whole = (torch.as_tensor(np.stack(kept[:64:9])).float() / 255 - 0.45) / 0.225
    whole = whole.permute(3, 0, 1, 2)
    height, width = whole.shape[2:]
    scale = 256 / min(height, width)
    small = F.interpolate(
        whole, size=(int(height * scale), int(width * scale)), mode="bilinear", align_corners=False
    )
    columns = np.load(next(out.glob("videos/*/sound.npy")))[:1000].T
    audio = np.stack([columns[:, k : k + 256] for k in range(0, 320, 40)])
    top, left = (-(-(side - 256) // 2) for side in small.shape[2:])
    square = small[:, :, top : top + 256, left : left + 256].contiguous()
    return square, audio, heatmaps(np.full((8, 2), 0.5))


def _own_clip(cut: Path, source: Path, repeat: int) -> dict[str, object]:
    """Milliseconds of our loader on clips that are files, which begin with a key frame."""
    import shutil

    from eyeline.systems.gaze_anticipation import prepare
    from eyeline.systems.gaze_anticipation.data import open_clips
    from eyeline.systems.gaze_anticipation.recordings import store

    for video in store.prepared_videos(cut):
        gaze = store.open_video(cut, video).gaze
        rows = np.column_stack([np.arange(len(gaze)), gaze.xy, gaze.kind])
        path = cut / "gaze_frame_label" / f"{video}_frame_label.csv"
        path.parent.mkdir(exist_ok=True)
        np.savetxt(path, rows, delimiter=",", header="frame,x,y,gaze_type", comments="")
    for path in source.glob("*_ego4d_gaze.csv"):
        shutil.copy(path, cut)
    prepare.run(cut, cut / "again")
    clips = open_clips(cut / "again", "test")
    taken = sorted(_timed(lambda: clips[len(clips) - 1]) for _ in range(repeat))
    return {"ms": round(1e3 * taken[len(taken) // 2], 1)}


def _timed(work: Work) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _difference(clips: Clips, file: Path) -> float:
    """Mean difference of pixels, of 255; the clip's file was encoded anew."""
    theirs = _published_item(file, clips.videos[clips.video[0]].root)[0]
    ours = clips[len(clips) - 1]["clip"]
    return round(float((ours - theirs).abs().mean()) * 0.225 * 255, 2)


def _make(source: Path, seconds: int, size_wh: tuple[int, int]) -> None:
    """A video with moving texture and audio, gaze rows, and lists in Ego4D's layout."""
    import av

    path = source / "full_scale.gaze" / "vid.mp4"
    path.parent.mkdir(parents=True)
    width, height = size_wh
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 8 + 40, width // 8 + 40, 3)).astype(np.uint8)
    texture = coarse.repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as file:
        options = {"preset": "veryfast", "g": str(_LEAD_KEY), "bf": "2"}
        video: Any = file.add_stream("libx264", rate=_RATE, options=options)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        voice: Any = file.add_stream("aac", rate=48_000)
        voice.codec_context.layout = "mono"
        for k in range(_RATE * seconds):
            y, x = round(100 + 90 * np.sin(k / 20)), round(100 + 90 * np.cos(k / 31))
            part = np.ascontiguousarray(texture[y : y + height, x : x + width])
            frame = av.VideoFrame.from_ndarray(part, format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, _RATE)
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
        audio = (0.1 * rng.standard_normal((1, 48_000 * seconds))).astype(np.float32)
        for start in range(0, audio.shape[1], 1024):
            piece = np.ascontiguousarray(audio[:, start : start + 1024])
            heard = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = 48_000, start, Fraction(1, 48_000)
            file.mux(voice.encode(heard))
        file.mux(voice.encode(None))
    _describe(source, seconds)


def _describe(source: Path, seconds: int) -> None:
    """Gaze rows and lists."""
    (source / "gaze").mkdir()
    at = np.arange(_RATE * seconds + 4) / _RATE
    rows = [f"0,{t:.5f},0,0,0,{0.5 + 0.3 * np.sin(t):.5f},0.5" for t in at]
    (source / "gaze" / "vid.csv").write_text("a,b,c,d,e,f,g\n" + "\n".join(rows) + "\n")
    lines = "".join(f"vid/vid_t{s}_t{s + 5}.mp4\r\n" for s in range(0, seconds - 4, _CLIP_S))
    for split in ("train", "test"):
        (source / f"{split}_ego4d_gaze.csv").write_bytes(lines.encode())

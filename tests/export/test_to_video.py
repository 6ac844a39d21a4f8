"""The annotated video has every frame of its source, at its time, with its audio."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from eyeline.errors import VideoError
from eyeline.export import write_annotated
from eyeline.export.timeline import Timeline
from eyeline.export.to_video import annotate
from eyeline.results import Analysis, Image

MakeAnalysis = Callable[..., Analysis]


@dataclass
class FakeFrame:
    index: int
    time_s: float
    end_s: float
    image: Image

    def rgb(self) -> Image:
        return self.image


class FakeWriter:
    def __init__(self) -> None:
        self.written: list[tuple[Image, float, float]] = []

    def write(self, rgb: Image, time_s: float, end_s: float) -> None:
        self.written.append((rgb.copy(), time_s, end_s))


def frames(n: int) -> Iterator[Any]:
    for k in range(n):
        grey = np.full((720, 1280, 3), 90, np.uint8)
        grey.setflags(write=k % 2 == 0)
        yield FakeFrame(k, k / 25, (k + 1) / 25, grey)


def test_every_frame_is_drawn_on_and_written(make_analysis: MakeAnalysis) -> None:
    out: Any = FakeWriter()
    timeline = Timeline(make_analysis(persons=2, frames=3, stride=3))
    assert list(annotate(frames(10), timeline, out)) == list(range(1, 11))
    assert [(a, b) for _, a, b in out.written] == [(k / 25, (k + 1) / 25) for k in range(10)]
    faces = [(rgb[250:360] != 90).any() for rgb, _, _ in out.written]
    assert faces == [True] * 9 + [False]
    clocks = [rgb[660:, :160].tobytes() for rgb, _, _ in out.written]
    assert len(set(clocks)) == 10


def make_clip(path: Path, count: int = 12) -> Path:
    """A 320x240 clip at 25 Hz whose brightness grows, with a tone."""
    with av.open(path, "w") as file:
        image = file.add_stream("libx264", rate=25)
        image.width, image.height, image.pix_fmt = 320, 240, "yuv420p"
        tone = file.add_stream("aac", rate=16000)
        for k in range(count):
            grey = np.full((240, 320, 3), 40 + 10 * k, np.uint8)
            file.mux(image.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        file.mux(image.encode())
        wave = np.sin(np.arange(16000 * count // 25) / 8).astype(np.float32)[None]
        audio = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        audio.sample_rate = 16000
        file.mux(tone.encode(audio))
        file.mux(tone.encode())
    return path


def test_a_real_clip_keeps_frames_times_and_audio(
    make_analysis: MakeAnalysis, make_video_info: Any, tmp_path: Path
) -> None:
    reader = pytest.importorskip("eyeline.video.reader")
    pytest.importorskip("eyeline.video.writer")
    source = make_clip(tmp_path / "source.mp4")
    info = make_video_info(
        0.48, path=str(source), width_px=320, height_px=240, frame_count=12, rate_hz=Fraction(25)
    )
    analysis = replace(make_analysis(persons=1, frames=6, stride=2), video=info)
    calls: list[tuple[int, int]] = []
    path = write_annotated(
        analysis, source, tmp_path / "out", lambda done, total: calls.append((done, total))
    )
    assert path == tmp_path / "out" / "annotated.mp4"
    assert calls == [(k, 12) for k in range(1, 13)]
    before = [(f.time_s, f.rgb()) for f in reader.VideoReader(source)]
    after = [(f.time_s, f.rgb()) for f in reader.VideoReader(path)]
    assert [t for t, _ in after] == pytest.approx([t for t, _ in before])
    corner = (slice(0, 60), slice(200, 320))
    for (_, a), (_, b) in zip(before, after, strict=True):
        assert abs(float(a[corner].mean()) - float(b[corner].mean())) < 4
    assert reader.probe(path).has_audio


def test_a_source_that_is_gone_leaves_no_video(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    pytest.importorskip("eyeline.video.reader")
    pytest.importorskip("eyeline.video.writer")
    with pytest.raises(VideoError):
        write_annotated(make_analysis(persons=1), tmp_path / "gone.mp4", tmp_path)
    assert not (tmp_path / "annotated.mp4").exists()


def test_a_stretch_of_the_real_clip_is_drawn_on(make_analysis: MakeAnalysis, shared: Path) -> None:
    reader = pytest.importorskip("eyeline.video.reader")
    clip = shared / "reference/vgs/data/video/012.mp4"
    out: Any = FakeWriter()
    timeline = Timeline(make_analysis(persons=4, frames=200))
    stretch = (f for f, _ in zip(reader.VideoReader(clip), range(5), strict=False))
    assert list(annotate(stretch, timeline, out)) == [1, 2, 3, 4, 5]
    originals = [f.rgb() for f, _ in zip(reader.VideoReader(clip), range(5), strict=False)]
    for original, (rgb, _, _) in zip(originals, out.written, strict=True):
        touched = (original != rgb).any(axis=-1).mean()
        assert 0.01 < touched < 0.2

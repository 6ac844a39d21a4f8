"""The corpus: odd and damaged videos, and what is to be said of each."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from torture import clips
from torture.clips import Audio, Video, copied, write

OK, PARTIAL, REFUSED, USAGE = "ok", "partial", "refused", "usage"
NAMED = "ok or partial"
ANY = "ok or partial or refused"
Writer = Callable[[Path, "Sources"], object]


class Sources:
    """Whole clips that others are made of."""

    def __init__(self, folder: Path) -> None:
        """Write the first one; the others when they are asked for."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self.whole = folder, folder / "whole.mp4"
        write(self.whole, Video(), Audio())

    def copy(self, ending: str, **options: Any) -> bytes:
        """The whole clip in another container."""
        path = self._folder / f"copy.{ending}"
        copied(path, self.whole, **options)
        return path.read_bytes()

    @cached_property
    def short(self) -> bytes:
        """One frame."""
        path = self._folder / "short.mp4"
        write(path, Video(which=range(1)))
        return path.read_bytes()

    @cached_property
    def keyed(self) -> Path:
        """With an image that stands for itself every half second, as cameras write it."""
        path = self._folder / "keyed.mp4"
        write(path, Video(options={"g": "12"}), Audio())
        return path

    @cached_property
    def fast(self) -> bytes:
        """With the index before the data."""
        return self.copy("mp4", muxer={"movflags": "+faststart"})

    @cached_property
    def transport(self) -> bytes:
        """As MPEG-TS."""
        return self.copy("ts")


def data(of: Callable[[Sources], bytes]) -> Writer:
    """A file of these bytes."""
    return lambda path, sources: path.write_bytes(of(sources))


def encoded(*streams: Video | Audio, **options: Any) -> Writer:
    """A file of these streams."""
    return lambda path, sources: write(path, *streams, **options)


def remuxed(**options: Any) -> Writer:
    """The whole clip, its packets as they are."""
    return lambda path, sources: copied(path, sources.whole, **options)


def one_image(path: Path, sources: Sources) -> None:
    """The shortest whole video, whatever its name."""
    path.write_bytes(sources.short)


def cut(content: bytes, begin: float, end: float) -> bytes:
    """Without the part between two fractions of its length."""
    first, last = int(len(content) * begin), int(len(content) * end)
    return content[:first] + content[last:]


def zeroed(content: bytes, begin: float, end: float) -> bytes:
    """With zeros between two fractions of its length."""
    first, last = int(len(content) * begin), int(len(content) * end)
    return content[:first] + bytes(last - first) + content[last:]


def _without_packets(content: bytes) -> bytes:
    count = len(content) // 188
    return content[: count // 2 * 188] + content[(count // 2 + count // 12) * 188 :]


def _bits(fraction: float, seed: int, header: bool) -> Writer:
    def damaged(sources: Sources) -> bytes:
        after = 0 if header else sources.fast.find(b"mdat") + 8
        return clips.flipped(sources.fast, fraction, seed, after)

    return data(damaged)


def _index_noise(seed: int) -> Writer:
    def damaged(sources: Sources) -> bytes:
        rng, content = random.Random(seed), bytearray(sources.fast)
        for _ in range(25):
            content[rng.randrange(32, sources.fast.find(b"mdat"))] = rng.randrange(256)
        return bytes(content)

    return data(damaged)


DAMAGE: Mapping[str, tuple[str, Writer]] = {
    "index lost.mp4": (REFUSED, data(lambda s: cut(s.whole.read_bytes(), 0.7, 1))),
    "end lost.mp4": (PARTIAL, data(lambda s: cut(s.fast, 0.7, 1))),
    "beginning lost.mp4": (ANY, data(lambda s: cut(s.whole.read_bytes(), 0, 0.3))),
    "middle cut.mp4": (PARTIAL, data(lambda s: cut(s.fast, 0.5, 0.55))),
    "middle of zeros.mp4": (PARTIAL, data(lambda s: zeroed(s.fast, 0.5, 0.54))),
    "whole.ts": (OK, data(lambda s: s.transport)),
    "packets lost.ts": (PARTIAL, data(lambda s: _without_packets(s.transport))),
    "within a packet.ts": (NAMED, data(lambda s: s.transport[1000:])),
    **{f"bits {n:g}.mp4": (NAMED, _bits(n, 1, header=False)) for n in (1e-4, 1e-3, 1e-2)},
    **{f"bits anywhere {k}.mp4": (ANY, _bits(1e-3, k, header=True)) for k in range(3)},
    **{f"index noise {k}.mp4": (ANY, _index_noise(k)) for k in range(3)},
    "fragments cut.mp4": (
        NAMED,
        data(
            lambda s: cut(s.copy("mp4", muxer={"movflags": "frag_every_frame+empty_moov"}), 0.6, 1)
        ),
    ),
    "empty.mp4": (REFUSED, data(lambda s: b"")),
    "zeros.mp4": (REFUSED, data(lambda s: bytes(1 << 20))),
    "text.mp4": (REFUSED, data(lambda s: b"hello world, this is no video\n" * 200)),
    "playlist.mp4": (REFUSED, data(lambda s: b"#EXTM3U\n#EXTINF:3,\nhttp://127.0.0.1:9/x.ts\n")),
    "concat.mp4": (REFUSED, data(lambda s: b"ffconcat version 1.0\nfile '/etc/passwd'\n")),
    "noise.mp4": (REFUSED, data(lambda s: random.Random(5).randbytes(400_000))),
    "noise after a header.mp4": (
        REFUSED,
        data(lambda s: s.whole.read_bytes()[:32] + random.Random(6).randbytes(400_000)),
    ),
    "image.mp4": (REFUSED, data(lambda s: clips.jpeg())),
}

SHORT = range(25)
SIZES: Mapping[str, tuple[str, Writer]] = {
    "audio only.mp4": (REFUSED, encoded(Audio())),
    "video only.mp4": (OK, encoded(Video())),
    "one frame.mp4": (OK, one_image),
    "one frame with audio.mp4": (NAMED, encoded(Video(which=range(1)), Audio())),
    "two frames.mp4": (OK, encoded(Video(which=range(2)))),
    "853x481.mp4": (OK, encoded(Video(size=(853, 481), pixels="yuv444p"), Audio())),
    "17x17.mp4": (OK, encoded(Video(size=(17, 17), pixels="yuv444p"), Audio())),
    "2x2.mkv": (OK, encoded(Video("ffv1", size=(2, 2), which=SHORT))),
    "1x1.mkv": (OK, encoded(Video("ffv1", "bgr0", size=(1, 1), which=SHORT))),
    "2160p.mp4": (OK, encoded(Video(size=(3840, 2160), which=range(10)))),
    "8000x200.mp4": (OK, encoded(Video(size=(8000, 200), which=range(10)))),
    "200x8000.mp4": (OK, encoded(Video(size=(200, 8000), which=range(10)))),
    "anamorphic.mp4": (OK, encoded(Video(size=(480, 360), aspect=clips.Fraction(4, 3)), Audio())),
    "4:2:2.mp4": (OK, encoded(Video(pixels="yuv422p"), Audio())),
    "4:4:4.mp4": (OK, encoded(Video(pixels="yuv444p"), Audio())),
    "10 bits.mp4": (OK, encoded(Video(pixels="yuv420p10le"), Audio())),
    "gray.mp4": (OK, encoded(Video(pixels="gray"), Audio())),
    "rgb.mp4": (OK, encoded(Video("libx264rgb", "rgb24"), Audio())),
    "alpha.mov": (OK, encoded(Video("prores_ks", "yuva444p10le", which=SHORT))),
    "alpha.webm": (OK, encoded(Video("libvpx-vp9", "yuva420p", options={"cpu-used": "8"}))),
}


def _gap(seconds: float) -> Callable[[int], float]:
    return lambda k: k / 25 + (seconds if k > 36 else 0)


def _pairs(k: int) -> float:
    return (k // 2) * 2 / 25 + (0.001 if k % 2 else 0)


TIME: Mapping[str, tuple[str, Writer]] = {
    "variable rate.mp4": (
        OK,
        encoded(Video(which=range(40), time_s=lambda k: (k + k // 3 + k // 7) / 25), Audio()),
    ),
    "variable rate.mkv": (
        OK,
        encoded(Video(which=range(40), time_s=lambda k: k / 25 + (0.37 if k > 20 else 0)), Audio()),
    ),
    "late start.mp4": (OK, remuxed(muxer={"output_ts_offset": "12.345"})),
    "late start.mkv": (OK, remuxed(muxer={"output_ts_offset": "12.345"})),
    "before zero.mkv": (
        NAMED,
        remuxed(muxer={"output_ts_offset": "-1.5", "avoid_negative_ts": "disabled"}),
    ),
    "cut by copying.mp4": (
        NAMED,
        lambda path, sources: copied(path, sources.keyed, since_s=0.7),
    ),
    "gap of a minute.mkv": (PARTIAL, encoded(Video(time_s=_gap(60)))),
    "gap of an hour.mkv": (PARTIAL, encoded(Video(time_s=_gap(3600)), Audio())),
    "gap of an hour.mp4": (PARTIAL, encoded(Video(time_s=_gap(3600)), Audio())),
    "pairs of frames.mkv": (NAMED, encoded(Video("mjpeg", "yuvj420p", time_s=_pairs))),
    "b-frames.mp4": (OK, encoded(Video(options={"bf": "8", "b_strategy": "0"}), Audio())),
    "open groups.mkv": (
        OK,
        encoded(Video("libx265", options={"x265-params": "open-gop=1:keyint=12:log-level=none"})),
    ),
    "no container.h264": (OK, remuxed(kinds="v", form="h264", bitstream="h264_mp4toannexb")),
    "1000 a second.mp4": (OK, encoded(Video(time_s=lambda k: k / 1000, rate_hz=1000))),
    "1 a second.mp4": (
        OK,
        encoded(Video(which=range(0, 75, 25), time_s=float, rate_hz=1), Audio()),
    ),
}


def _shown(*matrix: int) -> Writer:
    return data(lambda s: clips.turned(s.whole.read_bytes(), matrix))


ORIENTATION: Mapping[str, tuple[str, Writer]] = {
    "turned 0.mp4": (OK, _shown(1, 0, 0, 1, 0, 0)),
    "turned 90.mp4": (OK, _shown(0, 1, -1, 0, clips.HEIGHT_PX, 0)),
    "turned 180.mp4": (OK, _shown(-1, 0, 0, -1, clips.WIDTH_PX, clips.HEIGHT_PX)),
    "turned 270.mp4": (OK, _shown(0, -1, 1, 0, 0, clips.WIDTH_PX)),
    "mirrored.mp4": (OK, _shown(-1, 0, 0, 1, clips.WIDTH_PX, 0)),
}

FAST = {"preset": "ultrafast", "x265-params": "log-level=none"}
CODECS: Mapping[str, tuple[str, Writer]] = {
    "hevc.mp4": (OK, encoded(Video("libx265", options=FAST), Audio())),
    "hevc 10 bits.mkv": (OK, encoded(Video("libx265", "yuv420p10le", options=FAST), Audio())),
    "av1.mp4": (OK, encoded(Video("libsvtav1", options={"preset": "12"}), Audio())),
    "vp9.webm": (OK, encoded(Video("libvpx-vp9", options={"cpu-used": "8"}), Audio("libopus"))),
    "vp8.webm": (OK, encoded(Video("libvpx", options={"cpu-used": "8"}), Audio("libopus"))),
    "mjpeg.avi": (OK, encoded(Video("mjpeg", "yuvj420p", ticks_hz=25), Audio("pcm_s16le"))),
    "mjpeg.mov": (OK, encoded(Video("mjpeg", "yuvj420p"), Audio("pcm_s16le"))),
    "mpeg2.mpg": (OK, encoded(Video("mpeg2video", ticks_hz=25), Audio("mp2"))),
    "mpeg4.avi": (OK, encoded(Video("mpeg4", ticks_hz=25), Audio("libmp3lame"))),
    "raw.avi": (
        OK,
        encoded(Video("rawvideo", "bgr24", (320, 180), SHORT, ticks_hz=25), Audio("pcm_s16le")),
    ),
    "raw.y4m": (
        OK,
        encoded(Video("wrapped_avframe", which=SHORT, ticks_hz=25), form="yuv4mpegpipe"),
    ),
    "animated.gif": (OK, encoded(Video("gif", "rgb8", (320, 180), SHORT, ticks_hz=100))),
    "animated.png": (ANY, encoded(Video("apng", "rgb24", (320, 180), range(5)), form="apng")),
    "prores.mov": (OK, encoded(Video("prores_ks", "yuv422p10le"), Audio("pcm_s16le"))),
    "windows.wmv": (OK, encoded(Video("wmv2", ticks_hz=25), Audio("wmav2"))),
    "flash.flv": (OK, encoded(Video("flv", ticks_hz=1000), Audio("libmp3lame", 44_100))),
    "fragments.mp4": (OK, remuxed(muxer={"movflags": "frag_keyframe+empty_moov"})),
    "disc.m2ts": (OK, remuxed(form="mpegts", muxer={"mpegts_m2ts_mode": "1"})),
}


def _seconds(count: float) -> Callable[[], np.ndarray]:
    return lambda: np.resize(clips.waveform(), int(count * clips.AUDIO_HZ))


AUDIO: Mapping[str, tuple[str, Writer]] = {
    "5.1.mp4": (OK, encoded(Video(), Audio(layout="5.1"))),
    "8 kHz.mp4": (OK, encoded(Video(), Audio(hz=8000, layout="mono"))),
    "96 kHz.mkv": (OK, encoded(Video(), Audio("flac", 96_000))),
    "longer audio.mp4": (NAMED, encoded(Video(), Audio(samples=_seconds(8)))),
    "shorter audio.mp4": (OK, encoded(Video(), Audio(samples=_seconds(1)))),
    "late audio.mp4": (OK, encoded(Video(), Audio(start_s=0.8))),
    "early audio.mkv": (OK, encoded(Video(time_s=lambda k: 0.8 + k / 25), Audio())),
    "silent.mp4": (OK, encoded(Video(), Audio(samples=lambda: 0 * clips.waveform()))),
    "two videos.mkv": (OK, encoded(Video(), Video(size=(320, 180)), Audio())),
    "two audio tracks.mkv": (OK, encoded(Video(), Audio(), Audio(samples=_seconds(1)))),
    "cover first.mp4": (
        OK,
        encoded(Video("mjpeg", "yuvj420p", which=range(1), cover=True), Video(), Audio()),
    ),
    "cover only.m4a": (
        REFUSED,
        encoded(Video("mjpeg", "yuvj420p", which=range(1), cover=True), Audio(), form="mp4"),
    ),
}

_NAMES = (
    "sp ace.mp4", "new\nline.mp4", "-dash.mp4", "ünï—日本語 😀.mp4", "x" * 240 + ".mp4",
    "a'b\"c&d.mp4", "50%.mp4", "[x] *?.mp4", "<script>alert(1)<.mp4", "two dots..mp4",
    ".hidden.mp4", "con.mp4", "rich [red]markup.mp4", "[bold", "pipe:0.mp4", "rtl\u202eabc.mp4",
    os.fsdecode(b"latin1 \xe9.mp4"),
)  # fmt: skip
NAMES: Mapping[str, tuple[str, Writer]] = dict.fromkeys(_NAMES, (OK, one_image))


def _linked(to: str, path: Path, sources: Sources) -> None:
    path.symlink_to(to)


def _unreadable(path: Path, sources: Sources) -> None:
    shutil.copy(sources.whole, path)
    path.chmod(0)


NO_FILES: Mapping[str, tuple[str, Writer]] = {
    "folder.mp4": (USAGE, lambda path, sources: path.mkdir()),
    "circle.mp4": (REFUSED, partial(_linked, "circle.mp4")),
    "nowhere.mp4": (REFUSED, partial(_linked, "absent.mp4")),
    "link.mp4": (OK, lambda path, sources: path.symlink_to(sources.whole)),
    "pipe.mp4": (REFUSED, lambda path, sources: os.mkfifo(path)),
    "missing.mp4": (REFUSED, lambda path, sources: None),
    "unreadable.mp4": (REFUSED if os.geteuid() else OK, _unreadable),
}

CASES: Mapping[str, tuple[str, Writer]] = (
    {**DAMAGE, **SIZES, **TIME, **ORIENTATION, **CODECS, **AUDIO, **NAMES, **NO_FILES}
)  # fmt: skip

DRAWN = frozenset({**SIZES, **TIME, **ORIENTATION})
"""Those whose annotated video may differ from the tables in outcome."""


def written(folder: Path) -> Iterator[tuple[Path, str]]:
    """Write the corpus, a file at a time: its path, and the outcome to be expected."""
    sources = Sources(folder / "sources")
    for number, (name, (expected, writer)) in enumerate(CASES.items()):
        path = folder / f"{number:03d}" / name
        path.parent.mkdir()
        writer(path, sources)
        yield path, expected

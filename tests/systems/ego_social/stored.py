"""Prepared clips of the golden files' images and audio, and videos that say their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.results import Image
from eyeline.systems.ego_social.recordings.annotations import Clip, Track, read_annotations
from eyeline.systems.ego_social.recordings.store import CLIPS, SPLIT
from eyeline.systems.ego_social.recordings.writing import Images, Settings, write_clip
from tests.systems.ego_social.recorded import annotated
from tests.systems.ego_social.test_inputs import LAST_IMAGE, SEED, golden_image, wave

Samples = npt.NDArray[np.int16]
LISTS = {"train": ("train-01-0", "train-01-1"), "val": ("val-02-0",)}


def golden_images(uid: str) -> Images:
    """Those of a clip of the golden files, which count images from 1; none of the others."""

    def look(number: int) -> Callable[[], Image]:
        return lambda: golden_image(SEED[uid], number + 1)

    return ((number, look(number)) for number in range(LAST_IMAGE.get(uid, 0)))


def images(count: int, make: Callable[[int], Image] | None = None) -> Images:
    """So many images, by default `numbered`."""
    draw = make or numbered

    def look(number: int) -> Callable[[], Image]:
        return lambda: draw(number)

    return ((number, look(number)) for number in range(count))


def golden_audio(uid: str) -> Samples:
    if uid not in SEED:
        return np.zeros(0, np.int16)
    return np.rint(wave(1 if uid == "train-01-0" else 2) * 32768).astype(np.int16)


def prepared(root: Path, change: Any = None) -> Path:
    """The golden files' clips without loss, below `root`."""
    raw = root / "raw"
    raw.mkdir(parents=True)
    clips = read_annotations(annotated(raw, change)).clips
    for name, uids in LISTS.items():
        write_list(root, name, uids)
        for uid in uids:
            store_clip(root, clips[uid], golden_images(uid), golden_audio(uid))
    return root


def store_clip(
    root: Path, clip: Clip, images: Images, audio: Samples | None = None,
    settings: Settings = Settings(lossless=True),  # noqa: B008
) -> dict[str, Any]:  # fmt: skip
    folder = root / CLIPS / clip.uid
    folder.mkdir(parents=True)
    heard = np.zeros(0, np.int16) if audio is None else audio
    return write_clip(folder, clip, images, lambda: heard, settings=settings)


def write_list(root: Path, name: str, uids: Iterable[str]) -> None:
    path = root / SPLIT / f"{name}.list"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(uids), encoding="utf-8")


def track_of(
    frames: Iterable[int], box_xywh: Iterable[float] = (10, 10, 40, 50), *,
    track_id: str = "t", person: str = "1",
) -> Track:  # fmt: skip
    """A face that stays where it is."""
    frame = np.array([*frames], np.int64)
    return Track(track_id, person, frame, np.tile(np.array([*box_xywh], float), (len(frame), 1)))


def clip_of(*tracks: Track, uid: str = "c", span_s: tuple[float, float] | None = None) -> Clip:
    return Clip(uid, "v", span_s, tracks, (), ())


def numbered(number: int, height: int = 64, width: int = 96) -> Image:
    """An image that is one gray, by its number, with a black lower half."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2] = 40 + number
    return image


def film(
    path: Path, count: int, *, rate: Fraction = Fraction(30), codec: str = "libx264rgb",
    audio_hz: int | None = None, channels: int = 1, make: Callable[[int], Image] = numbered,
    keys: int = 12, preset: str = "ultrafast",
) -> Path:  # fmt: skip
    """A video without loss whose images say their numbers, with a rising tone as its audio."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = make(0).shape[:2]
    with av.open(str(path), "w") as target:
        stream: Any = target.add_stream(codec, rate=rate)
        stream.width, stream.height = width, height
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "rgb24"
        stream.options = {} if codec == "ffv1" else {"crf": "0", "preset": preset}
        stream.codec_context.gop_size = keys
        heard: Any = target.add_stream("aac", rate=audio_hz) if audio_hz else None
        if heard is not None:
            heard.layout = "mono" if channels == 1 else "stereo"
            _sing(target, heard, float(count / rate), audio_hz or 0, channels)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(make(number), format="rgb24")
            frame.pts = number
            frame.time_base = 1 / rate
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def tone(length_s: float, rate_hz: int) -> npt.NDArray[np.float32]:
    """440 Hz that grows from silence to half of full scale."""
    t = np.arange(round(length_s * rate_hz)) / rate_hz
    return np.asarray(0.5 * t / length_s * np.sin(2 * np.pi * 440 * t), np.float32)


def _sing(target: Any, stream: Any, length_s: float, rate_hz: int, channels: int) -> None:
    import av

    samples = np.tile(tone(length_s, rate_hz), (channels, 1))
    for start in range(0, samples.shape[1], 1024):
        part = np.ascontiguousarray(samples[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(
            part, format="fltp", layout="mono" if channels == 1 else "stereo"
        )
        frame.sample_rate, frame.pts = rate_hz, start
        target.mux(stream.encode(frame))
    target.mux(stream.encode(None))

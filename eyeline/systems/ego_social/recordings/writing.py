"""Writing a prepared clip from its images, which are cropped as they come, and its audio."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, UsageError, check_shape
from eyeline.results import Image, Ints
from eyeline.systems.ego_social.inputs import AUDIO_HZ, SIZE, crop_face
from eyeline.systems.ego_social.recordings.annotations import Clip
from eyeline.systems.ego_social.recordings.store import (
    AUDIO,
    CROPS,
    EMPTY,
    INDEX,
    NO_IMAGE,
    ORDERS,
    VERSION,
    Places,
    described,
    words_of,
)
from eyeline.systems.ego_social.recordings.tracklets import filled

Images = Iterable[tuple[int, Callable[[], Image]]]
"""Numbers from 0, ascending, each with what gives its image `(h, w, 3)` uint8 RGB."""

_EXAMPLES = 5
_SKIPPED = {
    NO_IMAGE: "the video has no image there",
    EMPTY: "box outside the image: black, as published",
}
_FAR_PX = 1e9
"""Beyond any image, and still a whole number."""


@dataclass(frozen=True)
class Settings:
    """How crops are kept.

    Measured on crops of 50 to 200 pixels out of two videos of 720 lines: JPEG of quality 95 is off
    by 0.7 of 255 levels in the mean, 3 at the 99th of a hundred, 13 at most, and takes 2 to 16 kB,
    a half to a third of PNG. (The published preparation goes through JPEG images of the
    whole frame, which are off by 2.5.)
    """

    lossless: bool = False
    """As PNG, from which `store` makes the very crop that the decoded image gives."""
    quality: int = 95
    """Of JPEG, 1 to 100, with colours as fine as the rest."""

    def __post_init__(self) -> None:
        """Check the number."""
        if not 1 <= self.quality <= 100:
            raise UsageError(f"a quality of {self.quality}; 1 to 100 can be")


@dataclass(frozen=True)
class Cuts:
    """The distinct cuts of a clip, in the order of its images."""

    image: Ints
    """`(cut,)` number in the clip, from 0: one less than the annotation frame, as published."""
    sides: Ints
    """`(cut, 4)` left, top, right, bottom in whole pixels; may lie outside the image."""
    places: Mapping[str, Places]
    """Which cut shows a track at a frame, by the order of entries, one of `store.ORDERS`."""


def cuts_of(clip: Clip) -> Cuts:
    """All cuts that looking-at-me and talking-to-me need of a clip."""
    starts, keys = [], []
    for order in ORDERS:
        start = [0]
        for track in clip.tracks:
            boxes = filled(track, sort=order == ORDERS[0])
            frame, from_end = np.unique(boxes.frame[::-1], return_index=True)
            row = len(boxes.frame) - 1 - from_end  # of a frame that comes twice the last
            sides = np.clip(boxes.box_xyxy[row], 0, _FAR_PX).astype(np.int64)
            keys.append(np.concatenate([frame[:, None], sides], axis=1))
            start.append(start[-1] + len(frame))
        starts.append(np.array(start, np.int64))
    whole = np.concatenate([np.zeros((0, 5), np.int64), *keys])
    distinct, which = np.unique(whole, axis=0, return_inverse=True)
    halves = np.split(np.arange(len(whole)), [starts[0][-1]])
    places = {
        order: Places(start, whole[half, 0], which.ravel()[half])
        for order, start, half in zip(ORDERS, starts, halves, strict=True)
    }
    return Cuts(distinct[:, 0] - 1, distinct[:, 1:], places)


def cut_out(image: Image, sides: Ints) -> Image | None:
    """The part of an image `(h, w, 3)` that `inputs.crop_face` stretches; None if it is empty.

    Parts with more pixels than a crop are brought to its size.
    """
    left, top, right, bottom = sides.tolist()
    part = image[top:bottom, left:right]
    if 0 in part.shape:
        return None
    if part.shape[0] * part.shape[1] <= SIZE * SIZE:
        return part
    return crop_face(part, (0, 0, part.shape[1], part.shape[0]))


def encoded(part: Image, settings: Settings) -> npt.NDArray[np.uint8]:
    """The bytes `(n,)` of a part `(h, w, 3)` RGB."""
    import cv2

    if settings.lossless:
        kind, options = ".png", [cv2.IMWRITE_PNG_COMPRESSION, 1]
    else:
        kind = ".jpg"
        options = [
            cv2.IMWRITE_JPEG_QUALITY,
            settings.quality,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        ]
    created = cv2.imencode(kind, np.ascontiguousarray(part[..., ::-1]), options)[1]
    return np.asarray(created, np.uint8).ravel()


def write_clip(
    folder: Path,
    clip: Clip,
    images: Images,
    audio: Callable[[], npt.NDArray[np.int16]],
    *,
    settings: Settings | None = None,
    source: Mapping[str, Any] | None = None,
    notes: Callable[[], Iterable[str]] = tuple,
) -> dict[str, Any]:
    """Write the files of one clip into a folder that is there.

    Args:
        folder: `clips/<uid>` of a prepared data set, or a temporary one.
        clip: as annotated.
        images: all of the clip, or those that are at hand.
        audio: called once the images are read, gives `(sample,)` 16 kHz from the first image
            on; empty for a clip without audio.
        settings: how crops are kept.
        source: what to keep of where this came from.
        notes: called at the end, gives what to keep of how it went, in words.

    Returns:
        `pictures` of the clip at 30 a second; `faces`, boxes of looking-at-me that have a crop;
        distinct `crops`, those of talking-to-me among them, and their `size_bytes`; `sound_s`;
        `skips`, what was left out or is black, as `count` by reason and `examples`.
    """
    settings = settings or Settings()
    cuts = cuts_of(clip)
    with (folder / CROPS).open("wb") as file:
        number, offset, count = _write_crops(file, clip, cuts, images, settings)
    samples = np.asarray(audio(), np.int16)
    check_shape(samples, "sample", f"clip {clip.uid}: audio")
    np.save(folder / AUDIO, samples, allow_pickle=False)
    counts = {
        "pictures": count,
        "faces": int((number[cuts.places[ORDERS[0]].crop] >= 0).sum()),
        "crops": len(offset) - 1,
        "size_bytes": int(offset[-1]),
        "sound_s": len(samples) / AUDIO_HZ,
        "skips": _skips(clip, cuts, number),
    }
    card = {
        "version": VERSION,
        "annotation": words_of(clip),
        "settings": asdict(settings),
        "source": dict(source or {}),
        "counts": counts,
        "notes": list(notes()),
    }
    content = {**described(clip), "offset": offset}
    for order, places in cuts.places.items():
        content |= {
            f"{order}.start": places.start,
            f"{order}.frame": places.frame.astype(np.int32),
            f"{order}.crop": number[places.crop],
        }
    np.savez(folder / INDEX, **content, card=np.array(json.dumps(card)))
    return counts


def _write_crops(
    file: BinaryIO, clip: Clip, cuts: Cuts, images: Images, settings: Settings
) -> tuple[Ints, Ints, int]:
    """Number of each cut's crop, where the crops begin, and how many images there were."""
    number = np.full(len(cuts.image), NO_IMAGE, np.int32)
    offset, last = [0], -1
    for still, look in images:
        if still <= last:
            raise DataError(f"clip {clip.uid}: image {still} comes after image {last}")
        last = still
        first, end = np.searchsorted(cuts.image, [still, still + 1])
        image = look() if end > first else None
        for cut in range(first, end):
            assert image is not None
            part = cut_out(image, cuts.sides[cut])
            if part is None:
                number[cut] = EMPTY
                continue
            content = encoded(part, settings)
            file.write(content.data)
            number[cut] = len(offset) - 1
            offset.append(offset[-1] + len(content))
    return number, np.array(offset, np.int64), last + 1


def _skips(clip: Clip, cuts: Cuts, number: Ints) -> dict[str, Any]:
    """Of the boxes of looking-at-me, and of the entries that make no box; the first few named."""
    places, result = cuts.places[ORDERS[0]], {}
    crop = number[places.crop]
    track_of = np.repeat(np.arange(len(clip.tracks)), np.diff(places.start))
    for value, reason in _SKIPPED.items():
        result[reason] = [*zip(track_of[crop == value], places.frame[crop == value], strict=True)]
    flat = [(track.box_xywh[:, 2:] <= 0).any(axis=1) for track in clip.tracks]
    zero = [(track.frame == 0) & ~own for track, own in zip(clip.tracks, flat, strict=True)]
    for reason, entries in (("entry without width or height", flat), ("entry of frame 0", zero)):
        result[reason] = [
            (i, frame) for i, own in enumerate(entries) for frame in clip.tracks[i].frame[own]
        ]
    there = {reason: rows for reason, rows in result.items() if rows}
    return {
        "count": {reason: len(rows) for reason, rows in there.items()},
        "examples": {
            reason: [f"track {clip.tracks[i].track_id}, frame {f}" for i, f in rows[:_EXAMPLES]]
            for reason, rows in there.items()
        },
    }

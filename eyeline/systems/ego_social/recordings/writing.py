"""Writing a prepared clip from its images, which are cropped as they come, and its audio."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape
from eyeline.results import Image, Ints
from eyeline.systems.ego_social.inputs import AUDIO_HZ
from eyeline.systems.ego_social.recordings.annotations import Clip
from eyeline.systems.ego_social.recordings.cuts import Cuts, Settings, cut_out, cuts_of, encoded
from eyeline.systems.ego_social.recordings.store import (
    AUDIO,
    CROPS,
    EMPTY,
    INDEX,
    NO_IMAGE,
    ORDERS,
    VERSION,
    described,
    words_of,
)

Images = Iterable[tuple[int, Callable[[], Image]]]
"""Numbers from 0, ascending, each with what gives its image `(h, w, 3)` uint8 RGB."""

_EXAMPLES = 5
_SKIPPED = {
    NO_IMAGE: "the video has no image there",
    EMPTY: "box outside the image: black, as published",
}


@dataclass
class Skips:
    """What was left out or is black, of a clip."""

    count: dict[str, int] = field(default_factory=dict)
    """By reason."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """The first few of each reason, named."""

    def add(self, reason: str, names: Iterable[str]) -> None:
        """Count some."""
        for name in names:
            self.count[reason] = self.count.get(reason, 0) + 1
            named = self.examples.setdefault(reason, [])
            if len(named) < _EXAMPLES:
                named.append(name)


@dataclass(frozen=True)
class Written:
    """What a prepared clip holds."""

    images: int
    """Of the clip at 30 a second."""
    faces: int
    """Boxes of looking-at-me that have a crop."""
    crops: int
    """Distinct ones, those of talking-to-me among them."""
    size_bytes: int
    """Of all crops."""
    sound_s: float
    skips: Skips


def write_clip(
    folder: Path,
    clip: Clip,
    images: Images,
    audio: Callable[[], npt.NDArray[np.int16]],
    *,
    settings: Settings | None = None,
    source: Mapping[str, Any] | None = None,
    notes: Callable[[], Iterable[str]] = tuple,
) -> Written:
    """Write the files of one clip into a folder that is there.

    Args:
        folder: `clips/<uid>` of a prepared data set, or a temporary one.
        clip: as annotated.
        images: all of the clip, or those that are at hand.
        audio: asked once the images are read, gives `(sample,)` 16 kHz from the first image
            on; empty for a clip without audio.
        settings: how crops are kept.
        source: what to keep of where this came from.
        notes: asked at the end, gives what to keep of how it went, in words.

    Raises:
        DataError: images out of order, or audio of another shape.
        OSError: the folder cannot be written.
    """
    settings = settings or Settings()
    cuts = cuts_of(clip)
    with (folder / CROPS).open("wb") as file:
        number, offset, count = _write_crops(file, clip, cuts, images, settings)
    samples = np.asarray(audio(), np.int16)
    check_shape(samples, "sample", f"clip {clip.uid}: audio")
    np.save(folder / AUDIO, samples, allow_pickle=False)
    skips = _skips(clip, cuts, number)
    written = Written(
        count,
        int((number[cuts.asked[ORDERS[0]].cut] >= 0).sum()),
        len(offset) - 1,
        int(offset[-1]),
        len(samples) / AUDIO_HZ,
        skips,
    )
    counts = asdict(written)
    card = {
        "version": VERSION,
        "annotation": words_of(clip),
        "settings": asdict(settings),
        "source": dict(source or {}),
        "counts": {"pictures": counts.pop("images"), **counts},
        "notes": list(notes()),
    }
    np.savez(folder / INDEX, **_arrays(clip, cuts, number, offset), card=np.array(json.dumps(card)))
    return written


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


def _arrays(clip: Clip, cuts: Cuts, number: Ints, offset: Ints) -> dict[str, Any]:
    content = {**described(clip), "offset": offset}
    for order, asked in cuts.asked.items():
        content |= {
            f"{order}.start": asked.start,
            f"{order}.frame": asked.frame.astype(np.int32),
            f"{order}.crop": number[asked.cut],
        }
    return content


def _skips(clip: Clip, cuts: Cuts, number: Ints) -> Skips:
    """Of the boxes of looking-at-me, and of the entries that make no box."""
    skips = Skips()
    asked = cuts.asked[ORDERS[0]]
    for value, reason in _SKIPPED.items():
        rows = np.flatnonzero(number[asked.cut] == value)
        tracks = np.searchsorted(asked.start, rows, side="right") - 1
        where = zip(tracks, asked.frame[rows], strict=True)
        skips.add(reason, (_name(clip, track, frame) for track, frame in where))
    for i, track in enumerate(clip.tracks):
        flat = (track.box_xywh[:, 2:] <= 0).any(axis=1)
        skips.add("entry without width or height", (_name(clip, i, f) for f in track.frame[flat]))
        zero = (track.frame == 0) & ~flat
        skips.add("entry of frame 0", (_name(clip, i, f) for f in track.frame[zero]))
    return skips


def _name(clip: Clip, track: int, frame: int) -> str:
    return f"track {clip.tracks[track].track_id}, frame {frame}"

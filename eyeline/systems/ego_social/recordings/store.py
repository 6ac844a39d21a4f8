"""Prepared clips: the face crops of one clip in one file, found by track and frame without search.

A prepared data set is a folder: `index.json`, `split/*.list`, and of each clip `clips/<uid>/` with
`index.npz` (annotation and places), `crops.bin` (images one after the other) and `sound.npy`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.datasets.index import read_index
from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Image, Ints
from eyeline.systems.ego_social.inputs import SIZE, crop_face, segment_audio
from eyeline.systems.ego_social.recordings.annotations import Clip, Segment, Track
from eyeline.systems.ego_social.recordings.tracklets import Boxes, filled

VERSION = 1
"""Of the layout; a reader refuses others."""
CLIPS, SPLIT, CARD = "clips", "split", "index.json"
INDEX, CROPS, AUDIO = "index.npz", "crops.bin", "sound.npy"
NO_IMAGE, EMPTY = -1, -2
"""Instead of a number of a crop: the video ends before; the box lies outside the image."""
ORDERS = ("sorted", "unsorted")
"""Boxes with a track's entries taken by frame, and as they lie in the file; see
`tracklets.filled`."""

_FULL_SCALE = 32768
_ARRAYS = (*(f"{name}.{part}" for name in ORDERS for part in ("start", "frame", "crop")), "offset")


@dataclass(frozen=True)
class Places:
    """Which crop shows a track at a frame."""

    start: Ints
    """`(track + 1,)` first row of each track."""
    frame: Ints
    """`(row,)` ascending within a track."""
    crop: Ints
    """`(row,)` number of the crop, or `NO_IMAGE` or `EMPTY`."""

    def find(self, track: int, frame: int) -> int | None:
        """The crop of a track at a frame; None where it has no box."""
        first, end = int(self.start[track]), int(self.start[track + 1])
        row = first + int(np.searchsorted(self.frame[first:end], frame))
        return int(self.crop[row]) if row < end and self.frame[row] == frame else None


class PreparedClip:
    """One clip: what is annotated, its face crops, and its audio when it is asked for."""

    def __init__(self, root: Path, uid: str) -> None:
        """Read its index; see `open_clip`."""
        self.root, self.uid = root, uid
        self.folder = root / CLIPS / uid
        content, self.card = read_index(self.folder / INDEX, f"clip {uid}", VERSION, _ARRAYS)
        """How it was prepared: `settings`, `source`, `counts` and `notes`."""
        self.annotation = _clip(content, self.card, uid)
        self._offset: Ints = content["offset"]
        self._places = {
            name: Places(*(content[f"{name}.{part}"] for part in ("start", "frame", "crop")))
            for name in ORDERS
        }
        self._number = {t.track_id: i for i, t in enumerate(self.annotation.tracks)}

    def __reduce__(self) -> tuple[Any, ...]:
        """A worker process opens it anew: mapped files do not travel."""
        return open_clip, (self.root, self.uid)

    @cached_property
    def tracks(self) -> dict[str, Boxes]:
        """Boxes of every frame of each face, as of `tracklets.filled`, in the order of the ids."""
        tracks = sorted(self.annotation.tracks, key=lambda track: track.track_id)
        return {track.track_id: filled(track) for track in tracks}

    def crop(self, track_id: str, frame: int) -> Image | None:
        """The crop of a face `(224, 224, 3)` uint8 RGB at an annotation frame.

        Black where the box lies outside the image; None where the track has no box or the video no
        image.
        """
        number = self.number(track_id, frame)
        return None if number is None else self.image(number)

    def number(self, track_id: str, frame: int, *, sort: bool = True) -> int | None:
        """Number of a face's crop, for `image`; None where there is none."""
        if track_id not in self._number:
            raise DataError(f"clip {self.uid}, frame {frame}: no track {track_id}")
        result = self._places[ORDERS[not sort]].find(self._number[track_id], frame)
        return None if result == NO_IMAGE else result

    def number_of(self, person: str, frame: int, *, sort: bool = False) -> int | None:
        """Number of a person's crop, for `image`, as of `tracklets.faces_by_person`."""
        places = self._places[ORDERS[not sort]]
        for track in self._tracks_of.get(person, ()):
            result = places.find(track, frame)
            if result is not None:
                return None if result == NO_IMAGE else result
        return None

    def image(self, number: int) -> Image:
        """A crop `(224, 224, 3)` uint8 RGB by its number, black for `EMPTY`."""
        if number == EMPTY:
            return np.zeros((SIZE, SIZE, 3), np.uint8)
        result = decoded(self._crops[self._offset[number] : self._offset[number + 1]])
        if result is None:
            raise DataError(f"clip {self.uid}, {self._seen_at(number)}: its crop is damaged")
        return result

    @property
    def has_audio(self) -> bool:
        """Whether the clip has any."""
        return bool(len(self._samples))

    @property
    def audio(self) -> npt.NDArray[np.float32]:
        """`(sample,)` in [-1, 1], 16 kHz, from the first image on; empty without audio."""
        return np.asarray(self._samples, np.float32) / np.float32(_FULL_SCALE)

    @property
    def audio_samples(self) -> int:
        """Length of `audio`, without reading it."""
        return len(self._samples)

    def speech(self, first_frame: int, last_frame: int) -> Floats:
        """Audio of a stretch, as `inputs.segment_audio` of the whole, reading no more than it."""
        return segment_audio(_Scaled(self._samples), first_frame, last_frame)  # type: ignore[arg-type]

    def check(self) -> None:
        """DataError unless crops and audio are there, as long as the index tells."""
        self._crops, self._samples  # noqa: B018

    @cached_property
    def _tracks_of(self) -> dict[str, list[int]]:
        """Tracks of each person, the last one first: where two meet, that one counts."""
        result: dict[str, list[int]] = {}
        for track in sorted(self.annotation.tracks, key=lambda t: t.track_id, reverse=True):
            result.setdefault(track.person, []).append(self._number[track.track_id])
        return result

    @cached_property
    def _crops(self) -> npt.NDArray[np.uint8]:
        path = self.folder / CROPS
        length = int(self._offset[-1])
        try:
            size = path.stat().st_size
            mapped = np.memmap(path, np.uint8, "r") if size else np.zeros(0, np.uint8)
        except (OSError, ValueError) as error:
            raise DataError(f"clip {self.uid}: cannot read {path}: {error}") from error
        if size != length:
            raise DataError(
                f"clip {self.uid}: {path} has {size} bytes, its index tells of {length}; "
                "remove the clip's folder and prepare it again"
            )
        return mapped

    @cached_property
    def _samples(self) -> npt.NDArray[np.int16]:
        path = self.folder / AUDIO
        try:
            result = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"clip {self.uid}: cannot read {path}: {error}") from error
        check_shape(result, "sample", f"clip {self.uid}: {AUDIO}")
        return np.asarray(result, np.int16) if not len(result) else result

    def _seen_at(self, number: int) -> str:
        for places in self._places.values():
            if len(rows := np.flatnonzero(places.crop == number)):
                track = int(np.searchsorted(places.start, rows[0], side="right")) - 1
                name = self.annotation.tracks[track].track_id
                return f"track {name}, frame {places.frame[rows[0]]}"
        return f"crop {number}"


class _Scaled:
    """Samples of 16 bits that are taken as floats a part at a time."""

    def __init__(self, samples: npt.NDArray[np.int16]) -> None:
        self._samples = samples
        self.shape = samples.shape

    def __getitem__(self, part: slice) -> Floats:
        return self._samples[part].astype(np.float64) / _FULL_SCALE


def open_clip(root: Path | str, uid: str) -> PreparedClip:
    """A clip of a prepared data set."""
    return PreparedClip(Path(root), uid)


def prepared_clips(root: Path | str) -> tuple[str, ...]:
    """Uids of all clips that are there, in order of their names."""
    folder = Path(root) / CLIPS
    return tuple(sorted(path.parent.name for path in folder.glob(f"[!.]*/{INDEX}")))


def decoded(content: npt.NDArray[np.uint8]) -> Image | None:
    """A stored crop, brought to `(224, 224, 3)` uint8 RGB; None where it is damaged."""
    import cv2

    result = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB) if len(content) else None
    if result is None:
        return None
    height, width = result.shape[:2]
    return crop_face(np.asarray(result, np.uint8), (0, 0, width, height))


def described(clip: Clip) -> dict[str, Any]:
    """What `index.npz` holds of an annotation: arrays, and the rest for its card."""
    lengths = [len(track.frame) for track in clip.tracks]
    return {
        "raw.start": np.cumsum([0, *lengths], dtype=np.int64),
        "raw.frame": np.concatenate([np.zeros(0, np.int64), *(t.frame for t in clip.tracks)]),
        "raw.box_xywh": np.concatenate([np.zeros((0, 4)), *(t.box_xywh for t in clip.tracks)]),
    }


def words_of(clip: Clip) -> dict[str, Any]:
    """What the card holds of an annotation, ready for JSON."""
    return {
        "uid": clip.uid,
        "video_uid": clip.video_uid,
        "span_s": clip.span_s,
        "tracks": [[track.track_id, track.person] for track in clip.tracks],
        "looking": [astuple(segment) for segment in clip.looking],
        "talking": [astuple(segment) for segment in clip.talking],
        "skipped": clip.skipped,
        # Only where it is false: clips that were prepared before this key are kept.
        **({} if clip.labelled else {"labelled": False}),
    }


def _clip(content: Mapping[str, Any], card: Mapping[str, Any], uid: str) -> Clip:
    try:
        known = card["annotation"]
        start, frame, box = (content[f"raw.{part}"] for part in ("start", "frame", "box_xywh"))
        tracks = tuple(
            Track(track_id, person, frame[start[i] : start[i + 1]], box[start[i] : start[i + 1]])
            for i, (track_id, person) in enumerate(known["tracks"])
        )
        looking, talking = (
            tuple(Segment(*row) for row in known[kind]) for kind in ("looking", "talking")
        )
        span = tuple(known["span_s"]) if known["span_s"] else None
        more = known["skipped"], known.get("labelled", True)
        return Clip(known["uid"], known["video_uid"], span, tracks, looking, talking, *more)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"clip {uid}: its annotation is damaged ({error!r})") from error

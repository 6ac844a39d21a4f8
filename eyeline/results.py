"""What eyeline answers: typed, column-wise results that every system, exporter and page speaks.

Conventions, the same everywhere outside a room's `inputs.py`:

- time is seconds since the first video frame (`time_s`; `VideoInfo.start_s` leads back to the
  file's stamps);
- boxes are `xyxy` pixels of the upright video with square pixels, points are `(x, y)` pixels of
  the same;
- directions are unit vectors in the camera frame: x right, y down, z forward (away from the
  camera);
- persons are numbered from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from eyeline.errors import DataError, check_shape

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Ints: TypeAlias = npt.NDArray[np.integer[Any]]
Image: TypeAlias = npt.NDArray[np.uint8]

TARGET_SCENE = 0
"""`Points.target` of a place in the image that is nobody's face."""
TARGET_OFF_SCREEN = -1
"""`Points.target` of a look that leaves the image."""
TARGET_CAMERA = -2
"""`Points.target` of a look into the camera."""
TARGET_AREA = -10
"""`Points.target` of area 1, a look at an area of interest that people drew; -11 is area 2."""
WEARER = 0
"""The `person` of answers about whoever wears the camera."""
UNSEEN = -1
"""The `person` of speech whose speaker is not visible."""
UNSURE = -2
"""The `person` of speech while somebody is visible and it cannot be said who speaks."""
ANYBODY = -3
"""The `person` of a voice, whoever speaks."""


@dataclass(frozen=True)
class Damage:
    """A span of a file that could not be decoded."""

    start_s: float
    """Where it begins, seconds on the video's clock."""
    end_s: float
    """Where decoding was whole again, or the end of the file as declared."""
    message: str
    """What the decoder said."""


@dataclass(frozen=True)
class Gap:
    """A span of a video's clock in which no frames were recorded."""

    start_s: float
    """Where the frame before it ends."""
    end_s: float
    """Where the next frame starts."""


@dataclass(frozen=True)
class Part:
    """A span of a video that the user had analysed; outside of such spans nothing is known."""

    start_s: float
    """Where it begins, seconds on the video's clock."""
    end_s: float
    """Where it ends; infinite for the end of the video, until that is known."""
    name: str = ""
    """What the user calls it."""


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video once it has been read."""

    path: str
    """The file as the user named it."""
    width_px: int
    """Width of the upright image with square pixels."""
    height_px: int
    """Height of the upright image with square pixels."""
    rate_hz: Fraction
    """Average frames a second, exact as the container states it; in a recording with gaps, of the
    time that was recorded."""
    start_s: float
    """Stamp of the first frame on the file's own clock; `time_s + start_s` is the file's stamp."""
    duration_s: float
    """From the first frame to the end of the last one."""
    frame_count: int
    """Frames that were decoded."""
    has_audio: bool
    """Whether there is a decodable audio stream."""
    rotation_deg: int = 0
    """Clockwise turn that the reader has applied: 0, 90, 180 or 270."""
    pixel_aspect: Fraction = Fraction(1)
    """Width over height of a stored pixel; the reader has already made pixels square."""
    variable_rate: bool = False
    """Whether the frames are not evenly spaced."""
    damage: tuple[Damage, ...] = ()
    """Spans that could not be decoded, in order of time."""
    gaps: tuple[Gap, ...] = ()
    """Spans in which no frames were recorded, in order of time."""
    player_start_s: float = 0.0
    """When a player of the file, which counts from its first image or audio, shows the first
    frame."""
    turn_deg: int = 0
    """What of `rotation_deg` the user asked for."""
    video_track: int = 1
    """Number, from 1, of the video track that was read."""
    audio_track: int | None = None
    """Number, from 1, of the audio track that was read; None where there is none."""
    parts: tuple[Part, ...] = ()
    """Parts that were analysed, in order of time and without overlap; empty for all of it. What
    the file is said to hold after the last of them is what its header says."""

    @property
    def not_analysed(self) -> tuple[Gap, ...]:
        """Spans outside of the parts, in order of time: neither silent nor empty, but not known."""
        if not self.parts:
            return ()
        bounds = [0.0, *(t for part in self.parts for t in (part.start_s, part.end_s))]
        pairs = zip(bounds[::2], [*bounds[1::2], self.duration_s], strict=True)
        return tuple(Gap(start, end) for start, end in pairs if end > start)

    @property
    def analysed_s(self) -> float:
        """The duration of what was recorded and analysed."""
        parts = self.parts or (Part(0.0, self.duration_s),)
        missing = sum(
            max(0.0, min(gap.end_s, part.end_s) - max(gap.start_s, part.start_s))
            for gap in self.gaps
            for part in parts
        )
        return sum(part.end_s - part.start_s for part in parts) - missing


@dataclass(frozen=True)
class Person:
    """One identity over the whole video."""

    person: int
    """Number from 1, in order of first appearance, left to right within a frame."""
    track_ids: tuple[int, ...]
    """The unbroken tracks that were joined into this person."""
    first_s: float
    last_s: float
    seen_s: float
    """Time in which the face was seen."""
    thumbnail: Image | None = field(default=None, repr=False, compare=False)
    """`(height, width, 3)` RGB face crop, the sharpest frontal one."""
    perhaps_same_as: tuple[tuple[int, float], ...] = ()
    """Other persons who are perhaps the same, each with its probability, the likeliest first."""

    @property
    def label(self) -> str:
        """How the person is called in every output."""
        return person_label(self.person)


RESERVED_LABELS = frozenset(
    ("camera wearer", "unseen", "not sure who", "anybody", "scene", "off screen", "camera")
)
"""Labels of the tables that name no person by number."""


def person_label(person: int) -> str:
    """The name every output uses for a person's number."""
    names = {WEARER: "camera wearer", UNSEEN: "unseen", UNSURE: "not sure who", ANYBODY: "anybody"}
    return names.get(person, f"person {person}")


def person_number(label: str) -> int | None:
    """The number of a visible person by the name of `person_label`, None for any other name."""
    kind, _, number = label.partition(" ")
    return int(number) if kind == "person" and number.isdecimal() else None


def target_label(target: int) -> str:
    """The name every output uses for a number in `Points.target`."""
    names = {TARGET_SCENE: "scene", TARGET_OFF_SCREEN: "off screen", TARGET_CAMERA: "camera"}
    return (
        f"area {area_number(target)}"
        if target <= TARGET_AREA
        else names.get(target, person_label(target))
    )


def area_number(target: int) -> int:
    """The number, from 1, of an area that is a target, and the other way round."""
    return TARGET_AREA + 1 - target


_NUMBERED = re.compile(r"\b(?:person|area) \d+\b")


@dataclass(frozen=True)
class People:
    """Who is where: one row a person and frame, sorted by frame, then person."""

    frame: Ints
    """`(n,)` index of the frame in the decoded video, from 0."""
    time_s: Floats
    """`(n,)`."""
    person: Ints
    """`(n,)`."""
    track_id: Ints
    """`(n,)`."""
    box_xyxy: Floats
    """`(n, 4)` head box, hair to chin and ear to ear: the detector's face box (forehead to chin,
    without ears) grown by about 1.4 x 1.35. Boxes that the user gave stand here as given."""
    score: Floats
    """`(n,)` confidence of the detector in [0, 1]; between two detections interpolated."""
    detected: npt.NDArray[np.bool_]
    """`(n,)` False where the box was carried over from neighbouring frames."""
    quality: Floats
    """`(n,)` trust in the 68 landmarks, [0, 1]; see `people.landmarks`."""
    eyes_px: Floats
    """`(n, 2)` point midway between the eyes, where a gaze arrow starts."""
    yaw_deg: Floats
    """`(n,)` turn of the head in the camera frame, positive towards the image's right edge; 0 is
    against the optical axis, so that a face off the middle that faces the camera has another."""
    pitch_deg: Floats
    """`(n,)` likewise, positive upwards."""
    roll_deg: Floats
    """`(n,)` positive clockwise in the image."""
    corrected: npt.NDArray[np.bool_] | None = None
    """`(n,)` rows that people have corrected; None where none are."""

    def __post_init__(self) -> None:
        """Check that all columns have the same length."""
        _check_columns(self, {"box_xyxy": "n 4", "eyes_px": "n 2"})

    def __len__(self) -> int:
        """Number of rows, one for each person and frame."""
        return len(self.frame)


@dataclass(frozen=True)
class _Answer:
    """What all answers say of their origin."""

    system: str
    """The system that answered, for example `gaze_3d`."""
    builder: str
    """The system's builder, for example `head_pose`."""
    name: str
    """What is answered, for example `gaze` or `eye_contact`."""

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.person)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Scores(_Answer):
    """A number in [0, 1] for a person and a time."""

    threshold: float
    """From this value on the answer counts as yes."""
    frame: Ints
    """`(n,)`."""
    time_s: Floats
    """`(n,)`."""
    person: Ints
    """`(n,)`."""
    value: Floats
    """`(n,)` in [0, 1], NaN where it cannot be said."""
    corrected: npt.NDArray[np.bool_] | None = None
    """`(n,)` rows that people have corrected; None where none are."""

    def __post_init__(self) -> None:
        """Check lengths and range."""
        _check_columns(self, {})
        known = self.value[~np.isnan(self.value)]
        if known.size and (known.min() < 0 or known.max() > 1):
            raise DataError(f"scores '{self.name}' leave [0, 1]: {known.min()} to {known.max()}")


@dataclass(frozen=True)
class Directions(_Answer):
    """Unit vectors in the camera frame with a concentration."""

    frame: Ints
    """`(n,)`."""
    time_s: Floats
    """`(n,)`."""
    person: Ints
    """`(n,)`."""
    origin_px: Floats
    """`(n, 2)` where the direction starts in the image."""
    direction: Floats
    """`(n, 3)` unit vectors: x right, y down, z forward; (0, 0, -1) looks into the camera."""
    concentration: Floats
    """`(n,)` kappa of a von Mises-Fisher distribution, > 0; the larger the surer."""
    corrected: npt.NDArray[np.bool_] | None = None
    """`(n,)` rows that people have corrected; None where none are."""

    def __post_init__(self) -> None:
        """Check lengths and that vectors have length one."""
        _check_columns(self, {"origin_px": "n 2", "direction": "n 3"})
        norm = np.linalg.norm(self.direction, axis=1)
        if len(norm) and np.abs(norm - 1).max() > 1e-3:
            raise DataError(
                f"directions '{self.name}' are not unit vectors (norm {norm.max():.4f})"
            )


@dataclass(frozen=True)
class Points(_Answer):
    """Where in the image, and at what or whom."""

    frame: Ints
    """`(n,)`."""
    time_s: Floats
    """`(n,)`."""
    person: Ints
    """`(n,)`."""
    point_px: Floats
    """`(n, 2)`, NaN where the look leaves the image or goes to the camera."""
    target: Ints
    """`(n,)` number of the person looked at, or `TARGET_SCENE`, `TARGET_OFF_SCREEN`,
    `TARGET_CAMERA`."""
    probability: Floats
    """`(n,)` of the target given, in [0, 1]."""
    target_xyxy: Floats
    """`(n, 4)` box of the target, NaN where it has none."""
    heatmap_row: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """`(m,)` rows for which a heatmap is kept."""
    heatmap: Image | None = None
    """`(m, rows, columns)` over the whole image, scaled so that the peak is 255."""
    corrected: npt.NDArray[np.bool_] | None = None
    """`(n,)` rows that people have corrected; None where none are."""

    def __post_init__(self) -> None:
        """Check lengths and range."""
        _check_columns(
            self, {"point_px": "n 2", "target_xyxy": "n 4"}, skip=("heatmap_row", "heatmap")
        )
        if self.heatmap is not None:
            check_shape(self.heatmap, f"{len(self.heatmap_row)} rows columns", "Points.heatmap")


@dataclass(frozen=True)
class Segments(_Answer):
    """Spans of time with a label."""

    person: Ints
    """`(n,)`."""
    start_s: Floats
    """`(n,)`."""
    end_s: Floats
    """`(n,)`, greater than the start."""
    label: tuple[str, ...]
    """`n` words, for example `contact` or `person 2`."""
    score: Floats
    """`(n,)` mean score inside the segment, in [0, 1]; 1 where people have set it."""
    corrected: npt.NDArray[np.bool_] | None = None
    """`(n,)` rows that people have corrected; None where none are."""

    def __post_init__(self) -> None:
        """Check lengths and order of the bounds."""
        _check_columns(self, {})
        if np.any(self.end_s <= self.start_s):
            bad = int(np.argmax(self.end_s <= self.start_s))
            raise DataError(
                f"segment {bad} of '{self.name}' ends at {self.end_s[bad]} s, "
                f"not after its start at {self.start_s[bad]} s"
            )


Answer: TypeAlias = Scores | Directions | Points | Segments
_Kind = TypeVar("_Kind", Scores, Directions, Points, Segments)


@dataclass(frozen=True)
class Method:
    """Which builder answered, how well it was measured, and under which licence."""

    system: str
    builder: str
    summary: str
    """What it does, in one sentence."""
    measured: str
    """Held-out figures with data and split, or why there are none."""
    licence: str
    weights: str | None = None
    """File name of the weights, None for a geometric method."""
    sha256: str | None = None


@dataclass(frozen=True)
class Clock:
    """The analysed frames, with the time and the frames that each stands for."""

    frame: Ints
    """`(n,)` indices in the decoded video, increasing."""
    start_s: Floats
    """`(n,)`."""
    end_s: Floats
    """`(n,)` where the next analysed frame starts, or a gap of the recording, or the video ends."""
    next_frame: Ints
    """`(n,)` first decoded frame that the answers of this one no longer hold for."""

    @classmethod
    def exact(cls, frame: Ints, start_s: Floats, end_s: Floats) -> Clock:
        """The clock of all frames `(n,)` of an analysis."""
        step = max(1, round(float(np.median(np.diff(frame))))) if len(frame) > 1 else 1
        following = np.append(frame[1:], frame[-1:] + step)
        # frames that were not analysed between two parts show nobody's last state
        left_out = np.append(start_s[1:] > end_s[:-1] + 1e-6, np.zeros(len(frame[-1:]), bool))
        left_out &= following > frame + 2 * step
        return cls(frame, start_s, end_s, np.where(left_out, frame + step, following))

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.frame)

    def ends_of(self, frame: Ints) -> Floats:
        """Ends `(m,)` of frames `(m,)` that this clock knows."""
        return np.asarray(self.end_s[np.searchsorted(self.frame, frame)])

    def holding(self, frame_index: int) -> int | None:
        """Number of the analysed frame that a decoded one shows, None where there is none."""
        k = int(np.searchsorted(self.frame, frame_index, "right")) - 1
        return k if k >= 0 and frame_index < self.next_frame[k] else None


@dataclass(frozen=True)
class Label:
    """How outputs speak of an answer, and what they do with its segments."""

    title: str
    """Behind a person: `looks at the camera`."""
    claim: str = ""
    """In a sentence about a person, `has eye contact`; by default the title."""
    nobody: str = ""
    """The sentence where it never holds, `No eye contact`; by default "Nobody" and the title."""
    sign: Literal["", "speaks", "contact", "camera"] = ""
    """What the annotated video shows at a face while it holds."""
    episode: bool = False
    """Whether the report lists its segments one by one, as contacts."""
    partner: bool = False
    """Whether the labels of its segments say with whom."""


@dataclass(frozen=True)
class Excluded:
    """A span in which people found that nothing can be said."""

    start_s: float
    end_s: float
    name: str | None = None
    """Of the answer that is meant, None for all."""
    person: int | None = None
    """Who is meant, None for everybody."""


@dataclass(frozen=True)
class AreaShape:
    """An area of interest, where it is in each analysed frame."""

    label: str
    """`area 1`."""
    entry: int
    """The operation that drew it, in the list of corrections."""
    between: Literal["interpolate", "track"]
    """How its corners are known between key frames."""
    corners_px: Floats
    """`(frames, corners, 2)` over the clock of the analysis, NaN where the area is not there."""


@dataclass(frozen=True)
class Corrected:
    """What an analysis follows of what people have corrected."""

    revision: int
    """Number of entries in the list of corrections."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What they call `person 1` or `area 1`."""
    excluded: tuple[Excluded, ...] = ()
    applied: int = 0
    """Operations that were applied."""
    unapplied: tuple[tuple[int, str], ...] = ()
    """Operations that could not be, by number, and why; they are kept."""
    areas: tuple[AreaShape, ...] = ()
    """Areas of interest."""
    people: People | None = field(default=None, repr=False, compare=False)
    """Who was computed to be where; what anonymised copies cover, whoever was deleted since."""


@dataclass(frozen=True)
class Analysis:
    """All that is known of one video."""

    video: VideoInfo
    status: str
    """`ok`, or `partial` where part of the file could not be decoded or was not recorded."""
    persons: tuple[Person, ...]
    people: People
    answers: tuple[Answer, ...]
    methods: tuple[Method, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the user chose, as analysis.json keeps it."""
    warnings: tuple[str, ...] = ()
    folder: Path | None = None
    """Where the files of this analysis lie, None before they are written."""
    clock: Clock | None = None
    """All analysed frames, exact; None in folders of before 0.2, where the ends of frames are
    inferred from the rows."""
    corrected: Corrected | None = None
    """What was corrected, None for an analysis as it was computed."""

    def shown(self, label: str) -> str:
        """A label, or a text with labels, in which people and areas have the names given them."""
        names = self.corrected.names if self.corrected else {}
        return _NUMBERED.sub(lambda found: names.get(found[0], found[0]), label) if names else label

    def scores(self, name: str) -> Scores:
        """The scores called `name`; DataError lists what there is otherwise."""
        return self._one(Scores, name)

    def directions(self, name: str = "gaze") -> Directions:
        """The directions called `name`."""
        return self._one(Directions, name)

    def points(self, name: str = "gaze_target") -> Points:
        """The points called `name`."""
        return self._one(Points, name)

    def segments(self, name: str) -> Segments:
        """The segments called `name`."""
        return self._one(Segments, name)

    def of(self, kind: type[Answer]) -> list[Any]:
        """All answers of one kind, in the order in which the systems ran."""
        return [answer for answer in self.answers if isinstance(answer, kind)]

    def _one(self, kind: type[_Kind], name: str) -> _Kind:
        for answer in self.answers:
            if isinstance(answer, kind) and answer.name == name:
                return answer
        have = ", ".join(a.name for a in self.answers if isinstance(a, kind)) or "none"
        raise DataError(
            f"no {kind.__name__.lower()} called '{name}' in this analysis; it has: {have}"
        )


def segments_from_scores(
    scores: Scores,
    frame_end_s: Floats,
    label: str,
    *,
    name: str | None = None,
    min_duration_s: float = 0.0,
    yes: npt.NDArray[np.bool_] | None = None,
) -> Segments:
    """Runs of neighbouring rows that count, a person at a time.

    Args:
        scores: the scores; rows of a person need not be adjacent.
        frame_end_s: `(n,)` time at which the analysed frame of each row ends.
        label: the label of every segment.
        name: the name of the answer, by default that of the scores.
        min_duration_s: shorter runs are dropped.
        yes: `(n,)` which rows count, by default those at or above the threshold.
    """
    if yes is None:
        yes = np.nan_to_num(scores.value, nan=-1.0) >= scores.threshold
    rows: list[tuple[int, float, float, str, float]] = []
    for person in np.unique(scores.person):
        mine = np.flatnonzero(scores.person == person)
        mine = mine[np.argsort(scores.time_s[mine], kind="stable")]
        for run in runs(scores.time_s[mine], frame_end_s[mine], yes[mine]):
            span = mine[run]
            start, end = float(scores.time_s[span[0]]), float(frame_end_s[span[-1]])
            if end > start and end - start >= min_duration_s:
                rows.append((int(person), start, end, label, float(scores.value[span].mean())))
    return make_segments(scores.system, scores.builder, name or scores.name, rows)


def make_segments(
    system: str, builder: str, name: str, rows: Iterable[tuple[int, float, float, str, float]]
) -> Segments:
    """Segments from rows of (person, start_s, end_s, label, score), sorted by person, then time."""
    ordered = sorted(rows)
    return Segments(
        system,
        builder,
        name,
        person=np.array([r[0] for r in ordered], np.int64),
        start_s=np.array([r[1] for r in ordered], np.float64),
        end_s=np.array([r[2] for r in ordered], np.float64),
        label=tuple(r[3] for r in ordered),
        score=np.array([r[4] for r in ordered], np.float64),
    )


def runs(time_s: Floats, end_s: Floats, yes: npt.NDArray[np.bool_]) -> list[slice]:
    """Slices over maximal runs of True in which each row begins where the one before ends.

    Args:
        time_s: `(n,)` increasing starts of the rows.
        end_s: `(n,)` their ends.
        yes: `(n,)` which rows count.
    """
    apart = time_s[1:] > end_s[:-1] + 1e-6
    edges = np.flatnonzero(apart | (yes[1:] != yes[:-1])) + 1
    bounds = [0, *edges.tolist(), len(yes)]
    return [slice(a, b) for a, b in pairwise(bounds) if b > a and yes[a]]


def _check_columns(table: Any, patterns: Mapping[str, str], skip: Sequence[str] = ()) -> None:
    sizes: dict[str, int] = {}
    for name, value in vars(table).items():
        if name in skip:
            continue
        if isinstance(value, np.ndarray):
            sizes = check_shape(
                value, patterns.get(name, "n"), f"{type(table).__name__}.{name}", sizes
            )
        elif isinstance(value, tuple) and len(value) != sizes.get("n", len(value)):
            raise DataError(
                f"{type(table).__name__}.{name} has {len(value)} rows, expected {sizes['n']}"
            )

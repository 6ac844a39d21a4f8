"""From the people and candidates in an image to what the matcher sees of each.

A person may look at every candidate of the detector and at every other head: these are the options.
All lengths are in sizes of the looker's head, so that a scene seen from afar looks the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eyeline.errors import check_shape
from eyeline.geometry import boxes
from eyeline.geometry.directions import normalise
from eyeline.results import Floats, Ints

PERSON = (
    *("x", "y", "height", "gaze_x", "gaze_y", "gaze_z", "gaze_told", "speaks"),
    *("others_speak", "speech_told", "room"),
)
"""What is known of the looker: place and size of the head in the image, direction of the gaze in
the camera frame, speech, and how far the gaze can go in the image before it leaves it."""
OPTION = (
    *("step_x", "step_y", "distance", "size", "shape", "x", "y", "score", "is_head"),
    *("speaks", "angle_cosine", "sideways", "space_cosine", "on_self", "on_head"),
)
"""What is known of an option: direction and distance of its centre from the looker's head, size,
place, the detector's score (1 for heads), speech, how well the gaze points at it in the image
and in space, and whether it lies on the looker's own head or on another one."""

_FLIPS = ("x", "gaze_x", "step_x")
PERSON_PARITY: Floats = np.array([-1.0 if name in _FLIPS else 1.0 for name in PERSON])
"""`(person features,)` -1 for those whose sign turns in a mirrored image."""
OPTION_PARITY: Floats = np.array([-1.0 if name in _FLIPS else 1.0 for name in OPTION])
"""`(option features,)` likewise."""

SPEECH = ("speaks", "others_speak", "speech_told")
"""Names, in both, of what is 0 where it is not known who speaks."""
GAZE = (
    *("gaze_x", "gaze_y", "gaze_z", "gaze_told", "room", "angle_cosine", "sideways"),
    *("space_cosine"),
)
"""Names, in both, of what is 0 where the direction of the gaze is not known."""

_VIEW = 1.0
"""Focal length in widths of the image: 53 degrees across, where the camera is not known."""


@dataclass(frozen=True)
class Moment:
    """One image: who is in it, and the candidates of the detector."""

    size_px: tuple[float, float]
    """Width and height."""
    head_xyxy: Floats
    """`(people, 4)` pixels."""
    speaks: Floats
    """`(people,)` probability in [0, 1], NaN where it is not known."""
    gaze: Floats
    """`(people, 3)` unit vectors in the camera frame, NaN where not known."""
    candidate_xyxy: Floats
    """`(candidates, 4)` pixels."""
    candidate_score: Floats
    """`(candidates,)` in [0, 1]."""

    def __post_init__(self) -> None:
        """Check the lengths; DataError says which is wrong."""
        sizes = check_shape(self.head_xyxy, "people 4", "head boxes")
        check_shape(self.speaks, "people", "speech", sizes)
        check_shape(self.gaze, "people 3", "gaze", sizes)
        sizes = check_shape(self.candidate_xyxy, "candidates 4", "candidates", sizes)
        check_shape(self.candidate_score, "candidates", "scores of candidates", sizes)


@dataclass(frozen=True)
class Options:
    """What one person may look at; other heads first, then candidates."""

    box_xyxy: Floats
    """`(options, 4)` pixels."""
    person: Ints
    """`(options,)` row of the head among the people, -1 for a candidate."""
    score: Floats
    """`(options,)` the detector's; 1 for heads."""


def options(moment: Moment, looker: int) -> Options:
    """Everything that person `looker` may look at."""
    others = np.delete(np.arange(len(moment.head_xyxy)), looker)
    result = len(moment.candidate_xyxy)
    return Options(
        np.concatenate([moment.head_xyxy[others], moment.candidate_xyxy]),
        np.concatenate([others, np.full(result, -1)]),
        np.concatenate([np.ones(len(others)), moment.candidate_score]),
    )


def features(moment: Moment, looker: int, among: Options) -> tuple[Floats, Floats]:
    """What the matcher sees of a looker and of the options, as of `options`, float32.

    Of the person `(person features,)`, of the options `(options, option features)`.
    """
    me = _Looker(moment, looker)
    return me.person().astype(np.float32), me.options(among).astype(np.float32)


class _Looker:
    """One person in one image."""

    def __init__(self, moment: Moment, looker: int) -> None:
        self.moment, self.row = moment, looker
        self.wh = np.array(moment.size_px, np.float64)
        self.box = moment.head_xyxy[looker]
        self.centre = boxes.centre(self.box)
        self.size = max(float(boxes.size(self.box)), 1.0)
        gaze = moment.gaze[looker]
        self.gaze_told = not np.isnan(gaze).any()
        self.gaze: Floats = normalise(gaze) if self.gaze_told else np.zeros(3)
        self.speech_told = bool(np.isfinite(moment.speaks).any())
        self.speaks = np.nan_to_num(moment.speaks)

    def person(self) -> Floats:
        place = 2 * self.centre / self.wh - 1
        height = np.log(max(float(self.box[3] - self.box[1]), 1.0) / self.wh[1])
        others = np.delete(self.speaks, self.row)
        return np.array(
            [
                *place,
                height / 2,
                *self.gaze,
                self.gaze_told,
                self.speaks[self.row],
                others.max(initial=0),
                self.speech_told,
                self._room(),
            ]
        )

    def options(self, among: Options) -> Floats:
        centre = boxes.centre(among.box_xyxy)
        step = (centre - self.centre) / self.size
        distance = np.linalg.norm(step, axis=1)
        way = step / np.maximum(distance, 1e-6)[:, None]
        size = np.maximum(boxes.size(among.box_xyxy), 1.0)
        wh = np.maximum(among.box_xyxy[:, 2:] - among.box_xyxy[:, :2], 1.0)
        is_head = among.person >= 0
        speaks = np.where(is_head, self.speaks[among.person], 0)
        sideways = float(np.hypot(*self.gaze[:2]))
        pointing = way @ (self.gaze[:2] / max(sideways, 1e-6))
        return np.stack(
            [
                *way.T,
                np.log1p(distance) / 2,
                np.log(size / self.size),
                np.log(wh[:, 1] / wh[:, 0]),
                *(2 * centre / self.wh - 1).T,
                among.score,
                is_head,
                speaks,
                pointing,
                np.full(len(step), sideways),
                self._in_space(among, centre, size) @ self.gaze,
                boxes.contain(self.box, centre),
                self._on_heads(centre),
            ],
            axis=1,
        )

    def _in_space(self, among: Options, centre: Floats, size: Floats) -> Floats:
        """Unit vectors `(options, 3)` to the options.

        A head is as far away as its size says; of a candidate's distance nothing is known, so it is
        taken to be the looker's.
        """
        unit = np.where(among.person >= 0, size, self.size)
        there = self._place(centre, unit)
        return normalise(there - self._place(self.centre[None], np.array([self.size])))

    def _place(self, point: Floats, unit_px: Floats) -> Floats:
        """Places `(n, 3)` in the camera frame, in heads."""
        across = (point - self.wh / 2) / unit_px[:, None]
        return np.column_stack([across, _VIEW * self.wh[0] / unit_px])

    def _room(self) -> float:
        """How far the gaze can go in the image, as the logarithm of head sizes; 0 if unknown."""
        if not self.gaze_told:
            return 0.0
        with np.errstate(divide="ignore"):
            far = np.where(self.gaze[:2] > 0, self.wh - self.centre, -self.centre)
            steps = np.where(self.gaze[:2] == 0, np.inf, far / self.gaze[:2])
        reach = float(np.clip(steps.min(), 0, 100 * self.size))
        return float(np.log1p(reach / self.size) / 2)

    def _on_heads(self, centre: Floats) -> npt.NDArray[np.bool_]:
        """Whether each option lies on somebody else's head; heads do."""
        others = np.delete(self.moment.head_xyxy, self.row, axis=0)
        return np.asarray(boxes.contain(others, centre[:, None]).any(axis=1))


def columns(names: tuple[str, ...], known: tuple[str, ...]) -> Ints:
    """Where the features of some names stand."""
    return np.array([i for i, name in enumerate(names) if name in known], np.int64)


def muted(person: Floats, option: Floats) -> tuple[Floats, Floats]:
    """The same features as if nobody knew who speaks.

    Args:
        person: `(..., person features)`.
        option: `(..., option features)`.
    """
    person, option = person.copy(), option.copy()
    person[..., columns(PERSON, SPEECH)] = 0
    option[..., columns(OPTION, SPEECH)] = 0
    return person, option

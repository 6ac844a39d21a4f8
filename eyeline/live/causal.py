"""The analysis of a video while it runs: each frame's results by that frame and those before it.

The classes are those of `analysis.analyze_video`. Faces are searched in every frame that is
analysed; smoothing, directions and targets are computed over the last seconds, and only what they
say of the newest frame is kept: at the end of what is known a symmetric filter weighs the past
alone, and forward-backward is the forward pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.analysis import limit_threads
from eyeline.corrections.rows import chosen
from eyeline.errors import UsageError
from eyeline.people import assemble, identity
from eyeline.people.find import people_table
from eyeline.people.follow import Follower
from eyeline.people.methods import DETECTORS, people_method
from eyeline.people.portraits import Portraits
from eyeline.people.shared_looks import shared_looks
from eyeline.people.tracks import Track, Usual, usual_lids, usual_pitch
from eyeline.results import (
    Analysis,
    Answer,
    Clock,
    Directions,
    Floats,
    Image,
    Method,
    Points,
    Segments,
    VideoInfo,
)
from eyeline.settings import GAZE, Settings
from eyeline.system import Builder, Predictor, Scene

if TYPE_CHECKING:
    from eyeline.video.frame import Frame

SHORT_S = 1.5
"""What builders are shown that judge frame by frame: smoothing, chain and shortest looks need no
more."""
LONG_S = 6.0
"""What networks are shown that read a stretch of time."""
EVERY_S = 0.5
"""How often those run; in between their last result is held."""
FEWEST_FRAMES = 4
"""So many are looked back at where few are analysed a second."""
USUAL_EVERY_S, USUAL_ROWS = 0.2, 3000
"""Of the past that says what is usual for a person: time between two rows, and how many."""
KNOWN_PERSONS = 50
"""Persons who are known again, those seen last."""
CAUSAL = "live: by the frames up to each one alone"


@dataclass
class _Standing:
    """A builder at work."""

    builder: Builder
    predictor: Predictor
    ran: Floats = field(default_factory=lambda: np.full(3, -np.inf))
    """`(3,)` index, start and end of the frame in which it ran last."""
    answers: tuple[Answer, ...] = ()
    """What it said then."""

    @property
    def long(self) -> bool:
        """Whether it reads a stretch of time."""
        return self.builder.needs.rate_hz is not None


@dataclass
class Persons:
    """Who is who, decided once a track is sure; a person keeps the portrait of all its tracks."""

    portraits: Portraits
    of: dict[int, int] = field(default_factory=dict)
    """Track -> person."""
    last: dict[int, Track] = field(default_factory=dict)
    """Person -> the window of its last track, those seen last at the end."""

    def named(self, tracks: Sequence[Track]) -> list[Track]:
        """Tracks of the newest frame with their persons, one for each; by person."""
        new = [t for t in tracks if t.track_id not in self.of]
        if new:
            there = {
                self.of[t.track_id] for t in tracks if t.track_id in self.of and t.detected[-1]
            }
            gone = [track for person, track in self.last.items() if person not in there]
            known = [_until_lost(track) for track in gone[-KNOWN_PERSONS:]]
            count = max(self.of.values(), default=0)
            persons = identity.arrive(known, new, self.portraits, count)
            for track, person in zip(new, persons, strict=True):
                self.of[track.track_id] = person
                if person in self.last:
                    self.portraits.move(self.last[person].track_id, track.track_id)
        # of a person whose lost track is still held the new one counts
        seen_last = sorted(tracks, key=lambda t: bool(t.detected[-1]))
        named = {self.of[t.track_id]: t.of(self.of[t.track_id]) for t in seen_last}
        return [named[person] for person in sorted(named)]


def _until_lost(track: Track) -> Track:
    """A track without the rows at its end in which it was held."""
    return track.part(slice(0, int(np.flatnonzero(track.detected)[-1]) + 1))


class Causal:
    """Analyses the frames of one video in order, each when it comes.

    Args:
        settings: the choices; only builders that need no weights and no audio run.
        name: of what is analysed.

    Raises:
        UsageError: a builder was named that cannot run live.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        """Load all that is needed, so that the first frame does not wait for it."""
        limit_threads()
        self.settings = settings
        self.video = VideoInfo(name, 1, 1, Fraction(25), 0.0, 0.0, 0, has_audio=False)
        self._standing = list(builders_of(settings))
        having = (one for one in self._standing if GAZE in one.builder.answers)
        self._directing = next(having, None)
        detector = DETECTORS[settings.detector].create(settings.detector_file(), settings.device)
        self.follower = Follower(detector, 0.0, measure=detector.measure())
        self._persons = Persons(self.follower.portraits)
        self._assumed = self.camera = settings.camera(self.video)
        self._eyes_y: list[float] = []
        self._clock = np.zeros((0, 3))
        self._past: dict[int, Track] = {}

    @property
    def methods(self) -> tuple[Method, ...]:
        """What runs, for the index of a recording."""
        methods = [people_method(self.settings.detector, self.settings.tracker)]
        methods += [one.builder.method for one in self._standing]
        return tuple(replace(m, summary=f"{m.summary}. Here {CAUSAL}") for m in methods)

    def step(self, frame: Frame, cut: bool = False) -> Analysis:
        """The results of one frame; its segments are those that hold, from their begin to now.

        Args:
            frame: after all before it.
            cut: whether it begins a new shot, as after a loss of the camera.
        """
        if not len(self._clock):
            width, height = frame.size_wh
            self.video = replace(self.video, width_px=width, height_px=height)
            self._assumed = self.camera = self.settings.camera(self.video)
        self.follower.step(self._tick(frame), cut)
        tracks = self._tracks()
        answers = self._answers(tracks) if tracks else ()
        return Analysis(
            self.video,
            "ok",
            persons=(),
            people=people_table([self._numbered(t.part(slice(-1, None))) for t in tracks]),
            answers=tuple(answers),
            settings={"camera_px": list(self.camera.intrinsics)},
            clock=Clock.exact(self._clock[-1:, 0].astype(np.int64), *self._clock[-1:, 1:].T.copy()),
        )

    def thumbnail(self, person: int) -> Image | None:
        """The best image of a person's head so far."""
        portrait = self.follower.portraits.of.get(self._persons.last[person].track_id)
        return portrait.thumbnail if portrait else None

    def _numbered(self, track: Track) -> Track:
        """With a number from 1 in the order in which tracks became sure."""
        return replace(track, track_id=1 + list(self._persons.of).index(track.track_id))

    def _tick(self, frame: Frame) -> Frame:
        """Let the clock go on; the frame with its end, when the next one is expected."""
        clock = self._clock[self._clock[:, 1] >= frame.time_s - LONG_S]
        usual_s = float(np.median(np.diff(clock[:, 1]))) if len(clock) > 1 else 0.0
        self._reach_s = max(assemble.REACH_S, FEWEST_FRAMES * usual_s)
        if len(clock):
            clock[-1, 2] = min(clock[-1, 2] + EVERY_S, frame.time_s)
        frame = frame.at(frame.time_s, max(frame.end_s, frame.time_s + usual_s))
        self._clock = np.vstack([clock, [frame.index, frame.time_s, frame.end_s]])
        return frame

    def _tracks(self) -> list[Track]:
        """The windows of all who are there in the newest frame, by person."""
        since_s = float(self._clock[-1, 1]) - self._reach_s
        self.follower.rows.forget(since_s)
        rows = self.follower.rows.table()
        self._level(rows)
        clock = self._clock[self._clock[:, 1] >= since_s]
        newest = assemble.latest(rows, clock, self.camera, self._persons.of.keys())
        return [self._longer(track) for track in self._persons.named(newest)]

    def _level(self, rows: Any) -> None:
        """The optical axis by the eyes so far, where it is not known."""
        if self.settings.intrinsics is None:
            newest = rows[rows["frame"] == self._clock[-1, 0]]
            self._eyes_y = [*self._eyes_y, *newest["five"][:, :2, 1].mean(axis=1)][-USUAL_ROWS:]
            self.camera = self._assumed.levelled(np.array(self._eyes_y))

    def _longer(self, newest: Track) -> Track:
        """The window of a person's track with one more row, and what is usual for the person."""
        before, person = self._persons.last.pop(newest.person, None), newest.person
        track = newest.of(person)
        if before is not None and before.track_id == newest.track_id:
            before = before.part(
                slice(*np.searchsorted(before.time_s, [self._clock[0, 1], np.inf]))
            )
            at = np.searchsorted(self._clock[:, 0], before.frame)
            track = replace(before, end_s=self._clock[at, 2]).then(track)
        past = self._past.get(person)
        if past is None or newest.time_s[0] - past.time_s[-1] >= USUAL_EVERY_S:
            past = newest if past is None else past.then(newest).part(slice(-USUAL_ROWS, None))
            whole = replace(past, usual=None)
            usual = Usual(usual_lids([whole]), usual_pitch([whole], self.camera))
            self._past[person] = past = replace(whole, usual=usual)
        self._persons.last[person] = track = replace(track, usual=past.usual)
        return track

    def _answers(self, tracks: Sequence[Track]) -> Iterator[Answer]:
        """What holds in the newest frame, of all builders."""
        now = self._clock[-1]
        short, directions = self._scene(tracks, SHORT_S)
        for one in self._standing:
            if not one.long or now[1] - one.ran[1] >= EVERY_S:
                if one is self._directing and not one.long:
                    result = directions
                else:
                    scene = self._scene(tracks, LONG_S)[0] if one.long else short
                    result = one.predictor.predict(scene)
                clock = self._clock[self._clock[:, 1] >= now[1] - SHORT_S]
                one.ran, one.answers = now, (*result, *shared_looks(result, clock))
            persons = {track.person for track in tracks}
            yield from (of_newest_frame(answer, one.ran, now, persons) for answer in one.answers)

    def _scene(self, tracks: Sequence[Track], length_s: float) -> tuple[Scene, Sequence[Answer]]:
        """The last seconds with directions to build on, and all that their builder answers."""
        since_s = self._clock[-1, 1] - length_s
        parts = [t.part(slice(int(np.searchsorted(t.time_s, since_s)), None)) for t in tracks]
        scene = Scene(self.video, self.camera, parts, ego=self.settings.ego)
        if self._directing is None:
            return scene, ()
        result = self._directing.predictor.predict(scene)
        return replace(scene, gaze=_gaze(result)), result


def _gaze(answers: Sequence[Answer]) -> Directions:
    """The directions that other builders build on."""
    return next(a for a in answers if isinstance(a, Directions) and a.name == GAZE)


def builders_of(settings: Settings) -> Iterator[_Standing]:
    """The chosen builders that can run; UsageError for a named one that cannot."""
    for system, name, builder in settings.builders:
        able = builder.predictor is not None and builder.needs.people and not builder.needs.audio
        if able and not settings.weights_of(system, builder):
            assert builder.predictor is not None, "as looked at above"
            yield _Standing(builder, builder.predictor())
        elif settings.systems:
            raise UsageError(
                f"{system.name}/{name} does not run live: builders that need weights, audio or "
                "more than the people do not; leave it out of --systems"
            )


def of_newest_frame(answer: Answer, ran: Floats, now: Floats, persons: Collection[int]) -> Answer:
    """What an answer says of the newest frame, of those who are there.

    Args:
        answer: over a window.
        ran: `(3,)` index, start and end of its last frame.
        now: the same of the newest frame, until which it holds.
        persons: who is there.
    """
    there = np.isin(answer.person, list(persons))
    if isinstance(answer, Segments):
        rows = np.flatnonzero(there & (answer.end_s >= ran[2] - 1e-6))
        columns: dict[str, Any] = {
            n: getattr(answer, n)[rows] for n in ("person", "start_s", "score")
        }
        label = tuple(answer.label[row] for row in rows)
        return replace(answer, **columns, label=label, end_s=np.full(len(rows), now[2]))
    last = chosen(answer, np.flatnonzero(there & (answer.frame == int(ran[0]))))
    at: dict[str, Any] = {
        "frame": np.full(len(last), int(now[0])),
        "time_s": np.full(len(last), now[1]),
    }
    if isinstance(last, Points):
        return replace(last, **at, heatmap_row=np.zeros(0, np.int64), heatmap=None)
    return replace(last, **at)

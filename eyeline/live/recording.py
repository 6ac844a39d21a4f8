"""A live session on disk: the video as it came, and the results as `analyze` leaves them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from eyeline.corrections.rows import chosen
from eyeline.errors import EyelineError
from eyeline.files import made
from eyeline.jobs import keep
from eyeline.live.causal import CAUSAL, Causal
from eyeline.log import Log
from eyeline.people.find import people_table
from eyeline.results import Analysis, Answer, Clock, Gap, People, Person, Segments, VideoInfo
from eyeline.rounding import rounded
from eyeline.video.frame import Frame
from eyeline.video.gaps import GapFinder
from eyeline.video.writer import VideoWriter

WAITING_FRAMES = 32
"""Frames that may wait to be written; beyond, frames are dropped from everything."""
_CHUNK = 256  # frames whose tables are put together at once
_Table = TypeVar("_Table", bound=People | Answer)


class Recording:
    """Writes `NAME.mp4` into a folder while it runs, and the results `NAME/` at the end.

    Args:
        folder: where to; made where it is missing. NAME is the time of the begin.
        log: called with a line when the video cannot be written any more.

    Raises:
        OutputError: the folder cannot be made.

    Attributes:
        refused: frames dropped because the buffer was full.
    """

    def __init__(self, folder: Path, log: Log) -> None:
        made(folder)
        name = time.strftime("live-%Y%m%d-%H%M%S")
        while (folder / name).exists() or (folder / f"{name}.mp4").exists():
            name += "b"
        self.video, self.results = folder / f"{name}.mp4", folder / name
        self.refused = 0
        self._log, self._closed = log, False
        self._waiting: queue.Queue[Frame | None] = queue.Queue(WAITING_FRAMES)
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        self._info: VideoInfo | None = None
        self._finder, self._gaps = GapFinder(Fraction(1, 1000)), list[Gap]()
        self._last: Frame | None = None
        self._count = 0
        self._clock: list[tuple[int, float]] = []
        self._moments: list[Analysis] = []
        self._chunks: list[tuple[People, tuple[Answer, ...]]] = []

    def accept(self, frame: Frame) -> bool:
        """Take a captured frame to be written; False where that cannot be."""
        if self._closed:
            return False
        if self._thread is None:
            width, height = frame.size_wh
            self._info = VideoInfo(
                str(self.video), width, height, Fraction(30), 0.0, 0.0, 0, has_audio=False
            )
            self._thread = threading.Thread(target=self._write, name="eyeline-record")
            self._thread.start()
        try:
            self._waiting.put_nowait(frame)
        except queue.Full:
            self.refused += 1
            return False
        if self._last is not None:
            before, now = Fraction(self._last.time_s), Fraction(frame.time_s)
            ends = self._finder.frame_ends(before, now)
            if ends < now:
                self._gaps.append(Gap(float(ends), frame.time_s))
        self._last, self._count = frame, self._count + 1
        return True

    def add(self, moment: Analysis) -> None:
        """Keep the results of an analysed frame."""
        assert moment.clock is not None, "a live frame has its clock"
        self._clock.append((int(moment.clock.frame[0]), float(moment.clock.start_s[0])))
        if len(moment.people):
            self._moments.append(moment)
        if len(self._moments) == _CHUNK:
            self._gather()

    def finish(
        self, engine: Causal | None, segments: Sequence[Segments], summary: Mapping[str, Any]
    ) -> Path | None:
        """Write what is left.

        Args:
            engine: what has analysed the frames.
            segments: all episodes.
            summary: of the session, for the index.

        Returns:
            The folder of the results; None where no frame was analysed.

        Raises:
            EyelineError: the video or the results could not be written.
        """
        self._closed = True
        if self._thread is None:
            return None
        self._waiting.put(None)
        self._thread.join()
        if self._error:
            raise self._error
        if engine is None or not self._clock:
            return None
        self._gather()
        analysis = self._analysis(engine, segments, summary)
        keep(analysis, self.video, self.results, engine.settings)
        return self.results

    def _write(self) -> None:
        assert self._info is not None, "the first frame says it"
        try:
            with VideoWriter(self.video, self._info, encode_threads=1) as out:
                while (frame := self._waiting.get()) is not None:
                    out.write(frame.rgb(), frame.time_s, frame.end_s)
        except (EyelineError, OSError) as error:
            self._error = error
            self._log(f"nothing more is recorded: {error}")
            while self._waiting.get() is not None:
                pass

    def _analysis(
        self, engine: Causal, segments: Sequence[Segments], summary: Mapping[str, Any]
    ) -> Analysis:
        info = self._whole()
        clock = self._analysed(info.duration_s)
        people = joined([p for p, _ in self._chunks]) if self._chunks else people_table([])
        parts: dict[tuple[str, ...], list[Any]] = {}
        for answer in (a for _, answers in self._chunks for a in answers):
            parts.setdefault((answer.system, answer.builder, answer.name), []).append(answer)
        answers = [_by_person(joined(part)) for part in parts.values()]
        missed = f"{summary['dropped']} of {summary['captured']} frames were dropped"
        return Analysis(
            info,
            "ok",
            persons=tuple(_person(n, people, clock, engine) for n in np.unique(people.person)),
            people=rounded(people),
            answers=tuple(rounded(answer) for answer in (*answers, *segments)),
            methods=engine.methods,
            settings={
                **engine.settings.to_json(),
                "camera_px": list(engine.camera.intrinsics),
                "live": dict(summary),
            },
            warnings=(f"{CAUSAL}; {missed}", "no audio: nothing is said of who speaks"),
            clock=clock,
        )

    def _whole(self) -> VideoInfo:
        """What the video turned out to be."""
        assert self._info is not None and self._last is not None, "there were frames"
        recorded_s = self._last.end_s - sum(gap.end_s - gap.start_s for gap in self._gaps)
        rate_hz = Fraction(self._count / recorded_s).limit_denominator(1001)
        return replace(
            self._info,
            rate_hz=rate_hz,
            duration_s=self._last.end_s,
            frame_count=self._count,
            variable_rate=True,
            gaps=tuple(self._gaps),
        )

    def _analysed(self, duration_s: float) -> Clock:
        """The analysed frames, each up to the next one or to where a gap begins."""
        frame, start_s = (np.array(column) for column in zip(*self._clock, strict=True))
        end_s = np.append(start_s[1:], duration_s)
        for gap in self._gaps:
            inside = (start_s < gap.end_s) & (end_s > gap.start_s)
            end_s[inside] = np.minimum(end_s[inside], gap.start_s)
        return Clock.exact(frame.astype(np.int64), start_s, end_s)

    def _gather(self) -> None:
        """Put the tables of the last frames together."""
        if self._moments:
            people = joined([moment.people for moment in self._moments])
            answers: dict[tuple[str, ...], list[Any]] = {}
            for moment in self._moments:
                for a in (a for a in moment.answers if not isinstance(a, Segments)):
                    answers.setdefault((a.system, a.builder, a.name), []).append(a)
            self._chunks.append((people, tuple(joined(parts) for parts in answers.values())))
            self._moments = []


def joined(tables: Sequence[_Table]) -> _Table:
    """Tables of one kind, one below the other."""
    columns: dict[str, Any] = {
        f.name: np.concatenate([getattr(table, f.name) for table in tables])
        for f in fields(tables[0])
        if isinstance(getattr(tables[0], f.name), np.ndarray)
    }
    return replace(tables[0], **columns)


def _by_person(answer: Any) -> Any:
    """Rows in the order in which answers have them elsewhere."""
    return chosen(answer, np.lexsort((answer.time_s, answer.person)))


def _person(number: int, people: People, clock: Clock, engine: Causal) -> Person:
    mine = people.person == number
    start_s, end_s = people.time_s[mine], clock.ends_of(people.frame[mine])
    return Person(
        int(number),
        tuple(dict.fromkeys(people.track_id[mine].tolist())),
        first_s=float(start_s[0]),
        last_s=float(end_s[-1]),
        seen_s=float((end_s - start_s).sum()),
        thumbnail=engine.thumbnail(int(number)),
    )

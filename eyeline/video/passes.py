"""One pass over the frames of an open video: times, damage, and the exact facts at the end."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.errors import VideoError
from eyeline.results import Gap, Part, VideoInfo
from eyeline.video.clock import Clock, Grid, Reordering, Spacing
from eyeline.video.damage import DamageLog
from eyeline.video.decode import Step, declared_end, declares_stream_end, decoded, last_stamp
from eyeline.video.frame import Frame, Pixels, upright
from eyeline.video.gaps import GapFinder

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

DEFAULT_RATE_HZ = Fraction(25)
"""Where neither the container nor the codec says a rate."""


@dataclass(frozen=True)
class _Shown:
    """A decoded frame with its place on the file's clock."""

    image: VideoFrame
    index: int
    stamp: Fraction
    damaged: bool


class Pass:
    """One pass over the frames of an open file, and what is known at its end."""

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        threads: int,
        turn_deg: int = 0,
        parts: Sequence[Part] = (),
    ) -> None:
        """Start at the beginning of an open file.

        Args:
            container: the file.
            stream: the video track.
            threads: as of `decode.decoded`.
            turn_deg: as of `frame.upright`.
            parts: as of `reader.VideoReader`.
        """
        self.container = container
        self.stream = stream
        self.threads = threads
        self.turn_deg = turn_deg
        self.parts = parts
        self.runs = _runs(parts)
        self.whole = True
        self.period = 1 / rate_of(container, stream)
        self.tick = Fraction(stream.time_base or self.period)
        self.clock = Clock(self.tick, self.period, declared_end(container, stream))
        self.order = Reordering()
        self.damage = DamageLog(self.period)
        self.spacing = Spacing(self.tick)
        self.finder = GapFinder(self.tick)
        self.gaps: list[tuple[Fraction, Fraction]] = []
        self.start = Fraction(0)
        self.end = Fraction(0)
        self.count = 0

    def frames(self, rate_hz: float | None) -> Iterator[Frame]:
        """The frames nearest to the grid, each lasting until the next one of them."""
        pixels: Pixels | None = None
        held: _Shown | None = None
        for shown in self._chosen(rate_hz):
            if held is None:
                aspect = self.stream.sample_aspect_ratio
                pixels = Pixels(upright(shown.image, aspect, self.turn_deg))
            else:
                yield self._frame(held, pixels, self._until(held, shown.stamp))
            held = shown
        if held is not None:
            yield self._frame(held, pixels, self._until(held, self.end))

    def result(self, expected: VideoInfo, path: str | Path) -> tuple[VideoInfo, tuple[str, ...]]:
        """The exact facts and the warnings, once all frames have been yielded."""
        if not self.count:
            raise VideoError(f"{path} gave no image: {_words_of(self.damage)}; copy it again")
        self.damage.finish(self.end, self._cut_off_at(path) if self.whole else None)
        end = self.end
        if not self.whole:
            end = max(end, self.start + Fraction(expected.duration_s))
        info = replace(
            expected,
            rate_hz=self._rate(expected.rate_hz),
            start_s=float(self.start),
            duration_s=float(end - self.start),
            frame_count=self.count,
            variable_rate=self.spacing.variable,
            damage=self.damage.on_clock(self.start),
            gaps=tuple(Gap(float(a - self.start), float(b - self.start)) for a, b in self.gaps),
            player_start_s=expected.player_start_s + float(self.start) - expected.start_s,
            parts=_until(self.parts, float(end - self.start)),
        )
        return info, self._warnings()

    def _rate(self, stated: Fraction) -> Fraction:
        """The average rate; some containers state it over gaps too."""
        recorded = self.end - self.start - sum((b - a for a, b in self.gaps), Fraction(0))
        if not self.gaps or recorded <= 0 or abs(self.count / recorded / stated - 1) < 0.02:
            return stated
        return self.count / recorded

    def _until(self, held: _Shown, following: Fraction) -> Fraction:
        """When a chosen frame ends: where the next one starts, or a gap or its part ends before."""
        later = bisect.bisect(self.gaps, held.stamp, key=lambda gap: gap[0])
        if later < len(self.gaps):
            following = min(following, self.gaps[later][0])
        run = self._run(held)
        if run is None or run.end_s == math.inf:
            return following
        return min(following, self.start + Fraction(run.end_s))

    def _run(self, shown: _Shown) -> Part | None:
        """The run of parts that a frame begins in."""
        time_s = float(shown.stamp - self.start)
        return next((run for run in self.runs if run.start_s <= time_s < run.end_s), None)

    def _after_parts(self, shown: _Shown) -> bool:
        return bool(self.runs) and float(shown.stamp - self.start) >= self.runs[-1].end_s

    def _warnings(self) -> tuple[str, ...]:
        if not self.order.mended:
            return self.clock.warnings
        mended = (
            f"{self.order.mended} frames bore another frame's time stamp; their order was mended"
        )
        return mended, *self.clock.warnings

    def _chosen(self, rate_hz: float | None) -> Iterator[_Shown]:
        grid = None if rate_hz is None else Grid(rate_hz)
        shown: _Shown | None = None
        for following in self._shown():
            if shown is not None:
                ends = self.finder.frame_ends(shown.stamp, following.stamp)
                if ends < following.stamp:
                    self.gaps.append((ends, following.stamp))
                elif not shown.damaged and not following.damaged:
                    self.spacing.add(following.stamp - shown.stamp)
                centre = (shown.stamp + following.stamp) / 2 - self.start
                if (grid is None or grid.wants(float(centre))) and self._wanted(shown):
                    yield shown
                if self._after_parts(following):
                    self.end, self.whole = following.stamp, False
                    return
            shown = following
        if shown is not None:
            self.end = shown.stamp + self._length(shown.image)
            last = grid is None or grid.wants(float(self.end - self.start), last=True)
            if last and self._wanted(shown):
                yield shown

    def _wanted(self, shown: _Shown) -> bool:
        return not self.runs or self._run(shown) is not None

    def _shown(self) -> Iterator[_Shown]:
        images = chain(self._images(), [None])
        for image, following in pairwise(images):
            after = None if following is None else following.pts
            if image is None or self._stale(image, after):
                continue
            yield self._place(image, after)

    def _images(self) -> Iterator[VideoFrame | None]:
        for step in decoded(self.container, self.stream, self.threads, self._ahead):
            self._note(step)
            for image in step.frames:
                depth = self.stream.codec_context.reorder_depth
                image.pts = self.order.shown(image.pts, depth)
                yield image

    def _ahead(self, packet: Packet[Any]) -> None:
        if packet.size and not packet.is_discard:
            self.finder.read(packet.pts if packet.pts is not None else packet.dts)

    def _note(self, step: Step) -> None:
        packet = step.packet
        if packet is not None and packet.size and not packet.is_discard:
            self.order.sent(packet.pts, packet.dts)
        if step.fault is not None:
            self.damage.fault(step.fault)
            if packet is not None and step.fault.sure and not packet.is_corrupt:
                self.order.lost(packet.pts)

    def _stale(self, image: VideoFrame, following: int | None) -> bool:
        """After a loss FFmpeg also gives old images again, stamped out of order."""
        if not self.damage.unsettled or image.key_frame or image.pts is None:
            return False
        behind = self.clock.last is not None and image.pts * self.tick <= self.clock.last
        return behind or self.clock.leaps_out(image.pts, following)

    def _place(self, image: VideoFrame, following: int | None) -> _Shown:
        stamp = self.clock.place(image.pts, image.dts, following)
        corrupt = bool(image.is_corrupt)
        damaged = self.damage.shown(stamp, key=image.key_frame, corrupt=corrupt)
        if not self.count:
            self.start = stamp
        self.count += 1
        return _Shown(image, self.count - 1, stamp, damaged)

    def _frame(self, shown: _Shown, pixels: Pixels | None, end: Fraction) -> Frame:
        assert pixels is not None
        return Frame(
            shown.image,
            pixels,
            index=shown.index,
            time_s=float(shown.stamp - self.start),
            end_s=float(end - self.start),
            damaged=shown.damaged,
        )

    def _length(self, image: VideoFrame) -> Fraction:
        """How long a frame lasts that no other follows, in seconds."""
        said = (image.duration or 0) * self.tick
        # Coarse stamps, such as Matroska's milliseconds, cut the length short.
        return self.period if abs(said - self.period) <= self.tick or not said else said

    def _cut_off_at(self, path: str | Path) -> Fraction | None:
        """The end that the file declares, if the frames stop before it."""
        declared = self.clock.declared_end
        if declared is None or declared - self.end <= max(self.period * 3 / 2, Fraction(1, 10)):
            return None
        if not declares_stream_end(self.stream):
            # The audio may simply go on for longer than the image.
            reached = last_stamp(path)
            return declared if declared - reached > 1 else None
        return declared


def rate_of(container: InputContainer, stream: VideoStream) -> Fraction:
    """Frames a second as the container, or else the codec, states them."""
    by_codec = stream.codec_context.framerate
    by_file: list[Any] = [stream.average_rate, stream.guessed_rate, stream.base_rate]
    # A bare stream of images has no header, so FFmpeg supposes 25 Hz; the codec may know better.
    order = [*by_file, by_codec] if container.duration else [by_codec, *by_file]
    said = [Fraction(rate) for rate in order if rate and 0 < rate <= 1000]
    return said[0] if said else DEFAULT_RATE_HZ


def _runs(parts: Sequence[Part]) -> list[Part]:
    """Parts, those joined of which one begins where the one before ends."""
    runs: list[Part] = []
    for part in parts:
        if runs and part.start_s == runs[-1].end_s:
            runs[-1] = Part(runs[-1].start_s, part.end_s)
        else:
            runs.append(part)
    return runs


def _until(parts: Sequence[Part], end_s: float) -> tuple[Part, ...]:
    """Parts of a video that ends there."""
    return tuple(replace(p, end_s=min(p.end_s, end_s)) for p in parts if p.start_s < end_s)


def _words_of(damage: DamageLog) -> str:
    damage.finish(Fraction(0))
    return damage.spans[0][2] if damage.spans else "no data"

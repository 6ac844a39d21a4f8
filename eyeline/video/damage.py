"""Which spans of a file were damaged: from the faults met while decoding, and the frames shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from eyeline.results import Damage
from eyeline.video.decode import Fault

SUSPICION_FRAMES = 64
"""Frames after which a complaint that cost nothing is forgotten."""


@dataclass
class DamageLog:
    """Collects faults and closes each damaged span at the next key frame that is whole.

    Between a fault and that key frame the decoder predicts from images that it had to guess.
    All times are seconds on the file's clock.
    """

    period: Fraction
    spans: list[tuple[Fraction, Fraction, str]] = field(default_factory=list)
    """Start, end and message of each closed span, in order of time."""
    _waiting: list[tuple[Fraction, str]] = field(default_factory=list)
    _complaint: str = ""
    _suspicion: str = ""
    _suspicion_age: int = 0
    _start: Fraction | None = None
    _last_bad: Fraction = Fraction(0)
    _messages: list[str] = field(default_factory=list)
    _seen_end: Fraction | None = None

    @property
    def unsettled(self) -> bool:
        """Whether frames are damaged at present, or will be as soon as a known fault is reached."""
        return self._start is not None or bool(self._waiting)

    def fault(self, fault: Fault) -> None:
        """Take note of a fault met while decoding."""
        if not fault.sure:
            self._complaint = fault.message
            if fault.at is None:
                self._suspicion, self._suspicion_age = fault.message, 0
            return
        at = fault.at if fault.at is not None else self._seen_end
        if at is not None:
            self._waiting.append((at, fault.message))

    def shown(self, stamp: Fraction, *, key: bool, corrupt: bool) -> bool:
        """Take note of the next frame in order of showing; whether it lies in a damaged span."""
        self._find_gap(stamp)
        due = [entry for entry in self._waiting if entry[0] <= stamp]
        if due:
            self._waiting = [entry for entry in self._waiting if entry[0] > stamp]
            for at, message in due:
                self._open(at, message)
        if corrupt:
            self._open(stamp, self._complaint or "the image is incomplete")
        if self._start is not None and key and stamp > self._last_bad:
            self._close(stamp)
        self._seen_end = stamp + self.period
        return self._start is not None

    def finish(self, end: Fraction, cut_off_at: Fraction | None = None) -> None:
        """Close what is open at the end.

        Args:
            end: end of the last frame.
            cut_off_at: the end that the file declares, if the frames stop before it.
        """
        for at, message in self._waiting:
            self._open(at, message)
            end = max(end, at + self.period)
        if cut_off_at is not None:
            said = f": {self._complaint}" if self._complaint else ""
            self._open(end, f"the file ends early{said}")
            end = max(end, cut_off_at)
        if self._start is not None:
            self._close(end)

    def on_clock(self, start: Fraction) -> tuple[Damage, ...]:
        """The spans in seconds from `start`, the stamp of the first frame shown."""
        return tuple(Damage(float(a - start), float(b - start), said) for a, b, said in self.spans)

    def _find_gap(self, stamp: Fraction) -> None:
        """A container that complained and then skips frames has lost them."""
        self._suspicion_age += 1
        if self._suspicion_age > SUSPICION_FRAMES:
            self._suspicion = ""
        if not self._suspicion or self._seen_end is None:
            return
        if stamp - self._seen_end > self.period / 2:
            self._open(self._seen_end, self._suspicion)
            self._suspicion = ""

    def _open(self, at: Fraction, message: str) -> None:
        if self._start is None:
            whole_until = at if self._seen_end is None else min(at, self._seen_end)
            before = self.spans[-1][1] if self.spans else whole_until
            self._start = max(whole_until, before)
            self._last_bad = at
        self._last_bad = max(self._last_bad, at)
        self._messages.append(message)

    def _close(self, end: Fraction) -> None:
        assert self._start is not None
        more = f" (and {len(self._messages) - 1} more)" if len(self._messages) > 1 else ""
        self.spans.append((self._start, max(end, self._start), self._messages[0] + more))
        self._start, self._messages = None, []

"""One live session from the first frame to the summary."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.errors import VideoError
from eyeline.live.capture import OPEN_S, SILENT_S, STALL_S, Capture, Grab, Source
from eyeline.live.causal import Causal
from eyeline.live.recording import Recording
from eyeline.live.stream import Episodes, Message, Sink, frame_message
from eyeline.log import Log
from eyeline.settings import Settings

if TYPE_CHECKING:
    from eyeline.results import Analysis
    from eyeline.video.frame import Frame

Show = Callable[["Frame", "Analysis", Message], None]
"""Called with each analysed frame, its results and where the session stands."""
_LOOK_S = 0.1  # how often it is looked whether to stop
_SHOWN_FRAMES = 200  # whose delay the page shows


@dataclass
class Session:
    """Captures, analyses and records until the source ends or somebody stops it.

    Args:
        source: where frames come from.
        settings: what to ask of them.
        log: called with a line wherever something happens.
        sinks: called with all messages; one that fails ends the session.
        show: called with each analysed frame.
        record: folder for the video and the results.
        stop: ends the session once it is set.
        seconds: ends it after so long.
    """

    source: Source
    settings: Settings
    log: Log
    sinks: list[Sink] = field(default_factory=list)
    show: Show | None = None
    record: Path | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Load the networks, and begin the folder."""
        self._engine = Causal(self.settings, self.source.address)
        self._recording = Recording(self.record, self.log) if self.record else None
        accept = self._recording.accept if self._recording else lambda _: True
        self._capture = Capture(self.source, accept, self.log)
        self._episodes = Episodes()
        self._delays_s = array("d")
        self._began = self._heard = time.monotonic()
        self._stalled = False
        self._offset = 0.0

    def run(self) -> dict[str, Any]:
        """Run to the end, and give the summary, which is the last message, too.

        Raises:
            VideoError: the source cannot be opened or gave no frame.
            OutputError: the recording could not be written.
        """
        self._began = self._heard = time.monotonic()
        self._capture.start()
        try:
            while not self._over():
                grab = self._capture.ring.take(_LOOK_S)
                if grab is None:
                    self._wait()
                else:
                    self._analyse(grab)
        finally:
            self._capture.stop()
            summary = self._finish()
        if self._capture.error:
            raise self._capture.error
        return summary

    def _over(self) -> bool:
        late = self.seconds is not None and time.monotonic() - self._began >= self.seconds
        return late or self.stop.is_set() or self._capture.ring.ended

    def _wait(self) -> None:
        """Say once that no frames come; before the first one, give up after a while."""
        silent_s = time.monotonic() - self._heard
        if not self._delays_s and silent_s > OPEN_S + SILENT_S:
            raise VideoError(
                f"{self.source.address} gave no frame within {silent_s:.0f} s; see that it is "
                "sending video"
            )
        if self._delays_s and silent_s > STALL_S and not (self._stalled or self._capture.away):
            self._stalled = True
            self.log(f"{self.source.address}: no frame for {STALL_S:.0f} s; waiting")

    def _analyse(self, grab: Grab) -> None:
        if self._stalled:
            silent_s = grab.captured - self._heard
            self.log(f"{self.source.address}: frames again, after {silent_s:.1f} s")
        moment = self._engine.step(grab.frame, grab.cut)
        self._offset = grab.captured - grab.frame.time_s
        message = frame_message(moment)
        delay_s = time.monotonic() - grab.captured
        self._delays_s.append(delay_s)
        self._heard, self._stalled = time.monotonic(), False
        self._send({**message, "delay_ms": round(1000 * delay_s, 1)})
        for change in self._episodes.update(moment):
            self._send(change)
        if self._recording:
            self._recording.add(moment)
        if self.show:
            self.show(grab.frame, moment, self._standing(_SHOWN_FRAMES))

    def _send(self, message: Message) -> None:
        at = self._offset + float(message["time_s"])
        for sink in [*self.sinks]:
            try:
                sink(message, at)
            except OSError as error:
                self.log(f"messages cannot be sent any more: {error.strerror}; ending")
                self.sinks.remove(sink)
                self.stop.set()

    def _standing(self, frames: int = 0) -> dict[str, Any]:
        """Counts so far, and the delay from capture to result of the last frames, 0 for all."""
        delays_ms = 1000 * np.array(self._delays_s[-frames:])
        low, high = np.quantile(delays_ms, (0.5, 0.99)) if len(delays_ms) else (np.nan, np.nan)
        refused = self._recording.refused if self._recording else 0
        captured, analysed = self._capture.ring.count + refused, len(self._delays_s)
        return {
            "captured": captured,
            "analysed": analysed,
            "dropped": captured - analysed,
            "not_recorded": refused,
            "lost": self._capture.lost,
            "delay_median_ms": None if np.isnan(low) else round(float(low), 1),
            "delay_99_ms": None if np.isnan(high) else round(float(high), 1),
        }

    def _finish(self) -> dict[str, Any]:
        """Write the recording, and send the last messages."""
        for change in self._episodes.end():
            self._send(change)
        length_s = time.monotonic() - self._began
        summary = {"source": self.source.address, "seconds": round(length_s, 1), **self._standing()}
        folder = None
        if self._recording:
            folder = self._recording.finish(self._engine, self._episodes.segments(), summary)
        summary["recording"] = None if folder is None else str(folder)
        if self._delays_s:
            self._send({"type": "summary", "time_s": summary["seconds"], **summary})
            self.log(words(summary))
        return summary


def words(summary: Mapping[str, Any]) -> str:
    """The summary in a line."""
    delay = "no delay was measured"
    if summary["delay_median_ms"] is not None:
        delay = (
            f"delay from capture to result: median {summary['delay_median_ms']:.0f} ms, "
            f"99 % within {summary['delay_99_ms']:.0f} ms"
        )
    counts = f"{summary['analysed']} analysed, {summary['dropped']} dropped"
    return f"{summary['captured']} frames in {summary['seconds']:.1f} s: {counts}; {delay}"

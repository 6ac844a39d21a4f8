from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import pytest

from eyeline.video import decode
from eyeline.video.container import open_source
from eyeline.video.decode import Fault, declared_end, decoded, last_stamp, packets

from .generate import Audio, Clip


class Unreliable:
    """An open file whose reading fails at chosen packets; what was read is not read again."""

    def __init__(self, container: Any, fails_at: range | set[int]) -> None:
        self.streams = container.streams
        self._packets = container.demux(container.streams.video[0])
        self._fails_at = fails_at
        self._count = -1

    def demux(self, *_: Any) -> Iterator[Any]:
        while True:
            self._count += 1
            if self._count in self._fails_at:
                raise av.InvalidDataError(1, "bad sector")
            packet = next(self._packets, None)
            if packet is None:
                return
            yield packet


def test_reading_goes_on_after_it_failed(make) -> None:
    with open_source(make("mp4", Clip())) as container:
        unreliable: Any = Unreliable(container, {3, 20, 21})
        result = list(packets(unreliable, container.streams.video[0]))
    assert [place for place, one in enumerate(result) if isinstance(one, Fault)] == [3, 20, 21]
    assert result[3] == Fault(None, "bad sector")
    # and one that flushes the decoder
    assert len(result) == 48 + 3 + 1


def test_reading_that_fails_for_ever_is_given_up_and_nothing_decoded_is_lost(
    make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "PATIENCE", 50)
    with open_source(make("mp4", Clip(b_frames=2, key_every=48))) as container:
        unreliable: Any = Unreliable(container, range(30, 10**6))
        steps = list(decoded(unreliable, container.streams.video[0]))
    assert sum(len(step.frames) for step in steps) == 30
    assert sum(step.fault is not None for step in steps) == 50


@pytest.mark.parametrize(
    ("suffix", "offset_s", "expected_s"),
    [("mp4", 0, 2), ("mkv", 3, 5), ("ts", 3, 5), ("flv", 0, 2)],
)
def test_declared_end(suffix: str, offset_s: int, expected_s: int, make) -> None:
    clip = Clip(offset_s=Fraction(offset_s), b_frames=0, audio=Audio("aac", 44100, end_s=1.5))
    with open_source(make(suffix, clip)) as container:
        end = declared_end(container, container.streams.video[0])
    assert end is not None
    assert float(end) == pytest.approx(expected_s, abs=0.05)


def test_last_stamp_is_that_of_the_longest_stream(make) -> None:
    path = make("mkv", Clip(audio=Audio("flac", end_s=6.0)))
    assert float(last_stamp(path)) == pytest.approx(6, abs=0.1)

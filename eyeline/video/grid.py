"""The frames of a video laid on a constant rate: number k shows what is seen at k / rate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from eyeline.video.frame import Frame


def on_grid(frames: Iterable[Frame], rate_hz: float) -> Iterator[tuple[int, Frame]]:
    """Number the frames of a `VideoReader` at a rate; none is left out, some come again.

    Where the video has fewer frames than the rate asks for, the nearest frame in time stands for
    every number that it is nearest to, as in a video that was converted to that rate.

    Args:
        frames: of `VideoReader(path, rate_hz=rate_hz)`, in order.
        rate_hz: numbers a second.

    Yields:
        Numbers from 0 without gaps, each with its frame; a frame that comes again is the same
        object.
    """
    number = 0
    held: Frame | None = None
    for frame in frames:
        if held is not None:
            until_s = (held.time_s + frame.time_s) / 2
            # The small term keeps points that fall on a bound clear of rounding.
            end = math.floor(until_s * rate_hz + 1e-6) + 1
            yield from ((k, held) for k in range(number, end))
            number = max(number, end)
        held = frame
    if held is not None:
        yield from ((k, held) for k in range(number, math.ceil(held.end_s * rate_hz - 1e-6)))

"""Audio at another pitch and the same pace, by FFmpeg's filters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.video.placing import Samples

if TYPE_CHECKING:
    from av.filter import Graph

FACTOR = 0.75
"""Of all frequencies, formants too: five semitones lower."""


def pitched(pieces: Iterable[Samples], rate_hz: int, factor: float = FACTOR) -> Iterator[Samples]:
    """Pieces `(channels, n)` of audio with all frequencies multiplied, of the same total length.

    Events move by no more than the window of `atempo`, a twentieth of a second.
    """
    from av.audio.frame import AudioFrame

    graph: Graph | None = None
    given = taken = 0
    for piece in pieces:
        layout = "mono" if len(piece) == 1 else "stereo"
        graph = graph or _graph(layout, rate_hz, factor)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, given, Fraction(1, rate_hz)
        graph.push(frame)
        given += piece.shape[1]
        for samples in _ready(graph):
            taken += samples.shape[1]
            yield samples
    if graph is None:
        return
    graph.push(None)
    for samples in _ready(graph):
        yield samples[:, : max(0, given - taken)]
        taken += samples.shape[1]
    if taken < given:
        yield np.zeros((len(piece), given - taken), np.float32)


def _graph(layout: str, rate_hz: int, factor: float) -> Graph:
    from av.filter import Graph

    graph = Graph()
    nodes: list[Any] = [
        graph.add_abuffer(
            sample_rate=rate_hz, format="fltp", layout=layout, time_base=Fraction(1, rate_hz)
        ),
        graph.add("asetrate", str(round(rate_hz * factor))),
        graph.add("aresample", str(rate_hz)),
        graph.add("atempo", f"{1 / factor:.9f}"),
        graph.add("aformat", f"sample_fmts=fltp:sample_rates={rate_hz}:channel_layouts={layout}"),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def _ready(graph: Graph) -> Iterator[Samples]:
    import av

    while True:
        try:
            frame: Any = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        yield np.asarray(frame.to_ndarray(), np.float32)

"""An image of one video's predictions against the annotation: SVG, complete in itself.

Time runs in strips of a minute. In each: the tracklets, what the annotators saw (by target, and
where they could not tell), what was predicted, where the two differ, and the probability. Where no
tracklet is, the strip is hatched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from eyeline.documents import plain_text
from eyeline.errors import DataError, check_shape
from eyeline.evaluation import metrics
from eyeline.export.colours import hex_colour, person_colour
from eyeline.files import write_bytes
from eyeline.results import Floats, Ints
from eyeline.systems.eye_contact.annotations import RATE_HZ
from eyeline.systems.eye_contact.data import AnnotatedVideo, Tracklet
from eyeline.systems.eye_contact.elan import TARGETS
from eyeline.systems.eye_contact.report import Labels, Predicted, Sums
from eyeline.systems.eye_contact.samples import Sample

STRIP_S = 60
"""Seconds in one strip."""

_WIDTH, _LEFT, _RIGHT, _TOP = 1320, 92, 16, 62
_SCALE = (_WIDTH - _LEFT - _RIGHT) / STRIP_S
_LANES = {"truth": (16, 16), "uncertain": (34, 5), "predicted": (41, 16), "differs": (59, 5)}
"""Top and height of each lane within a strip."""
_CURVE_TOP, _CURVE_HIGH = 67, 34
_AXIS, _PITCH = 104, 132
_COLOURS = (*("" for _ in TARGETS[:1]), *(hex_colour(person_colour(n)) for n in (1, 3, 5, 2)))
_PREDICTED, _DIFFERS, _UNCLEAR = "#3b4a5a", "#d03b4f", "#b9a13c"
_STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#2a3038}.h{font-size:15px;font-weight:600}"
    ".s{fill:#5b6570}.n{font-size:9px;fill:#5b6570}.p{fill:none;stroke:#2f6db5;stroke-width:1.1}"
    ".a{stroke:#8a939d;stroke-width:.7}.m{stroke:#8a939d;stroke-width:.7;stroke-dasharray:3 3}"
)
_HATCH = (
    '<pattern id="gap" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="6" height="6" fill="#f1f2f4"/>'
    '<path d="M0 0V6" stroke="#d9dce0" stroke-width="2"/></pattern>'
)


@dataclass(frozen=True)
class _Strip:
    """A minute of time and where it is drawn."""

    start_s: float
    top: float

    def x(self, time_s: float) -> float:
        inside = min(max(time_s - self.start_s, 0.0), STRIP_S)
        return _LEFT + inside * _SCALE

    def holds(self, start_s: float, end_s: float) -> bool:
        return start_s < self.start_s + STRIP_S and end_s > self.start_s


Prediction = tuple[Ints, Floats] | None
"""States and probabilities `(n,)` of a tracklet, NaN where there is none; None without any."""


def write_all(
    folder: Path | str,
    videos: Sequence[AnnotatedVideo],
    samples: Sequence[Sample],
    predicted: Predicted,
) -> list[Path]:
    """Write `<celebrity>_<video>.svg` for each video that has predictions.

    `samples` are tracklets in the order of the predictions; those without stay empty. DataError for
    predictions of another length than their tracklet.
    """
    if len(predicted.states) < len(samples):
        raise DataError(f"{len(predicted.states)} predictions, fewer than samples")
    own = zip(predicted.states, predicted.probability, strict=True)
    place = {(s.video, s.tracklet): pair for s, pair in zip(samples, own, strict=False)}
    written = []
    for video in videos:
        rows = [place.get((video.name, t.name)) for t in video.tracklets]
        if any(row is not None for row in rows):
            path = Path(folder) / f"{video.name}.svg"
            written.append(write_bytes(path, svg(video, rows).encode()))
    return written


def svg(video: AnnotatedVideo, predictions: Sequence[Prediction]) -> str:
    """The image of a video; DataError for predictions of another length than their tracklet."""
    pairs = list(zip(video.tracklets, predictions, strict=True))
    for tracklet, own in pairs:
        for column in own or ():
            check_shape(column, "frame", f"predictions for {video.name}", {"frame": len(tracklet)})
    spans = [_span(t) for t in video.tracklets]
    strips: list[_Strip] = []
    for number in range(int(max(end for _, end in spans) // STRIP_S) + 1):
        strip = _Strip(float(number * STRIP_S), float(_TOP + len(strips) * _PITCH))
        if any(strip.holds(*span) for span in spans):
            strips.append(strip)
    high = _TOP + len(strips) * _PITCH
    body = "".join(part for strip in strips for part in _strip(strip, pairs))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {high}" width="{_WIDTH}" '
        f'height="{high}"><style>{_STYLE}</style><defs>{_HATCH}</defs>'
        f'<rect width="{_WIDTH}" height="{high}" fill="#fff"/>'
        f"{_head(video, pairs)}{body}</svg>\n"
    )


def _span(tracklet: Tracklet) -> tuple[float, float]:
    return tracklet.start_frame / RATE_HZ, (tracklet.start_frame + len(tracklet)) / RATE_HZ


def _head(video: AnnotatedVideo, pairs: Sequence[tuple[Tracklet, Prediction]]) -> str:
    legend = [(name, colour) for name, colour in zip(TARGETS, _COLOURS, strict=True) if colour]
    legend += [("uncertain", _UNCLEAR), ("predicted", _PREDICTED), ("differs", _DIFFERS)]
    marks, x = [], float(_LEFT)
    for name, colour in legend:
        marks.append(_rect(x, 44, 10, 10, colour) + _text(x + 14, 53, name, "s"))
        x += 24 + 6.6 * len(name)
    title, scores = _text(_LEFT, 20, video.name, "h"), _agreement(video, pairs)
    return title + _text(_LEFT, 37, scores, "s") + "".join(marks)


def _agreement(video: AnnotatedVideo, pairs: Sequence[tuple[Tracklet, Prediction]]) -> str:
    """The scores of this video in words."""
    both = [(tracklet, own) for tracklet, own in pairs if own is not None]
    if not both:
        return "nothing was predicted"
    labels = [Labels.of(video, t) for t, _ in both]
    result = Sums.of(labels, [a[0] for _, a in both]).scores(np.zeros(1, np.int64))
    label = np.concatenate([t.label for t, _ in both])
    chance = np.concatenate([a[1] for _, a in both])
    known = ~np.isnan(chance)
    auc = metrics.roc_auc(label[known], chance[known])
    parts = [
        f"{len(both)} tracklets, {len(label)} frames, {label.mean():.0%} contact",
        f"accuracy {result['accuracy']:.1%}",
        f"frame F1 {result['frame_f1']:.2f}",
        f"edit {result['edit']:.2f}",
        f"F1@10/25/50 {result['f1_at_10']:.2f}/{result['f1_at_25']:.2f}/{result['f1_at_50']:.2f}",
        *([] if np.isnan(auc) else [f"AUC {auc:.2f}"]),
    ]
    return " · ".join(parts)


def _strip(strip: _Strip, pairs: Sequence[tuple[Tracklet, Prediction]]) -> Iterator[str]:
    yield _rect(_LEFT, strip.top + 14, STRIP_S * _SCALE, _AXIS - 16, "url(#gap)")
    for lane, (top, high) in _LANES.items():
        yield _text(_LEFT - 8, strip.top + top + high / 2 + 4, lane, "s", "end")
    yield _text(_LEFT - 8, strip.top + _CURVE_TOP + 20, "probability", "s", "end")
    for tracklet, own in pairs:
        if strip.holds(*_span(tracklet)):
            yield from _tracklet(strip, tracklet, own)
    yield from _axis(strip)


def _tracklet(strip: _Strip, tracklet: Tracklet, own: Prediction) -> Iterator[str]:
    start_s, end_s = _span(tracklet)
    left, right = strip.x(start_s), strip.x(end_s)
    yield _rect(left, strip.top + 14, right - left, _AXIS - 16, "#fff")
    yield f'<path class="a" d="M{left:.1f} {strip.top + 4:.1f}v{_AXIS - 4}"/>'
    yield _text(left + 3, strip.top + 11, tracklet.name, "n")
    target = tracklet.target if len(tracklet.target) else tracklet.label
    yield from _runs(strip, tracklet, target, "truth", _COLOURS, TARGETS)
    yield from _runs(
        strip, tracklet, tracklet.uncertain, "uncertain", ("", _UNCLEAR), ("", "uncertain")
    )
    if own is not None:
        state, probability = own
        yield from _runs(strip, tracklet, state, "predicted", ("", _PREDICTED), ("", "contact"))
        wrong = (state != tracklet.label).astype(np.int64)
        yield from _runs(strip, tracklet, wrong, "differs", ("", _DIFFERS), ("", "differs"))
        yield from _curve(strip, tracklet, probability)


def _runs(
    strip: _Strip,
    tracklet: Tracklet,
    values: Ints,
    lane: str,
    colours: Sequence[str],
    names: Sequence[str],
) -> Iterator[str]:
    """A box for each run of a value that has a colour."""
    top, high = _LANES[lane]
    result = metrics.segments(np.asarray(values))
    for value, first, end in zip(result.label, result.start, result.end, strict=True):
        a, b = ((tracklet.start_frame + int(n)) / RATE_HZ for n in (first, end))
        if colours[value] and strip.holds(a, b):
            hint = f"{names[value]} {a:.2f} to {b:.2f} s"
            left = strip.x(a)
            yield _rect(left, strip.top + top, strip.x(b) - left, high, colours[value], hint)


def _curve(strip: _Strip, tracklet: Tracklet, probability: Floats) -> Iterator[str]:
    """The probability, broken where there is none."""
    time_s = tracklet.time_s + 0.5 / RATE_HZ
    shown = (time_s >= strip.start_s) & (time_s < strip.start_s + STRIP_S) & ~np.isnan(probability)
    centre = strip.top + _CURVE_TOP + _CURVE_HIGH / 2
    left, right = (strip.x(t) for t in _span(tracklet))
    yield f'<path class="m" d="M{left:.1f} {centre:.1f}H{right:.1f}"/>'
    runs = metrics.segments(shown.astype(np.int64))
    for there, first, end in zip(runs.label, runs.start, runs.end, strict=True):
        if there:
            x = _LEFT + (time_s[first:end] - strip.start_s) * _SCALE
            y = strip.top + _CURVE_TOP + _CURVE_HIGH * (1 - probability[first:end])
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
            yield f'<polyline class="p" points="{points}"/>'


def _axis(strip: _Strip) -> Iterator[str]:
    y = strip.top + _AXIS
    yield f'<path class="a" d="M{_LEFT} {y:.1f}H{_LEFT + STRIP_S * _SCALE:.1f}"/>'
    for second in range(0, STRIP_S + 1, 5):
        x = _LEFT + second * _SCALE
        yield f'<path class="a" d="M{x:.1f} {y:.1f}v4"/>'
        yield _text(x, y + 15, f"{int(strip.start_s) + second} s", "s", "middle")


def _rect(x: float, y: float, wide: float, high: float, fill: str, hint: str = "") -> str:
    inside = f"<title>{escape(plain_text(hint))}</title>" if hint else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.2f}" height="{high:.1f}" fill="{fill}">'
        f"{inside}</rect>"
    )


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
        f"{escape(plain_text(text))}</text>"
    )

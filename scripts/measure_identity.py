"""Count persons against the truth, in films joined from pieces of clips and in clips at low rates.

`python scripts/measure_identity.py DIR CLIP ...` writes films with hard cuts to DIR, 4 and 12 joins
of pieces A1 B1 A2 C1 ..., some of them cropped so that one person fills another set-up, and
analyses them and the plain clips at 1, 2 and 5 frames a second. Tracks that the truth does not name
(people far behind) do not count. The packaged weights are fitted on these clips: the figures that
count are those of left-out clips, printed by `fit_identity.py`; these show that the whole of it
works.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import av
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from identity_parts.faces import Truth, read_truth, whose

from eyeline.people.find import Found, find_people
from eyeline.people.tracks import Track
from eyeline.results import Floats, Image
from eyeline.settings import Settings
from eyeline.video.reader import VideoReader
from eyeline.video.shots import mark_shots

SIZE_WH = (640, 360)
RATE_HZ = 12.5
PIECE_S = 1.6
JOINS = (4, 12)
LOW_RATES_HZ = (1.0, 2.0, 5.0)
Row = tuple[str, float, float, float]


@dataclass
class Piece:
    """A span of a clip, the whole frame or a part of it."""

    clip: Path
    start_s: float
    crop: tuple[float, float, float] | None = None
    """Middle and width of the part in fractions of the frame."""


def main() -> None:
    """Join, analyse, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("clips", nargs="+", type=Path)
    here = Path(__file__).parent
    parser.add_argument("--truth", type=Path, default=here / "identity_parts" / "truth.csv")
    options = parser.parse_args()
    truth = read_truth(options.truth)
    options.folder.mkdir(parents=True, exist_ok=True)
    for joins in JOINS:
        for first in range(0, len(options.clips) - 2, 3):
            chosen = options.clips[first : first + 3]
            path = options.folder / f"joined_{joins}_{first}.mp4"
            rows = join(path, pieces(chosen, joins, truth), truth)
            report(f"{joins} joins of {', '.join(c.stem for c in chosen)}", people(path), rows)
    for clip in options.clips:
        for rate_hz in LOW_RATES_HZ:
            report(f"{clip.stem} at {rate_hz:g} Hz", people(clip, rate_hz), truth[clip.stem])


def pieces(clips: list[Path], joins: int, truth: Truth) -> list[Piece]:
    """Pieces of clips in turn, spread over each; every third of a clip's is cropped to a person."""
    order = [clips[k % len(clips)] for k in range(joins + 1)]
    result, used = [], dict.fromkeys(clips, 0)
    for clip in order:
        total = order.count(clip)
        length = max(row[1] for row in truth[clip.stem])
        start_s = used[clip] * max(length - PIECE_S, 0) / max(total - 1, 1)
        crop = _close_up(clip, start_s, truth, used[clip] // 3) if used[clip] % 3 == 2 else None
        result.append(Piece(clip, start_s, crop))
        used[clip] += 1
    return result


def _close_up(clip: Path, start_s: float, truth: Truth, turn: int) -> tuple[float, float, float]:
    """Half of the frame's width about one of the persons there."""
    info = VideoReader(clip).info
    near = [r for r in truth[clip.stem] if start_s <= r[1] <= start_s + PIECE_S]
    names = sorted({r[0] for r in near})
    mine = [r for r in near if r[0] == names[turn % len(names)]] if names else []
    x, y = np.mean([r[2:] for r in mine], axis=0) if mine else (info.width_px / 2, 0.0)
    return float(x / info.width_px), float(y / info.height_px), 0.5


def join(path: Path, parts: list[Piece], truth: Truth) -> list[Row]:
    """Write a film, and tell who is where in it."""
    rows: list[Row] = []
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=Fraction(RATE_HZ).limit_denominator(1000))
        stream.width, stream.height = SIZE_WH
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        count = 0
        for part in parts:
            begins_s, span = count / RATE_HZ, None
            for frame in VideoReader(part.clip, rate_hz=RATE_HZ):
                if part.start_s <= frame.time_s < part.start_s + PIECE_S:
                    image, span = _placed(frame.rgb(), part.crop)
                    file.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
                    count += 1
            if span is not None:
                rows += _moved(part, truth[part.clip.stem], begins_s, span)
        file.mux(stream.encode())
    return rows


def _placed(rgb: Image, crop: tuple[float, float, float] | None) -> tuple[Image, Floats]:
    """A frame in the film's size with black bars, and scale and shift that lead there."""
    height, width = rgb.shape[:2]
    if crop is None:
        scale = min(SIZE_WH[0] / width, SIZE_WH[1] / height)
        centre = np.array([width, height]) / 2
    else:
        scale = SIZE_WH[0] / (crop[2] * width)
        centre = np.array([crop[0] * width, crop[1] * height + 0.1 * crop[2] * width])
    shift = np.array(SIZE_WH) / 2 - scale * centre
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(rgb, matrix, SIZE_WH, flags=how), np.uint8), matrix[:, [0, 2]]


def _moved(part: Piece, rows: list[Row], begins_s: float, matrix: Floats) -> list[Row]:
    scale, shift = max(matrix[0, 0], 1e-9), matrix[:, 1]
    return [
        (f"{part.clip.stem}/{who}", begins_s + time_s - part.start_s,
         scale * x + shift[0], scale * y + shift[1])
        for who, time_s, x, y in rows
        if part.start_s <= time_s < part.start_s + PIECE_S
    ]  # fmt: skip


def people(path: Path, rate_hz: float | None = None) -> Found:
    """Who is in a film."""
    reader = VideoReader(path, rate_hz=rate_hz)
    return find_people(mark_shots(reader), Settings().camera(reader.info))


def report(name: str, found: Found, rows: list[Row]) -> None:
    """Print identities against persons, and pairs of tracks."""
    who = {t.track_id: owner(t, rows) for t in found.tracks}
    named = [t for t in found.tracks if who[t.track_id] is not None]
    right = missed = false = 0
    for a, b in combinations(named, 2):
        same, joined = who[a.track_id] == who[b.track_id], a.person == b.person
        right += same and joined
        missed += same and not joined
        false += joined and not same
    mixed = sum(len(owners(t, rows)) > 1 for t in named)
    identities, persons = len({t.person for t in named}), len(set(who.values()) - {None})
    print(
        f"{name}: {identities} identities of {persons} persons; pairs of tracks right {right} "
        f"missed {missed} false {false}; {mixed} tracks show two; {len(found.persons)} in all",
        flush=True,
    )


def owners(track: Track, rows: Iterable[Row]) -> dict[str, int]:
    """Persons whom at least a tenth of the labelled rows of a track show."""
    result: dict[str, int] = {}
    listed = list(rows)
    for k in range(0, len(track), max(1, len(track) // 40)):
        name = whose(track.box_xyxy[k], float(track.time_s[k]), listed, most_s=0.25)
        if name is not None:
            result[name] = result.get(name, 0) + 1
    total = sum(result.values())
    return {name: n for name, n in result.items() if n >= 0.1 * total}


def owner(track: Track, rows: Iterable[Row]) -> str | None:
    """The person whom a track shows most."""
    result = owners(track, rows)
    return max(result, key=lambda name: result[name]) if result else None


if __name__ == "__main__":
    main()

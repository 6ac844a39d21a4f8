"""Preparing a data set of `layouts`: of each recording its images, and their directions.

`PERSON/RECORDING/` gets `FRAME.jpg` and `labels.npz` (frame, gaze, face_px, matrix, card). The same
command resumes; a damaged image costs itself, a recording that cannot be read costs itself.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.bounds import Jobs, Size, Whole
from eyeline.datasets import prepare
from eyeline.datasets.index import read_index
from eyeline.datasets.items import checked
from eyeline.datasets.prepare import LOCKS, Outcome, Summary
from eyeline.errors import DataError, check_shape
from eyeline.files import atomic_dir, write_bytes
from eyeline.geometry.directions import normalise
from eyeline.log import Log
from eyeline.results import Floats, Image
from eyeline.systems.gaze_3d.benchmarks.layouts import LAYOUTS, Sample

LABELS = "labels.npz"
VERSION = 1
_PLAIN = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
"""Names of recordings, of which some stand in files, are folders below `out`."""
SHAPES = {"frame": "n", "gaze": "n 3", "face_px": "n 2", "matrix": "n 3 3"}
"""Of what `labels.npz` holds."""


@dataclass(frozen=True)
class Settings:
    """How a data set is prepared."""

    data_set: str
    every: int
    longest_px: int


def _runs(name: str) -> Callable[..., Summary]:
    """The function that prepares one data set."""

    @checked
    def run(
        source: Path | str,
        out: Path | str,
        *,
        weights: Mapping[str, Path] | None = None,
        device: str = "cpu",
        log: Log | None = None,
        jobs: Jobs = 1,
        every: Whole = 0,
        longest_px: Size = 1280,
    ) -> Summary:
        """Prepare all recordings.

        Args:
            source: the folder as its authors publish it, or one above.
            out: folder to make.
            weights: none are needed.
            device: none is used.
            log: receives every recording.
            jobs: recordings worked on at the same time, a process each.
            every: take each how-manieth image of a recording; 0 for what the data set is used with.
            longest_px: longer side beyond which images are made smaller.

        Raises:
            DataError: no recording of this layout.
            OutputError: the folder cannot be written.
        """
        prepare.check_weights(weights, ())
        source, out = Path(source), Path(out)
        names = LAYOUTS[name].recordings(source)
        if not names:
            raise DataError(f"{source} holds no recording in the layout of {name}")
        if strange := [one for one in names if not _PLAIN.fullmatch(one)]:
            raise DataError(f"{source} names a recording '{strange[0]}', which can be no folder")
        settings = Settings(name, every or LAYOUTS[name].every, longest_px)
        work = [(recording, source, out, settings) for recording in names]
        outcomes = prepare.prepare_all(attempt, work, log, jobs=jobs)
        summary = Summary.of_counts("recordings", outcomes)
        summary.write(out)
        return summary

    return run


columbia, mpiifacegaze, gaze360, ethxgaze, eyediap = map(_runs, LAYOUTS)


def attempt(recording: str, source: Path, out: Path, settings: Settings) -> Outcome:
    """Prepare one recording below `out`, whole or not at all."""
    folder = out / recording

    def work() -> Outcome:
        if (folder / LABELS).is_file():
            return _kept(recording, folder, settings)
        with atomic_dir(folder) as place:
            counts = _into(place, recording, source, settings)
        return Outcome(recording, "done", counts=counts)

    return prepare.attempt(recording, work, out / LOCKS / f"{recording.replace('/', '__')}.lock")


def read_labels(folder: Path, recording: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays by `SHAPES` and the card of a prepared recording; DataError where it is none."""
    path = folder / LABELS
    arrays, card = read_index(path, f"recording {recording}", VERSION, (*SHAPES,))
    sizes: dict[str, int] = {}
    for name, pattern in SHAPES.items():
        sizes = check_shape(arrays[name], pattern, f"{path}: {name}", sizes)
    if not sizes["n"]:
        raise DataError(f"{path} has no rows")
    return arrays, card


def _kept(recording: str, folder: Path, settings: Settings) -> Outcome:
    arrays, card = read_labels(folder, recording)
    if card.get("settings") != asdict(settings):
        raise DataError(
            f"{folder} was prepared with {card.get('settings')}, not {asdict(settings)}: remove it "
            "or choose another folder to write"
        )
    return Outcome(recording, "kept", counts={"images": len(arrays["frame"])})


def _into(place: Path, recording: str, source: Path, settings: Settings) -> Counter[str]:
    """Images and labels of a recording; what became of its samples."""
    counts: Counter[str] = Counter(images=0)
    rows: list[tuple[int, Floats, Floats, Floats]] = []
    size: tuple[int, ...] = ()
    for number, sample in enumerate(LAYOUTS[settings.data_set].samples(source, recording)):
        if number % settings.every:
            continue
        if not np.linalg.norm(sample.gaze) > 1e-9:
            counts["without_direction"] += 1
            continue
        image = sample.image()
        if image is None or (size and image.shape != size):
            counts["damaged" if image is None else "of_another_size"] += 1
            continue
        size = image.shape
        small, row = _smaller(image, sample, settings.longest_px)
        _write_jpeg(place / f"{sample.frame:06d}.jpg", small)
        rows.append(row)
        counts["images"] += 1
    if not rows:
        raise DataError(f"none of its images can be used ({dict(counts)})")
    _write_labels(place / LABELS, rows, {"version": VERSION, "settings": asdict(settings)})
    return counts


def _smaller(
    image: Image, sample: Sample, longest_px: int
) -> tuple[Image, tuple[int, Floats, Floats, Floats]]:
    """The image at most so large, and the row of its labels in its pixels."""
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, longest_px / max(width, height))
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    matrix = np.diag([scale, scale, 1.0]) @ sample.matrix
    return image, (sample.frame, normalise(sample.gaze), sample.face_px * scale, matrix)


def _write_jpeg(path: Path, image: Image) -> None:
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, 95]
    data = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), options)[1]
    write_bytes(path, data.tobytes())


def _write_labels(path: Path, rows: list[Any], card: Mapping[str, Any]) -> None:
    columns: dict[str, Any] = dict(zip(SHAPES, map(np.array, zip(*rows, strict=True)), strict=True))
    with path.open("wb") as file:
        np.savez(file, **columns, card=np.array(json.dumps(card)))

"""One camera of the raw data set to a folder of body crops and their rows."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.datasets import prepare
from eyeline.datasets.prepare import Outcome, Status
from eyeline.documents import read_json
from eyeline.errors import DataError, EyelineError, OutputError
from eyeline.files import write_bytes, write_json
from eyeline.results import Floats, Image
from eyeline.systems.gaze_3d.inputs import HEAD_JOINTS, body_box_of, crop_body, head_box_of
from eyeline.systems.gaze_3d.raw import Annotation, RawCamera, numbered, read_annotation
from eyeline.systems.gaze_3d.recordings import ANNOTATION, Rows, write_rows

WORK = ".eyeline"
"""Holds locks and what is not finished."""
RECORD = "prepared.json"
"""In a camera's folder: how it was prepared, and what became of its frames."""

_EXAMPLES = 5


@dataclass(frozen=True)
class Settings:
    """How crops are made and kept."""

    degrade: bool = True
    """As of `inputs.crop_body`."""
    quality: int = 95
    """Of JPEG; 0 for PNG, which loses nothing and takes about ten times the room."""


@dataclass
class Skips:
    """Frames that were left out."""

    count: dict[str, int] = field(default_factory=dict)
    """By reason."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """The first few of each reason."""

    def add(self, reason: str, example: str) -> None:
        """Count one."""
        self.count[reason] = self.count.get(reason, 0) + 1
        named = self.examples.setdefault(reason, [])
        if len(named) < _EXAMPLES:
            named.append(example)


class _SkippedError(EyelineError):
    """A frame that is left out."""


def attempt(camera: RawCamera, out: Path, settings: Settings) -> Outcome:
    """Prepare one camera below `out`; what it can cause becomes an outcome.

    Finished crops of a run that was stopped are kept. The camera's folder appears when it is whole.
    """
    folder = out / camera.name
    place = out / WORK / camera.name.replace("/", "__")

    def work() -> Outcome:
        if (folder / ANNOTATION).is_file():
            return _kept(camera.name, folder, settings)
        if _read_record(place).get("settings") != asdict(settings):
            shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True, exist_ok=True)
        write_json(place / RECORD, {"settings": asdict(settings)})
        outcome = _into(camera, place, settings)
        if folder.exists():
            raise OutputError(f"{folder} is in the way: it lacks {ANNOTATION}; remove it")
        record = {"settings": asdict(settings), **outcome.row("recording", flat=True)}
        write_json(place / RECORD, record)
        folder.parent.mkdir(parents=True, exist_ok=True)
        place.rename(folder)
        return outcome

    return prepare.attempt(camera.name, work, place.with_name(f"{place.name}.lock"))


def _into(camera: RawCamera, place: Path, settings: Settings) -> Outcome:
    """Crops and rows of all frames that can be used."""
    annotation = read_annotation(camera.annotation)
    files, strange = numbered(path.name for path in camera.folder.iterdir())
    skips, kept = Skips(), []
    for odd in strange:
        skips.add("file name is no frame number, or one that there is already", odd)
    for number in [n for n in files if n >= len(annotation)]:
        skips.add("image beyond the annotation", files[number])
    for number in range(len(annotation)):
        name = files.get(number)
        try:
            kept.append(_frame(annotation, number, camera.folder, name, place, settings))
        except _SkippedError as reason:
            skips.add(str(reason), name or f"{number:06d}")
    if not kept:
        reasons = ", ".join(f"{reason} {count}" for reason, count in skips.count.items())
        raise DataError(f"none of its frames can be used: {reasons or 'there is none'}")
    write_rows(place / ANNOTATION, _rows(annotation, kept))
    return _outcome(camera.name, "done", len(kept), skips.count, skips.examples)


def _outcome(
    name: str,
    status: Status,
    frames: int,
    skipped: Mapping[str, int],
    examples: Mapping[str, list[str]],
) -> Outcome:
    words = (f"{count} skipped: {why}" for why, count in skipped.items())
    counts = {"frames": frames, "skipped": skipped, "examples": examples}
    return Outcome(name, status, ", ".join((f"{frames} frames", *words)), counts)


def _frame(
    annotation: Annotation,
    number: int,
    folder: Path,
    name: str | None,
    place: Path,
    settings: Settings,
) -> tuple[int, Floats, Floats]:
    """Number, head box and body box of a frame, whose crop is then in `place`."""
    head, body = _boxes(annotation.joints[number])
    for vectors in (annotation.gaze, annotation.head, annotation.body):
        length = np.linalg.norm(vectors[number])
        if not (np.isfinite(length) and length > 1e-6):
            raise _SkippedError("direction without length")
    if name is None:
        raise _SkippedError("no image")
    target = place / f"{number:06d}{'.jpg' if settings.quality else '.png'}"
    if not target.is_file():
        crop = crop_body(_image(folder / name, body), body, degrade=settings.degrade)
        write_bytes(target, _encoded(crop, settings.quality))
    return number, head, body


def _boxes(joints: Floats) -> tuple[Floats, Floats]:
    if not joints[list(HEAD_JOINTS)].any():
        raise _SkippedError("no joint of the head")
    try:
        head, body = head_box_of(joints), body_box_of(joints)
    except DataError:
        raise _SkippedError("no whole joint of the head") from None
    if not (body[2:] > 0).all():  # a head box may be empty, as of a neck alone: so is its mask
        raise _SkippedError("body box without extent")
    return head, body


def _image(path: Path, body: Floats) -> Image:
    """The image, `(h, w, 3)` RGB."""
    from PIL import Image as PillowImage

    try:
        with PillowImage.open(path) as image:
            width, height = image.size
            x, y, w, h = body
            if x >= width or y >= height or x + w <= 0 or y + h <= 0:
                raise _SkippedError("body box outside the image")
            return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, PillowImage.DecompressionBombError):
        raise _SkippedError("damaged image") from None


def _encoded(crop: Image, quality: int) -> bytes:
    import cv2

    kind, options = (".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality]) if quality else (".png", [])
    return cv2.imencode(kind, np.ascontiguousarray(crop[..., ::-1]), options)[1].tobytes()


def _rows(annotation: Annotation, kept: list[tuple[int, Floats, Floats]]) -> Rows:
    number = np.array([row[0] for row in kept], np.int64)

    def part(values: Floats) -> Floats:
        return values[number].astype(np.float32)

    return Rows(
        frame=number,
        joints=part(annotation.joints),
        head_box=np.array([row[1] for row in kept], np.float32),
        body_box=np.array([row[2] for row in kept], np.float32),
        gaze=part(annotation.gaze),
        head=part(annotation.head),
        body=part(annotation.body),
        head_position=part(annotation.head_position),
        body_position=part(annotation.body_position),
        rotation=annotation.rotation.astype(np.float32),
        position=annotation.position.astype(np.float32),
    )


def _kept(name: str, folder: Path, settings: Settings) -> Outcome:
    """A camera that is there already, if it was prepared in the same way."""
    old = _read_record(folder)
    if not old:
        return Outcome(name, "kept", "without a record of how it was prepared")
    if old.get("settings") != asdict(settings):
        raise DataError(
            f"{folder} was prepared with {old.get('settings')}, not {asdict(settings)}: remove it "
            "or choose another folder to write"
        )
    skipped, examples = old.get("skipped", {}), old.get("examples", {})
    return _outcome(name, "kept", int(old.get("frames", 0)), skipped, examples)


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        content = read_json(folder / RECORD)
    except DataError:
        return {}
    return content if isinstance(content, dict) else {}

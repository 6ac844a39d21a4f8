"""One video after the other, or several in processes of their own, each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from eyeline.datasets import prepare
from eyeline.datasets.prepare import Outcome, SkippedError, Status
from eyeline.documents import read_json
from eyeline.errors import DataError
from eyeline.files import write_bytes
from eyeline.systems.eye_contact.annotations import RATE_HZ
from eyeline.systems.eye_contact.discovery.bodies import make_bodies
from eyeline.systems.eye_contact.discovery.extract import Instruments, extract
from eyeline.systems.eye_contact.discovery.faces import make_finder
from eyeline.systems.eye_contact.discovery.identity import (
    Person,
    read_references,
    references_of_images,
    references_of_video,
    references_path,
    write_references,
)
from eyeline.systems.eye_contact.discovery.places import RECORD, WORK, VideoName, whole_folder
from eyeline.systems.eye_contact.discovery.plan import Plan, Progress
from eyeline.systems.eye_contact.discovery.sources import Source
from eyeline.systems.eye_contact.discovery.tables import FIXATIONS
from eyeline.systems.eye_contact.tracklets import SUFFIX


@dataclass(frozen=True)
class Worker:
    """Prepares videos one by one; what it measures with is loaded when first needed."""

    plan: Plan

    def attempt(self, source: Source, progress: Progress | None = None) -> Outcome:
        """One video; what its file or folder can cause becomes an outcome."""
        name = source.name
        lock = self.plan.out / WORK / f"{name.celebrity}_{name.video}.lock"
        return prepare.attempt(str(name), lambda: self._prepare(source, progress), lock, tidy=True)

    @cached_property
    def instruments(self) -> Instruments:
        """What is measured with."""
        from eyeline.people.embed import Embedder
        from eyeline.systems.eye_contact.xgaze.features import GazeFeatures

        plan, choices = self.plan, self.plan.choices
        return Instruments(
            finder=make_finder(choices.detector),
            embedder=Embedder(),
            gaze=GazeFeatures.open(plan.gaze_weights, plan.device, threads=plan.threads),
            bodies=make_bodies(choices.bodies, plan.body_weights, plan.device),
            association=choices.association,
            save_last=choices.save_last,
            save_breaking=choices.save_breaking,
            refresh_frames=choices.refresh_frames,
            memory_frames=choices.memory_frames,
        )

    def _prepare(self, source: Source, progress: Progress | None) -> Outcome:
        name, folder = source.name, source.name.folder(self.plan.out)
        if (folder / FIXATIONS).is_file():
            return _kept(name, folder, self.plan.settings())
        _check_length(source.path, self.plan.choices.seconds)
        with whole_folder(self.plan.out, name) as place:
            return self._into(source, place, progress)

    def _into(self, source: Source, place: Path, progress: Progress | None) -> Outcome:
        """Fill an empty folder with what a video gives."""
        name, path = source.name, self._converted(source)
        person = self._person(source, path)
        if person is None:
            raise SkippedError("no face was found in it")
        result = extract(path, place, person, self.instruments, _progress_of(progress, name))
        record = {
            "source": source.path.name,
            "settings": self.plan.settings(),
            "identity": person.source,
            "known_faces": len(person.references),
            **vars(result),
        }
        write_bytes(place / RECORD, (json.dumps(record, indent=2) + "\n").encode())
        return _outcome(name, "done", result.tracklets, result.gaze_points, result.damage)

    def _converted(self, source: Source) -> Path:
        """The file to read: converted to 25 Hz first where that was asked for."""
        if not self.plan.convert:
            return source.path
        from eyeline.video.constant import convert_to_25_fps

        name = source.name
        target = self.plan.out / name.celebrity / f"{name.video}{SUFFIX}.mkv"
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            convert_to_25_fps(source.path, target)
        return target

    def _person(self, source: Source, path: Path) -> Person | None:
        """Whom to look for: by file, by images, or else the face most seen; None without any."""
        least, tools = self.plan.choices.least_similarity, self.instruments
        file = references_path(self.plan.out, source.name.celebrity)
        if not file.is_file() and source.images is not None:
            write_references(
                file, references_of_images(source.images, tools.finder, tools.embedder)
            )
        if file.is_file():
            return Person(read_references(file), "images", least)
        seen = references_of_video(path, tools.finder, tools.embedder)
        return Person(seen, "video", least) if len(seen) else None


def prepare_video(plan: Plan, source: Source, progress: Progress | None = None) -> Outcome:
    """One video, by the process's own worker."""
    return _worker(plan).attempt(source, progress)


@cache
def _worker(plan: Plan) -> Worker:
    return Worker(plan)


def _kept(name: VideoName, folder: Path, settings: dict[str, Any]) -> Outcome:
    """A video that is there already, if it was prepared in the same way."""
    record = _record(folder / RECORD)
    if record is None:
        return Outcome(str(name), "kept", "without a record of how it was prepared")
    old, new = record["settings"], json.loads(json.dumps(settings))
    if old != new:
        differ = [f"{k} was {old.get(k)!r}, is {v!r}" for k, v in new.items() if old.get(k) != v]
        raise DataError(
            f"{folder} was prepared in another way ({'; '.join(differ)}): "
            "remove it or choose another folder to write"
        )
    return _outcome(name, "kept", int(record["tracklets"]), int(record["gaze_points"]))


def _record(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        record = read_json(path)
        return {key: record[key] for key in ("settings", "tracklets", "gaze_points")}
    except (DataError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged: remove the video's folder") from error


def _check_length(path: Path, seconds: tuple[float, float]) -> None:
    from eyeline.video.reader import probe

    length = int(probe(path).duration_s * RATE_HZ + 1e-6) // RATE_HZ
    if not seconds[0] <= length <= seconds[1]:
        raise SkippedError(f"{length} s long; {seconds[0]:g} to {seconds[1]:g} s are used")


def _outcome(
    name: VideoName, status: Status, tracklets: int, gaze_points: int, damage: Sequence[str] = ()
) -> Outcome:
    words = "; ".join((f"{tracklets} tracklets, {gaze_points} gaze points", *damage))
    counts = {"tracklets": tracklets, "gaze_points": gaze_points}
    return Outcome(str(name), status, words, counts)


def _progress_of(progress: Progress | None, name: VideoName) -> Any:
    if progress is None:
        return None
    return lambda done_s, there_s: progress(str(name), done_s, there_s)

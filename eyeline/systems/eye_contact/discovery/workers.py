"""One video after the other, or several in processes of their own, each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from eyeline.datasets import prepare
from eyeline.datasets.prepare import Outcome, SkippedError, Status
from eyeline.documents import read_json
from eyeline.errors import DataError, UsageError
from eyeline.files import sha256, write_bytes
from eyeline.people.methods import DETECTORS
from eyeline.systems.eye_contact.annotations import RATE_HZ
from eyeline.systems.eye_contact.discovery import identity
from eyeline.systems.eye_contact.discovery.bodies import ESTIMATORS, make_bodies
from eyeline.systems.eye_contact.discovery.extract import Instruments, extract
from eyeline.systems.eye_contact.discovery.faces import make_finder
from eyeline.systems.eye_contact.discovery.formation import (
    ASSOCIATIONS,
    MEMORY_FRAMES,
    REFRESH_FRAMES,
    Association,
)
from eyeline.systems.eye_contact.discovery.gaze_points import FIXATIONS
from eyeline.systems.eye_contact.discovery.identity import LEAST_COSINE, Person
from eyeline.systems.eye_contact.discovery.pseudo_labels import SECONDS
from eyeline.systems.eye_contact.discovery.sources import (
    RECORD,
    WORK,
    Source,
    VideoName,
    whole_folder,
)
from eyeline.systems.eye_contact.tracklets import SUFFIX

Progress = Callable[[str, float, float], None]
"""Called with a video's name, the seconds of it done and the seconds there are."""

NO_WEIGHTS = (
    "preparing videos needs the weights of xgaze_resnet50; import the authors' checkpoint first: "
    "eyeline import eye_contact FILE -o OUT"
)


@dataclass(frozen=True)
class Choices:
    """How videos are measured; all of it stands in each video's `prepared.json`."""

    detector: str = "centerface"
    """One of `people.methods.DETECTORS`."""
    bodies: str = "torso_from_head"
    """One of `bodies.ESTIMATORS`."""
    association: Association = "centre"
    least_similarity: float = LEAST_COSINE
    refresh_frames: int = REFRESH_FRAMES
    memory_frames: int = MEMORY_FRAMES
    save_last: bool = False
    save_breaking: bool = False
    seconds: tuple[float, float] = SECONDS
    """Shortest and longest video that is prepared, whole seconds."""

    def __post_init__(self) -> None:
        for what, name, known in (
            ("detector", self.detector, DETECTORS),
            ("body estimator", self.bodies, ESTIMATORS),
            ("association", self.association, ASSOCIATIONS),
        ):
            if name not in known:
                raise UsageError(f"no {what} '{name}'; there are {', '.join(known)}")


@dataclass(frozen=True)
class Plan:
    """What each process needs to know."""

    out: Path
    choices: Choices
    gaze_weights: Path
    gaze_sha256: str
    body_weights: Path | None = None
    images: Path | None = None
    device: str = "cpu"
    convert: bool = False
    threads: int = 2

    def settings(self) -> dict[str, Any]:
        """What the results depend on, as JSON has it."""
        settings = asdict(self.choices) | {
            "gaze_sha256": self.gaze_sha256,
            "body_sha256": sha256(self.body_weights) if self.body_weights else None,
            "images": self.images is not None,
        }
        return dict(json.loads(json.dumps(settings)))


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
        from eyeline.systems.eye_contact.xgaze.running import GazeFeatures

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
        from eyeline.video.reader import probe

        name, folder = source.name, source.name.folder(self.plan.out)
        if (folder / FIXATIONS).is_file():
            return _kept(name, folder, self.plan.settings())
        least, most = self.plan.choices.seconds
        length = int(probe(source.path).duration_s * RATE_HZ + 1e-6) // RATE_HZ
        if not least <= length <= most:
            raise SkippedError(f"{length} s long; {least:g} to {most:g} s are used")
        with whole_folder(self.plan.out, name) as place:
            return self._into(source, place, progress)

    def _into(self, source: Source, place: Path, progress: Progress | None) -> Outcome:
        """Fill an empty folder with what a video gives."""
        name, path = source.name, self._converted(source)
        person = self._person(source, path)
        if person is None:
            raise SkippedError("no face was found in it")

        def report(done_s: float, there_s: float) -> None:
            if progress:
                progress(str(name), done_s, there_s)

        result = extract(path, place, person, self.instruments, report)
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
        """The file to read: converted to 25 Hz first where that is set."""
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
        file = identity.references_path(self.plan.out, source.name.celebrity)
        if not file.is_file() and source.images is not None:
            known = identity.references_of_images(source.images, tools.finder, tools.embedder)
            identity.write_references(file, known)
        if file.is_file():
            return Person(identity.read_references(file), "images", least)
        seen = identity.references_of_video(path, tools.finder, tools.embedder)
        return Person(seen, "video", least) if len(seen) else None


def prepare_video(plan: Plan, source: Source, progress: Progress | None = None) -> Outcome:
    """One video, by the process's own worker."""
    return _worker(plan).attempt(source, progress)


@cache
def _worker(plan: Plan) -> Worker:
    return Worker(plan)


def _kept(name: VideoName, folder: Path, settings: dict[str, Any]) -> Outcome:
    """A video that is there already, if it was prepared in the same way."""
    path = folder / RECORD
    if not path.is_file():
        return Outcome(str(name), "kept", "without a record of how it was prepared")
    try:
        record = read_json(path)
        old, counts = record["settings"], (int(record["tracklets"]), int(record["gaze_points"]))
    except (DataError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged: remove the video's folder") from error
    if old != settings:
        pairs = [
            f"{k} was {old.get(k)!r}, is {v!r}" for k, v in settings.items() if old.get(k) != v
        ]
        raise DataError(
            f"{folder} was prepared in another way ({'; '.join(pairs)}): "
            "remove it or choose another folder to write"
        )
    return _outcome(name, "kept", *counts)


def _outcome(
    name: VideoName, status: Status, tracklets: int, gaze_points: int, damage: Sequence[str] = ()
) -> Outcome:
    words = "; ".join((f"{tracklets} tracklets, {gaze_points} gaze points", *damage))
    counts = {"tracklets": tracklets, "gaze_points": gaze_points}
    return Outcome(str(name), status, words, counts)

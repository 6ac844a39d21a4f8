"""What the user may choose for an analysis, checked at once, and the fingerprint of a choice."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from eyeline import builder_options
from eyeline.errors import UsageError
from eyeline.export.exporters import COVERABLE, EXPORTERS, FORMATS, KINDS, VOICES, wanted
from eyeline.extras import lacking, needed_by
from eyeline.files import sha256
from eyeline.geometry.camera import ASSUMED_FOV_DEG, Camera
from eyeline.models import GivenWeights
from eyeline.people.lying import TURNS_DEG
from eyeline.people.methods import DETECTORS, TRACKERS
from eyeline.results import Part, VideoInfo
from eyeline.runtimes.manifest import is_exported
from eyeline.runtimes.run import RUNTIMES, Runtime, runtime_of
from eyeline.speech.methods import SPEAKERS, default_speaker
from eyeline.system import Builder, System, list_systems, load_system


@dataclass(frozen=True)
class Settings:
    """The choices behind one analysis."""

    systems: tuple[str, ...] = ()
    """Names as `system` or `system/builder`; none means every system that fits."""
    rate_hz: float | None = None
    """Analysed frames a second, None for all frames."""
    ego: bool = False
    """Whether the camera is head-worn."""
    fov_deg: float | None = None
    """Field of view along the longer side of the image; None assumes
    `geometry.camera.ASSUMED_FOV_DEG`."""
    intrinsics: tuple[float, float, float, float] | None = None
    """fx, fy, cx, cy in pixels of the upright image, instead of a field of view."""
    video_track: int | None = None
    """Number, from 1, of the video track; None takes the one that a player would choose."""
    audio_track: int | None = None
    """Likewise of the audio track; None passes over tracks that are silent."""
    turn_deg: int | None = None
    """Clockwise turn of the frames beyond what the file says, one of `TURNS_DEG`; None turns none,
    but looks whether the video lies on its side."""
    boxes: str | None = None
    """File of face boxes to use instead of detecting faces; only for a single video."""
    bodies: str | None = None
    """File of boxes of whole persons, seen from any side, instead of `boxes`; only for a single
    video."""
    detector: str = "centerface"
    """How to find faces, one of `people.methods.DETECTORS`."""
    detector_weights: str | None = None
    """For `persons`: file or name as of `people.person_networks.find_weights`."""
    tracker: str = "ours"
    """How to follow them, one of `people.methods.TRACKERS`."""
    iou: float | None = None
    """Least overlap of a face and its track, for a tracker that takes one."""
    speaker: str = field(default_factory=default_speaker)
    """How to tell who speaks, one of `speech.methods.SPEAKERS`."""
    speaker_weights: str | None = None
    """File of weights for those with a network; None takes the one in the folder of weights."""
    weights: tuple[str, ...] = ()
    """Files of weights that `eyeline train` or `eyeline import` wrote; each says whose it is."""
    options: tuple[str, ...] = ()
    """`system.option=value` or `system/builder.option=value`, for builders with given weights."""
    device: str = "cpu"
    """Where networks with given weights run: `cpu`, `cuda` or `cuda:N`."""
    runtime: Runtime | None = None
    """What runs them; by default torch, or for exported files what their format suggests."""
    parts: tuple[Part, ...] = ()
    """Parts of the video to analyse, in order of time and without overlap; none means all of it."""
    anonymise: str | None = None
    """What is covered in every image that is written: one of `export.covers.COVERABLE`."""
    cover: str | None = None
    """With what: one of `export.covers.KINDS`, the first by default."""
    voice: str | None = None
    """What becomes of the audio of anonymised copies: `pitched`, by default, or `none`."""
    plain: bool = False
    """Whether to write an anonymised copy on which nothing is drawn."""
    video: bool = True
    """Whether to write the annotated video."""
    rerun: bool = False
    """Whether to write a scene for the Rerun viewer; needs rerun-sdk."""
    formats: tuple[str, ...] = ()
    """Further files to write, by the names of `exporters.FORMATS`."""

    def __post_init__(self) -> None:
        """Check every choice; UsageError names all that cannot be."""
        wrong = [problem for problem in self._problems() if problem]
        if wrong:
            raise UsageError("; ".join(wrong))
        self.detector_file()  # looked for before any work
        picked, given = self.builders, self._given
        wrong = given.unused((system, builder) for system, _, builder in picked)
        wrong += builder_options.unused(self.options, picked)
        if wrong:
            raise UsageError("; ".join(wrong))
        for one in picked:
            self.options_of(*one)
        if self.runtime and not any(self._runtime_of(s, b) for s, _, b in picked):
            raise UsageError(
                f"--runtime {self.runtime}: none of the chosen builders runs a network of --weights"
            )
        files = [path for s, _, b in picked for path in given.of(s, b).values()]
        speaks = self.device != "cpu" and SPEAKERS[self.speaker].on_device
        if speaks or not all(map(is_exported, files)):  # runtimes know their own devices
            from eyeline.training.devices import check_device

            with needed_by("a network with given weights"):
                check_device(self.device)

    def weights_of(self, system: System, builder: Builder) -> dict[str, Path]:
        """The weights files of a builder's networks; none for one that uses its own."""
        return self._given.of(system, builder)

    def options_of(self, system: System, name: str, builder: Builder) -> dict[str, Any]:
        """The options of a chosen builder; UsageError for one that it does not take."""
        options = builder_options.read(self.options, system, name, builder)
        return options | self._runtime_of(system, builder)

    def _runtime_of(self, system: System, builder: Builder) -> dict[str, Any]:
        """The runtime as a builder's option, where it runs files of networks.

        Raises:
            UsageError: a file that the runtime, or the builder, does not run.
        """
        files = self.weights_of(system, builder).values()
        if builder.from_weights is None or not files:
            return {}
        if "runtime" not in inspect.signature(builder.from_weights).parameters:
            if odd := next(filter(is_exported, files), None):
                raise UsageError(
                    f"{odd} is exported, for other programs; {system.name}/"
                    f"{builder.method.builder} computes by itself: give the .safetensors file"
                )
            return {}
        for path in files:
            runtime_of(path, self.runtime)
        return {"runtime": self.runtime} if self.runtime else {}

    @cached_property
    def content(self) -> dict[str, Any]:
        """`to_json`, made once: it reads all the files that are named."""
        return self.to_json()

    @cached_property
    def builders(self) -> list[tuple[System, str, Builder]]:
        """The builders to run, see `chosen`."""
        return chosen(self.systems, self.ego, self._given)

    @cached_property
    def _given(self) -> GivenWeights:
        return GivenWeights.read(self.weights)

    def detector_file(self) -> Path | None:
        """The detector's file of weights, None for one that needs none.

        Raises:
            UsageError, CheckpointError: it needs one and there is none.
        """
        find = DETECTORS[self.detector].weights
        return find(self.detector_weights) if find else None

    def speaker_file(self) -> Path | None:
        """The file of weights of the way to tell who speaks, None for one that needs none."""
        return SPEAKERS[self.speaker].file(self.speaker_weights)

    def _problems(self) -> list[str | None]:
        def unless(right: bool, problem: str) -> str | None:
            return None if right else problem

        fov, rate = self.fov_deg, self.rate_hz
        with_iou = [name for name, tracker in TRACKERS.items() if tracker.least_iou is not None]
        with_file = [name for name, detector in DETECTORS.items() if detector.weights]
        usual = next(iter(DETECTORS)), next(iter(TRACKERS))
        return [
            unless(
                rate is None or 0 < rate <= 1000,
                f"--rate {rate} is not between 0 and 1000 frames a second",
            ),
            *(
                unless(track is None or track >= 1, f"--{kind}-track {track}; must be at least 1")
                for kind, track in (("video", self.video_track), ("audio", self.audio_track))
            ),
            unless(
                self.turn_deg is None or self.turn_deg in TURNS_DEG,
                f"--turn {self.turn_deg}; must be 0, 90, 180 or 270 degrees clockwise",
            ),
            unless(fov is None or 1 <= fov < 179, f"--fov {fov} is not between 1 and 179 degrees"),
            unless(fov is None or self.intrinsics is None, "give --fov or --intrinsics, not both"),
            unless(
                self.intrinsics is None or min(self.intrinsics[:2]) > 0,
                f"--intrinsics {self.intrinsics}: focal lengths must be greater than 0",
            ),
            *(
                unless(name in table, f"no {kind} '{name}'; there are {', '.join(table)}")
                for kind, name, table in (
                    ("detector", self.detector, DETECTORS),
                    ("tracker", self.tracker, TRACKERS),
                    ("speaker method", self.speaker, SPEAKERS),
                )
            ),
            unless(
                self.iou is None or 0 <= self.iou < 1,
                f"--iou {self.iou}; must be at least 0 and below 1",
            ),
            unless(
                self.iou is None or self.tracker in with_iou,
                f"--iou belongs to --tracker {' or '.join(with_iou)}",
            ),
            unless(
                (self.boxes or self.bodies) is None or (self.detector, self.tracker) == usual,
                f"--{'boxes' if self.boxes else 'bodies'} replace detection: leave out --detector "
                "and --tracker",
            ),
            *self._privacy_problems(),
            unless(self.boxes is None or self.bodies is None, "give --boxes or --bodies, not both"),
            unless(
                self.detector in with_file or self.detector_weights is None,
                f"--detector-weights belong to --detector {' or '.join(with_file)}",
            ),
            *self._speaker_problems(),
            *(
                lacking(f"--{option} {name}", *table[name].modules)
                for option, name, table in (
                    ("detector", self.detector, DETECTORS),
                    ("speaker", self.speaker, SPEAKERS),
                )
                if name in table
            ),
            *(
                lacking(f"--{e.option}{f' {name}' if name in FORMATS else ''}", e.module)
                for name, e in EXPORTERS.items()
                if e.module and wanted(name, self)
            ),
            *(
                unless(name in FORMATS, f"no format '{name}'; there are {', '.join(FORMATS)}")
                for name in self.formats
            ),
            unless(
                self.runtime is None or self.runtime in RUNTIMES,
                f"no runtime '{self.runtime}'; there are {', '.join(RUNTIMES)}",
            ),
            _missing(self.boxes, "--boxes"),
            _missing(self.bodies, "--bodies"),
            _missing(self.speaker_weights, "--speaker-weights"),
            *(_missing(path, "--weights") for path in self.weights),
        ]

    def _privacy_problems(self) -> list[str | None]:
        choices = {
            "anonymise": (self.anonymise, COVERABLE),
            "cover": (self.cover, KINDS),
            "voice": (self.voice, VOICES),
        }
        wrong: list[str | None] = [
            f"--{option} {value}; must be one of {', '.join(known)}"
            for option, (value, known) in choices.items()
            if value is not None and value not in known
        ]
        given = {"cover": self.cover, "voice": self.voice, "plain": self.plain}
        if self.anonymise is None:
            wrong += [f"--{option} belongs to --anonymise" for option, on in given.items() if on]
        return wrong

    def _speaker_problems(self) -> list[str | None]:
        entry, given = SPEAKERS.get(self.speaker), self.speaker_weights is not None
        if entry is None or (entry.file(self.speaker_weights) is not None) == bool(entry.needs):
            return []
        if not given:
            how = "or bring it by `eyeline download`, which lists what there is"
            return [f"--speaker {self.speaker} needs --speaker-weights FILE: {entry.needs}; {how}"]
        takers = [name for name, other in SPEAKERS.items() if other.needs]
        return [f"--speaker-weights belong to --speaker {' or '.join(takers)}"]

    def camera(self, video: VideoInfo) -> Camera:
        """The camera of a video, as told or assumed."""
        if self.intrinsics is not None:
            return Camera(*self.intrinsics)
        return Camera.from_fov(video.width_px, video.height_px, self.fov_deg or ASSUMED_FOV_DEG)

    def _privacy(self) -> dict[str, Any]:
        if self.anonymise is None:
            return {}
        chosen = {"cover": self.cover or KINDS[0], "voice": self.voice or VOICES[0]}
        return {"anonymise": self.anonymise, **chosen, "plain": self.plain}

    def to_json(self) -> dict[str, Any]:
        """The choices, all defaults resolved, and files by their content, not by where they lie."""
        file, speaker_file = self.detector_file(), self.speaker_file()
        return {
            "systems": [f"{system.name}/{name}" for system, name, _ in self.builders],
            "rate_hz": self.rate_hz,
            "ego": self.ego,
            "fov_deg": None if self.intrinsics else self.fov_deg or ASSUMED_FOV_DEG,
            "fov_assumed": self.fov_deg is None and self.intrinsics is None,
            "intrinsics": list(self.intrinsics) if self.intrinsics else None,
            "video_track": self.video_track,
            "audio_track": self.audio_track,
            "turn_deg": self.turn_deg,
            "boxes_sha256": file_sha256(Path(self.boxes)) if self.boxes else None,
            "bodies_sha256": file_sha256(Path(self.bodies)) if self.bodies else None,
            "detector": self.detector,
            "detector_weights_sha256": file_sha256(file) if file else None,
            "tracker": self.tracker,
            **({"iou": self.iou} if self.iou is not None else {}),
            "speaker": self.speaker,
            "speaker_weights_sha256": file_sha256(speaker_file) if speaker_file else None,
            "weights_sha256": {
                f"{system.name}/{network}": file_sha256(path)
                for system, _, builder in self.builders
                for network, path in self.weights_of(system, builder).items()
            },
            **({"options": sorted(self.options)} if self.options else {}),
            **({"parts": [_plain(part) for part in self.parts]} if self.parts else {}),
            **self._privacy(),
            "device": self.device,
            **({"runtime": self.runtime} if self.runtime else {}),
            "video": self.video,
            "rerun": self.rerun,
            **({"formats": sorted(self.formats)} if self.formats else {}),
        }


def _plain(part: Part) -> dict[str, Any]:
    """A part for JSON, which knows no infinity: the end of a video is null."""
    return asdict(part) | {"end_s": None if part.end_s == math.inf else part.end_s}


def _missing(path: str | None, option: str) -> str | None:
    return (
        f"{option} {path}: no such file" if path is not None and not Path(path).is_file() else None
    )


GAZE = "gaze"
"""The directions that builders with `Needs.gaze` build on."""


def chosen(
    systems: Sequence[str], ego: bool, weights: GivenWeights | None = None
) -> list[tuple[System, str, Builder]]:
    """The builders to run, in an order in which each finds what it needs.

    Args:
        systems: names as `system` or `system/builder`, published names too; none means every
            system that fits. Of several builders that answer `gaze` the first named is the one
            that the other systems build on.
        ego: whether the camera is head-worn.
        weights: files of the user's, for systems whose default builder needs some.

    Raises:
        UsageError: no such system or builder, or a builder that needs a head-worn camera.
    """
    named = _named(systems, ego, weights or GivenWeights({}))
    systems_of = ((load_system(system), name) for system, name in dict.fromkeys(named))
    picked = [(system, name, _builder(system, name)) for system, name in systems_of]
    for system, _, builder in picked:
        if builder.needs.ego and not ego:
            raise UsageError(f"{system.name} is about a head-worn camera; add --ego")
    gazing = [one for one in picked if GAZE in one[2].answers]
    if not gazing and any(builder.needs.gaze for _, _, builder in picked):
        default = ((s, s.default, s.builders[s.default]) for s in list_systems())
        gazing = [next(one for one in default if GAZE in one[2].answers and one[2].embedded)]
    others = [one for one in picked if one not in gazing]
    return gazing + sorted(others, key=lambda one: (one[2].needs.gaze, one[0].name, one[1]))


def _named(systems: Sequence[str], ego: bool, weights: GivenWeights) -> Iterator[tuple[str, str]]:
    """Names of systems and builders."""
    fitting = [s for s in list_systems() if _fits(s, s.builders[s.default], ego, weights)]
    for text in systems or [system.name for system in fitting]:
        chosen, _, builder = text.partition("/")
        system = load_system(chosen)
        for name in (builder,) if builder else (system.default, *system.beside):
            yield system.name, name


def _fits(system: System, default: Builder, ego: bool, weights: GivenWeights) -> bool:
    ready = default.embedded or bool(default.networks and weights.there(system, default))
    return ready and (ego or not default.needs.ego)


def _builder(system: System, name: str) -> Builder:
    if name not in system.builders:
        raise UsageError(
            f"{system.name} has no builder '{name}'; it has: {', '.join(system.builders)}"
        )
    return system.builders[name]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content; UsageError if it cannot be read."""
    try:
        return sha256(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def fingerprint(settings: Settings, video_sha256: str, version: str) -> str:
    """What tells one job from another: the video's content, the choices and eyeline's version."""
    content = {
        "settings": settings.content,
        "video_sha256": video_sha256,
        "eyeline": version,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

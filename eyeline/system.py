"""The card that a system fills in, the scene that it is shown, and the registry: the directory."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from eyeline.errors import UsageError
from eyeline.extras import needed_by
from eyeline.geometry.camera import Camera
from eyeline.log import Log
from eyeline.people.tracks import Track
from eyeline.results import Answer, Directions, Image, Label, Method, Scores, VideoInfo

if TYPE_CHECKING:
    from torch import nn

    from eyeline.people.targets.model import Looks
    from eyeline.training.checkpoint import Imported
    from eyeline.training.devices import Devices
    from eyeline.video.audio import AudioBlock
    from eyeline.video.reader import Frame


class Listening(Protocol):
    """A fresh pass over a video's audio."""

    def __call__(self, rate_hz: int = 16_000, /) -> Iterator[AudioBlock]:
        """Blocks at a rate, mono, on the video's clock."""


@dataclass(frozen=True)
class Scene:
    """What a system is shown of one video: people, audio and the answers it may build on."""

    video: VideoInfo
    camera: Camera
    tracks: Sequence[Track]
    """All tracks with identities, smoothed; by person, then time."""
    gaze: Directions | None = None
    """Directions of the chosen `gaze_3d` builder, rows in the order of the tracks; for systems with
    `Needs.gaze`."""
    speaking: Scores | None = None
    """Who speaks, rows in the order of the tracks; None for a video without audio."""
    ego: bool = False
    """Whether the camera is head-worn."""
    frames: Callable[[], Iterator[Frame]] | None = None
    """A fresh pass over the analysed frames, for networks that look at pixels."""
    audio: Listening | None = None
    """A fresh pass over the audio, at 16 kHz or another rate, on the video's clock, for networks
    that hear; None for a video without audio."""

    @cached_property
    def looks(self) -> Sequence[Looks]:
        """Whom or what each track looks at: one model for every system that asks; needs `gaze`."""
        from eyeline.people.targets.model import look

        assert self.gaze is not None, "targets need directions"
        return look(self.tracks, self.gaze, self.speaking, self.camera)


class Predictor(Protocol):
    """A system's builder, ready to answer."""

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """All answers about one scene, deterministic."""


@dataclass(frozen=True)
class Needs:
    """What a builder must be given."""

    people: bool = True
    audio: bool = False
    """Answers nothing without audio."""
    hears: bool = False
    """Takes audio into account, and silence for a video without."""
    gaze: bool = False
    """Builds on the directions called `gaze` of another builder."""
    ego: bool = False
    """Makes sense only for a head-worn camera."""
    rate_hz: float | None = None
    """The frame rate it was trained at."""


Report: TypeAlias = Mapping[str, object]
"""Scores by name, ready for JSON; those called as in `System.report_keys` are printed."""


class Summary(Protocol):
    """What became of a data set."""

    @property
    def failed(self) -> Collection[object]:
        """What could not be done; not empty is exit code 1."""

    def as_dict(self) -> Mapping[str, object]:
        """Ready for JSON."""


class Network(Protocol):
    """Makes a network from its saved arguments."""

    def __call__(self, *args: Any, **arguments: Any) -> nn.Module:
        """In training mode, with random weights."""


class FromWeights(Protocol):
    """Makes a predictor from files; what else it takes by name are options of the user's."""

    def __call__(self, files: Mapping[str, Path], device: str, /) -> Predictor:
        """Of the files by network; a predictor may say in `how` what it made of them."""


class Prepare(Protocol):
    """Makes a data set ready for training; like all that follow it may take more by name."""

    def __call__(
        self,
        source: Path,
        out: Path,
        /,
        *,
        weights: Mapping[str, Path] | None = None,
        device: str = "cpu",
        log: Log | None = None,
    ) -> Summary:
        """From the folder as downloaded into the folder to make, with networks by name."""


class Convert(Protocol):
    """Converts a file of the authors to a plain table, or the other way round."""

    def __call__(self, source: Path, out: Path, /) -> Mapping[str, object]:
        """What was converted."""


class Train(Protocol):
    """Trains a recipe; the same call resumes."""

    def __call__(
        self,
        recipe: Path | str | Mapping[str, Any],
        data: Path | str,
        out: Path | str,
        log: Log | None = None,
        /,
        *,
        changes: Sequence[str] = (),
        devices: Devices | None = None,
        weights: Path | None = None,
    ) -> Report:
        """Weights and report of a prepared data set, in the folder `out`."""


class Evaluate(Protocol):
    """Scores weights; with an option `devices` in several processes."""

    def __call__(
        self,
        weights: Path,
        data: Path,
        out: Path | None = None,
        log: Log | None = None,
        device: str = "cpu",
        /,
    ) -> Report:
        """The report; it is written into `out` with the predictions."""


class Benchmark(Protocol):
    """Scores any builder of a system on a data set that it was not made for."""

    def __call__(
        self,
        weights: Path | None,
        data: Path,
        out: Path | None = None,
        log: Log | None = None,
        device: str = "cpu",
        /,
    ) -> Report:
        """The report; weights are those of the builder, if it needs some."""


class Score(Protocol):
    """Scores predictions against truth, without a network."""

    def __call__(self, predictions: Path, truth: Path, /, *, log: Log | None = None) -> Report:
        """The report."""


class Synthesize(Protocol):
    """Renders a tiny data set in the original layout."""

    def __call__(self, out: Path, /, *, seed: int = 0) -> object:
        """Counts, ready for JSON."""


@dataclass(frozen=True)
class Clip:
    """Drawn frames one after the other."""

    frames: Callable[[], Iterator[Image]]
    count: int
    rate_hz: Fraction
    audio: Path | None = None
    """A file whose audio goes along."""
    start_s: float = 0.0
    """Stamp of the first frame on that file's clock."""


@dataclass(frozen=True)
class Drawing:
    """An item of a data set, ready to be drawn."""

    item: str
    still: Callable[[], Image]
    """The moment that shows most."""
    clip: Clip | None = None
    """None of an item without time."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is printed beside."""


class Show(Protocol):
    """Draws the annotations of an item of a data set."""

    def __call__(self, data: Path, item: str | None = None, /) -> Drawing:
        """Ready to be drawn; without a name the first item."""


class ImportOriginal(Protocol):
    """Reads a checkpoint of the authors."""

    def __call__(self, checkpoint: Path, /) -> Imported:
        """Card and tensors."""


class Lazy:
    """A function that is imported when it is first called, so that reading cards is quick."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    @property
    def __wrapped__(self) -> Callable[..., object]:
        """The function itself, where `inspect` looks for signatures."""
        with needed_by(self._module):
            module = importlib.import_module(self._module)
        function: Callable[..., object] = getattr(module, self._name)
        return function

    def __call__(self, *arguments: object, **named: object) -> object:
        """What the function gives."""
        return self.__wrapped__(*arguments, **named)


class LazyModule:
    """A module, each of whose functions is `Lazy`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Lazy:
        """A function of the module."""
        return Lazy(self._name, name)


def lazily(package: str, file: str) -> dict[str, LazyModule]:
    """All modules of a package, by the names under which its card imports them for checkers.

    `_model` is `model`, `_xgaze_weights` is `xgaze.weights`; so checkers see the very functions.

    Args:
        package: the name of the package.
        file: its `__init__.py`.
    """
    folder = Path(file).parent
    paths = (path.relative_to(folder).with_suffix("").parts for path in folder.rglob("*.py"))
    return {"_" + "_".join(parts): LazyModule(".".join((package, *parts))) for parts in paths}


@dataclass(frozen=True)
class Builder:
    """One way of answering, with its figures and its licence."""

    method: Method
    answers: tuple[str, ...]
    """Names of the answers it gives."""
    predictor: Callable[[], Predictor] | None
    """Makes the predictor without any file of the user's; None where weights must be given."""
    needs: Needs = field(default_factory=Needs)
    networks: tuple[str, ...] = ()
    """The networks of its system that it is made of."""
    one_of: tuple[str, ...] = ()
    """Networks of which it takes one more, or does without; the first with a file counts."""
    from_weights: FromWeights | None = None

    @property
    def embedded(self) -> bool:
        """Whether it runs with what the package and its dependencies carry."""
        return self.predictor is not None


@dataclass(frozen=True)
class System:
    """A system's card."""

    name: str
    published: tuple[str, ...]
    """Names under which the field knows it; accepted wherever a system is named."""
    title: str
    """The question it answers."""
    paper: str
    builders: Mapping[str, Builder]
    default: str
    """The builder that `analyze` uses unless told otherwise; one that needs the user's weights runs
    by itself only where they are given."""
    beside: tuple[str, ...] = ()
    """Builders that `analyze` runs beside the default one."""
    heading: str = ""
    """What it answers, over its methods in the report; by default its name."""
    labels: Mapping[str, Label] = field(default_factory=dict)
    """How outputs speak of its answers, by name; by default as the name says."""
    report_keys: tuple[str, ...] = ("pooled", "interval", "published", "seen_in_training")
    """What of a report is printed."""
    networks: Mapping[str, Network] = field(default_factory=dict)
    """Their names stand in weights files; each has an `interface` for exports."""
    recipes: tuple[str, ...] = ()
    prepare: Mapping[str, Prepare] = field(default_factory=dict)
    """By data set."""
    convert: Mapping[str, Convert] = field(default_factory=dict)
    """By data set."""
    train: Train | None = None
    evaluate: Evaluate | None = None
    benchmarks: Mapping[str, Benchmark] = field(default_factory=dict)
    """Evaluations of any of its builders, by data set."""
    score: Score | None = None
    synthesize: Synthesize | None = None
    show: Mapping[str, Show] = field(default_factory=dict)
    """By data set."""
    import_original: ImportOriginal | None = None

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return Path(str(importlib.import_module(f"eyeline.systems.{self.name}").__file__)).parent


@cache
def system_names() -> tuple[str, ...]:
    """The systems: every folder under `eyeline.systems`."""
    from eyeline import systems

    return tuple(sorted(m.name for m in pkgutil.iter_modules(systems.__path__) if m.ispkg))


def load_system(name: str) -> System:
    """The card of a system, by its name or a published one; UsageError lists the names."""
    if name in system_names():
        return _card(name)
    for one in system_names():
        if name.lower() in _card(one).published:
            return _card(one)
    known = "; ".join(f"{one} ({', '.join(_card(one).published)})" for one in system_names())
    raise UsageError(f"no system called '{name}'. Systems: {known}")


def list_systems() -> list[System]:
    """The cards of all systems, by name."""
    return [_card(name) for name in system_names()]


@cache
def _card(name: str) -> System:
    card = importlib.import_module(f"eyeline.systems.{name}").SYSTEM
    assert isinstance(card, System), name
    return card

"""The card that a room fills in, the scene that it is shown, and the registry: the directory."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol

from eyeline.errors import UsageError
from eyeline.geometry.camera import Camera
from eyeline.people.tracks import Track
from eyeline.results import Answer, Directions, Method, Scores, VideoInfo

if TYPE_CHECKING:
    from torch import nn

    from eyeline.people.targets.model import Looks
    from eyeline.video.reader import Frame
    from eyeline.video.sound import SoundBlock


class Listening(Protocol):
    """A fresh pass over a video's sound."""

    def __call__(self, rate_hz: int = 16_000, /) -> Iterator[SoundBlock]:
        """Blocks at a rate, mono, on the video's clock."""


@dataclass(frozen=True)
class Scene:
    """What a room is shown of one video: people, sound and the answers it may build on."""

    video: VideoInfo
    camera: Camera
    tracks: Sequence[Track]
    """All tracks with identities, smoothed; by person, then time."""
    gaze: Directions | None = None
    """Directions of the chosen `gaze_3d` builder, rows in the order of the tracks; for rooms with
    `Needs.gaze`."""
    speaking: Scores | None = None
    """Who speaks, rows in the order of the tracks; None for a video without sound."""
    ego: bool = False
    """Whether the camera is head-worn."""
    frames: Callable[[], Iterator[Frame]] | None = None
    """A fresh pass over the analysed frames, for networks that look at pixels."""
    sound: Listening | None = None
    """A fresh pass over the sound, at 16 kHz or another rate, on the video's clock, for networks
    that hear; None for a video without sound."""

    @cached_property
    def looks(self) -> Sequence[Looks]:
        """Whom or what each track looks at: one model for every system that asks; needs `gaze`."""
        from eyeline.people.targets.model import look

        assert self.gaze is not None, "targets need directions"
        return look(self.tracks, self.gaze, self.speaking, self.camera)


class Predictor(Protocol):
    """A room's builder, ready to answer."""

    def predict(self, scene: Scene) -> Sequence[Answer]:
        """All answers about one scene, deterministic."""


@dataclass(frozen=True)
class Needs:
    """What a builder must be given."""

    people: bool = True
    sound: bool = False
    """Answers nothing without sound."""
    hears: bool = False
    """Takes sound into account, and silence for a video without."""
    gaze: bool = False
    """Builds on the directions of `gaze_3d`."""
    ego: bool = False
    """Makes sense only for a head-worn camera."""
    rate_hz: float | None = None
    """The frame rate it was trained at."""


class Lazy:
    """A function that is imported when it is first called, so that reading cards is quick."""

    def __init__(self, module: str, name: str = "run") -> None:
        """Say where it lies."""
        self._module, self._name = module, name

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        """The function itself, where `inspect` looks for signatures."""
        found: Callable[..., Any] = getattr(importlib.import_module(self._module), self._name)
        return found

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What the function gives."""
        return self.__wrapped__(*arguments, **named)


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
    from_weights: Callable[..., Predictor] | None = None
    """Makes the predictor from a mapping of network to file and a device; what else it takes by
    name are options of the user's. A predictor may say in `how` what it made of them."""

    @property
    def embedded(self) -> bool:
        """Whether it runs with what the package and its dependencies carry."""
        return self.predictor is not None


@dataclass(frozen=True)
class System:
    """A room's card."""

    name: str
    published: tuple[str, ...]
    """Names under which the field knows it; accepted wherever a system is named."""
    title: str
    """The question it answers."""
    paper: str
    builders: Mapping[str, Builder]
    default: str
    """The builder that `analyze` uses unless told otherwise."""
    beside: tuple[str, ...] = ()
    """Builders that `analyze` runs beside the default one."""
    networks: Mapping[str, Callable[..., nn.Module]] = field(default_factory=dict)
    """Makes each network from its saved arguments; their names stand in weights files."""
    recipes: tuple[str, ...] = ()
    prepare: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """By data set: folder as downloaded, folder to make, and options, to a summary."""
    convert: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """By data set: a file of the authors and a plain table to write, or the other way round, and
    options, to a summary."""
    train: Callable[..., Any] | None = None
    evaluate: Callable[..., Any] | None = None
    score: Callable[..., Any] | None = None
    """Predictions and truth to a report, without a network."""
    synthesize: Callable[..., Any] | None = None
    """Folder and seed to a tiny data set in the original layout."""
    show: Callable[..., Any] | None = None
    """A data set as downloaded, a folder to write in, and options: its annotations drawn."""
    import_original: Callable[..., Any] | None = None
    """A checkpoint of the authors to card and tensors."""
    to_onnx: Callable[..., Any] | None = None
    """A weights file and the `.onnx` file to write."""


@cache
def system_names() -> tuple[str, ...]:
    """The rooms: every folder under `eyeline.systems`."""
    from eyeline import systems

    return tuple(sorted(m.name for m in pkgutil.iter_modules(systems.__path__) if m.ispkg))


def load_system(name: str) -> System:
    """The card of a room, by its name or a published one; UsageError lists the names."""
    if name in system_names():
        return _card(name)
    for room in system_names():
        if name.lower() in _card(room).published:
            return _card(room)
    known = "; ".join(f"{room} ({', '.join(_card(room).published)})" for room in system_names())
    raise UsageError(f"no system called '{name}'. Systems: {known}")


def list_systems() -> list[System]:
    """The cards of all rooms, by name."""
    return [_card(name) for name in system_names()]


@cache
def _card(room: str) -> System:
    card = importlib.import_module(f"eyeline.systems.{room}").SYSTEM
    assert isinstance(card, System), room
    return card

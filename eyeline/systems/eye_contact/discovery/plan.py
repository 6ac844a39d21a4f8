"""How videos are to be prepared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eyeline.errors import UsageError
from eyeline.files import sha256
from eyeline.people.methods import DETECTORS
from eyeline.systems.eye_contact.discovery.bodies import ESTIMATORS
from eyeline.systems.eye_contact.discovery.formation import ASSOCIATIONS, Association
from eyeline.systems.eye_contact.discovery.identity import LEAST_COSINE
from eyeline.systems.eye_contact.discovery.labelled import SECONDS
from eyeline.systems.eye_contact.discovery.recognise import MEMORY_FRAMES, REFRESH_FRAMES

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
    """One of `faces.DETECTORS`."""
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
        """Check the names; UsageError lists them."""
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
        """What the results depend on."""
        return asdict(self.choices) | {
            "gaze_sha256": self.gaze_sha256,
            "body_sha256": sha256(self.body_weights) if self.body_weights else None,
            "images": self.images is not None,
        }

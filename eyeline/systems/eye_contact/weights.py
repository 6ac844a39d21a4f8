"""Opening the checkpoints of this system, among them the one that ships with the package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.errors import CheckpointError, DataError
from eyeline.results import Floats
from eyeline.systems.eye_contact.decode import Calibration, Decoding
from eyeline.systems.eye_contact.landmarks import forward
from eyeline.systems.eye_contact.landmarks.forward import agreed
from eyeline.systems.eye_contact.landmarks.inputs import FEATURES, PARITY
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard

if TYPE_CHECKING:
    from torch import nn

    from eyeline.systems.eye_contact.landmarks.model import LandmarksTcn

SHIPPED = Path(__file__).parent / "weights" / "landmarks_tcn.safetensors"
"""Trained by us; see `recipes/ecs_landmarks.yaml`."""

LICENCE = (
    "weights trained by eyeline's authors on the annotations of ut-vision/Video-Independent-ECS, "
    "which state no licence; the annotations are not part of the package; for research until their "
    "licence is clarified"
)


@dataclass(frozen=True)
class Model:
    """A checkpoint with what belongs to it."""

    arrays: Mapping[str, Floats]
    """The network's state, float32."""
    calibration: Calibration
    decoding: Decoding
    card: CheckpointCard

    def logits(self, features: Floats) -> Floats:
        """Uncalibrated log odds `(n,)` of contact from features `(n, feature)` at 25 Hz."""
        return forward.log_odds(self.arrays, features, PARITY)

    def person_logits(self, features: Iterable[Floats]) -> list[Floats]:
        """The same of all tracks of one person in one video, which correct each other."""
        each = list(features)
        return agreed([self.logits(rows) for rows in each], each)

    def log_odds(self, features: Iterable[Floats]) -> list[Floats]:
        """The same, calibrated."""
        return [self.calibration.log_odds(logit) for logit in self.person_logits(features)]

    @cached_property
    def network(self) -> LandmarksTcn:
        """The same as a torch module in evaluation mode."""
        import torch

        from eyeline.systems.eye_contact.landmarks.model import landmarks_tcn

        network = landmarks_tcn(**self.card.arguments)
        network.load_state_dict({name: torch.tensor(a) for name, a in self.arrays.items()})
        return network.eval()


@dataclass(frozen=True)
class ImageModel:
    """A checkpoint of `ms_tcn2`; one of the authors is taken as it is: arg-max, no calibration."""

    network: nn.Module
    """In evaluation mode, on its device."""
    card: CheckpointCard
    features: int
    """Width of what it takes."""
    calibration: Calibration
    decoding: Decoding

    def logits(self, features: Floats) -> Floats:
        """Features `(n, feature)` to uncalibrated log odds `(n,)`; DataError for another width."""
        from eyeline.systems.eye_contact.xgaze.fit import logits_of

        if features.shape[1] != self.features:
            raise DataError(
                f"features are {features.shape[1]} wide, these weights take {self.features}"
            )
        return logits_of(self.network, features)

    def person_logits(self, features: Iterable[Floats]) -> list[Floats]:
        """The same of all tracklets of a person, each by itself."""
        return [self.logits(rows) for rows in features]


def open_model(path: Path | str, device: str = "cpu") -> Model | ImageModel:
    """Open a checkpoint of any network that predicts contact; `device` is for `ms_tcn2` alone.

    CheckpointError for a file that is none.
    """
    card = checkpoint.read_card(path)
    if card.builder != "ms_tcn2":
        return load_landmarks_tcn(path)
    from eyeline.systems.eye_contact.xgaze.weights import load_segmenter

    network = load_segmenter(path, device)
    return ImageModel(network, card, network.PG.conv_1x1_in.in_channels, *rule_of(card, path))


def rule_of(card: CheckpointCard, path: Path | str) -> tuple[Calibration, Decoding]:
    """From logits to contact, by the card of `ms_tcn2`.

    Without a rule on it probabilities are as they are, and states their arg-max. CheckpointError
    for entries that are none of a rule.
    """
    plain: dict[str, Any] = {"balance": 0.0, "switch_cost": 0.0}
    with _usable(card, path):
        calibration = Calibration(**card.settings.get("calibration", {}))
        return calibration, Decoding(**card.settings.get("decoding", plain))


@contextmanager
def _usable(card: CheckpointCard, path: Path | str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} has a card that builder {card.builder} cannot use: {error}"
        ) from error


def load_landmarks_tcn(path: Path | str = SHIPPED) -> Model:
    """Open a checkpoint of `landmarks_tcn`, ready to predict.

    CheckpointError: no such file, another builder's, other features, or tensors that do not fit.
    """
    card, arrays = checkpoint.load_arrays(path)
    checkpoint.check_builder(card, "eye_contact", ("landmarks_tcn",), path)
    theirs = tuple(card.settings.get("features", ()))
    if theirs != FEATURES:
        odd = sorted(set(theirs) ^ set(FEATURES)) or ["their order"]
        raise CheckpointError(
            f"{path} was trained on {len(theirs)} features, this version computes {len(FEATURES)}; "
            f"they differ in {', '.join(odd[:4])}. "
            f"Train anew, or use the version {card.version} that wrote it"
        )
    with _usable(card, path):
        sizes = forward.sizes(card.arguments, arrays)
        calibration = Calibration(**card.settings["calibration"])
        decoding = Decoding(**card.settings["decoding"])
    checkpoint.compare(forward.shapes(len(FEATURES), **sizes), arrays, "LandmarksTcn", path)
    return Model(arrays, calibration, decoding, card)


def settings_of(builder: str, calibration: Calibration, decoding: Decoding) -> dict[str, Any]:
    """What a network's card must hold for prediction beside the tensors."""
    rule = {"calibration": asdict(calibration), "decoding": asdict(decoding), "threshold": 0.5}
    return rule | ({"features": list(FEATURES)} if builder == "landmarks_tcn" else {})

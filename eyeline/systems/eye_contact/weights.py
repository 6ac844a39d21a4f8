"""The weights that ship with the package, and opening any checkpoint of builder `landmarks_tcn`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.errors import CheckpointError
from eyeline.results import Floats
from eyeline.systems.eye_contact.decode import Calibration, Decoding
from eyeline.systems.eye_contact.landmarks import forward
from eyeline.systems.eye_contact.landmarks.inputs import FEATURES, PARITY
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard

if TYPE_CHECKING:
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

    def log_odds(self, features: Floats) -> Floats:
        """Calibrated log odds `(n,)` of contact from features `(n, feature)` at 25 Hz."""
        return self.calibration.log_odds(forward.log_odds(self.arrays, features, PARITY))

    @cached_property
    def network(self) -> LandmarksTcn:
        """The same as a torch module in evaluation mode."""
        import torch

        from eyeline.systems.eye_contact.landmarks.model import landmarks_tcn

        network = landmarks_tcn(**self.card.arguments)
        network.load_state_dict({name: torch.tensor(a) for name, a in self.arrays.items()})
        return network.eval()


def load_landmarks_tcn(path: Path | str = SHIPPED) -> Model:
    """Open a checkpoint of builder `landmarks_tcn`, ready to predict.

    Raises:
        CheckpointError: no such file, another builder's, other features, or tensors that do not
        fit.
    """
    card, arrays = checkpoint.load_arrays(path)
    if (card.system, card.builder) != ("eye_contact", "landmarks_tcn"):
        raise CheckpointError(
            f"{path} holds weights of {card.system}/{card.builder}; "
            "expected eye_contact/landmarks_tcn"
        )
    _check_features(card, path)
    if unknown := sorted(set(card.arguments) - forward.ARGUMENTS):
        raise CheckpointError(
            f"{path} has a card that builder landmarks_tcn cannot use: it takes no "
            f"{', '.join(unknown)}"
        )
    try:
        sizes = {name: int(card.arguments[name]) for name in ("channels", "layers", "members")}
        calibration = Calibration(**card.settings["calibration"])
        decoding = Decoding(**card.settings["decoding"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} has a card that builder landmarks_tcn cannot use: {error}"
        ) from error
    checkpoint.compare(forward.shapes(len(FEATURES), **sizes), arrays, "LandmarksTcn", path)
    return Model(arrays, calibration, decoding, card)


def settings_of(calibration: Calibration, decoding: Decoding) -> dict[str, Any]:
    """What a card must hold for prediction beside the tensors."""
    return {
        "calibration": asdict(calibration),
        "decoding": asdict(decoding),
        "threshold": 0.5,
        "features": list(FEATURES),
    }


def _check_features(card: CheckpointCard, path: Path | str) -> None:
    theirs = tuple(card.settings.get("features", ()))
    if theirs == FEATURES:
        return
    odd = sorted(set(theirs) ^ set(FEATURES)) or ["their order"]
    raise CheckpointError(
        f"{path} was trained on {len(theirs)} features, this version computes {len(FEATURES)}; "
        f"they differ in {', '.join(odd[:4])}. "
        f"Train anew, or use the version {card.version} that wrote it"
    )

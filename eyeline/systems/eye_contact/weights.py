"""The weights that ship with the package, and opening any checkpoint of builder `landmarks_tcn`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyeline.errors import CheckpointError
from eyeline.systems.eye_contact.decode import Calibration, Decoding
from eyeline.systems.eye_contact.inputs import FEATURES
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard

if TYPE_CHECKING:
    from eyeline.systems.eye_contact.model import LandmarksTcn

SHIPPED = Path(__file__).parent / "weights" / "landmarks_tcn.safetensors"
"""Trained by us; see `recipes/ecs_landmarks.yaml`."""

LICENCE = (
    "weights trained by eyeline's authors on the annotations of ut-vision/Video-Independent-ECS, "
    "which state no licence; the annotations are not part of the package; for research until their "
    "licence is clarified"
)


@dataclass(frozen=True)
class Model:
    """A network with what belongs to it."""

    network: LandmarksTcn
    calibration: Calibration
    decoding: Decoding
    card: CheckpointCard


def load_landmarks_tcn(path: Path | str = SHIPPED) -> Model:
    """Open a checkpoint of builder `landmarks_tcn`, ready to predict.

    Raises:
        CheckpointError: no such file, another builder's, other features, or tensors that do not
        fit.
    """
    from eyeline.systems.eye_contact.model import landmarks_tcn

    card, state = checkpoint.load(path)
    if (card.system, card.builder) != ("eye_contact", "landmarks_tcn"):
        raise CheckpointError(
            f"{path} holds weights of {card.system}/{card.builder}; "
            "expected eye_contact/landmarks_tcn"
        )
    _check_features(card, path)
    try:
        network = landmarks_tcn(**card.arguments)
        calibration = Calibration(**card.settings["calibration"])
        decoding = Decoding(**card.settings["decoding"])
    except (KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} has a card that builder landmarks_tcn cannot use: {error}"
        ) from error
    checkpoint.fill(network, state, path)
    return Model(network.eval(), calibration, decoding, card)


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

"""Looks into the camera and partners of eye contact, as every system that asks concludes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from eyeline.people.targets.model import Looks, shipped
from eyeline.people.tracks import joined
from eyeline.results import TARGET_OFF_SCREEN, TARGET_SCENE, Floats, target_label

UNKNOWN_PARTNER = "unknown partner"
"""Whose eyes are met when nothing says whose, or when they are not in the image."""


def camera_contact(looks: Sequence[Looks]) -> Floats:
    """Probability that the camera is looked at, rows of all tracks.

    The target of a look is the camera where this reaches `camera_threshold`, and only there.
    """
    return joined((one.camera for one in looks), np.float64)


def camera_threshold() -> float:
    """From this probability on the camera is looked at."""
    return shipped().camera_threshold


def partners(looks: Looks) -> npt.NDArray[np.str_]:
    """With whom each row of a track may have eye contact `(n,)`: empty for a look at the scene."""
    known = {
        TARGET_SCENE: "",
        TARGET_OFF_SCREEN: UNKNOWN_PARTNER,
    }
    names = {int(t): known.get(int(t), target_label(int(t))) for t in np.unique(looks.target)}
    return np.array([names[int(t)] for t in looks.target], np.str_)


def eyes_closed(lid_fraction: Floats) -> npt.NDArray[np.bool_]:
    """Rows whose lids are lowered or closed; lids that are not seen do not tell."""
    return np.asarray(np.nan_to_num(lid_fraction, nan=1.0) < shipped().lids_closed)

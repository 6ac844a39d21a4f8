"""What concentrations are worth: how errors spread against what they promise, and mending them.

A von Mises-Fisher distribution of concentration kappa says how often the angle between its mean
and the truth stays below any bound. Where the frames of a data set keep that word, it is
calibrated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eyeline.results import Floats

LEVELS = tuple(i / 10 for i in range(1, 10))
"""Shares of frames whose errors a concentration bounds."""

_SMALLEST = 1e-6
_RANGE = (1e-3, 1e6)
"""Of calibrated concentrations: beyond, hardly anything or everything is certain."""
_ALIKE = 0.05
"""Logs of concentrations that differ less say nothing of single frames."""
_PRIOR = 1.0
"""Weight, in frames, of knowing nothing: keeps fits to few or perfect frames finite."""
_STEPS = 60


@dataclass(frozen=True)
class Rescaling:
    """`log kappa' = offset + gain * log kappa`: the order of the frames stays as it is."""

    offset: float = 0.0
    gain: float = 1.0
    """Not negative; 0 gives all frames one concentration."""

    def __call__(self, concentration: npt.ArrayLike) -> Floats:
        """Concentrations of any shape, calibrated."""
        logs = self.offset + self.gain * _log(np.asarray(concentration, np.float64))
        return np.asarray(np.exp(np.clip(logs, *np.log(_RANGE))))


def bound(concentration: Floats, level: float | Floats) -> Floats:
    """The angle in radians that a share of draws stays below; shapes broadcast."""
    kappa = np.maximum(np.asarray(concentration, np.float64), _SMALLEST)
    beyond = np.log1p(np.asarray(level) * np.expm1(-2 * kappa))
    # 1 - cos is twice the squared sine of half the angle: no loss of digits where kappa is large
    return np.asarray(2 * np.arcsin(np.sqrt(np.clip(-beyond / kappa / 2, 0, 1))))


def fraction_below(concentration: Floats, angle_rad: Floats) -> Floats:
    """The share of draws whose angle is below: the inverse of `bound`, uniform if calibrated."""
    kappa = np.maximum(np.asarray(concentration, np.float64), _SMALLEST)
    beyond = np.expm1(-2 * kappa * np.sin(np.asarray(angle_rad) / 2) ** 2)
    return np.asarray(beyond / np.expm1(-2 * kappa))


def expected_angle(concentration: Floats) -> Floats:
    """Mean angle in radians that concentrations `(n,)` promise."""
    centre = (np.arange(256) + 0.5) / 256
    flat = np.asarray(concentration, np.float64).reshape(-1)
    parts = np.array_split(flat, max(len(flat) // 4096, 1))
    means = [bound(part[:, None], centre).mean(axis=1) for part in parts]
    return np.concatenate(means).reshape(np.shape(concentration))


def fit(concentration: Floats, angle_rad: Floats) -> Rescaling:
    """The rescaling under which the angles are most likely.

    Args:
        concentration: `(n,)` as a network gives them.
        angle_rad: `(n,)` between its directions and the truth.

    Returns:
        What was found by Fisher scoring; with a gain of 0 where concentrations are alike, or where
        larger ones do not go with smaller angles.
    """
    logs, near = _log(np.asarray(concentration, np.float64)), np.cos(angle_rad)
    if not len(logs):
        return Rescaling()
    centre, spread = float(logs.mean()), float(logs.std())
    alike = np.ones((len(logs), 1))
    if spread > _ALIKE:
        offset, gain = _ascend(np.column_stack([alike, (logs - centre) / spread]), near)
        if gain > 0:
            return Rescaling(float(offset - gain * centre / spread), float(gain / spread))
    return Rescaling(float(_ascend(alike, near)[0]), 0.0)


def reliability(concentration: Floats, angle_rad: Floats, bins: int = 10) -> dict[str, Any]:
    """How concentrations keep their word.

    Args:
        concentration: `(n,)`.
        angle_rad: `(n,)`.
        bins: of equally many frames, by falling concentration.

    Returns:
        `levels`: for each share of frames what share stayed within the angle promised to it, with
        `ece`, the mean distance of both. `bins`: promised and observed mean angle in degrees, with
        `angular_ece_deg`, the mean distance of both weighed by frames. `negative_log_likelihood`
        in nats a frame, with log 4 pi = 2.53 for a distribution that knows nothing.
    """
    below = fraction_below(concentration, angle_rad)
    levels = [{"promised": p, "observed": float((below <= p).mean())} for p in LEVELS]
    rows = _bins(concentration, angle_rad, bins)
    gaps = [abs(row["promised_deg"] - row["observed_deg"]) * row["frames"] for row in rows]
    return {
        "frames": len(below),
        "ece": float(np.mean([abs(e["promised"] - e["observed"]) for e in levels])),
        "angular_ece_deg": float(sum(gaps) / len(below)),
        "negative_log_likelihood": float(-_log_density(concentration, np.cos(angle_rad)).mean()),
        "levels": levels, "bins": rows,
    }  # fmt: skip


def to_settings(rescaling: Mapping[str, Rescaling], frames: int) -> dict[str, Any]:
    """What a checkpoint's card says under `concentration`."""
    parts = {part: asdict(result) for part, result in rescaling.items()}
    return {"calibrated": True, "frames": frames, **parts}


def from_settings(settings: Mapping[str, Any]) -> dict[str, Rescaling]:
    """By part what a card says; empty where its concentrations are not calibrated."""
    result = settings.get("concentration")
    if not (isinstance(result, Mapping) and result.get("calibrated")):
        return {}
    return {part: Rescaling(**v) for part, v in result.items() if isinstance(v, Mapping)}


def _log(concentration: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(concentration, _SMALLEST)))


def _log_density(concentration: Floats, near: Floats) -> Floats:
    """Of the sphere, at cosines."""
    kappa = np.maximum(np.asarray(concentration, np.float64), _SMALLEST)
    scale = np.log(kappa) - np.log(-np.expm1(-2 * kappa)) - np.log(2 * np.pi)
    return np.asarray(kappa * (near - 1) + scale)


def _bins(concentration: Floats, angle_rad: Floats, bins: int) -> list[dict[str, Any]]:
    order = np.argsort(-np.asarray(concentration), kind="stable")
    promised = np.rad2deg(expected_angle(np.asarray(concentration, np.float64)))
    observed = np.rad2deg(angle_rad)
    return [
        {
            "frames": len(rows), "concentration": float(np.median(concentration[rows])),
            "promised_deg": float(promised[rows].mean()),
            "observed_deg": float(observed[rows].mean()),
        }
        for rows in np.array_split(order, min(bins, len(order))) if len(rows)
    ]  # fmt: skip


def _ascend(design: Floats, near: Floats) -> Floats:
    """Weights `(column,)` of `log kappa` on a design `(n, column)`, by Fisher scoring."""

    def score(weights: Floats) -> float:
        kappa = np.exp(np.clip(design @ weights, -14, 20))
        return float(_log_density(kappa, near).sum() - _PRIOR * (weights @ weights) / 2)

    weights = np.zeros(design.shape[1])
    best = score(weights)
    for _ in range(_STEPS):
        step = _scoring_step(design, weights, near)
        while score(weights + step) < best and np.abs(step).max() > 1e-9:
            step = step / 2
        if np.abs(step).max() <= 1e-9:
            break
        weights = weights + step
        best = score(weights)
    return np.asarray(weights)


def _scoring_step(design: Floats, weights: Floats, near: Floats) -> Floats:
    """Inverse information times slope."""
    kappa = np.exp(np.clip(design @ weights, -14, 20))
    slope = design.T @ (kappa * (near - _mean_cosine(kappa))) - _PRIOR * weights
    information = (design * (kappa**2 * _variance(kappa))[:, None]).T @ design
    information += _PRIOR * np.eye(len(weights))
    return np.asarray(np.linalg.solve(information, slope))


def _mean_cosine(kappa: Floats) -> Floats:
    """Of a draw: coth kappa - 1 / kappa."""
    small = np.maximum(kappa, 1e-3)
    return np.asarray(np.where(kappa < 1e-3, kappa / 3, 1 / np.tanh(small) - 1 / small))


def _variance(kappa: Floats) -> Floats:
    """Of a draw's cosine: 1 / kappa^2 - 1 / sinh(kappa)^2."""
    some = np.clip(kappa, 0.05, 300)
    exact = 1 / np.maximum(kappa, 0.05) ** 2 - 1 / np.sinh(some) ** 2
    return np.asarray(np.where(kappa < 0.05, 1 / 3, exact))

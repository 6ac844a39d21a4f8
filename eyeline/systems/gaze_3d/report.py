"""Scores of directions: as published, and as they should be counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from eyeline.evaluation import bootstrap, tables
from eyeline.evaluation.metrics import mean
from eyeline.evaluation.report import Figures, plain
from eyeline.geometry.directions import angle, normalise, to_yaw_pitch
from eyeline.results import Floats, Ints
from eyeline.systems.gaze_3d import calibration
from eyeline.systems.gaze_3d.answers import Answers

COLUMNS = ("3d_front", "2d_front", "3d_back", "2d_back", "3d_all", "2d_all")
"""Mean angles in degrees, in the order in which the authors print them: in space and in the
image's plane, of people who look towards the camera's side, away from it, and of all."""
PUBLISHED_BATCH = 32
YAW_BINS = 24

Report = Figures


def published(found: Floats, label: Floats, batch: int = PUBLISHED_BATCH) -> dict[str, float]:
    """The authors' figures: means of means of batches, in the order given.

    A window is front by its first frame. Batches count alike whatever their size; one without a
    front (or back) window, or with an answer that is no number, has no say in that figure.

    Args:
        found: `(window, time, 3)`.
        label: `(window, time, 3)`, or `(window, time, 2)` of the image's plane only, where all
            figures but `2d_all` are 0.
        batch: windows in each.

    Returns:
        Degrees by `COLUMNS`; NaN where no batch has one.
    """
    starts = range(0, len(found), batch)
    rows = [published_batch(found[s : s + batch], label[s : s + batch]) for s in starts]
    return mean_of_batches(rows)


def mean_of_batches(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Unweighted means of what `published_batch` gives, NaN left out."""
    return {name: mean(np.array([row[name] for row in rows], np.float64)) for name in COLUMNS}


def published_batch(found: Floats, label: Floats) -> dict[str, float]:
    """The authors' figures of one batch, see `published`."""
    if label.shape[-1] == 2:
        return dict.fromkeys(COLUMNS, 0.0) | {"2d_all": _clipped_angle(_flat(found), label)}
    front = label[:, 0, 2] <= 0
    return {
        name: value
        for side, chosen in (("front", front), ("back", ~front), ("all", front | ~front))
        for name, value in (
            (f"3d_{side}", _clipped_angle(found[chosen], label[chosen])),
            (f"2d_{side}", _clipped_angle(_flat(found[chosen]), _flat(label[chosen]))),
        )
    }


def score(found: Answers, truth: Answers) -> Report:
    """Scores of answers against the truth of the same frames, row by row.

    Returns:
        `pooled`: `COLUMNS` over frames, each front or back by its own label, with the number of
        frames; `interval`: 95 % by bootstrap over recordings, and `interval_by_session`;
        `published`: the authors' protocol, None for answers without windows, and
        `published_table`: its lines as the authors print them; `mean_direction`: of
        the best single direction for these frames; `recordings`: each one's; `parts`: of head and
        body; `yaw`: by the true gaze's yaw; `reliability`: of the gaze's concentration, None
        without one.
    """
    angles = _angles(found.direction["gaze"], truth.direction["gaze"])
    recordings = tables.groups(found.recording)
    sessions = tables.groups(map(session_of, found.recording))
    constant = normalise(truth.direction["gaze"].mean(axis=0))
    fixed = _angles(np.broadcast_to(constant, (len(found), 3)), truth.direction["gaze"])
    windows, figures = windows_of(found), None
    if windows is not None:
        figures = published(found.direction["gaze"][windows], truth.direction["gaze"][windows])
    created: Report = plain(
        {
            "frames": len(found),
            "pooled": _means(angles, np.arange(len(found))),
            "interval": _intervals(angles, recordings.values()),
            "interval_by_session": _intervals(angles, sessions.values()),
            "published": figures,
            "published_table": printed(figures),
            "mean_direction": _means(fixed, np.arange(len(found))),
            "recordings": {name: _means(angles, rows) for name, rows in recordings.items()},
            "parts": {
                part: {"3d_all": np.rad2deg(angle(found.direction[part], label).mean())}
                for part, label in truth.direction.items()
                if part != "gaze" and part in found.direction
            },
            "yaw": by_yaw(found.direction["gaze"], truth.direction["gaze"]),
            "reliability": {
                part: calibration.reliability(kappa, angle(found.direction[part], label))
                for part, kappa in found.concentration.items()
                if (label := truth.direction.get(part)) is not None
            }
            or None,
        }
    )
    return created


def printed(figures: Mapping[str, float] | None) -> list[str]:
    """The lines that the authors' evaluation prints; `nan` where no batch has a figure."""
    return [
        f"MAE ({name[:2].upper()} {name[3:]}):  {value:.6f}"
        for name, value in (figures or {}).items()
    ]


def by_yaw(found: Floats, label: Floats, bins: int = YAW_BINS) -> list[dict[str, Any]]:
    """Mean angle by the yaw of the label, 0 towards the camera; None where no frame is."""
    yaw = np.rad2deg(to_yaw_pitch(label)[0])
    error = np.rad2deg(angle(found, label))
    edges = np.linspace(-180, 180, bins + 1)
    which = np.clip(np.searchsorted(edges, yaw, "right") - 1, 0, bins - 1)
    rows = []
    for i in range(bins):
        own = error[which == i]
        rows.append(
            {
                "from_deg": float(edges[i]),
                "to_deg": float(edges[i + 1]),
                "frames": len(own),
                "mean_deg": float(own.mean()) if len(own) else None,
                "quartiles_deg": np.quantile(own, [0.25, 0.75]).tolist() if len(own) else None,
            }
        )
    return rows


def windows_of(answers: Answers) -> Ints | None:
    """Rows `(window, time)` of windows in their order.

    None unless all rows lie in whole windows, each as long as the first.
    """
    if answers.first_frame is None or not len(answers):
        return None
    begins = np.flatnonzero(answers.frame == answers.first_frame)
    frames = int(begins[1]) if len(begins) > 1 else len(answers)
    if frames % 2 == 0 or len(answers) % frames:
        return None
    rows = np.arange(len(answers)).reshape(-1, frames)
    names = np.array(answers.recording)[rows]
    first = answers.first_frame[rows]
    numbered = answers.frame[rows] - first == np.arange(frames)
    whole = (names == names[:, :1]) & (first == first[:, :1]) & numbered
    return rows if bool(whole.all()) else None


def session_of(recording: str) -> str:
    """`library/1029_2` of `library/1029_2/Camera_5_0`."""
    return recording.rpartition("/")[0] or recording


def _angles(found: Floats, label: Floats) -> dict[str, Floats]:
    """Degrees `(n,)` by `COLUMNS`, NaN for frames that a column leaves out."""
    space = np.rad2deg(angle(found, label))
    plane = np.rad2deg(angle(_in_plane(found), _in_plane(label)))
    known = np.hypot(label[:, 0], label[:, 1]) > 1e-6  # straight at the camera has no such angle
    front = label[:, 2] <= 0
    sides = {"front": front, "back": ~front, "all": front | ~front}
    return {
        name: np.where(sides[side] & (known | (axes == "3d")), values, np.nan)
        for name in COLUMNS
        for axes, side, values in [(name[:2], name[3:], space if name[:2] == "3d" else plane)]
    }


def _means(angles: Mapping[str, Floats], rows: Ints) -> dict[str, Any]:
    return {**{name: mean(values[rows]) for name, values in angles.items()}, "frames": len(rows)}


def _intervals(
    angles: Mapping[str, Floats], groups: Iterable[Ints]
) -> dict[str, tuple[float, float]]:
    """Of means over frames when whole groups are drawn."""
    own, predictions = list(groups), {}
    for name, values in angles.items():
        total = np.array([np.nansum(values[rows]) for rows in own])
        count = np.array([np.count_nonzero(~np.isnan(values[rows])) for rows in own])
        score = bootstrap.drawn_ratio(total, count)
        predictions[name] = bootstrap.bootstrap_interval(score, len(own))
    return predictions


def _clipped_angle(found: Floats, label: Floats) -> float:
    """Degrees; NaN of nothing."""
    if not found.size:
        return float("nan")
    cosine = np.clip(np.sum(found * label, axis=-1, dtype=np.float64), -1, 1)
    return float(np.rad2deg(np.arccos(cosine).mean()))


def _flat(vectors: Floats) -> Floats:
    """In the image's plane, as published: no number where nothing is left there."""
    plane = vectors[..., :2]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(plane / np.linalg.norm(plane, axis=-1, keepdims=True))


def _in_plane(vectors: Floats) -> Floats:
    return np.concatenate([vectors[:, :2], np.zeros((len(vectors), 1))], axis=1)

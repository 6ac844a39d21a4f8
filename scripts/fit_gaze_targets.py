"""Fits the constants of the target model to labelled clips and measures them on clips left out.

`python scripts/fit_gaze_targets.py --clips DIR [--clips FILE ...] --labels DIR [--labels DIR ...]
--cache DIR` writes `eyeline/people/targets/targets.json` and the tables of `docs/accuracy.md`; then
`python scripts/make_docs.py`. Clips are analysed once and again when the front end has changed.
Run it again whenever directions change.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from gaze_target_parts import labels, measure
from gaze_target_parts.labels import Label
from gaze_target_parts.scenes import scene_of
from scipy.optimize import minimize

import eyeline.sample
from eyeline.people.targets import evidence, model
from eyeline.people.targets.evidence import Shape
from eyeline.people.targets.model import Looks, TargetModel
from eyeline.people.tracks import lid_fractions
from eyeline.results import TARGET_CAMERA, TARGET_OFF_SCREEN, TARGET_SCENE, Floats
from eyeline.system import Scene

PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
BEGIN, END = "<!-- targets: begin -->", "<!-- targets: end -->"
SAMPLE = "sample"
"""The packaged sample: it teaches, but nothing is measured on it."""
PENALTIES = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
SWITCHES_HZ = (0.5, 1.0, 2.0, 4.0)
WITNESS_S = (0.1, 0.2, 0.4, 0.8)
HEAD_FRACTIONS = (0.65, 0.75, 0.85, 1.0)
DISTANCE_SPREADS = (0.15, 0.25, 0.4)
"""What is chosen from, by the likelihood of clips left out."""
START = Shape(0.75, 0.25, 0.0)
"""What labels are joined and shapes compared with."""
CHAIN = (2.0, 0.4)
PENALTY = 1.0
"""Switches a second, witness and penalty by which shapes are compared."""
ASTRAY = 0.05
"""Share of labels of which nothing can be known, since a direction is now and then plainly wrong:
they count as if the model had guessed."""
UNCERTAIN, SIDE_ONLY = 0.5, 0.5
"""What a label counts whose rater was not sure, and one that only denies the camera."""
HIDDEN = 0.25
"""What a label counts a second time, with eyes that are not seen."""
LOOSE = ("face", "camera", "off_screen", "camera_turn", "face_looks_past")
"""Held to their prior a tenth as firmly: columns of ones (how often each target occurs), and two of
whose weight nothing is known beforehand but that it is far from zero."""
PRIOR = {
    "face_bearing": 0.5,
    "face_in_space": 0.5,
    "camera_nod": -1.0,
    "face_speaks": float(np.log(7)),
}
"""Weights that the penalty pulls towards; zero for all others. Of two measures of one angle each
counts half, as Bayes' rule has it for one, and an error of pitch with heavy tails (Cauchy, 10
degrees) counts whole. Listeners look at who speaks some seven times as often as at others
(Vertegaal et al. 2001)."""


@dataclass(frozen=True)
class Clip:
    """A clip with its evidence and labels."""

    name: str
    scene: Scene
    evidence: list[evidence.Evidence]
    labels: list[Label]

    def shaped(self, shape: Shape) -> Clip:
        """The same, measured otherwise."""
        return replace(self, evidence=gathered(self.scene, shape))


@dataclass(frozen=True)
class Design:
    """Labelled rows as padded arrays."""

    columns: Floats
    """`(rows, candidates, len(NAMES))`, zero where there is no candidate."""
    alive: Floats
    """`(rows, candidates)` bool."""
    allowed: Floats
    """`(rows, candidates)` bool."""
    weight: Floats
    """`(rows,)`."""


def main() -> None:
    """Fit, measure, write."""
    asked = _arguments()
    clips = _clips(asked)
    chosen, held = fit_all(clips)
    real = {c.name: (c.scene, c.labels) for c in clips if c.name != SAMPLE}
    report = measure.report(real, held)
    table = measure.table(report)
    print(table)
    if asked.rows:
        measure.print_rows(real, held)
    card = _card(chosen, clips, report)
    model.SHIPPED.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    head, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=Path, action="append", required=True)
    parser.add_argument("--labels", type=Path, action="append", required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--rows", action="store_true", help="print every wrong row, too")
    return parser.parse_args()


def _clips(asked: argparse.Namespace) -> list[Clip]:
    files = [f for p in asked.clips for f in (sorted(p.glob("*.mp4")) if p.is_dir() else [p])]
    clips = []
    for file in files:
        rows = labels.read(asked.labels, file.stem)
        if rows:
            scene = scene_of(file, asked.cache)
            result = gathered(scene, START)
            clips.append(
                Clip(file.stem, scene, result, labels.join(file.stem, rows, scene, result))
            )
    scene = scene_of(eyeline.sample.path(), asked.cache)
    known = labels.of_sample(eyeline.sample.truth(), scene)
    return [*clips, Clip(SAMPLE, scene, gathered(scene, START), known)]


def gathered(scene: Scene, shape: Shape) -> list[evidence.Evidence]:
    """The evidence of a scene."""
    assert scene.gaze is not None
    return evidence.gather(scene.tracks, scene.gaze, scene.speaking, scene.camera, shape)


def fit_all(clips: Sequence[Clip]) -> tuple[TargetModel, dict[str, list[Looks]]]:
    """The constants from all clips, and the looks of each clip by constants that never saw it."""
    shape = best_shape(clips)
    clips = [c.shaped(shape) for c in clips]
    names = range(len(clips))
    loss, penalty, folds = min(
        (folds_of(clips, shape, penalty) for penalty in PENALTIES), key=lambda found: found[0]
    )
    print(f"penalty {penalty}: loss {loss:.3f}")
    loss, switches, witness = min(
        (_chain_loss(clips, [TargetModel(shape, w, hz, s, 0.5, 0.0) for w in folds]), hz, s)
        for hz, s in itertools.product(SWITCHES_HZ, WITNESS_S)
    )
    print(f"switches {switches} a second, witness {witness} s: loss {loss:.3f}")
    lids = closed_lids(clips)
    drafts = [TargetModel(shape, w, switches, witness, 0.5, lids) for w in folds]
    looks = [_looks(c, m) for c, m in zip(clips, drafts, strict=True)]
    threshold = measure.best_threshold(
        [(c.labels, result) for c, result in zip(clips, looks, strict=True) if c.name != SAMPLE]
    )
    held = {}
    for i, (clip, draft) in enumerate(zip(clips, drafts, strict=True)):
        others = [(clips[j].labels, looks[j]) for j in names if j != i and clips[j].name != SAMPLE]
        held[clip.name] = _looks(
            clip, replace(draft, camera_threshold=measure.best_threshold(others))
        )
    return TargetModel(shape, fit(clips, penalty), switches, witness, threshold, lids), held


def best_shape(clips: Sequence[Clip]) -> Shape:
    """The shape by which clips left out are the likeliest; irises as they stand in looks at it."""
    rests = float(np.round(np.nanmedian(iris_down(clips)), 3))

    def loss_of(shape: Shape) -> float:
        return folds_of([c.shaped(shape) for c in clips], shape, PENALTY)[0]

    shapes = (Shape(*pair, rests) for pair in itertools.product(HEAD_FRACTIONS, DISTANCE_SPREADS))
    loss, shape = min(((loss_of(s), s) for s in shapes), key=lambda found: found[0])
    print(f"{shape}: loss {loss:.3f}")
    return shape


def closed_lids(clips: Sequence[Clip]) -> float:
    """The share of the usual opening that best parts open eyes from lowered and closed ones."""
    fractions: dict[bool, list[float]] = {True: [], False: []}
    for clip in clips:
        lids = lid_fractions(clip.scene.tracks)
        for label in clip.labels:
            if label.eyes in ("open", "lowered", "closed"):
                fractions[label.eyes == "open"].append(float(lids[label.track][label.row]))
    seen = {k: np.array(v)[np.isfinite(v)] for k, v in fractions.items()}
    grid = np.linspace(0.3, 1.0, 71)
    apart = np.array([(seen[False] < t).mean() - (seen[True] < t).mean() for t in grid])
    return float(np.median(grid[apart >= apart.max() - 0.01]))


def iris_down(clips: Sequence[Clip]) -> Floats:
    """How far irises stand below the eye corners in each labelled look at the camera, radians."""
    result = []
    for clip in clips:
        for label in clip.labels:
            if label.kind == "camera" and clip.name != SAMPLE:
                track = clip.scene.tracks[label.track]
                x, y = track.pupil_mm[label.row]
                roll = track.roll_rad[label.row]
                down = np.sin(roll) * x + np.cos(roll) * y
                result.append(np.arcsin(np.clip(down / evidence.EYE_RADIUS_MM, -0.95, 0.95)))
    return np.array(result)


def folds_of(
    clips: Sequence[Clip], shape: Shape, penalty: float
) -> tuple[float, float, list[Floats]]:
    """The mean loss of clips left out, the penalty, and the weights without each clip."""
    folds = [fit([c for c in clips if c is not clip], penalty) for clip in clips]
    loss = _chain_loss(clips, [TargetModel(shape, w, *CHAIN, 0.5, 0.0) for w in folds])
    return loss, penalty, folds


def _looks(clip: Clip, constants: TargetModel) -> list[Looks]:
    return model.looks_of(clip.scene.tracks, clip.evidence, constants)


def answered(clips: Sequence[Clip], weights: Floats) -> list[Clip]:
    """The clips with how probably each face looks back by these weights."""
    return [
        replace(
            c,
            evidence=list(
                evidence.with_answers(
                    c.evidence, [model.softmax(model.utilities(e, weights)) for e in c.evidence]
                )
            ),
        )
        for c in clips
    ]


def design(clips: Sequence[Clip]) -> Design:
    """All labels of all clips; a clip counts as the root of how many it has."""
    rows = [(c, label) for c in clips for label in c.labels]
    most = max(len(e.others) for c in clips for e in c.evidence) + 3
    columns = np.zeros((len(rows), most, len(evidence.NAMES)))
    alive, allowed = np.zeros((2, len(rows), most), bool)
    ends = np.cumsum([len(evidence.FACE), len(evidence.CAMERA), len(evidence.SCENE)])
    face, camera, scene, off = np.split(np.arange(len(evidence.NAMES)), ends)
    for n, (clip, label) in enumerate(rows):
        e = clip.evidence[label.track]
        k, row = len(e.others), label.row
        alive[n, :k] = np.isfinite(e.other_px[row, :, 0])
        alive[n, k : k + 3] = True
        columns[n, :k, face] = np.nan_to_num(e.face[row]).T
        columns[n, k, camera] = e.camera[row]
        columns[n, k + 1, scene] = e.scene[row]
        columns[n, k + 2, off] = e.off_screen[row]
        codes = (*e.others, TARGET_CAMERA, TARGET_SCENE, TARGET_OFF_SCREEN)
        allowed[n, : k + 3] = [c in label.allowed for c in codes]
    weight = [
        (1 if r.certain else UNCERTAIN) * (SIDE_ONLY if r.kind == "unknown" else 1)
        / np.sqrt(len(c.labels))
        for c, r in rows
    ]  # fmt: skip
    return Design(columns, alive, allowed & alive, np.array(weight))


def fit(clips: Sequence[Clip], penalty: float) -> Floats:
    """The most probable weights: without looks back, which they then tell of, and with them."""
    first = _fit(with_hidden_eyes(design(clips)), penalty)
    return _fit(with_hidden_eyes(design(answered(clips, first))), penalty)


def with_hidden_eyes(whole: Design) -> Design:
    """Every row a second time as if lids and irises were not seen: directions must do alone."""
    columns = whole.columns.copy()
    for name in ("scene_lids", "scene_iris_down", "off_lids"):
        columns[..., evidence.NAMES.index(name)] = 0
    return Design(
        np.concatenate([whole.columns, columns]),
        np.concatenate([whole.alive, whole.alive]),
        np.concatenate([whole.allowed, whole.allowed]),
        np.concatenate([whole.weight, HIDDEN * whole.weight]),
    )


def _fit(whole: Design, penalty: float) -> Floats:
    prior = np.array([PRIOR.get(name, 0.0) for name in evidence.NAMES])
    firm = penalty * np.array([0.1 if name in LOOSE else 1.0 for name in evidence.NAMES])

    def loss(weights: Floats) -> tuple[float, Floats]:
        chance = model.softmax(np.where(whole.alive, whole.columns @ weights, -np.inf))
        right = np.where(whole.allowed, np.maximum(chance, 1e-12), 0)
        total = right.sum(axis=1)
        doubted = with_doubt(total, whole.allowed.sum(axis=1), whole.alive.sum(axis=1))
        weight = whole.weight * (1 - ASTRAY) * total / doubted
        pull = (right / total[:, None] - chance) * weight[:, None]
        slope = -np.einsum("nk,nkf->f", pull, whole.columns) + firm * (weights - prior)
        value = -(whole.weight * np.log(doubted)).sum()
        return value + (firm * (weights - prior) ** 2).sum() / 2, slope

    return np.asarray(minimize(loss, prior, jac=True, method="L-BFGS-B").x)


def with_doubt(right: Floats, allowed: Any, targets: Any) -> Floats:
    """Probability of what a label allows if `ASTRAY` of all are guesses among so many targets."""
    return np.asarray((1 - ASTRAY) * right + ASTRAY * allowed / targets)


def _chain_loss(clips: Sequence[Clip], drafts: Sequence[TargetModel]) -> float:
    """Mean loss of clips by the chain with the weights of the others."""
    total, count = 0.0, 0.0
    for clip, draft in zip(clips, drafts, strict=True):
        result = _looks(clip, draft)
        for label in clip.labels:
            e, p = result[label.track].evidence, result[label.track].posterior[label.row]
            codes = (*e.others, TARGET_CAMERA, TARGET_SCENE, TARGET_OFF_SCREEN)
            right = sum(p[i] for i, code in enumerate(codes) if code in label.allowed)
            chance = with_doubt(right, len(label.allowed), len(codes))
            weight = (1 if label.certain else UNCERTAIN) / np.sqrt(len(clip.labels))
            total -= weight * float(np.log(chance))
            count += weight
    return total / count


def _card(chosen: TargetModel, clips: Sequence[Clip], report: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "about": "Constants of eyeline/people/targets, written by scripts/fit_gaze_targets.py.",
        "shape": vars(chosen.shape),
        "weights": dict(zip(evidence.NAMES, np.round(chosen.weights, 4).tolist(), strict=True)),
        "switches_hz": chosen.switches_hz,
        "witness_s": chosen.witness_s,
        "camera_threshold": round(chosen.camera_threshold, 3),
        "lids_closed": round(chosen.lids_closed, 3),
        "labels": {c.name: len(c.labels) for c in clips},
        "held_out": report,
    }


if __name__ == "__main__":
    main()

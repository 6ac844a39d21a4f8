"""Fit how faces, colours and places say who is the same person, from clips with known persons.

`python scripts/fit_identity.py CLIP ... --cache DIR [-o eyeline/people/same_person.json]` follows
the clips, cuts each person's faces into pieces, and fits a logistic regression on pairs of groups
of pieces. Every figure is of persons whose clip the fit did not see: pairs with one clip left out,
films joined from the pieces of a fold of left-out clips. The least probability at which two become
one is that of the lowest cost over such films, a false merge costing `FALSE_MERGE` missed ones.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from identity_parts import faces as faces_of
from identity_parts import films
from identity_parts.faces import Faces
from identity_parts.films import Piece
from sklearn.linear_model import LogisticRegression

from eyeline.evaluation.metrics import roc_auc
from eyeline.people import evidence, identity
from eyeline.people.portraits import SCENE_WH
from eyeline.results import Floats

FALSE_MERGE = 5.0
"""Cost of a pair of pieces wrongly put together, against 1 for one wrongly kept apart."""
EXAMPLES = 300
"""Pairs of groups a clip."""
SAME = 0.3
"""Fraction of the pairs that show one person."""
UNCUT = 0.25
"""Fraction of the pairs that stand for a face lost and seen again without a cut."""
MOST_PIECES = 3
SPANS = 4
"""A clip is cut into up to so many spans."""
FOLDS = 4
FILMS = 8
"""Of either number of joins, a fold."""
SHRINK = 0.3
"""Inverse strength of the regularisation of standardised features."""
SERIES = {"two_girls_drawings": "v01"}
"""Clips in which the same people may be seen: left out together, never strangers to each other."""
CHANCES = np.round(np.arange(0.3, 0.99, 0.05), 2)


def main() -> None:
    """Measure, fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    here = Path(__file__).parent
    parser.add_argument("--truth", type=Path, default=here / "identity_parts" / "truth.csv")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    truth = faces_of.read_truth(options.truth)
    options.cache.mkdir(parents=True, exist_ok=True)
    clips = [faces_of.measure(clip, truth, options.cache) for clip in options.clips]
    setup = fit_setup(clips)
    examples = {clip.clip: pairs(clip, clips) for clip in clips}
    report_left_out(examples)
    join = choose_join(clips, examples)
    model = replace(fit([e for es in examples.values() for e in es]), join=join, same_setup=setup)
    model = replace(model, cut=choose_cut(examples))
    if options.output:
        options.output.write_text(json.dumps(as_json(model), indent=1) + "\n", "utf-8")
    print(json.dumps(as_json(model), indent=1))


def as_json(model: evidence.Model) -> dict[str, Any]:
    """The file's content, numbers rounded to what the data can tell."""
    weights = {
        name: round(float(w), 3) for name, w in zip(evidence.FEATURES, model.weights, strict=True)
    }
    return {
        "weights": weights, "bias": round(model.bias, 3), "join": model.join, "cut": model.cut,
        "same_setup": model.same_setup,
    }  # fmt: skip


def series(clip: str) -> str:
    """The name that clips of the same people share."""
    return SERIES.get(clip, clip)


# --- pairs of groups


Example = tuple[Floats, Floats, bool, bool]
"""Cues, places, whether it is one person, whether it stands for a shot without a cut."""


def pairs(clip: Faces, clips: list[Faces]) -> list[Example]:
    """Pairs of groups of pieces, the first of each of this clip."""
    rng = np.random.default_rng(sum(clip.clip.encode()))
    result: list[Example] = []
    persons = np.unique(clip.person)
    while len(result) < EXAMPLES:
        mine = by_person(clip, rng)
        a = int(rng.choice(persons))
        same, uncut = rng.random() < SAME, rng.random() < UNCUT
        first, second = split(mine.get(a, []), rng)
        if not same:
            second = strangers(clip, a, clips, mine, rng)
        if first and second:
            first, second = (p[:1] if uncut else p[:MOST_PIECES] for p in (first, second))
            result.append(example(first, second, same, uncut))
    return result


def by_person(clip: Faces, rng: np.random.Generator) -> dict[int, list[Piece]]:
    """Pieces of a clip cut at random into equal spans."""
    spans = int(rng.integers(2, SPANS + 1))
    edges = np.linspace(0, float(clip.time_s.max()) + 1e-3, spans + 1)
    result: dict[int, list[Piece]] = {}
    for a, b in pairwise(edges):
        for one in films.cut(clip, float(a), float(b), rng):
            result.setdefault(one.who[1], []).append(one)
    return result


def split(pieces: list[Piece], rng: np.random.Generator) -> tuple[list[Piece], list[Piece]]:
    """Two random groups of one person's pieces."""
    order = [pieces[int(k)] for k in rng.permutation(len(pieces))]
    at = int(rng.integers(1, len(order))) if len(order) > 1 else 1
    return order[:at], order[at:]


def strangers(
    clip: Faces,
    person: int,
    clips: list[Faces],
    mine: dict[int, list[Piece]],
    rng: np.random.Generator,
) -> list[Piece]:
    """Pieces of another person, half the time of the same clip where there is one."""
    others = [p for p in mine if p != person]
    if others and rng.random() < 0.5:
        return split(mine[int(rng.choice(others))], rng)[0]
    another = clips[int(rng.integers(len(clips)))]
    if series(another.clip) == series(clip.clip):
        return []
    theirs = by_person(another, rng)
    return split(theirs[int(rng.choice(list(theirs)))], rng)[0] if theirs else []


def example(a: list[Piece], b: list[Piece], same: bool, uncut: bool) -> Example:
    """The features of two groups."""
    gallery = films.gallery([*a, *b])
    for k in range(1, len(a)):
        gallery.join(0, k)
    for k in range(1, len(b)):
        gallery.join(len(a), len(a) + k)
    place = np.max([films.together(x, y, uncut=uncut) for x in a for y in b], axis=0)
    return gallery.cues(0)[len(a)], place, same, uncut


# --- the fit


def fit(examples: list[Example]) -> evidence.Model:
    """A logistic regression on standardised features, weights scaled back."""
    x, y = table(examples)
    scale = np.maximum(x.std(0), 1e-3)
    fitted = LogisticRegression(C=SHRINK, max_iter=2000).fit(x / scale, y)
    return evidence.Model(fitted.coef_[0] / scale, float(fitted.intercept_[0]), 0.5, 0.5, 0.5)


def fit_without(names: set[str], examples: dict[str, list[Example]]) -> evidence.Model:
    """A fit on all clips but these and those of the same people."""
    out = {series(name) for name in names}
    return fit([e for name, es in examples.items() if series(name) not in out for e in es])


def table(examples: list[Example]) -> tuple[Floats, Floats]:
    """Features and truth."""
    cues, places, same, _ = (np.array(column) for column in zip(*examples, strict=True))
    return evidence.features(cues, places), same


def left_out(examples: dict[str, list[Example]]) -> list[tuple[str, Floats, Floats, list[Example]]]:
    """For each clip the probabilities by a fit without it, and the truth."""
    result = []
    for name, mine in examples.items():
        model = fit_without({name}, examples)
        cues, places, same, _ = (np.array(column) for column in zip(*mine, strict=True))
        result.append((name, model.probability(cues, places), same, mine))
    return result


def report_left_out(examples: dict[str, list[Example]]) -> None:
    """AUC and calibration of pairs of left-out clips."""
    results = left_out(examples)
    for name, p, same, _ in results:
        print(f"{name:22s} pairs {len(p)} AUC {roc_auc(same, p):.3f}")
    p, same = (np.concatenate([r[k] for r in results]) for k in (1, 2))
    print(f"pooled AUC {roc_auc(same, p):.3f}, Brier {np.mean((p - same) ** 2):.3f}")
    for low, high in zip((0, 0.2, 0.4, 0.6, 0.8), (0.2, 0.4, 0.6, 0.8, 1.01), strict=True):
        inside = (p >= low) & (p < high)
        print(f"  said {low:.1f}-{min(high, 1):.1f}: {same[inside].mean():.2f} of {inside.sum()}")


def choose_cut(examples: dict[str, list[Example]]) -> float:
    """The probability that tells best whether a track went on to another person of its clip.

    Both mistakes count alike, whatever their share among the examples.
    """
    results = left_out(examples)
    p, same, uncut = (
        np.concatenate(columns)
        for columns in zip(*((r[1], r[2], [e[3] for e in r[3]]) for r in results), strict=True)
    )
    p, same = p[uncut], same[uncut]
    wrong = [(p[same] < c).mean() + (p[~same] >= c).mean() for c in CHANCES]
    best = float(CHANCES[int(np.argmin(wrong))])
    print(f"cut below {best}: {(p[same] < best).mean():.3f} of the same cut, "
          f"{(p[~same] < best).mean():.3f} of slides found")  # fmt: skip
    return best


def fit_setup(clips: list[Faces]) -> float:
    """The correlation of small copies that parts set-ups best.

    Of one set-up are the ends of a shot; of two, shots of two clips, and a shot and its close-ups.
    """
    ends = {(c.clip, int(s)): c.scene[c.shot == s] for c in clips for s in np.unique(c.shot)}
    alike = [evidence.likeness(x[0], x[-1]) for x in ends.values() if len(x) > 1]
    pairs = [(a, b) for a, b in combinations(ends, 2) if a[0] != b[0]]
    apart = np.array(
        [evidence.likeness(ends[a][0], ends[b][0]) for a, b in pairs]
        + [evidence.likeness(x[0], close) for x in ends.values() for close in close_ups(x[0])]
    )
    levels = np.round(np.arange(0.3, 1.0, 0.01), 2)
    wrong = [np.mean(np.array(alike) < v) + FALSE_MERGE * np.mean(apart >= v) for v in levels]
    best = float(levels[int(np.argmin(wrong))])
    print(f"set-up from correlation {best}: {np.mean(np.array(alike) >= best):.2f} of {len(alike)}"
          f" kept, {np.mean(apart >= best):.3f} of {len(apart)} wrong")  # fmt: skip
    return best


def close_ups(small: Floats) -> list[Floats]:
    """Halves of a small copy, in the middle and the corners, in its size."""
    width, height = SCENE_WH
    image = small.reshape(height, width, 3)
    corners = [(0, 0), (0, 1), (1, 0), (1, 1), (0.5, 0.5)]
    result = []
    for down, right in corners:
        y, x = int(down * height / 2), int(right * width / 2)
        half = image[y : y + (height + 1) // 2, x : x + width // 2]
        result.append(half.repeat(2, 0).repeat(2, 1)[:height, :width].ravel())
    return result


# --- joined films


Cast = tuple[list[Piece], Floats, npt.NDArray[np.bool_]]


def choose_join(clips: list[Faces], examples: dict[str, list[Example]]) -> float:
    """The least probability of a merge with the lowest cost over films of left-out clips."""
    cast = []
    for fold in range(FOLDS):
        held = clips[fold::FOLDS]
        model = fit_without({c.clip for c in held}, examples)
        rng = np.random.default_rng(fold)
        for joins in FILMS * (4, 12):
            cast.append((model, lay_out(films.film(held, joins, rng))))
    counts = {c: total([score(replace(m, join=c), f) for m, f in cast]) for c in CHANCES}
    cost = {c: FALSE_MERGE * n["false"] + n["missed"] for c, n in counts.items()}
    best = float(min(cost, key=lambda c: cost[c]))
    for c in (*CHANCES[::3], best):
        n = counts[c]
        precision = n["right"] / max(n["right"] + n["false"], 1)
        recall = n["right"] / max(n["right"] + n["missed"], 1)
        print(f"join {c:.2f}: precision {precision:.4f} recall {recall:.3f}, "
              f"{n['groups']} identities of {n['persons']} persons")  # fmt: skip
    return best


def lay_out(film: list[list[Piece]]) -> Cast:
    """What does not change with the model: pieces, places, and who is seen at one time."""
    pieces = [p for cut in film for p in cut]
    at = [k for k, cut in enumerate(film) for _ in cut]
    n = len(pieces)
    places, barred = np.zeros((n, n, len(evidence.PLACES))), np.eye(n, dtype=bool)
    for i, j in combinations(range(n), 2):
        if at[i] != at[j]:
            places[i, j] = places[j, i] = films.together(pieces[i], pieces[j])
        elif pieces[i].shot == pieces[j].shot:
            barred[i, j] = barred[j, i] = True
    return pieces, places, barred


def score(model: evidence.Model, cast: Cast) -> dict[str, int]:
    """Pairs of pieces right, missed and false, and numbers of persons and identities."""
    pieces, places, barred = cast
    groups, _ = identity.group(films.gallery(pieces), places, barred, model)
    group = {i: g for g, members in enumerate(groups) for i in members}
    who = [p.who for p in pieces]
    result = {"right": 0, "missed": 0, "false": 0}
    for i, j in combinations(range(len(pieces)), 2):
        same, joined = who[i] == who[j], group[i] == group[j]
        if same or joined:
            result["right" if same and joined else "missed" if same else "false"] += 1
    return result | {"groups": len(groups), "persons": len(set(who))}


def total(counts: list[dict[str, int]]) -> dict[str, int]:
    """Sums of counts."""
    return {name: sum(c[name] for c in counts) for name in counts[0]}


if __name__ == "__main__":
    main()

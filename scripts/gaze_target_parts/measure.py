"""What clips left out say of the target model, beside plain rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from eyeline.geometry import directions
from eyeline.people.targets.model import Looks
from eyeline.people.tracks import rows_of
from eyeline.results import TARGET_CAMERA, TARGET_SCENE, Floats, target_label
from eyeline.system import Scene
from gaze_target_parts.labels import Label

Known = Mapping[str, tuple[Scene, Sequence[Label]]]
DRAWS = 2000
ALONG_RAD = np.radians(30.0)
"""How far off the arrow the nearest face may lie for the plain rule."""
NEIGHBOURS = 0.05
"""Standard deviation of the thresholds whose F1 is averaged to choose one."""
CAMERA_RAD = np.radians(12.0)
"""The bare angle's cap."""
JUMP_RAD, JUMP_S, STILL = np.radians(60.0), 0.2, 0.25
"""A direction jumps that turns so far in so short a time, while the head's box moves by less than
this fraction of its side."""


def best_threshold(parts: Sequence[tuple[Sequence[Label], Sequence[Looks]]]) -> float:
    """The threshold of the camera's probability with the best F1 in its neighbourhood.

    Probabilities on other clips are somewhat higher or lower throughout: what is best by the
    gap between two labels is not best there. Of equal ones it is the median.
    """
    value, truth = [], []
    for labels, looks in parts:
        for label in labels:
            if label.camera is not None and label.certain:
                value.append(looks[label.track].camera[label.row])
                truth.append(label.camera)
    at, yes = np.array(value), np.array(truth)
    grid = np.linspace(0.1, 0.9, 81)
    f1 = np.array([_f1(yes, at >= t) for t in grid])
    around = gaussian_filter1d(f1, NEIGHBOURS / 0.01, mode="nearest")
    return float(np.median(grid[around >= around.max() - 0.005]))


def _f1(truth: Floats, answer: Floats) -> float:
    return float(2 * (truth & answer).sum() / max(truth.sum() + answer.sum(), 1))


def report(known: Known, held: Mapping[str, Sequence[Looks]]) -> dict[str, Any]:
    """Counts and shares by answer, intervals over clips, and the same of plain rules."""
    ours = _rows(known, lambda clip, label: int(held[clip][label.track].target[label.row]))
    rules: dict[str, Callable[[str, Label], int]] = {
        "nearest face along the arrow": lambda clip, label: _nearest(known[clip][0], label),
        "always scene": lambda clip, label: TARGET_SCENE,
        "bare camera angle": lambda clip, label: _bare(known[clip][0], label),
    }
    out = {"model": _figures(ours)}
    out |= {name: _figures(_rows(known, rule)) for name, rule in rules.items()}
    out["calibration"] = _calibration(known, held)
    count = np.array([jumps(scene) for scene, _ in known.values()]).sum(axis=0)
    out["jumps"] = {"frames": int(count[0]), "of": int(count[1])}
    return out


def _rows(known: Known, answer: Callable[[str, Label], int]) -> list[dict[str, Any]]:
    return [
        {"clip": clip, "kind": label.kind, "camera": label.camera, "target": target,
         "right": target in label.allowed}
        for clip, (_, labels) in known.items()
        for label in labels
        if label.certain
        for target in [answer(clip, label)]
    ]  # fmt: skip


def _figures(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    full = [r for r in rows if r["kind"] != "unknown"]
    kinds = {k: [r for r in full if r["kind"] == k] for k in sorted({r["kind"] for r in full})}
    fractions = {"target": full, **kinds}
    out: dict[str, Any] = {
        name: {
            "right": sum(r["right"] for r in part),
            "of": len(part),
            "interval": _interval(part, _fraction),
        }
        for name, part in fractions.items()
    }
    known = [r for r in rows if r["camera"] is not None]
    out["camera F1"] = {"value": round(_camera_f1(known), 3), "of": len(known),
                        "interval": _interval(known, _camera_f1)}  # fmt: skip
    confused = Counter((r["kind"], _word(r["target"])) for r in full)
    out["confusion"] = {f"{a} -> {b}": n for (a, b), n in sorted(confused.items())}
    return out


def _word(target: int) -> str:
    return "person" if target > 0 else target_label(target)


def _fraction(rows: Sequence[Mapping[str, Any]]) -> float:
    return sum(r["right"] for r in rows) / max(len(rows), 1)


def _camera_f1(rows: Sequence[Mapping[str, Any]]) -> float:
    truth = np.array([bool(r["camera"]) for r in rows])
    return _f1(truth, np.array([r["target"] == TARGET_CAMERA for r in rows]))


def _interval(rows: Sequence[Mapping[str, Any]], of: Callable[[Any], float]) -> list[float]:
    """95 % of what clips drawn with replacement say."""
    by: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by[row["clip"]].append(row)
    clips, draw = list(by.values()), np.random.default_rng(0)
    drawn = [
        of([r for i in draw.integers(len(clips), size=len(clips)) for r in clips[i]])
        for _ in range(DRAWS if len(clips) > 1 else 0)
    ]
    return [round(float(q), 3) for q in np.quantile(drawn, [0.025, 0.975])] if drawn else []


def _calibration(known: Known, held: Mapping[str, Sequence[Looks]]) -> list[dict[str, float]]:
    """Mean probability of the camera against how often it was meant, in five bins."""
    value, truth = [], []
    for clip, (_, labels) in known.items():
        for label in labels:
            if label.camera is not None and label.certain:
                value.append(held[clip][label.track].camera[label.row])
                truth.append(bool(label.camera))
    at, yes = np.array(value), np.array(truth)
    bins = np.clip((at * 5).astype(int), 0, 4)
    return [
        {"mean": round(float(at[bins == b].mean()), 3),
         "fraction": round(float(yes[bins == b].mean()), 3),
         "count": int((bins == b).sum())}
        for b in range(5) if (bins == b).any()
    ]  # fmt: skip


def jumps(scene: Scene) -> tuple[int, int]:
    """In how many frames the direction of a still head jumps ahead, and of how many."""
    assert scene.gaze is not None
    count = 0
    for track, rows in zip(scene.tracks, rows_of(scene.tracks), strict=True):
        way, box = scene.gaze.direction[rows], track.head_xyxy
        centre, side = (box[:, :2] + box[:, 2:]) / 2, (box[:, 2:] - box[:, :2]).mean(axis=1)
        jumped = np.zeros(len(track), bool)
        for lag in range(1, len(track)):
            near = track.time_s[lag:] - track.time_s[:-lag] <= JUMP_S
            if not near.any():
                break
            turned = directions.angle(way[lag:], way[:-lag]) > JUMP_RAD
            moved = np.linalg.norm(centre[lag:] - centre[:-lag], axis=1) / side[lag:]
            jumped[:-lag] |= near & turned & (moved < STILL)
        count += int(jumped.sum())
    return count, len(scene.gaze)


def _gaze(scene: Scene, label: Label) -> tuple[Floats, Floats]:
    """Direction and the ray to the eyes."""
    assert scene.gaze is not None
    row = rows_of(scene.tracks)[label.track].start + label.row
    eyes = scene.tracks[label.track].eyes_px[label.row]
    return scene.gaze.direction[row], scene.camera.rays(eyes)


def _bare(scene: Scene, label: Label) -> int:
    """The camera within `CAMERA_RAD` of the direction, else the scene."""
    gaze, ray = _gaze(scene, label)
    return TARGET_CAMERA if float(directions.angle(gaze, -ray)) < CAMERA_RAD else TARGET_SCENE


def _nearest(scene: Scene, label: Label) -> int:
    """The camera within its cap, else the nearest face along the arrow in the image, else scene."""
    bare = _bare(scene, label)
    if bare == TARGET_CAMERA:
        return bare
    gaze, ray = _gaze(scene, label)
    arrow = directions.as_seen(gaze[None], -(-ray)[None])[0, :2]
    me = scene.tracks[label.track]
    best: tuple[float, int] | None = None
    for track in scene.tracks:
        at = np.flatnonzero(track.frame == me.frame[label.row])
        if track.person != me.person and len(at):
            way = track.eyes_px[at[0]] - me.eyes_px[label.row]
            off = np.arctan2(way[0] * arrow[1] - way[1] * arrow[0], way @ arrow)
            far = float(np.linalg.norm(way))
            if abs(off) < ALONG_RAD and (best is None or far < best[0]):
                best = far, track.person
    return best[1] if best else TARGET_SCENE


def table(report: Mapping[str, Any]) -> str:
    """Markdown: an answer a row, the model and the plain rules beside each other."""
    columns = [name for name in report if name not in ("calibration", "jumps")]
    answers = [name for name in report["model"] if name != "confusion"]
    lines = ["| answer | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for answer in answers:
        cells = [_cell(report[c][answer], c == "model") for c in columns]
        lines.append(f"| {answer} | {' | '.join(cells)} |")
    lines += [
        "",
        "| probability of the camera, mean | share of looks at it | labels |",
        "|---|---|---|",
    ]
    lines += [
        f"| {b['mean']:.2f} | {b['fraction']:.2f} | {b['count']} |" for b in report["calibration"]
    ]
    jump = report["jumps"]
    frames = f"{jump['frames']} of {jump['of']} frames"
    lines += ["", f"Still heads' directions jump by over 60 degrees within 0.2 s in {frames}."]
    lines += ["", "| label -> answer | labels |", "|---|---|"]
    lines += [f"| {pair} | {n} |" for pair, n in report["model"]["confusion"].items()]
    return "\n".join(lines)


def _cell(figure: Mapping[str, Any], interval: bool) -> str:
    span = figure["interval"]
    text, scale = f"{figure.get('value', 0):.2f}", 1
    if "right" in figure:
        fraction = 100 * figure["right"] / max(figure["of"], 1)
        text, scale = f"{figure['right']} of {figure['of']} ({fraction:.0f} %)", 100
    if not interval or not span:
        return text
    low, high = (f"{scale * v:.{0 if scale > 1 else 2}f}" for v in span)
    return f"{text}, {low} to {high}"


def print_rows(known: Known, held: Mapping[str, Sequence[Looks]]) -> None:
    """Every certain label that the model gets wrong."""
    for clip, (scene, labels) in known.items():
        for label in labels:
            looks = held[clip][label.track]
            got = int(looks.target[label.row])
            if label.certain and got not in label.allowed:
                track = scene.tracks[label.track]
                names = [*looks.evidence.others, "camera", "scene", "off"]
                chances = " ".join(
                    f"{n}:{p:.2f}" for n, p in zip(names, looks.posterior[label.row], strict=True)
                )
                print(clip, int(track.frame[label.row]), f"person {track.person}", label.kind,
                      sorted(label.allowed), "->", target_label(got), chances)  # fmt: skip

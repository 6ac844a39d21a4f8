"""Labels made by eye, joined to the rows of a scene's evidence."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.people.targets.evidence import Evidence
from eyeline.results import TARGET_CAMERA, TARGET_OFF_SCREEN, TARGET_SCENE
from eyeline.system import Scene

UNKNOWN = ("", "?", "ambiguous", "unknown", "near_camera")
PLACES = {"camera": TARGET_CAMERA, "scene": TARGET_SCENE, "object": TARGET_SCENE,
          "off_screen": TARGET_OFF_SCREEN}  # fmt: skip
NEAR_FRAMES = (0, 1, -1, 2, -2, 3, -3)


@dataclass(frozen=True)
class Label:
    """What is known of one person's look at one time."""

    clip: str
    track: int
    row: int
    kind: str
    """`person`, `camera`, `scene`, `object`, `off_screen`, `not_camera` or `unknown`."""
    allowed: frozenset[int]
    """Targets that the label allows."""
    certain: bool
    side: str
    eyes: str
    """`open`, `lowered`, `closed`, or anything else where the rater could not say."""

    @property
    def camera(self) -> bool | None:
        """Whether the camera is looked at, None where the label leaves it open."""
        return None if self.kind == "unknown" and not self.allowed else self.kind == "camera"


def read(folders: Sequence[Path], clip: str) -> list[dict[str, Any]]:
    """The rows of all label files of a clip."""
    result: list[dict[str, Any]] = []
    for folder in folders:
        path = folder / f"labels_{clip}.csv"
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                result += [{**row, "from": folder.name} for row in csv.DictReader(file)]
    return result


def join(
    clip: str, rows: Sequence[Mapping[str, str]], scene: Scene, evidence: Sequence[Evidence]
) -> list[Label]:
    """Labels of faces that were found; a `person:` who was not found makes none."""
    at = [_row(scene, row) for row in rows]
    seen: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for row, place in zip(rows, at, strict=True):
        if place is not None:
            seen[row["person"]][scene.tracks[place[0]].person] += 1
    labels = []
    for row, place in zip(rows, at, strict=True):
        if place is None:
            continue
        others = _visible(evidence[place[0]], place[1])
        kind, allowed = _allowed(row, others, seen)
        if allowed:
            certain = row.get("certain", "yes") != "no"
            labels.append(
                Label(
                    clip,
                    *place,
                    kind,
                    frozenset(allowed),
                    certain,
                    row["side"],
                    row.get("eyes", ""),
                )
            )
    return labels


def _allowed(
    row: Mapping[str, str], others: set[int], seen: Mapping[str, Counter[int]]
) -> tuple[str, set[int]]:
    target, side = row["target"], row["side"]
    kind, _, name = target.partition(":")
    not_camera = {TARGET_SCENE, TARGET_OFF_SCREEN, *others}
    if kind == "person":
        name = name if name in seen else next((n for n in seen if n.startswith(name)), name)
        person = seen[name].most_common(1)[0][0] if name in seen else None
        return "person", {person} & others if person else set()
    if kind in PLACES:
        return kind, {PLACES[kind]}
    if kind == "not_camera":
        return kind, not_camera
    return "unknown", not_camera if side in ("left", "right") else set()


def _visible(evidence: Evidence, row: int) -> set[int]:
    seen = np.isfinite(evidence.other_px[row, :, 0])
    return {p for p, s in zip(evidence.others, seen, strict=True) if s}


def _row(scene: Scene, label: Mapping[str, str]) -> tuple[int, int] | None:
    """Track and row whose head box, a fifth larger, holds the label; the nearest middle wins."""
    x = float(label.get("box_center_x") or label["x"])
    y = float(label.get("box_center_y") or label["y"])
    best: tuple[float, int, int] | None = None
    for number, track in enumerate(scene.tracks):
        for off in NEAR_FRAMES:
            row = int(np.searchsorted(track.frame, int(label["frame"]) + off))
            if row < len(track) and track.frame[row] == int(label["frame"]) + off:
                x1, y1, x2, y2 = track.head_xyxy[row]
                inside = abs(x - (x1 + x2) / 2) <= 0.7 * (x2 - x1)
                inside &= abs(y - (y1 + y2) / 2) <= 0.7 * (y2 - y1)
                far = float(np.hypot(x - (x1 + x2) / 2, y - (y1 + y2) / 2))
                if inside and (best is None or far < best[0]):
                    best = far, number, row
                break
    return best and best[1:]


def of_sample(truth: Mapping[str, Any], scene: Scene, every_s: float = 0.4) -> list[Label]:
    """What the packaged sample's play says, every so often inside its looks."""
    labels = []
    for person in truth["persons"]:
        number = next(i for i, t in enumerate(scene.tracks) if t.person == person["person"])
        for span in person["looks"]:
            word = span["target"].replace(" ", "_")
            kind = "person" if word.startswith("person") else word
            target = int(word.split("_")[1]) if kind == "person" else PLACES[word]
            for time_s in np.arange(span["start_s"] + 0.1, span["end_s"] - 0.1, every_s):
                row = int(np.abs(scene.tracks[number].time_s - time_s).argmin())
                labels.append(Label("sample", number, row, kind, frozenset({target}), True, "", ""))
    return labels

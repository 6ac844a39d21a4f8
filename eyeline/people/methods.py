"""The tables of detectors and trackers: a new one is a row here, and the file that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from eyeline.results import Method

if TYPE_CHECKING:
    from eyeline.people.detect import Detector
    from eyeline.people.numbering import Numbers

LEAST_IOU = 0.4
"""Of the tracker `iou`: a face joins a track whose last box it overlaps by more."""


def _centerface(weights: Path | None, device: str) -> Detector:
    from eyeline.people.detect import CenterFace

    return CenterFace()


def _mmod(weights: Path | None, device: str) -> Detector:
    from eyeline.people.mmod import Mmod

    return Mmod()


def _persons(weights: Path | None, device: str) -> Detector:
    from eyeline.people.bodies import HeadsOfPersons
    from eyeline.people.detect import CenterFace
    from eyeline.people.person_networks import TorchvisionPersons

    return HeadsOfPersons(TorchvisionPersons(_person_weights(weights), device), CenterFace())


def _person_weights(name_or_file: Path | str | None) -> Path:
    from eyeline.people.person_networks import find_weights

    return find_weights(None if name_or_file is None else str(name_or_file))


def _ours(iou: float | None) -> Numbers:
    from eyeline.people.numbering import Tracker

    return Tracker()


def _iou(iou: float | None) -> Numbers:
    from eyeline.people.iou_tracks import IouNumbers

    return IouNumbers(LEAST_IOU if iou is None else iou)


@dataclass(frozen=True)
class DetectorEntry:
    """A way of finding faces."""

    about: str
    """For `--help`."""
    finds: str
    """What it finds, for reports."""
    licence: str
    create: Callable[[Path | None, str], Detector]
    """From a file of weights, None where it needs none, and a device."""
    files: str = "centerface.onnx and dlib's files"
    """The files that it and what measures its faces use."""
    modules: tuple[str, ...] = ()
    """What must be installed, of `extras.PACKAGES`."""
    weights: Callable[[str | None], Path] | None = None
    """The user's file of weights by name, None for one that needs none; UsageError or
    CheckpointError where there is none."""


@dataclass(frozen=True)
class TrackerEntry:
    """A way of following them."""

    about: str
    """For `--help`."""
    follows: str
    """For reports; `{iou:g}` is the least overlap."""
    licence: str
    create: Callable[[float | None], Numbers]
    """From the least overlap that the user chose."""
    search_s: float | None = None
    """Time between two searched frames; None is `follow.SEARCH_S`."""
    least_iou: float | None = None
    """The least overlap by default, None for one that takes none."""


DETECTORS: Mapping[str, DetectorEntry] = {
    "centerface": DetectorEntry("centerface", "faces by CenterFace", "CenterFace MIT", _centerface),
    "mmod": DetectorEntry(
        "mmod (slow, as published)",
        "faces by dlib's mmod network, as published for ECS",
        "dlib's mmod file CC0",
        _mmod,
        files="dlib's files",
    ),
    "persons": DetectorEntry(
        "persons (torchvision's detectors, also for people from behind)",
        "persons by a detector of torchvision, faces in them by CenterFace; a head without a face "
        "lies where that of a standing person would, and nothing is claimed of its turn",
        "CenterFace MIT; torchvision BSD-3-Clause",
        _persons,
        modules=("torch", "torchvision"),
        weights=_person_weights,
    ),
}
GIVEN_BODIES = replace(
    DETECTORS["persons"],
    finds=DETECTORS["persons"].finds.replace(
        "persons by a detector of torchvision", "the user's boxes of persons"
    ),
    licence="CenterFace MIT",
    weights=None,
)
"""In the place of a detector where the user gives boxes of persons."""
TRACKERS: Mapping[str, TrackerEntry] = {
    "ours": TrackerEntry("ours", "tracks by C-BIoU", "own code, Apache-2.0", _ours),
    "iou": TrackerEntry(
        "iou (as published)",
        "tracks by overlap over {iou:g} from frame to frame, as in its demo",
        "own code, Apache-2.0",
        _iou,
        search_s=0.0,
        least_iou=LEAST_IOU,
    ),
}

PEOPLE = Method(
    "people",
    "centerface_dlib",
    "faces by CenterFace, tracks by C-BIoU, 68 landmarks and face embeddings by dlib, head pose by "
    "fitting a metric face model",
    "on one clip of four people all 1552 reference heads were found (IoU 0.3), with one identity "
    "each; not measured on a benchmark",
    "CenterFace MIT; dlib Boost; its 68-point file was trained on iBUG 300-W, which is for "
    "research use",
    weights="centerface.onnx and dlib's files",
)
"""Of the first detector and the first tracker."""


def people_method(
    detector: str,
    tracker: str,
    *,
    iou: float | None = None,
    weights: Path | None = None,
    bodies: bool = False,
) -> Method:
    """What finds and follows people, by the names of detector and tracker."""
    names = detector, tracker
    if names == (next(iter(DETECTORS)), next(iter(TRACKERS))) and not bodies:
        return PEOPLE
    finding = GIVEN_BODIES if bodies else DETECTORS[detector]
    follows = TRACKERS[tracker].follows.format(iou=LEAST_IOU if iou is None else iou)
    return replace(
        PEOPLE,
        builder="given_bodies" if bodies else "_".join(names),
        summary=f"{finding.finds}; {follows}" + PEOPLE.summary.partition("C-BIoU")[2],
        measured="not measured on a benchmark",
        licence=PEOPLE.licence.replace(DETECTORS["centerface"].licence, finding.licence),
        weights=finding.files if weights is None else f"{finding.files}; {weights.name}",
    )

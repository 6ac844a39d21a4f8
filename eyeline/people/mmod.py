"""The front end of the published eye contact code: dlib's CNN face detector and its 68 landmarks.

Both model files lie in `face_recognition_models`. The detector's is in the public domain (CC0),
that of the landmarks was trained on iBUG 300-W: research use. The published code has another file
of 68 landmarks (`..._GTX.dat`), trained for this detector's boxes, which may be given.

The detector looks at the whole image in its full size and at several smaller ones, for faces of
about 80 pixels and more: seconds for a 720p frame on a processor, milliseconds only where dlib was
built for CUDA.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.carried import package_file
from eyeline.errors import CheckpointError
from eyeline.people.detect import Detector, Faces
from eyeline.people.follow import Measure
from eyeline.people.landmarks import Chip, five_of_68
from eyeline.results import Floats, Image

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

_PACKAGE = "face_recognition_models"
_DETECTOR = "mmod_human_face_detector.dat"
_LANDMARKS = "shape_predictor_68_face_landmarks.dat"


class Mmod(Detector):
    """dlib's `cnn_face_detection_model_v1`, the image in BGR as it stands, not enlarged.

    Every detection counts, as published. Its confidence c has no upper bound; `Faces.score` is
    1 - 0.4 exp(-c), so that each is sure enough to start a track.

    Args:
        landmarks: file of the 68-point predictor, for example the published `..._GTX.dat`.
    """

    def __init__(self, landmarks: Path | str | None = None) -> None:
        """Load both models; CheckpointError if a file is missing or another one."""
        import dlib

        file = landmarks or package_file(_PACKAGE, "models", _LANDMARKS)
        self._detect = _opened(
            dlib.cnn_face_detection_model_v1, package_file(_PACKAGE, "models", _DETECTOR)
        )
        self._predict = _opened(dlib.shape_predictor, Path(file))

    box_source = "mmod"

    def measure(self) -> Measure:
        """Its own landmarks."""
        return MmodMeasure(self)

    def detect(self, frame: Frame) -> Faces:
        """The faces of a frame, in the frame's own pixels, boxes whole pixels, surest first."""
        bgr = _bgr(frame)
        result = sorted(self._detect(bgr, 0), key=lambda one: -one.confidence)
        if not result:
            return Faces.none()
        sides = [(f.rect.left(), f.rect.top(), f.rect.right(), f.rect.bottom()) for f in result]
        box = np.array(sides, np.float64)
        confidence = np.array([one.confidence for one in result])
        points = np.stack([self._points(bgr, one) for one in box])
        return Faces(box, 1 - 0.4 * np.exp(-np.maximum(confidence, 0)), five_of_68(points))

    def landmarks(self, frame: Frame, box_xyxy: Floats) -> Floats:
        """The `(68, 2)` landmarks in a box `(4,)` of this detector's, whole pixels."""
        return self._points(_bgr(frame), box_xyxy)

    def _points(self, bgr: Image, box_xyxy: Floats) -> Floats:
        import dlib

        shape = self._predict(bgr, dlib.rectangle(*(round(float(side)) for side in box_xyxy)))
        return np.array([(p.x, p.y) for p in shape.parts()], np.float64)


class MmodMeasure(Measure):
    """Measures faces by the landmarks found right in the detector's boxes, as published."""

    def __init__(self, detector: Mmod) -> None:
        """Share the detector's predictor."""
        super().__init__()
        self._detector = detector

    def find(self, frame: Frame, chip: Chip, box: Floats) -> Floats:
        """The `(68, 2)` landmarks of a face in the pixels of its chip."""
        return chip.of_frame(self._detector.landmarks(frame, box))


def _bgr(frame: Frame) -> Image:
    return np.ascontiguousarray(frame.rgb()[..., ::-1])


def _opened(kind: Any, path: Path) -> Any:
    """A model of dlib's; CheckpointError where the file is none."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        return kind(str(path))
    except RuntimeError as error:
        raise CheckpointError(f"{path} is not a model that dlib can read: {error}") from error

"""Brightened heads, so that a detector sees who is there and who speaks.

`fuse` brightens an image, `Enhanced` the frames of a video, and `run` is `prepare
gaze_following/fused`: the authors' frames and head maps to fused images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from eyeline.datasets.prepare import Outcome, Summary, attempt, check_weights, prepare_all
from eyeline.errors import DataError, UsageError
from eyeline.files import write_bytes
from eyeline.log import Log
from eyeline.people.published_face import published_face
from eyeline.people.tracks import Track, joined
from eyeline.results import Image, Scores
from eyeline.speech.syncnet.crops import squares
from eyeline.systems.gaze_following import formats, speaker_files
from eyeline.systems.gaze_following.detector.inputs import read_image
from eyeline.systems.gaze_following.heads import Heads, Maps, heads, maps

if TYPE_CHECKING:
    from eyeline.video.reader import Frame

Fusion = Literal["hs", "h", "none"]
"""`hs`: speakers more than listeners; `h`: all heads alike; `none`: the image as it is."""
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)
JPEG_QUALITY = 95
"""OpenCV's own, as published."""

_MIXED = {"hs": (0.5, 0.7), "h": (1.0, 0.5)}
"""Weight of the others' map where the speakers' has 1, and that of both in the image."""


def fuse(image: Image, frame_heads: Maps, fusion: Fusion = "hs") -> Image:
    """Brighten the heads of a frame `(h, w, 3)`, colours in any order; with `none` it is returned.

    Sums saturate and are rounded twice, half to even, as published.

    Raises:
        DataError: maps of another size.
        UsageError: no such fusion.
    """
    import cv2

    if fusion == "none":
        return image
    others, fraction = _MIXED[check_fusion(fusion)]
    if {frame_heads.speaker.shape, frame_heads.others.shape} != {image.shape[:2]}:
        raise DataError(
            f"maps of shape {frame_heads.speaker.shape} for an image of {image.shape[:2]}; both "
            "must be of one size"
        )
    if not frame_heads.speaker.any() and not frame_heads.others.any():
        return image
    mixed = cv2.addWeighted(frame_heads.others, others, frame_heads.speaker, 1.0, 0.0)
    return np.asarray(cv2.addWeighted(cv2.merge([mixed] * 3), fraction, image, 1.0, 0.0), np.uint8)


def check_fusion(name: str) -> Fusion:
    """The fusion of that name; UsageError lists what there is."""
    if name not in FUSIONS:
        raise UsageError(f"no fusion '{name}'; there are {', '.join(FUSIONS)}")
    return name


class Enhanced:
    """The frames of a video with the heads of its tracks brightened.

    Heads go by the number of the frame, so tracks may begin and end anywhere. Nobody, one or
    several may speak.
    """

    def __init__(
        self, tracks: Sequence[Track], speaking: Scores | None, fusion: Fusion = "hs"
    ) -> None:
        """Sort the heads by frame.

        Args:
            tracks: all faces.
            speaking: who speaks, rows in the order of the tracks; None where nobody is heard.
            fusion: how heads are brightened.

        Raises:
            DataError: scores whose rows are not those of the tracks.
            UsageError: no such fusion.
        """
        self.fusion = check_fusion(fusion)
        each = [heads(squares(published_face(track))) for track in tracks]
        frame = joined((track.frame for track in tracks), np.int64)
        speaks = np.zeros(len(frame), bool)
        if speaking is not None:
            if len(speaking) != len(frame):
                raise DataError(
                    f"{len(speaking)} scores of who speaks for {len(frame)} faces; they must be of "
                    "one analysis"
                )
            speaks = np.nan_to_num(speaking.value, nan=-1.0) >= speaking.threshold
        order = np.argsort(frame, kind="stable")
        self._frame, self._speaks = frame[order], speaks[order]
        self._heads = Heads(*(joined((h[i] for h in each), np.int64)[order] for i in range(3)))

    def heads(self, frame: int) -> tuple[Heads, npt.NDArray[np.bool_]]:
        """The heads `(n,)` in a frame, and which of them speak `(n,)`; by person, then track."""
        at = slice(*np.searchsorted(self._frame, [frame, frame + 1]))
        return self._heads.at(at), self._speaks[at]

    def image(self, frame: Frame) -> Image:
        """`(h, w, 3)` RGB; the frame's own pixels where there are no heads: do not write there."""
        rgb = frame.rgb()
        result, speak = self.heads(frame.index)
        if self.fusion == "none" or not len(speak):
            return rgb
        return fuse(rgb, maps(result, speak, (rgb.shape[1], rgb.shape[0])), self.fusion)


def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    log: Log | None = None,
    maps: str | None = None,
    fusion: str = "hs",
) -> Summary:
    """Brighten the heads in frames; frames without maps are left out and counted.

    Args:
        source: folder of frames `VVVHFFF.jpg`, in it or below.
        out: folder to make: `VVV/VVVHFFF.jpg`.
        weights: none are needed.
        device: none is used.
        log: gets a line for every video.
        maps: folder below which `VVV_f<frame>_{speaker,nonspeaker}.png` lie; by default the source.
        fusion: `hs`, `h` or `none`.

    Raises:
        DataError: no frames.
        UsageError: no such fusion.
        OutputError: the folder cannot be written.
    """
    del device
    check_weights(weights, ())
    chosen, source, out = check_fusion(fusion), Path(source), Path(out)
    frames: dict[str, list[Path]] = {}
    for path in sorted(source.rglob("*.jpg")):
        frames.setdefault(formats.parse_name(path.name, str(path)).video, []).append(path)
    if not frames:
        raise DataError(f"{source} has no frames VVVHFFF.jpg")
    places: dict[str, Path] = {}
    for path in sorted((Path(maps) if maps else source).rglob("*_f*_speaker.png")):
        places.setdefault(path.name[:3], path.parent)
    work = [(out, name, paths, places.get(name), chosen) for name, paths in frames.items()]
    return Summary.of_counts("videos", prepare_all(_prepare_video, work, log))


def jpeg(rgb: Image) -> bytes:
    """An image `(h, w, 3)` as the authors' scripts store it."""
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), options)[1].tobytes()


def _prepare_video(
    out: Path, video: str, paths: list[Path], places: Path | None, fusion: Fusion
) -> Outcome:
    def work() -> Outcome:
        by_frame: dict[int, list[Path]] = {}
        for path in paths:
            by_frame.setdefault(formats.parse_name(path.name).frame, []).append(path)
        fused = 0
        for frame, copies in by_frame.items():
            drawn = speaker_files.read_maps(places, video, frame) if places else None
            if drawn is None:
                continue
            created: dict[bytes, bytes] = {}  # the heads' copies of a frame are alike
            for path in copies:
                content = path.read_bytes()
                if content not in created:
                    created[content] = jpeg(fuse(read_image(path), drawn, fusion))
                write_bytes(out / video / path.name, created[content])
            fused += len(copies)
        if not fused:
            raise DataError(f"none of its {len(paths)} frames has maps of heads")
        left = len(paths) - fused
        notes = (f"{left} frames without maps are left out",) if left else ()
        counts = {"frames": len(paths), "fused_images": fused}
        return Outcome(video, "done", counts=counts, notes=notes)

    return attempt(video, work)

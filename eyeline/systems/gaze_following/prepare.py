"""`prepare gaze_following/vgs`: from raw videos to the files of the authors' steps.

Below the output folder, in the authors' names and layouts (`VVV` video, `H` head from 1, `FFF`
frame from 0):
- `image_frame/VVV/VVVHFFF.jpg`: the frames, a copy for each head;
- `speaker_detect/pywork/VVV/`: `faces.pckl`, `scene.pckl`, `tracks.pckl`, `whospeaks.npy`, and with
  SyncNet `V_feats.npy`, `A_feats.npy`, `activesd.pckl`, `offsets.txt`;
- `speaker_detect/head_boxes/VVV/VVV_{frame_faces_boxes,faces_bboxes}.npy`;
- `speaker_detect/face_maps/VVV/VVV_f<frame>_{speaker,nonspeaker}.png`;
- `fusion_speaker/VVV/VVVHFFF.jpg`: the frames that have maps, heads brightened;
- `candidates/VVV.csv` and `VVV.txt`, with weights of `mask_rcnn`;
- `best_gaze/VVV.csv` and `KETI_Sequence.csv`, likewise.

A video that cannot be prepared costs itself. The same command goes on with the videos that are not
there yet.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline.bounds import Count
from eyeline.datasets.items import checked
from eyeline.datasets.prepare import Outcome, Summary, attempt, check_weights, prepare_all
from eyeline.documents import read_json
from eyeline.errors import DataError, UsageError
from eyeline.files import atomic_dir, clear, made, write_bytes, write_json
from eyeline.log import Log
from eyeline.results import Image
from eyeline.systems.gaze_following import best_gaze, formats, speaker_files, speaker_stage
from eyeline.systems.gaze_following.detector.inputs import decoded
from eyeline.systems.gaze_following.formats import Candidates, FrameName
from eyeline.systems.gaze_following.fusion import Fusion, check_fusion, fuse, jpeg
from eyeline.systems.gaze_following.heads import Heads, heads, maps
from eyeline.systems.gaze_following.matching import rules
from eyeline.systems.gaze_following.matching.rules import Slope
from eyeline.systems.gaze_following.speaker_stage import SPEAKERS, Options, Spoken
from eyeline.systems.gaze_following.tracking import LEAST_FACES
from eyeline.video.reader import VideoReader

if TYPE_CHECKING:
    from eyeline.systems.gaze_following.detector.infer import CandidateDetector

FRAMES, FUSED, DETECTED = "image_frame", "fusion_speaker", "speaker_detect"
DONE = "videos"
"""Folder with a `VVV.json` for each video that is done: settings and counts."""
NETWORKS = ("syncnet", "mask_rcnn", "slope_mlp")
VIDEOS = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".mpg")
MOST_HEADS = 9
"""A name has one digit for the head."""


@dataclass(frozen=True)
class _Plan:
    """How each video is prepared."""

    speaking: Options
    fusion: Fusion
    rule: str
    slope: Slope
    detector: CandidateDetector | None
    every: int
    stored: Path | None
    settings: Mapping[str, Any]


@checked
def run(
    source: Path | str,
    out: Path | str,
    *,
    weights: Mapping[str, Path] | None = None,
    device: str = "cpu",
    log: Log | None = None,
    speaker_files: str | None = None,
    speaker: str | None = None,
    fusion: str = "hs",
    min_track: Count = LEAST_FACES,
    published: bool = True,
    every: Count = 1,
    rule: str | None = None,
) -> Summary:
    """Prepare a video or all videos of a folder.

    Args:
        source: a video, or a folder of videos; the last three characters of a name are the video's.
        out: folder to make.
        weights: `syncnet` says who speaks, `mask_rcnn` finds candidates, `slope_mlp` chooses one;
            none is needed.
        device: where networks run.
        log: gets a line for every video.
        speaker_files: folder with files of the authors' speaker detector, which are taken for what
            they hold: `pywork/VVV`, `speaker_detect/pywork/VVV`, or for a single video the folder
            itself.
        speaker: one of `speaker_stage.SPEAKERS`; by default `published` with weights of `syncnet`,
            `mouth_agreement` without.
        fusion: how heads are brightened: `hs`, `h` or `none`.
        min_track: a face is followed for more frames than that.
        published: keep the authors' edges, see `speaker_stage.Options`, and ellipses that wrap
            round at a frame's borders.
        every: frames from one in which candidates are looked for to the next.
        rule: how a candidate is chosen, see `best_gaze.run`.

    Raises:
        DataError: no video, or two of one name.
        UsageError: options or weights that do not go together.
        OutputError: the folder cannot be written.
    """
    given = check_weights(weights, NETWORKS)
    chosen, fused = speaker or ("published" if "syncnet" in given else SPEAKERS[0]), fusion
    if chosen not in SPEAKERS:
        raise UsageError(f"no speaker '{chosen}'; there are {', '.join(SPEAKERS)}")
    if (chosen != SPEAKERS[0]) != ("syncnet" in given):
        raise UsageError(f"speaker={chosen} and --weights of syncnet do not go together")
    if "mask_rcnn" not in given and (rule or "slope_mlp" in given):
        raise UsageError("a rule or weights of slope_mlp need --weights of mask_rcnn, too")
    name, slope = rules.open_rule(rule, given.get("slope_mlp"))
    detector = None
    if "mask_rcnn" in given:
        from eyeline.systems.gaze_following.detector.infer import CandidateDetector

        detector = CandidateDetector(given["mask_rcnn"], device)
    settings = {
        "speaker": chosen,
        "fusion": fused,
        "min_track": min_track,
        "published": published,
        "every": every,
        "rule": name,
        "speaker_files": speaker_files,
        "weights": {network: _identity(path) for network, path in given.items()},
    }
    speaking = Options(chosen, given.get("syncnet"), device, min_track, published)
    stored = Path(speaker_files) if speaker_files else None
    plan = _Plan(speaking, check_fusion(fused), name, slope, detector, every, stored, settings)
    videos, out = _videos(Path(source)), made(Path(out))
    if stored is not None and not stored.is_dir():
        raise DataError(f"speaker_files: there is no folder {stored}")
    work = [(path, name, out, plan, len(videos) == 1) for name, path in videos.items()]
    outcomes = prepare_all(_prepare_video, work, log)
    ready = [o.name for o in outcomes if (out / best_gaze.BEST / f"{o.name}.csv").is_file()]
    if detector is not None and ready:
        best_gaze.write_sequence(out, ready)
    return Summary.of_counts("videos", outcomes)


def _videos(source: Path) -> dict[str, Path]:
    """Video files by the three characters that name them."""
    if not source.exists():
        raise DataError(f"there is no {source}")
    paths = [source]
    if source.is_dir():
        paths = sorted(p for p in source.iterdir() if p.suffix.lower() in VIDEOS)
    result: dict[str, Path] = {}
    for path in paths:
        name = path.stem[-3:]
        if len(name) < 3:
            raise DataError(f"{path}: a video's name must have at least three characters")
        if name in result:
            raise DataError(f"{result[name]} and {path.name} are both called '{name}'")
        result[name] = path
    if not result:
        raise DataError(f"{source} has no videos ({', '.join(VIDEOS)})")
    return result


def _prepare_video(path: Path, name: str, out: Path, plan: _Plan, single: bool) -> Outcome:
    """Prepare one video, unless that is done."""
    done, folder = out / DONE / f"{name}.json", out / name

    def work() -> Outcome:
        wanted = {"source": _identity(path), **plan.settings}
        content = read_json(done) if done.is_file() else None
        if isinstance(content, dict) and content.get("settings") == wanted:
            return Outcome(name, "kept", counts=content["counts"])
        clear(folder)
        with atomic_dir(folder) as place:
            outcome = _write(path, name, place, plan, _stored(plan.stored, name, single))
        for part in (*folder.rglob(glob.escape(name)), *folder.rglob(f"{glob.escape(name)}.*")):
            place = out / part.relative_to(folder)
            if place.is_dir():
                shutil.rmtree(place)
            part.replace(made(place.parent) / place.name)
        shutil.rmtree(folder)
        write_json(done, {"settings": wanted, "counts": dict(outcome.counts)})
        return outcome

    return attempt(name, work)


def _stored(root: Path | None, name: str, single: bool) -> Path | None:
    if root is None:
        return None
    places = [root / DETECTED / "pywork" / name, root / "pywork" / name, root / name]
    result = next((p for p in places if p.is_dir()), root if single else None)
    if result is None:
        raise DataError(f"{root} has no files of video {name}: no pywork/{name} in it")
    return result


def _write(path: Path, name: str, work: Path, plan: _Plan, stored: Path | None) -> Outcome:
    known = speaker_stage.detect(path, plan.speaking, stored)
    count = len(known.tracks)
    if count > MOST_HEADS:
        raise DataError(
            f"{path} has {count} tracks; names of frames have one digit for the head: at most "
            f"{MOST_HEADS}. A greater min_track leaves short tracks out"
        )
    images = _Images(work, name, known, plan)
    for frame in VideoReader(path):
        images.write(frame.index, frame.rgb())
    folder = work / DETECTED
    notes = speaker_stage.write(
        folder / "pywork" / name, folder / "head_boxes" / name, name, known, images.frames
    )
    counts = {"frames": images.frames, "heads": count, "fused_images": images.fused}
    if plan.detector is not None:
        counts["gaze_points"] = images.write_gaze()
    return Outcome(name, "done", counts=counts, notes=(*known.notes, *notes))


class _Images:
    """Writes the files of each frame of a video."""

    def __init__(self, work: Path, video: str, known: Spoken, plan: _Plan) -> None:
        self._work, self._video, self._known, self._plan = work, video, known, plan
        self._heads = [heads(t.squares) for t in known.tracks]
        self._head_boxes: dict[str, tuple[int, ...]] = {}
        self._candidates: list[Candidates] = []
        self.frames = self.fused = 0

    def write(self, frame: int, rgb: Image) -> None:
        """The frame, and where heads are known its maps, fused images and candidates."""
        self.frames += 1
        content = jpeg(rgb)
        names = [str(FrameName(self._video, i + 1, frame)) for i in range(len(self._heads))]
        _copies(self._work / FRAMES / self._video, names, content)
        there = self._present(frame)
        if frame >= len(self._known.speaker) or not there:
            return
        self._head_boxes |= {names[i]: tuple(head.box_xyxy.tolist()) for i, head in there.items()}
        speaks = np.array([i == self._known.speaker[frame] for i in there])
        columns = (np.array([head[k] for head in there.values()]) for k in range(3))
        size_wh, published = (rgb.shape[1], rgb.shape[0]), self._plan.speaking.published
        drawn = maps(Heads(*columns), speaks, size_wh, published=published)
        folder = self._work / DETECTED / "face_maps" / self._video
        speaker_files.write_maps(folder, self._video, frame, drawn)
        fused = jpeg(fuse(decoded(content), drawn, self._plan.fusion))
        _copies(self._work / FUSED / self._video, names, fused)
        self.fused += len(names)
        if self._plan.detector is not None and frame % self._plan.every == 0:
            detected = self._plan.detector.find([decoded(fused)])[0]
            self._candidates += [Candidates(name, *detected) for name in names]

    def write_gaze(self) -> int:
        """Candidates and best gaze; the number of gaze points."""
        stem = self._work / best_gaze.CANDIDATES / self._video
        formats.write_candidates_csv(stem.with_suffix(".csv"), self._candidates)
        formats.write_candidates_text(stem.with_suffix(".txt"), self._candidates)
        how = self._head_boxes, self._plan.rule, self._plan.slope
        rows = best_gaze.best_rows(self._candidates, *how)
        formats.write_best(self._work / best_gaze.BEST / f"{self._video}.csv", rows)
        return len(rows)

    def _present(self, frame: int) -> dict[int, Heads]:
        """The heads in a frame by number of the track."""
        result = {}
        for i, (stored, own) in enumerate(zip(self._known.tracks, self._heads, strict=True)):
            row = frame - int(stored.track.frame[0])
            if 0 <= row < len(own.x_px):
                result[i] = own.at(row)
        return result


def _copies(folder: Path, names: list[str], content: bytes) -> None:
    """The same bytes under several names, once on the disk where that can be."""
    first = write_bytes(folder / names[0], content)
    for name in names[1:]:
        try:
            os.link(first, folder / name)
        except OSError:
            write_bytes(folder / name, content)


def _identity(path: Path) -> list[Any]:
    there = path.stat()
    return [path.name, there.st_size, there.st_mtime_ns]

"""The files of a synthetic video: image and audio, images of the COCO form, the speaker's files.

Layout below the output folder, as of the published data and of the published speaker detector:
- `videos/VVV.mp4`, `audio/VVV.wav` (16 kHz, one channel);
- `coco-HS/`, `coco-H/`, `coco-noHnoS/`: `{train,val,test}2017/VVVHFFF.jpg`;
- `pywork/VVV/`: `faces.pckl`, `scene.pckl`, `tracks.pckl`, `whospeaks.npy`;
- `head_boxes/`: `VVV_frame_faces_boxes.npy`, `VVV_faces_bboxes.npy`;
- `face_maps/VVV/`: `VVV_f<frame>_{speaker,nonspeaker}.png`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from eyeline.files import made, write_bytes
from eyeline.results import Floats, Image
from eyeline.speech.syncnet.crops import Squares, squares
from eyeline.synthetic import film
from eyeline.systems.gaze_following import speaker_files as stored
from eyeline.systems.gaze_following.formats import FrameName
from eyeline.systems.gaze_following.fusion import Fusion, fuse, jpeg
from eyeline.systems.gaze_following.heads import Heads, heads, maps
from eyeline.systems.gaze_following.speaker_files import StoredFaces, StoredScenes, StoredTrack
from eyeline.systems.gaze_following.synthetic.scenes import Scene
from eyeline.systems.gaze_following.synthetic.talk import RATE_HZ, Yes
from eyeline.systems.gaze_following.tracking import FaceTrack

_LAST_TICKS = 6  # frames at a video's end for which the published code does not say who speaks


def marked(scene: Scene) -> tuple[list[Squares], Heads]:
    """Smoothed faces of each person, and heads `(people, frames)` as the published system has."""
    faces = [squares(box) for box in scene.faces_xyxy]
    each = [heads(face) for face in faces]
    return faces, Heads(*(np.stack(columns) for columns in zip(*each, strict=True)))


def write_video(
    path: Path, scene: Scene, frames: Iterable[Image], audio: Path, wanted: frozenset[int]
) -> dict[int, Image]:
    """The video with its audio; frames of the numbers that are wanted, as they were drawn."""
    kept = dict[int, Image]()

    def keeping() -> Iterator[Image]:
        for frame, image in enumerate(frames):
            if frame in wanted:
                kept[frame] = image
            yield image

    made(path.parent)
    film.write_video(path, keeping(), scene.size_wh, scene.frames, RATE_HZ, audio)
    return kept


def write_images(
    folders: Mapping[Fusion, Path], video: str, kept: Mapping[int, Image], scene: Scene, all_: Heads
) -> None:
    """Frames with heads `(people, frames)` brightened, a copy for each head, by fusion."""
    for frame, image in kept.items():
        drawn = maps(all_.at((slice(None), frame)), scene.speaks[:, frame], scene.size_wh)
        for fusion, folder in folders.items():
            content = jpeg(fuse(image, drawn, fusion))
            for person in range(scene.people):
                write_bytes(folder / str(FrameName(video, person + 1, frame)), content)


def write_speaker_files(
    root: Path, video: str, scene: Scene, faces: list[Squares], all_: Heads, frames: Iterable[int]
) -> None:
    """What the published speaker detector leaves of a video; maps of some `frames`.

    Faces are smoothed, of each person; heads `(people, frames)`.
    """
    work = root / "pywork" / video
    box = scene.faces_xyxy[..., [1, 0, 3, 2]] / np.array([*scene.size_wh[::-1]] * 2)
    every = np.arange(scene.frames)
    by_frame = box.transpose(1, 0, 2).reshape(-1, 4)
    score = np.full(len(by_frame), 0.9)
    stored_faces = StoredFaces(every.repeat(scene.people), by_frame, score, scene.frames)
    stored.write_faces(work / stored.FACES, stored_faces)
    stored.write_scenes(work / stored.SCENES, StoredScenes(scene.frames, ()))
    tracks = [StoredTrack(FaceTrack(every, b), f) for b, f in zip(box, faces, strict=True)]
    stored.write_tracks(work / stored.TRACKS, tracks)
    stored.write_array(work / stored.SPEAKER, _always_somebody(scene.speaks))
    stored.write_head_boxes(made(root / "head_boxes"), video, all_)
    for frame in frames:
        drawn = maps(all_.at((slice(None), frame)), scene.speaks[:, frame], scene.size_wh)
        stored.write_maps(root / "face_maps" / video, video, frame, drawn)


def _always_somebody(speaks: Yes) -> Floats:
    """`(frames - 6,)` number of the track that speaks; in pauses who spoke last, as published."""
    who = np.where(speaks.any(axis=0), speaks.argmax(axis=0), -1)
    known = np.flatnonzero(who >= 0)
    if not len(known):
        return np.zeros(max(len(who) - _LAST_TICKS, 0))
    last = np.maximum(np.searchsorted(known, np.arange(len(who)), side="right") - 1, 0)
    return np.asarray(who[known[last]][:-_LAST_TICKS], np.float64)

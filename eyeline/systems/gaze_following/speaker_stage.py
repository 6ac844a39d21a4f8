"""Faces, tracks and who speaks of a video, from its pixels or from files of the authors' detector.

What the authors' files hold is taken from them, and the rest follows from it by the published
rules; what they lack is computed from the video.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline.errors import DataError
from eyeline.files import made
from eyeline.geometry import boxes
from eyeline.people.published_face import published_face
from eyeline.people.tracks import joined, who_and_when
from eyeline.results import Floats, Scores
from eyeline.speech.syncnet import offset, published
from eyeline.speech.syncnet.crops import Edges, cut, squares
from eyeline.systems.gaze_following import speaker_files as files
from eyeline.systems.gaze_following.speaker_files import (
    StoredFaces,
    StoredOffset,
    StoredScenes,
    StoredTrack,
)
from eyeline.systems.gaze_following.tracking import LEAST_FACES, track_faces
from eyeline.video.reader import VideoReader

if TYPE_CHECKING:
    from eyeline.people.find import Found
    from eyeline.speech.syncnet.features import Features, OverTime
    from eyeline.speech.voice import Speech
    from eyeline.video.audio import AudioBlocks

SPEAKERS = ("mouth_agreement", "syncnet", "published")
"""Methods that say who speaks; the latter two need weights of `syncnet`. `published` is that of the
authors, by which somebody always speaks; by the others nobody may."""

_SAME_IOU = 0.5
_FASTEST_HZ = 25.5


@dataclass(frozen=True)
class Options:
    """How faces are followed and who speaks is decided."""

    speaker: str = SPEAKERS[0]
    syncnet: Path | None = None
    device: str = "cpu"
    min_track: int = LEAST_FACES
    published: bool = True
    """Keep the authors' edges: medians over zeros at a track's ends, and each shot's last frame
    left out."""


@dataclass(frozen=True)
class Spoken:
    """What is known of a video's faces."""

    tracks: tuple[StoredTrack, ...]
    speaker: Floats
    """`(n,)` track that speaks in each frame from 0; NaN where nobody does."""
    faces: StoredFaces | None = None
    scenes: StoredScenes | None = None
    lips: Features | None = None
    """`(tracks, n, features)`."""
    audio: Features | None = None
    distances: tuple[Floats, ...] = ()
    """`(n, 31)` of each track."""
    offsets: tuple[StoredOffset, ...] = ()
    """Of each track, where the files that were given say so."""
    notes: tuple[str, ...] = ()


def detect(video: Path, how: Options, stored: Path | None = None) -> Spoken:
    """Faces, tracks and speakers.

    Args:
        video: the video's file.
        how: much.
        stored: folder of the authors' `faces.pckl` and so on.

    Raises:
        DataError: no face that is followed for long enough, damaged files, or a video that the
            published decision cannot be made for.
        VideoError: the video cannot be read.
    """
    reader = VideoReader(video)
    people = None
    if stored is not None and _has(stored, files.TRACKS, files.FACES):
        known = _stored_tracks(stored, reader, how)
    else:
        people = _find(reader)
        known = _own_tracks(people, reader, how)
    if not known.tracks:
        raise DataError(
            f"no face of {video} is followed for more than {how.min_track} frames; give a smaller "
            "min_track"
        )
    known = _stored_speaker(stored, known)
    if len(known.speaker):
        return known
    if how.speaker == "published":
        return _by_features(video, reader, known, how)
    return _by_scores(video, reader, people or _find(reader), known, how)


def write(folder: Path, boxes_folder: Path, video: str, known: Spoken, frames: int) -> list[str]:
    """Write the authors' files to `pywork/VVV` and `head_boxes/VVV`; what is left out, in words."""
    from eyeline.systems.gaze_following.heads import aligned

    if known.faces is not None:
        files.write_faces(folder / files.FACES, known.faces)
    if known.scenes is not None:
        files.write_scenes(folder / files.SCENES, known.scenes)
    files.write_tracks(folder / files.TRACKS, known.tracks)
    files.write_array(folder / files.SPEAKER, known.speaker)
    for name, features in ((files.LIPS, known.lips), (files.AUDIO, known.audio)):
        if features is not None:
            files.write_array(folder / name, features)
    offsets = list(known.offsets)
    if known.distances:
        files.write_distances(folder / files.DISTANCES, known.distances)
        result = [offset.measure(d) for d in known.distances]
        offsets = [StoredOffset(o.ticks, o.confidence) for o in result]
    if offsets:
        files.write_offsets(folder / files.OFFSETS, offsets)
    late = [i for i, t in enumerate(known.tracks) if t.track.frame[0] != 0]
    if late:
        return [f"no head_boxes: track {late[0]} begins after frame 0, which they cannot say"]
    try:
        heads = aligned([t.squares for t in known.tracks], len(known.speaker), frames)
    except DataError as error:
        return [f"no head_boxes: {error}"]
    files.write_head_boxes(made(boxes_folder), video, heads)
    return []


def _has(stored: Path, *names: str) -> bool:
    return any((stored / name).is_file() for name in names)


def _stored_tracks(stored: Path, reader: VideoReader, how: Options) -> Spoken:
    faces = files.read_faces(stored / files.FACES) if _has(stored, files.FACES) else None
    scenes = files.read_scenes(stored / files.SCENES) if _has(stored, files.SCENES) else None
    if _has(stored, files.TRACKS):
        return Spoken(tuple(files.read_tracks(stored / files.TRACKS)), np.zeros(0), faces, scenes)
    assert faces is not None, "there is one of both"
    if scenes is None:
        raise DataError(f"{stored} has {files.FACES}, but no {files.SCENES}")
    return _followed(faces, scenes, reader, how)


def _followed(
    faces: StoredFaces, scenes: StoredScenes, reader: VideoReader, how: Options
) -> Spoken:
    size = reader.info.width_px, reader.info.height_px
    tracks = track_faces(
        faces.frame,
        faces.box_norm,
        frames_read=scenes.frames_read,
        cuts=scenes.cuts,
        least_faces=how.min_track,
        drop_last_of_shot=how.published,
    )
    edges: Edges = "published" if how.published else "repeated"
    stored = tuple(StoredTrack(t, squares(t.xyxy(*size), edges)) for t in tracks)
    return Spoken(stored, np.zeros(0), faces, scenes)


def _find(reader: VideoReader) -> Found:
    from eyeline.geometry.camera import Camera
    from eyeline.people.find import find_people
    from eyeline.video.shots import mark_shots

    camera = Camera.from_fov(reader.info.width_px, reader.info.height_px)
    return find_people(mark_shots(reader), camera, axis_known=False)


def _own_tracks(people: Found, reader: VideoReader, how: Options) -> Spoken:
    """Our faces as the authors' file has them, followed by their rule."""
    width, height = reader.info.width_px, reader.info.height_px
    who, box = who_and_when(people.tracks), _published_boxes(people)
    order = np.lexsort((who["person"], who["frame"]))
    score = joined((t.score for t in people.tracks), np.float64)
    norm = box[:, [1, 0, 3, 2]] / np.array([height, width, height, width])
    starts = np.searchsorted(people.clock[:, 1], np.array(people.shot_starts_s) - 1e-9)
    cuts = tuple(int(people.clock[i, 0]) for i in starts)
    frames = _frames(people)
    faces = StoredFaces(who["frame"][order], norm[order], score[order], frames)
    scenes = StoredScenes(frames, cuts if len(cuts) > 1 else ())
    return _followed(faces, scenes, reader, how)


def _frames(people: Found) -> int:
    return int(people.clock[-1, 0]) + 1 if len(people.clock) else 0


def _published_boxes(people: Found) -> Floats:
    return joined((published_face(t) for t in people.tracks), np.float64, (4,))


def _stored_speaker(stored: Path | None, known: Spoken) -> Spoken:
    """With the speaker that files name, or that follows from features in them."""
    if stored is None:
        return known
    if _has(stored, files.DISTANCES):
        known = replace(known, distances=tuple(files.read_distances(stored / files.DISTANCES)))
    if _has(stored, files.OFFSETS):
        known = replace(known, offsets=tuple(files.read_offsets(stored / files.OFFSETS)))
    if _has(stored, files.LIPS) and _has(stored, files.AUDIO):
        lips, audio = (files.read_array(stored / name, 3) for name in (files.LIPS, files.AUDIO))
        known = replace(known, lips=lips, audio=audio)
    if _has(stored, files.SPEAKER):
        return replace(known, speaker=files.read_array(stored / files.SPEAKER, 1))
    if known.lips is None or known.audio is None:
        return known
    named = published.who_speaks(known.lips, known.audio).track
    return replace(known, speaker=named.astype(np.float64))


def _by_features(video: Path, reader: VideoReader, known: Spoken, how: Options) -> Spoken:
    """By SyncNet and the published decision."""
    from eyeline.speech.syncnet.features import OverTime
    from eyeline.speech.syncnet.weights import load_syncnet

    assert how.syncnet is not None, "checked with the options"
    spans = {(int(t.track.frame[0]), len(t.track.frame)) for t in known.tracks}
    if len(spans) > 1 or min(spans)[0] or reader.info.rate_hz > _FASTEST_HZ:
        raise DataError(
            f"the published decision takes videos of at most 25 frames a second and tracks from "
            f"frame 0 to one common end; {video} has {reader.info.rate_hz:.3f} and the tracks "
            f"{', '.join(f'{a}-{a + n - 1}' for a, n in sorted(spans))}: give speaker=syncnet"
        )
    net = OverTime(load_syncnet(how.syncnet)[0], device=how.device)
    lips, audio = _features(net, video, reader, known.tracks)
    named = published.who_speaks(lips, audio).track
    distances = tuple(
        offset.distances(v, offset.padded(a)) for v, a in zip(lips, audio, strict=True)
    )
    return replace(
        known, speaker=named.astype(np.float64), lips=lips, audio=audio, distances=distances
    )


def _features(
    net: OverTime, video: Path, reader: VideoReader, tracks: Sequence[StoredTrack]
) -> tuple[Features, Features]:
    """Of lips and audio `(tracks, n, features)`, two clips fewer than there are, as published."""
    from eyeline.speech.syncnet.judge import Heard, Judge

    heard = Heard(net, _audio(video, reader))
    rows = len(tracks[0].track.frame)
    judges = [Judge(net, heard, 0, rows, keep=True) for _ in tracks]
    for frame in VideoReader(video):
        if frame.index < rows:
            bgr = np.ascontiguousarray(frame.rgb()[..., ::-1])
            for judge, track in zip(judges, tracks, strict=True):
                judge.feed(frame.index, cut(bgr, *map(float, track.squares.at(frame.index))))
    for judge in judges:
        judge.finish()
    lips = np.stack([judge.lips()[:-2] for judge in judges])
    return lips, np.stack([judge.sound(lips.shape[1]) for judge in judges])


def _by_scores(
    video: Path, reader: VideoReader, people: Found, known: Spoken, how: Options
) -> Spoken:
    """By a method that may say that nobody speaks."""
    speaker = np.full(_frames(people), np.nan)
    if not reader.info.has_audio:
        note = "no audio: nobody is taken to speak"
        return replace(known, speaker=speaker, notes=(*known.notes, note))
    scores = _scores(video, reader, people, how)
    loud = np.nan_to_num(scores.value, nan=-1.0)
    at = np.flatnonzero(loud >= scores.threshold)
    box = _published_boxes(people)
    for row in at[np.argsort(loud[at], kind="stable")].tolist():  # the loudest last
        track = _track_of(box[row], int(scores.frame[row]), known, reader)
        if track is not None:
            speaker[int(scores.frame[row])] = track
    return replace(known, speaker=speaker)


def _scores(video: Path, reader: VideoReader, people: Found, how: Options) -> Scores:
    from eyeline.speech.voice import listen

    speech: Speech = listen(_audio(video, reader))
    until_s = float(people.clock[-1, 2])
    if how.speaker == "syncnet":
        from eyeline.speech.syncnet.who_speaks import LipSync

        assert how.syncnet is not None, "checked with the options"
        network = LipSync(how.syncnet, device=how.device)
        frames, audio = VideoReader(video), _audio(video, reader)
        return network.predict(speech, people.tracks, frames, audio, until_s=until_s)[0]
    from eyeline.speech.lips import read_lips
    from eyeline.speech.speakers import who_speaks

    lips = read_lips(people.tracks, VideoReader(video), speech.segments())
    return who_speaks(speech, people.tracks, lips, until_s=until_s)[0]


def _track_of(box_xyxy: Floats, frame: int, known: Spoken, reader: VideoReader) -> int | None:
    """The stored track that a face of ours is of."""
    size = reader.info.width_px, reader.info.height_px
    theirs = np.full((len(known.tracks), 4), np.nan)
    for i, stored in enumerate(known.tracks):
        row = frame - int(stored.track.frame[0])
        if 0 <= row < len(stored.track.frame):
            theirs[i] = stored.track.xyxy(*size)[row]
    overlap = np.nan_to_num(boxes.iou(box_xyxy[None], theirs)[0])
    best = int(np.argmax(overlap))
    return best if overlap[best] > _SAME_IOU else None


def _audio(video: Path, reader: VideoReader) -> AudioBlocks:
    from eyeline.video.audio import read_audio

    info = reader.info
    return read_audio(video, 16_000, start_s=info.start_s, track=info.audio_track)

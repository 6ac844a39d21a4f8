"""A video in, one `Analysis` out: people, sound, then every chosen system over the same scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eyeline.people.find import Found, find_people, find_persons, people_table
from eyeline.results import (
    Analysis,
    Answer,
    Directions,
    Floats,
    Method,
    Scores,
    VideoInfo,
    person_label,
)
from eyeline.settings import Settings, chosen, file_sha256
from eyeline.speech.methods import METHODS
from eyeline.system import Builder, Predictor, Scene

if TYPE_CHECKING:
    from eyeline.people.detect import Detector
    from eyeline.people.given import Given
    from eyeline.people.tracks import Track
    from eyeline.speech.lr_asd import LrAsd
    from eyeline.speech.syncnet.who_speaks import LipSync
    from eyeline.speech.voice import Speech
    from eyeline.training.checkpoint import CheckpointCard
    from eyeline.video.reader import Frame
    from eyeline.video.sound import SoundBlocks

Progress = Callable[[str, float, float], None]
"""Called with the stage, the seconds of video done and the seconds there are."""

SOUND_RATE_HZ = 16000
_COVERED_S = 0.5  # mouths covered for less during speech are not mentioned

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


def people_method(settings: Settings) -> Method:
    """What finds and follows people, as chosen."""
    if settings.detector == "persons" or settings.bodies is not None:
        return _persons_method(settings)
    if (settings.detector, settings.tracker) == ("centerface", "ours"):
        return PEOPLE
    mmod = settings.detector == "mmod"
    faces = "faces by dlib's mmod network, as published for ECS" if mmod else "faces by CenterFace"
    iou = settings.tracker == "iou"
    tracks = "tracks by overlap from frame to frame, as in its demo" if iou else "tracks by C-BIoU"
    return replace(
        PEOPLE,
        builder=f"{settings.detector}_{settings.tracker}",
        summary=f"{faces}, {tracks}, landmarks and face embeddings by dlib, head pose by fitting a "
        "metric face model",
        measured="not measured on a benchmark",
        licence=PEOPLE.licence.replace("CenterFace MIT", "dlib's mmod file CC0")
        if mmod
        else PEOPLE.licence,
        weights="dlib's files" if mmod else PEOPLE.weights,
    )


def _persons_method(settings: Settings) -> Method:
    """What finds persons whose faces need not be seen."""
    given = settings.bodies is not None
    found = "the user's boxes of persons" if given else "persons by a detector of torchvision"
    return replace(
        PEOPLE,
        builder="given_bodies" if given else f"persons_{settings.tracker}",
        summary=f"{found}, faces in them by CenterFace; a head without a face lies where that of a "
        "standing person would, and nothing is claimed of its turn",
        measured="not measured on a benchmark",
        licence=PEOPLE.licence if given else f"{PEOPLE.licence}; torchvision BSD-3-Clause",
        weights=PEOPLE.weights if given else f"{PEOPLE.weights}; {settings.person_weights().name}",
    )


@dataclass(frozen=True)
class _Heard:
    """What the sound gave."""

    speech: Speech | None = None
    warnings: tuple[str, ...] = ()


def analyze_video(
    path: str | Path, settings: Settings | None = None, progress: Progress | None = None
) -> Analysis:
    """Analyse one video in memory; nothing is written.

    Args:
        path: the video.
        settings: what to ask of it.
        progress: called as it goes.

    Raises:
        VideoError: a file that cannot be analysed.
        UsageError, DataError, CheckpointError: choices or files that cannot be.
    """
    from eyeline.video.reader import VideoReader

    settings = settings or Settings()
    limit_threads()
    tell = progress or (lambda stage, done, total: None)
    given, bodies = _given(settings.boxes), _given(settings.bodies)
    reader = VideoReader(path, rate_hz=settings.rate_hz)
    camera = settings.camera(reader.info)
    lips = _lips(settings)
    with ThreadPoolExecutor(1, thread_name_prefix="eyeline-sound") as sound:
        heard = sound.submit(_listen, path, reader.info)
        found = find_people(
            _shots(reader), camera, _detector(settings), given, _ticker(tell, reader.info),
            settings.tracker, bodies,
        )  # fmt: skip
        speaking, speech_method, sound_warnings = _speakers(
            path, settings, lips, found, heard, reader.info
        )
    scene = Scene(
        reader.info, camera, found.tracks, ego=settings.ego,
        speaking=next((a for a in speaking if isinstance(a, Scores)), None),
        frames=lambda: iter(VideoReader(path, rate_hz=settings.rate_hz)),
        sound=partial(_sound, path, reader.info) if reader.info.has_sound else None,
    )  # fmt: skip
    answers, methods = _run(scene, settings)
    return Analysis(
        video=reader.info,
        status="partial" if reader.info.damage else "ok",
        persons=found.persons,
        people=people_table(found.tracks),
        answers=(*speaking, *answers),
        methods=(people_method(settings), *speech_method, *methods),
        settings=settings.to_json(),
        warnings=(
            *_damage_told(reader.info),
            *reader.warnings,
            *sound_warnings,
            *_nobody(found),
            *_other_rates(settings, reader.info),
            *_silences(settings, reader.info),
        ),
    )


def limit_threads() -> None:
    """One thread for OpenCV; what runs beside it (decoding, detection, encoding) has its own."""
    import cv2

    cv2.setNumThreads(1)


def _given(path: str | None) -> Given | None:
    if path is None:
        return None
    from eyeline.people import given

    return given.read(Path(path))


def _detector(settings: Settings) -> Detector | str:
    """The detector, or its name where it needs nothing of the user's."""
    if settings.detector != "persons":
        return settings.detector
    return find_persons(str(settings.person_weights()), settings.device)


def _shots(frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
    from eyeline.video.shots import mark_shots

    return mark_shots(frames)


def _ticker(tell: Progress, video: VideoInfo) -> Callable[[Frame], None]:
    return lambda frame: tell("people", frame.end_s, max(video.duration_s, frame.end_s))


def _listen(path: str | Path, video: VideoInfo) -> _Heard:
    """Voice and loudness of the whole sound, in a thread of its own."""
    if not video.has_sound:
        return _Heard()
    from eyeline.speech.voice import listen

    blocks = _sound(path, video)
    speech = listen(blocks)
    return _Heard(
        speech,
        tuple(f"sound damaged from {d.start_s:.2f} s to {d.end_s:.2f} s" for d in blocks.damage),
    )


def _sound(path: str | Path, video: VideoInfo, rate_hz: int = SOUND_RATE_HZ) -> SoundBlocks:
    """A pass over the sound, on the video's clock."""
    from eyeline.video.sound import read_sound

    return read_sound(path, rate_hz, start_s=video.start_s)


def _lips(settings: Settings) -> LrAsd | LipSync | None:
    """The network that tells who speaks, None for the embedded method; opened before work begins.

    Raises:
        CheckpointError: weights that are not what they should be.
    """
    if settings.speaker_weights is None:
        return None
    if settings.speaker == "lr_asd":
        from eyeline.speech.lr_asd import LrAsd

        return LrAsd(settings.speaker_weights)
    from eyeline.speech.syncnet.who_speaks import LipSync

    return LipSync(settings.speaker_weights, device=settings.device)


def _speakers(
    path: str | Path,
    settings: Settings,
    network: LrAsd | LipSync | None,
    found: Found,
    heard: Future[_Heard],
    video: VideoInfo,
) -> tuple[list[Answer], list[Method], tuple[str, ...]]:
    """Who speaks, by which method, and warnings about the audio and the lips.

    Lips are read in all frames of the video, whatever the rate of the analysis.
    """
    sound = heard.result()
    if sound.speech is None:
        return [], [], ("no sound: nothing is said of who speaks",)
    until_s = float(found.clock[-1, 2]) if len(found.clock) else 0.0
    method = METHODS[settings.speaker]
    if network is not None:
        method = _of_file(method, settings)
    slow = _too_slow(video, found.clock)
    if slow and found.tracks and len(sound.speech.segments()):
        from eyeline.speech.speakers import cannot_be_said

        unsure = cannot_be_said(sound.speech, found.tracks, method.builder, until_s=until_s)
        return list(unsure), [method], (*sound.warnings, *slow)
    if network is not None:
        tracks, frames = _all_frames(path, settings, found)
        again = _sound(path, video)
        judged = network.predict(
            sound.speech, tracks, frames, again, until_s=until_s, rows=found.tracks
        )
        return list(judged), [method], sound.warnings
    answers, covered = _by_agreement(path, sound.speech, found, until_s)
    return list(answers), [method], (*sound.warnings, *covered)


def _by_agreement(
    path: str | Path, speech: Speech, found: Found, until_s: float
) -> tuple[tuple[Answer, ...], tuple[str, ...]]:
    """The embedded method, and whose mouths are covered."""
    from eyeline.speech.lips import read_lips
    from eyeline.speech.speakers import covered_s, who_speaks
    from eyeline.video.reader import VideoReader

    lips = read_lips(found.tracks, VideoReader(path), speech.segments())
    covered = tuple(
        f"{person_label(person)}: the mouth is covered in {seconds:.1f} s of speech; "
        f"it cannot be said whether {person_label(person)} speaks there"
        for person, seconds in covered_s(speech, found.tracks, lips).items()
        if seconds >= _COVERED_S
    )
    return who_speaks(speech, found.tracks, lips, until_s=until_s), covered


def _all_frames(
    path: str | Path, settings: Settings, found: Found
) -> tuple[Sequence[Track], Iterable[Frame]]:
    """Tracks on all frames of the video, and these frames, for networks that look at faces."""
    from eyeline.speech.lips import native
    from eyeline.video.reader import VideoReader

    if settings.rate_hz is None:
        return found.tracks, VideoReader(path)
    times = [(frame.index, frame.time_s, frame.end_s) for frame in VideoReader(path)]
    clock = np.array(times, np.float64).reshape(-1, 3)
    return [native(track, clock) for track in found.tracks], VideoReader(path)


def _too_slow(video: VideoInfo, clock: Floats) -> tuple[str, ...]:
    """A warning where a video has too few frames for lips to be read; empty otherwise."""
    from eyeline.speech.mouths import SLOWEST_HZ

    index, start_s = clock[:, 0], clock[:, 1]
    apart = np.diff(index) / np.maximum(np.diff(start_s), 1e-9)
    rate_hz = float(np.median(apart)) if len(apart) else float(video.rate_hz)
    if rate_hz >= SLOWEST_HZ * 0.98:
        return ()
    slow = (
        f"the video has {rate_hz:.3g} frames a second; lips can be read from {SLOWEST_HZ:g} on. "
        "Speech is found, but where somebody is visible it cannot be attributed"
    )
    return (slow,)


def _of_file(method: Method, settings: Settings) -> Method:
    """A way of telling who speaks, with the file that it ran with."""
    path = Path(settings.speaker_weights or "")
    return replace(method, weights=f"{path.name} (sha256 {file_sha256(path)[:12]})")


def _run(scene: Scene, settings: Settings) -> tuple[list[Answer], list[Method]]:
    """Every chosen builder in turn; the first directions of gaze_3d are shown to other systems."""
    answers: list[Answer] = []
    methods: list[Method] = []
    for system, name, builder in chosen(settings.systems, settings.ego):
        if builder.needs.sound and scene.speaking is None:
            continue
        files = settings.weights_of(system, builder)
        options = settings.options_of(system, name, builder)
        predictor = _predictor(builder, files, settings.device, options)
        found = predictor.predict(scene)
        answers += found
        methods.append(_method(builder.method, files, getattr(predictor, "how", None)))
        if system.name == "gaze_3d" and scene.gaze is None:
            gaze = next(a for a in found if isinstance(a, Directions) and a.name == "gaze")
            scene = replace(scene, gaze=gaze)
    return answers, methods


def _predictor(
    builder: Builder, files: Mapping[str, Path], device: str, options: Mapping[str, object]
) -> Predictor:
    if files:
        assert builder.from_weights is not None, "a builder with networks takes weights for them"
        return builder.from_weights(files, device, **options)
    assert builder.predictor is not None, "settings refuse a builder that lacks weights"
    return builder.predictor()


def _method(method: Method, files: Mapping[str, Path], how: str | None = None) -> Method:
    """What a builder says of itself, with whose weights it ran and what they say of themselves."""
    if how:
        method = replace(method, summary=f"{method.summary}. Here: {how}")
    if not files:
        return method
    from eyeline.training.checkpoint import read_card

    cards = {name: read_card(path) for name, path in files.items()}
    told = [f"{path.name} (sha256 {file_sha256(path)[:12]})" for path in files.values()]
    licences = dict.fromkeys(card.licence for card in cards.values() if card.licence)
    return replace(
        method,
        weights=", ".join(told),
        measured=f"with given weights: {'; '.join(_scores(n, c) for n, c in cards.items())}. "
        f"Of the builder: {method.measured}",
        licence="; ".join(licences) or method.licence,
    )


def _scores(name: str, card: CheckpointCard) -> str:
    pooled = card.scores.get("pooled", {})
    figures = ", ".join(f"{k} {v}" for k, v in pooled.items() if isinstance(v, float))
    return f"{name} {figures or 'says nothing of its scores'}{_concentration(card)}"


def _concentration(card: CheckpointCard) -> str:
    """What weights say of the concentration of their directions."""
    told = card.settings.get("concentration")
    if isinstance(told, Mapping) and told.get("calibrated"):
        return f", concentrations calibrated on {told.get('frames', 'held-out')} frames"
    return f", concentrations {told}" if isinstance(told, str) else ""


def _damage_told(video: VideoInfo) -> list[str]:
    return [f"damaged from {d.start_s:.2f} s to {d.end_s:.2f} s: {d.message}" for d in video.damage]


def _nobody(found: Found) -> list[str]:
    return [] if found.tracks else ["no face was found in this video"]


def _other_rates(settings: Settings, video: VideoInfo) -> list[str]:
    """Networks that were trained at another frame rate than they are shown here."""
    rate_hz = min(float(video.rate_hz), settings.rate_hz or float("inf"))
    return [
        f"{system.name}/{name} was trained at {builder.needs.rate_hz:g} frames a second and reads "
        f"these {rate_hz:.4g} off at its own times"
        for system, name, builder in chosen(settings.systems, settings.ego)
        if builder.needs.rate_hz and abs(rate_hz / builder.needs.rate_hz - 1) > 0.001
    ]


def _silences(settings: Settings, video: VideoInfo) -> list[str]:
    """Builders that are shown silence because the video has no sound."""
    return [
        f"no sound: {system.name}/{name} hears, too, and takes silence instead"
        for system, name, builder in chosen(settings.systems, settings.ego)
        if builder.needs.hears and not video.has_sound
    ]

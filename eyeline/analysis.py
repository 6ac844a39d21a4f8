"""A video in, one `Analysis` out: people, audio, then every chosen system over the same scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyeline import dead_time, parts
from eyeline.people.find import Found, find_people, people_table
from eyeline.people.methods import DETECTORS, people_method
from eyeline.people.shared_looks import shared_looks
from eyeline.results import (
    Analysis,
    Answer,
    Clock,
    Directions,
    Floats,
    Gap,
    Method,
    Scores,
    VideoInfo,
)
from eyeline.rounding import rounded
from eyeline.settings import GAZE, Settings, file_sha256
from eyeline.speech.methods import SPEAKERS, ActiveSpeaker
from eyeline.system import Builder, Predictor, Scene
from eyeline.video.gaps import Shortened

if TYPE_CHECKING:
    from eyeline.people.given import Given
    from eyeline.people.lying import Samples
    from eyeline.people.tracks import Pane, Track
    from eyeline.speech.voice import Speech
    from eyeline.training.checkpoint import CheckpointCard
    from eyeline.video.audio import AudioBlocks
    from eyeline.video.reader import Frame, VideoReader

Progress = Callable[[str, float, float], None]
"""Called with the stage, the seconds of video done and the seconds there are."""

AUDIO_RATE_HZ = 16000
FEW_FRAMES = 0.5
"""Of those that a network was trained at; fewer are warned of."""
SILENT_DB = -60.0
"""Audio whose speech band never gets louder is called silent."""
OFFSET_S = 0.1
"""By how much audio and frames may begin apart without a warning."""


@dataclass(frozen=True)
class _Heard:
    """What the audio gave."""

    speech: Speech | None = None
    warnings: tuple[str, ...] = ()
    waits: bool = False
    """Whether there is long silence, which is only listened to once the dead time is known."""


def analyze_video(
    path: str | Path,
    settings: Settings | None = None,
    progress: Progress | None = None,
    on_scene: Callable[[Scene], None] | None = None,
) -> Analysis:
    """Analyse one video in memory; nothing is written.

    Args:
        path: the video.
        settings: what to ask of it.
        progress: called as it goes.
        on_scene: called with the tracks and who speaks, before any system runs.

    Raises:
        VideoError: a file that cannot be analysed.
        UsageError, DataError, CheckpointError: choices or files that cannot be.
    """
    from eyeline.people.lying import Samples
    from eyeline.video.reader import VideoReader

    settings = settings or Settings()
    limit_threads()
    tell = progress or (lambda stage, done, total: None)
    if settings.parts:
        parts.check(settings.parts, path, settings.video_track)
    given, bodies = _given(settings.boxes), _given(settings.bodies)
    reader = VideoReader(
        path,
        rate_hz=settings.rate_hz,
        video_track=settings.video_track,
        turn_deg=settings.turn_deg or 0,
        parts=settings.parts,
    )
    track_warnings = _choose_audio(path, settings, reader)
    camera = settings.camera(reader.info)
    detector, tracker = DETECTORS[settings.detector], settings.tracker
    weights = settings.detector_file()
    speaker_file = settings.speaker_file()
    speaker = SPEAKERS[settings.speaker].create(
        str(speaker_file) if speaker_file else None, settings.device
    )
    samples = Samples()
    with ThreadPoolExecutor(1, thread_name_prefix="eyeline-sound") as audio:
        unknown = Shortened(known=False, parts=settings.parts)
        listening = audio.submit(_listen, path, reader.info, unknown)
        result = find_people(
            _shots(samples.watch(reader)),
            camera,
            detector.create(weights, settings.device),
            given,
            lambda frame: tell("people", frame.end_s, max(reader.info.duration_s, frame.end_s)),
            tracker,
            bodies,
            iou=settings.iou,
            axis_known=settings.intrinsics is not None,
        )
        heard = listening.result()
    clock = _without_dead_time(path, reader.info, heard)
    if heard.waits:
        heard = _listen(path, reader.info, clock)
    frames = dead_time.ShorterFrames(reader, clock)
    scene = Scene(
        dead_time.shorter_video(reader.info, clock),
        result.camera,
        dead_time.shorter_tracks(result.tracks, clock),
        ego=settings.ego,
        frames=lambda: iter(frames),
        audio=partial(_audio, path, reader.info, clock=clock) if reader.info.has_audio else None,
    )
    whole = VideoReader(
        path,
        video_track=settings.video_track,
        turn_deg=settings.turn_deg or 0,
        parts=settings.parts,
    )
    times = result.clock.copy()
    times[:, 1:] = clock.shorter(times[:, 1:])
    speaking, speech_method, speech_warnings = _speakers(
        settings, speaker, scene, heard, times, dead_time.ShorterFrames(whole, clock)
    )
    scene = replace(scene, speaking=next((a for a in speaking if isinstance(a, Scores)), None))
    if on_scene:
        on_scene(scene)
    answers, methods = _run(scene, settings)
    people = people_method(
        settings.detector, tracker, iou=settings.iou, weights=weights, bodies=bodies is not None
    )
    answers += shared_looks(answers, times)
    return Analysis(
        video=reader.info,
        status="partial" if reader.info.damage or reader.info.gaps else "ok",
        persons=tuple(
            replace(p, thumbnail=None) if settings.anonymise else p for p in result.persons
        ),
        people=rounded(people_table(result.tracks)),
        clock=Clock.exact(result.clock[:, 0].astype(np.int64), *result.clock[:, 1:].T.copy()),
        answers=tuple(
            rounded(dead_time.restored(answer, clock, reader.info.gaps, reader.info.not_analysed))
            for answer in (*speaking, *answers)
        ),
        methods=(people, *speech_method, *methods),
        settings={
            **settings.to_json(),
            "camera_px": list(result.camera.intrinsics),
            "panes": _panes(result.tracks),
        },
        warnings=(
            *(
                f"damaged from {d.start_s:.2f} s to {d.end_s:.2f} s: {d.message}"
                for d in reader.info.damage
            ),
            *dead_time.gap_warnings(reader.info.gaps),
            *reader.warnings,
            *track_warnings,
            *heard.warnings,
            *speech_warnings,
            *["no audio: nothing is said of who speaks"] * (not reader.info.has_audio),
            *_audio_offset(path, reader.info),
            *["no face was found in this video"] * (not result.tracks),
            *_boxes_beyond(given or bodies, result),
            *_split_screen(result.tracks),
            *_lying(settings, result.tracks, samples),
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


def _boxes_beyond(given: Given | None, found: Found) -> tuple[str, ...]:
    """Boxes of the user's for frames that the video lacks; DataError where none is in it."""
    if given is None or not len(found.clock):
        return ()
    said = given.beyond(int(found.clock[-1, 0]))
    return (said,) if said else ()


def _panes(tracks: Sequence[Track]) -> list[dict[str, Any]]:
    """Parts of the image with a camera of their own, and the tracks in each."""
    numbers: dict[Pane, list[int]] = {}
    for track in tracks:
        if track.pane:
            numbers.setdefault(track.pane, []).append(track.track_id)
    return [
        {"xyxy": list(pane.xyxy), "camera_px": list(pane.camera.intrinsics), "tracks": sorted(of)}
        for pane, of in numbers.items()
    ]


def _split_screen(tracks: Sequence[Track]) -> list[str]:
    """Where people are shown side by side by cameras of their own."""
    spans: dict[int, dict[Pane, None]] = {}
    for track in tracks:
        if track.pane:
            spans.setdefault(track.shot, {})[track.pane] = None
    split = [t for t in tracks if len(spans.get(t.shot, ())) > 1]
    if not split:
        return []
    length_s = sum(
        max(t.end_s[-1] for t in split if t.shot == shot)
        - min(t.time_s[0] for t in split if t.shot == shot)
        for shot in {t.shot for t in split}
    )
    return [
        (
            f"split screen for {length_s:.1f} s: each part is taken to have a camera of its own, "
            "and nobody to look at people of another part"
        )
    ]


def _shots(frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
    from eyeline.video.shots import mark_shots

    return mark_shots(frames)


def _choose_audio(path: str | Path, settings: Settings, reader: VideoReader) -> list[str]:
    """Settle which tracks are used, and what there is to say of that."""
    from eyeline.video.audio_tracks import choose_audio_track
    from eyeline.video.container import open_source, video_streams

    chosen = choose_audio_track(path, settings.audio_track)
    reader.info = replace(
        reader.info, has_audio=chosen.number is not None, audio_track=chosen.number
    )
    with open_source(path) as container:
        count = len(video_streams(container))
    if count == 1 or settings.video_track is not None:
        return list(chosen.warnings)
    return [
        (
            f"video track {reader.info.video_track} of {count} is used; choose another with "
            "--video-track"
        ),
        *chosen.warnings,
    ]


def _lying(settings: Settings, tracks: Sequence[Track], samples: Samples) -> list[str]:
    """Whether the faces of the video are upright only once it is turned."""
    if settings.turn_deg is not None:
        return []
    from eyeline.people.detect import CenterFace
    from eyeline.people.lying import recommended_turn

    turn_deg = recommended_turn(tracks, samples, CenterFace())
    if not turn_deg:
        return []
    return [
        (
            f"faces are upright in this video when it is turned by {turn_deg} degrees clockwise: "
            "it seems to lie on its side and the results to be wrong; analyze it with --turn "
            f"{turn_deg}"
        )
    ]


def _listen(path: str | Path, video: VideoInfo, clock: Shortened) -> _Heard:
    """Voice and loudness of the whole audio, in a thread of its own."""
    if not video.has_audio:
        return _Heard()
    if clock.parts and not clock.known:
        return _Heard(waits=True)
    from eyeline.speech.voice import listen
    from eyeline.video.placing import LongSilenceError

    blocks = _audio(path, video, clock=clock)
    try:
        speech = listen(blocks)
    except LongSilenceError:
        return _Heard(waits=True)
    return _Heard(
        speech,
        (
            *(f"audio damaged from {d.start_s:.2f} s to {d.end_s:.2f} s" for d in blocks.damage),
            *_channel_notes(blocks.channel),
            *_no_voice(speech, video),
        ),
    )


def _channel_notes(channel: int | None) -> list[str]:
    if channel is None:
        return []
    return [
        (
            f"the channels of the audio cancel each other (opposite phase): channel {channel + 1} "
            "is used alone"
        )
    ]


def _no_voice(speech: Speech, video: VideoInfo) -> list[str]:
    """That nobody is heard, and whether anything is."""
    if len(speech.segments()):
        return []
    if not speech.recorded:
        return [
            f"audio track {video.audio_track} is digital silence: who speaks cannot be measured"
        ]
    silent = not len(speech.level_db) or speech.level_db.max() < SILENT_DB
    what = "is silent" if silent else "holds no voice"
    return [f"audio track {video.audio_track} {what}: nobody is said to speak"]


def _audio_offset(path: str | Path, video: VideoInfo) -> list[str]:
    """That audio and frames do not begin together."""
    from eyeline.video.soundtrack import first_stamp

    begins = first_stamp(path, video.audio_track) if video.has_audio else None
    late_s = 0.0 if begins is None else float(begins) - video.start_s
    if abs(late_s) < OFFSET_S:
        return []
    if late_s > 0:
        return [f"the audio begins {late_s:.2f} s after the first frame; before that is silence"]
    return [
        (
            f"the audio begins {-late_s:.2f} s before the first frame: all times count from the "
            "first frame, and the audio before it is left out"
        )
    ]


def _without_dead_time(path: str | Path, video: VideoInfo, heard: _Heard) -> Shortened:
    """The clock on which everything but the people is computed."""
    if video.has_audio and not heard.waits:
        return Shortened()
    from eyeline.video.placing import audio_spans

    start, track = Fraction(video.start_s), video.audio_track
    audio = audio_spans(path, start, track) if video.has_audio else []
    end_s = max([video.duration_s, *(span.end_s for span in audio)])
    gaps = (*video.gaps, *video.not_analysed, Gap(video.duration_s, end_s))
    return Shortened.of(gaps, audio, video.parts)


def _audio(
    path: str | Path,
    video: VideoInfo,
    rate_hz: int = AUDIO_RATE_HZ,
    clock: Shortened | None = None,
) -> AudioBlocks:
    """A pass over the audio, on a clock that begins with the first frame."""
    from eyeline.video.audio import read_audio

    return read_audio(path, rate_hz, start_s=video.start_s, track=video.audio_track, clock=clock)


def _speakers(
    settings: Settings,
    speaker: ActiveSpeaker,
    scene: Scene,
    heard: _Heard,
    clock: Floats,
    every_frame: Iterable[Frame],
) -> tuple[list[Answer], list[Method], tuple[str, ...]]:
    """Who speaks, by which method, and warnings about the lips.

    Lips are read in all frames of the video, whatever the rate of the analysis.

    Args:
        settings: the choices.
        speaker: the method that was chosen.
        scene: its tracks and audio are without dead time.
        heard: voice and loudness, likewise.
        clock: `(frames, 3)` index, start and end in seconds of every analysed frame, likewise.
        every_frame: all frames of the video, likewise.
    """
    if heard.speech is None:
        return [], [], ()
    until_s = float(clock[-1, 2]) if len(clock) else 0.0
    entry = SPEAKERS[settings.speaker]
    method = _of_file(entry.method, settings) if entry.needs else entry.method
    if not heard.speech.recorded:
        from eyeline.speech.speakers import not_measured

        return [not_measured(scene.tracks, method.builder)], [method], ()
    slow = _too_slow(scene.video, clock)
    if slow and scene.tracks and len(heard.speech.segments()):
        from eyeline.speech.speakers import cannot_be_said

        unsure = cannot_be_said(heard.speech, scene.tracks, method.builder, until_s=until_s)
        return list(unsure), [method], slow
    assert scene.audio is not None, "what gave speech can be heard again"
    tracks = scene.tracks
    if entry.every_frame:
        tracks = _on_all_frames(tracks, settings, every_frame)
    audio = scene.audio(AUDIO_RATE_HZ)
    answers = speaker.predict(
        heard.speech, tracks, every_frame, audio, until_s=until_s, rows=scene.tracks
    )
    return list(answers), [method], tuple(speaker.notes)


def _on_all_frames(
    tracks: Sequence[Track], settings: Settings, every_frame: Iterable[Frame]
) -> Sequence[Track]:
    """Tracks on all frames of the video, for networks that look at faces."""
    from eyeline.speech.lips import native

    if settings.rate_hz is None:
        return tracks
    times = [(frame.index, frame.time_s, frame.end_s) for frame in every_frame]
    clock = np.array(times, np.float64).reshape(-1, 3)
    return [native(track, clock) for track in tracks]


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
    path = settings.speaker_file()
    assert path is not None, "checked before"
    where = "" if settings.speaker_weights else ", from the folder of weights"
    return replace(method, weights=f"{path.name} (sha256 {file_sha256(path)[:12]}{where})")


def _run(scene: Scene, settings: Settings) -> tuple[list[Answer], list[Method]]:
    """Every chosen builder in turn; the first gaze is shown to other systems."""
    answers: list[Answer] = []
    methods: list[Method] = []
    for system, name, builder in settings.builders:
        if builder.needs.audio and scene.speaking is None:
            continue
        files = settings.weights_of(system, builder)
        options = settings.options_of(system, name, builder)
        predictor = _predictor(builder, files, settings.device, options)
        result = predictor.predict(scene)
        answers += result
        methods.append(_method(builder.method, files, getattr(predictor, "how", None)))
        if GAZE in builder.answers and scene.gaze is None:
            gaze = next(a for a in result if isinstance(a, Directions) and a.name == GAZE)
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
    from eyeline.runtimes.manifest import card_of

    cards = {name: card_of(path) for name, path in files.items()}
    known = [f"{path.name} (sha256 {file_sha256(path)[:12]})" for path in files.values()]
    licences = dict.fromkeys(card.licence for card in cards.values() if card.licence)
    return replace(
        method,
        weights=", ".join(known),
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
    known = card.settings.get("concentration")
    if isinstance(known, Mapping) and known.get("calibrated"):
        return f", concentrations calibrated on {known.get('frames', 'held-out')} frames"
    return f", concentrations {known}" if isinstance(known, str) else ""


def _other_rates(settings: Settings, video: VideoInfo) -> list[str]:
    """Networks that are shown so few frames that it matters.

    Each reads frames off at the times that it was trained at. Of `landmarks_tcn` half as many
    changed nothing, a fifth cost a point (docs/eye_contact.md); more than it needs never matter.
    """
    rate_hz = min(float(video.rate_hz), settings.rate_hz or float("inf"))
    return [
        f"{system.name}/{name} was trained at {builder.needs.rate_hz:g} frames a second; these are "
        f"{rate_hz:.4g}, and what happens between them it cannot see"
        for system, name, builder in settings.builders
        if builder.needs.rate_hz and rate_hz < builder.needs.rate_hz * FEW_FRAMES
    ]


def _silences(settings: Settings, video: VideoInfo) -> list[str]:
    """Builders that are shown silence because the video has no audio."""
    return [
        f"no audio: {system.name}/{name} hears, too, and takes silence instead"
        for system, name, builder in settings.builders
        if builder.needs.hears and not video.has_audio
    ]

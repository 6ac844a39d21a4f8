from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError, UsageError
from eyeline.people.tracks import Track
from eyeline.results import UNSEEN, UNSURE, Floats, Segments
from eyeline.speech.syncnet.crops import faces, reel
from eyeline.speech.syncnet.evidence import Calibration
from eyeline.speech.syncnet.model import SyncNet, syncnet
from eyeline.speech.syncnet.offset import measure
from eyeline.speech.syncnet.who_speaks import PUBLISHED, LipSync, Ways
from eyeline.speech.voice import Speech
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.video.audio import read_audio
from eyeline.video.reader import VideoReader
from tests.speech.conftest import Hear, blocks

from .made import babble, eyes_and_ears, face_track, image, sounding, write_clip

NTSC = Fraction(24000, 1001)


@dataclass
class Drawn:
    """A frame that is drawn when asked for."""

    index: int
    darkness: list[float]

    def rgb(self) -> np.ndarray:
        return image(self.darkness)


@dataclass
class Made:
    """Faces and an audio signal, not through any file."""

    tracks: list[Track]
    louds: list[np.ndarray]
    audio: np.ndarray
    rate_hz: float

    def frames(self) -> Iterator[Drawn]:
        count = int(max(t.frame[-1] for t in self.tracks)) + 1
        for k in range(count):
            at = (k + 0.5) / self.rate_hz * 100
            yield Drawn(k, [float(np.interp(at, np.arange(len(v)), v)) for v in self.louds])


@pytest.fixture(scope="module")
def net() -> SyncNet:
    return eyes_and_ears()


def always(duration_s: float) -> Speech:
    """Somebody is heard all the time."""
    n = round(duration_s / 0.032)
    return Speech(np.full(n, 0.99, np.float32), *np.zeros((2, round(duration_s * 100)), np.float32))


def two_faces(duration_s: float, rate_hz: float = 25.0, lag_s: float = 0.0) -> Made:
    """Of two moving mouths the first one makes the audio, `lag_s` later."""
    loud, other = babble(1, duration_s)[1], babble(2, duration_s)[1]
    audio = sounding(np.roll(loud, round(lag_s * 100)), np.random.default_rng(3))
    edges = np.arange(int(duration_s * rate_hz) + 1) / rate_hz
    return Made([face_track(i, edges) for i in range(2)], [loud, other], audio, rate_hz)


def judge(
    net: SyncNet, made: Made, ways: Ways | None = None, speech: Speech | None = None
) -> tuple[Floats, Segments]:
    """Probabilities `(n, tracks)` at the tracks' frames, and the spans."""
    speech = speech or always(len(made.audio) / 16000)
    scores, spans, _ = LipSync(net, threads=1, ways=ways).predict(
        speech,
        made.tracks,
        made.frames(),
        blocks(made.audio),  # type: ignore[arg-type]
    )
    assert scores.builder == spans.builder == "syncnet"
    ends = np.cumsum([len(t) for t in made.tracks])[:-1]
    return np.stack(np.split(scores.value, ends), axis=1), spans


@pytest.mark.parametrize("rate_hz", [12.5, 23.976, 25.0, 50.0])
def test_the_one_whose_lips_fit_is_named(net: SyncNet, rate_hz: float) -> None:
    value, spans = judge(net, two_faces(6.0, rate_hz))
    assert np.median(value[:, 0]) > 0.9 and np.median(value[:, 1]) < 0.1
    assert set(spans.person.tolist()) == {1}


@pytest.mark.parametrize("lag_s", [-0.3, 0.24])
def test_a_shifted_audio_is_put_right(net: SyncNet, lag_s: float) -> None:
    created = two_faces(6.0, lag_s=lag_s)
    sync = LipSync(net, threads=1)
    result, shift = sync.agreements(
        always(6.0), created.tracks, created.frames(), blocks(created.audio)
    )  # type: ignore[arg-type]
    assert shift * 0.04 == pytest.approx(lag_s, abs=0.045)
    assert np.nanmedian(result[0]) > 0.35 > 0.2 > np.nanmedian(result[1])
    assert judge(net, created)[0][:, 0].mean() > 0.9


def test_nobody_visible_speaks(net: SyncNet) -> None:
    created = two_faces(6.0)
    value, spans = judge(net, replace(created, audio=babble(9, 6.0)[0]))
    assert value.max() < 0.5
    assert spans.person.tolist() == [UNSEEN]


def test_a_network_that_knows_nothing_names_nobody(net: SyncNet) -> None:
    without_audio = eyes_and_ears()
    without_audio.sound.head[0].weight.data.zero_()
    value, spans = judge(without_audio, two_faces(6.0))
    assert value.max() < 0.5 and set(spans.person.tolist()) <= {UNSEEN, UNSURE}


def test_silence_is_not_looked_at(net: SyncNet, hear: Hear) -> None:
    created = two_faces(4.0)
    silent = replace(created, audio=np.zeros(64000, np.float32))
    value, spans = judge(net, silent, speech=hear(silent.audio))
    assert not value.any() and not len(spans)


def test_tracks_of_any_length_and_start(net: SyncNet) -> None:
    created = two_faces(9.0)
    early = replace(created.tracks[0], **_rows(created.tracks[0], slice(0, 90)))
    late = replace(created.tracks[0], track_id=3, **_rows(created.tracks[0], slice(110, 225)))
    brief = replace(created.tracks[1], **_rows(created.tracks[1], slice(50, 53)))
    whole = replace(created, tracks=[early, late, brief])
    sync = LipSync(net, threads=1)
    result, _ = sync.agreements(always(9.0), whole.tracks, whole.frames(), blocks(created.audio))  # type: ignore[arg-type]
    assert [len(f) for f in result] == [90, 115, 3]
    assert np.nanmedian(result[0]) > 0.5 and np.nanmedian(result[1]) > 0.5
    assert np.isnan(result[2]).all(), "three frames are too few for a clip"
    scores, spans, _ = sync.predict(
        always(9.0), whole.tracks, whole.frames(), blocks(created.audio)
    )  # type: ignore[arg-type]
    assert len(scores) == 208
    assert [s for s in spans.start_s[spans.person == 1] if s < 0.2 or 4 < s < 4.6]


def _rows(track: Track, rows: slice) -> dict[str, np.ndarray]:
    return {k: v[rows] for k, v in vars(track).items() if isinstance(v, np.ndarray)}


def test_every_second_clip_tells_nearly_the_same(net: SyncNet) -> None:
    created = two_faces(6.0)
    value = judge(net, created, Ways(every=1))[0]
    np.testing.assert_allclose(value, judge(net, created)[0], atol=0.05)


def test_frames_that_end_early_leave_nothing_said(net: SyncNet) -> None:
    created = two_faces(6.0)
    few = [frame for frame, _ in zip(created.frames(), range(60), strict=False)]
    sync = LipSync(net, threads=1)
    result, _ = sync.agreements(always(6.0), created.tracks, few, blocks(created.audio))  # type: ignore[arg-type]
    assert np.isfinite(result[0][:58]).all() and np.isnan(result[0][60:]).all()


def test_audio_that_ends_early(net: SyncNet) -> None:
    created = two_faces(6.0)
    value = judge(net, replace(created, audio=created.audio[:48000]))[0]
    assert value.shape == (150, 2) and value[:60, 0].min() > 0.5


def test_no_tracks(net: SyncNet) -> None:
    scores, spans, _ = LipSync(net).predict(always(3.0), [], [], blocks(babble(0, 3.0)[0]))
    assert not len(scores) and spans.person.tolist() == [UNSEEN]


def test_a_track_without_a_person_is_refused(net: SyncNet) -> None:
    created = two_faces(3.0)
    with pytest.raises(DataError, match="belongs to no person"):
        judge(net, replace(created, tracks=[t.of(0) for t in created.tracks]))


def test_the_published_decision_names_somebody_always(net: SyncNet) -> None:
    value, spans = judge(net, two_faces(6.0), PUBLISHED)
    named = value[:144]
    assert (named.sum(axis=1) == 1).all() and not value[144:].any()
    assert named[:, 0].mean() > 0.5
    assert UNSEEN not in spans.person


def test_the_published_decision_needs_whole_tracks(net: SyncNet) -> None:
    created = two_faces(4.0)
    short = replace(created.tracks[1], **_rows(created.tracks[1], slice(0, 60)))
    with pytest.raises(DataError, match=r"track 2: frames 0-59.*calibrated"):
        judge(net, replace(created, tracks=[created.tracks[0], short]), PUBLISHED)
    with pytest.raises(UsageError, match="every tick"):
        Ways(decision="published")
    with pytest.raises(UsageError, match="at least 1"):
        Ways(every=0)


def shift_over_time(path: Path, tracks: list[Track], ways: Ways, net: SyncNet) -> list[int]:
    """By how many ticks the audio comes before the lips in the first, middle and last third."""
    reader = VideoReader(path)
    audio = read_audio(path, 16000, start_s=reader.info.start_s)
    one = reel(tracks[0], ways.clock, ways.edges)
    every = [np.ones(len(one.row), bool)]
    (judged,) = LipSync(net, threads=1, ways=ways)._judged(tracks, [one], every, reader, audio)
    distance = judged.distances()
    thirds = np.array_split(distance[~np.isnan(distance).any(axis=1)], 3)
    return [measure(third).ticks for third in thirds]


@pytest.mark.parametrize("rate_hz", [Fraction(25), NTSC, Fraction(30), Fraction(50)])
def test_no_drift_from_start_to_end(net: SyncNet, tmp_path: Path, rate_hz: Fraction) -> None:
    audio, loud = babble(4, 12.0)
    tracks = write_clip(tmp_path / "clip.mp4", rate_hz, [loud], audio)
    for ticks in shift_over_time(tmp_path / "clip.mp4", tracks, Ways(), net):
        assert abs(ticks) <= 1


def test_the_published_clock_drifts(net: SyncNet, tmp_path: Path) -> None:
    audio, loud = babble(4, 12.0)
    tracks = write_clip(tmp_path / "clip.mp4", NTSC, [loud], audio)
    start, centre, end = shift_over_time(tmp_path / "clip.mp4", tracks, PUBLISHED, net)
    assert -4 <= start <= -1 and -8 <= centre <= -5 and -12 <= end <= -8
    tracks = write_clip(tmp_path / "even.mp4", Fraction(25), [loud], audio)
    for ticks in shift_over_time(tmp_path / "even.mp4", tracks, PUBLISHED, net):
        assert abs(ticks) <= 1, "at 25 Hz both clocks are one"


def test_frames_as_they_come_and_by_time() -> None:
    track = face_track(0, np.arange(97) / 24)
    by_time, as_they_come = reel(track), reel(track, "as_they_come")
    assert len(by_time.row) == 100 and len(as_they_come.row) == 96
    assert np.bincount(by_time.row).max() == 2, "four frames come twice"
    assert as_they_come.image.tolist() == by_time.row.tolist()
    quick = face_track(0, np.arange(121) / 30)
    assert len(reel(quick, "as_they_come").row) == 100, "quicker videos lose frames"


def test_faces_come_in_order_where_wanted() -> None:
    track = face_track(0, np.arange(51) / 25)
    one = reel(track)
    wanted = np.zeros(50, bool)
    wanted[10:20] = wanted[40:] = True
    frames = [Drawn(k, [k / 50]) for k in range(45)]
    result = list(faces([track], [one], [wanted], frames))  # type: ignore[arg-type]
    assert [k for _, k, _ in result] == [*range(10, 20), *range(40, 45)]
    assert all(face.shape == (224, 224, 3) for _, _, face in result)


def test_a_file_tells_its_calibration(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    arguments = {"narrower": 32, "features": 8}
    for settings, wanted in (
        ({}, Calibration()),
        ({"calibration": {"threshold": 0.4, "later": 1}}, Calibration(threshold=0.4)),
    ):
        card = CheckpointCard("gaze_following", "syncnet", arguments, settings=settings)
        checkpoint.save(path, syncnet(**arguments).state_dict(), card)
        assert LipSync(path).calibration == wanted
    own = Calibration(0.1, 5.0)
    assert LipSync(path, calibration=own).calibration == own
    created = two_faces(2.0)
    scores, *_ = LipSync(path, threads=1).predict(
        always(2.0),
        created.tracks,
        created.frames(),
        blocks(created.audio),  # type: ignore[arg-type]
    )
    assert len(scores) == 100

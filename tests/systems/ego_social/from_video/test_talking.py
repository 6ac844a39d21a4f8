"""The predictor on scenes made by hand, against the network shown each utterance directly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from eyeline import sample
from eyeline.errors import CheckpointError, UsageError
from eyeline.geometry.camera import Camera
from eyeline.people.tracks import Track
from eyeline.results import Scores, Segments
from eyeline.system import Scene
from eyeline.systems.ego_social.from_video.talking import TalkingToMePredictor
from eyeline.systems.ego_social.from_video.utterances import Tape, Utterance, utterances
from eyeline.systems.ego_social.inputs import crop_face, normalise, segment_audio, stacked
from eyeline.systems.ego_social.scoring.postprocess import scores
from eyeline.systems.ego_social.ttm_model import TalkingToMe
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.video.audio import AudioBlock, read_audio
from eyeline.video.reader import VideoReader
from tests.people.build import track
from tests.systems.ego_social.raw_video import (
    SMALL_TTM,
    ImageItem,
    filmed,
    noise,
    played,
    saved,
    small_ttm,
    voiced,
    walker,
)

CLOSE = 2e-5
AUDIO = noise(8)


@pytest.fixture(scope="module")
def net() -> TalkingToMe:
    return small_ttm()


@pytest.fixture(scope="module")
def weights(net: TalkingToMe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("weights"), "ttm", net, SMALL_TTM)


@pytest.fixture(scope="module")
def predictor(weights: Path) -> TalkingToMePredictor:
    return TalkingToMePredictor(weights, threads=1)


def says(person: Track, *spans: range) -> npt.NDArray[np.float64]:
    """Who speaks, by frames."""
    return np.isin(person.frame, [f for span in spans for f in span]).astype(np.float64)


def logits(
    net: TalkingToMe, shown: Sequence[tuple[Track, int] | None], first: int
) -> npt.NDArray[np.float32]:
    """Of one piece whose moments, from the first on, show rows of tracks."""
    crops = [
        None
        if one is None
        else crop_face(ImageItem(int(one[0].frame[one[1]]), 0).rgb(), one[0].head_xyxy[one[1]])
        for one in shown
    ]
    audio = torch.from_numpy(segment_audio(AUDIO, first, first + len(shown) - 1))
    with torch.no_grad():
        return np.asarray(net(normalise(stacked(crops))[None], audio[None])[0])


def naive(net: TalkingToMe, shown: Sequence[tuple[Track, int] | None], first: int) -> float:
    return float(scores(logits(net, shown, first)[None])[0])


def scene(*tracks: Track, speaking: Sequence[npt.NDArray[np.float64]], **more: object) -> Scene:
    return filmed(*tracks, speaking=speaking, audio=played(AUDIO), **more)  # type: ignore[arg-type]


def log(predictor: TalkingToMePredictor, shown: Scene) -> tuple[Scores, Segments]:
    result, spans = predictor.predict(shown)
    assert isinstance(result, Scores) and isinstance(spans, Segments)
    assert result.name == spans.name == "talking_to_me"
    return result, spans


def test_an_utterance_has_one_answer_in_all_its_rows(
    net: TalkingToMe, predictor: TalkingToMePredictor
) -> None:
    person = walker(range(60))
    result, spans = log(predictor, scene(person, speaking=[says(person, range(11, 40))]))
    value = naive(net, [(person, r) for r in range(11, 40)], 11)
    np.testing.assert_allclose(result.value[11:40], value, rtol=0, atol=CLOSE)
    assert not result.value[:11].any() and not result.value[40:].any()
    assert len(spans) == int(value >= 0.5)
    if len(spans):
        assert (spans.start_s[0], spans.end_s[0]) == pytest.approx((11 / 30, 40 / 30))
        assert spans.score[0] == pytest.approx(value, abs=CLOSE)


def test_long_utterances_are_cut_and_keep_their_tail(
    net: TalkingToMe, predictor: TalkingToMePredictor
) -> None:
    person = walker(range(200))
    result, _ = log(predictor, scene(person, speaking=[says(person, range(6, 190))]))
    head = logits(net, [(person, r) for r in range(6, 157)], 6)
    tail = logits(net, [(person, r) for r in range(156, 190)], 156)
    fraction = 34 / 150
    value = scores(((head + fraction * tail) / (1 + fraction))[None])[0]
    np.testing.assert_allclose(result.value[6:190], value, rtol=0, atol=CLOSE)


def test_a_short_pause_does_not_end_an_utterance(
    net: TalkingToMe, predictor: TalkingToMePredictor
) -> None:
    person = walker(range(70))
    speaking = says(person, range(3, 20), range(27, 40), range(50, 64))
    result, _ = log(predictor, scene(person, speaking=[speaking]))
    for first, last in ((3, 39), (50, 63)):
        value = naive(net, [(person, r) for r in range(first, last + 1)], first)
        np.testing.assert_allclose(result.value[first : last + 1], value, rtol=0, atol=CLOSE)
    assert not result.value[40:50].any()


def test_a_face_that_is_lost_for_a_moment_is_black(
    net: TalkingToMe, predictor: TalkingToMePredictor
) -> None:
    before, after = walker(range(20)), replace(walker(range(26, 50)), track_id=2)
    speaking = [says(before, range(5, 50)), says(after, range(40))]
    result, spans = log(predictor, scene(before, after, speaking=speaking, lost=[9, 39]))
    shown: list[tuple[Track, int] | None] = [(before, r) for r in range(5, 20)]
    shown += [None] * 6 + [(after, r) for r in range(14)]
    shown[9 - 5] = shown[39 - 5] = None
    value = naive(net, shown, 5)
    np.testing.assert_allclose(result.value[5:34], value, rtol=0, atol=CLOSE)
    assert len(spans) <= 1


def test_people_speak_at_once(net: TalkingToMe, weights: Path) -> None:
    people = [walker(range(5 * k, 40), person=k + 1) for k in range(3)]
    spans = [range(3, 33), range(12, 27), range(15, 39)]
    speaking = [says(p, s) for p, s in zip(people, spans, strict=True)]
    predictor = TalkingToMePredictor(weights, threads=1, batch_size=5)
    result, _ = log(predictor, scene(*people, speaking=speaking))
    for person, span in zip(people, spans, strict=True):
        rows = [int(f - person.frame[0]) for f in span]
        value = naive(net, [(person, r) for r in rows], span[0])
        mine = result.value[result.person == person.person]
        np.testing.assert_allclose(mine[rows], value, rtol=0, atol=CLOSE)


def test_other_rates(net: TalkingToMe, predictor: TalkingToMePredictor) -> None:
    person = walker(range(30), rate_hz=15)
    speaking = [says(person, range(3, 12))]
    result, _ = log(predictor, scene(person, speaking=speaking, rate_hz=15))
    value = naive(net, [(person, r) for r in [3] * 2 + sorted([*range(4, 12)] * 2)], 6)
    np.testing.assert_allclose(result.value[3:12], value, rtol=0, atol=CLOSE)


def test_what_cannot_be_said(predictor: TalkingToMePredictor) -> None:
    person = walker(range(60))
    speaking = says(person, range(10, 30))
    speaking[40:50] = np.nan
    result, spans = log(predictor, scene(person, speaking=[speaking], lost=range(8, 32)))
    assert np.isnan(result.value[10:30]).all() and np.isnan(result.value[40:50]).all()
    assert not np.nan_to_num(result.value).any() and len(spans) == 0


def test_audio_that_ends_early_goes_on_in_silence(
    net: TalkingToMe, predictor: TalkingToMePredictor
) -> None:
    person = walker(range(60))
    speaking = [says(person, range(31))]
    short, quiet = AUDIO[:9000], np.concatenate([AUDIO[:9000], np.zeros(99_000, np.float32)])
    result, whole = (
        log(predictor, replace(scene(person, speaking=speaking), audio=played(s)))[0].value
        for s in (short, quiet)
    )
    np.testing.assert_array_equal(result, whole)


def test_the_audio_is_read_once_and_let_go(predictor: TalkingToMePredictor) -> None:
    person, kept, opened = walker(range(240)), [], []
    shown = scene(person, speaking=[says(person, range(5, 15), range(200, 230))])

    def audio() -> Iterator[AudioBlock]:
        opened.append(1)
        return played(AUDIO)()

    really = Tape.cut

    def cut(tape: Tape, start: int, stop: int) -> npt.NDArray[np.float32]:
        part = really(tape, start, stop)
        kept.append(len(tape._kept))
        return part

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tape, "cut", cut)
        predictor.predict(replace(shown, audio=audio))
    assert opened == [1] and max(kept) <= 2 * 8000


def test_without_audio_nothing_is_said(predictor: TalkingToMePredictor) -> None:
    assert predictor.predict(filmed(walker(range(9)))) == []


def test_nobody_gives_empty_answers(predictor: TalkingToMePredictor) -> None:
    person = walker(range(9))
    result, spans = log(predictor, scene(person, speaking=[says(person)]))
    assert not result.value.any() and len(spans) == 0


def test_what_cannot_be_is_refused(
    predictor: TalkingToMePredictor, weights: Path, tmp_path: Path
) -> None:
    person = walker(range(9))
    shown = scene(person, speaking=[says(person)])
    with pytest.raises(UsageError, match="ttm looks at images"):
        predictor.predict(replace(shown, frames=None))
    with pytest.raises(UsageError, match="no audio to listen to"):
        predictor.predict(replace(shown, audio=None))
    with pytest.raises(UsageError, match="no box 'hat'"):
        TalkingToMePredictor(weights, box="hat")  # type: ignore[arg-type]
    other = tmp_path / "other.safetensors"
    checkpoint.save(other, {"a": torch.zeros(1)}, CheckpointCard("ego_social", "lam_lstm", {}))
    with pytest.raises(CheckpointError, match="ttm"):
        TalkingToMePredictor(other)


def test_utterances() -> None:
    one, two = walker(range(100)), walker(range(30, 90), person=2)
    speaking = voiced(
        [one, two], [says(one, range(4), range(20, 40), range(48, 60)), says(two, range(31, 50))]
    )
    result = utterances(speaking, [one, two])
    assert [(s.person, s.first, s.last) for s in result] == [(1, 20, 59), (2, 31, 49)]
    assert utterances(voiced([one], [says(one)]), [one]) == []
    assert Utterance(1, 0.1, 0.2).last == 5


def test_tape() -> None:
    tape = Tape(played(AUDIO)())
    np.testing.assert_array_equal(tape.cut(100, 20_000), AUDIO[100:20_000])
    np.testing.assert_array_equal(tape.cut(15_000, 16_000), AUDIO[15_000:16_000])
    tape.forget(60_000)
    np.testing.assert_array_equal(tape.cut(60_001, 61_000), AUDIO[60_001:61_000])
    assert len(tape._kept) <= 8000
    assert len(tape.cut(len(AUDIO) - 5, len(AUDIO) + 50)) == 5
    assert len(tape.cut(len(AUDIO) + 5, len(AUDIO) + 50)) == 0
    with pytest.raises(AssertionError):
        tape.cut(0, 10)


def test_a_real_video_with_its_own_audio(net: TalkingToMe, predictor: TalkingToMePredictor) -> None:
    path = sample.path()
    reader = VideoReader(path)
    box = np.tile([220.0, 90, 330, 240], (40, 1))
    person = track(range(40), head_xyxy=box, box_xyxy=box)
    shown = Scene(
        reader.info, Camera.from_fov(854, 480), [person],
        speaking=voiced([person], [says(person, range(32, 40))]), frames=lambda: iter(reader),
        audio=lambda: read_audio(path, 16_000, start_s=reader.info.start_s),
    )  # fmt: skip
    result, _ = log(predictor, shown)
    moments = range(38, 48)  # of the frames from 1.28 s to 1.6 s
    nearest = [32, 32, 33, 34, 35, 36, 37, 37, 38, 39]
    images = [frame.rgb() for frame in itertools.islice(reader, 40)]
    crops = stacked([crop_face(images[i], box[i]) for i in nearest])
    blocks = read_audio(path, 16_000, start_s=reader.info.start_s)
    heard = np.concatenate([b.samples for b in itertools.islice(blocks, 8)])
    audio = torch.from_numpy(segment_audio(heard, moments[0], moments[-1]))
    with torch.no_grad():
        value = scores(net(normalise(crops)[None], audio[None]).numpy())[0]
    np.testing.assert_allclose(result.value[32:], value, rtol=0, atol=CLOSE)

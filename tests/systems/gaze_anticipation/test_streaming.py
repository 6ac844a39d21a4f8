"""A stream answers as evaluation does, at once, and never from what comes later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline.errors import DataError, UsageError
from eyeline.results import Floats, Image
from eyeline.systems.gaze_anticipation import data
from eyeline.systems.gaze_anticipation.model import GazeAnticipation, heatmaps
from eyeline.systems.gaze_anticipation.recordings import store
from eyeline.systems.gaze_anticipation.streaming import Stream, WindowOutput
from eyeline.systems.gaze_anticipation.windows.spectrogram import SILENCE, spectrogram, to_16_bits
from eyeline.video.audio import read_audio
from eyeline.video.reader import VideoReader
from tests.systems.gaze_anticipation import judged
from tests.systems.gaze_anticipation.filmed import tone
from tests.systems.gaze_anticipation.invented import GOLDEN, SMALL, small

SIDE, FRAMES = SMALL["side"], SMALL["frames"]
RATE = 30


@pytest.fixture(scope="module")
def network() -> GazeAnticipation:
    """Its answers depend on sight and audio."""
    return small().requires_grad_()


def image(number: int, width: int = 80, height: int = 64) -> Image:
    """Waves that wander."""
    y, x = np.mgrid[:height, :width]
    shades = [np.sin(x / (5 + k) + number * 0.2) + np.cos(y / 7 - number * 0.1) for k in range(3)]
    return np.rint(127 + 60 * np.stack(shades, -1)).astype(np.uint8)


def played(
    stream: Stream,
    frames: int,
    audio: Floats | None = None,
    *,
    show: Callable[[int], Image] = image,
    block: int = 800,
) -> list[WindowOutput]:
    """Images and, a block behind each, the audio."""
    result = []
    for n in range(frames):
        result += stream.show(show(n), n / RATE, (n + 1) / RATE)
        if audio is not None:
            result += stream.hear(audio[n * block : (n + 1) * block])
    return [*result, *stream.end()]


def same(
    found: Sequence[WindowOutput], wanted: Sequence[WindowOutput], limit: float = 1e-6
) -> None:
    assert [a.time_s for a in found] == pytest.approx([a.time_s for a in wanted])
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one.maps, other.maps, atol=limit)


@pytest.mark.parametrize("task", ["anticipation", "estimation"])
def test_where_a_clip_s_window_ends_the_answer_is_that_of_evaluation(
    ego4d: Path, prepared: Path, network: GazeAnticipation, task: str
) -> None:
    clips = data.open_clips(prepared, "test", task=task, side=SIDE, frames=FRAMES)
    path = ego4d / "full_scale.gaze" / "bb.mp4"
    for n, clip in enumerate(clips.clips):
        item = clips[n]
        with torch.no_grad():
            wanted = heatmaps(network(item["clip"][None], item["audio"][None]).logits)[0]
        first = clips.seen_frames[n][0] / RATE
        stream = Stream(network, task=task, origin_s=first, every=8)
        result = {round(a.time_s, 6): a for a in filmed(stream, path)}
        answer = result[round(clips.seen_frames[n][-1] / RATE, 6)]
        np.testing.assert_allclose(answer.maps, wanted.numpy(), atol=1e-5)
        assert np.abs(np.diff(answer.maps, axis=0)).max() > 1e-3, "the maps are all the same"
        np.testing.assert_allclose(answer.horizon_s, judged.target_s(clips)[n], atol=1e-6)
        assert answer.heard, clip


@pytest.mark.parametrize("dataset", ["ego4d", "aria"])
@pytest.mark.parametrize("task", ["anticipation", "estimation"])
def test_so_it_is_on_the_clips_of_the_original_s_loaders(
    network: GazeAnticipation, tmp_path: Path, dataset: str, task: str
) -> None:
    root, audio = judged.recorded(tmp_path, dataset), tone(5, seed=4)
    name, clip = judged.RECORDED[dataset]
    columns = spectrogram(to_16_bits(audio)).T
    np.save(root / store.VIDEOS / clip.video / store.AUDIO, np.ascontiguousarray(columns))
    clips = data.open_clips(root, "test", task=task, side=SIDE, frames=FRAMES)
    item, seen = clips[0], clips.chosen(0).seen
    with torch.no_grad():
        wanted = heatmaps(network(item["clip"][None], item["audio"][None]).logits)[0]
    reader = VideoReader(GOLDEN / name)
    rate = float(reader.info.rate_hz)
    stream = Stream(network, dataset=dataset, task=task, origin_s=seen[0] / rate, every=8)
    result = stream.hear(audio) + stream.end_audio()
    for frame in reader:
        result += stream.show(frame.rgb, frame.time_s, frame.end_s)
    assert result[0].time_s == pytest.approx(seen[-1] / rate)
    np.testing.assert_allclose(result[0].maps, wanted.numpy(), atol=1e-5)


def filmed(stream: Stream, path: Path) -> list[WindowOutput]:
    reader, result = VideoReader(path), []
    audio = read_audio(path, 24_000, start_s=reader.info.start_s)
    for frame in reader:
        while stream.heard_s < frame.end_s + 1:
            block = next(audio, None)
            result += stream.end_audio() if block is None else stream.hear(block.samples)
        result += stream.show(frame.rgb, frame.time_s, frame.end_s)
    return [*result, *stream.end()]


def test_an_answer_knows_nothing_of_what_comes_later(network: GazeAnticipation) -> None:
    def other(n: int) -> Image:
        return image(n) if n <= 63 else 255 - image(n)

    audio = tone(4)
    changed = audio.copy()
    changed[64 * 800 :] = 0
    first = played(Stream(network), 110, audio)
    second = played(Stream(network), 110, changed, show=other)
    assert [a.time_s for a in first] == pytest.approx([2.1, 3.0])
    same(first[:1], second[:1], 0)
    assert np.abs(first[1].maps - second[1].maps).max() > 1e-4


def test_both_sight_and_audio_count(network: GazeAnticipation) -> None:
    loud, quiet = (played(Stream(network), 70, tone(3) * k) for k in (1, 0.01))
    still = played(Stream(network), 70, tone(3), show=lambda n: image(n // 2))
    assert np.abs(loud[0].maps - quiet[0].maps).max() > 1e-4
    assert np.abs(loud[0].maps - still[0].maps).max() > 1e-4


def test_an_answer_comes_with_the_audio_of_its_last_image(network: GazeAnticipation) -> None:
    stream, audio = Stream(network), tone(3)
    for n in range(64):
        assert not stream.show(image(n), n / RATE)
        if n < 63:
            assert not stream.hear(audio[n * 800 : (n + 1) * 800])
    lacking = round((2.1 + stream.delay_s) * 24_000) - 63 * 800
    # clips begin with a column, so half of one earlier or later
    assert not stream.hear(audio[63 * 800 :][: lacking - 61])
    answers = stream.hear(audio[63 * 800 + lacking - 61 :][:122])
    assert [a.time_s for a in answers] == [pytest.approx(2.1)] and answers[0].heard


@pytest.mark.parametrize("every", [1, 2, 5])
def test_each_image_is_looked_at_once(network: GazeAnticipation, every: int) -> None:
    asked = []

    def show(n: int) -> Image:
        asked.append(n)
        return image(n)

    stream = Stream(network, every=every, with_audio=False)
    result = []
    for n in range(120):
        result += stream.show(lambda n=n: show(n), n / RATE, (n + 1) / RATE)  # type: ignore[misc]
    assert asked == list(range(0, 120, 9))
    assert len(result) == 1 + (len(asked) - 8) // every


def test_without_audio_it_is_silence(network: GazeAnticipation) -> None:
    stream = Stream(network, with_audio=False)
    result = played(stream, 98)
    assert stream.delay_s == 0 and not any(a.heard for a in result)
    squares = torch.stack(list(stream._squares), dim=1)[:, stream.window.steps]
    assert result[-1].time_s == pytest.approx(3.0)
    silence = torch.full((1, 1, FRAMES, SIDE, SIDE), SILENCE)
    with torch.no_grad():
        wanted = heatmaps(network(squares[None], silence).logits)[0]
    np.testing.assert_allclose(result[-1].maps, wanted.numpy(), atol=1e-5)
    digital = played(Stream(network), 98, np.zeros(98 * 800, np.float32))
    same(digital, result, 1e-5)


def test_audio_that_is_too_late_is_not_waited_for(network: GazeAnticipation) -> None:
    late = Stream(network)
    result = [a for n in range(150) for a in late.show(image(n), n / RATE)]
    assert result and not result[0].heard
    same(result[:1], played(Stream(network, with_audio=False), 70)[:1], 1e-5)
    assert len(late._due) <= 4


def test_many_at_once_say_the_same(network: GazeAnticipation) -> None:
    alone, together = (played(Stream(network, every=1, at_once=k), 130, tone(5)) for k in (1, 4))
    assert len(alone) == 8
    same(together, alone, 1e-5)


def test_memory_does_not_grow(network: GazeAnticipation) -> None:
    stream, audio = Stream(network, every=40), tone(2)
    for n in range(900):
        stream.show(image(n), n / RATE, (n + 1) / RATE)
        stream.hear(audio[(n % 60) * 800 :][:800])
    assert stream._hearing is not None
    assert len(stream._hearing._columns) < 700 and len(stream._hearing._samples) < 90_000
    assert len(stream._squares) == 8


def test_no_new_window_while_the_image_stands_still(network: GazeAnticipation) -> None:
    stream = Stream(network, every=1, with_audio=False)
    result = []
    for n in range(64):
        result += stream.show(image(n), n / RATE)
    result += stream.show(image(64), 30.0)
    assert [a.time_s for a in result] == pytest.approx([2.1, 30.0])


def test_a_clock_that_jumps_far_costs_nothing(network: GazeAnticipation) -> None:
    stream = Stream(network, every=1, with_audio=False, origin_s=-1e9)
    result = [a for n in range(64) for a in stream.show(image(n), n / RATE)]
    result += [a for n in range(64) for a in stream.show(image(n + 3), 1e9 + n / RATE)]
    times = np.array([a.time_s for a in result])
    assert len(times) > 4 and ((times < 3) | (times >= 1e9 - 1)).all()


def test_stamps_that_do_not_fall_on_moments(network: GazeAnticipation) -> None:
    """At 25 a second the moment 0.3 s sees the image of 0.28 s."""
    asked: list[int] = []
    for known in (True, False):
        asked.clear()
        stream = Stream(network, with_audio=False)
        for n in range(56):
            end_s = (n + 1) / 25 if known else None
            stream.show(lambda n=n: (asked.append(n), image(n))[1], n / 25, end_s)  # type: ignore[misc]
        assert asked == [int(k * 7.5 + 1e-9) for k in range(8)]


def test_estimation_ends_with_the_last_moment(network: GazeAnticipation) -> None:
    result = played(Stream(network, task="estimation"), 110, tone(5))
    assert [a.time_s for a in result] == pytest.approx([2.1, 3.6])
    assert result[0].horizon_s == pytest.approx([0, 0.6, 1.5, 2.1])
    assert result[1].horizon_s[-1] == pytest.approx(3.6)


def test_aria_has_shorter_steps_and_points_lie_in_the_image(network: GazeAnticipation) -> None:
    stream = Stream(network, dataset="aria")
    result = played(stream, 80, tone(4))
    assert [a.time_s for a in result] == pytest.approx([1.75, 2.5])
    assert result[0].horizon_s[0] == pytest.approx(2.0)
    assert stream.delay_s == pytest.approx(0.045)
    for answer in played(Stream(network), 70, tone(4)):
        assert answer.point_px.shape == (FRAMES, 2)
        assert (answer.point_px >= 0).all() and (answer.point_px < [80, 64]).all()


def test_what_cannot_be(network: GazeAnticipation) -> None:
    for wrong in ({"every": 0}, {"at_once": 0}, {"task": "guessing"}):
        with pytest.raises(UsageError):
            Stream(network, **wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no data set 'gtea'"):
        Stream(network, dataset="gtea")
    with pytest.raises(UsageError, match="without audio"):
        Stream(network, with_audio=False).hear(tone(1))
    stream = Stream(network, with_audio=False)
    stream.show(image(0), 0.0)
    for stamp in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(DataError, match=r"after one of 0\.0 s"):
            stream.show(image(1), stamp)
    with pytest.raises(DataError, match="80x70 among those of 80x64"):
        stream.show(image(1, height=70), 0.3)

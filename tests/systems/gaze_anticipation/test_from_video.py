"""A raw video to a table of where its wearer will look, or looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.analysis import analyze_video
from eyeline.errors import CheckpointError, DataError, UsageError
from eyeline.geometry.camera import Camera
from eyeline.results import TARGET_SCENE, WEARER, Points
from eyeline.settings import Settings
from eyeline.system import Scene, load_system
from eyeline.systems.gaze_anticipation.from_video import CstsPredictor, purpose_of
from eyeline.systems.gaze_anticipation.model import GazeAnticipation
from eyeline.systems.gaze_anticipation.streaming import Stream
from eyeline.systems.gaze_anticipation.windows.spatial import Places, central_view
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.video.audio import read_audio
from eyeline.video.reader import VideoReader
from tests.systems.gaze_anticipation.filmed import tone, write_video
from tests.systems.gaze_anticipation.invented import SMALL, small

SIZE = 96, 64
SECONDS = 4


@pytest.fixture(scope="module")
def network() -> GazeAnticipation:
    return small(1)


@pytest.fixture(scope="module")
def save(
    network: GazeAnticipation, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("weights")

    def made(name: str = "any", **words: Any) -> Path:
        card = CheckpointCard("gaze_anticipation", "csts", dict(SMALL), **words)
        path = folder / f"{name}.safetensors"
        checkpoint.save(path, network.state_dict(), card)
        return path

    return made


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("raw") / "walk.mp4"
    return write_video(path, 30 * SECONDS, size=SIZE, audio=tone(SECONDS))


def scene_of(path: Path, rate_hz: float | None = None) -> Scene:
    info = VideoReader(path).info
    return Scene(
        info, Camera.from_fov(*SIZE), (), ego=True,
        frames=lambda: iter(VideoReader(path, rate_hz=rate_hz)),
        audio=partial(read_audio, path, start_s=info.start_s) if info.has_audio else None,
    )  # fmt: skip


def points(predictor: CstsPredictor, scene: Scene) -> Points:
    (result,) = predictor.predict(scene)
    assert isinstance(result, Points)
    return result


def test_anticipation_has_a_row_for_every_frame_from_the_first_window_on(
    save: Callable[..., Path], video: Path
) -> None:
    result = points(CstsPredictor(save()), scene_of(video))
    assert (result.system, result.builder, result.name) == (
        "gaze_anticipation",
        "csts",
        "gaze_next",
    )
    np.testing.assert_array_equal(result.frame, np.arange(63, 120))
    np.testing.assert_allclose(result.time_s, result.frame / 30, atol=1e-6)
    assert (result.person == WEARER).all() and (result.target == TARGET_SCENE).all()
    assert (result.point_px >= [16, 0]).all() and (result.point_px < [80, 64]).all()
    assert ((result.probability > 0) & (result.probability < 1)).all()
    assert result.time_s[result.heatmap_row] == pytest.approx(2.1 + 0.3 * np.arange(7))
    assert result.heatmap is not None and result.heatmap.shape == (7, 36, 54)
    assert (result.heatmap.max(axis=(1, 2)) == 255).all()


def test_at_a_window_s_end_a_row_is_the_mean_of_its_maps(
    save: Callable[..., Path], video: Path, network: GazeAnticipation
) -> None:
    result = points(CstsPredictor(save()), scene_of(video))
    stream, answers = Stream(network), []
    for block in read_audio(video, 24_000, start_s=0.0):
        answers += stream.hear(block.samples)
    for frame in VideoReader(video):
        answers += stream.show(frame.rgb, frame.time_s, frame.end_s)
    places = Places(central_view(SIZE[1], SIZE[0], SMALL["side"]), SIZE, SMALL["side"] // 4)
    assert [a.time_s for a in answers] == pytest.approx([2.1, 3.0, 3.9])
    for answer in answers:
        row = int(np.flatnonzero(np.isclose(result.time_s, answer.time_s))[0])
        mean = answer.maps.mean(axis=0)[None]
        np.testing.assert_allclose(result.point_px[row], places.peaks(mean)[0])
        near = places.near(mean, places.peaks(mean))
        np.testing.assert_allclose(result.probability[row], near[0], atol=1e-6)


def test_weights_of_estimation_tell_where_the_look_is_now(
    save: Callable[..., Path], video: Path
) -> None:
    weights = save("now", data={"dataset": "ego4d", "task": "estimation"})
    result = points(CstsPredictor(weights), scene_of(video))
    assert result.name == "gaze_now"
    np.testing.assert_array_equal(result.frame, np.arange(120))
    other = points(CstsPredictor(save(), task="estimation"), scene_of(video))
    np.testing.assert_array_equal(result.point_px, other.point_px)


def test_the_recipe_says_what_was_learned(save: Callable[..., Path], video: Path) -> None:
    recipe = {"data": {"dataset": "aria", "task": "anticipation"}}
    result = points(CstsPredictor(save("aria", recipe=recipe)), scene_of(video))
    assert result.name == "gaze_next" and result.time_s[0] == pytest.approx(53 / 30)


def test_the_same_again(save: Callable[..., Path], video: Path) -> None:
    predictor = CstsPredictor(save())
    first, second = (points(predictor, scene_of(video)) for _ in range(2))
    np.testing.assert_array_equal(first.point_px, second.point_px)
    np.testing.assert_array_equal(first.heatmap, second.heatmap)


def test_audio_counts_and_its_lack_is_silence(save: Callable[..., Path], video: Path) -> None:
    predictor, scene = CstsPredictor(save()), scene_of(video)
    result = points(predictor, scene)
    silent = points(predictor, replace(scene, audio=None))
    assert len(silent) == len(result)
    assert np.abs(silent.probability - result.probability).max() > 1e-6


def test_a_network_that_learned_without_audio_gets_none(
    save: Callable[..., Path], video: Path
) -> None:
    muted = CstsPredictor(save("muted", recipe={"data": {"with_audio": False}}))
    scene = scene_of(video)
    result, silent = (
        points(muted, scene),
        points(CstsPredictor(save()), replace(scene, audio=None)),
    )
    np.testing.assert_array_equal(result.probability, silent.probability)
    assert "without the audio, of which it learned nothing" in muted.how


def test_a_video_whose_audio_ends_early(save: Callable[..., Path], tmp_path: Path) -> None:
    path = write_video(tmp_path / "early.mp4", 105, size=SIZE, audio=tone(1.0))
    assert len(points(CstsPredictor(save()), scene_of(path))) == 105 - 63


def test_few_frames_a_second_and_a_short_video(
    save: Callable[..., Path], video: Path, tmp_path: Path
) -> None:
    predictor = CstsPredictor(save())
    result = points(predictor, scene_of(video, rate_hz=5))
    # at 5 a second the frame of 2.0 s is on show at the moment of 2.1 s
    assert result.time_s == pytest.approx(np.arange(2.2, 4, 0.2))
    short = points(predictor, scene_of(write_video(tmp_path / "short.mp4", 30, size=SIZE)))
    assert len(short) == 0 and short.heatmap is None


@pytest.mark.parametrize("with_audio", [True, False])
def test_analyze_takes_the_weights_and_says_where_there_is_no_audio(
    save: Callable[..., Path], tmp_path: Path, with_audio: bool
) -> None:
    audio = tone(2.5) if with_audio else None
    path = write_video(tmp_path / "walk.mp4", 75, size=SIZE, audio=audio)
    settings = Settings(systems=("csts/csts",), ego=True, weights=(str(save()),), rate_hz=10)
    created = analyze_video(path, settings)
    assert len(created.points("gaze_next")) > 0
    said = [text for text in created.warnings if "takes silence instead" in text]
    assert said == ([] if with_audio else [
        "no audio: gaze_anticipation/csts hears, too, and takes silence instead"
    ])  # fmt: skip
    method = created.methods[-1]
    assert method.builder == "csts" and method.weights is not None
    assert method.weights.startswith("any.safetensors")
    audio_stated = "with audio" if with_audio else "with silence for the audio that is not there"
    assert f"Here: anticipation of ego4d, a pass every 0.9 s, {audio_stated}" in method.summary


def test_the_card_offers_it_to_head_worn_cameras_with_weights() -> None:
    builder = load_system("csts").builders["csts"]
    assert not builder.embedded and builder.needs.ego and builder.networks == ("csts",)
    assert set(builder.answers) == {"gaze_next", "gaze_now"}


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ({"data": {"dataset": "gtea", "task": "anticipation"}}, "of anticipation on gtea"),
        ({"data": {"task": "dreaming"}}, "of dreaming on ego4d"),
        ({"settings": {"rate_hz": 24}}, "every 9th frame of 24 a second"),
        ({"data": {"dataset": "aria"}, "settings": {"frame_step": 9}}, "every 9th frame of 20"),
    ],
)
def test_weights_that_learned_something_else(
    save: Callable[..., Path], words: dict[str, Any], known: str
) -> None:
    with pytest.raises(CheckpointError, match=known):
        CstsPredictor(save("other", **words))


def test_what_a_card_without_words_is_taken_for() -> None:
    card = CheckpointCard("gaze_anticipation", "csts", {})
    assert purpose_of(card, "weights") == ("ego4d", "anticipation", True)
    full = replace(card, data={"dataset": "aria", "task": "estimation"},
                   settings={"rate_hz": Fraction(20), "frame_step": 5})  # fmt: skip
    assert purpose_of(full, "weights") == ("aria", "estimation", True)


def test_what_cannot_be(save: Callable[..., Path], video: Path) -> None:
    with pytest.raises(UsageError, match="no task 'guessing'"):
        CstsPredictor(save(), task="guessing")
    with pytest.raises(DataError, match="no data set 'gtea'"):
        CstsPredictor(save(), dataset="gtea")
    with pytest.raises(UsageError, match="no device 'tpu'"):
        CstsPredictor(save(), "tpu")
    with pytest.raises(UsageError, match="has no frames"):
        CstsPredictor(save()).predict(replace(scene_of(video), frames=None))

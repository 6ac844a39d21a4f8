"""Samples against the original's loaders, and what is drawn."""

from __future__ import annotations

import random
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_anticipation import data
from eyeline.systems.gaze_anticipation.recordings import store
from eyeline.systems.gaze_anticipation.recordings.clips import Clip
from eyeline.systems.gaze_anticipation.recordings.footage import find_frames
from eyeline.systems.gaze_anticipation.recordings.labels import FrameGaze
from eyeline.systems.gaze_anticipation.windows.spectrogram import SILENCE
from eyeline.video.reader import probe
from tests.systems.gaze_anticipation import judged
from tests.systems.gaze_anticipation.filmed import number_of
from tests.systems.gaze_anticipation.invented import GOLDEN, golden

MADE = {
    "ego4d": ("clip_ego4d_150f_30fps.mp4", Clip("vid", 5)),
    "aria": ("clip_aria_100f_20fps.mp4", Clip("movie_1", 2, "aria")),
}
SETTINGS = {
    "CSTS_Ego4D_Gaze_Forecast": ("ego4d", "anticipation"),
    "CSTS_Aria_Gaze_Forecast": ("aria", "anticipation"),
    "CSTS_Ego4D_Gaze_Estimation": ("ego4d", "estimation"),
    "CSTS_Aria_Gaze_Estimation": ("aria", "estimation"),
}
PIXEL = 2 / 255 / 0.225


class Drawn:
    """The original's draws: windows by `random`, all else by numpy."""

    def __init__(self, seed: int) -> None:
        self.first: Any = random.Random(seed)
        self.rest = np.random.RandomState(seed)

    def uniform(self, low: float, high: float) -> float:
        by, self.first = self.first or self.rest, None
        return float(by.uniform(low, high))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clips of the golden file as prepared data sets."""
    root = tmp_path_factory.mktemp("golden")
    rows = golden("loader")["frame_labels_x_y_type"]
    seeded = np.random.default_rng(zlib.crc32(b"input:ld:spec"))
    audio = seeded.standard_normal((256, 1000)).astype(np.float32)
    for dataset, (name, clip) in MADE.items():
        place = root / dataset / store.VIDEOS / clip.video
        place.mkdir(parents=True)
        info, frames = probe(GOLDEN / name), find_frames(GOLDEN / name)
        content = store.Content(
            clip.video, dataset, [store.Media(GOLDEN / name, frames, 1000, clip.start_s)],
            FrameGaze(rows[:, :2].copy(), rows[:, 2].astype(np.int64)),
            (info.width_px, info.height_px),
        )  # fmt: skip
        store.write_index(place, root / dataset, content)
        np.save(place / store.AUDIO, np.ascontiguousarray(audio.T))
        lists = root / dataset / store.SPLIT
        lists.mkdir()
        for split in ("train", "test"):
            (lists / f"{split}.list").write_text(f"{clip.line}\n")
    return root


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(("mode", "seed"), [("test", 0), ("train", 5), ("train", 6)])
def test_as_published(
    original: Path, setting: str, mode: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, task = SETTINGS[setting]
    file, before = golden("loader"), f"{setting}/{mode}/{seed}/"
    wanted = {k.removeprefix(before): v for k, v in file.items() if k.startswith(before)}
    result = data.open_clips(
        original / dataset, mode, task=task, training=mode == "train",
        sides=(256, 288 if task == "anticipation" else 320),
    )  # fmt: skip
    video, clip = result.videos[result.clips[0].video], result.clips[0]
    chosen = result.chosen(0, Drawn(seed) if result.training else None)
    assert video.label_frames(clip, chosen.seen).tolist() == wanted["frame_idx_global"].tolist()
    if task == "anticipation":
        asked = video.label_frames(clip, chosen.target)
        assert asked.tolist() == wanted["labels_idx_global"].tolist()
    monkeypatch.setattr(np.random, "default_rng", lambda *_: Drawn(seed))
    sample = result[0]
    pixels, audio = sample["clip"].numpy(), sample["audio"].numpy()
    stats = np.stack([pixels.mean((2, 3)), pixels.std((2, 3))])
    assert np.abs(stats - wanted["frames_stats_per_channel_frame"]).max() <= PIXEL
    assert np.abs(strided(pixels) - wanted["frames_sub"]).max() <= PIXEL
    assert np.array_equal(strided(audio), wanted["audio_sub"])
    assert np.abs(sample["gaze"].numpy() - wanted["labels"][:, :2]).max() <= 1e-6
    assert sample["kind"].tolist() == wanted["labels"][:, 2].tolist()
    assert np.abs(sample["heatmap"].numpy() - wanted["heatmap"]).max() <= 1e-6


def strided(values: Any) -> Any:
    flat = values.ravel()
    return flat[np.linspace(0, flat.size - 1, 256).astype(np.int64)]


def test_every_frame_is_met(original: Path) -> None:
    result = data.open_clips(original / "ego4d", "test", task="estimation", full_frames=True)
    assert len(result) == 24 and (result.target_frames == result.seen_frames).all()
    assert set(result.target_frames.ravel()) == set(range(150, 300))
    windows = np.stack([result.chosen(n).seen for n in range(24)])
    assert (windows == golden("loader")["full_frame_test_windows"]).all()


def test_windows_of_whole_videos_show_their_frames(prepared: Path) -> None:
    result = data.open_clips(prepared, "test")
    assert [(c.video, c.start_s) for c in result.clips] == [("bb", 0), ("bb", 5)]
    video, clip = result.videos["bb"], result.clips[1]
    images = video.images(clip, result.chosen(1).seen, result._open)
    wanted = list(range(150 + 22, 150 + 86, 9))
    assert (
        number_of(images) == [n % 100 for n in wanted] and result.seen_frames[1].tolist() == wanted
    )
    assert result.target_frames[1].tolist() == list(range(150 + 86, 300, 9))
    assert np.abs(judged.target_s(result)[1] - result.target_frames[1] / 30).max() < 1e-9
    assert np.abs(result.ahead_s[1] - (1 + 9 * np.arange(8)) / 30).max() < 1e-9


def test_a_sample_is_what_the_network_takes(prepared: Path) -> None:
    result = data.open_clips(prepared, "train", training=True)
    batch = next(iter(DataLoader(result, batch_size=2)))
    shapes = {name: tuple(value.shape) for name, value in batch.items()}
    assert shapes == {
        "clip": (2, 3, 8, 256, 256), "audio": (2, 1, 8, 256, 256), "heatmap": (2, 8, 64, 64),
        "gaze": (2, 8, 2), "kind": (2, 8), "number": (2,),
    }  # fmt: skip
    assert all(batch[name].dtype == torch.float32 for name in ("clip", "audio", "heatmap", "gaze"))
    assert batch["audio"].amax() > SILENCE + 5


def test_a_sample_for_a_small_network(prepared: Path) -> None:
    whole = data.open_clips(prepared, "test")
    small = data.open_clips(prepared, "test", side=64, frames=4, sides=(64, 72))
    sample, wanted = small[0], whole[0]
    assert sample["clip"].shape == (3, 4, 64, 64) and sample["heatmap"].shape == (4, 16, 16)
    assert sample["audio"].shape == (1, 4, 64, 64) and sample["kind"].shape == (4,)
    assert small.seen_frames[0].tolist() == whole.seen_frames[0, [0, 2, 5, 7]].tolist()
    blocks = wanted["audio"][:, [0, 2, 5, 7]].unflatten(2, (64, 4)).unflatten(4, (64, 4))
    assert (sample["audio"] - blocks.mean((3, 5))).abs().max() < 1e-4
    peak = sample["heatmap"][0].argmax().item()
    assert abs(peak % 16 / 16 - sample["gaze"][0, 0].item()) <= 1 / 16
    with pytest.raises(UsageError, match="9 frames"):
        data.open_clips(prepared, "test", frames=9)


def test_what_is_drawn_depends_on_seed_epoch_and_place_only(prepared: Path) -> None:
    result = data.open_clips(prepared, "train", training=True, seed=3)
    alone = [result[n] for n in range(2)]
    by_workers = next(iter(DataLoader(result, batch_size=2, num_workers=1)))
    for n, sample in enumerate(alone):
        for name in ("clip", "audio", "heatmap", "gaze"):
            assert torch.equal(sample[name], by_workers[name][n])
    views = {
        (c.view, tuple(c.seen))
        for c in (
            result.chosen(0), result.chosen(1), result.at_epoch(1).chosen(0),
            data.open_clips(prepared, "train", training=True, seed=4).chosen(0),
        )
    }  # fmt: skip
    assert len(views) == 4


def test_without_audio_all_is_silent(prepared: Path) -> None:
    result = data.open_clips(prepared, "test", with_audio=False)
    assert (result[0]["audio"] == SILENCE).all()


def test_labels_without_images_and_validation_falls_back_to_the_test_list(prepared: Path) -> None:
    result = data.open_clips(prepared, "test")
    sample = result[1]
    assert np.abs(result.gaze[1] - sample["gaze"].numpy()).max() < 1e-6
    assert result.kind[1].tolist() == sample["kind"].tolist()
    part = result.subset([1])
    assert part.video == ["bb"] and part.start_s.tolist() == [5]
    assert (part.gaze[0] == result.gaze[1]).all()
    assert data.open_clips(prepared, "val").clips == data.open_clips(prepared, "test").clips


def test_whole_videos_are_held_out(prepared: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.list"
    lists = [(prepared / "split" / f"{s}.list").read_text() for s in ("train", "test")]
    both.write_text("".join(lists))
    assert data.held_out(["a", "b", "c", "a"], 0.0, 1) == frozenset()
    drawn = {data.held_out([*"abcdefghij"], 0.2, seed) for seed in range(9)}
    assert all(len(names) == 2 for names in drawn) and len(drawn) > 1
    learned, held = data.open_training(prepared, validation_fraction=0)
    assert held is None and learned.training
    with pytest.raises(DataError, match="at least two are needed"):
        data.open_training(prepared, validation_fraction=0.5)
    with pytest.raises(UsageError, match="share of 1"):
        data.open_training(prepared, validation_fraction=1)


def test_options_that_do_not_go_together(prepared: Path) -> None:
    with pytest.raises(UsageError, match="no task"):
        data.open_clips(prepared, "test", task="guess")
    with pytest.raises(UsageError, match="tests of estimation"):
        data.open_clips(prepared, "test", full_frames=True)
    with pytest.raises(UsageError, match="sides of"):
        data.open_clips(prepared, "train", sides=(200, 288))
    with pytest.raises(DataError, match="aria is wanted"):
        data.open_training(prepared, validation_fraction=0, dataset="aria")
    with pytest.raises(DataError, match=r"absent.list cannot be read"):
        data.open_clips(prepared, "absent")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bb/bb_t10_t15.mp4", "lasts 12.00 s"),
        ("cc/cc_t0_t5.mp4", "video cc is not prepared"),
        ("bb/bb_t0_t4.mp4", "clips of aria and ego4d"),
    ],
)
def test_a_list_that_does_not_fit(prepared: Path, tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "own.list"
    path.write_text(f"bb/bb_t0_t5.mp4\n{line}\n")
    with pytest.raises(DataError, match=said):
        data.open_clips(prepared, path)

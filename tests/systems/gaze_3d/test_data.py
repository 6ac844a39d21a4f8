from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from eyeline.errors import DataError
from eyeline.systems.gaze_3d import data
from tests.systems.gaze_3d.conftest import Golden
from tests.systems.gaze_3d.prepared import original_annotation, write_golden, write_original

SESSIONS = ("lab/s2", "lab/s1")


@pytest.fixture
def root(tmp_path: Path, golden: Golden) -> Path:
    write_golden(tmp_path, golden("loader"))
    return tmp_path


def test_windows_begin_where_those_of_the_original_loader_do(golden: Golden) -> None:
    known = golden("loader")
    cameras = [key.removesuffix("|index") for key in known if key.endswith("|index")]
    assert len(cameras) == 4
    for camera in cameras:
        for interval in (1, 7):
            starts = data.window_starts(known[f"{camera}|index"], interval)
            np.testing.assert_array_equal(starts, known[f"{camera}|valid_interval{interval}"])


def test_recordings_shorter_than_a_window_have_none() -> None:
    assert len(data.window_starts(range(6))) == 0
    assert len(data.window_starts(range(7))) == 0  # the last one possible is never used
    assert data.window_starts(range(9)).tolist() == [0, 1]


@pytest.mark.parametrize("interval", [1, 7])
def test_the_order_is_that_of_the_original_loader(
    root: Path, golden: Golden, interval: int
) -> None:
    windows = data.open_split(root, SESSIONS, interval)
    result = []
    for which, start in windows.places:
        recording = windows.recordings[which]
        result.append(f"{recording.name}:{recording.rows.frame[start]}")
    assert result == golden("loader")[f"concat_order_interval{interval}"].tolist()


def test_a_window_is_that_of_the_original_loader(root: Path, golden: Golden) -> None:
    known = golden("loader")
    windows = data.open_split(root, ["lab/s1"])
    start = int(known["item1_start"])
    number = [tuple(place) for place in windows.places].index((1, start))
    item = windows[number]
    assert (item["recording"], item["first_frame"]) == ("lab/s1/Camera2_0", 32)
    assert item["clip"].dtype == torch.float32
    np.testing.assert_allclose(
        item["clip"][:, :, ::16, ::16], known["item1_image_every16"], atol=1e-5
    )
    shape = known["item1_mask_shape"]
    mask = np.unpackbits(known["item1_mask_packed"])[: np.prod(shape)].reshape(shape)
    np.testing.assert_array_equal(item["head_mask"], mask)
    np.testing.assert_array_equal(item["body_motion"], known["item1_body_dv"])
    np.testing.assert_array_equal(item["gaze"], known["item1_gaze_dir"])
    np.testing.assert_array_equal(windows.directions("gaze")[number], known["item1_gaze_dir"])


def test_motion_of_a_first_row_is_circular_only_where_asked_for(root: Path, golden: Golden) -> None:
    known = golden("loader")["lab__s1__Camera1_0|body_dv"]
    published = data.open_split(root, ["lab/s1"])[0]["body_motion"].numpy()
    corrected = data.open_split(root, ["lab/s1"], circular=False)[0]["body_motion"].numpy()
    np.testing.assert_array_equal(published, known[:7])
    assert not corrected[0].any()
    np.testing.assert_array_equal(corrected[1:], known[1:7])


def test_motion_over_a_gap_counts_only_as_published(tmp_path: Path, golden: Golden) -> None:
    rng = np.random.default_rng(0)
    boxes = rng.uniform(10, 90, (20, 4))
    frames = np.r_[0:8, 20:32]
    jpeg = golden("loader")["item1_jpeg_0"].tobytes()
    write_original(tmp_path / "a/b/c", original_annotation(frames, boxes, boxes), jpeg)
    corrected = data.open_split(tmp_path, ["a/b"], circular=False)
    published = data.open_split(tmp_path, ["a/b"])
    number = [int(start) for _, start in corrected.places].index(8)
    assert not corrected[number]["body_motion"][0].any()
    assert published[number]["body_motion"][0].any()
    assert torch.equal(corrected[number + 1]["body_motion"], published[number + 1]["body_motion"])


def test_windows_are_collated_to_batches(root: Path) -> None:
    windows = data.open_split(root, SESSIONS, 7)
    batch = next(iter(DataLoader(windows, batch_size=3)))
    assert batch["clip"].shape == (3, 7, 3, 256, 192)
    assert batch["head_mask"].shape == (3, 7, 1, 256, 192)
    assert batch["recording"] == [windows[i]["recording"] for i in range(3)]
    assert torch.equal(batch["gaze"][1], windows[1]["gaze"])


def test_windows_with_an_unusable_frame_are_left_out_and_counted(root: Path) -> None:
    whole = data.open_split(root, ["lab/s1"])
    (root / "lab/s1/Camera2_0/000035.jpg").unlink()
    damaged = data.open_split(root, ["lab/s1"])
    names = [whole.recordings[which].name for which, _ in whole.places]
    hit = sum(
        name == "lab/s1/Camera2_0" and first <= 35 < first + 7
        for name, first in zip(names, whole.first_frames, strict=True)
    )
    assert damaged.left_out == {"lab/s1/Camera2_0": hit}
    assert len(damaged) == len(whole) - hit
    assert whole.left_out == {}


def test_sessions_that_are_not_there_are_named(root: Path) -> None:
    with pytest.raises(DataError, match="session lab/s3"):
        data.open_split(root, ["lab/s1", "lab/s3"])
    (root / "lab/s4").mkdir()
    with pytest.raises(DataError, match="session lab/s4 has no camera"):
        data.open_split(root, ["lab/s4"])
    (root / "lab/s4/Camera1_0").mkdir()
    with pytest.raises(DataError, match="lab/s4/Camera1_0: no annotation"):
        data.open_split(root, ["lab/s4"])
    with pytest.raises(DataError, match="interval of 0"):
        data.open_split(root, ["lab/s1"], 0)


def test_whole_sessions_are_held_out_for_validation(root: Path) -> None:
    train, validation = data.open_training(root, SESSIONS, seed=3)
    sessions = [{r.name.rpartition("/")[0] for r in w.recordings} for w in (train, validation)]
    assert sessions[0] | sessions[1] == set(SESSIONS)
    assert not sessions[0] & sessions[1]
    again = data.open_training(root, SESSIONS, seed=3)
    np.testing.assert_array_equal(again[1].places, validation.places)


def test_the_last_windows_are_held_out_as_published(root: Path) -> None:
    train, validation = data.open_training(root, SESSIONS, validation="window", seed=1)
    whole = len(data.open_split(root, SESSIONS))
    assert (len(train), len(validation)) == (int(0.9 * whole), whole - int(0.9 * whole))
    both = np.concatenate([train.places, validation.places])
    assert len(np.unique(both, axis=0)) == whole
    with pytest.raises(DataError, match="0 to validate on"):
        data.open_training(root, SESSIONS, validation="window", fraction=0.0)

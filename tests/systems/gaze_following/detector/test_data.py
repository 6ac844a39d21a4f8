"""Pictures as the network learns from them, and the order in which they come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.gaze_following.detector import data
from eyeline.systems.gaze_following.fusion import Fusion
from eyeline.training.loop import Epoch
from tests.systems.gaze_following.detector.invented import data_set

WIDE, HIGH = (128, 96), (80, 120)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_set(
        tmp_path_factory.mktemp("coco"), train=[WIDE] * 5 + [HIGH] * 3, validation=[WIDE]
    )


@pytest.fixture(scope="module")
def pictures(root: Path) -> data.Pictures:
    return data.open_split(root, "train2017", "hs", short_px=120, for_training=True)


@pytest.mark.parametrize("number", [0, 1, 6])
def test_boxes_and_masks_lie_on_the_squares(pictures: data.Pictures, number: int) -> None:
    for mirrored in (False, True):
        rows = [mirrored] * len(pictures)
        sample = data.Pictures(pictures.annotations, pictures.folder, 120, rows)[number]
        targets = sample.targets
        assert len(targets.box_xyxy) == 1 + number % 2
        h, w = targets.size_hw
        assert targets.masks.shape == (len(targets.box_xyxy), h, w)
        assert targets.padded_hw == tuple(sample.pixels.shape[1:])
        assert min(h, w) == 120 and all(side % 32 == 0 for side in targets.padded_hw)
        bright = sample.pixels[0, :h, :w] > 0.5
        marked = targets.masks.any(dim=0)
        assert float((bright == marked).float().mean()) > 0.99
        for box, mask in zip(targets.box_xyxy, targets.masks, strict=True):
            rows_, columns = np.nonzero(mask.numpy())
            around = [columns.min(), rows_.min(), columns.max() + 1, rows_.max() + 1]
            np.testing.assert_allclose(box, around, atol=1.5)


def test_half_of_them_are_mirrored_by_the_epoch(pictures: data.Pictures) -> None:
    drawn = [pictures.with_mirrored(0.5, seed).mirrored for seed in range(40)]
    share = np.mean(drawn)
    assert 0.4 < share < 0.6 and drawn[0] != drawn[1]
    assert drawn[3] == pictures.with_mirrored(0.5, 3).mirrored
    assert not any(pictures.with_mirrored(0.0, 0).mirrored)
    assert all(pictures.with_mirrored(1.0, 0).mirrored)


def test_batches_do_not_mix_wide_and_high() -> None:
    landscape = [True] * 5 + [False] * 3
    orders = [data.grouped(landscape, 2, 1, seed) for seed in range(3)]
    for order in orders:
        assert [len(together) for together in order] == [2] * 5
        assert all(len({landscape[i] for i in together}) == 1 for together in order)
        assert {i for together in order for i in together} == set(range(8))
    assert orders[0] != orders[1] and orders[0] == data.grouped(landscape, 2, 1, 0)
    assert len(data.grouped(landscape, 2, 2, 0)) == 3  # two steps of wide ones, one of high ones
    assert data.grouped([], 2, 1, 0) == []
    assert data.grouped([True], 4, 1, 0) == [[0, 0, 0, 0]]


def told(pictures: data.Pictures, epoch: Epoch, size: int = 1) -> list[float]:
    found = data.batches(pictures, epoch, batch_size=size, mirror=0.5)
    return [float(batch.pictures.sum()) for batch in found]


def test_processes_share_an_epoch_and_a_stopped_one_goes_on(pictures: data.Pictures) -> None:
    whole = told(pictures, Epoch(0, seed=3))
    assert len(whole) == 8 and len(set(whole)) == 8
    assert told(pictures, Epoch(0, seed=3, done=5)) == whole[5:]
    assert told(pictures, Epoch(1, seed=4)) != whole
    shares = [told(pictures, Epoch(0, 3, rank, world=2)) for rank in range(2)]
    assert len(shares[0]) == len(shares[1]) == 5
    assert len(set(shares[0]) & set(shares[1])) <= 2  # of each kind one comes twice
    assert set(shares[0]) | set(shares[1]) == set(whole)


def test_workers_read_the_same(pictures: data.Pictures) -> None:
    def read(workers: int) -> list[torch.Tensor]:
        epoch = Epoch(0, seed=1)
        given = data.batches(pictures, epoch, batch_size=2, mirror=0.5, workers=workers)
        return [batch.pictures for batch in given]

    plain, apart = read(0), read(1)
    assert len(plain) == 5
    assert all(torch.equal(a, b) for a, b in zip(plain, apart, strict=True))


def test_a_batch_holds_pictures_of_several_sizes(pictures: data.Pictures) -> None:
    found = data.collate([pictures[0], pictures[6]])
    assert found.pictures.shape == (2, 3, 192, 160)
    assert [t.padded_hw for t in found.targets] == [(128, 160), (192, 128)]


@pytest.mark.parametrize(
    ("name", "fusion"), [("coco-HS", "hs"), ("h", "h"), ("coco-noHnoS", "none")]
)
def test_folders_by_fusion(root: Path, tmp_path: Path, name: str, fusion: Fusion) -> None:
    (tmp_path / name).symlink_to(root, target_is_directory=True)
    found = data.open_split(tmp_path, "val2017", fusion)
    assert len(found) == 1 and found.folder == tmp_path / name / "val2017"
    other: Fusion = "h" if fusion == "hs" else "hs"
    with pytest.raises(DataError, match="only other fusions"):
        data.open_split(tmp_path, "val2017", other)


def test_what_is_not_there(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        data.open_split(tmp_path, "train2017", "hs")
    with pytest.raises(DataError, match="instances_test2017"):
        data.open_split(root, "test2017", "hs")
    (tmp_path / "odd.png").write_bytes(b"no picture")
    for name, fault in (("odd.png", "no picture"), ("absent.png", "cannot read the picture")):
        with pytest.raises(DataError, match=fault):
            data.read_image(tmp_path / name)


def test_a_picture_of_another_size(root: Path, pictures: data.Pictures, tmp_path: Path) -> None:
    (tmp_path / "0000.png").write_bytes((root / "train2017" / "0007.png").read_bytes())
    with pytest.raises(DataError, match="is 80 x 120 pixels; its annotations say 128 x 96"):
        _ = data.Pictures(pictures.annotations, tmp_path)[0]

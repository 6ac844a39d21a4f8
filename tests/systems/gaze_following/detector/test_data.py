"""Images as the network sees them and is trained on them, and the order in which they come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.gaze_following.detector import data, inputs
from eyeline.systems.gaze_following.fusion import Fusion
from eyeline.training.loop import Epoch
from tests.systems.gaze_following.conftest import Golden
from tests.systems.gaze_following.detector.invented import data_set


@pytest.mark.parametrize("number", range(3))
def test_parity(golden: Golden, number: int) -> None:
    file = {k[4:]: v for k, v in golden("maskrcnn_ops").items() if k.startswith(f"pp{number}_")}
    shown = inputs.show(np.ascontiguousarray(file["img"][..., ::-1]))
    sizes = (*shown.original_hw, *shown.size_hw, *shown.pixels.shape[1:])
    assert sizes == tuple(file["shapes"])
    np.testing.assert_array_equal(np.float32(shown.scale_xyxy), file["sf"])
    np.testing.assert_allclose(shown.pixels[:, ::37, ::41], file["sub"], atol=1e-5)
    result = [float(shown.pixels.mean()), float(shown.pixels.std())]
    np.testing.assert_allclose(result, file["stat"], atol=1e-5)


def test_sizes(golden: Golden) -> None:
    file = golden("maskrcnn_ops")
    given = [k.removeprefix("rescale_") for k in file if k.startswith("rescale_")]
    assert len(given) == 6
    for text in given:
        h, w = (int(n) for n in text.split("x"))
        assert inputs.size_for((h, w))[::-1] == tuple(file[f"rescale_{text}"])


def test_a_smaller_side_takes_the_longer_one_along_and_mirrored() -> None:
    assert inputs.size_for((720, 1280), 400) == (375, 667)
    assert inputs.size_for((100, 1000), 400) == (67, 667)
    image = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    plain, mirrored = (inputs.show(image, short_px=64, mirrored=m) for m in (False, True))
    h, w = plain.size_hw
    torch.testing.assert_close(mirrored.pixels[:, :h, :w], plain.pixels[:, :h, :w].flip(2))
    assert plain.size_hw == mirrored.size_hw == (64, 96)


def test_what_is_added_is_zero_after_normalising() -> None:
    shown = inputs.show(np.full((40, 60, 3), 255, np.uint8), short_px=40)
    assert shown.pixels.shape == (3, 64, 64) and shown.size_hw == (40, 60)
    assert float(shown.pixels[:, 40:].abs().max()) == float(shown.pixels[:, :, 60:].max()) == 0
    assert float(shown.pixels[:, :40, :60].min()) > 2


def test_a_batch_has_the_size_of_the_largest() -> None:
    result = inputs.batch([torch.ones(3, 32, 96), torch.ones(3, 64, 32)])
    assert result.shape == (2, 3, 64, 96)
    assert float(result[0].sum()) == 3 * 32 * 96 and float(result[1, :, :, :32].min()) == 1


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        (np.zeros((4, 4), np.uint8), "expected 3: 'h w 3'"),
        (np.zeros((4, 4, 3), np.float32), "float32"),
        (np.zeros((0, 4, 3), np.uint8), "pixels"),
        (np.zeros((1, 9000, 3), np.uint8), "too long and thin"),
    ],
)
def test_what_is_no_image(image: np.ndarray, fault: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(DataError, match=fault):
        inputs.show(image)


def test_no_images() -> None:
    with pytest.raises(DataError, match="needs an image"):
        inputs.batch([])


WIDE, HIGH = (128, 96), (80, 120)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_set(
        tmp_path_factory.mktemp("coco"), train=[WIDE] * 5 + [HIGH] * 3, validation=[WIDE]
    )


@pytest.fixture(scope="module")
def images(root: Path) -> data.Images:
    return data.open_split(root, "train2017", "hs", short_px=120, for_training=True)


@pytest.mark.parametrize("number", [0, 1, 6])
def test_boxes_and_masks_lie_on_the_squares(images: data.Images, number: int) -> None:
    for mirrored in (False, True):
        rows = [mirrored] * len(images)
        sample = data.Images(images.annotations, images.folder, 120, rows)[number]
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


def test_half_of_them_are_mirrored_by_the_epoch(images: data.Images) -> None:
    drawn = [images.with_mirrored(0.5, seed).mirrored for seed in range(40)]
    fraction = np.mean(drawn)
    assert 0.4 < fraction < 0.6 and drawn[0] != drawn[1]
    assert drawn[3] == images.with_mirrored(0.5, 3).mirrored
    assert not any(images.with_mirrored(0.0, 0).mirrored)
    assert all(images.with_mirrored(1.0, 0).mirrored)


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


def log(images: data.Images, epoch: Epoch, size: int = 1) -> list[float]:
    result = data.batches(images, epoch, batch_size=size, mirror=0.5)
    return [float(batch.images.sum()) for batch in result]


def test_processes_fraction_an_epoch_and_a_stopped_one_goes_on(images: data.Images) -> None:
    whole = log(images, Epoch(0, seed=3))
    assert len(whole) == 8 and len(set(whole)) == 8
    assert log(images, Epoch(0, seed=3, done=5)) == whole[5:]
    assert log(images, Epoch(1, seed=4)) != whole
    fractions = [log(images, Epoch(0, 3, rank, world=2)) for rank in range(2)]
    assert len(fractions[0]) == len(fractions[1]) == 5
    assert len(set(fractions[0]) & set(fractions[1])) <= 2  # of each kind one comes twice
    assert set(fractions[0]) | set(fractions[1]) == set(whole)


def test_workers_and_batches_of_several_sizes(images: data.Images) -> None:
    def read(workers: int) -> list[torch.Tensor]:
        epoch = Epoch(0, seed=1)
        given = data.batches(images, epoch, batch_size=2, mirror=0.5, workers=workers)
        return [batch.images for batch in given]

    plain, apart = read(0), read(1)
    assert len(plain) == 5
    assert all(torch.equal(a, b) for a, b in zip(plain, apart, strict=True))
    result = data.collate([images[0], images[6]])
    assert result.images.shape == (2, 3, 192, 160)
    assert [t.padded_hw for t in result.targets] == [(128, 160), (192, 128)]


@pytest.mark.parametrize(
    ("name", "fusion"), [("coco-HS", "hs"), ("h", "h"), ("coco-noHnoS", "none")]
)
def test_folders_by_fusion(root: Path, tmp_path: Path, name: str, fusion: Fusion) -> None:
    (tmp_path / name).symlink_to(root, target_is_directory=True)
    result = data.open_split(tmp_path, "val2017", fusion)
    assert len(result) == 1 and result.folder == tmp_path / name / "val2017"
    other: Fusion = "h" if fusion == "hs" else "hs"
    with pytest.raises(DataError, match="only other fusions"):
        data.open_split(tmp_path, "val2017", other)


def test_what_is_not_there(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        data.open_split(tmp_path, "train2017", "hs")
    with pytest.raises(DataError, match="instances_test2017"):
        data.open_split(root, "test2017", "hs")
    (tmp_path / "odd.png").write_bytes(b"no image")
    for name, fault in (("odd.png", "no image"), ("absent.png", "cannot read the image")):
        with pytest.raises(DataError, match=fault):
            inputs.read_image(tmp_path / name)


def test_a_image_of_another_size(root: Path, images: data.Images, tmp_path: Path) -> None:
    (tmp_path / "0000.png").write_bytes((root / "train2017" / "0007.png").read_bytes())
    with pytest.raises(DataError, match="is 80 x 120 pixels; its annotations say 128 x 96"):
        _ = data.Images(images.annotations, tmp_path)[0]

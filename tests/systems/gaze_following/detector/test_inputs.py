"""Images come to the network as published, `golden/maskrcnn_ops.npz`."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eyeline.errors import DataError
from eyeline.systems.gaze_following.detector import inputs
from tests.systems.gaze_following.conftest import Golden


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


def test_a_smaller_side_takes_the_longer_one_along() -> None:
    assert inputs.size_for((720, 1280), 400) == (375, 667)
    assert inputs.size_for((100, 1000), 400) == (67, 667)


def test_mirrored() -> None:
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

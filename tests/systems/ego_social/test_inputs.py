"""Crops, windows and audio as the original loader makes them; numbers of `golden/`."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from eyeline.errors import DataError
from eyeline.results import Floats, Image
from eyeline.systems.ego_social.inputs import (
    crop_face,
    loudened,
    normalise,
    padded,
    segment_audio,
    stacked,
    window,
)
from tests.refusals import refuses
from tests.systems.ego_social.invented import golden

LAST_IMAGE = {"train-01-0": 59, "train-01-1": 11}
SEED = {"train-01-0": 1, "train-01-1": 8}
Boxes = Mapping[int, list[float]]


def golden_image(seed: int, number: int) -> Image:
    """An image `(96, 128, 3)` of the golden files."""
    rng = np.random.default_rng(1000 * seed + number)
    coarse = rng.integers(0, 256, (12, 16, 3)).repeat(8, axis=0).repeat(8, axis=1)
    noisy = coarse + rng.integers(-20, 21, (96, 128, 3))
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def wave(seed: int) -> Floats:
    """16 s of audio of the golden files, as read from 16 bits."""
    rng = np.random.default_rng(5000 + seed)
    t = np.arange(256_000) / 16_000
    heard = 0.2 * np.sin(2 * np.pi * (200 + 300 * t) * t) + 0.05 * rng.standard_normal(256_000)
    return np.round(heard * 32767).astype(np.int16) / 32768


def crop(clip: str, frame: int, boxes: Boxes) -> Image | None:
    if frame not in boxes or not 1 <= frame <= LAST_IMAGE[clip]:
        return None
    return crop_face(golden_image(SEED[clip], frame), boxes[frame])


def known_boxes() -> dict[tuple[str, str], dict[int, list[float]]]:
    """Boxes by frame of each track of each clip."""
    boxes: dict[tuple[str, str], dict[int, list[float]]] = {}
    for clip, track, frame, box, _ in json.loads(str(golden("lam_windows")["train.samples"])):
        boxes.setdefault((clip, track), {})[frame] = box
    return boxes


def test_windows_of_looking_at_me() -> None:
    file = golden("lam_windows")
    boxes = known_boxes()
    keys = json.loads(str(file["loader.keys"]))
    for (clip, track, t), sub, mean, std in zip(
        keys, file["loader.sub"], file["loader.framemean"], file["loader.framestd"], strict=True
    ):
        known = boxes[clip, track]
        seen = normalise(window([crop(clip, i, known) for i in range(t - 3, t + 4)]))
        assert seen.shape == (7, 3, 224, 224) and seen.dtype == torch.float32
        np.testing.assert_allclose(seen[:, :, 8::24, 8::24], sub, rtol=0, atol=1e-6)
        np.testing.assert_allclose(seen.double().mean((2, 3)), mean, rtol=0, atol=1e-6)
        result = seen.double().std((2, 3), correction=0)
        np.testing.assert_allclose(result, std, rtol=0, atol=1e-6)


def test_padding() -> None:
    file = golden("lam_windows")
    for frames, wanted in zip(file["pad.in"], file["pad.out"], strict=True):
        np.testing.assert_array_equal(padded(frames), wanted)


def test_stretches_of_talking_to_me() -> None:
    file = golden("ttm_segments")
    boxes = json.loads(str(file["train.boxes"]))
    for i, (clip, person, _, first, last, _) in enumerate(json.loads(str(file["loader.segments"]))):
        known = {
            n: box for n in range(first, last + 1) if (box := boxes[clip].get(f"{n}:{person}"))
        }
        frames = stacked([crop(clip, n, known) for n in range(first, last + 1)])
        assert (len(frames), 3, 224, 224) == tuple(file[f"loader.{i}.vshape"])
        mean = normalise(frames).double().mean((2, 3))
        np.testing.assert_allclose(mean, file[f"loader.{i}.framemean"], rtol=0, atol=1e-6)
        heard = segment_audio(wave(1 if clip == "train-01-0" else 2), first, last)
        assert len(heard) == int(file[f"loader.{i}.alen"]) and heard.dtype == np.float32
        np.testing.assert_allclose(heard[::37], file[f"loader.{i}.asub"], rtol=0, atol=1e-6)


def test_loudness() -> None:
    file = golden("ttm_segments")
    for given, wanted in zip(file["norm.in"], file["norm.out"], strict=True):
        np.testing.assert_allclose(loudened(given), wanted, rtol=0, atol=1e-12)
    assert len(loudened(np.zeros(0))) == 0


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((3.9, 4.9, 20.1, 30.99), slice(4, 30), slice(3, 20)),
        ((-9.0, -5.0, 20.0, 30.0), slice(0, 30), slice(0, 20)),  # not taken from the other side
        ((100.0, 80.0, 900.0, 900.0), slice(80, 96), slice(100, 128)),
    ],
)
def test_boxes_are_cut_to_whole_pixels_of_the_image(
    box: tuple[float, ...], rows: slice, columns: slice
) -> None:
    import cv2

    image = golden_image(5, 1)
    np.testing.assert_array_equal(
        crop_face(image, box), cv2.resize(image[rows, columns], (224, 224))
    )


@pytest.mark.parametrize(
    "box", [(5.2, 5, 5.9, 30), (200, 5, 220, 30), (-30, -30, -5, -5), (20, 20, 10, 30)]
)
def test_an_empty_box_is_black(box: tuple[float, ...]) -> None:
    assert not crop_face(golden_image(5, 1), box).any()


def test_black_crops_alone_are_not_padded() -> None:
    face, black = np.full((2, 2, 3), 9, np.uint8), np.zeros((2, 2, 3), np.uint8)
    alone = window([black, face, face])
    assert not alone[0].any()
    assert window([black, face, None]).all()
    assert window([None, black, None]).shape == (3, 2, 2, 3)


def test_audio_that_is_not_there_is_silence() -> None:
    late = segment_audio(np.ones(1000), 300, 330)
    assert late.shape == (16_000,) and not late.any()
    assert segment_audio(np.ones(1000), 0, 30).shape == (1000,)


def test_bad_input_is_refused() -> None:
    with pytest.raises(DataError, match="image has 2 axes"):
        crop_face(np.zeros((5, 5), np.uint8), (0, 0, 2, 2))
    with pytest.raises(DataError, match="face box is not finite: 0, nan"):
        crop_face(golden_image(5, 1), (0, float("nan"), 2, 2))
    with pytest.raises(DataError, match="window of 2 frames has no middle"):
        padded(np.zeros((2, 4, 4, 3), np.uint8))
    refuses(DataError, "0 crops", lambda: stacked([]))
    with pytest.raises(DataError, match="2 crops of shapes"):
        stacked([np.zeros((2, 2, 3), np.uint8), np.zeros((3, 3, 3), np.uint8)])
    refuses(DataError, "audio has 2 axes", lambda: segment_audio(np.zeros((2, 500)), 0, 5))
    refuses(DataError, "from frame 9 to 9", lambda: segment_audio(np.zeros(500), 9, 9))

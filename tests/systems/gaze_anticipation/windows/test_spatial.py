"""Resizing, cropping and mirroring against the original's."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.windows import spatial
from eyeline.systems.gaze_anticipation.windows.spatial import View
from tests.systems.gaze_anticipation.invented import golden


@pytest.mark.parametrize("case", [0, 1, 2, 4, 5])
def test_as_published(case: int) -> None:
    file = {k.split("/")[1]: v for k, v in golden("spatial").items() if k.startswith(f"{case}/")}
    seed, least, most, side = (int(n) for n in file["args"])
    frames, xy = file["frames"], file["labels_in"][:, :2]
    size = (int(frames.shape[1]), int(frames.shape[2]))
    if str(file["mode"]) == "train":
        draws = np.random.RandomState(seed)
        view = spatial.drawn_view(*size, xy, draws, (least, most), side)
    else:
        view = spatial.central_view(*size, side)
    assert np.abs(spatial.seen(frames, view).numpy() - file["out"]).max() <= 1e-6
    assert np.abs(view.into(xy) - file["labels_out"][:, :2]).max() <= 1e-12


def test_the_centre_of_ego4d() -> None:
    assert spatial.central_view(1080, 1088) == View(256, 257, 0, 1)


@pytest.mark.parametrize("mirrored", [False, True])
def test_there_and_back(mirrored: bool) -> None:
    view = View(300, 400, 20, 90, 256, mirrored)
    xy = np.array([[0.4, 0.5], [0.6, 0.3]])
    assert np.abs(view.out_of(view.into(xy)) - xy).max() < 1e-12


def test_gaze_is_kept_in_the_square_where_it_can_be() -> None:
    draws, xy = np.random.default_rng(0), np.array([[0.9, 0.2], [0.75, 0.6]])
    for _ in range(100):
        view = spatial.drawn_view(300, 500, xy, draws, (256, 320))
        place = view.into(xy)
        assert ((place >= 0) & (place <= 1)).all()
        # squares begin at whole pixels, so one may be clipped
        assert np.abs(view.out_of(place) - xy).max() < 1 / 256


def test_mirroring_turns_images_and_gaze() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 60, 80, 3)).astype(np.uint8)
    plain, turned = (
        spatial.seen(frames, View(40, 53, 4, 7, 32, mirrored)) for mirrored in (False, True)
    )
    assert (plain.flip(-1) - turned).abs().max() < 1e-6


def test_too_small_for_the_square() -> None:
    with pytest.raises(DataError, match="no room"):
        spatial.seen(np.zeros((1, 20, 20, 3), np.uint8), View(20, 20, 0, 0, 32))

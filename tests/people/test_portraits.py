"""What is kept of a track: the best face of each view and span, and little more."""

from __future__ import annotations

import numpy as np
import pytest

from eyeline.people import evidence, portraits
from eyeline.people.embed import CHIP_PX, SIZE, align_profile
from eyeline.people.portraits import Portraits
from tests.people.faces import FakeFrame, box_around, five

POINTS = five(scale=0.4, at=np.array([160.0, 100.0]))


@pytest.fixture
def album(monkeypatch: pytest.MonkeyPatch) -> Portraits:
    """Portraits whose embeddings are the mean grey of the image."""
    monkeypatch.setattr(
        portraits, "align", lambda rgb, _: np.full((CHIP_PX, CHIP_PX, 3), rgb[0, 0, 0], np.uint8)
    )
    result = Portraits()
    result._embedder = lambda chip: np.full(SIZE, chip.mean())  # type: ignore[assignment]
    return result


def show(album: Portraits, index: int, grey: int, score: float, yaw: float = 0.0) -> None:
    frame = FakeFrame(index, grey=np.full((240, 320), grey, np.uint8))
    if not album.scenes:
        album.begin_shot(frame)  # type: ignore[arg-type]
    album.offer(
        frame, 1, box_around(POINTS, 0.4), np.zeros((68, 2)), score,  # type: ignore[arg-type]
        five_px=POINTS, placed=np.array([yaw, 0.0, 0.4]), shot=0,
    )  # fmt: skip


def test_views_are_kept_apart(album: Portraits) -> None:
    for i, (yaw, grey) in enumerate([(0.0, 10), (1.2, 100), (-1.2, 200)]):
        show(album, i, grey, 0.9, yaw)
    result = album.gallery([1])
    assert result.counts.tolist() == [[1, 1, 1]]
    assert result.faces[0].mean(1) == pytest.approx([200, 10, 100], abs=2)


def test_the_best_face_of_a_view_counts(album: Portraits) -> None:
    for i, (score, grey) in enumerate([(0.5, 10), (0.9, 100), (0.6, 200)]):
        show(album, i, grey, score)
    assert album.gallery([1]).faces[0, 1].mean() == pytest.approx(100, abs=2)


def test_a_frontal_face_seen_badly_says_nothing_but_a_profile_does(album: Portraits) -> None:
    show(album, 0, 10, 0.1)
    show(album, 1, 10, 0.1, yaw=1.2)
    assert album.gallery([1]).counts.tolist() == [[0, 0, 1]]


def test_a_long_track_keeps_few_faces(album: Portraits) -> None:
    for i in range(0, 25 * 3600, 250):
        show(album, i, 10, 0.5, yaw=(i // 250 % 3 - 1) * 1.2)
    assert len(album.of[1].faces) <= 3 * 8


def test_an_unknown_track_is_no_evidence(album: Portraits) -> None:
    result = album.gallery([7])
    assert not result.counts.any() and not result.colours.any()


def test_parts_of_one_track_are_one_portrait(album: Portraits) -> None:
    show(album, 0, 10, 0.5)
    album.of[-1] = album.of.pop(1)
    show(album, 1, 100, 0.9)
    before = album.of[1].colours.sum() + album.of[-1].colours.sum()
    album.move(-1, 1)
    assert set(album.of) == {1}
    assert album.of[1].score == 0.9
    assert album.of[1].colours.sum() == pytest.approx(before)
    assert album.gallery([1]).counts.tolist() == [[0, 2, 0]]


def test_a_profile_is_cut_upright_about_the_points() -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    centre = POINTS.mean(0)
    image[int(centre[1]) - 6 : int(centre[1]) + 6, int(centre[0]) - 6 : int(centre[0]) + 6] = 255
    for roll in (0.0, 0.5):
        chip = align_profile(image, POINTS, roll, 0.4)
        assert chip.shape == (CHIP_PX, CHIP_PX, 3)
        y, x = np.argwhere(chip[..., 0] > 128).mean(0)
        assert abs(x - CHIP_PX / 2) < 0.2 * CHIP_PX and abs(y - CHIP_PX / 2) < 0.2 * CHIP_PX


def test_views_are_named_from_left_to_right() -> None:
    assert [evidence.VIEWS[portraits.view(yaw)] for yaw in (-1, 0, 1)] == list(evidence.VIEWS)

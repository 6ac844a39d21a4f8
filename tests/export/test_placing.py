"""Tags of faces that stand close together do not cover each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from eyeline.export import overlay
from eyeline.export.glyphs import Sprite
from eyeline.export.placing import place
from eyeline.export.timeline import Timeline
from eyeline.results import Analysis, Floats, Image

TAG = (110, 32)
FRAME = (1280, 720)


def overlap(a: tuple[int, int], b: tuple[int, int], size: tuple[int, int] = TAG) -> bool:
    return abs(a[0] - b[0]) < size[0] and abs(a[1] - b[1]) < size[1]


def free(corners: list[tuple[int, int]]) -> bool:
    return not any(overlap(a, b) for a, b in itertools.combinations(corners, 2))


def faces(x: Floats, y: Floats, size: float) -> Floats:
    return np.stack([x, y, x + size, y + size], -1)


def test_a_tag_stands_above_its_face_else_below() -> None:
    assert place([TAG], np.array([[100.0, 200, 180, 300]]), FRAME) == [(100, 162)]
    assert place([TAG], np.array([[100.0, 10, 180, 110]]), FRAME) == [(100, 116)]


@pytest.mark.parametrize("apart", [0.0, 20.0, 60.0, 100.0])
def test_close_faces_have_tags_apart(apart: float) -> None:
    """In a row, in a column and all on one spot; faces smaller than their tags."""
    steps = apart * np.arange(6)
    for x, y in ((300 + steps, 300 + 0 * steps), (600 + 0 * steps, 50 + steps)):
        corners = place([TAG] * 6, faces(x, y, 40.0), FRAME)
        assert free(corners)
        assert all(0 <= a <= 1170 and 0 <= b <= 688 for a, b in corners), "inside the frame"


def test_forty_faces_at_the_rim_of_a_crowd() -> None:
    rng = np.random.default_rng(3)
    crowd = faces(rng.uniform(-20, 1260, 40), rng.uniform(-20, 700, 40), 50.0)
    assert free(place([TAG] * 40, crowd, FRAME))


def test_time_and_legend_stay_free() -> None:
    legend = (800.0, 670.0, 1270.0, 710.0)
    ((x, y),) = place([TAG], np.array([[900.0, -30, 1000, 660]]), FRAME, [legend])
    assert not (x + TAG[0] > 800 and y + TAG[1] > 670)


def test_a_full_frame_still_places_all() -> None:
    corners = place([TAG] * 9, faces(np.full(9, 10.0), np.full(9, 10.0), 20.0), (120, 70))
    assert len(corners) == 9


def test_the_frame_is_drawn_with_tags_apart(
    make_analysis: Callable[..., Analysis], monkeypatch: pytest.MonkeyPatch
) -> None:
    view = Timeline(make_analysis(persons=14, frames=20)).at(3)
    close = view.box_xyxy * [0.2, 1, 0.2, 1] + [300.0, 0, 330, 0]
    drawn: list[tuple[int, int, int, int]] = []
    blend = Sprite.blend

    def noted(self: Sprite, rgb: Image, x: int, y: int) -> None:
        drawn.append((x, y, x + self.width, y + self.height))
        blend(self, rgb, x, y)

    monkeypatch.setattr(Sprite, "blend", noted)
    frame = np.zeros((720, 1280, 3), np.uint8)
    overlay.draw(frame, type(view)(**(vars(view) | {"box_xyxy": close})))
    tags = drawn[-14:]
    for a, b in itertools.combinations(tags, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a, b)

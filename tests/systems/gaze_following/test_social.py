"""Looks at heads, at each other and at one thing: who counts, and how pairs are ranked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from eyeline.systems.gaze_following import social
from eyeline.systems.gaze_following.datasets.annotations import Builder, GazeAnnotations
from eyeline.systems.gaze_following.predictions import predictions_of

CENTRES = ((20, 20), (80, 20), (50, 80))
"""Of three heads of 20 pixels in an image of 100 x 100."""
OUT = (-1, -1)
Points = Sequence[tuple[float, float]]


def truth(
    *images: Points, boxes: dict[tuple[int, int], Sequence[float]] | None = None
) -> GazeAnnotations:
    """By image, where each of the three looks; boxes by image and person."""
    created = Builder()
    for number, points in enumerate(images):
        for person, (point, (x, y)) in enumerate(zip(points, CENTRES, strict=False)):
            created.add(
                f"{number} {person}",
                image=str(number),
                video=f"v{number}",
                person=f"p{person}",
                head_xyxy=(x - 10, y - 10, x + 10, y + 10),
                in_frame=int(point != OUT),
                points_px=[] if point == OUT else [point],
                size_px=(100, 100),
                target_xyxy=(boxes or {}).get((number, person)),
            )
    return created.looks()


def scored(known: GazeAnnotations, *points: Points, **more: Any) -> dict[str, Any]:
    flat = [point for image in points for point in image]
    away = np.array([point == OUT for point in flat])
    place = np.where(away[:, None], np.nan, np.array(flat, float))
    predicted = predictions_of(known.image, place, in_frame=np.where(away, 0.1, 0.9), **more)
    return social.score(predicted, known) or {}


def counts(figures: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {kind: (one["positive"], one["pairs"]) for kind, one in figures.items()}


A, B, C = CENTRES
THING = (10.0, 60.0)


def test_right_predictions_of_all_kinds() -> None:
    first, second = (B, A, A), (C, C, OUT)  # two at each other, two at one; two at the third
    known = truth(first, second)
    figures = scored(known, first, second)
    assert counts(figures) == {"lah": (5, 12), "laeo": (1, 6), "sa": (2, 6)}
    assert all(one["ap"] == one["f1"] == 1 for one in figures.values())


def test_wrong_predictions() -> None:
    known = truth((B, A, A), (C, C, OUT))
    figures = scored(known, (C, C, B), (A, B, B))
    assert figures["lah"]["f1"] == figures["laeo"]["f1"] == 0
    assert figures["laeo"]["ap"] < 0.5 and figures["lah"]["ap"] < 0.6


def test_looks_out_of_the_image_count_for_nothing() -> None:
    known = truth((B, A, OUT))
    figures = scored(known, (B, OUT, A))
    assert figures["lah"]["f1"] == pytest.approx(0.5)  # one of two found, one invented
    assert figures["laeo"]["f1"] == 0 and figures["sa"]["positive"] == 0


def test_one_thing_by_boxes_and_unknown_without() -> None:
    boxes = {
        (0, 0): (0, 50, 20, 70),
        (0, 1): (1, 50, 21, 70),
        (1, 0): (0, 50, 20, 70),
        (1, 1): (40, 0, 60, 9),
    }
    images = [(THING, THING), (THING, (50.0, 5.0)), (THING, THING)]
    known = truth(*images, boxes=boxes)
    figures = scored(known, *images)
    assert counts(figures)["sa"] == (1, 2)  # the third image has no boxes
    assert figures["sa"]["ap"] == figures["sa"]["f1"] == 1
    assert scored(known, (THING, (60.0, 90.0)), *images[1:])["sa"]["f1"] == 0


def test_names_decide_where_predictions_have_them() -> None:
    known = truth((B, A))
    figures = scored(known, (B, A), looked_at=["p1", "p0"])
    assert figures["laeo"]["f1"] == 1
    figures = scored(known, (B, A), looked_at=["0", "-1"])
    assert figures["laeo"]["f1"] == 0 and figures["laeo"]["ap"] == 1


def test_heatmaps_rank() -> None:
    known = truth((B, A, THING))
    heat = np.zeros((3, 64, 64))
    heat[0, 10:16, 48:54], heat[1, 10:16, 10:16], heat[2, 38, 6] = 0.7, 0.9, 1
    predicted = predictions_of(known.image, np.array([B, A, THING], float))
    figures = social.score(predicted, known, heat=heat)
    assert figures is not None and figures["lah"]["ap"] == figures["laeo"]["ap"] == 1
    figures = social.score(predicted, known, heat=heat[[1, 0, 2]])
    assert figures is not None and figures["lah"]["ap"] < 0.5


def test_nobody_to_be_paired() -> None:
    known = truth((B,))
    assert social.score(predictions_of(known.image, np.array([B], float)), known) is None
    assert social.lines(None) == []


def test_intervals_and_words() -> None:
    known = truth((B, A, A), (C, C, OUT))
    point = known.mean_point_px()
    figures = social.score(predictions_of(known.image, point), known, samples=20)
    assert figures is not None and figures["lah"]["ap_interval"] == [1, 1]
    assert social.lines(figures)[0].startswith("lah   AP 1.000  F1 1.000  5 of 12 pairs: one looks")

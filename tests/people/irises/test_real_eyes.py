"""The shipped network on real eyes labelled by hand; the clips lie beside the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import irises
from eyeline.people.irises.locate import Locator


@pytest.mark.parametrize(
    ("path", "eyes", "visible"), [(irises.LABELS, 208, 73), (irises.STRESS, 40, 37)]
)
def test_the_labels_are_whole(path: Path, eyes: int, visible: int) -> None:
    """Two eyes a face, a person in one part only, and two passes that agree."""
    labels = irises.labels(path)
    assert len(labels) == eyes
    for one, other in zip(labels[::2], labels[1::2], strict=True):
        assert (one.clip, one.frame, one.part) == (other.clip, other.frame, other.part)
    seen = [label for label in labels if label.state == "seen"]
    assert len(seen) == visible
    twice = [np.linalg.norm(np.diff(label.passes, axis=0)) / label.width_px for label in seen]
    assert np.median(twice) < 0.02 and max(twice) < 0.1
    assert not any(np.isfinite(label.passes).any() for label in labels if label.state != "seen")


@pytest.fixture(scope="module")
def held_out(shared: Path) -> list[irises.Face]:
    return [face for face in irises.faces() if face.labels[0].part == "test"]


def test_irises_are_found_better_than_by_the_older_methods(held_out: list[irises.Face]) -> None:
    """Figures of `docs/eyes.md`, with a little room."""
    ours = irises.errors(held_out, irises.network(Locator(), held_out)[0])
    seen = np.isfinite(ours[:, 0])  # the network answers always, labels do not
    assert seen.sum() == 58
    figures = irises.summary(ours[seen])
    older = irises.summary(irises.errors(held_out, irises.filtered(held_out))[seen])
    gradients = irises.summary(irises.errors(held_out, irises.graded(held_out))[seen])
    assert figures["median"] < 0.08  # type: ignore[operator]
    assert figures["within_0.2"] >= 0.95  # type: ignore[operator]
    assert figures["median"] < older["median"]  # type: ignore[operator]
    for other in (older, gradients):
        for name in ("p90", "median_across"):
            assert figures[name] < other[name], name  # type: ignore[operator]


def test_closed_eyes_are_reported_from_open_ones(held_out: list[irises.Face]) -> None:
    known = irises.distinguished(Locator(), held_out)
    assert known["seen_said_seen"] >= 0.8
    assert known["auc_closed"] > known["auc_closed_by_landmarks"]

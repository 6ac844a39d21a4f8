"""Clusters and labels against the numbers of the original code, and giving up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from eyeline.systems.eye_contact.discovery.clusters import NoClusterError, cluster, labels_of_frames
from tests.systems.eye_contact.conftest import Array

Golden = Callable[[str], dict[str, Array]]


@pytest.mark.parametrize("scene", ["one", "two", "three", "sparse"])
def test_clusters_are_those_of_the_original(golden: Golden, scene: str) -> None:
    frozen = golden("clustering")
    start, _, fits, final = frozen[f"clu_{scene}_eps_size_fits_finaleps"]
    result = cluster(frozen[f"clu_{scene}_points"], start)
    np.testing.assert_array_equal(result.optics, frozen[f"clu_{scene}_label"])
    assert (result.fits, result.eps_mm) == (fits, final)


def test_the_first_cluster_is_taken_though_another_is_larger() -> None:
    rng = np.random.default_rng(0)
    small, large = rng.normal(3000, 10, (300, 2)), rng.normal(1000, 10, (500, 2))
    result = cluster(np.concatenate([small, large]), 8.0)
    assert (result.optics[:300] == 1).mean() > 0.5
    assert (result.optics[300:] == 2).mean() > 0.5
    assert not (result.optics[300:] == 1).any()


def test_labels_are_those_of_the_original(golden: Golden) -> None:
    frozen = golden("association")
    spans = zip(frozen["start"], frozen["length"], strict=True)
    frames = np.concatenate([np.arange(start, start + length) for start, length in spans])
    result = labels_of_frames(frames, frozen["frame"], frozen["optics"])
    np.testing.assert_array_equal(result, frozen["label"])


def test_a_frame_reported_twice_or_not_at_all_is_unknown() -> None:
    table, optics = np.array([1, 2, 2, 3, 4]), np.array([1, 1, 1, 2, 0])
    assert labels_of_frames(np.arange(6), table, optics).tolist() == [-1, 1, -1, -1, 0, -1]
    nothing = np.zeros(0, np.int64)
    assert labels_of_frames(np.arange(2), nothing, nothing).tolist() == [-1, -1]
    assert labels_of_frames(nothing, table, optics).tolist() == []


def test_points_without_a_cluster_are_given_up() -> None:
    """Points 100 mm apart have no neighbours within the nets that are tried."""
    grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2) * 100
    with pytest.raises(NoClusterError, match=r"no cluster among 64 gaze points up to .* 10 mm"):
        cluster(grid, 8.0, most_fits=3)


def test_too_few_points_are_named() -> None:
    with pytest.raises(NoClusterError, match="4 gaze points"):
        cluster(np.zeros((4, 2)))

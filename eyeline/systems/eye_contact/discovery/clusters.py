"""The cluster of gaze points that is taken for eye contact, and the labels that follow from it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from eyeline.errors import DataError, check_shape
from eyeline.results import Floats, Ints

MIN_SAMPLES, XI, MIN_CLUSTER_SIZE = 5, 0.05, 0.2
FIRST_EPS_MM = 8.0
"""The published command's."""
MOST_FITS = 50
"""Fits, each a millimetre wider, after which a video is given up; the original never gives up. One
to eleven were needed in known cases."""

NOT_CONTACT, CONTACT, UNKNOWN = 0, 1, -1


@dataclass(frozen=True)
class Clustering:
    """What the fits came to."""

    optics: Ints
    """`(n,)` 0 noise, 1 the cluster of eye contact, 2 and more other clusters."""
    fits: int
    eps_mm: float
    """Of the last fit."""


class NoClusterError(DataError):
    """Points without a cluster, however wide the net."""


def cluster(
    points_mm: Floats, first_eps_mm: float = FIRST_EPS_MM, most_fits: int = MOST_FITS
) -> Clustering:
    """OPTICS over the unrolled cylinder, the net widened by 1 mm until there is a cluster.

    The cluster of eye contact is the first in OPTICS order, as published; it need not be the
    largest. `points_mm` `(n, 2)` are of `gaze_points.unrolled`. NoClusterError if there is none
    after `most_fits`, or there are fewer points than a neighbourhood needs.
    """
    check_shape(points_mm, "point 2", "points_mm")
    if len(points_mm) < MIN_SAMPLES:
        raise NoClusterError(f"{len(points_mm)} gaze points; a cluster needs {MIN_SAMPLES}")
    for fits in range(1, most_fits + 1):
        eps_mm = first_eps_mm + fits - 1
        label = _fit(points_mm, eps_mm)
        if (label == 0).any():
            return Clustering(label + 1, fits, eps_mm)
    raise NoClusterError(
        f"no cluster among {len(points_mm)} gaze points up to a neighbourhood of {eps_mm:g} mm"
    )


def labels_of_frames(frames: Ints, table_frame: Ints, table_optics: Ints) -> Ints:
    """The label `(n,)` int64 of video frames: 1 contact, 0 none, -1 unknown.

    A frame is known only if exactly one gaze point is its own and that lies in the cluster of eye
    contact or in no cluster; what other clusters mean is not known. `table_frame` `(m,)` is the
    frame of each clustered gaze point, `table_optics` `(m,)` its cluster.
    """
    given = (table_optics == NOT_CONTACT) | (table_optics == CONTACT)
    known, where, count = np.unique(table_frame, return_index=True, return_counts=True)
    usable = (count == 1) & given[where]
    value = np.where(usable, table_optics[where], UNKNOWN)
    if not len(known):
        return np.full(len(frames), UNKNOWN, np.int64)
    at = np.searchsorted(known, frames).clip(max=len(known) - 1)
    return np.where(known[at] == frames, value[at], UNKNOWN).astype(np.int64)


def _fit(points_mm: Floats, eps_mm: float) -> Ints:
    """Cluster of each point, -1 noise. One thread: thirty times as fast as many, same labels."""
    from sklearn.cluster import OPTICS

    optics = OPTICS(
        min_samples=MIN_SAMPLES, max_eps=eps_mm, xi=XI, min_cluster_size=MIN_CLUSTER_SIZE
    )
    with warnings.catch_warnings():
        # It warns where all points are noise, which is what the next fit is for.
        warnings.simplefilter("ignore")
        return np.asarray(optics.fit(points_mm).labels_, np.int64)

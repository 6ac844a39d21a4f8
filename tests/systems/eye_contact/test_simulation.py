"""The simulated person: statistics like the real ones, and contact that can be told."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from eyeline.evaluation.metrics import roc_auc
from eyeline.systems.eye_contact.discovery import clusters, gaze_points
from eyeline.systems.eye_contact.head import assumed_camera, solve_heads
from eyeline.systems.eye_contact.simulation import (
    FEATURES,
    LEAST_FRAMES,
    SimulatedVideo,
    simulate,
    spans_of,
)


@pytest.fixture(scope="module")
def videos() -> list[SimulatedVideo]:
    return [simulate(np.random.default_rng(seed), 3250) for seed in range(6)]


def test_the_seed_decides_all() -> None:
    first, again, other = (simulate(np.random.default_rng(s), 600) for s in (1, 1, 2))
    for name in ("target", "six_px", "box_px", "point_mm", "latent"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name
    assert first.tracklets == again.tracklets
    assert not np.array_equal(first.six_px, other.six_px)


def test_spans_last_as_long_as_real_ones(videos: list[SimulatedVideo]) -> None:
    """Real: medians 25 and 17 frames, 48 % contact; most of it with the host."""
    spans = [s for v in videos for s in spans_of((v.target > 0).astype(np.int64))]
    length = {state: [b - a for s, a, b in spans if s == state] for state in (0, 1)}
    assert np.median(length[1]) == pytest.approx(25, abs=7)
    assert np.median(length[0]) == pytest.approx(17, abs=6)
    target = np.concatenate([v.target for v in videos])
    assert np.mean(target > 0) == pytest.approx(0.48, abs=0.1)
    assert np.mean(target[target > 0] == 1) > 0.75 and 4 in target


def test_tracklets_part_the_video(videos: list[SimulatedVideo]) -> None:
    for video in videos:
        seen = sorted((*video.tracklets, *video.glimpses))
        assert all(a < b for a, b in seen) and seen[-1][1] <= 3250
        assert all(end < start for (_, end), (start, _) in pairwise(seen))
        assert all(b - a >= LEAST_FRAMES for a, b in video.tracklets)
        assert len(video.tracklets) > 1
        assert 1500 < sum(b - a for a, b in seen) < 30000, "as the discovery of labels demands"


def test_landmarks_are_whole_pixels_of_a_head(videos: list[SimulatedVideo]) -> None:
    for video in videos[:3]:
        assert np.array_equal(video.six_px, np.rint(video.six_px))
        assert np.array_equal(video.box_px, np.rint(video.box_px))
        inside = video.six_px[..., 0]
        assert inside.min() > 0 and inside.max() < video.width_px
        camera = assumed_camera(video.width_px, video.height_px)
        yaw = solve_heads(video.six_px[::10], camera).angles_deg()[:, 0]
        assert np.isfinite(yaw).all()
        assert np.corrcoef(yaw, video.gaze_deg[::10, 0])[0, 1] > 0.6, "the head follows the gaze"


def test_contact_is_one_cluster_of_gaze_points(videos: list[SimulatedVideo]) -> None:
    """At the published 8 mm, on the first fit, and it is right far more often than chance."""
    for video in videos[:3]:
        frames = np.concatenate([np.arange(a, b) for a, b in video.tracklets])
        kept, points = gaze_points.unrolled(video.point_mm[frames])
        assert kept.all(), "no gaze misses the cylinder"
        result = clusters.cluster(points)
        assert result.fits == 1
        right = (result.optics == clusters.CONTACT) == (video.target[frames] > 0)
        assert right.mean() > 0.75


def test_features_look_like_the_networks(videos: list[SimulatedVideo]) -> None:
    feature = videos[0].features(100, 400)
    assert feature.shape == (300, FEATURES) and feature.dtype == np.float32
    assert feature.min() == 0 and 0.5 < np.mean(feature == 0) < 0.9
    assert np.array_equal(feature[50:60], videos[0].features(150, 160))


def test_contact_can_be_reported_in_videos_not_seen(videos: list[SimulatedVideo]) -> None:
    """From single frames of features, by a linear rule fitted on the other videos."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression

    features = [v.features(0, 3250)[::5, ::8] for v in videos]
    label = [(v.target > 0).astype(np.int64)[::5] for v in videos]
    low = PCA(40, random_state=0).fit(np.concatenate(features[:4]))
    rule = LogisticRegression(max_iter=1000)
    rule.fit(low.transform(np.concatenate(features[:4])), np.concatenate(label[:4]))
    for seen, truth in zip(features[4:], label[4:], strict=True):
        assert roc_auc(truth, rule.decision_function(low.transform(seen))) > 0.75

"""Points as heatmaps, and point metrics by hand and by scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from eyeline.errors import DataError, UsageError
from eyeline.systems.gaze_following import heatmaps, measures, predictions
from eyeline.systems.gaze_following.datasets.annotations import Builder
from eyeline.systems.gaze_following.heatmaps import PROTOCOLS


def test_a_gaussian_about_the_point_and_mixture():
    heat = heatmaps.of_points(np.array([[0.5 / 64 + 10 / 64, 20.5 / 64]]))
    assert heat.shape == (1, 64, 64)
    assert heat[0, 20, 10] == 1
    assert heat[0, 20, 13] == pytest.approx(np.exp(-0.5)), "three cells are one sigma"
    assert heat[0, 23, 13] == pytest.approx(np.exp(-1))
    wide = heatmaps.of_points(np.array([[0.5, 0.5]]), sigma_cells=6.0, cells=32)
    assert wide.shape == (1, 32, 32)
    assert wide[0, 16, 16] == pytest.approx(np.exp(-2 * 0.25 / 72))
    points = np.array([[0.25, 0.25], [0.75, 0.75]])
    heat = heatmaps.mixture(points, np.array([0.25, 0.75]))
    np.testing.assert_allclose(heat, (heatmaps.of_points(points) * [[[0.25]], [[0.75]]]).sum(0))
    assert heat[48, 48] > 2.9 * heat[16, 16]


@pytest.mark.parametrize("size", [(64, 64), (90, 160), (7, 5), (64, 1)])
def test_enlarged_as_torch_does(size):
    import torch
    from torch.nn.functional import interpolate

    heat = np.random.default_rng(0).random((16, 12))
    wanted = interpolate(torch.from_numpy(heat)[None, None], size, mode="bilinear")[0, 0]
    np.testing.assert_allclose(heatmaps.enlarged(heat, *size), wanted.numpy(), atol=1e-12)


def test_single_cells_and_peaks():
    np.testing.assert_array_equal(heatmaps.enlarged(np.ones((1, 1)), 2, 3), np.ones((2, 3)))
    points = np.array([[0.999, 0.001], [0.51, 0.26], [0.0, 1.0]])
    peak = heatmaps.peak_norm(heatmaps.of_points(points))
    np.testing.assert_array_equal(peak, np.array([[63, 0], [32, 16], [0, 63]]) / 64)


def test_shapes_are_checked():
    with pytest.raises(DataError, match="points"):
        heatmaps.of_points(np.zeros(2))
    with pytest.raises(DataError, match="heatmaps"):
        heatmaps.peak_norm(np.zeros((2, 2)))


SIZE = (200.0, 100.0)


def people():
    """Three people in one image and one in another."""
    created = Builder()
    heads = {"1": (10, 10, 30, 30), "2": (100, 10, 120, 30), "3": (160, 10, 180, 30)}
    points = {"1": [(110, 20), (130, 20)], "2": [(150, 80)], "3": []}
    speaks = {"1": 0.0, "2": 1.0, "3": 0.0}
    for name, head in heads.items():
        created.add(
            f"t:{name}", image="p", video="v", person=name, head_xyxy=head, size_px=SIZE,
            points_px=points[name], in_frame=int(bool(points[name])), speaks=speaks[name],
        )  # fmt: skip
    created.add(
        "t:4", image="q", video="w", person="1", head_xyxy=(0, 0, 20, 20), size_px=SIZE,
        points_px=[(110, 10)],
    )  # fmt: skip
    return created.looks()


def guessed(points, **known):
    return predictions.predictions_of(["?"] * len(points), np.array(points, float), **known)


def test_distances_by_hand_and_angles_by_hand():
    result = measures.measure(guessed([(110, 20), (150, 40), (0, 0), (10, 110)]), people())
    # (110, 20) against the middle (120, 20) of two annotators, 200 wide
    np.testing.assert_allclose(result.l2_average, [10 / 200, 40 / 100, np.nan, np.hypot(0.5, 1)])
    np.testing.assert_allclose(result.l2_minimum, [0, 0.4, np.nan, np.hypot(0.5, 1)])
    assert result.in_frame.tolist() == [1, 1, 0, 1]
    result = measures.angle_deg(
        np.zeros((4, 2)), np.array([[1.0, 0], [0, 2], [1, 1], [0, 0]]),
        np.array([[5.0, 0], [0, -1], [1, 0], [1, 0]]),
    )  # fmt: skip
    np.testing.assert_allclose(result, [0, 180, 45, np.nan], atol=1e-12)
    row = measures.measure(guessed([(120, 20), (110, 60), (0, 0), (30, 10)]), people())
    # from (110, 20): straight down, and to (150, 80)
    assert row.angle_deg[1] == pytest.approx(np.rad2deg(np.arctan2(40, 60)))
    assert row.angle_deg[0] == 0


def test_distance_on_cells_is_to_the_cell_corner():
    result = measures.measure(guessed([(110, 20), (151, 81), (0, 0), (110, 10)]), people())
    corner = np.array([int(151 / 200 * 64), int(81 / 100 * 64)]) / 64
    assert result.l2_average_cells[1] == pytest.approx(np.hypot(*(corner - (0.75, 0.8))))
    assert result.l2_average[1] == pytest.approx(np.hypot(1 / 200, 1 / 100))


def reference_auc(heat, points, protocol):
    """As the field's code counts, by scikit-learn."""
    if protocol == "gazefollow":
        heat = heatmaps.enlarged(heat, int(SIZE[1]), int(SIZE[0]))
    rows, columns = heat.shape
    truth = np.zeros(heat.shape, int)
    for x, y in points * (columns, rows):
        if protocol == "attention_target":
            for i in range(rows):
                for j in range(columns):
                    truth[i, j] |= int(y - 9) <= i < int(y + 10) and int(x - 9) <= j < int(x + 10)
        else:
            truth[min(int(y), rows - 1), min(int(x), columns - 1)] = 1
    return roc_auc_score(truth.ravel(), heat.ravel())


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@pytest.mark.parametrize("points", [[[0.5, 0.5]], [[0.02, 0.9], [1.0, 1.0], [0.5, 0.1]]])
def test_auc_is_that_of_scikit_learn(protocol, points):
    rng = np.random.default_rng(1)
    points = np.array(points)
    for heat in (rng.random((64, 64)), np.round(rng.random((64, 64)) * 3), np.zeros((64, 64))):
        result = PROTOCOLS[protocol](heat, points, np.array(SIZE))
        assert result == pytest.approx(reference_auc(heat, points, protocol), abs=1e-12)


def test_auc_of_a_perfect_and_an_opposite_point():
    def of(point, protocol):
        looks = people().take(np.array([3]))
        return measures.measure(guessed([point]), looks, protocol=protocol).auc[0]

    for protocol in PROTOCOLS:
        assert of((110, 10), protocol) > 0.97
        assert of((0, 100), protocol) < 0.6


def test_auc_of_few_of_many_and_of_predicted_heatmaps():
    rng = np.random.default_rng(0)
    values = np.round(rng.random(500), 2)
    for count in (5, 50):
        positive = np.arange(500) < count
        wanted = roc_auc_score(positive, values)
        assert heatmaps.auc_of(values, positive) == pytest.approx(wanted, abs=1e-12)
    assert np.isnan(heatmaps.auc_of(values, np.zeros(500, bool)))
    looks = people()
    heat = np.random.default_rng(0).random((4, 32, 32))
    result = measures.measure(guessed([(0, 0)] * 4), looks, heat=heat)
    wanted = heatmaps.attention_target_auc(heat[1], np.array([[0.75, 0.8]]), np.array(SIZE))
    assert result.auc[1] == wanted
    assert result.l2_average_cells[1] == pytest.approx(
        np.hypot(*(heatmaps.peak_norm(heat)[1] - (0.75, 0.8)))
    )


def test_who_is_looked_at():
    looks = people()
    result = measures.measure(guessed([(170, 20), (150, 80), (0, 0), (5, 5)]), looks)
    np.testing.assert_array_equal(result.at_person, [1, 0, 0, np.nan])
    # the first looks at 2, not 3; the second and the third at nobody, the fourth is alone
    np.testing.assert_array_equal(result.right_person, [0, 1, 1, np.nan])
    named = guessed([(0, 0)] * 4, looked_at=["2", "0", "-1", "9"])
    np.testing.assert_array_equal(measures.measure(named, looks).right_person, [1, 1, 1, np.nan])
    wrong = guessed([(0, 0)] * 4, looked_at=["9", "3", "1", None])
    np.testing.assert_array_equal(measures.measure(wrong, looks).right_person, [0, 0, 0, np.nan])
    out = guessed([(110, 20)] * 4, in_frame=np.array([0.4, 0.4, 0.4, 0.4]))
    assert measures.measure(out, people()).right_person[0] == 0
    stays = guessed([(110, 20)] * 4, in_frame=np.array([0.6, 0.6, 0.6, 0.6]))
    assert measures.measure(stays, people()).right_person[0] == 1


def test_speakers_and_rows_in_another_order():
    result = measures.measure(guessed([(0, 0)] * 4), people())
    # 1 looks at 2, who speaks; nobody but 2 speaks, so 2 has no say; 3 looks out
    np.testing.assert_array_equal(result.at_speaker, [1, np.nan, 0, np.nan])
    looks = people()
    whole = measures.measure(guessed([(110, 20), (150, 80), (0, 0), (5, 5)]), looks)
    some = measures.measure(guessed([(150, 80), (110, 20)]), looks, rows=np.array([1, 0]))
    np.testing.assert_array_equal(some.right_person, whole.right_person[[1, 0]])
    np.testing.assert_array_equal(some.auc, whole.auc[[1, 0]])


def test_baselines_and_rows_without_a_point():
    looks = people()
    nothing = measures.measure(guessed([(np.nan, np.nan)] * 4), looks)
    centre = measures.measure(guessed([(100, 50)] * 4), looks)
    np.testing.assert_array_equal(nothing.auc, centre.auc)
    np.testing.assert_array_equal(nothing.l2_average, centre.l2_average)
    assert nothing.right_person[1] == 1, "and looks at nobody"
    looks = people()
    assert measures.baseline_points(looks, "middle").tolist() == [[100, 50]] * 4
    nearest = measures.baseline_points(looks, "nearest_head")
    assert nearest.tolist() == [[110, 20], [170, 20], [110, 20], [100, 50]]
    with pytest.raises(UsageError, match="no baseline 'other'"):
        measures.baseline_points(looks, "other")


def test_what_cannot_be_measured():
    looks = people()
    with pytest.raises(UsageError, match="no protocol 'x'; there are gazefollow"):
        measures.measure(guessed([(0, 0)] * 4), looks, protocol="x")
    with pytest.raises(DataError, match="3 predictions for 4 looks"):
        measures.measure(guessed([(0, 0)] * 3), looks)
    created = Builder()
    created.add("t:9", image="p", video="v", person="1", points_px=[(1, 1)])
    with pytest.raises(DataError, match="t:9: the size of the image is not known"):
        measures.measure(guessed([(0, 0)]), created.looks())

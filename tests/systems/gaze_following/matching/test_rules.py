"""Published rules against golden picks, the scripts' parser, the regressor and its files."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import CheckpointError, DataError
from eyeline.geometry.boxes import centre
from eyeline.systems.gaze_following import formats
from eyeline.systems.gaze_following.matching import rules, slope
from eyeline.systems.gaze_following.matching.slope import SlopeMlp
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.systems.gaze_following.matching.invented import saved_slope

HEAD = np.array([100.0, 100, 200, 200])  # its middle is (150, 150)


def constant(k):
    return lambda points: np.full(len(points), float(k))


def boxes_at(*points):
    return np.array([[x - 10.0, y - 10, x + 10, y + 10] for x, y in points]).reshape(-1, 4)


def undamaged(text):
    """Candidates of the golden text, read without the product's own readers."""
    result = {}
    for name, body in re.findall(r"(\d+\.jpg),(.*?)(?=\n\d+\.jpg,|\Z)", text, re.DOTALL):
        numbers = re.sub(r"[\[\]]", " ", body).split()
        result[name] = np.array(numbers, np.float64).reshape(-1, 5)[:, :4]
    return result


def test_intended_rule_picks_as_the_original_notebook(published, golden_mlp):
    result = undamaged(str(published["legacy_text"]))
    heads = dict(zip(published["legacy_names"].tolist(), published["legacy_head"], strict=True))
    picks = [
        rules.intended(heads[name], result[name], golden_mlp)
        for name in published["clean_names"].tolist()
    ]
    assert picks == published["clean_pick"].tolist()
    assert len(set(picks)) > 2, "a rule that ignores the slope would give one number"


@pytest.mark.parametrize(
    ("candidates", "k", "row"),
    [
        ([(250, 250), (250, 150)], 1, 0),
        ([(250, 250), (250, 150)], 0.1, 1),
        ([(50, 50), (250, 250)], 1, 0),  # a slope knows no direction: the first wins
        ([(150, 50), (250, 160)], 100, 1),  # straight up is infinitely far from any slope
        ([(150, 50)], 0, 0),  # and is taken where there is nothing else
        ([(150, 150), (250, 250)], 5, 1),  # the head's own middle has no slope
        ([], 0, None),
    ],
)
def test_intended(candidates, k, row):
    assert rules.intended(HEAD, boxes_at(*candidates), constant(k)) == row


def test_faults_of_the_released_scripts():
    head = np.array([100.0, 500, 200, 600])  # middle (150, 550), taken for (150, 150)
    candidates = boxes_at((250, 550), (250, 250))
    assert rules.intended(head, candidates, constant(0)) == 0
    assert rules.master(head, candidates, constant(1)) == 1
    seen = []
    rules.master(head, candidates, lambda points: seen.append(points.tolist()) or np.zeros(1))
    assert seen == [[[150.0, 150.0]]]
    candidates = boxes_at((250, 250), (250, 150))
    assert [rules.main(HEAD, candidates, constant(k)) for k in (0, 1, 9)] == [0, 0, 0]
    assert rules.main(HEAD, boxes_at(), constant(0)) is None


def test_head_points_are_cut_towards_zero():
    assert rules.head_point(np.array([[0.0, -3, 1, 0]])).tolist() == [[0, -1]]


@pytest.mark.parametrize("name", sorted(rules.RULES))
def test_rules_want_boxes(name):
    with pytest.raises(DataError, match="candidates"):
        rules.RULES[name](HEAD, np.zeros((2, 3)), constant(0))


DATA = Path(__file__).parents[5] / "shared/reference/vgs/data"


def test_damaged_numbers_are_those_of_the_original(published):
    result = rules.damaged_candidates(str(published["legacy_text"]))
    expected = json.loads(str(published["legacy_parsed_json"]))
    assert len(result) == 40
    for name, boxes in expected.items():
        wanted = np.array([b for b in boxes if b]).reshape(-1, 4)
        np.testing.assert_array_equal(result[name.replace(".csv", ".jpg")], wanted)


def test_notebook_picks_on_damaged_numbers(published, golden_mlp):
    result = rules.damaged_candidates(str(published["legacy_text"]))
    for name, head, gaze in zip(
        published["legacy_names"].tolist(),
        published["legacy_head"],
        published["legacy_gaze"],
        strict=True,
    ):
        row = rules.intended(head, result[name], golden_mlp)
        np.testing.assert_array_equal(centre(result[name][row]), gaze)


def test_squeezed_and_a_row_of_other_length_is_refused():
    assert rules.squeezed("1.2886575e+02,, 44") == "1.286575e+02, 4"
    assert rules.damaged_candidates("") == {}
    with pytest.raises(DataError, match="a row of 4 numbers"):
        rules.damaged_candidates("\n0551000.jpg,[[1 2 3 4]]")
    with pytest.raises(DataError, match=r"0551000\.jpg"):
        rules.damaged_candidates("\n0551000.jpg,[[1 2 three 4 5]]")


def agreement(rule, picks, slopes):
    """Greatest share of picks that a rule makes with one slope for all."""
    fractions = []
    for k in slopes:

        def fixed(points, k=k):
            return np.full(len(points), k)

        fractions.append(np.mean([rule(head, boxes, fixed) == row for head, boxes, row in picks]))
    return max(fractions)


def test_master_explains_what_the_authors_published():
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is not there")
    candidates = rules.damaged_candidates((DATA / "candidates_012/x101_1x_test.txt").read_text())
    of_frame = {formats.parse_name(name).frame: boxes for name, boxes in candidates.items()}
    picks = {head: [] for head in (1, 2, 3, 4)}
    for row in formats.read_sequence(DATA / "KETI_Sequence_without_011.csv"):
        boxes = of_frame.get(row.frame, np.zeros((0, 4)))
        if not row.video.startswith("012") or len(boxes) < 2 or row.frame % 3:
            continue
        away = np.linalg.norm(centre(boxes) - row.point_px, axis=1)
        if away.min() < 25:  # their detections are of another run
            picks[row.head].append((np.array(row.head_xyxy), boxes, int(away.argmin())))
    slopes = np.tan(np.linspace(-1.5, 1.5, 61))
    for own in picks.values():
        assert len(own) > 50
        master = agreement(rules.master, own, slopes)
        assert master > agreement(rules.intended, own, slopes) + 0.1
        assert master > 0.6


def test_forward_is_that_of_scikit_learn(published, golden_mlp):
    np.testing.assert_allclose(
        golden_mlp(published["head_points"]), published["k_pred"], atol=1e-12
    )


@pytest.mark.parametrize("activation", slope.ACTIVATIONS)
def test_module_and_arrays_agree(activation):
    import torch

    rng = np.random.default_rng(0)
    widths = (2, 5, 4, 1)
    mlp = SlopeMlp(
        tuple(rng.normal(size=(a, b)) for a, b in pairwise(widths)),
        tuple(rng.normal(size=b) for b in widths[1:]),
        activation,
    )
    network = slope.slope_mlp(**slope.arguments_of(mlp))
    checkpoint.fill(network, slope.state_of(mlp), "here")
    points = rng.normal(size=(7, 2))
    with torch.no_grad():
        result = network(torch.from_numpy(points)).numpy()[:, 0]
    np.testing.assert_allclose(result, mlp(points), atol=1e-12)


def test_written_and_read_back(tmp_path, published, golden_mlp):
    result = slope.read(saved_slope(tmp_path / "slope.safetensors", golden_mlp))
    np.testing.assert_array_equal(
        result(published["head_points"]), golden_mlp(published["head_points"])
    )
    assert result.hidden == (100,)


def test_other_weights_are_refused(tmp_path):
    import torch

    path = tmp_path / "other.safetensors"
    checkpoint.save(path, {"a": torch.zeros(1)}, CheckpointCard("gaze_following", "matcher", {}))
    with pytest.raises(CheckpointError, match="gaze_following/slope_mlp"):
        slope.read(path)


def test_layers_must_fit():
    with pytest.raises(CheckpointError, match=r"layer 1 .*should take 3 numbers"):
        SlopeMlp((np.zeros((2, 3)), np.zeros((4, 1))), (np.zeros(3), np.zeros(1)))
    with pytest.raises(CheckpointError, match="2 outputs"):
        SlopeMlp((np.zeros((2, 2)),), (np.zeros(2),))
    with pytest.raises(CheckpointError, match="no activation 'swish'"):
        SlopeMlp((np.zeros((2, 1)),), (np.zeros(1),), "swish")


def test_points_must_be_points(golden_mlp):
    with pytest.raises(DataError, match="head points"):
        golden_mlp(np.zeros((3, 3)))

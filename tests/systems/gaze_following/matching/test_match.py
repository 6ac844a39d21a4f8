"""Choices out of probabilities, answers about whole images, the network and its loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from eyeline.errors import CheckpointError, DataError
from eyeline.results import TARGET_OFF_SCREEN, TARGET_SCENE
from eyeline.systems.gaze_following.matching import inputs, match
from eyeline.systems.gaze_following.matching.inputs import OPTION, PERSON, Moment
from eyeline.systems.gaze_following.matching.model import EXTRA, matcher, matching_loss
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from tests.closeness import assert_close_to_scale
from tests.systems.gaze_following.matching.invented import saved_matcher

MOMENT = Moment(
    (1000.0, 500.0),
    np.array([[100.0, 100, 200, 200], [700, 100, 800, 200], [400, 100, 500, 200]]),
    np.array([0.1, 0.9, 0.2]), np.full((3, 3), np.nan),
    np.array([[120.0, 400, 160, 480]]), np.array([0.7]),
)  # fmt: skip
AMONG = inputs.options(MOMENT, 0)  # heads 1 and 2, a candidate


@pytest.mark.parametrize(
    ("chance", "target", "point", "probability"),
    [
        ([0.6, 0.1, 0.1, 0.1, 0.1], 1, (750, 150), 0.6),
        ([0.1, 0.5, 0.2, 0.1, 0.1], 2, (450, 150), 0.5),
        ([0.1, 0.1, 0.5, 0.1, 0.2], -1, (140, 440), 0.7),
        ([0.1, 0.1, 0.1, 0.1, 0.6], -1, (150, 360), 0.7),
        ([0.25, 0.1, 0.1, 0.5, 0.05], -2, (750, 150), 0.5),
    ],
)
def test_decide(chance, target, point, probability):
    result = match.decide(MOMENT, 0, AMONG, np.array(chance))
    assert result.target == target
    assert result.point_px.tolist() == list(point)
    assert result.probability == pytest.approx(probability)
    assert result.in_frame == pytest.approx(1 - chance[3])
    assert result.head.tolist() == [1, 2, -1]


def test_a_head_and_its_detection_are_one():
    scene = replace(
        MOMENT, candidate_xyxy=np.array([[690.0, 90, 800, 210], [120, 400, 160, 480]]),
        candidate_score=np.array([0.7, 0.4]),
    )  # fmt: skip
    among = inputs.options(scene, 0)  # heads 1 and 2, a detection of head 1, an object
    result = match.decide(scene, 0, among, np.array([0.22, 0.3, 0.25, 0.1, 0.1, 0.03]))
    assert result.target == 1
    assert result.probability == pytest.approx(0.47)
    assert result.point_px.tolist() == [745, 150], "of the surer of both"
    assert result.head.tolist() == [1, 2, 1, -1]


def test_heatmap_is_high_where_the_answers_are_and_codes():
    result = match.decide(MOMENT, 0, AMONG, np.array([0.6, 0.2, 0.1, 0.05, 0.05]))
    heat = result.heatmap(match.places(MOMENT, 0, AMONG), MOMENT.size_px)
    assert heat[int(150 / 500 * 64), int(750 / 1000 * 64)] == pytest.approx(0.6, abs=0.05)
    assert heat[int(150 / 500 * 64), int(450 / 1000 * 64)] == pytest.approx(0.2, abs=0.05)
    assert match.target_code(1, [7, 8, 9]) == 8
    assert match.target_code(-1, [7]) == TARGET_SCENE
    assert match.target_code(-2, [7]) == TARGET_OFF_SCREEN


def test_whole_images():
    torch.manual_seed(0)
    network = matcher(width=8).eval()
    alone = Moment(
        (100.0, 50.0), np.array([[10.0, 10, 20, 20]]), np.array([np.nan]), np.full((1, 3), np.nan),
        np.zeros((0, 4)), np.zeros(0),
    )  # fmt: skip
    empty = Moment(
        (100.0, 50.0), np.zeros((0, 4)), np.zeros(0), np.zeros((0, 3)), np.zeros((0, 4)),
        np.zeros(0),
    )  # fmt: skip
    result = match.match(network, [MOMENT, empty, alone])
    assert [len(each) for each in result] == [3, 0, 1]
    for one in [*result[0], *result[2]]:
        assert one.chance.sum() == pytest.approx(1)
    assert len(result[2][0].chance) == 2
    single = match.match(network, [MOMENT])[0]
    for a, b in zip(single, result[0], strict=True):
        np.testing.assert_allclose(a.chance, b.chance, atol=1e-6)
    muted = match.match(network, [MOMENT], mute=True)[0]
    assert not np.allclose(muted[0].chance, single[0].chance)
    assert match.match(network, []) == []


def test_weights_files(tmp_path):
    torch.manual_seed(0)
    path = saved_matcher(tmp_path / "m.safetensors")
    torch.manual_seed(0)
    network, again = matcher(width=8).eval(), match.open_matcher(path)
    a, b = (match.match(net, [MOMENT])[0][0].chance for net in (network, again))
    np.testing.assert_array_equal(a, b)
    card = CheckpointCard("gaze_following", "mask_rcnn", {})
    checkpoint.save(tmp_path / "other.safetensors", network.state_dict(), card)
    with pytest.raises(CheckpointError, match="gaze_following/matcher"):
        match.open_matcher(tmp_path / "other.safetensors")


@pytest.fixture
def network():
    torch.manual_seed(0)
    return matcher(width=8).eval()


def batch(size=3, options=5):
    generator = torch.Generator().manual_seed(1)
    there = torch.ones(size, options, dtype=torch.bool)
    return (
        torch.randn(size, len(PERSON), generator=generator),
        torch.randn(size, options, len(OPTION), generator=generator),
        there,
    )


@torch.no_grad()
def test_order_and_padding_have_no_say(network):
    person, option, there = batch()
    order = torch.tensor([3, 0, 4, 2, 1])
    plain, mixed = network(person, option, there), network(person, option[:, order], there)
    assert plain.shape == (3, 5 + len(EXTRA))
    assert_close_to_scale(plain[:, :5][:, order], mixed[:, :5], 1e-4)
    assert_close_to_scale(plain[:, 5:], mixed[:, 5:], 1e-4)
    assert plain[:, :5].std() > 1e-3
    person, option, there = batch()
    padded = torch.cat([option, torch.full_like(option[:, :2], 1e3)], dim=1)
    more = torch.cat([there, torch.zeros(3, 2, dtype=torch.bool)], dim=1)
    plain, wide = network(person, option, there), network(person, padded, more)
    assert_close_to_scale(plain[:, :5], wide[:, :5], 1e-4)
    assert_close_to_scale(plain[:, 5:], wide[:, 7:], 1e-4)
    assert torch.isneginf(wide[:, 5:7]).all()


@torch.no_grad()
def test_other_options_have_a_say_and_none(network):
    person, option, there = batch()
    changed = option.clone()
    changed[:, 0] += 1
    assert not torch.allclose(network(person, option, there)[:, 1],
                              network(person, changed, there)[:, 1])  # fmt: skip
    person, option, there = batch(options=0)
    logits = network(person, option, there)
    assert logits.shape == (3, 2)
    assert torch.isfinite(logits).all()


def test_shapes_are_checked(network):
    person, option, there = batch()
    with pytest.raises(DataError, match="there"):
        network(person, option, there[:, :4])


def test_loss_by_hand_of_padding_and_of_nothing():
    logits = torch.log(torch.tensor([[0.5, 0.2, 0.2, 0.1], [0.1, 0.1, 0.1, 0.7]]))
    right = torch.tensor([[True, True, False, False], [False] * 4])
    result = matching_loss(logits, right, smoothing=0.0)
    assert result.item() == pytest.approx(0.3566749)  # -ln 0.7; the second row has no part
    smooth = matching_loss(logits, right, smoothing=0.5)
    alike = logits[0].mean().item()
    assert smooth.item() == pytest.approx(0.5 * 0.3566749 - 0.5 * alike)
    logits = torch.tensor([[1.0, -torch.inf, 0.0]], requires_grad=True)
    right = torch.tensor([[True, False, False]])
    loss = matching_loss(logits, right)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
    nothing = matching_loss(logits.detach(), torch.zeros(1, 3, dtype=torch.bool))
    assert nothing.item() == 0

"""Choices of candidates, by matcher and by rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline.errors import CheckpointError, UsageError
from eyeline.systems.gaze_following.choosing import OUT, SOMETHING, ByMatcher, ByRule, open_chooser
from eyeline.systems.gaze_following.matching import inputs
from eyeline.systems.gaze_following.matching.inputs import Moment
from eyeline.systems.gaze_following.matching.match import match
from eyeline.systems.gaze_following.matching.model import Matcher, matcher
from eyeline.systems.gaze_following.matching.slope import SlopeMlp
from tests.systems.gaze_following.matching.invented import saved_matcher, saved_slope

MOMENT = Moment(
    (1000.0, 500.0),
    np.array([[100.0, 100, 200, 200], [700, 100, 800, 200], [400, 100, 500, 200]]),
    np.array([0.1, 0.9, 0.2]), np.full((3, 3), np.nan),
    np.array([[120.0, 400, 160, 480], [720, 120, 780, 180], [110, 110, 190, 190]]),
    np.array([0.7, 0.6, 0.2]),
)  # fmt: skip
"""An object below the first head, the second head, the first head itself."""
NOTHING = replace(MOMENT, candidate_xyxy=np.zeros((0, 4)), candidate_score=np.zeros(0))


def flat(points: np.ndarray) -> np.ndarray:
    return np.zeros(len(points))


def test_the_last_script_takes_the_surest() -> None:
    (people,) = ByRule("main", flat).choose([MOMENT])
    assert [p.target for p in people] == [SOMETHING] * 3
    assert [p.probability for p in people] == [0.7] * 3
    assert people[0].point_px.tolist() == [140, 440]
    assert people[0].box_xyxy.tolist() == [120, 400, 160, 480]


def test_the_rule_as_meant_takes_the_slope() -> None:
    (people,) = ByRule("intended", flat).choose([MOMENT])
    assert people[0].target == 1, "level with the first head"
    assert people[0].probability == 0.6 and people[0].point_px.tolist() == [750, 150]
    assert people[0].box_xyxy.tolist() == [700, 100, 800, 200], "the head's own box"
    assert people[1].target == 0, "of two candidates in line the first head's"
    steep = ByRule("intended", lambda points: np.full(len(points), -29.0)).choose([MOMENT])
    assert steep[0][0].target == SOMETHING and steep[0][0].point_px.tolist() == [140, 440]
    own = replace(MOMENT, candidate_xyxy=MOMENT.candidate_xyxy[2:], candidate_score=np.array([0.2]))
    (people,) = ByRule("main", flat).choose([own])
    assert [p.target for p in people] == [SOMETHING, 0, 0]


def test_of_heads_that_overlap_the_nearer_centre_counts() -> None:
    heads = np.array([[0.0, 0, 10, 10], [100, 0, 300, 200], [160, 60, 260, 160]])
    scene = replace(MOMENT, head_xyxy=heads, candidate_xyxy=np.array([[200.0, 100, 220, 120]]),
                    candidate_score=np.ones(1))  # fmt: skip
    assert ByRule("main", flat).choose([scene])[0][0].target == 2


def test_heatmaps_of_choices() -> None:
    for choice in ByRule("main", flat).choose([NOTHING])[0]:
        assert choice.target == OUT and choice.probability == 0
        assert np.isnan(choice.point_px).all() and np.isnan(choice.box_xyxy).all()
        assert not choice.heatmap((1000.0, 500.0)).any()
    heat = ByRule("main", flat).choose([MOMENT])[0][0].heatmap((1000.0, 500.0))
    assert heat.dtype == np.uint8 and heat.max() == 255
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert (row, column) == (int(440 / 500 * 64), int(140 / 1000 * 64))


class Fixed(Matcher):
    """Gives the same probabilities to every look."""

    def __init__(self, chance: list[float]) -> None:
        torch.nn.Module.__init__(self)
        self.logits = torch.nn.Parameter(torch.log(torch.tensor(chance)))

    def forward(self, person, option, there):
        return self.logits[None].expand(len(person), -1)


@pytest.mark.parametrize(
    ("chance", "target", "probability", "point", "box"),
    [  # two heads, three candidates, off screen, own lap; the second candidate is on the first head
        ([0.3, 0.1, 0.2, 0.2, 0.1, 0.05, 0.05], 1, 0.5, (750, 150), (700, 100, 800, 200)),
        ([0.1, 0.1, 0.5, 0.1, 0.1, 0.05, 0.05], SOMETHING, 0.65, (140, 440), (120, 400, 160, 480)),
        ([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.4], SOMETHING, 0.6, (150, 360), None),
        ([0.1, 0.1, 0.1, 0.1, 0.1, 0.4, 0.1], OUT, 0.4, None, None),
    ],
)
def test_the_matcher_s_answers(chance, target, probability, point, box) -> None:
    choice = ByMatcher(Fixed(chance).eval()).choose([MOMENT])[0][0]
    assert choice.target == target
    assert choice.probability == pytest.approx(probability, abs=1e-6)
    np.testing.assert_allclose(choice.point_px, point or (np.nan, np.nan))
    np.testing.assert_allclose(choice.box_xyxy, box or [np.nan] * 4)
    assert choice.heatmap((1000.0, 500.0)).max() == 255
    assert choice.weight.sum() == pytest.approx(1 - chance[-2])


def test_the_matcher_is_asked_as_it_is() -> None:
    torch.manual_seed(0)
    network = matcher(width=8).eval()
    moments = [MOMENT, NOTHING]
    for people, matched in zip(
        ByMatcher(network).choose(moments), match(network, moments), strict=True
    ):
        assert [p.target for p in people] == [m.target for m in matched]
        assert [p.probability for p in people] == [m.probability for m in matched]
    assert len(inputs.options(NOTHING, 0).score) == 2, "other heads are always there"
    assert ByMatcher(network).choose([]) == []


def test_what_is_opened(tmp_path: Path) -> None:
    mlp = SlopeMlp((np.ones((2, 3)), np.ones((3, 1))), (np.zeros(3), np.zeros(1)))
    saved_slope(tmp_path / "slope.safetensors", mlp)
    saved_matcher(tmp_path / "matcher.safetensors")
    assert "'main'" in open_chooser(None, None).how
    sloping = open_chooser(None, tmp_path / "slope.safetensors")
    assert "'intended'" in sloping.how and isinstance(sloping, ByRule)
    assert sloping.slope(np.array([[2.0, 3.0]])).tolist() == [15.0]
    assert "'master'" in open_chooser(None, tmp_path / "slope.safetensors", rule="master").how
    assert "trained matcher" in open_chooser(tmp_path / "matcher.safetensors", None).how
    with pytest.raises(UsageError, match="needs weights of slope_mlp"):
        open_chooser(None, None, rule="intended")
    with pytest.raises(UsageError, match="no rule 'best'; there are intended, master, main"):
        open_chooser(None, None, rule="best")
    with pytest.raises(UsageError, match="leave out one"):
        open_chooser(tmp_path / "matcher.safetensors", tmp_path / "slope.safetensors")
    with pytest.raises(CheckpointError, match="expected gaze_following/matcher"):
        open_chooser(tmp_path / "slope.safetensors", None)

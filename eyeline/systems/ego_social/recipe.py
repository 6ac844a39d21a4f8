"""The recipes of this system: their sections, and what each says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eyeline.bounds import Count, Positive, Workers
from eyeline.systems.ego_social.inputs import FRAMES
from eyeline.systems.ego_social.model import gaze360_lstm, lam_lstm
from eyeline.systems.ego_social.recordings.annotations import Policy
from eyeline.systems.ego_social.ttm_model import ttm
from eyeline.training import recipe
from eyeline.training.recipe import LongTraining, Reader, Section

if TYPE_CHECKING:
    from torch import nn

LOOKING_WEIGHTS = (0.136, 0.864)
"""Of not looking and looking at me, as published."""
TALKING_WEIGHTS = (0.266, 0.734)
"""Of not talking and talking to me, as published."""
RECIPES = Path(__file__).parent / "recipes"
NETWORKS: Mapping[str, Callable[..., nn.Module]] = {
    "lam_lstm": lam_lstm,
    "gaze360_lstm": gaze360_lstm,
    "ttm": ttm,
}
"""Those that train."""

HEADS = ("two_layers", "single")
"""Heads of `gaze360_lstm` that tell of looks."""


class Data(Section, frozen=True):
    """What is trained on."""

    train_split: str = "train"
    """List of clips in the data's own folder."""
    validation_split: str = "val"
    stride: Count = 13
    """Of each face every so many frames are trained on. 13 is the published code's default;
    its authors trained with 3."""
    validation_stride: Count = 13
    policy: Policy = "published"
    """What counts as positive."""
    balanced: bool = False
    """Ours: an epoch is all frames of the rarer label and as many of the other, drawn anew."""
    workers: Workers = 0
    """Processes that read crops."""


class Loss(Section, frozen=True):
    """How much the labels weigh."""

    class_weights: tuple[Positive, ...] = ()
    """Of labels 0 and 1; none: those published for the network's benchmark."""


class Adam(Section, frozen=True):
    """One for all parameters."""

    learning_rate: Positive = 5e-4
    clip_norm: Positive | None = None
    """Longest gradient."""


class Training(LongTraining, frozen=True):
    """How long, and with how much memory."""

    epochs: Count = 40
    batch_size: Count = 64
    """Windows a step, of all processes together; of looking at me."""
    frame_budget: Count = 400
    """Frames a step, for each process; of talking to me."""
    needs_weights: bool = False
    """Whether the network is to begin at given weights."""
    select: Literal["mAP", "loss", "last"] = "mAP"
    """Which epoch's weights are kept: of the largest mean average precision on the validation
    clips, as published; of the smallest loss there; or the last one's."""
    statistics: Literal["batch", "frozen"] = "batch"
    """What batch norms take: each process's own batch, as published, or what they hold already."""
    flip: bool = False
    """Ours: every other sample, by chance, is seen in a mirror."""


class Recipe(recipe.Recipe, frozen=True):
    """How a network trains."""

    data: Data = Data()
    loss: Loss = Loss()
    optimizer: Adam = Adam()
    training: Training = Training()

    @property
    def talks(self) -> bool:
        """Whether it learns talking to me; otherwise looking at me."""
        return self.builder == "ttm"

    @property
    def class_weights(self) -> tuple[float, float]:
        """Of labels 0 and 1."""
        given = self.loss.class_weights
        if given:
            return given[0], given[1]
        return TALKING_WEIGHTS if self.talks else LOOKING_WEIGHTS

    def network(self) -> nn.Module:
        """The network with random weights."""
        return NETWORKS[self.builder](**self.arguments)

    def conflicts(self) -> list[str]:
        """What the network or the benchmark has no use for."""
        faults, weights = [], self.loss.class_weights
        if weights and len(weights) != 2:
            faults.append(f"loss.class_weights is {list(weights)}; must be two numbers or none")
        if (head := self.arguments.get("head", HEADS[0])) not in HEADS:
            faults.append(f"model.head is '{head}'; must be {' or '.join(HEADS)}")
        if (frames := self.arguments.get("frames", FRAMES)) != FRAMES:
            faults.append(f"model.frames is {frames}; the data has {FRAMES}")
        if self.talks and self.data.balanced:
            faults.append("data.balanced is for looking at me; batches of talk are made by length")
        return faults


read_recipe = Reader(Recipe, RECIPES, NETWORKS)

"""The recipes of this system: which sections there are for each network, and what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from eyeline.bounds import Count, Fraction, FractionWithin, NotNegative, Positive, Whole, Workers
from eyeline.systems.eye_contact.landmarks.model import landmarks_tcn
from eyeline.systems.eye_contact.loss import segmentation_loss
from eyeline.systems.eye_contact.xgaze.model import ms_tcn2
from eyeline.training import recipe
from eyeline.training.recipe import Reader, Section

RECIPES = Path(__file__).parent / "recipes"


class Data(Section, frozen=True):
    """What is trained on."""

    labels: Literal["annotated", "clusters"] = "annotated"
    """Whose labels are used: the annotators', or those that gaze points give by clustering."""
    least_frames: Whole = 0
    """Shorter tracklets are left out of learning from clusters."""
    validation_fraction: FractionWithin = 0.2
    """Last part of the list of tracklets that learning from clusters only looks at, as published;
    annotated videos are cross-validated instead."""
    most_eps: Positive = 8.0
    """Neighbourhood in which OPTICS begins to look, millimetres on the cylinder."""


class OneCycle(recipe.OneCycle, frozen=True):
    """The rate may rise to the end."""

    warm_up: Fraction = 0.2


class Crops(recipe.Training, frozen=True):
    """What one member of `landmarks_tcn` sees in training."""

    epochs: Count = 5
    """Times that the number of annotated frames is drawn."""
    batch_size: Count = 16
    crop_frames: Count = 400
    """Longest piece of a tracklet that is shown at once."""
    feature_gain: NotNegative = 0.1
    """Standard deviation of a random factor about 1, a feature and crop."""
    mirror: bool = True
    """Whether half of the crops are mirrored."""


class Adam(Section, frozen=True):
    """Adam as published."""

    learning_rate: Positive = 5e-4


class WholeTracklets(Section, frozen=True):
    """`ms_tcn2` sees whole tracklets, one at a time, as published."""

    epochs: Count = 50
    """A round."""
    rounds: Count = 6
    """From clusters: the first round and those on labels of the round before."""
    seed: Whole = 42
    workers: Workers = 0
    """Processes that read features."""
    save_every: Whole = 0
    """Epochs after which `round_N/epoch_K.safetensors` is kept, besides the last one of each round;
    the published code keeps every one."""


class Choices(Section, frozen=True):
    """Settings of the decoder among which the other folds choose."""

    balance: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (0.0, 0.25, 0.5)
    """Up to one half: beyond, the rhythm of ten seconds would outweigh what the frames say."""
    switch_cost: Annotated[tuple[NotNegative, ...], Field(min_length=1)] = (0.25, 0.5, 1.0, 2.0)
    window_s: Annotated[tuple[Positive, ...], Field(min_length=1)] = (10.0,)


class Recipe(recipe.Recipe, frozen=True):
    """The settings of a training run; `Landmarks` and `Segmenter` have sections of their own."""

    data: Data = Data()
    loss: dict[str, Any]
    """Keyword arguments of `loss.segmentation_loss`."""
    optimizer: Any
    training: Any
    decoding: Choices = Choices()

    @classmethod
    def of(cls, builder: str) -> type[Any]:
        """The kind of recipe by which a network trains."""
        return {"landmarks_tcn": Landmarks, "ms_tcn2": Segmenter}.get(builder, cls)

    def conflicts(self) -> list[str]:
        """Clusters without the network that learns from them."""
        if self.data.labels == "clusters" and self.builder != "ms_tcn2":
            return ["data.labels: clusters needs the network ms_tcn2"]
        return []


class Landmarks(Recipe, frozen=True):
    """All settings of a training run of `landmarks_tcn`."""

    optimizer: OneCycle = OneCycle()
    training: Crops = Crops()

    def conflicts(self) -> list[str]:
        """Nor is there anything to lay out or compile: it trains by a loop of its own."""
        asked = [n for n in recipe.EXECUTION if getattr(self.training, n)]
        return super().conflicts() + [f"training.{n}: landmarks_tcn trains without" for n in asked]


class Segmenter(Recipe, frozen=True):
    """All settings of a training run of `ms_tcn2`."""

    optimizer: Adam = Adam()
    training: WholeTracklets = WholeTracklets()


read_recipe = Reader(
    Recipe, RECIPES, {"landmarks_tcn": landmarks_tcn, "ms_tcn2": ms_tcn2}, loss=segmentation_loss
)

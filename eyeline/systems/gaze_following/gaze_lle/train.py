"""Training of the decoder on the features of an encoder that stays as it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from eyeline.errors import CheckpointError, RecipeError
from eyeline.log import Log
from eyeline.system import Train
from eyeline.systems.gaze_following.datasets import texts
from eyeline.systems.gaze_following.gaze_lle import evaluate
from eyeline.systems.gaze_following.gaze_lle import weights as networks
from eyeline.systems.gaze_following.gaze_lle.data import Looks, Samples, open_looks
from eyeline.systems.gaze_following.gaze_lle.loss import heatmap_loss, in_out_loss
from eyeline.systems.gaze_following.gaze_lle.model import DinoV2, GazeDecoder
from eyeline.systems.gaze_following.gaze_lle.recipe import Adam, Recipe, read_recipe
from eyeline.systems.gaze_following.gaze_lle.weights import Pair, check_pair
from eyeline.training import checkpoint, loop, task
from eyeline.training.loop import Epoch, StepLoss
from eyeline.training.task import Measured, Optimization, Selection
from eyeline.weights_folder import placed

Batch = dict[str, Tensor]
_IN_OUT = "inout_"


def encoder_file(plan: Recipe) -> Path:
    """The encoder of a recipe; RecipeError where there is none."""
    given = plan.data.encoder
    path = Path(given) if given else placed(networks.SYSTEM, f"{networks.ENCODER}.safetensors")
    if path is None:
        raise RecipeError(
            "data.encoder is not set, and no dinov2.safetensors lies in the folder of weights: "
            "--set data.encoder=FILE, or eyeline download dinov2_vitb14"
        )
    return path


@lru_cache(maxsize=1)
def frozen_encoder(path: Path, device: str) -> DinoV2:
    """The encoder of a training, opened once."""
    return networks.load_encoder(path, device)


class Step:
    """A batch to a loss; the encoder runs beside the network that trains."""

    def __init__(self, plan: Recipe) -> None:
        self.plan, self.path = plan, encoder_file(plan)

    def __call__(self, network: nn.Module, batch: Batch) -> StepLoss:
        """The loss of one step."""
        with torch.no_grad():
            features = frozen_encoder(self.path, str(batch["image"].device))(batch["image"])
        own = torch.arange(len(features), device=features.device)
        logits, inside = network(features, batch["head"], own)
        loss = heatmap_loss(logits, batch["heatmap"], batch["in_frame"])
        if inside is None:
            return StepLoss(loss)
        left = in_out_loss(inside, batch["in_frame"])
        parts = {"heatmap": float(loss.detach()), "in_out": float(left.detach())}
        return StepLoss(loss + self.plan.training.in_out_weight * left, parts)


def rate(how: Adam, epoch: int, epochs: int) -> float:
    """The learning rate of an epoch, as a fraction of the first."""
    if how.schedule == "constant":
        return 1.0
    last = how.last_rate / how.learning_rate
    return last + (1 - last) * (1 + math.cos(math.pi * epoch / epochs)) / 2


class GazeLleTask(task.Task[Recipe, GazeDecoder, Looks, Looks | None, Batch]):
    """Looks of a part of a data set, some of which may be held out."""

    system = networks.SYSTEM
    protocol = "videos held out of the training: not a test"
    read_recipe = read_recipe
    step = Step
    selections: ClassVar = {"l2": Selection("validation_l2_average_cells")}

    def check(self, plan: Recipe, weights: Path | None) -> None:
        """The encoder is there, and of the size that the decoder is for."""
        path = encoder_file(plan)
        card = checkpoint.read_card(path)
        checkpoint.check_builder(card, networks.SYSTEM, (networks.ENCODER,), path)
        decoder = self.read_recipe.networks[plan.builder](**plan.arguments)
        encoder = frozen_encoder(path, "cpu")
        check_pair(Pair(encoder, cast(GazeDecoder, decoder)), "the recipe's model", path)

    def open_data(self, plan: Recipe, root: Path) -> tuple[Looks, Looks | None]:
        """Both splits, which share no video."""
        how = plan.data
        in_out = bool(plan.arguments.get("in_out", False))
        looks = open_looks(root, how.part, in_out=in_out, every=how.every)
        if not how.validation_fraction:
            return looks, None
        fractions = (1 - how.validation_fraction, how.validation_fraction)
        names = sorted(set(looks.known.video))
        train, held = texts.drawn_lists(names, fractions, plan.training.seed)
        return looks.of_videos(train), looks.of_videos(held)

    def initialise(self, network: GazeDecoder, plan: Recipe, path: Path) -> tuple[str, ...]:
        """A decoder of ours; one that knew no looks out of the image may begin one that does."""
        card, state = checkpoint.load(path)
        checkpoint.check_builder(card, self.system, (plan.builder,), path)
        own = network.state_dict()
        new = tuple(name for name in own if name.startswith(_IN_OUT) and name not in state)
        if new and any(name.startswith(_IN_OUT) for name in state):
            raise CheckpointError(f"{path} lacks {', '.join(new)}")
        checkpoint.fill(network, {**{name: own[name] for name in new}, **state}, path)
        return new

    def optimization(self, plan: Recipe, network: GazeDecoder, train: Looks) -> Optimization:
        """Adam; the rate moves after each epoch."""
        how, training = plan.optimizer, plan.training
        named = list(network.named_parameters())
        optimizer = torch.optim.Adam(
            [{"params": [p for name, p in named if not name.startswith(_IN_OUT)]}],
            lr=how.learning_rate,
        )
        if network.in_out:
            own = [p for name, p in named if name.startswith(_IN_OUT)]
            optimizer.add_param_group({"params": own, "lr": how.in_out_learning_rate})
        steps = math.ceil(len(train) / training.batch_size)
        rates = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: rate(how, step // steps, training.epochs)
        )
        return Optimization({"main": optimizer}, None, {"main": rates})

    def batches(self, plan: Recipe, train: Looks, epoch: Epoch, size: int) -> Iterable[Batch]:
        """Looks in an order by chance, their images changed by it."""
        how, grid = plan.data, int(plan.arguments.get("grid", networks.GRID))
        samples = Samples(train, grid, epoch.seed, how.crop, how.mirror, how.jitter)
        return loop.loader(samples, epoch, batch_size=size, workers=how.workers)

    def validate(
        self, plan: Recipe, network: GazeDecoder, held: Looks | None, log: Log | None
    ) -> dict[str, float]:
        """Distance, AUC and average precision of looks out of the image."""
        assert held is not None
        figures = self._measured(plan, network, held)["pooled"]
        return {
            f"validation_{name}": figures[name]
            for name in ("l2_average_cells", "auc", "in_out_ap")
            if figures[name] is not None
        }

    def measure(
        self, plan: Recipe, network: GazeDecoder, held: Looks | None, folder: Path
    ) -> Measured:
        """The benchmark's scores of what was held out; nothing where nothing was."""
        return Measured({} if held is None else self._measured(plan, network, held))

    def _measured(self, plan: Recipe, network: GazeDecoder, held: Looks) -> dict[str, Any]:
        device = str(network.linear.weight.device)
        pair = Pair(frozen_encoder(encoder_file(plan), device), network.eval())
        return dict(evaluate.scores(evaluate.predict(pair, held), held, "gazefollow_cells"))

    def settings(self, plan: Recipe) -> dict[str, Any]:
        """Which encoder's features it was trained on."""
        from eyeline.files import sha256

        return {"encoder_sha256": sha256(encoder_file(plan))}

    def describe(self, plan: Recipe, train: Looks, held: Looks | None) -> dict[str, Any]:
        """Images, looks, and videos by name where images are of any."""
        videos, images = sorted(set(train.known.video)), set(train.known.image)
        return {
            "part": plan.data.part,
            "videos": videos if len(videos) < len(images) else [],
            "images": len(images),
            "looks": len(train),
            "looks_held_out": 0 if held is None else len(held),
            "notes": list(train.known.notes),
        }

    def fingerprint(self, items: Looks | None) -> Iterator[bytes]:
        """All that is annotated."""
        if items is not None:
            yield "".join(items.known.image).encode()
            for array in (items.known.points_px, items.known.head_xyxy, items.known.in_frame):
                yield np.ascontiguousarray(array).tobytes()


TASK = GazeLleTask()
run: Train = TASK.run

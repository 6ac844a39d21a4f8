"""What surrounds the loop of every training: data, first weights, the chosen epoch, the report.

A system declares a `Task`: how its data is opened, one step, the score that an epoch is chosen by,
and what is measured in the end.
"""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import torch
from torch import nn

from eyeline import files
from eyeline.errors import first_names
from eyeline.evaluation.report import Report
from eyeline.log import Log
from eyeline.training import checkpoint, loop
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import Devices, most_memory
from eyeline.training.loop import Epoch, Run, Scores, StepLoss
from eyeline.training.recipe import LongTraining, Reader, Recipe, batch_per_process

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

BEST = "best.safetensors"
"""The chosen epoch's weights while a run is under way, beside its state."""
REPORT = "report.json"

Plan = TypeVar("Plan", bound=Recipe)
Net = TypeVar("Net", bound=nn.Module)
Items = TypeVar("Items")
"""What a network is trained on."""
Held = TypeVar("Held")
"""What the epoch is chosen by: `Items`, or `Items | None` where a recipe may hold out nothing."""
Batch = TypeVar("Batch")


@dataclass(frozen=True)
class InitialWeights:
    """What the weights of a training began at, for cards and reports."""

    file: str = ""
    """Its name; empty: random weights."""
    sha256: str = ""
    taken: int = 0
    """Tensors that were taken."""
    random: tuple[str, ...] = ()
    """Tensors that stayed as they were drawn, by name; none where there is no file."""
    licence: str = ""
    """Of what was taken; it binds what is trained from it."""

    def as_dict(self) -> dict[str, Any]:
        """For a card or a report."""
        return {**asdict(self), "random": list(self.random)} if self.file else {}

    def __str__(self) -> str:
        """What was taken."""
        rest = f"; random: {first_names(self.random, 4)}" if self.random else ""
        return f"{self.taken} tensors of {self.file} taken{rest}"


@dataclass(frozen=True)
class Selection:
    """The validation score by which an epoch is chosen."""

    score: str
    largest: bool = False
    """Whether more of it is better."""

    def is_best(self, history: Sequence[Scores], scores: Scores) -> bool:
        """Whether an epoch is better than all before; one without the score counts as better."""
        if self.score not in scores:
            return True
        sign = 1 if self.largest else -1
        earlier = [entry[self.score] for entry in history if self.score in entry]
        return all(sign * scores[self.score] > sign * v for v in earlier if not math.isnan(v))


@dataclass(frozen=True)
class Optimization:
    """What moves a network."""

    optimizers: Mapping[str, Optimizer]
    clip_norm: float | None = None
    """Longest gradient."""
    schedulers: Mapping[str, LRScheduler] = field(default_factory=dict)
    """By optimiser; moved after each of its steps."""


@dataclass(frozen=True)
class Measured:
    """What the chosen weights come to."""

    report: Mapping[str, Any]
    """As of the system's evaluation."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What was fitted for prediction, beside `Task.settings`."""
    scores: Mapping[str, Any] | None = None
    """For the card; by default those of the chosen epoch."""


class Task(ABC, Generic[Plan, Net, Items, Held, Batch]):
    """How a system trains a network; `run` does it."""

    system: ClassVar[str]
    protocol: ClassVar[str]
    """What the scores of card and report were measured on."""
    others_licence: ClassVar[str] = ""
    """What binds weights that begin at a file of others, which states no licence."""
    read_recipe: Reader[Plan]
    step: Callable[[Plan], Callable[[nn.Module, Batch], StepLoss]]
    """Of a recipe: network and batch to a loss."""
    selections: ClassVar[Mapping[str, Selection]] = {}
    """Of what `training.select` may say; what is not here keeps the last epoch."""

    @abstractmethod
    def open_data(self, plan: Plan, root: Path) -> tuple[Items, Held]:
        """What is trained on, and what the epoch is chosen by."""

    @abstractmethod
    def optimization(self, plan: Plan, network: Net, train: Items) -> Optimization:
        """What moves the network; DataError where the items are too few."""

    @abstractmethod
    def batches(self, plan: Plan, train: Items, epoch: Epoch, size: int) -> Iterable[Batch]:
        """Those of one epoch and one process, which takes so many samples a step."""

    @abstractmethod
    def validate(self, plan: Plan, network: Net, held: Held, log: Log | None) -> dict[str, float]:
        """Scores of an epoch, their names begun with `validation_`."""

    @abstractmethod
    def measure(self, plan: Plan, network: Net, held: Held, folder: Path) -> Measured:
        """The report of the chosen weights; may write files beside it."""

    @abstractmethod
    def describe(self, plan: Plan, train: Items, held: Held) -> dict[str, Any]:
        """The data, for card and report."""

    @abstractmethod
    def fingerprint(self, items: Items | Held) -> Iterable[bytes]:
        """What tells these items from others, for the identity of a run."""

    def selection(self, plan: Plan) -> Selection | None:
        """By what the epoch is chosen; None keeps the last one."""
        return self.selections.get(str(getattr(plan.training, "select", "last")))

    def check(self, plan: Plan, weights: Path | None) -> None:
        """Raise a UsageError or RecipeError where recipe and `weights` do not go together."""

    def samples_a_process(self, plan: Plan, world: int) -> int:
        """Samples of a step for each process; RecipeError where a batch does not divide."""
        return batch_per_process(plan.training.batch_size, world)

    def initialise(self, network: Net, plan: Plan, path: Path) -> tuple[str, ...]:
        """Fill a network from a file, by default one of ours; names of what stays random."""
        card, state = checkpoint.load(path)
        checkpoint.check_builder(card, self.system, (plan.builder,), path)
        checkpoint.fill(network, state, path)
        return ()

    def licence_of(self, path: Path) -> str:
        """What binds weights that begin at a file."""
        ours = checkpoint.is_own(path)
        return checkpoint.read_card(path).licence if ours else self.others_licence

    def prepare(self, network: Net, plan: Plan, device: torch.device) -> None:
        """Make a network with its first weights ready to train: memory, layout, frozen parts."""

    def around(self, device: torch.device) -> AbstractContextManager[None]:
        """What holds while the network is built, trained and measured."""
        return nullcontext()

    def settings(self, plan: Plan) -> dict[str, Any]:
        """What prediction needs to know of the recipe."""
        return {}

    def run(
        self,
        recipe: Path | str | Mapping[str, Any],
        data_dir: Path | str,
        out_dir: Path | str,
        progress: Log | None = None,
        *,
        changes: Sequence[str] = (),
        devices: Devices | None = None,
        weights: Path | None = None,
    ) -> Report:
        """Train a recipe and write weights and report; a stopped run is resumed.

        Args:
            recipe: a YAML file, the name of one of this system's, or its sections.
            data_dir: a prepared data set, as of `open_data`.
            out_dir: gets the builder's `.safetensors`, `report.json`, and what `measure` writes.
            progress: called with a line for what has been finished.
            changes: `section.key=value`, made to the recipe.
            devices: where; one CPU by default.
            weights: to begin with, as of `initialise`; random ones by default.

        Returns:
            The report of `measure` with `history`, `memory` and what it began at; empty in
            processes other than the first.

        Raises:
            RecipeError, DataError, OutputError, CheckpointError, UsageError, TrainingError: for
            what is wrong with each.
        """
        plan = self.read_recipe(recipe, changes)
        self.check(plan, weights)
        train, held = self.open_data(plan, Path(data_dir))
        fabric = (devices or Devices()).fabric()
        fabric.launch()
        log = progress if fabric.is_global_zero else None
        with self.around(fabric.device):
            network, begun = self.init_network(plan, weights, fabric.device)
            if log and begun.file:
                log(str(begun))
            out = files.made(Path(out_dir))
            run = self.new_run(plan, network, train, held, out, fabric.world_size, log)
            run.identity = self.identity(plan, (train, held), begun.sha256)
            loop.fit(run, fabric)
            report = self._finish(plan, network, (train, held), run, begun, fabric)
        fabric.barrier()
        return report

    def init_network(
        self, plan: Plan, weights: Path | None, device: torch.device | None = None
    ) -> tuple[Net, InitialWeights]:
        """The network as a training begins with it."""
        torch.manual_seed(plan.training.seed)
        network = cast(Net, self.read_recipe.networks[plan.builder](**plan.arguments))
        begun = self.begin(network, plan, weights) if weights else InitialWeights()
        self.prepare(network, plan, device or torch.device("cpu"))
        return network, begun

    def begin(self, network: Net, plan: Plan, path: Path) -> InitialWeights:
        """Fill a fresh network from a file, and say what was taken.

        Raises:
            CheckpointError: a file of another kind, or shapes that differ from the network's.
        """
        random = self.initialise(network, plan, path)
        taken = len(network.state_dict()) - len(random)
        return InitialWeights(path.name, files.sha256(path), taken, random, self.licence_of(path))

    def new_run(
        self,
        plan: Plan,
        network: Net,
        train: Items,
        held: Held | None = None,
        folder: Path | None = None,
        world: int = 1,
        log: Log | None = None,
    ) -> Run[Batch]:
        """What the training loop is to do.

        Raises:
            RecipeError: a batch that they cannot share evenly.
            DataError: too few items.
        """
        size = self.samples_a_process(plan, world)
        moved, how = self.optimization(plan, network, train), plan.training
        run = Run(
            network,
            moved.optimizers,
            self.step(plan),
            lambda epoch: self.batches(plan, train, epoch, size),
            how.epochs,
            seed=how.seed,
            clip_norm=moved.clip_norm,
            schedulers=moved.schedulers,
            folder=folder,
            save_every=how.save_every if isinstance(how, LongTraining) else None,
            channels_last=how.channels_last,
            compile=how.compile,
            log=log,
        )

        def validate(_: nn.Module, epoch: int) -> Scores:
            assert held is not None
            scores = self.validate(plan, network, held, log)
            selection = self.selection(plan)
            if folder and selection and selection.is_best(run.history, scores):
                card = CheckpointCard(self.system, plan.builder, plan.arguments, scores=scores)
                checkpoint.save(folder / BEST, network.state_dict(), card)
            return scores

        run.validate = None if held is None else validate
        return run

    def identity(self, plan: Plan, data: tuple[Items, Held], weights_sha256: str) -> str:
        """Of recipe, data and first weights; how long to train is free."""
        text = json.dumps([plan.lasting(), weights_sha256], sort_keys=True)
        digest = hashlib.sha256(text.encode())
        for items in data:
            for part in self.fingerprint(items):
                digest.update(part)
        return digest.hexdigest()

    def _finish(
        self,
        plan: Plan,
        network: Net,
        data: tuple[Items, Held],
        run: Run[Batch],
        begun: InitialWeights,
        fabric: Fabric,
    ) -> Report:
        """Take the chosen epoch, measure it, write weights and report."""
        if not fabric.is_global_zero:
            return Report({})
        assert run.folder is not None
        best, held = run.folder / BEST, data[1]
        chosen = {k: v for k, v in run.history[-1].items() if k.startswith("validation_")}
        if held is not None and self.selection(plan):
            kept, state = checkpoint.load(best)
            checkpoint.fill(network, state, best)
            chosen = dict(kept.scores)
        network.eval()
        measured = self.measure(plan, network, held, run.folder)
        scores = measured.scores or {name: round(value, 4) for name, value in chosen.items()}
        settings = {**self.settings(plan), **measured.settings}
        if begun.file:
            settings["began_at"] = begun.as_dict()
        card = CheckpointCard(
            self.system,
            plan.builder,
            plan.arguments,
            recipe=plan.as_dict(),
            data=self.describe(plan, *data),
            scores={"protocol": self.protocol, **scores} if held is not None else {},
            settings=settings,
            licence=begun.licence,
        )
        checkpoint.save(run.folder / f"{plan.builder}.safetensors", network.state_dict(), card)
        about = {
            "protocol": self.protocol,
            "recipe": card.recipe,
            "data": card.data,
            "settings": settings,
            "began_at": begun.as_dict(),
            "history": run.history,
            "chosen": chosen,
            "memory": most_memory(fabric),
        }
        report = Report({**measured.report, **about})
        report.write(run.folder / REPORT)
        loop.forget(run.folder)
        best.unlink(missing_ok=True)
        return report

"""The training loop of all systems: epochs, resuming, precision, several devices, a log.

It never looks inside a batch: a system gives a step that makes a loss of one. Each epoch, and each
stretch after which the state is kept, draws from random numbers of its own, so that a run that was
stopped and taken up again ends as one that was not.
"""

from __future__ import annotations

import json
import math
import pickle
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from eyeline.errors import CheckpointError, TrainingError
from eyeline.files import replacing, write_bytes
from eyeline.log import Log

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

STATE = "state.pt"
"""What a stopped run is resumed from, in the run's folder."""
LOG = "log.jsonl"
"""One line an epoch, in the run's folder."""

Scores = Mapping[str, float]
Entry = dict[str, float]
"""Of an epoch: `epoch`, `loss`, its parts, `steps`, scores of the validation, `seconds`."""
Batch = TypeVar("Batch")

_PER_STEP = 104_729
"""Between the seeds of neighbouring steps; more than there are processes."""


@dataclass(frozen=True)
class StepLoss:
    """What a step gives back."""

    total: Tensor
    """Scalar to be made smaller."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """Named shares of it, for the log."""
    optimizer: str = "main"
    """Which of the optimisers moves."""


@dataclass(frozen=True)
class Epoch:
    """One pass, as it is asked for."""

    number: int
    """From 0."""
    seed: int
    """The run's and the epoch's, for the order of samples and for augmentation."""
    rank: int = 0
    """This process among `world`; each sees every `world`-th sample."""
    world: int = 1
    done: int = 0
    """Steps of it that a stopped run has made already; their batches are not to come again."""


@dataclass
class Run(Generic[Batch]):
    """What a training run is made of, and how far it has come."""

    network: nn.Module
    optimizers: Mapping[str, Optimizer]
    step: Callable[[nn.Module, Batch], StepLoss]
    """Network and batch to a loss."""
    batches: Callable[[Epoch], Iterable[Batch]]
    epochs: int
    seed: int = 0
    clip_norm: float | None = None
    """Longest gradient."""
    schedulers: Mapping[str, LRScheduler] = field(default_factory=dict)
    """By optimiser; moved after each of its steps."""
    validate: Callable[[nn.Module, int], Scores] | None = None
    """Network in evaluation mode and epoch to scores; runs on the first process."""
    folder: Path | None = None
    """Where state and log are kept; None keeps nothing."""
    identity: str = ""
    """Of recipe and data: what tells this run from another one in the same folder."""
    save_every: int | None = None
    """Steps after which the state is kept within an epoch, too; None keeps it after whole epochs.
    `batches` must then heed `Epoch.done`, as `loader` does, and samples must not draw from random
    numbers of worker processes."""
    channels_last: bool = False
    """As of `recipe.Execution`, like the next."""
    compile: bool = False
    log: Log | None = None
    history: list[Entry] = field(default_factory=list)
    """One entry an epoch."""


@dataclass
class _Begun:
    """How far an epoch has come."""

    steps: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    """Steps that told of each; not every step need tell of all parts."""

    def add(self, known: Mapping[str, float]) -> None:
        self.steps += 1
        for name, value in known.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1


def fit(run: Run[Batch], fabric: Fabric) -> list[Entry]:
    """Train to the last epoch, resuming from the folder's state if there is one.

    The network is left with the weights of the last epoch, in evaluation mode, on its device.

    Returns:
        `run.history`.

    Raises:
        TrainingError: a loss that is no number, or a network that torch cannot compile here.
        CheckpointError: the folder holds the state of another run.
        OutputError: state or log cannot be written.
    """
    if run.channels_last:
        _lay_channels_last(run.network)
    # weights are kept of `run.network`, whose names have no prefix of the compiler
    module = fabric.setup_module(compiled(run.network) if run.compile else run.network)
    optimizers = {name: fabric.setup_optimizers(o) for name, o in run.optimizers.items()}
    begun = _resume(run, fabric)
    for number in range(len(run.history), run.epochs):
        start = time.monotonic()
        epoch = Epoch(
            number,
            (run.seed * 1_000_003 + number) % 2**31,
            fabric.global_rank,
            fabric.world_size,
            begun.steps,
        )
        with _explaining(run.compile):
            entry = {"epoch": number, **_pass(run, module, optimizers, fabric, epoch, begun)}
        begun = _Begun()
        if run.validate and fabric.is_global_zero:
            module.eval()
            with torch.no_grad():
                entry |= {k: float(v) for k, v in run.validate(run.network, number).items()}
        fabric.barrier()
        run.history.append({**entry, "seconds": round(time.monotonic() - start, 2)})
        if not fabric.is_global_zero:
            continue
        _keep(run, fabric, begun)
        if run.log:
            numbers = {k: v for k, v in run.history[-1].items() if k not in ("epoch", "steps")}
            shown = (f"{k} {v:.4g}" for k, v in numbers.items() if isinstance(v, float))
            run.log(f"epoch {number + 1} of {run.epochs}: {', '.join(shown)}")
    run.network.eval()
    return run.history


def compiled(network: nn.Module) -> Any:
    """The network with kernels of `torch.compile`, made at the first call.

    Raises:
        TrainingError: this build of torch cannot compile.
    """
    try:
        return torch.compile(network)
    except RuntimeError as error:
        raise TrainingError(_NOT_COMPILED.format(error)) from error


_NOT_COMPILED = (
    "training.compile: torch cannot compile the network on this machine ({}); "
    "train with training.compile=false"
)


@contextmanager
def _explaining(compiling: bool) -> Iterator[None]:
    """One message where kernels cannot be made, which shows at the first step."""
    if not compiling:
        yield
        return
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise TrainingError(_NOT_COMPILED.format(reason)) from error


_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
"""By a weight's dimensions."""


def _lay_channels_last(network: nn.Module) -> None:
    """The same weights; convolutions pass their layout on to what they give."""
    for weight in network.parameters():
        if layout := _CHANNELS_LAST.get(weight.dim()):
            weight.data = weight.data.contiguous(memory_format=layout)


def loader(
    dataset: Any,
    epoch: Epoch,
    *,
    batch_size: int = 1,
    collate: Callable[[list[Any]], Any] | None = None,
    workers: int = 0,
) -> DataLoader[Any]:
    """Batches of a map-style dataset for one epoch and one process.

    Processes get equally many samples: where the dataset does not divide, the first ones of the
    epoch's order come twice. Batches of steps that are done are left out.
    """
    count, generator = len(dataset), torch.Generator().manual_seed(epoch.seed)
    order = torch.randperm(count, generator=generator).tolist()
    even = [order[i % count] for i in range(count + -count % epoch.world)] if order else []
    own = even[epoch.rank :: epoch.world][epoch.done * batch_size :]
    return DataLoader(
        dataset, batch_size=batch_size, sampler=own, collate_fn=collate, num_workers=workers
    )


def weights(count: int, epoch: Epoch, batch_size: int) -> Iterator[Tensor]:
    """What each sample's loss counts in each of `loader`'s batches.

    Sums of weighted losses have, as their mean over processes, the mean over the samples of all
    processes' batches; a sample that comes twice counts once.
    """
    world, whole = epoch.world, batch_size * epoch.world
    place = torch.arange(epoch.rank, count + -count % world, world)
    for own in torch.split(place, batch_size)[epoch.done :]:
        first = int(own[0]) // whole * whole
        yield (own < count).float() * (world / min(whole, count - first))


def _pass(
    run: Run[Batch],
    module: Any,
    optimizers: Mapping[str, Any],
    fabric: Fabric,
    epoch: Epoch,
    begun: _Begun,
) -> dict[str, float]:
    """The rest of an epoch; mean loss and parts over all of its steps and all processes."""
    module.train()
    if not begun.steps:
        _draw_anew(epoch, 0)
    batches = iter(run.batches(epoch))
    if begun.steps:  # behind the iterator, which itself draws a number
        _draw_anew(epoch, begun.steps)
    for batch in batches:
        for optimizer in optimizers.values():  # before the batch's activations take their room
            optimizer.zero_grad()
        result = run.step(module, fabric.to_device(batch))
        loss = float(result.total.detach())
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} in epoch {epoch.number + 1}, step {begun.steps + 1}; a lower "
                "learning rate, or a look at the data, may help. The state that was kept last "
                "remains"
            )
        fabric.backward(result.total)
        if run.clip_norm:
            fabric.clip_gradients(module, optimizers[result.optimizer], max_norm=run.clip_norm)
        optimizers[result.optimizer].step()
        if result.optimizer in run.schedulers:
            run.schedulers[result.optimizer].step()
        begun.add({"loss": loss, **result.parts})
        if run.save_every and begun.steps % run.save_every == 0:
            if fabric.is_global_zero:
                _keep(run, fabric, begun)
            _draw_anew(epoch, begun.steps)
    if not begun.steps:
        raise TrainingError("there is nothing to train on: an epoch without a batch")
    means = {name: value / begun.counts[name] for name, value in begun.sums.items()}
    if fabric.world_size > 1:
        whole = fabric.all_reduce(torch.tensor([*means.values()], dtype=torch.float64))
        means = dict(zip(means, (float(v) for v in whole), strict=True))
    return means | {"steps": begun.steps}


def _draw_anew(epoch: Epoch, steps: int) -> None:
    """Random numbers that depend on nothing but the place in the run."""
    torch.manual_seed(epoch.seed + epoch.rank + _PER_STEP * steps)


def _resume(run: Run[Any], fabric: Fabric) -> _Begun:
    """Take up the state in the folder: past epochs into the history, the one begun as found."""
    path = run.folder / STATE if run.folder else None
    if path is None or not path.is_file():
        return _Begun()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}); remove it to train from the beginning"
        ) from error
    if state.get("identity") != run.identity:
        raise CheckpointError(
            f"{path} is the state of a run with another recipe or other data; "
            "give another folder, or remove it to train from the beginning"
        )
    run.network.load_state_dict(state["network"])
    for name, optimizer in run.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    for name, scheduler in run.schedulers.items():
        scheduler.load_state_dict(state["schedulers"][name])
    fabric.strategy.precision.load_state_dict(state.get("precision", {}))
    run.history[:] = state["history"]
    begun = _Begun(**state.get("begun", {}))
    if run.log and fabric.is_global_zero and (run.history or begun.steps):
        steps = f" and {begun.steps} steps" if begun.steps else ""
        run.log(f"resuming after epoch {len(run.history)}{steps} of {run.epochs}")
    return begun


def _keep(run: Run[Any], fabric: Fabric, begun: _Begun) -> None:
    if run.folder is None:
        return
    state = {
        "identity": run.identity,
        "network": run.network.state_dict(),
        "optimizers": {name: o.state_dict() for name, o in run.optimizers.items()},
        "schedulers": {name: s.state_dict() for name, s in run.schedulers.items()},
        "precision": fabric.strategy.precision.state_dict(),
        "history": run.history,
        "begun": asdict(begun),
    }
    lines = "".join(json.dumps(entry) + "\n" for entry in run.history)
    with replacing(run.folder / STATE) as temporary:
        torch.save(state, temporary)
    write_bytes(run.folder / LOG, lines.encode())


def freeze_statistics(network: nn.Module) -> None:
    """Let batch norms take the statistics that they hold, and keep them."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.eval()


def forget(folder: Path) -> None:
    """Remove the state of a finished run, as large as three networks; the log stays."""
    (folder / STATE).unlink(missing_ok=True)

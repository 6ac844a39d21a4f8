"""The loop learns, goes on where it was stopped, and shares the work among processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from eyeline.errors import CheckpointError, TrainingError
from eyeline.training.devices import Devices
from eyeline.training.loop import LOG, STATE, Epoch, Run, StepLoss, fit, forget, loader, weights
from tests.refusals import refuses

POINTS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
ODD = torch.tensor([0.0, 1.0, 1.0, 0.0])


class StoppedError(Exception):
    """What a test stops a run with."""


def step(network: nn.Module, batch: tuple[Tensor, Tensor]) -> StepLoss:
    points, odd = batch
    loss = nn.functional.binary_cross_entropy_with_logits(network(points)[:, 0], odd)
    return StepLoss(loss, {"size": float(len(points))})


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Dropout(0.1), nn.Linear(16, 1))


def run(
    folder: Path | None = None,
    epochs: int = 6,
    identity: str = "",
    rate: float = 0.05,
    validate: Callable[[nn.Module, int], dict[str, float]] | None = None,
) -> Run:
    net = network()
    dataset = list(zip(POINTS, ODD, strict=True))
    optimizer = torch.optim.Adam(net.parameters(), rate)
    return Run(
        net,
        {"main": optimizer},
        step,
        lambda epoch: loader(dataset, epoch, batch_size=3),
        epochs,
        seed=5,
        clip_norm=5.0,
        folder=folder,
        identity=identity,
        validate=validate,
        schedulers={"main": torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.999)},
    )


def trained(made: Run) -> dict[str, Tensor]:
    fit(made, Devices().fabric())
    return {name: value.clone() for name, value in made.network.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_it_learns_what_no_line_can_part() -> None:
    created = run(epochs=300)
    history = fit(created, Devices().fabric())
    assert history[-1]["loss"] < 0.3 * history[0]["loss"] and not created.network.training
    assert ((created.network(POINTS)[:, 0] > 0).float() == ODD).all()
    assert history[0]["size"] == 2.0 and history[0]["steps"] == 2, "batches of 3 and 1"


def test_a_stopped_run_ends_like_one_that_was_not(tmp_path: Path) -> None:
    def stop(_: nn.Module, epoch: int) -> dict[str, float]:
        if epoch == 3:
            raise StoppedError
        return {}

    with pytest.raises(StoppedError):
        trained(run(tmp_path, validate=stop))
    assert len((tmp_path / LOG).read_text().splitlines()) == 3
    known: list[str] = []
    resumed = run(tmp_path)
    resumed.log = known.append
    assert same(trained(resumed), trained(run()))
    assert known[0] == "resuming after epoch 3 of 6" and len(resumed.history) == 6
    rows = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert [row["epoch"] for row in rows] == list(range(6))


def stepped(folder: Path | None, stop_after: int | None = None) -> Run:
    """Four steps an epoch, state after every second; stopped after some of them."""
    created = run(folder, epochs=3)
    dataset, count = list(zip(POINTS, ODD, strict=True)), 0

    def counting(net: nn.Module, batch: tuple[Tensor, Tensor]) -> StepLoss:
        nonlocal count
        if count == stop_after:
            raise StoppedError
        count += 1
        return StepLoss(step(net, batch).total, {"even": 1.0} if count % 2 else {})

    created.step, created.batches = counting, lambda epoch: loader(dataset, epoch)
    created.save_every = 2
    return created


@pytest.mark.parametrize("stop_after", [1, 2, 3, 5, 6, 8, 11])
def test_a_run_stopped_at_any_step_ends_like_one_that_was_not(
    tmp_path: Path, stop_after: int
) -> None:
    whole = stepped(None)
    wanted = trained(whole)
    with pytest.raises(StoppedError):
        trained(stepped(tmp_path, stop_after))
    known: list[str] = []
    resumed = stepped(tmp_path)
    resumed.log = known.append
    assert same(trained(resumed), wanted)
    for ours, theirs in zip(resumed.history, whole.history, strict=True):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}
    if stop_after in (6, 11):
        assert known[0] == f"resuming after epoch {stop_after // 4} and 2 steps of 3"


def test_parts_are_means_over_the_steps_that_reported_of_them() -> None:
    created = stepped(None)
    history = fit(created, Devices().fabric())
    assert [entry["even"] for entry in history] == [1.0, 1.0, 1.0]
    assert [entry["steps"] for entry in history] == [4, 4, 4]


def test_a_finished_run_is_not_done_again(tmp_path: Path) -> None:
    first = trained(run(tmp_path))
    again = run(tmp_path)
    again.batches = lambda epoch: pytest.fail("no epoch is left")
    assert same(trained(again), first)
    forget(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [LOG]


def test_the_state_of_another_run_is_refused(tmp_path: Path) -> None:
    trained(run(tmp_path, epochs=1, identity="a"))
    with pytest.raises(CheckpointError, match="another recipe or other data"):
        trained(run(tmp_path, identity="b"))


def test_a_damaged_state_is_reported(tmp_path: Path) -> None:
    trained(run(tmp_path, epochs=1))
    (tmp_path / STATE).write_bytes((tmp_path / STATE).read_bytes()[:900])
    refuses(CheckpointError, "damaged", lambda: trained(run(tmp_path)))


def test_a_loss_that_is_no_number_stops_it(tmp_path: Path) -> None:
    created = run(tmp_path)
    created.step = lambda net, batch: StepLoss(net(batch[0]).sum() * float("nan"))
    before = [p.clone() for p in created.network.parameters()]
    refuses(TrainingError, "nan in epoch 1, step 1", lambda: trained(created))
    assert all(torch.equal(a, b) for a, b in zip(before, created.network.parameters(), strict=True))
    assert not (tmp_path / STATE).exists()


def test_an_epoch_without_a_batch_is_reported() -> None:
    created = run()
    created.batches = lambda epoch: []
    refuses(TrainingError, "nothing to train on", lambda: trained(created))


def test_two_optimisers_take_turns() -> None:
    one, two = nn.Linear(2, 1), nn.Linear(2, 1)
    net = nn.ModuleDict({"one": one, "two": two})
    before = two.weight.clone()

    def only_one(module: nn.Module, batch: Tensor) -> StepLoss:
        return StepLoss(one(batch).square().mean() + 0 * two(batch).mean(), optimizer="first")

    optimizers = {
        "first": torch.optim.SGD(one.parameters(), 0.1),
        "second": torch.optim.SGD(two.parameters(), 0.1),
    }
    fit(Run(net, optimizers, only_one, lambda epoch: [POINTS], 3), Devices().fabric())
    assert torch.equal(before, two.weight) and one(POINTS).square().mean() < 1


@pytest.mark.parametrize("count", [0, 1, 7, 8])
def test_processes_fraction_all_samples_and_get_equally_many(count: int) -> None:
    def seen(rank: int, number: int = 0) -> Iterator[int]:
        epoch = Epoch(number, 11 + number, rank, 3)
        return (int(i) for batch in loader(list(range(count)), epoch, batch_size=2) for i in batch)

    fractions = [list(seen(rank)) for rank in range(3)]
    assert len({len(s) for s in fractions}) == 1
    assert {i for fraction in fractions for i in fraction} == set(range(count))
    assert fractions == [list(seen(rank)) for rank in range(3)], "the same seed, the same order"


def test_epochs_have_orders_of_their_own() -> None:
    def order(seed: int) -> list[int]:
        return [int(b[0]) for b in loader(list(range(30)), Epoch(0, seed))]

    assert order(1) != order(2)


@pytest.mark.parametrize("count", [8, 9, 13, 3])
@pytest.mark.parametrize("done", [0, 1])
def test_weights_make_the_mean_of_all_processes_batches(count: int, done: int) -> None:
    """As one process has it, however the samples divide."""
    loss = torch.rand(count, generator=torch.Generator().manual_seed(0))

    def means(world: int) -> list[float]:
        each = []
        for rank in range(world):
            epoch = Epoch(0, 3, rank, world, done)
            batches = loader(list(range(count)), epoch, batch_size=4 // world)
            counted = weights(count, epoch, 4 // world)
            each.append([float((loss[b] * w).sum()) for b, w in zip(batches, counted, strict=True)])
        return [sum(step) / world for step in zip(*each, strict=True)]

    assert len(means(1)) == -(-count // 4) - done
    for world in (2, 4):
        assert means(world) == pytest.approx(means(1)), world


SCRIPT = """
import sys, torch
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.training.test_loop import run, fit, Devices
made = run(None, epochs=40)
fabric = Devices(count=2).fabric()
fabric.launch()
fit(made, fabric)
total = sum(float(p.sum()) for p in made.network.parameters())
Path({out!r}, f"rank_{{fabric.global_rank}}").write_text(
    f"{{total:.6f}} {{made.history[-1]['steps']}}"
)
"""


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    script = tmp_path / "ddp.py"
    script.write_text(SCRIPT.format(root=str(root), out=str(tmp_path)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=240
    )
    ranks = [path.read_text().split() for path in sorted(tmp_path.glob("rank_*"))]
    assert len(ranks) == 2, done.stderr
    assert ranks[0][0] == ranks[1][0], "both hold the same weights"
    assert ranks[0][1] == "1", "each saw half of the four samples"


def test_gradients_take_no_room_parallel_activations() -> None:
    """Those of the step before are given up when a batch is looked at, whichever optimiser."""
    net = nn.ModuleDict({name: nn.Linear(2, 1) for name in ("one", "two")})
    optimizers = {name: torch.optim.SGD(part.parameters(), 0.1) for name, part in net.items()}
    seen: list[bool] = []

    def step(module: nn.Module, batch: Tensor) -> StepLoss:
        seen.append(any(weight.grad is not None for weight in net.parameters()))
        total = sum(part(batch).square().mean() for part in net.values())
        return StepLoss(total, optimizer=("one", "two")[len(seen) % 2])

    fit(Run(net, optimizers, step, lambda epoch: [POINTS] * 4, 2), Devices().fabric())
    assert seen == [False] * 8


def convolved(execution: str = "") -> Run:
    """One step of a small network of convolutions."""
    torch.manual_seed(7)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 1, 3))
    images = torch.randn(2, 3, 8, 8)

    def squared(module: nn.Module, batch: Tensor) -> StepLoss:
        return StepLoss(module(batch).square().mean())

    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    created = Run(net, {"main": optimizer}, squared, lambda _: [images], 1)
    if execution:
        setattr(created, execution, True)
    return created


@pytest.mark.parametrize(
    "execution", ["channels_last", pytest.param("compile", marks=pytest.mark.slow)]
)
def test_a_step_computed_otherwise_is_the_same_step(execution: str) -> None:
    plain, other = convolved(), convolved(execution)
    ours, theirs = trained(other), trained(plain)
    assert ours.keys() == theirs.keys(), "no names of the compiler"
    loss = plain.history[0]["loss"]
    assert other.history[0]["loss"] == pytest.approx(loss, rel=1e-4)
    for name, value in theirs.items():
        scale = float(value.abs().max()) + 1e-3
        assert torch.allclose(ours[name].float(), value.float(), rtol=0, atol=1e-4 * scale)
    laid_out = other.network.get_parameter("0.weight")
    assert laid_out.is_contiguous(memory_format=torch.channels_last) == (execution != "compile")


def test_what_cannot_be_compiled_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.exc import TorchDynamoException

    def refusing(*_: object) -> Tensor:
        raise TorchDynamoException("no C++ compiler")

    created = convolved("compile")
    monkeypatch.setattr(created, "step", refusing)
    with pytest.raises(TrainingError, match=r"cannot compile.*no C\+\+ compiler.*compile=false"):
        trained(created)

"""What the trainings of all systems have in common: files, resuming, choosing, bad input."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from eyeline.errors import CheckpointError, RecipeError
from eyeline.training import checkpoint
from eyeline.training.checkpoint import CheckpointCard
from eyeline.training.devices import Devices
from eyeline.training.loop import LOG, STATE, StepLoss
from eyeline.training.task import BEST, REPORT
from tests.systems.ego_social import taught
from tests.systems.gaze_3d import shrunken
from tests.systems.gaze_anticipation import made_up
from tests.systems.gaze_following.detector import invented as images
from tests.systems.gaze_following.matching import invented as looks


@dataclass(frozen=True)
class Case:
    """A small training of a system, and what is special of it."""

    module: str
    builder: str
    recipe: Any
    data: Callable[[Path], object]
    """Fills a folder."""
    other: str
    """A change that makes it another run."""
    beside: tuple[str, ...] = ()
    """Files beside weights, log and report."""
    prepared: str = ""
    """Where in the folder the data set lies."""
    stops: tuple[tuple[int, str], ...] = ((2, "resuming after epoch 1 and 2 steps of 2"),)
    """Steps after the first epoch at which a run is stopped, and the line when it is resumed."""
    still: tuple[str, ...] = ("optimizer.learning_rate=1.0e-30", "training.statistics=frozen")
    """Changes with which the network does not move."""
    half: tuple[str, ...] = ()
    half_apart: float = 0.0
    """Most between the losses of half and single precision; 0: not trained so."""
    indivisible: int = 9
    """A batch that two processes cannot share; 0: they need not."""

    @property
    def task(self) -> Any:
        return importlib.import_module(f"eyeline.systems.{self.module}.train").TASK

    @property
    def weights(self) -> str:
        return f"{self.builder}.safetensors"


CASES = {
    "gaze_3d": Case(
        "gaze_3d",
        "gaze_from_afar",
        shrunken.TINY,
        lambda folder: shrunken.made_data(
            folder, sessions=2, test_sessions=1, cameras=1, frames=15, width_px=96
        ),
        "loss.concentration=published",
        ("concentration.svg", "errors_by_yaw.svg"),
        "data",
        still=(
            "optimizer.learning_rate=1.0e-30",
            "optimizer.concentration_learning_rate=1.0e-30",
            "training.statistics=frozen",
        ),
        half=("training.gradient_checkpointing=true", "training.frozen_blocks=1"),
        half_apart=0.2,
    ),
    "lam": Case(
        "ego_social",
        "lam_lstm",
        taught.SMALL["lam"],
        lambda folder: taught.taught(folder, 3, 2),
        "data.policy=is_at_me",
        ("gt.csv", "pred.csv"),
    ),
    "ttm": Case(
        "ego_social",
        "ttm",
        taught.SMALL["ttm"],
        lambda folder: taught.taught(folder, 3, 2),
        "data.policy=is_at_me",
        ("gt.csv", "pred.csv"),
        half_apart=0.3,
        indivisible=0,
    ),
    "csts": Case(
        "gaze_anticipation",
        "csts",
        made_up.SMALL,
        made_up.prepared,
        "data.with_audio=false",
        prepared="data",
        stops=(
            (-3, ""),
            (-1, "resuming after epoch 0 and 2 steps of 2"),
            (2, "resuming after epoch 1 and 2 steps of 2"),
        ),
        still=("optimizer.learning_rate=1.0e-30", "optimizer.final_learning_rate=1.0e-30"),
        half_apart=0.1,
        indivisible=3,
    ),
    "matcher": Case(
        "gaze_following.matching",
        "matcher",
        {
            "model": {"builder": "matcher", "width": 4},
            "training": {"epochs": 2, "batch_size": 64},
        },
        lambda folder: looks.write_folder(folder, videos=8, frames=8),
        "training.mute=0.5",
        stops=((2, "resuming after epoch 1 of 2"),),
        still=("optimizer.learning_rate=1.0e-30",),
    ),
    "mask_rcnn": Case(
        "gaze_following.detector",
        "mask_rcnn",
        {**images.TINY, "training": {**images.TINY["training"], "select": "box_AP"}},
        lambda folder: images.data_set(folder, train=[(128, 96)] * 6, validation=[(128, 96)] * 2),
        "optimizer.momentum=0.5",
        still=("optimizer.learning_rate=1.0e-30", "training.frozen_stages=4"),
        half_apart=0.3,
        indivisible=3,
    ),
}


@dataclass(frozen=True)
class Trained:
    """A run to its end."""

    case: Case
    data: Path
    out: Path
    report: dict[str, Any]

    def state(self, folder: Path | None = None) -> dict[str, torch.Tensor]:
        return checkpoint.load((folder or self.out) / self.case.weights)[1]

    def again(self, folder: Path, *changes: str, **options: Any) -> dict[str, Any]:
        """Another run, or the rest of one that was stopped."""
        case = self.case
        report: dict[str, Any] = case.task.run(
            case.recipe, self.data, folder, changes=changes, **options
        )
        return report


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    case: Case = request.param
    root = tmp_path_factory.mktemp("data")
    case.data(root)
    data, out = root / case.prepared, tmp_path_factory.mktemp("out") / "new" / "folder"
    return Trained(case, data, out, case.task.run(case.recipe, data, out))


def timeless(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{**entry, "seconds": 0} for entry in history]


def test_training_writes_weights_and_report(trained: Trained) -> None:
    case, created = trained.case, trained.report
    files = sorted(path.name for path in trained.out.iterdir())
    assert files == sorted([case.weights, LOG, REPORT, *case.beside])
    written = json.loads((trained.out / REPORT).read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(dict(created)))
    assert len(created["history"]) == 2 and created["memory"]["process_bytes"] > 1e8
    plan = case.task.read_recipe(case.recipe)
    card = checkpoint.read_card(trained.out / case.weights)
    assert (card.builder, card.recipe) == (case.builder, plan.as_dict())
    assert json.loads(json.dumps(plan.arguments)) == card.arguments
    assert card.scores["protocol"] == created["protocol"] and card.data == created["data"]
    assert created["began_at"] == {} and card.licence == "" and "began_at" not in card.settings
    assert all(value.isfinite().all() for value in trained.state().values())


def test_the_chosen_epoch_is_kept(trained: Trained) -> None:
    case, history = trained.case, trained.report["history"]
    selection = case.task.selection(case.task.read_recipe(case.recipe))
    best = (max if selection.largest else min)(history, key=lambda entry: entry[selection.score])
    chosen = {k: v for k, v in best.items() if k.startswith("validation_")}
    assert trained.report["chosen"] == chosen
    if case.builder != "mask_rcnn":  # its card has the scores of the report
        card = checkpoint.read_card(trained.out / case.weights)
        assert {k: card.scores[k] for k in chosen} == pytest.approx(chosen, abs=1e-4)


def stopping(trained: Trained, patch: pytest.MonkeyPatch, after: int, folder: Path) -> None:
    """Train, and stop after some steps."""

    class StoppedError(Exception):
        pass

    kind: Any = trained.case.task.step
    real, taken = kind.__call__, 0

    def counting(self: object, network: nn.Module, batch: object) -> StepLoss:
        nonlocal taken
        if taken == after:
            raise StoppedError
        taken += 1
        result: StepLoss = real(self, network, batch)
        return result

    with patch.context() as patched, pytest.raises(StoppedError):
        patched.setattr(kind, "__call__", counting)
        trained.again(folder)


def test_a_run_stopped_at_any_step_ends_like_one_that_was_not(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = trained.report["history"][0]["steps"]
    assert steps >= 3
    for after, line in trained.case.stops:
        folder, lines = tmp_path / str(after), list[str]()
        stopping(trained, monkeypatch, int(steps) + after, folder)
        assert (folder / STATE).exists() == bool(line) and (folder / BEST).exists() == (after > 0)
        if after > 0:
            with pytest.raises(CheckpointError, match="another recipe"):
                trained.again(folder, trained.case.other)
        resumed = trained.again(folder, progress=lines.append)
        assert lines[0] == line or not line
        assert timeless(resumed["history"]) == timeless(trained.report["history"])
        assert not (folder / STATE).exists() and not (folder / BEST).exists()
        ours, theirs = trained.state(folder), trained.state()
        assert all(torch.equal(ours[k], theirs[k]) for k in theirs)


def test_a_chosen_epoch_that_is_gone_is_not_replaced_by_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where measuring failed: nothing is lost, the next run measures again."""
    case = CASES["matcher"]
    (tmp_path / "data").mkdir()
    case.data(tmp_path / "data")
    run = partial(case.task.run, case.recipe, tmp_path / "data", tmp_path / "out")
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(case.task, "measure", lambda *_: 1 / 0)
        run()
    best = (tmp_path / "out" / BEST).read_bytes()
    (tmp_path / "out" / BEST).unlink()
    with pytest.raises(CheckpointError, match="no weights file"):
        run()
    (tmp_path / "out" / BEST).write_bytes(best)
    assert len(run()["history"]) == 2 and not (tmp_path / "out" / BEST).exists()


def test_training_begins_with_given_weights(trained: Trained, tmp_path: Path) -> None:
    given, lines = trained.out / trained.case.weights, list[str]()
    report = trained.again(
        tmp_path,
        "training.epochs=1",
        *trained.case.still,
        weights=given,
        progress=lines.append,
    )
    ours, theirs = trained.state(tmp_path), trained.state()
    moving = ("running_mean", "running_var", "num_batches_tracked")
    same = [k for k in theirs if trained.case.builder != "mask_rcnn" or not k.endswith(moving)]
    assert all(torch.allclose(ours[k], theirs[k], rtol=0, atol=1e-12) for k in same)
    assert lines[0] == f"{len(theirs)} tensors of {given.name} taken"
    assert report["began_at"]["file"] == given.name and len(report["began_at"]["sha256"]) == 64
    assert report["began_at"]["random"] == []
    card = checkpoint.read_card(tmp_path / given.name)
    assert card.settings["began_at"] == report["began_at"]


def test_half_precision_trains_the_same_way(trained: Trained, tmp_path: Path) -> None:
    if not trained.case.half_apart:
        pytest.skip("not trained so")
    devices, changes = Devices(precision="bf16-mixed"), ("training.epochs=1", *trained.case.half)
    report = trained.again(tmp_path, *changes, devices=devices)
    wide = trained.report["history"][0]["loss"]
    assert report["history"][0]["loss"] == pytest.approx(wide, abs=trained.case.half_apart)
    floats = {v.dtype for v in trained.state(tmp_path).values() if v.is_floating_point()}
    assert floats == {torch.float32}, "weights are kept in 32 bits"


def test_what_cannot_be_trained(trained: Trained, tmp_path: Path) -> None:
    task, size = trained.case.task, trained.case.indivisible
    if size:
        plan = task.read_recipe(trained.case.recipe, [f"training.batch_size={size}"])
        with pytest.raises(RecipeError, match=rf"{size} cannot be shared evenly by 2 devices"):
            task.new_run(plan, None, None, world=2)
    with pytest.raises(RecipeError, match="no recipe at"):
        task.run("absent", trained.data, tmp_path / "out")
    other = CheckpointCard("ego_social", "x", {})
    checkpoint.save(tmp_path / "w.safetensors", nn.Linear(1, 1).state_dict(), other)
    for name in ("none.safetensors", "w.safetensors"):
        with pytest.raises(CheckpointError):
            trained.again(tmp_path / "out", weights=tmp_path / name)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "select", "wanted"),
    [
        ("gaze_3d", "angle", ("validation_angle_deg", False)),
        ("gaze_3d", "concentration_loss", ("validation_concentration", False)),
        ("gaze_3d", "last", None),
        ("lam", "mAP", ("validation_mAP", True)),
        ("lam", "loss", ("validation_loss", False)),
        ("lam", "last", None),
        ("csts", "f1", ("validation_f1", True)),
        ("csts", "loss", ("validation_loss", False)),
        ("csts", "last", None),
        ("matcher", None, ("validation_loss", False)),
        ("mask_rcnn", "box_AP", ("validation_bbox_mAP", True)),
        ("mask_rcnn", "last", None),
    ],
)
def test_what_an_epoch_is_chosen_by(
    name: str, select: str | None, wanted: tuple[str, bool] | None
) -> None:
    task = CASES[name].task
    changes = [f"training.select={select}"] if select else []
    result = task.selection(task.read_recipe(CASES[name].recipe, changes))
    assert wanted == (result and (result.score, result.largest))

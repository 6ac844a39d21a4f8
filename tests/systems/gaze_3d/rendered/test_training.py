"""The networks learn rendered heads by heart, resume, and say in ONNX what they say in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from eyeline.errors import TrainingError
from eyeline.people import head_crops
from eyeline.synthetic.heads import dataset
from eyeline.systems.gaze_3d import train as training
from eyeline.systems.gaze_3d.rendered import data, loss, model, score, train
from eyeline.training import checkpoint
from tests.conftest import Command

HEADS = 16
QUICK = ("training.epochs=2", "training.batch_size=4", "model.width=4", "data.held_out=0.5")


@pytest.fixture(scope="session")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people of eight samples each."""
    from eyeline.errors import UsageError

    out = tmp_path_factory.mktemp("rendered") / "heads"
    try:
        dataset.run(out, seed=3, count=HEADS)
    except UsageError as error:
        pytest.skip(str(error))
    return out


def batch_of(samples: data.Samples, numbers: list[int]) -> dict[str, torch.Tensor]:
    return dict(torch.utils.data.default_collate([samples[n] for n in numbers]))


@pytest.mark.parametrize("builder", ["heads", "eyes"])
def test_four_samples_are_learned_by_heart(heads: Path, builder: str) -> None:
    torch.manual_seed(0)
    opened = data.open_heads(heads)
    task = train.TASKS[builder]
    if builder == "eyes":
        seen = (opened.labels["iris_seen"] > 0.5) & (opened.labels["opening"] > 0.1)
        opened = opened.subset(opened.labels["has_eyes"] & seen.all(1))
    assert len(opened) >= 4
    batch = batch_of(task.kind(opened, train=False), [0, 1, 2, 3])
    network = model.heads(width=8) if builder == "heads" else model.eyes(width=8)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    step = train.head_step if builder == "heads" else train.eye_step
    first = float("nan")
    for number in range(60):
        optimizer.zero_grad()
        result = step(network, batch)
        first = float(result.total.detach()) if not number else first
        result.total.backward()
        optimizer.step()
    if builder == "heads":
        outputs = network(batch["crop"])
        error = loss.rotation_angle(outputs.rotation, batch["rotation"])
        away = (outputs.landmarks - batch["landmarks"]).abs().mean()
        assert float(error.max().detach()) < np.radians(15) and float(away.detach()) < 0.05
    else:
        outputs = network(batch["crops"], batch["rotation"])
        error = loss.angle_between(outputs.gaze, batch["gaze"])
        assert float(error.max().detach()) < np.radians(8)
        assert float((outputs.iris - batch["iris"]).abs().mean().detach()) < 1.5
    assert float(result.total.detach()) < 0.5 * first


def test_a_mirror_changes_sides_and_nothing_else() -> None:
    order = data.MIRRORED_LANDMARKS
    assert [order[k] for k in order] == list(range(len(order)))
    assert order[0] == 16 and order[36] == 45 and order[30] == 30 and order[48] == 54
    turn = torch.linalg.qr(torch.randn(5, 3, 3))[0]
    assert torch.allclose(model.mirror(model.mirror(turn)), turn)
    assert torch.allclose(torch.linalg.det(model.mirror(turn)), torch.linalg.det(turn), atol=1e-5)


def test_eyes_in_a_mirror_keep_crops_and_change_sides(heads: Path) -> None:
    opened = data.with_eyes(data.open_heads(heads))
    plain = data.EyeSamples(opened, train=False)[0]
    once = data._mirrored(plain)
    assert once["gaze"] == pytest.approx(plain["gaze"] * [-1, 1])
    assert once["lids_seen"] == pytest.approx(plain["lids_seen"][::-1])
    assert np.array_equal(data._mirrored(once)["each"], plain["each"])


def test_iris_and_lids_lie_in_the_crop_where_the_eye_is(heads: Path) -> None:
    opened = data.with_eyes(data.open_heads(heads))
    for sample in (data.EyeSamples(opened, train=False)[k] for k in range(len(opened))):
        centre = sample["lids"].mean(1)
        assert np.abs(centre - [head_crops.EYE_W / 2, head_crops.EYE_H / 2]).max() < 20
        outer, inner = sample["lids"][:, 0], sample["lids"][:, 3]
        seen = sample["lids_seen"] > 0.9
        assert (inner[seen, 0] > outer[seen, 0]).all()


def test_epochs_differ_and_numbers_repeat(heads: Path) -> None:
    samples = data.HeadSamples(data.open_heads(heads), 1)
    assert np.array_equal(samples[2]["crop"], samples[2]["crop"])
    assert not np.array_equal(samples[2]["crop"], samples.again(2)[2]["crop"])


def test_people_are_on_one_side_only(heads: Path) -> None:
    trained, held = data.open_split(heads, 0.5)
    assert not set(trained.labels["person"]) & set(held.labels["person"])
    assert len(trained) + len(held) == HEADS


def test_rotations_are_rotations_and_angles_angles() -> None:
    turn = model.rotation_of(torch.randn(50, 6) * 3)
    assert torch.allclose(turn @ turn.transpose(1, 2), torch.eye(3).expand(50, 3, 3), atol=1e-4)
    assert torch.allclose(torch.linalg.det(turn), torch.ones(50), atol=1e-4)
    angles = torch.tensor([0.3, 1.2, 2.9])
    about = torch.stack(
        [
            torch.tensor([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
            for a in angles.numpy()
        ]
    ).float()
    assert loss.rotation_angle(about, torch.eye(3).expand(3, 3, 3)).numpy() == pytest.approx(
        angles.numpy(), abs=0.01
    )


@pytest.mark.parametrize("builder", ["heads", "eyes"])
def test_a_stopped_training_is_resumed(
    heads: Path, tmp_path: Path, builder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = f"rendered_{builder}"
    sections = {"training": {"epochs": 2, "batch_size": 4}, "data": {"held_out": 0.5}}
    sections["model"] = {"builder": builder, "width": 4}
    whole = training.run(sections, heads, tmp_path / "whole")
    calls = 0

    def failing(network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> object:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise TrainingError("stopped")
        return before(network, batch)

    name = "head_step" if builder == "heads" else "eye_step"
    before = getattr(train, name)
    with monkeypatch.context() as patch:
        patch.setattr(train, name, failing)
        with pytest.raises(TrainingError, match="stopped"):
            training.run(sections, heads, tmp_path / "stopped")
    resumed = training.run(sections, heads, tmp_path / "stopped")
    assert resumed["history"][-1]["loss"] == pytest.approx(whole["history"][-1]["loss"], rel=1e-3)
    card = checkpoint.read_card(tmp_path / "stopped" / f"{builder}.safetensors")
    assert card.builder == builder and card.data["held_out_people"] == 1
    assert card.settings["stated_factor"] > 0
    assert recipe in {p.stem for p in train.read_recipe.folder.glob("*.yaml")}


def test_the_command_trains_a_recipe(heads: Path, eyeline: Command, tmp_path: Path) -> None:
    changes = [part for change in QUICK for part in ("--set", change)]
    done = eyeline(
        "train", "gaze_3d/rendered_heads", "--data", heads, "-o", tmp_path / "out", *changes
    )
    assert done.code == 0, done.err
    assert '"by_facing"' in done.out and (tmp_path / "out/heads.safetensors").is_file()


def test_stated_errors_are_scaled_to_the_mean() -> None:
    error, log_error = np.array([0.1, 0.3]), np.log([0.1, 0.1])
    assert score.stated_factor(error, log_error) == pytest.approx(2.0)


def test_the_benchmark_counts_every_render(heads: Path) -> None:
    from benchmarks.rendered_heads import hits

    table, box = hits(data.open_heads(heads), HEADS)
    assert sum(row["count"] for row in table) == HEADS == len(box)
    found = sum(row["count"] * row["found"] for row in table)
    assert found == pytest.approx(sum(b is not None for b in box), abs=0.1) and found > 0

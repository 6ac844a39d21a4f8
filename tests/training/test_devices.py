"""What was asked for, or an error."""

from __future__ import annotations

import pytest
import torch

from eyeline.cli.console import rank
from eyeline.errors import UsageError
from eyeline.training.devices import Devices, check_device, most_memory
from tests.refusals import refuses


def test_the_cpu_is_always_there() -> None:
    assert check_device("cpu") == torch.device("cpu")
    assert Devices().fabric().device == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "", "CPU "])
def test_a_name_of_no_device(name: str) -> None:
    refuses(UsageError, "there are cpu, cuda", lambda: check_device(name))


def test_a_device_that_is_not_there_is_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refuses(UsageError, "it has 0 CUDA devices", lambda: Devices("cuda"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert check_device("cuda:1") == torch.device("cuda:1")
    refuses(UsageError, "it has 2 CUDA devices", lambda: check_device("cuda:2"))
    refuses(UsageError, "this machine has 2", lambda: Devices("cuda", count=3))


@pytest.mark.parametrize(
    ("given", "message"),
    [({"precision": "8"}, "no precision '8'"), ({"count": 0}, "at least one")],
)
def test_other_choices(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Devices(**given)  # type: ignore[arg-type]


def test_processes_of_torchrun_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines of two processes."""
    known = {"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}
    for name, value in {**known, "RANK": "2", "LOCAL_RANK": "0", "GROUP_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert Devices("cuda", count=4).count == 4
    refuses(UsageError, "torchrun began 4 processes; give --devices 4", lambda: Devices(count=2))
    assert rank() == 2


def test_processes_within_a_job_of_slurm_are_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SLURM_NTASKS": "1",
        "SLURM_JOB_NAME": "train",
        "SLURM_PROCID": "0",
    }.items():
        monkeypatch.setenv(name, value)
    fabric = Devices(count=2).fabric()
    assert fabric.world_size == 2
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "4")
    refuses(UsageError, "and the others by torchrun", lambda: Devices(count=2))


def test_the_most_memory_at_once_never_falls() -> None:
    before = most_memory(Devices().fabric())
    assert before.keys() == {"process_bytes"}
    kept = bytearray(2**26)
    kept[:: 2**12] = b"\1" * (2**14)  # so that it is there
    after = most_memory(Devices().fabric())["process_bytes"]
    assert after >= max(before["process_bytes"], 2**26)

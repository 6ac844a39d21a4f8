"""What was asked for, or an error."""

from __future__ import annotations

import pytest
import torch

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


def test_the_most_memory_at_once_never_falls() -> None:
    before = most_memory(Devices().fabric())
    assert before.keys() == {"process_bytes"}
    kept = bytearray(2**26)
    kept[:: 2**12] = b"\1" * (2**14)  # so that it is there
    after = most_memory(Devices().fabric())["process_bytes"]
    assert after >= max(before["process_bytes"], 2**26)

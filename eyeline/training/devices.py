"""The device that was asked for, or an error: never another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eyeline.errors import UsageError
from eyeline.processes import most_bytes

if TYPE_CHECKING:
    import torch
    from lightning_fabric import Fabric

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
"""Arithmetic of training; weights are always kept in 32 bits."""


@dataclass(frozen=True)
class Devices:
    """Where training, or the evaluation of weights, runs."""

    device: str = "cpu"
    """`cpu` or `cuda`."""
    count: int = 1
    """Processes on all machines, one a device; more than one trains by DDP, or shares what is
    evaluated. On several machines torchrun begins them."""
    precision: str = "32-true"
    """One of `PRECISIONS`."""

    def __post_init__(self) -> None:
        """Check that all of it is there; UsageError says what is not."""
        check_device(self.device)
        if self.precision not in PRECISIONS:
            raise UsageError(f"no precision '{self.precision}'; there are {', '.join(PRECISIONS)}")
        if self.count > 1 and ":" in self.device:
            raise UsageError(
                f"--device is {self.device} and --devices is {self.count}; several devices are "
                "named by their kind alone: cpu or cuda"
            )
        if self.count < 1:
            raise UsageError(f"--devices {self.count}: at least one is needed")
        world, here = _of_torchrun()
        if world and world != self.count:
            raise UsageError(
                f"--devices is {self.count} and torchrun began {world} processes; give "
                f"--devices {world}, or leave out torchrun"
            )
        if self.count > 1 and not world and os.environ.get("SLURM_STEP_NUM_TASKS", "1") != "1":
            raise UsageError(
                f"--devices is {self.count} and srun began several processes of this command; "
                "let it begin one a machine (--ntasks-per-node=1), and the others by torchrun"
            )
        if self.device == "cuda":
            import torch

            have = torch.cuda.device_count()
            if (here or self.count) > have:
                raise UsageError(f"--devices {self.count}: this machine has {have} CUDA devices")

    def fabric(self) -> Fabric:
        """A Fabric over these devices, not launched yet."""
        from lightning_fabric import Fabric
        from lightning_fabric.plugins.environments.lightning import LightningEnvironment

        _, here = _of_torchrun()
        return Fabric(
            accelerator=self.device,
            devices=here or self.count,
            num_nodes=self.count // here if here else 1,
            strategy="ddp" if self.count > 1 else "auto",
            precision=self.precision,  # type: ignore[arg-type]
            # or within a job of SLURM it would wait for processes that SLURM is to begin
            plugins=None if here else LightningEnvironment(),
        )


def _of_torchrun() -> tuple[int, int]:
    """Processes that torchrun began in all, and on this machine; zeros without it."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return 0, 0
    return int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])


def check_device(name: str) -> torch.device:
    """The torch device of a name.

    Raises:
        UsageError: a name of no device, or of one that is not there.
    """
    import torch

    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
        raise UsageError(f"no device '{name}'; there are cpu, cuda and cuda:N")
    if kind == "cuda":
        have = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(number or 0) >= have:
            raise UsageError(f"no device '{name}' on this machine: it has {have} CUDA devices")
    return torch.device(name)


def most_memory(fabric: Fabric) -> dict[str, int | None]:
    """Most bytes at once of this process, and on its device."""
    import torch

    used = {"process_bytes": most_bytes()}
    if fabric.device.type == "cuda":
        used["device_bytes"] = torch.cuda.max_memory_allocated(fabric.device)
    return used


THREADS = 2
"""Threads of a network that gives answers, unless told otherwise."""


@contextmanager
def for_answers(threads: int = THREADS) -> Iterator[None]:
    """No gradients, so many threads, and no shortened products on CUDA; then all as it was."""
    import torch

    with (
        on_threads(threads),
        torch.inference_mode(),
        torch.backends.cudnn.flags(allow_tf32=False),
    ):
        yield


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Let torch use so many threads for a while."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)

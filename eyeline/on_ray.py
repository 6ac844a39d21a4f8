"""Tasks of a Ray cluster: what `processes.side_by_side` does, on many machines.

The cluster is the one that this program is connected to, else that of the environment variable
RAY_ADDRESS, else one of this machine alone. All machines must see the same files under the same
paths and have this eyeline installed.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from eyeline.errors import EyelineError, UsageError
from eyeline.extras import needed_by
from eyeline.processes import RETRIES, Report, completed, cores, death

Result = TypeVar("Result")

PAUSE_S = 3.0
"""Before work is begun anew: so long a process may outlive its machine's Ray and hold its locks."""
STOP_S = 20.0
"""Time that tasks get to clean up after Ctrl-C."""
_LOOK_S = 5.0
"""How often it is checked that some machine can still do what is left."""
_KNOCK_S = 10.0
_QUEUED = 1000
"""Tasks that Ray knows at once: its bookkeeping grows with them."""
_OBJECTS_BYTES = 100_000_000
"""Ray's store on this machine: little more than arguments and results passes through it."""


class Needs(NamedTuple):
    """What each task reserves on a machine."""

    cpus: float = 1
    gpus: float = 0


def spread(
    work: Callable[..., Result],
    arguments: Sequence[tuple[Any, ...]],
    needs: Needs,
    jobs: int | None = None,
    begin: Callable[[], None] | None = None,
    lost: Callable[..., Result] | None = None,
) -> Iterator[Result]:
    """Results of tasks as they are finished, as of `pool.spread`.

    What died with its process or its machine is begun anew, `RETRIES` times.
    """
    ray = connected(jobs, needs)
    _check_capacity(ray, needs)
    task = ray.remote(
        num_cpus=needs.cpus,
        num_gpus=needs.gpus,
        max_retries=0,
        name=getattr(work, "__name__", "work"),
    )(_task)
    given, here = ray.put((work, begin)), str(Path.cwd())  # networks in it travel once a machine
    waiting = deque((each, 0) for each in arguments)
    pending: dict[Any, tuple[tuple[Any, ...], int]] = {}
    try:
        while waiting or pending:
            while waiting and len(pending) < _QUEUED:
                each, deaths = waiting.popleft()
                pending[task.remote(given, here, each, PAUSE_S * bool(deaths))] = each, deaths
            done, _ = ray.wait(list(pending), timeout=_LOOK_S)
            if not done:
                _check_capacity(ray, needs)
            for reference in done:
                each, deaths = pending.pop(reference)
                fault, report = _fetched(ray, reference)
                if report is not None:
                    yield report.result()
                elif isinstance(fault, ray.exceptions.RayError) and deaths < RETRIES:
                    waiting.append((each, deaths + 1))
                else:
                    yield _given_up(fault, each, lost)
    finally:
        _cancel(ray, list(pending))


def _task(
    given: tuple[Callable[..., Any], Callable[[], None] | None],
    folder: str,
    arguments: tuple[Any, ...],
    pause_s: float,
) -> Report[Any]:
    """On whichever machine: work in the folder that relative paths start from."""
    work, begin = given
    time.sleep(pause_s)
    try:
        os.chdir(folder)
    except OSError as error:
        raise EyelineError(
            f"a machine of the cluster cannot see {folder} ({error.strerror}); "
            "ray needs files that all machines share"
        ) from None
    if begin:
        begin()
    return completed(work, arguments)


def _fetched(ray: Any, reference: Any) -> tuple[Exception, Report[Any] | None]:
    """How a task ended: its report, or why there is none."""
    try:
        return EyelineError(), ray.get(reference)
    except ray.exceptions.RayTaskError as error:  # it never began, or its result cannot be sent
        return error.cause if isinstance(error.cause, Exception) else EyelineError(str(error)), None
    except ray.exceptions.RayError as error:
        return error, None


def _given_up(fault: Exception, each: tuple[Any, ...], lost: Callable[..., Result] | None) -> Any:
    from ray.exceptions import RayError

    error = death(type(fault).__name__) if isinstance(fault, RayError) else fault
    if lost is None:
        raise error
    return lost(error, *each)


def _check_capacity(ray: Any, needs: Needs) -> None:
    """UsageError where no machine could ever do a task: Ray itself would wait for one."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    has = [Needs(node.get("CPU", 0), node.get("GPU", 0)) for node in nodes]
    if any(n.cpus >= needs.cpus and n.gpus >= needs.gpus for n in has):
        return
    known = "; ".join(sorted({f"{n.cpus:g} CPUs and {n.gpus:g} GPUs" for n in has})) or "none"
    raise UsageError(
        f"a task asks for {needs.cpus:g} CPUs and {needs.gpus:g} GPUs, and no machine of the "
        f"cluster has as many (they have: {known}); ask for less by --task-cpus and --task-gpus"
    )


def _cancel(ray: Any, pending: list[Any]) -> None:
    """End tasks as Ctrl-C does, and wait until they have removed what was half done."""
    for task in pending:
        ray.cancel(task)
    if pending:
        ray.wait(pending, num_returns=len(pending), timeout=STOP_S)


def is_connected() -> bool:
    """Whether this program uses a cluster already."""
    ray = sys.modules.get("ray")
    return ray is not None and bool(ray.is_initialized())


def disconnect() -> None:
    """Leave the cluster; one of this machine alone ends."""
    sys.modules["ray"].shutdown()


def connected(jobs: int | None = None, needs: Needs | None = None) -> Any:
    """The module `ray`, connected.

    Raises:
        UsageError: ray is not installed, or no cluster answers at RAY_ADDRESS.
    """
    # no usage report is sent unless the user has asked for it
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # ray warns that it will leave the GPUs visible one day; until then as it will be
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    with needed_by("--engine ray"):
        import ray
    if ray.is_initialized():
        return ray
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    address = os.environ.get("RAY_ADDRESS")
    try:
        if address:
            _knock(address)
            ray.init(address, **quiet)
        else:
            ray.init(
                "local",
                num_cpus=_local_cpus(jobs, needs or Needs()),
                object_store_memory=_OBJECTS_BYTES,
                include_dashboard=False,
                **quiet,
            )
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"ray cannot start or reach '{address or 'local'}': {reason}") from None
    return ray


def _local_cpus(jobs: int | None, needs: Needs) -> int:
    """Processors that Ray takes this machine to have, so that `jobs` tasks run at a time."""
    return cores() if jobs is None or needs.cpus > cores() else max(1, math.ceil(jobs * needs.cpus))


def _knock(address: str) -> None:
    """OSError where nobody listens at `host:port`; Ray itself would try for two minutes."""
    import socket

    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_S).close()

"""Many videos at the same time: in processes of this machine, or as tasks of Ray.

Either way one video is one task, done by `attempt`, which leaves nothing half done behind; the
outcomes come in the order in which the videos are finished.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from eyeline import processes
from eyeline.analysis import Progress
from eyeline.errors import EyelineError, UsageError
from eyeline.extras import needed_by
from eyeline.jobs import Outcome, analyze_into, finished, sweep_folder, unforeseen
from eyeline.plan import Job
from eyeline.processes import RETRIES
from eyeline.settings import Settings

_STOP_S = 20.0
"""Time that tasks get to clean up after Ctrl-C."""
_KNOCK_S = 10.0
_OBJECTS_BYTES = 100_000_000
"""Ray's store on this machine: paths and outcomes are all that passes through it."""


def attempt(job: Job, settings: Settings, again: bool, progress: Progress | None = None) -> Outcome:
    """One job; whatever goes wrong becomes its outcome, so that the other jobs go on."""
    try:
        own = _of(job, settings)
        with needed_by("this analysis"):
            return analyze_into(job.video, job.folder, own, progress, again=again, name=job.name)
    except EyelineError as error:
        return _failed(job, str(error))
    except Exception as error:  # noqa: BLE001 one video's fault is its own
        return _failed(job, unforeseen(job, error))


def _of(job: Job, settings: Settings) -> Settings:
    """The settings of all jobs with the parts of one."""
    return replace(settings, parts=job.parts) if job.parts else settings


def _failed(job: Job, message: str) -> Outcome:
    return Outcome(job.video, job.folder, "failed", message)


def one_by_one(
    planned: Sequence[Job],
    settings: Settings,
    again: bool,
    watched: Callable[[Job], AbstractContextManager[Progress]],
) -> Iterator[Outcome]:
    """Do jobs in this process, in order.

    Args:
        planned: the jobs.
        settings: of all of them.
        again: replace results of other settings.
        watched: a context for each job, which gives what is called as it goes.
    """
    done, left = _sorted_out(planned, settings, again)
    yield from done
    for job in left:
        with watched(job) as progress:
            outcome = attempt(job, settings, again, progress)
        yield outcome


def side_by_side(
    planned: Sequence[Job], settings: Settings, again: bool, jobs: int
) -> Iterator[Outcome]:
    """Do jobs in processes of this machine; a video whose process dies is begun anew.

    Args:
        planned: the jobs.
        settings: of all of them.
        again: replace results of other settings.
        jobs: how many at the same time.

    Raises:
        EyelineError: processes cannot begin.
    """
    done, left = _sorted_out(planned, settings, again)
    yield from done
    work = [(job, settings, again) for job in left]
    try:
        yield from processes.side_by_side(attempt, work, jobs, lost=_lost)
    finally:
        for job in left:
            sweep_folder(job.folder)


def _sorted_out(
    planned: Sequence[Job], settings: Settings, again: bool
) -> tuple[list[Outcome], list[Job]]:
    """Outcomes of jobs that were done before, and the jobs that are left."""
    before = [] if again else [job for job in planned if finished(job, _of(job, settings))]
    done = [Outcome(job.video, job.folder, "finished before") for job in before]
    there = set(before)
    return done, [job for job in planned if job not in there]


def _lost(job: Job, *_: object) -> Outcome:
    return _failed(job, _died(job, "its process was killed"))


def _died(job: Job, how: str) -> str:
    return (
        f"{job.video}: whatever worked on it died {RETRIES + 1} times ({how}), "
        "perhaps for want of memory; fewer --jobs take less"
    )


def on_ray(planned: Sequence[Job], settings: Settings, again: bool, jobs: int) -> Iterator[Outcome]:
    """Do jobs as tasks of Ray, one CPU each.

    The cluster is the one that this program is connected to, else that of the environment variable
    RAY_ADDRESS, else one of this machine alone that ends with the work. All machines must see the
    same files under the same paths and have this eyeline installed. A video whose worker dies is
    begun anew.

    Args:
        planned: the jobs.
        settings: of all of them.
        again: replace results of other settings.
        jobs: how many at the same time, where the cluster is of this machine alone.

    Raises:
        UsageError: ray is not installed, or no cluster answers at RAY_ADDRESS.
    """
    done, left = _sorted_out(planned, settings, again)
    yield from done
    if not left:
        return
    with _cluster(jobs) as ray:
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(_attempt_in)
        here = str(Path.cwd())
        pending = {task.remote(here, job, settings, again): job for job in left}
        try:
            while pending:
                (done,), _ = ray.wait(list(pending), num_returns=1)
                yield _outcome(ray, done, pending.pop(done))
        finally:
            _cancel(ray, list(pending))


def _attempt_in(folder: str, job: Job, settings: Settings, again: bool) -> Outcome:
    """`attempt` in the folder that relative paths start from, on whichever machine."""
    try:
        os.chdir(folder)
    except OSError as error:
        return _failed(
            job,
            f"{job.video}: a machine of the cluster cannot see {folder} ({error.strerror}); "
            "ray needs files that all machines share",
        )
    return attempt(job, settings, again)


def _outcome(ray: Any, done: Any, job: Job) -> Outcome:
    try:
        outcome: Outcome = ray.get(done)
    except ray.exceptions.RayTaskError as error:  # `attempt` itself has failed, or never began
        return _failed(job, unforeseen(job, error))
    except ray.exceptions.RayError as error:
        return _failed(job, _died(job, type(error).__name__))
    return outcome


def _cancel(ray: Any, pending: list[Any]) -> None:
    """End tasks as Ctrl-C does, and wait until they have removed what was half done."""
    for task in pending:
        ray.cancel(task)
    if pending:
        ray.wait(pending, num_returns=len(pending), timeout=_STOP_S)


@contextmanager
def _cluster(jobs: int) -> Iterator[Any]:
    """The module `ray`, connected; what is started here is ended again."""
    # nothing is told to anybody unless the user has asked for it
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # ray warns that it will leave the GPUs visible one day; until then as it will be
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    with needed_by("--engine ray"):
        import ray

    ours = not ray.is_initialized()
    if ours:
        _connect(ray, jobs)
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()


def _connect(ray: Any, jobs: int) -> None:
    quiet = {"ignore_reinit_error": True, "log_to_driver": False, "logging_level": "error"}
    address = os.environ.get("RAY_ADDRESS")
    try:
        if address:
            _knock(address)
            ray.init(address, **quiet)
        else:
            ray.init(
                "local",
                num_cpus=jobs,
                object_store_memory=_OBJECTS_BYTES,
                include_dashboard=False,
                **quiet,
            )
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"ray cannot start or reach '{address or 'local'}': {reason}") from None


def _knock(address: str) -> None:
    """OSError where nobody listens at `host:port`; Ray itself would try for two minutes."""
    import socket

    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_S).close()

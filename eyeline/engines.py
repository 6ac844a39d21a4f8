"""Many videos, one after the other or side by side.

One video is one task, done by `attempt`, which leaves nothing half done behind; the outcomes come
in the order in which the videos are finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from eyeline import pool
from eyeline.analysis import Progress
from eyeline.delivery import deliver
from eyeline.errors import EyelineError
from eyeline.extras import needed_by
from eyeline.jobs import Outcome, finished, sweep_folder, unforeseen
from eyeline.plan import Job
from eyeline.settings import Settings

_ASKED = 16
"""Remote files that are asked for at the same time."""


def attempt(job: Job, settings: Settings, again: bool, progress: Progress | None = None) -> Outcome:
    """One job; whatever goes wrong becomes its outcome, so that the other jobs go on."""
    try:
        own = _of(job, settings)
        with needed_by("this analysis"):
            return deliver(job, own, progress, again=again)
    except EyelineError as error:
        return _failed(job, str(error))
    except Exception as error:  # noqa: BLE001 one video's fault is its own
        return _failed(job, unforeseen(job, error))


def _of(job: Job, settings: Settings) -> Settings:
    """The settings of all jobs with the parts of one."""
    return replace(settings, parts=job.parts) if job.parts else settings


def _failed(job: Job, message: str) -> Outcome:
    return Outcome(job.video, _place(job), "failed", message)


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
    done, left = sorted_out(planned, settings, again)
    yield from done
    for job in left:
        with watched(job) as progress:
            outcome = attempt(job, settings, again, progress)
        yield outcome


def side_by_side(
    planned: Sequence[Job], settings: Settings, again: bool, jobs: int
) -> Iterator[Outcome]:
    """Do jobs as `pool.spread` does; a video whose process dies is begun anew.

    Args:
        planned: the jobs.
        settings: of all of them.
        again: replace results of other settings.
        jobs: how many at the same time.

    Raises:
        UsageError: of Ray, as of `pool.spread`.
        EyelineError: processes cannot begin.
    """
    done, left = sorted_out(planned, settings, again)
    yield from done
    work = [(job, settings, again) for job in left]
    try:
        yield from pool.spread(attempt, work, jobs, lost=_lost)
    finally:
        for job in left:
            sweep_folder(job.folder)


def sorted_out(
    planned: Sequence[Job], settings: Settings, again: bool
) -> tuple[list[Outcome], list[Job]]:
    """Outcomes of jobs that were done before, and the jobs that are left."""
    before = [] if again else _finished(planned, settings)
    done = [Outcome(job.video, _place(job), "finished before") for job in before]
    there = set(before)
    return done, [job for job in planned if job not in there]


def _finished(planned: Sequence[Job], settings: Settings) -> list[Job]:
    """Jobs that were done before, by the catalogue of the folder that their results share.

    What is remote is asked for, several at a time.
    """
    from eyeline.export.catalogue import Catalogue

    remote = [job for job in planned if job.address or job.target]
    local = [job for job in planned if not (job.address or job.target)]
    catalogues = {root: Catalogue(root) for root in {job.root for job in local} if root.is_dir()}
    done = {job for job in local if finished(job, _of(job, settings), catalogues.get(job.root))}
    for catalogue in catalogues.values():
        catalogue.save()
    with ThreadPoolExecutor(_ASKED) as threads:
        there = threads.map(lambda job: finished(job, _of(job, settings)), remote)
        done |= {job for job, is_done in zip(remote, there, strict=True) if is_done}
    return [job for job in planned if job in done]


def _place(job: Job) -> Path:
    """Of its results, as messages show it."""
    return Path(job.target or job.folder)


def _lost(error: Exception, job: Job, *_: object) -> Outcome:
    if isinstance(error, EyelineError):
        return _failed(job, f"{job.video}: {error}")
    return _failed(job, unforeseen(job, error))

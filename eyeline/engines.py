"""Many videos, one after the other or side by side.

One video is one task, done by `attempt`, which leaves nothing half done behind; the outcomes come
in the order in which the videos are finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from eyeline import pool
from eyeline.analysis import Progress
from eyeline.errors import EyelineError
from eyeline.extras import needed_by
from eyeline.jobs import Outcome, analyze_into, finished, sweep_folder, unforeseen
from eyeline.plan import Job
from eyeline.settings import Settings


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
    done, left = _sorted_out(planned, settings, again)
    yield from done
    work = [(job, settings, again) for job in left]
    try:
        yield from pool.spread(attempt, work, jobs, lost=_lost)
    finally:
        for job in left:
            sweep_folder(job.folder)


def _sorted_out(
    planned: Sequence[Job], settings: Settings, again: bool
) -> tuple[list[Outcome], list[Job]]:
    """Outcomes of jobs that were done before, and the jobs that are left."""
    before = [] if again else _finished(planned, settings)
    done = [Outcome(job.video, job.folder, "finished before") for job in before]
    there = set(before)
    return done, [job for job in planned if job not in there]


def _finished(planned: Sequence[Job], settings: Settings) -> list[Job]:
    """Jobs that were done before, by the catalogue of the folder that their results share."""
    from eyeline.export.catalogue import Catalogue

    roots = {job.root for job in planned}
    catalogues = {root: Catalogue(root) for root in roots if root.is_dir()}
    done = [job for job in planned if finished(job, _of(job, settings), catalogues.get(job.root))]
    for catalogue in catalogues.values():
        catalogue.save()
    return done


def _lost(error: Exception, job: Job, *_: object) -> Outcome:
    if isinstance(error, EyelineError):
        return _failed(job, f"{job.video}: {error}")
    return _failed(job, unforeseen(job, error))

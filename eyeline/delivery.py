"""One job from wherever its video lies to wherever its results belong."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from eyeline.analysis import Progress
from eyeline.errors import DataError, EyelineError, OutputError
from eyeline.export.files import CORRECTED, CORRECTIONS, INDEX
from eyeline.export.index import read_index
from eyeline.files import clear, lock_of, locked
from eyeline.jobs import (
    Outcome,
    Source,
    analyze_into,
    finished,
    own_version,
    results_of,
    same_or_refuse,
)
from eyeline.plan import Job
from eyeline.remote.results import RemoteFolder, staged
from eyeline.remote.videos import stand_in
from eyeline.settings import Settings, fingerprint


def deliver(
    job: Job, settings: Settings, progress: Progress | None = None, *, again: bool = False
) -> Outcome:
    """Analyse a job's video into its folder, on this machine or elsewhere, unless that is done.

    Results for elsewhere are made in a folder of this machine, which is removed once they are
    there whole; until then the same command brings them there without a new analysis.

    Raises:
        EyelineError: as of `analyze_into`, or what is elsewhere cannot be reached.
    """
    if job.address:
        stand_in(job.address)
    if not job.target:
        return analyze_into(job.video, job.folder, settings, progress, again=again, name=job.name)
    here = replace(job, folder=staged(job.target), target="")
    place = here.folder
    try:
        with locked(lock_of(place.with_name(f"{place.name}.upload")), tidy=True) as mine:
            if not mine:
                text = "another process is working on it"
                return Outcome(job.video, Path(job.target), "in work elsewhere", text)
            return _deliver(job, here, settings, progress, again)
    except OSError as error:
        raise OutputError(f"{place} cannot be written: {error.strerror or error}") from None


def _deliver(
    job: Job, here: Job, settings: Settings, progress: Progress | None, again: bool
) -> Outcome:
    target, there = RemoteFolder(job.target), Path(job.target)
    before = _index_of(job)
    if before and not again:
        mark = fingerprint(settings, Source.of(job.video).sha256, own_version())
        with results_of(job) as folder:
            same_or_refuse(folder, mark, settings, str(there))
        return Outcome(job.video, there, "finished before")
    listed = {str(entry["name"]) for entry in before.get("files", ())}
    target.begin(lambda name: name in listed or name == INDEX or _is_correction(name))
    if here.folder.exists() and not finished(here, settings):
        clear(here.folder)
    try:
        outcome = analyze_into(job.video, here.folder, settings, progress, name=job.name)
    except EyelineError:
        target.abandon()
        raise
    try:
        target.upload(here.folder, INDEX, listed)
    except OutputError as error:
        raise OutputError(
            f"{error}. The results are kept in {here.folder}; the same command brings them there"
        ) from None
    shutil.rmtree(here.folder, ignore_errors=True)
    return replace(outcome, folder=there)


def _index_of(job: Job) -> Mapping[str, Any]:
    """The index of the results that are there; empty where there are none."""
    with results_of(job) as folder:
        if not (folder / INDEX).exists():
            return {}
        try:
            return read_index(folder)
        except DataError as error:
            raise DataError(str(error).replace(str(folder), job.target)) from None


def _is_correction(name: str) -> bool:
    """Kept by whoever replaces results."""
    return name == CORRECTIONS or name.partition("/")[0] == CORRECTED

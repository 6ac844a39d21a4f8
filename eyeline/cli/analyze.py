"""`analyze` and `demo`: videos in, a folder of results for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from eyeline.cli.console import (
    DONE,
    ENGINE,
    SOME_FAILED,
    STOPPED,
    TASK_CPUS,
    TASK_GPUS,
    app,
    complain,
    err_console,
    out_console,
    say,
)
from eyeline.errors import UsageError, VideoError
from eyeline.export.exporters import COVERABLE, FORMATS, KINDS, VOICES
from eyeline.people.methods import DETECTORS, TRACKERS
from eyeline.remote.address import is_remote, redacted
from eyeline.remote.cache import LIMIT_GB, USUAL_GB
from eyeline.speech.methods import SPEAKERS, default_speaker

if TYPE_CHECKING:
    from eyeline.jobs import Outcome
    from eyeline.parts import Span
    from eyeline.plan import Job
    from eyeline.pool import Engine
    from eyeline.sessions import Camera
    from eyeline.settings import Settings


@app.command()
def analyze(
    videos: Annotated[
        list[str],
        typer.Argument(
            help="Videos, folders of videos, or patterns in quotes; s3://, gs:// and https:// too."
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            "-o", "--out", help="Folder for the results, one folder a video; s3:// and gs:// too."
        ),
    ],
    systems: Annotated[
        str,
        typer.Option(
            help="Systems to run, comma-separated, as NAME or NAME/BUILDER; "
            "all that fit by default."
        ),
    ] = "",
    rate: Annotated[
        float | None, typer.Option(help="Analysed frames a second; all frames by default.")
    ] = None,
    ego: Annotated[bool, typer.Option("--ego", help="The camera is worn on the head.")] = False,
    fov: Annotated[
        float | None, typer.Option(help="Field of view along the longer side, degrees.")
    ] = None,
    intrinsics: Annotated[str, typer.Option(help="fx,fy,cx,cy in pixels, instead of --fov.")] = "",
    video_track: Annotated[
        int | None,
        typer.Option(help="Video track, counted from 1; that of a player by default."),
    ] = None,
    audio_track: Annotated[
        int | None,
        typer.Option(
            help="Audio track, counted from 1; that of a player by default, unless it is silent."
        ),
    ] = None,
    from_: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="Where the part to analyse begins: seconds, m:ss or h:mm:ss; again for each part.",
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            help="Where it ends, on the clock of the video or its session; again for each."
        ),
    ] = None,
    spans: Annotated[
        Path | None,
        typer.Option(help="CSV file of parts: columns name, from, to, perhaps video."),
    ] = None,
    offset: Annotated[
        list[str] | None,
        typer.Option(
            help="VIDEO=SECONDS: when this camera of a session begins on the clock of the first "
            "video; again for each."
        ),
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Find the offsets of a session's cameras by their audio.")
    ] = False,
    turn: Annotated[
        int | None,
        typer.Option(help="Turn the frames clockwise by 0, 90, 180 or 270 degrees."),
    ] = None,
    boxes: Annotated[
        str | None, typer.Option(help="Face boxes or tracks: MOT text or a people.parquet.")
    ] = None,
    bodies: Annotated[
        str | None,
        typer.Option(help="Boxes of whole persons, from any side, in the same formats."),
    ] = None,
    detector: Annotated[
        str,
        typer.Option(
            help=f"How to find faces: {', '.join(entry.about for entry in DETECTORS.values())}."
        ),
    ] = next(iter(DETECTORS)),
    detector_weights: Annotated[
        str | None,
        typer.Option(help="For persons: weights file, or torchvision's name to download."),
    ] = None,
    tracker: Annotated[
        str,
        typer.Option(
            help=f"How to follow them: {', '.join(entry.about for entry in TRACKERS.values())}."
        ),
    ] = next(iter(TRACKERS)),
    iou: Annotated[
        float | None,
        typer.Option(
            help="For iou: a face joins a track that it overlaps by more; 0.4 by default."
        ),
    ] = None,
    speaker: Annotated[
        str | None,
        typer.Option(
            help=f"How to tell who speaks: {', '.join(SPEAKERS)}; by default lr_asd where "
            f"`eyeline download` has placed it, else {next(iter(SPEAKERS))}."
        ),
    ] = None,
    speaker_weights: Annotated[
        str | None, typer.Option(help="Weights file for lr_asd or syncnet.")
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Weights file of a chosen system's network; again for each file."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="An option of a builder with given weights: SYSTEM.option=value; again for each.",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(help="Where networks with given weights run: cpu, cuda or cuda:N.")
    ] = "cpu",
    runtime: Annotated[
        Literal["torch", "onnxruntime", "openvino"] | None,
        typer.Option(help="What runs them; by default as their files ask (`eyeline export`)."),
    ] = None,
    anonymise: Annotated[
        str | None,
        typer.Option(help=f"Cover people in all images that are written: {', '.join(COVERABLE)}."),
    ] = None,
    cover: Annotated[
        str | None,
        typer.Option(
            help=f"With what to cover them: {', '.join(KINDS)}; {KINDS[0]} by default, the safest."
        ),
    ] = None,
    voice: Annotated[
        str | None,
        typer.Option(help=f"Audio of anonymised copies: {', '.join(VOICES)}; {VOICES[0]} first."),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Write the anonymised video without drawings, too.")
    ] = False,
    video: Annotated[
        bool, typer.Option("--video/--no-video", help="Write the annotated video.")
    ] = True,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Write scene.rrd for the Rerun viewer too.")
    ] = False,
    formats: Annotated[
        str,
        typer.Option(help=f"Further files, comma-separated: {', '.join(FORMATS)}."),
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Replace results of other settings.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Videos worked on at the same time.")] = 1,
    cache_gb: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Most of remote videos that is kept on this machine, GB; EYELINE_CACHE_GB or "
            f"{USUAL_GB:g} by default.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be done; nothing is written.")
    ] = False,
    engine: ENGINE = "local",
    task_cpus: TASK_CPUS = None,
    task_gpus: TASK_GPUS = None,
) -> None:
    """Analyse videos: tables, annotated video with audio, report, ELAN, TextGrid, RTTM for each."""
    from eyeline import sessions
    from eyeline.parts import check
    from eyeline.plan import plan, with_parts
    from eyeline.pool import Engine
    from eyeline.settings import Settings

    chosen_engine = Engine(engine, task_cpus, task_gpus)
    chosen = _spans(from_ or [], to or [], spans)
    settings = Settings(
        systems=tuple(s.strip() for s in systems.split(",") if s.strip()),
        rate_hz=rate,
        ego=ego,
        fov_deg=fov,
        intrinsics=four(intrinsics),
        video_track=video_track,
        audio_track=audio_track,
        turn_deg=turn,
        boxes=boxes,
        bodies=bodies,
        detector=detector,
        detector_weights=detector_weights,
        tracker=tracker,
        iou=iou,
        speaker=speaker or default_speaker(),
        speaker_weights=speaker_weights,
        weights=tuple(weights or ()),
        options=tuple(set_ or ()),
        device=device,
        runtime=runtime,
        anonymise=anonymise,
        cover=cover,
        voice=voice,
        plain=plain,
        video=video,
        rerun=rerun,
        formats=tuple(dict.fromkeys(f.strip() for f in formats.split(",") if f.strip())),
    )
    if cache_gb is not None:
        os.environ[LIMIT_GB] = str(cache_gb)
    if is_remote(out) and (offset or sync):
        raise UsageError("--offset and --sync write a page of all cameras: give a local --out")
    planned = plan(videos, out, say)
    if (boxes or bodies) and len(planned) > 1:
        raise UsageError(f"--boxes and --bodies belong to one video, {len(planned)} were given")
    jobs = min(jobs, len(planned))
    known: tuple[Camera, ...] = ()
    if offset or sync:
        known = _cameras(planned, Path(out), offset or [], sync, audio_track)
        begins_s = {camera.name: camera.offset_s for camera in known}
        planned = with_parts(planned, chosen, begins_s, video_track)
    else:
        planned = with_parts(planned, chosen)
        for job in planned if chosen else ():
            with suppress(VideoError):  # a video's own fault is reported when its turn comes
                check(job.parts, job.video, video_track)
    if dry_run:
        raise typer.Exit(_list(planned, settings, again))
    code = _work(planned, settings, again=again, jobs=jobs, engine=chosen_engine)
    if known:
        raise typer.Exit(code or _session(known, planned, Path(out)))
    for note in sessions.follow(*(job.folder for job in planned)) if again else ():
        complain(note)
    raise typer.Exit(code)


def _list(planned: list[Job], settings: Settings, again: bool) -> int:
    """Print what each video would come to, and which are done; the exit code."""
    from eyeline.engines import sorted_out

    done, left = sorted_out(planned, settings, again)
    for outcome in done:
        out_console.print(redacted(f"{outcome.video}: finished before"), markup=False)
    for job in left:
        text = redacted(f"{job.video}: would be analysed\n  {job.target or job.folder}")
        out_console.print(text, markup=False, highlight=False)
    out_console.print(f"{len(left)} of {len(planned)} videos would be analysed")
    return DONE


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")] = Path(
        "eyeline-demo"
    ),
) -> None:
    """Analyse the packaged sample and say where the report is; no network, no downloads."""
    from eyeline import sample
    from eyeline.plan import plan
    from eyeline.settings import Settings

    raise typer.Exit(_work(plan([str(sample.path())], out), Settings(), again=True))


def _cameras(
    planned: list[Job], out: Path, offsets: list[str], sync: bool, audio_track: int | None
) -> tuple[Camera, ...]:
    from eyeline import sessions

    known = sessions.cameras(planned, out, offsets, sync=sync, audio_track=audio_track)
    for camera in known:
        sure = f", confidence {100 * camera.confidence:.2f} %" if camera.confidence else ""
        say(f"{camera.video}: begins at {camera.offset_s:.3f} s ({camera.how}{sure})")
    return known


def _session(known: tuple[Camera, ...], planned: list[Job], out: Path) -> int:
    from eyeline import sessions
    from eyeline.corrections import load_corrected

    folders = {job.name: job.folder for job in planned}
    page = sessions.write(known, [load_corrected(folders[c.name]) for c in known], out)
    out_console.print(f"session of {len(known)} cameras\n  {page}", markup=False, highlight=False)
    return DONE


def _spans(starts: list[str], ends: list[str], file: Path | None) -> tuple[Span, ...]:
    from eyeline import parts

    if file is None:
        return tuple(parts.Span(part) for part in parts.from_options(starts, ends))
    if starts or ends:
        raise UsageError("give --spans or --from and --to, not both")
    return parts.from_file(file)


def four(text: str) -> tuple[float, float, float, float] | None:
    """The numbers of `--intrinsics`, None for an empty text."""
    if not text:
        return None
    try:
        fx, fy, cx, cy = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--intrinsics '{text}' is not fx,fy,cx,cy in pixels") from None
    return fx, fy, cx, cy


def _work(
    planned: list[Job],
    settings: Settings,
    *,
    again: bool,
    jobs: int = 1,
    engine: Engine | None = None,
) -> int:
    """Do all jobs, tell how each ended, and give the exit code."""
    from eyeline.pool import Engine, using

    outcomes: list[Outcome] = []
    try:
        with using(engine or Engine()):
            for outcome in _outcomes(planned, settings, again, jobs):
                outcomes.append(outcome)
                _tell(outcome)
    except KeyboardInterrupt:
        complain(
            f"stopped; {len(outcomes)} of {len(planned)} videos are finished. "
            "The same command goes on from there."
        )
        return STOPPED
    failed = sum(outcome.failed for outcome in outcomes)
    if len(planned) > 1:
        out_console.print(
            f"{len(outcomes) - failed} of {len(planned)} videos done, {failed} failed"
        )
    return SOME_FAILED if failed else DONE


def _tell(outcome: Outcome) -> None:
    if outcome.failed:
        complain(outcome.message)
        return
    note = f" ({outcome.message})" if outcome.message else ""
    where = outcome.folder / "report.html"
    text = redacted(f"{outcome.video}: {outcome.status}{note}\n  {where}")
    out_console.print(text, markup=False, highlight=False)


def _outcomes(planned: list[Job], settings: Settings, again: bool, jobs: int) -> Iterator[Outcome]:
    from eyeline.engines import one_by_one, side_by_side
    from eyeline.pool import is_cluster

    if jobs > 1 or is_cluster():
        return side_by_side(planned, settings, again, jobs)
    return one_by_one(planned, settings, again, lambda job: _bar(job.video.name))


@contextmanager
def _bar(name: str) -> Iterator[Callable[[str, float, float], None]]:
    """A progress bar with rate and time left, in seconds of video."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.fields[video]} {task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} s"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=err_console, transient=True, disable=not err_console.is_terminal
    ) as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: float, total: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, video=name, rate="")
            task = bars.tasks[bars.task_ids.index(tasks[stage])]
            rate = f"{task.speed:.1f} x real time" if task.speed else ""
            bars.update(tasks[stage], completed=done, total=total, rate=rate)

        yield tell

"""The command line: thin functions over the package."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

import eyeline
from eyeline.errors import EyelineError, UsageError

if TYPE_CHECKING:
    from eyeline.jobs import Job, Outcome
    from eyeline.settings import Settings
    from eyeline.system import System

app = typer.Typer(
    name="eyeline",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Gaze and social attention in video: "
    "who is there, where does each look, at whom, who speaks.",
)
out_console = Console(soft_wrap=True)
err_console = Console(stderr=True, soft_wrap=True)

DONE, SOME_FAILED, USAGE, STOPPED = 0, 1, 2, 130


def main() -> None:
    """The entry point: every error a user can cause is one line and an exit code."""
    try:
        app(standalone_mode=True)
    except UsageError as error:
        _complain(str(error))
        sys.exit(USAGE)
    except EyelineError as error:
        _complain(str(error))
        sys.exit(SOME_FAILED)


def _complain(message: str) -> None:
    err_console.print(f"eyeline: {message}", markup=False, highlight=False)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(eyeline.__version__)
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Gaze and social attention in video."""


@app.command()
def analyze(
    videos: Annotated[
        list[str], typer.Argument(help="Videos, folders of videos, or patterns in quotes.")
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder for the results, one folder a video.")
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
    boxes: Annotated[
        str | None, typer.Option(help="Face boxes or tracks: MOT text or a people.parquet.")
    ] = None,
    speaker: Annotated[
        str, typer.Option(help="How to tell who speaks: mouth_agreement or lr_asd.")
    ] = "mouth_agreement",
    speaker_weights: Annotated[str | None, typer.Option(help="Weights file for lr_asd.")] = None,
    video: Annotated[
        bool, typer.Option("--video/--no-video", help="Write the annotated video.")
    ] = True,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Write scene.rrd for the Rerun viewer too.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Replace results of other settings.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Videos worked on at the same time.")] = 1,
    engine: Annotated[
        str,
        typer.Option(
            help="What works on many videos: local, or ray, on the cluster at RAY_ADDRESS "
            "or on this machine."
        ),
    ] = "local",
) -> None:
    """Analyse videos: tables, annotated video with sound, report, ELAN, TextGrid, RTTM for each."""
    from eyeline.engines import ENGINES
    from eyeline.jobs import plan
    from eyeline.settings import Settings

    if engine not in ENGINES:
        raise UsageError(f"no engine '{engine}'; there are {', '.join(ENGINES)}")
    settings = Settings(
        systems=tuple(s.strip() for s in systems.split(",") if s.strip()),
        rate_hz=rate, ego=ego, fov_deg=fov, intrinsics=_four(intrinsics), boxes=boxes,
        speaker=speaker, speaker_weights=speaker_weights, video=video, rerun=rerun,
    )  # fmt: skip
    planned = plan(videos, out)
    if boxes and len(planned) > 1:
        raise UsageError(f"--boxes belongs to one video, {len(planned)} were given")
    jobs = min(jobs, len(planned))
    raise typer.Exit(_work(planned, settings, again=again, jobs=jobs, engine=engine))


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")] = Path(
        "eyeline-demo"
    ),
) -> None:
    """Analyse the packaged sample and say where the report is; no network, no downloads."""
    from eyeline import sample
    from eyeline.jobs import plan
    from eyeline.settings import Settings

    raise typer.Exit(_work(plan([str(sample.path())], out), Settings(), again=True))


@app.command(name="list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Systems and builders: what each answers, whether it is ready, its figures and its licence."""
    from eyeline.analysis import PEOPLE
    from eyeline.models import shipped
    from eyeline.speech.methods import LR_ASD, MOUTH_AGREEMENT
    from eyeline.system import list_systems

    own = shipped()
    rows = [
        {
            "system": system.name, "published_as": list(system.published), "builder": name,
            "answers": list(builder.answers), "ready": builder.embedded,
            "weights": "ship with eyeline" if f"{system.name}/{name}" in own else "none needed",
            "what": builder.method.summary, "measured": builder.method.measured,
            "licence": builder.method.licence,
        }
        for system in list_systems() for name, builder in system.builders.items()
    ]  # fmt: skip
    rows += [
        {
            "system": m.system, "published_as": [], "builder": m.builder, "answers": answers,
            "ready": m is not LR_ASD,
            "weights": "given by the user" if m is LR_ASD else "in the dependencies",
            "what": m.summary, "measured": m.measured, "licence": m.licence,
        }
        for m, answers in (
            (PEOPLE, ["people"]), (MOUTH_AGREEMENT, ["speaking"]), (LR_ASD, ["speaking"])
        )
    ]  # fmt: skip
    if as_json:
        import json

        typer.echo(json.dumps(rows, indent=2))
        return
    _print_systems(rows)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="SYSTEM/RECIPE, for example eye_contact/NAME.")],
    data: Annotated[Path, typer.Option(help="Folder of the prepared data set.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for weights and report.")],
) -> None:
    """Train a recipe: cross-validation where the data has folds, then weights and report.json."""
    system, name = _recipe(recipe)
    if system.train is None:
        raise UsageError(f"{system.name} has no training yet")
    report = system.train(name, data, out, lambda text: err_console.print(text, highlight=False))
    _print_json({key: report[key] for key in ("pooled", "interval") if key in report})


@app.command()
def evaluate(
    recipe: Annotated[str, typer.Argument(help="SYSTEM/RECIPE, for example eye_contact/NAME.")],
    data: Annotated[Path, typer.Option(help="Folder of the annotated data set.")],
    weights: Annotated[
        Path | None, typer.Option(help="Weights file; those that ship by default.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="File for the whole report, JSON.")
    ] = None,
) -> None:
    """Score weights on annotated data by the benchmark's protocol."""
    import json

    system, _ = _recipe(recipe)
    if system.evaluate is None:
        raise UsageError(f"{system.name} has no evaluation yet")
    report = system.evaluate(weights or _shipped(system), data)
    if out is not None:
        from eyeline.export.files import write_bytes

        write_bytes(out, (json.dumps(report, indent=2, default=str) + "\n").encode())
    if report.get("seen_in_training"):
        _complain(
            f"{report['seen_in_training']} of these videos were in the training of these weights: "
            "the figures below are no measure of new videos"
        )
    _print_json(
        {k: v for k, v in report.items() if k in ("pooled", "interval", "seen_in_training")}
    )


def _recipe(text: str) -> tuple[System, str]:
    """The system and the recipe of `SYSTEM/RECIPE`."""
    from eyeline.system import load_system

    room, _, name = text.partition("/")
    system = load_system(room)
    if name not in system.recipes:
        raise UsageError(
            f"{system.name} has no recipe '{name}'; it has: {', '.join(system.recipes) or 'none'}"
        )
    return system, name


def _shipped(system: System) -> Path:
    from eyeline.models import shipped

    mine = [path for key, path in shipped().items() if key.startswith(f"{system.name}/")]
    if not mine:
        raise UsageError(f"{system.name} ships no weights; give --weights FILE")
    return mine[0]


def _print_json(content: object) -> None:
    import json

    typer.echo(json.dumps(content, indent=2, default=str))


def _print_systems(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        table = Table(show_header=False, box=None, padding=(0, 1), title_justify="left")
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        table.title = f"{row['system']}/{row['builder']}"
        if row["published_as"]:
            table.add_row("published as", ", ".join(row["published_as"]))
        table.add_row("answers", ", ".join(row["answers"]))
        table.add_row("ready", f"{'yes' if row['ready'] else 'no'}, weights: {row['weights']}")
        for key in ("what", "measured", "licence"):
            table.add_row(key, row[key])
        Console(soft_wrap=False).print(table, "")


def _four(text: str) -> tuple[float, float, float, float] | None:
    if not text:
        return None
    try:
        fx, fy, cx, cy = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--intrinsics '{text}' is not fx,fy,cx,cy in pixels") from None
    return fx, fy, cx, cy


def _work(
    planned: list[Job], settings: Settings, *, again: bool, jobs: int = 1, engine: str = "local"
) -> int:
    """Do all jobs, tell how each ended, and give the exit code."""
    outcomes: list[Outcome] = []
    try:
        for outcome in _outcomes(planned, settings, again, jobs, engine):
            outcomes.append(outcome)
            _tell(outcome)
    except KeyboardInterrupt:
        _complain(
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
        _complain(outcome.message)
        return
    note = f" ({outcome.message})" if outcome.message else ""
    where = outcome.folder / "report.html"
    out_console.print(
        f"{outcome.video}: {outcome.status}{note}\n  {where}", markup=False, highlight=False
    )


def _outcomes(
    planned: list[Job], settings: Settings, again: bool, jobs: int, engine: str
) -> Iterator[Outcome]:
    from eyeline.engines import on_ray, side_by_side

    if engine == "ray":
        return on_ray(planned, settings, again, jobs)
    if jobs > 1:
        return side_by_side(planned, settings, again, jobs)
    return _one_by_one(planned, settings, again)


def _one_by_one(planned: list[Job], settings: Settings, again: bool) -> Iterator[Outcome]:
    from eyeline.engines import attempt

    for job in planned:
        with _bar(job.video.name) as progress:
            outcome = attempt(job, settings, again, progress)
        yield outcome


@contextmanager
def _bar(name: str) -> Iterator[Callable[[str, float, float], None]]:
    """A progress bar with rate and time left, in seconds of video."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.fields[video]} {task.description}"), BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} s"),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
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


if __name__ == "__main__":
    main()

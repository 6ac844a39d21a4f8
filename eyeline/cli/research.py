"""Commands about data sets, training and scores, from `prepare` to `show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from eyeline.cli.console import (
    ENGINE,
    SOME_FAILED,
    TASK_CPUS,
    TASK_GPUS,
    app,
    complain,
    out_console,
    print_json,
    say,
)
from eyeline.cli.outputs import CSV_DIALECT, claimed, is_report, is_weights, replaceable
from eyeline.errors import UsageError
from eyeline.remote.results import local_copy
from eyeline.runtimes.manifest import Manifest, Precision, is_exported

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from eyeline.runtimes.interface import Interface
    from eyeline.system import Report, System
    from eyeline.training.devices import Devices

RECIPE = Annotated[str, typer.Argument(help="SYSTEM/RECIPE, for example eye_contact/NAME.")]
DEVICE = Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")]
HEADS = "heads"
"""What `synthesize` renders beside the data sets of systems."""
OPTIONS = Annotated[
    list[str] | None,
    typer.Option("--set", help="An option of the system's, as key=value; again for each."),
]


@app.command()
def prepare(
    dataset: Annotated[str, typer.Argument(help="SYSTEM/DATASET, as `eyeline list` names them.")],
    source: Annotated[Path, typer.Option(help="The data set as it was downloaded.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to make.")],
    weights: Annotated[
        list[Path] | None, typer.Option(help="Weights that preparing needs; again for each file.")
    ] = None,
    device: DEVICE = "cpu",
    set_: OPTIONS = None,
    engine: ENGINE = "local",
    task_cpus: TASK_CPUS = None,
    task_gpus: TASK_GPUS = None,
) -> None:
    """Make a data set ready for training; the same command goes on where it was stopped."""
    from eyeline.pool import Engine, using

    system, name = _parts(dataset)
    if name not in system.prepare:
        raise UsageError(
            f"{system.name} has no data set '{name}'; it has: {', '.join(system.prepare) or 'none'}"
        )
    run = system.prepare[name]
    options = _options(set_ or [], run)
    given = _weights(system, weights or [])
    with claimed(out, source), using(Engine(engine, task_cpus, task_gpus)):
        result = run(source, out, weights=given, device=device, log=say, **options)
    print_json(result.as_dict())
    if result.failed:
        raise typer.Exit(SOME_FAILED)


@app.command()
def convert(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="[SYSTEM/DATASET] SOURCE",
            help="A coding or a results folder; or SYSTEM/DATASET, for example gaze_following/vgs, "
            "and a file of the authors or a table (.csv) of it.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            help="The file to write, by its name: .eaf, .TextGrid, .boris, .boris.csv, .opf, "
            ".datavyu.csv, .csv, .xlsx, .vtt, .coco.json, .mot.txt.",
        ),
    ],
    tiers: Annotated[
        list[str] | None, typer.Option("--tier", help="A tier or kind to write; again for each.")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", help="'TIER=NEW NAME', as in a template; again for each."),
    ] = None,
    value: Annotated[
        list[str] | None, typer.Option(help="'VALUE=NEW WORD'; again for each.")
    ] = None,
    template: Annotated[
        Path | None, typer.Option(help="An ELAN file into whose tiers the annotations go.")
    ] = None,
    table: Annotated[
        str, typer.Option(help="A table of a results folder as .csv or .xlsx, for example people.")
    ] = "",
    csv_dialect: CSV_DIALECT = "excel",
    set_: OPTIONS = None,
) -> None:
    """A coding or results folder for another program; a file of a paper's authors as a table."""
    source = local_copy(sources[-1])
    replaceable(out, None, source, template)
    if len(sources) == 1:
        from eyeline.conversion import Wishes
        from eyeline.conversion import convert as convert_coding

        names, values = (
            dict(_renaming(option, entry) for entry in entries or ())
            for option, entries in (("--map", map_), ("--value", value))
        )
        wishes = Wishes(tiers or (), names, values, template, table, csv_dialect)
        for note in convert_coding(source, out, wishes):
            say(note)
        return
    if len(sources) > 2:
        raise UsageError(f"convert takes one source, {len(sources) - 1} were given")
    system, name = _parts(sources[0])
    if name not in system.convert:
        raise UsageError(
            f"{system.name} converts no files of '{name}'; it does of: "
            f"{', '.join(system.convert) or 'none'}"
        )
    run = system.convert[name]
    print_json(run(source, out, **_options(set_ or [], run)))


def _renaming(option: str, text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not equals or not old.strip() or not new.strip():
        raise UsageError(f"{option} '{text}' is not 'OLD=NEW'")
    return old.strip(), new.strip()


@app.command()
def train(
    recipe: RECIPE,
    data: Annotated[Path, typer.Option(help="Folder of the prepared data set.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for weights and report.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change the recipe: section.key=value; again for each."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    devices: Annotated[int, typer.Option(min=1, help="How many of them (DDP).")] = 1,
    precision: Annotated[str, typer.Option(help="32-true, bf16-mixed or 16-mixed.")] = "32-true",
    weights: Annotated[
        Path | None, typer.Option(help="Weights to begin with, where the recipe takes some.")
    ] = None,
) -> None:
    """Train a recipe: weights and report.json; the same command goes on where it was stopped."""
    from eyeline.training.devices import Devices

    system, name = _recipe(recipe)
    if system.train is None:
        raise UsageError(f"{system.name} has no training yet")
    chosen = Devices(device, devices, precision)
    with claimed(out, data):
        report = system.train(
            name, data, out, say, changes=set_ or (), devices=chosen, weights=weights
        )
    _print_scores(system, report)


@app.command()
def evaluate(
    recipe: Annotated[str, typer.Argument(help="SYSTEM/RECIPE, or SYSTEM/DATASET of a benchmark.")],
    data: Annotated[Path, typer.Option(help="Folder of the annotated data set.")],
    weights: Annotated[
        Path | None, typer.Option(help="Weights file; those that ship by default.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder for report.json, predictions and timelines."),
    ] = None,
    device: DEVICE = "cpu",
    devices: Annotated[
        int, typer.Option(min=1, help="How many of them share the work, a process each.")
    ] = 1,
    set_: OPTIONS = None,
    engine: ENGINE = "local",
    task_cpus: TASK_CPUS = None,
    task_gpus: TASK_GPUS = None,
) -> None:
    """Score weights, or any builder, on annotated data by the benchmark's protocol."""
    from eyeline.pool import Engine, using

    system, name = _recipe(recipe, benchmarks=True)
    benchmark = system.benchmarks.get(name)
    run: Callable[..., Report] | None = benchmark or system.evaluate
    if run is None:
        raise UsageError(f"{system.name} has no evaluation yet")
    options = _options(set_ or [], run)
    if devices > 1 or engine == "ray":
        options |= _several(run, recipe, device, devices, engine)
    chosen = weights if benchmark else weights or _shipped(system)
    with claimed(out, data), using(Engine(engine, task_cpus, task_gpus)):
        report = run(chosen, data, out, say, device, **options)
    if report.get("seen_in_training"):
        complain(
            f"{report['seen_in_training']} of these videos were in the training of these weights: "
            "the figures below are no measure of new videos"
        )
    _print_scores(system, report)


@app.command()
def score(
    system: Annotated[str, typer.Argument(help="The system whose benchmark scores them.")],
    predictions: Annotated[
        Path, typer.Option(help="Predictions, as evaluate or analyze writes them.")
    ],
    truth: Annotated[Path, typer.Option(help="Annotations: a file or folder of the data set.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="File for the whole report, JSON.")
    ] = None,
    set_: OPTIONS = None,
) -> None:
    """Score predictions against annotations, without any network."""
    card = _system(system)
    if card.score is None:
        raise UsageError(f"{card.name} has no scoring yet")
    predictions, truth = local_copy(predictions), local_copy(truth)
    if out is not None:
        replaceable(out, is_report, predictions, truth)
    report = card.score(predictions, truth, log=say, **_options(set_ or [], card.score))
    if out is not None:
        _write_json(out, dict(report))
    _print_scores(card, report)


@app.command(name="import")
def import_(
    system: Annotated[str, typer.Argument(help="The system that the checkpoint belongs to.")],
    checkpoint: Annotated[Path, typer.Argument(help="The authors' file.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write, .safetensors.")],
) -> None:
    """Turn a checkpoint of a paper's authors into one of ours; no code in it is run."""
    card = _system(system)
    if card.import_original is None:
        raise UsageError(f"{card.name} imports no checkpoint yet")
    from eyeline.training import checkpoint as files

    replaceable(out, is_weights, checkpoint)
    result = card.import_original(checkpoint)
    files.save(out, result.state, result.card)
    print_json(
        {
            "network": f"{result.card.system}/{result.card.builder}",
            "arguments": result.card.arguments,
            "tensors": len(result.state),
            "numbers": sum(t.numel() for t in result.state.values()),
            "left_out": list(result.ignored),
            "file": str(out),
        }
    )


@app.command()
def export(
    system: Annotated[str, typer.Argument(help="The system that the weights belong to.")],
    weights: Annotated[Path, typer.Option(help="Weights file, as train or import wrote it.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="File to write: .onnx, or .xml of openvino.")
    ],
    format_: Annotated[
        Literal["onnx", "openvino"], typer.Option("--format", help="The file's format.")
    ] = "onnx",
    precision: Annotated[
        Literal["float32", "bfloat16", "int8"],
        typer.Option(help="Of products; bfloat16 is for openvino, int8 needs --calibration."),
    ] = "float32",
    calibration: Annotated[
        Path | None, typer.Option(help="Inputs of real data for int8, .npz: an array an input.")
    ] = None,
) -> None:
    """Write a network for ONNX Runtime or OpenVINO; `analyze --weights` takes it, too."""
    from eyeline.runtimes import write

    card = _system(system)
    replaceable(out, None, weights, calibration)
    write.check(out, format_, precision, calibration)
    if is_exported(weights):
        raise UsageError(f"--weights {weights} is exported; give the .safetensors file")
    _weights(card, [weights])
    network, what = _described(weights, precision)
    write.write(network, out, what, format_, calibration)
    out_console.print(f"written: {out}", markup=False, highlight=False)


@app.command()
def synthesize(
    system: Annotated[
        str, typer.Argument(help="The system whose data set to make up, or `heads`.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to make.")],
    seed: Annotated[int, typer.Option(help="Another seed, other data.")] = 0,
    count: Annotated[
        int | None, typer.Option(help="Samples in all; of `heads` alone.", show_default=False)
    ] = None,
    set_: OPTIONS = None,
    engine: ENGINE = "local",
    task_cpus: TASK_CPUS = None,
    task_gpus: TASK_GPUS = None,
) -> None:
    """Make up a tiny data set in the layout of a system's public one, or render heads to train on.

    `heads` renders people with exact labels (extra `eyeline[render]`); the same command goes on
    where it was stopped, and a larger --count adds to what is there.
    """
    from eyeline.pool import Engine, using

    chosen = Engine(engine, task_cpus, task_gpus)
    if system == HEADS:
        from eyeline.synthetic.heads import dataset

        options = _options(set_ or [], dataset.run)
        if count is not None:
            options["count"] = count
        with using(chosen):
            print_json(dataset.run(out, seed=seed, log=say, **options))
        return
    if count is not None:
        raise UsageError(f"--count is for `{HEADS}` alone; data of a system take --set key=value")
    card = _system(system)
    if card.synthesize is None:
        raise UsageError(f"{card.name} makes up no data yet")
    with using(chosen):
        created = card.synthesize(out, seed=seed, **_options(set_ or [], card.synthesize))
    print_json(created)


@app.command()
def show(
    dataset: Annotated[
        str, typer.Argument(help="SYSTEM/DATASET, as `eyeline list` names them, or SYSTEM.")
    ],
    data: Annotated[Path, typer.Option(help="Folder of the data set.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="File to write: .png or .jpg, or .mp4 for a clip.")
    ],
    item: Annotated[
        str | None,
        typer.Option(help="Name of a video, clip, image or session; by default the first."),
    ] = None,
    set_: OPTIONS = None,
) -> None:
    """Draw the annotations of a data set: an image of the moment that shows most, or a clip."""
    from eyeline.datasets import drawing

    system, name = _parts(dataset)
    if not name and len(system.show) == 1:
        (name,) = system.show
    if name not in system.show:
        raise UsageError(
            f"{system.name} draws no data set '{name}'; it draws: "
            f"{', '.join(f'{system.name}/{one}' for one in system.show) or 'none'}"
        )
    drawing.check_ending(out)
    replaceable(out, None, data)
    run = system.show[name]
    drawn = drawing.write(run(data, item, **_options(set_ or [], run)), out)
    print_json(drawn)
    if drawn.get("failed"):
        raise typer.Exit(SOME_FAILED)


def _described(weights: Path, precision: Precision) -> tuple[nn.Module, Manifest]:
    """The network of a file of weights, and what an exported one is to say of itself."""
    from eyeline.models import load
    from eyeline.training.checkpoint import read_card

    network = load(weights)
    return network, Manifest(read_card(weights), cast("Interface", network.interface), precision)


def _system(name: str) -> System:
    from eyeline.system import load_system

    return load_system(name)


def _parts(text: str) -> tuple[System, str]:
    """The system of `SYSTEM/NAME`, and the name."""
    system, _, name = text.partition("/")
    return _system(system), name


def _recipe(text: str, *, benchmarks: bool = False) -> tuple[System, str]:
    """The system and the recipe of `SYSTEM/RECIPE`, or the benchmark."""
    system, name = _parts(text)
    known = (*system.recipes, *(system.benchmarks if benchmarks else ()))
    if name not in known:
        raise UsageError(
            f"{system.name} has no recipe '{name}'; it has: {', '.join(known) or 'none'}"
        )
    return system, name


def _several(
    run: Callable[..., Report], recipe: str, device: str, count: int, engine: str
) -> dict[str, Devices]:
    """The option for processes of an evaluation; UsageError if it runs in one only."""
    import inspect

    from eyeline.training.devices import Devices

    asked = "--engine is ray" if engine == "ray" else f"--devices is {count}"
    if "devices" not in inspect.signature(run).parameters:
        raise UsageError(f"{asked}; {recipe} evaluates in one process: leave it out")
    if engine == "ray" and count > 1:
        raise UsageError(f"{asked} and --devices is {count}; Ray shares the work: leave one out")
    return {"devices": Devices(device, count)} if count > 1 else {}


def _shipped(system: System) -> Path:
    from eyeline.models import shipped

    mine = [path for key, path in shipped().items() if key.startswith(f"{system.name}/")]
    if not mine:
        raise UsageError(f"{system.name} ships no weights; give --weights FILE")
    return mine[0]


def _weights(system: System, files: list[Path]) -> dict[str, Path]:
    """The files by the network that each says it holds."""
    from eyeline.models import GivenWeights

    given = GivenWeights.read(files).named
    for (name, network), path in given.items():
        if name != system.name:
            raise UsageError(f"{path} holds {name}/{network}; expected weights of {system.name}")
    return {network: path for (_, network), path in given.items()}


def _options(texts: list[str], target: Callable[..., object]) -> dict[str, Any]:
    """`key=value` pairs, values written as in YAML, that a function takes."""
    from eyeline.builder_options import bound

    return bound(texts, target, "--set")


def _write_json(path: Path, content: object) -> None:
    import json

    from eyeline.files import write_bytes

    write_bytes(path, (json.dumps(content, indent=2, default=str) + "\n").encode())
    out_console.print(f"written: {path}", markup=False, highlight=False)


def _print_scores(system: System, report: Report) -> None:
    print_json({key: value for key, value in report.items() if key in system.report_keys})

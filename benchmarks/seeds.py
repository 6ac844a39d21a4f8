"""Benchmarks that make, train and measure once for each seed, and can be stopped and go on."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")


def each(
    seeds: Sequence[int], keep: Path | None, measured: Callable[[Path, int], Result]
) -> list[Result]:
    """What is measured for each seed, on one thread.

    Args:
        seeds: of data and training.
        keep: holds a folder for each seed that stays; without it they are gone afterwards.
        measured: of a seed's folder and the seed.
    """
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        return [measured((keep or Path(folder)) / f"{seed}", seed) for seed in seeds]


def main(run: Callable[..., object], kind: type[Any], seeds: Sequence[int], known: str) -> None:
    """Print as JSON what `run` gives, by the options of the command line.

    Args:
        run: takes `seeds`, `plan`, `keep` and `known`.
        kind: of the plan, a dataclass whose fields all have a default, an option each.
        seeds: by default.
        known: of the command.
    """
    parser = argparse.ArgumentParser(description=known)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(seeds))
    parser.add_argument("--keep", type=Path)
    for field in fields(kind):
        option, one = "--" + field.name.replace("_", "-"), field.default
        if isinstance(one, tuple):
            parser.add_argument(option, type=type(one[0]), nargs=len(one), default=one)
        else:
            parser.add_argument(option, type=type(one), default=one)
    given = vars(parser.parse_args())
    seeds, keep = given.pop("seeds"), given.pop("keep")
    plan = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in given.items()})
    say = partial(print, file=sys.stderr, flush=True)
    print(json.dumps(run(seeds=seeds, plan=plan, keep=keep, log=say), indent=2))

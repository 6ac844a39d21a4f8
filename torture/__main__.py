"""Run trials, and print their tables."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import tempfile
from pathlib import Path

import torture
from torture.figures import show


def trials() -> list[str]:
    """Names of the modules that are trials."""
    names = [module.name for module in pkgutil.iter_modules(torture.__path__)]
    return [name for name in names if not name.startswith("_") and _is_trial(name)]


def _is_trial(name: str) -> bool:
    return hasattr(importlib.import_module(f"torture.{name}"), "trial")


def main() -> None:
    """Exit 1 if anything is not as expected."""
    names = trials()
    parser = argparse.ArgumentParser(prog="python -m torture", description=torture.__doc__)
    parser.add_argument("trial", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("-o", "--out", type=Path, help="keep what the trials write in this folder")
    arguments = parser.parse_args()
    if unknown := set(arguments.trial) - set(names):
        parser.error(f"no trial {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    with tempfile.TemporaryDirectory(prefix="torture-") as scratch:
        held = [_run(name, arguments.out or Path(scratch)) for name in arguments.trial or names]
    sys.exit(not all(held))


def _run(name: str, out: Path) -> bool:
    work = out / name
    work.mkdir(parents=True)
    return show(name, importlib.import_module(f"torture.{name}").trial(work))


if __name__ == "__main__":
    main()

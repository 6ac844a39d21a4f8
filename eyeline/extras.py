"""What an installation without extras lacks, and the one line that says how to get it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from eyeline.errors import UsageError

PACKAGES = {
    "aiohttp": ("aiohttp", "cloud"),
    "anny": ("anny", "render"),
    "duckdb": ("duckdb", "summary"),
    "fsspec": ("fsspec", "cloud"),
    "gcsfs": ("gcsfs", "cloud"),
    "h5py": ("h5py", "hdf5"),
    "lightning_fabric": ("lightning-fabric", "networks"),
    "matplotlib": ("matplotlib", "summary"),
    "moderngl": ("moderngl", "render"),
    "openpyxl": ("openpyxl", "xlsx"),
    "openvino": ("openvino", "openvino"),
    "projectaria_tools": ("projectaria-tools", "aria"),
    "pycocotools": ("pycocotools", "networks"),
    "pylsl": ("pylsl", "lsl"),
    "ray": ("ray", "ray"),
    "rerun": ("rerun-sdk", "rerun"),
    "s3fs": ("s3fs", "cloud"),
    "sklearn": ("scikit-learn", "networks"),
    "starlette": ("starlette", "view"),
    "torch": ("torch", "networks"),
    "torchvision": ("torchvision", "networks"),
    "uvicorn": ("uvicorn", "view"),
    "websockets": ("websockets", "view"),
}
"""By module, the package that it is of, and the extra of eyeline that brings it."""


def lacking(what: str, *modules: str) -> str | None:
    """The line about the first of some modules that is not installed; nothing is imported.

    Args:
        what: what needs them, at the beginning of the line.
        modules: keys of `PACKAGES`.
    """
    missing = (name for name in modules if importlib.util.find_spec(name) is None)
    return next((_line(what, name) for name in missing), None)


@contextmanager
def needed_by(what: str, else_: str = "") -> Iterator[None]:
    """Imports of packages that an extra brings, or work with them.

    Args:
        what: as of `lacking`.
        else_: what to do without the extra, after "or".

    Raises:
        UsageError: one that is not installed, with the command that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in PACKAGES:
            raise
        raise UsageError(_line(what, module) + (f", or {else_}" if else_ else "")) from error


def _line(what: str, module: str) -> str:
    package, extra = PACKAGES[module]
    return f"{what} needs {package}: pip install 'eyeline[{extra}]'"

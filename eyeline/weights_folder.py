"""The folder where downloaded and imported weights lie, and where `analyze` looks for them."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = "EYELINE_WEIGHTS"
"""Environment variable with a folder of weights, `<system>/<network>.safetensors` in it."""


def folder() -> Path:
    """The folder that `FOLDER` names, by default one in the user's cache; it need not exist."""
    if named := os.environ.get(FOLDER):
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("eyeline", appauthor=False) / "weights"


def placed(*parts: str) -> Path | None:
    """A file of that folder, None where it is not there."""
    path = folder().joinpath(*parts)
    return path if path.is_file() else None

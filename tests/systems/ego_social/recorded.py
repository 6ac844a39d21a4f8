"""Documents that the original code wrote, and annotations to be scored against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy.typing as npt

from tests.systems.ego_social.invented import golden

Numbers = dict[str, npt.NDArray[Any]]


def document(numbers: Numbers, key: str) -> Any:
    return json.loads(str(numbers[key]))


def annotated(folder: Path, change: Any = None) -> Path:
    """A folder of the two annotation files, after a change to their contents."""
    numbers = golden("annotations")
    for part in ("train", "val"):
        content = document(numbers, f"av_{part}")
        if change is not None:
            change(content)
        (folder / f"av_{part}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder

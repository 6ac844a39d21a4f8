"""The report of an evaluation: figures as JSON has them, checked, written and read back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, NonNegativeInt

from eyeline.documents import read_json
from eyeline.errors import DataError
from eyeline.files import write_json
from eyeline.log import Log

Figures = dict[str, Any]
"""Parts of a report while it is made."""


class Schema(BaseModel):
    """Keys that mean the same in all reports; others are a system's own."""

    model_config = ConfigDict(extra="allow", strict=True)

    notes: list[str] = []
    """What was left out, or lacks."""
    truth: str = ""
    weights: str = ""
    seen_in_training: NonNegativeInt = 0
    """Videos, clips or sessions that the weights were trained on, too."""
    pooled: dict[str, Any] | None = None
    """Figures over all rows."""
    interval: dict[str, Any] | None = None
    """95 %, of those figures."""


@dataclass(frozen=True, eq=False)
class Report(Mapping[str, Any]):
    """Figures of an evaluation; equal to another mapping with the same content."""

    content: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Plain JSON of `content`; ValueError for what cannot be."""
        object.__setattr__(self, "content", plain(self.content))
        Schema.model_validate(self.content)

    def __getitem__(self, name: str) -> Any:
        """A part of it."""
        return self.content[name]

    def __iter__(self) -> Iterator[str]:
        """Names of the parts."""
        return iter(self.content)

    def __len__(self) -> int:
        """Number of parts."""
        return len(self.content)

    def log(self, log: Log | None, *lines: str) -> None:
        """Give a log the notes and further lines."""
        for line in (*self.get("notes", ()), *lines) if log else ():
            log(line)  # type: ignore[misc]

    def write(self, path: Path) -> None:
        """Write it; OutputError where that cannot be."""
        write_json(path, self.content)

    @classmethod
    def read(cls, path: Path) -> Report:
        """As it was written; DataError for a file that is no report."""
        content = read_json(path)
        try:
            return cls(content)
        except ValueError as error:
            raise DataError(f"{path} is no report: {error}") from error


def plain(value: Any) -> Any:
    """As JSON can have it: None for NaN, text for a path; ValueError for what is no JSON."""
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return (tuple if isinstance(value, tuple) else list)(plain(part) for part in value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, float) and not math.isinf(value):
        return None if math.isnan(value) else value
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError(f"{value!r} is no figure of a report")

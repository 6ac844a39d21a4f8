"""The table of files that can be downloaded by name, and the address of each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, model_validator

from eyeline.errors import UsageError

GITHUB = "https://github.com"
DRIVE = "https://drive.usercontent.google.com/download"
HUGGING_FACE = "https://huggingface.co"


class Strict(BaseModel):
    """A row of a table, or a part of one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Strict):
    """Where authors keep a file: one of the first six."""

    github: str | None = None
    huggingface: str | None = None
    gdrive: str | None = None
    url: str | None = None
    torchvision: str | None = None
    page: str | None = None
    """A page for people, where no address of the file itself can be used by a program."""
    path: str | None = None
    tag: str | None = None
    """Of a release on GitHub."""

    @property
    def several(self) -> bool:
        """Whether it is a repository of which the user may choose a file."""
        return bool(self.huggingface and not self.path)

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        kinds = ("github", "huggingface", "gdrive", "url", "torchvision", "page")
        given = [kind for kind in kinds if getattr(self, kind)]
        if len(given) != 1 or (self.github and not self.path):
            raise ValueError(f"a source is one of {', '.join(kinds)}, github with a path")
        return self


class Entry(Strict):
    """A file of weights."""

    source: Source
    file: str
    """The authors' name for it."""
    size: int | None = None
    sha256: str | None = None
    licence: str
    paper: str
    use: str
    system: str | None = None
    """The system whose importer reads it."""
    imports_as: str | None = None
    """What the importer must find in it, where the name of the one place does not say so."""
    check: Literal["lr_asd", "onnx", "landmarks", "persons"] | None = None
    """How one that is not imported is verified."""
    places: tuple[str, ...]
    """Files in the folder of weights, one of which it becomes."""


@cache
def entries() -> Mapping[str, Entry]:
    """All of the table, by name."""
    import yaml

    text = Path(__file__).with_name("table.yaml").read_text(encoding="utf-8")
    return {name: Entry.model_validate(row) for name, row in yaml.safe_load(text).items()}


def entry_of(name: str) -> Entry:
    """One of the table; UsageError lists all names."""
    if name not in entries():
        raise UsageError(f"there are no weights '{name}'; there are {', '.join(entries())}")
    return entries()[name]


def name_for(place: str) -> str | None:
    """The name by which a file of the folder of weights is downloaded, None for one of ours."""
    return next((name for name, entry in entries().items() if place in entry.places), None)


def drive_url(file_id: str) -> str:
    """Address of a file on Google Drive; a large one's page is confirmed beforehand."""
    return f"{DRIVE}?{urlencode({'id': file_id, 'export': 'download', 'confirm': 't'})}"


def hugging_face() -> str:
    """Hugging Face, or the mirror that `HF_ENDPOINT` names."""
    return os.environ.get("HF_ENDPOINT", HUGGING_FACE).rstrip("/")


def url_of(source: Source) -> str:
    """The address of a file; of Hugging Face and GitHub with a path."""
    if source.gdrive:
        return drive_url(source.gdrive)
    if source.torchvision:
        from torchvision.models import get_weight

        return str(get_weight(f"{source.torchvision}.DEFAULT").url)
    path = quote(source.path or "")
    if source.huggingface:
        return f"{hugging_face()}/{source.huggingface}/resolve/main/{path}"
    if source.github:
        where = f"releases/download/{source.tag}" if source.tag else "raw/HEAD"
        return f"{GITHUB}/{source.github}/{where}/{path}"
    assert source.url, "a page has no address of a file"
    return source.url

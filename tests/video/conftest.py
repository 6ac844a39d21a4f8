from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .generate import Clip, write

Maker = Callable[..., Path]


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Writes a clip once a run: `make("mp4", Clip(...), faststart=True)`."""
    folder = tmp_path_factory.mktemp("clips")
    done: dict[str, Path] = {}

    def maker(suffix: str, clip: Clip, **options: bool) -> Path:
        key = f"{suffix} {clip} {options}"
        if key not in done:
            done[key] = write(folder / f"{len(done)}.{suffix}", clip, **options)
        return done[key]

    return maker


@pytest.fixture(scope="session")
def silent_clips(shared: Path) -> list[Path]:
    """Two 720p clips without audio or cuts."""
    names = ("father_daughter_toy", "two_girls_drawings")
    return [shared / "media" / f"{name}.mp4" for name in names]

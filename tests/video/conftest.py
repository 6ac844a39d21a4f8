from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .generate import Clip, write

SHARED = Path(__file__).parents[3] / "shared"

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
def shared() -> Path:
    """The folder of real material beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("the real material in ../shared is not here")
    return SHARED


@pytest.fixture(scope="session")
def interview(shared: Path) -> Path:
    """720p, 23.976 Hz, 396 frames in 16.52 s, sound of 19.90 s."""
    return shared / "reference/vgs/data/video/012.mp4"


@pytest.fixture(scope="session")
def silent_clips(shared: Path) -> list[Path]:
    """Two 720p clips without sound or cuts."""
    return sorted((shared / "media").glob("*.mp4"))

"""What all tests share: the real material, and the command line as a function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def no_weights_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees what lies in the user's own folder of weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EYELINE_WEIGHTS", str(tmp_path_factory.mktemp("weights")))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real material beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("the real material in ../shared is not here")
    return SHARED


@pytest.fixture(scope="session")
def interview(shared: Path) -> Path:
    """Four people on a couch talk: 720p, 23.976 Hz, 396 frames in 16.52 s, audio of 19.90 s."""
    return shared / "reference/vgs/data/video/012.mp4"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def eyeline(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in this process: `eyeline("analyze", video, "-o", out)`."""
    from eyeline import cli

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["eyeline", *map(str, arguments)])
        capfd.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capfd.readouterr()
        return Ended(code, printed.out, printed.err)

    return run

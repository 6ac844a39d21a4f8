"""No command writes over what eyeline did not write."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeline.cli import outputs
from eyeline.errors import OutputError, UsageError
from tests.conftest import Command

SYSTEMS = ("eye_contact", "gaze_3d", "gaze_following", "ego_social", "gaze_anticipation")
PREPARED = (
    "eye_contact/voxceleb2", "gaze_3d/gafa", "ego_social/ego4d", "gaze_anticipation/ego4d",
)  # fmt: skip
TRAINED = (
    "eye_contact/ecs_landmarks", "gaze_3d/gafa", "gaze_following/mask_rcnn_h", "ego_social/lam",
    "gaze_anticipation/miniature",
)  # fmt: skip


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of the user's, in which names stand that our commands write, too."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("report.json", "predictions.csv", "gt.csv", "prepare_report.json", "index.json"):
        (folder / name).write_text("three years")
    return folder


def _content(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("command", "what", "reads"),
    [
        *(("prepare", name, "--source") for name in PREPARED),
        *(("train", name, "--data") for name in TRAINED),
        ("evaluate", "eye_contact/ecs_landmarks", "--data"),
        *(("synthesize", name, None) for name in SYSTEMS),
    ],
)
def test_a_folder_of_the_users_is_not_written_into(
    eyeline: Command, mine: Path, tmp_path: Path, command: str, what: str, reads: str | None
) -> None:
    before = _content(mine)
    other = tmp_path / "other"
    other.mkdir()
    ended = eyeline(command, what, *([reads, other] if reads else []), "-o", mine)
    assert ended.code == 1 and f"{mine} holds" in ended.err, ended.err
    if reads:
        ended = eyeline(command, what, reads, mine, "-o", mine)
        assert ended.code == 2 and "is read by this command" in ended.err, ended.err
    assert _content(mine) == before


def test_a_folder_that_eyeline_began_is_written_into_again(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with outputs.claimed(folder):
        pass
    assert not folder.exists(), "nothing came of it"
    with outputs.claimed(folder):
        (folder / "report.json").write_text("{}")
    with outputs.claimed(folder), outputs.claimed(folder):
        pass
    assert {p.name for p in folder.iterdir()} == {"report.json", outputs.MARK}
    (folder / outputs.MARK).unlink()
    with pytest.raises(OutputError, match="no run of eyeline began it"), outputs.claimed(folder):
        pass
    with pytest.raises(UsageError, match="read by"), outputs.claimed(folder, tmp_path, folder):
        pass


def test_an_empty_folder_of_the_users_stays(tmp_path: Path) -> None:
    with outputs.claimed(tmp_path):
        pass
    assert tmp_path.is_dir() and not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["import", "export", "score"])
def test_a_file_of_the_users_is_not_written_over(
    eyeline: Command, tmp_path: Path, command: str
) -> None:
    given, mine = tmp_path / "given", tmp_path / "mine"
    given.write_text("given")
    mine.write_text("three years")
    arguments = {
        "import": ("import", "gaze_3d", given),
        "export": ("export", "gaze_3d", "--weights", given),
        "score": ("score", "eye_contact", "--predictions", given, "--truth", tmp_path),
    }[command]
    ended = eyeline(*arguments, "-o", mine)
    assert ended.code == 1 and "is there already" in ended.err
    ended = eyeline(*arguments, "-o", given)
    assert ended.code == 2 and "is read by this command" in ended.err
    assert eyeline(*arguments, "-o", tmp_path).code in (1, 2)
    assert _content(tmp_path) == {"given": "given", "mine": "three years"}


def test_files_of_ours_are_known(tmp_path: Path) -> None:
    from eyeline.models import shipped

    report, weights = tmp_path / "report.json", next(iter(shipped().values()))
    report.write_text('{"predictions": "p.csv", "truth": "t", "pooled": {}}')
    assert outputs.is_report(report) and not outputs.is_report(weights)
    assert outputs.is_weights(weights) and not outputs.is_weights(report)
    outputs.replaceable(report, outputs.is_report)
    outputs.replaceable(tmp_path / "new", None)

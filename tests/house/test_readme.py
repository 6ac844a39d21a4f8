"""What the README promises: its commands parse, its make targets exist, its Python runs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from eyeline import sample
from eyeline.cli import app
from eyeline.system import list_systems

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, *languages: str) -> list[str]:
    """Fenced blocks of a page in one of some languages."""
    result = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)
    return [text for language, text in result if language in languages]


def shell_lines() -> list[str]:
    lines = [
        line.partition("  #")[0].strip()
        for page in PAGES
        for block in blocks(page, "sh", "bash", "console")
        for line in block.replace("\\\n", " ").splitlines()
    ]
    return [line for line in lines if line and not line.startswith("#")]


EYELINE = [line for line in shell_lines() if line.startswith("eyeline ")]


def test_there_is_something_to_check() -> None:
    assert len(EYELINE) >= 8
    assert {"eyeline demo", "eyeline list"} <= set(EYELINE)


@pytest.mark.parametrize("line", EYELINE)
def test_a_command_of_the_readme_parses(line: str) -> None:
    group: Any = typer.main.get_command(app)
    name, *arguments = shlex.split(line)[1:]
    command = group.commands[name]
    with command.make_context(f"eyeline {name}", arguments) as context:
        assert context.params
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        if rest:
            command.commands[rest[0]].make_context(rest[0], rest[1:], parent=context)


def test_a_wrong_command_does_not_parse() -> None:
    group: Any = typer.main.get_command(app)
    with pytest.raises(Exception, match=r"(?i)no such option"):
        group.commands["analyze"].make_context("eyeline", ["talk.mp4", "-o", "out", "--no-such"])


def test_every_program_named_is_one_we_know() -> None:
    known = {"eyeline", "make", "pip", ".", "python", ".venv/bin/pre-commit", "torchrun"}
    assert {shlex.split(line)[0] for line in shell_lines()} <= known


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    named = set()
    for page in PAGES:
        named |= set(re.findall(r"`make ([a-z]+)`", page.read_text(encoding="utf-8")))
    named |= {
        word for line in shell_lines() if line.startswith("make ") for word in line.split()[1:]
    }
    assert named and named <= targets
    assert {"demo", "test", "bench", "lint", "slow"} <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    lost = [link for link in links if not (page.parent / link).exists()]
    assert not lost


def test_the_table_names_every_system_and_builder() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for card in list_systems():
        row = next((line for line in text.splitlines() if line.startswith(f"| `{card.name}`")), "")
        assert row, f"the README's table has no row for {card.name}"
        for builder in card.builders:
            assert f"`{builder}`" in row, f"the README does not name {card.name}/{builder}"
        for word in re.findall(r"\(`(.*?)`\)", row.split("|")[2]):
            assert set(word.split("`, `")) <= set(card.published)


def test_list_runs() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "eyeline", "list"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    for card in list_systems():
        assert card.name in run.stdout


def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copyfile(sample.path(), tmp_path / "talk.mp4")
    monkeypatch.chdir(tmp_path)
    (program,) = blocks(ROOT / "README.md", "python")
    exec(compile(program, "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "person 1 seen for" in said
    assert "person 1 looks at person 2 in" in said


def test_usage_errors_exit_with_two(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "eyeline", "analyze", "x.mp4", "-o", str(tmp_path)]
    run = subprocess.run([*command, "--rate", "-3"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 2
    assert "--rate" in run.stderr and "Traceback" not in run.stderr

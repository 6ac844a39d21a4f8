"""The tables of the originals' steps: each command is one that our command line takes."""

from __future__ import annotations

from typing import Any

import pytest
import typer.main

from eyeline.cli import app
from eyeline.system import load_system
from tests.original_readmes import commands, systems

COMMANDS = [(name, arguments) for name in systems() for arguments in commands(name)]


def test_each_table_is_of_a_system_and_has_commands() -> None:
    for name in systems():
        assert load_system(name).name == name and commands(name)


@pytest.mark.parametrize(("system", "arguments"), COMMANDS)
def test_a_command_parses_and_is_about_its_system(system: str, arguments: list[str]) -> None:
    group: Any = typer.main.get_command(app)
    name, *rest = arguments
    with group.commands[name].make_context(f"eyeline {name}", list(rest)) as context:
        assert context.params
    assert any(word.partition("/")[0] == system for word in rest)

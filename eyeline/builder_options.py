"""Options of builders, `system.option=value` or `system/builder.option=value`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from eyeline.errors import RecipeError, UsageError
from eyeline.system import Builder, System

Chosen = tuple[System, str, Builder]


def read(texts: Sequence[str], system: System, name: str, builder: Builder) -> dict[str, Any]:
    """What a builder's `from_weights` is to be given by name.

    Args:
        texts: all options of the user's; those of other builders are passed over.
        system: of the builder.
        name: of the builder.
        builder: that runs.

    Raises:
        UsageError: it does not take an option, or not with this value.
    """
    parts = map(_parts, texts)
    mine = [option for who, option in parts if who in _names(system, name)]
    if not mine:
        return {}
    where = f"--set for {system.name}/{name}"
    if builder.from_weights is None:
        raise UsageError(f"{where}: this builder has no options")
    return bound(mine, builder.from_weights, where)


def bound(texts: Iterable[str], target: Callable[..., object], where: str) -> dict[str, Any]:
    """`key=value` pairs, values written as in YAML, that a function takes by name.

    Raises:
        UsageError: it does not take one, or not with this value; names all.
    """
    from eyeline.training import recipe

    try:
        sections = recipe.change({}, [f"option.{text}" for text in texts])
    except RecipeError as error:
        raise UsageError(str(error).replace("option.", "")) from None
    parts, faults = recipe.validated(sections, {"option": target})
    if faults:
        raise UsageError(f"{where}: {'; '.join(f.removeprefix('option.') for f in faults)}")
    return dict(parts["option"])


def unused(texts: Iterable[str], chosen: Iterable[Chosen]) -> list[str]:
    """What is wrong with options that are of none of the chosen builders."""
    known = {one for system, name, _ in chosen for one in _names(system, name)}
    return [
        f"--set {text}: {_parts(text)[0]} is not among the chosen systems"
        for text in texts
        if _parts(text)[0] not in known
    ]


def _names(system: System, name: str) -> set[str]:
    """All that the user may call a builder."""
    return {
        called for room in (system.name, *system.published) for called in (room, f"{room}/{name}")
    }


def _parts(text: str) -> tuple[str, str]:
    who, dot, option = text.partition(".")
    if not (dot and who and option.partition("=")[1]):
        raise UsageError(
            f"--set {text}: expected SYSTEM.option=value, such as gaze_following.every_s=1"
        )
    return who, option

"""Writes docs/systems.md from the cards of the systems: `python scripts/make_docs.py`."""

from __future__ import annotations

from pathlib import Path

from eyeline.people.methods import PEOPLE
from eyeline.results import Method
from eyeline.speech.methods import SPEAKERS
from eyeline.system import list_systems

PAGE = Path(__file__).parents[1] / "docs" / "systems.md"
HEAD = """# Systems and builders

Made from the cards in the code by `scripts/make_docs.py`; `eyeline list` prints the same.
Figures are held-out unless they say otherwise.
"""


def text() -> str:
    """The whole page."""
    parts = [HEAD]
    for system in list_systems():
        parts.append(
            f"## {system.name}\n\n{system.title[0].upper()}{system.title[1:]}? {system.paper}."
        )
        parts.append(f"Also accepted as: {', '.join(f'`{name}`' for name in system.published)}.")
        parts += [_entry(builder.method, builder.answers) for builder in system.builders.values()]
    parts.append("## people and speech\n\nWhat all systems share.")
    parts.append(_entry(PEOPLE, ("people",)))
    parts += [_entry(entry.method, ("speaking", "voice")) for entry in SPEAKERS.values()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _entry(method: Method, answers: tuple[str, ...]) -> str:
    rows = {
        "answers": ", ".join(f"`{name}`" for name in answers),
        "what": method.summary,
        "measured": method.measured,
        "licence": method.licence,
    }
    lines = [f"| {key} | {value} |" for key, value in rows.items()]
    return "\n".join([f"### `{method.builder}`", "", "| | |", "|---|---|", *lines])


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")

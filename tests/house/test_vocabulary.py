"""Names and texts use the field's words; those on the list, from an earlier dialect, stay away."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = [
    path
    for folder in ("eyeline", "tests", "benchmarks", "scripts", "torture")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

NAMES = {
    "bench": "evaluator",
    "course": "time series",
    "deaf": "without audio",
    "deviation": "std",
    "economise": "gradient checkpointing",
    "filling": "atomic_dir",
    "merit": "score, quality",
    "middle": "centre, median",
    "picture": "image",
    "pictures": "images",
    "share": "fraction",
    "shares": "fractions",
    "sound": "audio",
    "tally": "accumulator",
    "told": "log, known",
}
"""Not in a name, and what says it."""
KEPT = {
    "with_audio", "validation_fraction", "head_share", "gate_by_sound", "sound_layers", "sound_mean",
    "sound_std", "sound_s", "test_fraction", "speech_told", "gaze_told", "deviation", "sound",
}  # fmt: skip
"""In files that are about: recipes, weights, prepared data, tensors of networks."""
PHRASES = {
    r"\bmade[- ]up\b": "synthetic",
    r"\bhears of\b": "receives",
    r"(?<![./_`])\bpictures?\b(?![./_`])": "image",
}


def names(path: Path) -> Iterator[tuple[int, str]]:
    """Of a module, with their lines."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.NAME and token.string not in KEPT:
            yield token.start[0], token.string


def words(name: str) -> list[str]:
    """Of a name in snake or camel case."""
    return [w.lower() for part in name.split("_") for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", part)]


@pytest.mark.parametrize("name", ["sound", "PICTURE_PX", "SoundBlock", "_tally", "told_s"])
def test_such_a_name_is_noticed(name: str) -> None:
    assert NAMES.keys() & words(name)


@pytest.mark.parametrize("name", ["soundtrack", "shared", "benchmark", "image", "toldo"])
def test_a_longer_word_is_another(name: str) -> None:
    assert not NAMES.keys() & words(name)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_are_the_fields(path: Path) -> None:
    wrong = {
        f"line {line}: {name} ({NAMES[word]})"
        for line, name in names(path)
        for word in words(name)
        if word in NAMES
    }
    assert not wrong, sorted(wrong)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_texts_are_the_fields(path: Path) -> None:
    text = re.sub(r"(?ms)^```.*?^```", "", path.read_text())
    wrong = [
        f"{found.group()!r} ({better})"
        for phrase, better in PHRASES.items()
        for found in re.finditer(phrase, text, re.I)
    ]
    assert not wrong, wrong

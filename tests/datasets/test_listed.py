"""What lists name and a data set lacks, from `prepare` to `evaluate`."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeline.datasets import listed
from eyeline.errors import DataError


def test_in_words() -> None:
    assert listed.lacking("videos", ["a", "b", "a"], ["b"]) == (
        "1 of 2 listed videos is not here: a"
    )
    assert listed.lacking("clips", "abcdefg", []) == (
        "7 of 7 listed clips are not here: a, b, c, d, e and 2 more"
    )
    assert listed.lacking("clips", "ab", "abc") is None


def test_written_and_taken_away(tmp_path: Path) -> None:
    listed.write(tmp_path, {"test": "said"})
    assert listed.notes(tmp_path, "test") == listed.notes(tmp_path, "x/test.list") == ("said",)
    assert listed.notes(tmp_path, "train") == ()
    listed.write(tmp_path, {})
    assert listed.notes(tmp_path, "test") == () and not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["[", "[1]", '{"test": 3}'])
def test_a_damaged_file(tmp_path: Path, text: str) -> None:
    (tmp_path / listed.FILE).write_text(text)
    with pytest.raises(DataError, match=r"missing\.json"):
        listed.notes(tmp_path, "test")

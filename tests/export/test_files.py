"""Names of the files of an analysis, and text that XML and Praat can hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from eyeline.documents import plain_text
from eyeline.export import exporters
from eyeline.files import write_bytes


def test_present_lists_only_files_of_an_analysis(tmp_path: Path) -> None:
    for name in ("people.csv", "notes.txt", "report.html", "thumbnails/person_1.png"):
        write_bytes(tmp_path / name, b"")
    expected = ["people.csv", "report.html", "thumbnails/person_1.png"]
    assert exporters.present(tmp_path) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Zoë & 王 <b>", "Zoë & 王 <b>"),
        ("a\x00b\nc\td\x85", "a b c d "),
        ("\ud800x\uffff", "\ufffdx\ufffd"),
        ("", ""),
    ],
)
def test_plain_text(text: str, expected: str) -> None:
    assert plain_text(text) == expected

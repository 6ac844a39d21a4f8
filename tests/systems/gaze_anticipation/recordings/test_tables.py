"""The authors' table of Aria's names, and tables that are none."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from eyeline.errors import DataError
from eyeline.systems.gaze_anticipation.recordings import tables as names
from eyeline.systems.gaze_anticipation.recordings.tables import read_names

HEAD = ("new video name", "original video name")
SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def table(path: Path, rows: list[tuple[str, str]], *, before: str = "") -> Path:
    """A table whose first column stands in the sheet and whose second one stands apart."""
    texts = "".join(f"<si><t>{b}</t></si>" for _, b in rows)
    cells = "".join(
        f'<row><c r="A{n}" t="inlineStr"><is><t>{a}</t></is></c>'
        f'<c r="B{n}" t="s"><v>{n - 1}</v></c></row>'
        for n, (a, _) in enumerate(rows, 1)
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sharedStrings.xml", f"{before}<sst {SPACE}>{texts}</sst>")
        sheet = f"<worksheet {SPACE}><sheetData>{cells}</sheetData></worksheet>"
        book.writestr("xl/worksheets/sheet1.xml", sheet)
    return path


def test_every_recording_has_a_name_of_today(authors: Path) -> None:
    result = read_names(authors / "aria_video_ids_matching.xlsx")
    assert len(result) == len(set(result.values())) == 143
    assert all(name.startswith("loc") and "_script" in name for name in result)
    assert result["loc1_script2_seq1_rec1"].startswith("movie_")


def test_slips_are_mended(tmp_path: Path) -> None:
    path = table(tmp_path / "a.xlsx", [HEAD, (" loc1_scrop2_seq1_rec1", "movie_7"), ("", "")])
    assert read_names(path) == {"loc1_script2_seq1_rec1": "movie_7"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("a", "b")], "first row"),
        ([HEAD, ("a", "")], "one name of two"),
        ([HEAD, ("a", "m1"), (" a", "m2")], "twice"),
        ([HEAD, ("a", "m1"), ("b", "m1")], "twice"),
    ],
)
def test_tables_of_something_else(tmp_path: Path, rows: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(DataError, match=rf"a.xlsx: .*{said}"):
        read_names(table(tmp_path / "a.xlsx", rows))


def test_a_table_that_blows_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = '<!DOCTYPE x [<!ENTITY a "aaaa">]>'
    with pytest.raises(DataError, match="declares a document type"):
        read_names(table(tmp_path / "a.xlsx", [HEAD], before=declared))
    monkeypatch.setattr(names, "_MOST_BYTES", 2_000_000)
    path = table(tmp_path / "b.xlsx", [HEAD, ("a", "m" * 3_000_000)])
    assert path.stat().st_size < 10_000
    with pytest.raises(DataError, match="is larger than 2 MB"):
        read_names(path)


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    for content in (b"", b"new,original\na,b\n"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read as a table"):
            read_names(path)
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/workbook.xml", "<x/>")
    with pytest.raises(DataError, match="cannot be read as a table"):
        read_names(path)
    whole = table(tmp_path / "b.xlsx", [HEAD, ("a", "m1" * 300)]).read_bytes()
    for at in range(0, len(whole), 37):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        try:
            assert isinstance(read_names(path), dict)
        except DataError:
            continue
    with pytest.raises(DataError, match="cannot be read as a table"):
        read_names(tmp_path / "none.xlsx")

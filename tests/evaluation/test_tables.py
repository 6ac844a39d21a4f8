"""Tables are joined by key: what lacks, is unknown or comes twice is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.evaluation import tables
from eyeline.evaluation.tables import Column, Side


def side(source: str, text: str) -> Side:
    return Side(source, [*text], lambda row: f"row {text[row]}")


def test_rows_are_found_whatever_their_order() -> None:
    assert tables.join(side("p", "cab"), side("t", "abc")).tolist() == [2, 0, 1]
    notes: list[str] = []
    result = tables.join(
        side("p", "db"), side("t", "abcd"), subset=True, what="frames", notes=notes
    )
    assert result.tolist() == [3, 1] and notes == ["2 of 4 frames were not predicted: left out"]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("", "p has no rows"),
        ("abcde", "p has row d; row e, which t does not have"),
        ("abcb", "p tells of one row twice: row b and row b"),
        ("b", "p lacks 2 of 3 rows: row a; row c. With subset=true they are left out"),
    ],
)
def test_rows_that_do_not_fit(found: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        tables.join(side("p", found), side("t", "abc"))
    if "twice" in message:
        with pytest.raises(DataError, match=message):
            tables.join(side("p", found), side("t", "abc"), subset=True)


def test_many_rows_are_counted() -> None:
    with pytest.raises(DataError, match="row a; row b; row c and 4 more, which"):
        tables.join(side("p", "abcdefg"), side("t", "x"))


def test_first_rows_and_groups() -> None:
    assert tables.first_of_each("abac").tolist() == [True, True, False, True]
    assert tables.first_of_each("").tolist() == []
    own = {name: rows.tolist() for name, rows in tables.groups("baba").items()}
    assert list(own) == ["b", "a"] and own == {"b": [0, 2], "a": [1, 3]}


@pytest.mark.parametrize(
    ("parse", "cell", "value"),
    [
        (tables.whole, "12", 12), (tables.whole, "12.0", 12), (tables.whole, "1e3", None),
        (tables.whole, "-1", None), (tables.number, "-1e3", -1000), (tables.number, "inf", None),
        (tables.fraction, "1", 1), (tables.fraction, "1.01", None), (tables.text, " ", None),
        (tables.one_of("no", "yes"), "yes", 1), (tables.one_of("no", "yes"), "", None),
        (tables.maybe(tables.whole, -1), " ", -1), (tables.maybe(tables.whole, -1), "3", 3),
    ],
)  # fmt: skip
def test_cells(parse: tables.Parser, cell: str, value: object) -> None:
    if value is not None:
        assert parse(cell) == value
        return
    with pytest.raises(ValueError):
        parse(cell)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    tables.write(path, {"name": ["a,b", 'c"'], "n": [1, 2], "more": [0.1, 0.2]})
    columns = [Column("n", tables.whole, np.int64), Column("name", tables.text, object)]
    result, line = tables.read(path, [*columns, Column("none", tables.number, needed=False)])
    assert line.tolist() == [2, 3] and list(result) == ["n", "name"]
    assert result["n"].tolist() == [1, 2] and result["name"].tolist() == ["a,b", 'c"']
    with pytest.raises(DataError, match="line 1: columns more; expected n,name"):
        tables.read(path, columns, only=True)
    tables.write(path, {"n": [1, 2]}, head=False)
    assert path.read_text(encoding="utf-8") == "1\n2\n"

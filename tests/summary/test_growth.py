"""What a summary does grows with its rows, and with nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from eyeline.summary import figures, tables
from eyeline.summary.choices import Groups
from eyeline.summary.corpus import Corpus, Fault


class Counted(tuple[Any, ...]):
    """Counts how often it is gone through."""

    times = 0

    def __iter__(self) -> Iterator[Any]:
        Counted.times += 1
        return super().__iter__()


def test_naming_videos_goes_through_them_once() -> None:
    names = [f"talk{k}" for k in range(300)]
    corpus = Corpus(Path(), Counted(SimpleNamespace(video=name) for name in names), Counted())
    Counted.times = 0
    assert [corpus.video_named(name) for name in names] == names
    assert Counted.times <= 2


def test_a_figure_asks_for_the_spans_once() -> None:
    class Tables(dict[str, Any]):
        asked = 0

        def __getitem__(self, name: str) -> Any:
            self.asked += name == "long"
            return super().__getitem__(name)

    def asked(count: int) -> int:
        from eyeline.summary.folder import FolderSummary

        long = tables.Columns(tables.LONG, Groups())
        for k in range(count):
            row = (f"v{k}", "whole video", "person 1", "", "speaking", "", "proportion", 0.5)
            long.add(f"v{k}", "person 1", *row, "", 10.0, "computed")
        table = long.table()
        own = Tables(long=table, wide=tables.wide(table))
        summary = FolderSummary(Corpus(Path(), ()), (), own, (), (), ())
        assert figures._proportions(summary) is not None
        return own.asked

    assert asked(50) == asked(5)


def test_rows_become_arrays_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_CHUNK_ROWS", 4)
    columns = tables.Columns(("video", "lag"), Groups())
    for k in range(10):
        columns.add("v", "", "v", k)
        assert all(len(values) < 4 for values in columns._values)
    table = columns.table()
    assert table.column("lag").to_pylist() == [*range(10)]
    assert columns._spilled is not None
    wide = [*tables._codes(table, ("video", "lag"))[0]]
    assert wide == [*range(10)]


def test_persons_whose_names_join_to_one_text_stay_apart() -> None:
    """Names that are equal when they are written one behind the other."""
    row = {"partner": "", "tier": "t", "value": "", "measure": "m", "unit": "", "of": None}
    rows = [
        {"video": "a", "span": "bc", "person": "d", "number": 1.0, "source": "computed", **row},
        {"video": "ab", "span": "c", "person": "d", "number": None, "source": "computed", **row},
        {"video": "a", "span": "bc", "person": "d", "number": 2.0, "source": "corrected", **row}
        | {"measure": "other"},
    ]
    schema = pa.schema([(name, tables._kind(name)) for name in tables.LONG])
    wide = tables.wide(pa.Table.from_pylist(rows, schema))
    assert wide.to_pylist() == [
        {"video": "a", "span": "bc", "person": "d", "source": "corrected", "t.m": 1.0}
        | {"t.other": 2.0},
        {"video": "ab", "span": "c", "person": "d", "source": "computed", "t.m": None}
        | {"t.other": None},
    ]


@pytest.mark.parametrize(
    ("shown", "never", "fractions"),
    [
        ([1.0, 2.0], [], [0.0, 0.5, 1.0, 1.0]),
        ([2.0, 1.0, 1.0], [1.5], [0.0, 0.5, 1.0, 1.0]),
        ([3.0], [1.0, 5.0], [0.0, 0.5, 0.5]),
    ],
)
def test_latencies(shown: list[float], never: list[float], fractions: list[float]) -> None:
    assert figures.shown_by(shown, never)[1] == pytest.approx(fractions)


def test_a_fault_is_named_like_a_result() -> None:
    assert Corpus(Path(), (), (Fault("talk", "damaged"),)).video_named("talk") == "talk"

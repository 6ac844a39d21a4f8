"""The summary of a folder: every video measured once, by span and group, in one set of tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from eyeline.codings.table import Dialect
from eyeline.errors import DataError, EyelineError, first_names
from eyeline.export.intervals import Spans
from eyeline.export.summary import SPEAKING
from eyeline.files import write_json
from eyeline.summary.choices import (
    WHOLE,
    Groups,
    SpansByVideo,
    groups_from_csv,
    spans_from_csv,
    spans_of_tier,
)
from eyeline.summary.corpus import Corpus, Fault, Result, analysis_of, mixed
from eyeline.summary.measures import person_rows
from eyeline.summary.observed import Video
from eyeline.summary.query import videos_table, write_table
from eyeline.summary.sequences import LAGS, events_of, lag_table, transitions
from eyeline.summary.tables import LONG, STATISTICS, Collected
from eyeline.summary.turns import transfers_of, turn_rows


@dataclass(frozen=True)
class FolderSummary:
    """What was measured of the videos of a folder."""

    corpus: Corpus
    results: tuple[Result, ...]
    """The videos that are in the tables."""
    tables: Mapping[str, Any]
    """`pyarrow.Table` by name: videos, long, wide, groups, turns, transitions, sequences."""
    groups: tuple[str, ...]
    """Columns that tell groups apart."""
    faults: tuple[Fault, ...]
    """Videos that are left out, and why."""
    notes: tuple[str, ...]
    """What to keep in mind of the sums."""

    @cached_property
    def spans(self) -> tuple[str, ...]:
        """Names of the spans of interest."""
        return tuple(self.tables["long"].column("span").unique().to_pylist())

    def where(self, table: str, **equal: str) -> Any:
        """The part of a table whose columns have these values."""
        import pyarrow.compute as pc

        kept = self.tables[table]
        for name, value in equal.items():
            kept = kept.filter(pc.equal(kept.column(name), value))
        return kept


def summarise_folder(
    corpus: Corpus, *, spans: str = "", groups: Path | None = None, lags: int = LAGS
) -> FolderSummary:
    """Measure all videos of a folder; one that cannot be read is a fault, and the rest is summed.

    Args:
        corpus: the results.
        spans: a CSV file of spans of interest, or the name of a tier whose episodes they are; the
            whole video by default.
        groups: a CSV file that says which group each video, or person, belongs to.
        lags: how many events further the sequence lag table looks.

    Raises:
        DataError: a wrong table of spans or groups, or no video that is left.
    """
    taken = (*LONG, *STATISTICS)
    chosen = Groups() if groups is None else groups_from_csv(groups, corpus, taken)
    given = spans_from_csv(Path(spans), corpus) if spans and Path(spans).is_file() else None
    work = _Work(corpus, chosen, spans, given, lags)
    for result in corpus.results:
        work.add(result)
    return work.summary()


class _Work:
    """A summary as it grows."""

    def __init__(
        self, corpus: Corpus, groups: Groups, spans: str, given: SpansByVideo | None, lags: int
    ) -> None:
        self._corpus, self._groups, self._spans = corpus, groups, spans
        self._given, self._lags = given, lags
        self._collected = Collected(groups)
        self._done: list[Result] = []
        self._without_spans: list[str] = []
        self._faults = [*corpus.faults]
        self._tiers: set[str] = set()

    def add(self, result: Result) -> None:
        """Measure a video."""
        try:
            video = Video.of(result.video, analysis_of(result))
            self._tiers |= {*video.observations.spans}
            if self._given is not None:
                windows = self._given.get(video.name, {})
            else:
                whole = {WHOLE: video.whole}
                windows = spans_of_tier(video, self._spans) if self._spans else whole
            for span, window in windows.items():
                self._add_span(video, span, window)
        except (EyelineError, ArithmeticError, ValueError, OSError) as error:
            self._faults.append(Fault(result.video, str(error)))
            return
        if windows:
            self._done.append(result)
        else:
            self._without_spans.append(result.video)

    def _add_span(self, video: Video, span: str, window: Spans) -> None:
        observed = video.within(window)
        persons, turns = [*person_rows(observed)], [*turn_rows(observed)]
        transfers = transfers_of(observed) if turns else []
        steps, lagged = [*transitions(observed)], [*lag_table(events_of(observed), self._lags)]
        name, collected = video.name, self._collected
        collected.add_rows(name, span, (*persons, *turns))
        collected.add_turns(name, span, transfers, video, observed.source(SPEAKING))
        collected.add_transitions(name, span, steps, observed.source)
        collected.add_lags(name, span, lagged)

    def summary(self) -> FolderSummary:
        """What is there at the end; DataError where that is nothing."""
        if not self._done:
            raise DataError(self._nothing())
        tables = {"videos": videos_table(self._done), **self._collected.tables()}
        return FolderSummary(
            self._corpus, tuple(self._done), tables, self._groups.columns, tuple(self._faults),
            tuple(self._notes()),
        )  # fmt: skip

    def _nothing(self) -> str:
        if self._without_spans and self._given is None:
            tiers = ", ".join(sorted(self._tiers))
            return (
                f"'{self._spans}' is neither a file nor a tier with episodes in these videos; "
                f"tiers are {tiers}"
            )
        if self._without_spans:
            return f"{self._spans} has no span of a video whose results can be read"
        return "no video is left: " + "; ".join(f"{f.video}: {f.message}" for f in self._faults)

    def _notes(self) -> list[str]:
        notes = mixed(self._done)
        if self._without_spans:
            names = first_names(self._without_spans)
            notes.append(f"videos without a span of interest are not summed: {names}")
        lacking = self._groups.lacking([result.video for result in self._done])
        if lacking:
            notes.append(f"videos that no row of the groups is about: {first_names(lacking)}")
        partial = [r.video for r in self._done if r.index.get("status") != "ok"]
        if partial:
            notes.append(f"videos that were analysed in part: {first_names(partial)}")
        return notes


def write_tables(summary: FolderSummary, folder: Path, dialect: Dialect = "excel") -> list[Path]:
    """Write every table as CSV and Parquet, and `summary.json`, which lists what was left out."""
    written = []
    for name, table in summary.tables.items():
        for form in ("csv", "parquet"):
            written.append(write_table(folder / f"{name}.{form}", table, form, dialect))
    index = {
        "videos": [result.video for result in summary.results],
        "left_out": [{"video": f.video, "why": f.message} for f in summary.faults],
        "notes": list(summary.notes),
        "groups": list(summary.groups),
        "rows": {name: table.num_rows for name, table in summary.tables.items()},
    }
    return [*written, write_json(folder / "summary.json", index)]

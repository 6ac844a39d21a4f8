"""Long columns lie in a file: the same values, the same files, and memory that stays small."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from eyeline import analysis, spill
from eyeline.errors import OutputError
from eyeline.export.tables import write_tables
from eyeline.people import assemble, identity, smooth
from eyeline.people.find import people_table
from eyeline.people.portraits import Portraits
from eyeline.people.rows import Rows
from eyeline.people.tracks import Track, joined
from eyeline.results import Analysis, Scores
from eyeline.rounding import rounded
from eyeline.settings import Settings
from eyeline.systems.eye_contact.landmarks import forward, inputs
from eyeline.systems.eye_contact.landmarks.inputs import PARITY
from eyeline.systems.eye_contact.weights import load_landmarks_tcn
from tests.people.faces import five, six
from tests.systems.scenes import CAMERA, scene, video

LONG = np.random.default_rng(0).normal(size=(20_000, 3))


@pytest.fixture
def all_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "LEAST_BYTES", 0)


@pytest.mark.parametrize(
    "column",
    [LONG, LONG.T, LONG.astype(np.float32), LONG > 0, np.arange(1 << 14), LONG[:0], LONG[:1]],
)
def test_a_column_keeps_values_type_and_shape(column: spill.Array, all_on_disk: None) -> None:
    stored = spill.on_disk(column)
    assert (stored.dtype, stored.shape) == (column.dtype, column.shape)
    assert np.array_equal(stored, column)
    assert not stored.flags.writeable
    assert spill.on_disk(stored) is stored


def test_short_columns_stay_as_they_are() -> None:
    short = np.zeros(100)
    assert spill.on_disk(short) is short
    assert spill.on_disk(short, short).shape == (200,)


def test_columns_survive_their_neighbours_and_what_is_given_back() -> None:
    kept = [spill.on_disk(LONG + i) for i in range(200)]  # several files
    del kept[::2]
    spill.release()
    assert all(np.array_equal(one, LONG + i) for i, one in zip(range(1, 200, 2), kept, strict=True))


def test_blocks_are_one_below_the_other() -> None:
    assert np.array_equal(spill.by_blocks(len(LONG), lambda rows: LONG[rows] * 2), LONG * 2)
    assert spill.by_blocks(0, lambda rows: LONG[rows]).shape == (0, 3)


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    monkeypatch.setattr(spill, "_current", [])
    with pytest.raises(OutputError, match=r"missing.*TMPDIR"):
        spill.on_disk(LONG)


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(spill, "_current", [])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OutputError, match="cannot keep what was measured"):
            spill.on_disk(LONG)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert np.array_equal(spill.on_disk(LONG), LONG)


def measured(frames: int) -> Rows:
    """Two faces that turn, measured in every frame."""
    rows = Rows()
    for k in range(frames):
        for person, x in ((1, 400.0), (2, 900.0)):
            yaw, at = 0.4 * np.sin(k / 40 + person), np.array([x, 360.0])
            points = five(yaw, scale=0.8, at=at)
            rows.add(
                frame=k, time_s=k / 25, end_s=(k + 1) / 25, track_id=person, shot=0,
                box=[x - 50, 290, x + 50, 440], five=points, score=0.9, detected=k % 3 == 0,
                six=six(yaw, scale=0.8, at=at), quality=0.9, iris=[0.5, 0.1], lids=0.3, mouth=0.1,
                turn=np.full((3, 3), np.nan), turn_error=np.nan, look=[0.1, 0.0], look_error=0.1,
            )  # fmt: skip
    return rows


def analysed(rows: Rows, frames: int) -> Analysis:
    """All embedded systems on measured faces."""
    start = np.arange(frames) / 25
    clock = np.stack([np.arange(frames), start, start + 0.04], axis=1)
    tracks = assemble.tracks(rows.table(), clock, CAMERA)
    who = identity.join(tracks, Portraits()).tracks
    systems = ("gaze_3d", "eye_contact", "gaze_following")
    answers, _ = analysis._run(scene(*who), Settings(systems=systems))
    return Analysis(
        video(frames), "ok", (), rounded(people_table(who)), tuple(rounded(a) for a in answers)
    )


def test_files_are_the_same_wherever_columns_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, least in (("memory", 1 << 40), ("disk", 0)):
        monkeypatch.setattr(spill, "LEAST_BYTES", least)
        write_tables(analysed(measured(100), 100), tmp_path / name)
    for path in sorted((tmp_path / "memory").iterdir()):
        assert (tmp_path / "disk" / path.name).read_bytes() == path.read_bytes(), path.name


def test_tracks_of_several_blocks_are_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    one, several = (tracks_in_blocks(n, monkeypatch) for n in (1 << 12, 16))
    for name, whole in vars(one).items():
        if isinstance(whole, np.ndarray):
            assert np.allclose(getattr(several, name), whole, rtol=0, atol=1e-9, equal_nan=True)


def tracks_in_blocks(rows_at_once: int, monkeypatch: pytest.MonkeyPatch) -> Track:
    monkeypatch.setattr(spill, "ROWS_AT_ONCE", rows_at_once)
    start = np.arange(100) / 25
    clock = np.stack([np.arange(100), start, start + 0.04], axis=1)
    return assemble.tracks(measured(100).table(), clock, CAMERA)[0]


def test_a_network_sees_beyond_its_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.random.default_rng(1).normal(size=(700, len(PARITY))).astype(np.float32)
    arrays = load_landmarks_tcn().arrays
    whole = forward.log_odds(arrays, features, PARITY)
    monkeypatch.setattr(spill, "ROWS_AT_ONCE", 100)
    assert np.abs(forward.log_odds(arrays, features, PARITY) - whole).max() < 1e-4


SCORES = Scores(
    "s", "b", "n", 0.5, np.arange(1 << 16), np.arange(1 << 16) / 25, np.ones(1 << 16, np.int64),
    np.random.default_rng(0).random(1 << 16),
)  # fmt: skip
TEN = np.random.default_rng(0).normal(size=(1 << 16, 5, 2)).astype(np.float32)


def fill() -> Iterator[None]:
    rows, named = Rows(), dict.fromkeys(Rows().table().dtype.names or (), 0)
    for _ in range(1 << 14):
        rows.add(**named)
        yield
    assert len(rows.table()) == 1 << 14


@pytest.mark.parametrize(
    ("work", "rows", "most_bytes"),
    [
        (lambda: sum(1 for _ in fill()), 1 << 14, 130),
        (lambda: smooth.gaussian(TEN, SCORES.time_s, 0.1), 1 << 16, 60),
        (lambda: smooth.median(TEN[:, 0, 0], SCORES.time_s, 0.35), 1 << 16, 60),
        (lambda: rounded(replace(SCORES)), 1 << 16, 30),
        (lambda: joined((c for c in (TEN, TEN)), np.float64), 1 << 17, 60),
    ],
    ids=["rows", "gaussian", "median", "rounded", "joined"],
)
def test_little_memory_a_row(work: Callable[[], object], rows: int, most_bytes: int) -> None:
    assert peak_bytes(work) / rows < most_bytes


@pytest.mark.slow
def test_a_longer_video_takes_little_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """From measured faces to the answers of all embedded systems, by what a further row adds."""
    monkeypatch.setattr(spill, "LEAST_BYTES", 1 << 12)
    monkeypatch.setattr(spill, "ROWS_AT_ONCE", 1 << 9)
    monkeypatch.setattr(forward, "_ROWS_AT_ONCE", 1 << 9)
    monkeypatch.setattr(inputs, "_ROWS_AT_ONCE", 1 << 9)
    short, long = ((n, measured(n)) for n in (1_000, 2_500))
    analysed(short[1], short[0])  # imports and caches
    most = [peak_bytes(partial(analysed, rows, n)) for n, rows in (short, long)]
    assert (most[1] - most[0]) / (2 * 1_500) < 400, most


def peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        result = work()
        del result
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

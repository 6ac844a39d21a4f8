"""What is written is read back exactly, and nothing else passes for an analysis."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from eyeline.errors import DataError, OutputError
from eyeline.export import load, read_index, write_index, write_tables
from eyeline.results import (
    Analysis,
    Answer,
    Clock,
    Damage,
    Directions,
    Method,
    People,
    Person,
    Points,
    Scores,
    Segments,
    VideoInfo,
)

MakeAnalysis = Callable[..., Analysis]


def save(analysis: Analysis, folder: Path, **extra: Any) -> Path:
    write_tables(analysis, folder)
    write_index(analysis, folder, **extra)
    return folder


def assert_same(a: Any, b: Any, where: str = "analysis") -> None:
    """All fields equal, arrays in type and value, NaN in the same places."""
    assert type(a) is type(b), where
    if is_dataclass(a):
        for f in fields(a):
            if f.name != "folder":
                assert_same(getattr(a, f.name), getattr(b, f.name), f"{where}.{f.name}")
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, where
        np.testing.assert_array_equal(a, b, err_msg=where)
    elif isinstance(a, tuple):
        assert len(a) == len(b), where
        for k, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}[{k}]")
    else:
        assert a == b, where


words = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
floats = st.sampled_from(["float32", "float64"])
ints = st.sampled_from(["int16", "int32", "int64", "uint8"])


@st.composite
def column(
    draw: st.DrawFn,
    n: int,
    kind: st.SearchStrategy[str],
    *shape: int,
    low: float | None = None,
    high: float | None = None,
    nan: bool = True,
) -> Any:
    dtype = np.dtype(draw(kind))
    cell: st.SearchStrategy[Any] = st.integers(0, 100)
    if dtype.kind == "f":
        cell = st.floats(low, high, allow_nan=False, allow_infinity=False, width=8 * dtype.itemsize)
        cell = cell | st.just(float("nan")) if nan else cell
    return draw(npst.arrays(dtype, (n, *shape), elements=cell))


def unit_vectors(draw: st.DrawFn, n: int) -> Any:
    angles = draw(npst.arrays(np.float64, (n, 2), elements=st.floats(-3, 3)))
    a, b = angles.T
    return np.stack([np.cos(a) * np.cos(b), np.sin(a) * np.cos(b), np.sin(b)], -1)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    n = draw(st.integers(0, 6))
    who = (draw(words), draw(words), draw(words))
    head: dict[str, Any] = {
        "frame": draw(column(n, ints)), "time_s": draw(column(n, floats)),
        "person": draw(column(n, ints)),
    }  # fmt: skip
    fraction = {"low": 0, "high": 1}
    kind = draw(st.sampled_from(["scores", "directions", "points", "segments"]))
    if kind == "scores":
        value = draw(column(n, floats, **fraction))
        return Scores(*who, threshold=draw(st.floats(0, 1)), value=value, **head)
    if kind == "directions":
        origin, kappa = draw(column(n, floats, 2)), draw(column(n, floats))
        return Directions(
            *who, origin_px=origin, direction=unit_vectors(draw, n), concentration=kappa, **head
        )
    if kind == "segments":
        start = draw(column(n, st.just("float64"), low=0, high=1e4, nan=False))
        length = draw(st.floats(1e-3, 10))
        label = tuple(draw(st.lists(words, min_size=n, max_size=n)))
        return Segments(
            *who, person=head["person"], start_s=start, end_s=start + length, label=label,
            score=draw(column(n, floats, **fraction)),
        )  # fmt: skip
    rows = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool).nonzero()[0]
    heat = draw(npst.arrays(np.uint8, (len(rows), 2, 3))) if draw(st.booleans()) else None
    return Points(
        *who, point_px=draw(column(n, floats, 2)), target=draw(column(n, ints)),
        probability=draw(column(n, floats, **fraction)), target_xyxy=draw(column(n, floats, 4)),
        heatmap_row=rows if heat is not None else rows[:0], heatmap=heat, **head,
    )  # fmt: skip


@st.composite
def analyses(draw: st.DrawFn) -> Analysis:
    n = draw(st.integers(0, 6))
    seconds = st.floats(0, 1e5)
    people = People(
        *(draw(column(n, kind)) for kind in (ints, floats, ints, ints)),
        draw(column(n, floats, 4)), draw(column(n, floats)),
        draw(npst.arrays(np.bool_, n)), draw(column(n, floats)), draw(column(n, floats, 2)),
        *(draw(column(n, floats)) for _ in range(3)),
    )  # fmt: skip
    video = VideoInfo(
        draw(st.text(max_size=9)), 64, 48, draw(st.fractions(1, 120)), draw(seconds),
        draw(seconds), draw(st.integers(0, 10**7)), draw(st.booleans()), 90, Fraction(4, 3), True,
        tuple(Damage(draw(seconds), draw(seconds), draw(st.text(max_size=9))) for _ in range(2)),
    )  # fmt: skip
    persons = tuple(
        Person(
            k,
            (k, k + 7),
            draw(seconds),
            draw(seconds),
            draw(seconds),
            perhaps_same_as=tuple(
                draw(st.lists(st.tuples(st.integers(1, 9), st.floats(0, 1)), max_size=2))
            ),
        )
        for k in range(1, draw(st.integers(1, 4)))
    )
    method = Method(*(draw(st.text(max_size=9)) for _ in range(5)), weights=draw(st.none() | words))
    whole = st.integers(-(2**63), 2**63 - 1)
    keys = {draw(words): draw(st.none() | whole | st.text(max_size=5)) for _ in range(2)}
    warnings = tuple(draw(st.lists(st.text(max_size=9), max_size=2)))
    given_answers = tuple(draw(st.lists(answers(), max_size=4)))
    return Analysis(video, "partial", persons, people, given_answers, (method,), keys, warnings)


@settings(max_examples=60, deadline=None)
@given(analyses())
def test_any_analysis_is_read_back_exactly(analysis: Analysis) -> None:
    with tempfile.TemporaryDirectory() as name:
        assert_same(analysis, load(save(analysis, Path(name))))


def test_a_whole_analysis_with_images_is_read_back_exactly(
    make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    clock = Clock.exact(np.arange(210), np.arange(210) / 25, np.arange(1, 211) / 25)
    analysis = make_analysis(
        heatmaps=True, dtype="float32", status="partial", warnings=("w",), clock=clock
    )
    read = load(str(save(analysis, tmp_path)))
    assert_same(analysis, read)
    assert read.folder == tmp_path
    assert read.persons[0].thumbnail is not None


def test_an_empty_one_too(nobody: Analysis, tmp_path: Path) -> None:
    assert_same(nobody, load(save(nobody, tmp_path)))


def test_file_names_that_are_no_utf8_survive(
    make_analysis: MakeAnalysis, make_video_info: Callable[..., VideoInfo], tmp_path: Path
) -> None:
    info = make_video_info(path="r\udce9sum\udce9 王\u2028.mp4")
    analysis = make_analysis(persons=1, frames=2, video=info)
    save(analysis, tmp_path)
    text = (tmp_path / "analysis.json").read_bytes().decode("utf-8")
    assert "王" in text
    assert load(tmp_path).video.path == info.path


def test_the_index_says_what_ran_and_what_lies_there(
    make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    analysis = make_analysis(settings={"fov_deg": np.float64(55), "boxes": Path("a/b.csv")})
    save(analysis, tmp_path, fingerprint="f00", versions={"torch": "2", "eyeline": "0.1.0"})
    index = read_index(tmp_path)
    assert index["fingerprint"] == "f00"
    assert list(index["versions"]) == ["eyeline", "torch"]
    assert index["settings"] == {"fov_deg": 55.0, "boxes": "a/b.csv"}
    assert index["counts"]["persons"] == 4
    assert index["counts"]["people_rows"] == 800
    assert index["counts"]["segments"]["speech/speaking"] == 8
    assert set(index["speech"]) >= {"voiced_s", "attributed_s", "not_sure_who_s"}
    assert index["methods"][1]["sha256"] == "ab" * 32
    listed = {entry["name"]: entry["bytes"] for entry in index["files"]}
    assert {f"thumbnails/person_{k}.png" for k in (1, 2, 3, 4)} < listed.keys()
    assert all((tmp_path / name).stat().st_size == size for name, size in listed.items())


def test_the_index_is_the_same_each_time(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    a, b = (save(make_analysis(), tmp_path / name) for name in ("a", "b"))
    assert (a / "analysis.json").read_bytes() == (b / "analysis.json").read_bytes()


def test_settings_that_json_cannot_hold_are_refused(
    make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    for value in (object(), float("nan")):
        analysis = make_analysis(persons=1, frames=2, settings={"x": value})
        with pytest.raises(DataError, match=r"analysis\.json cannot hold"):
            write_index(analysis, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not the folder of an analysis"),
        (b"{", "is damaged"),
        (b"\xff\xfe", "is damaged"),
        (b"[1]", "was not written by eyeline"),
        (b'{"format": {"name": "eyeline analysis"}}', "the version None"),
        (b'{"format": {"name": "eyeline analysis", "version": 9}}', "written by a newer eyeline"),
        (b'{"format": {"name": "eyeline analysis", "version": 1}}', "does not hold what"),
    ],
)
def test_what_is_no_analysis_is_reported(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "analysis.json").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def edited(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    path = folder / "analysis.json"
    index = json.loads(path.read_text())
    change(index)
    path.write_text(json.dumps(index))
    return folder


def spoilt(index: dict[str, Any]) -> None:
    index["answers"][0]["rows"] -= 1


def foreign_type(index: dict[str, Any]) -> None:
    index["people"]["dtypes"]["frame"] = "object"


def unlisted(index: dict[str, Any]) -> None:
    index["files"] = [f for f in index["files"] if f["name"] != "scores.parquet"]


def no_video(index: dict[str, Any]) -> None:
    del index["video"]["rate_hz"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoilt, "rows, not"),
        (foreign_type, "is no number"),
        (unlisted, "does not list scores.parquet"),
        (no_video, "does not hold what an analysis needs"),
    ],
)
def test_an_index_that_does_not_fit_its_tables_is_reported(
    make_analysis: MakeAnalysis,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], None],
    message: str,
) -> None:
    folder = edited(save(make_analysis(persons=1, frames=5), tmp_path), change)
    with pytest.raises(DataError, match=message):
        load(folder)


def test_damaged_and_missing_files_are_reported(
    make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    save(make_analysis(persons=1, frames=5), tmp_path)
    table, image = tmp_path / "points.parquet", tmp_path / "thumbnails" / "person_1.png"
    whole = table.read_bytes()
    table.write_bytes(whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])
    with pytest.raises(DataError, match=r"points\.parquet is damaged"):
        load(tmp_path)
    table.unlink()
    with pytest.raises(DataError, match=r"points\.parquet is missing"):
        load(tmp_path)
    table.write_bytes(whole)
    image.write_bytes(b"no image")
    with pytest.raises(DataError, match="not an image"):
        load(tmp_path)
    image.unlink()
    with pytest.raises(DataError, match=r"person_1\.png is missing"):
        load(tmp_path)


def test_an_index_without_a_place(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_index(replace(make_analysis(persons=0, frames=0)), tmp_path / "file")

"""Parts of a video: how they are named, what is refused, and that the rest stays unknown."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from eyeline import api, delivery, parts, sample
from eyeline.analysis import analyze_video
from eyeline.errors import UsageError
from eyeline.export import write_annotated
from eyeline.export.tiers import NOT_ANALYSED, PARTS, tiers_of
from eyeline.jobs import Outcome
from eyeline.parts import Span
from eyeline.plan import Job, with_parts
from eyeline.results import Analysis, Clock, Gap, Part, VideoInfo
from eyeline.settings import Settings, fingerprint
from eyeline.video.gaps import Shortened
from eyeline.video.reader import VideoReader
from tests.conftest import Command
from tests.export.conftest import build, video_info

TWO = (Part(2.0, 4.0, "free play"), Part(6.0, 8.5))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90.5", 90.5), ("1:30", 90), ("00:01:30.25", 90.25), ("75:00", 4500)],
)
def test_times_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parts.read_time(text) == seconds
    assert parts.read_time(parts.written(seconds)) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "nan", "inf", "-3", "1:75", "1:60:00", "1,5", "1:2:3:4", "::", "1e3", "٣"],
)
def test_other_notations_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a time.*give seconds"):
        parts.read_time(text)


@pytest.mark.parametrize(
    ("starts", "ends", "said"),
    [
        (["5"], ["2"], "does not end after its start"),
        (["5"], ["5"], "does not end after its start"),
        (["1", "2"], ["3"], "2 --from and 1 --to"),
        (["1", "2"], ["3", "4"], "overlap"),
    ],
)
def test_spans_that_cannot_be_are_refused(starts: list[str], ends: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parts.from_options(starts, ends)


def test_options_and_files_name_the_same_parts(tmp_path: Path) -> None:
    for separator in ",;":
        table = "name,from,to\nfree play,0:02,0:04\n,6,8.5\n".replace(",", separator)
        (tmp_path / "spans.csv").write_text(table, "utf-8-sig")
        assert parts.from_file(tmp_path / "spans.csv") == (Span(TWO[0]), Span(TWO[1]))
    (tmp_path / "spans.csv").write_text("from,to,video\n2,4,b.mp4\n1,3,a.mp4\n")
    assert [(s.part.start_s, s.video) for s in parts.from_file(tmp_path / "spans.csv")] == [
        (1.0, "a.mp4"), (2.0, "b.mp4"),
    ]  # fmt: skip
    assert parts.from_options(["6", "2"], ["8.5", "4"]) == (Part(2.0, 4.0), TWO[1])
    assert parts.from_options([], ["4"]) == (Part(0.0, 4.0),)
    assert parts.from_options(["4"], []) == (Part(4.0, math.inf),)
    assert parts.from_options([], []) == ()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("name,start,end\na,1,2\n", "has no column from"),
        ("name,from,to\n", "names no span"),
        ("name,from,to\na,1,2\nb,x,3\n", "line 3: 'x' is not a time"),
        ("name,from,to\na,3,1\n", "line 2: .* does not end after its start"),
        ("from,to,video\n1,3,\n2,4,a.mp4\n", "overlap"),
        ("name,from,to\na,1,3\nb,2,4\n", r"a \(0:01 to 0:03\) and b \(0:02 to 0:04\) overlap"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, table: str, said: str) -> None:
    (tmp_path / "spans.csv").write_text(table)
    with pytest.raises(UsageError, match=said):
        parts.from_file(tmp_path / "spans.csv")


@pytest.mark.parametrize(
    "options", [("--from", "0:50"), ("--to", "99"), ("--from", "5", "--to", "2"), ("--to", "nan")]
)
def test_nothing_is_analysed_where_a_span_is_wrong(
    eyeline: Command, tmp_path: Path, options: tuple[str, ...]
) -> None:
    ended = eyeline("analyze", sample.path(), "-o", tmp_path / "out", *options)
    assert ended.code == 2 and len(ended.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_row_may_be_of_one_video() -> None:
    jobs = [Job(sample.path(), Path(name), name) for name in ("a", "b")]
    result = with_parts(jobs, [Span(TWO[0]), Span(TWO[1], "b")])
    assert [job.parts for job in result] == [TWO[:1], TWO]
    assert with_parts(jobs, []) == jobs
    for spans, said in (
        ([Span(TWO[0], "c")], "column video: 'c' is none of the videos; name one of a, b"),
        ([Span(TWO[0], "a")], "no span is of .*give one, or leave the video out"),
    ):
        with pytest.raises(UsageError, match=said):
            with_parts(jobs, spans)


def test_each_video_is_analysed_in_its_own_parts(
    eyeline: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def analysed(video: Path, folder: Path, settings: Settings, *_: Any, **__: Any) -> Outcome:
        asked[folder.name] = settings.parts
        return Outcome(video, folder, "ok")

    monkeypatch.setattr(delivery, "analyze_into", analysed)
    videos = [shutil.copy(sample.path(), tmp_path / name) for name in ("a.mp4", "b.mp4")]
    (tmp_path / "spans.csv").write_text("from,to,video\n2,4,\n6,8.5,b.mp4\n")
    ended = eyeline("analyze", *videos, "-o", tmp_path / "o", "--spans", tmp_path / "spans.csv")
    assert (ended.code, ended.err) == (0, "")
    assert asked == {"a": (Part(2.0, 4.0),), "b": (Part(2.0, 4.0), TWO[1])}


def test_settings_of_parts_are_settings_of_their_own() -> None:
    assert "parts" not in Settings().content
    assert Settings(parts=TWO).content["parts"][1] == {"start_s": 6.0, "end_s": 8.5, "name": ""}
    assert Settings(parts=(Part(1.0, math.inf),)).content["parts"][0]["end_s"] is None


def test_results_of_the_same_parts_are_known_again() -> None:
    marks = [
        fingerprint(Settings(parts=chosen), "video", "1")
        for chosen in (TWO, TWO, (), TWO[:1], (Part(2.0, 4.0), TWO[1]))
    ]
    assert marks[0] == marks[1] and len({*marks}) == 4


def test_frames_of_parts_are_those_of_the_whole_video() -> None:
    every = list(VideoReader(sample.path()))
    reader = VideoReader(sample.path(), parts=(*TWO, Part(8.5, 9.0)))
    some = list(reader)
    inside = [f for f in every if 2 <= f.time_s < 4 or 6 <= f.time_s < 9]
    assert [(f.index, f.time_s) for f in some] == [(f.index, f.time_s) for f in inside]
    ends = {f.index: f.end_s for f in every}
    assert [f.end_s for f in some] == [min(ends[f.index], 9.0) for f in inside]
    assert reader.info.duration_s == pytest.approx(every[-1].end_s, abs=0.05)
    assert reader.info.frame_count < len(every), "the tail need not be decoded"


def test_what_lies_outside_is_neither_analysed_nor_missing() -> None:
    info = video_info(10.0, parts=TWO, gaps=(Gap(1.0, 3.0), Gap(9.0, 9.5)))
    assert info.not_analysed == (Gap(0.0, 2.0), Gap(4.0, 6.0), Gap(8.5, 10.0))
    assert info.analysed_s == pytest.approx(3.5)
    clock = Clock.exact(
        np.array([50, 51, 52, 150, 151]),
        np.array([2.0, 2.04, 2.08, 6.0, 6.04]),
        np.array([2.04, 2.08, 2.12, 6.04, 6.08]),
    )
    assert [clock.holding(frame) for frame in (49, 52, 53, 149, 150)] == [None, 2, None, None, 3]


def test_audio_outside_of_parts_is_not_heard() -> None:
    clock = Shortened.of([Gap(0.0, 60.0), Gap(62.0, 120.0)], [Gap(0.0, 120.0)], [Part(60.0, 62.0)])
    assert clock.dead == (Gap(0.0, 60.0), Gap(62.0, 120.0))
    assert list(clock.heard(59, 63, 1)) == [(60, 62)] and clock.ended(62.0)
    assert list(Shortened().heard(59, 63, 1)) == [(59, 63)] and not Shortened().ended(1e9)


@pytest.fixture(scope="module")
def analysed() -> Analysis:
    return analyze_video(sample.path(), Settings(parts=TWO, systems=("eye_contact",)))


def test_an_analysis_of_parts_keeps_the_clock(analysed: Analysis) -> None:
    inside = [(p.start_s, p.end_s) for p in TWO]

    def is_inside(start_s: Any, end_s: Any) -> bool:
        spans = zip(start_s, end_s, strict=True)
        return all(any(a <= s and e <= b for a, b in inside) for s, e in spans)

    assert analysed.clock is not None and is_inside(analysed.clock.start_s, analysed.clock.end_s)
    assert len(analysed.clock) == 50 + 63 and analysed.status == "ok"
    assert is_inside(analysed.people.time_s, analysed.people.time_s)
    for answer in analysed.answers:
        if hasattr(answer, "time_s"):
            assert is_inside(answer.time_s, answer.time_s)
        else:
            assert is_inside(answer.start_s, answer.end_s)
    assert len(analysed.segments("voice")) and len(analysed.persons) == 2
    assert max(p.seen_s for p in analysed.persons) <= analysed.video.analysed_s + 1e-6


def test_every_output_says_what_was_not_analysed(analysed: Analysis, tmp_path: Path) -> None:
    from eyeline.export.report import render
    from eyeline.jobs import write

    done = write(analysed, sample.path(), tmp_path, "mark", Settings(parts=TWO, video=False))
    assert api.load_analysis(tmp_path).video == done.video
    assert done.video.parts == TWO
    tiers = {tier.name: tier.spans for tier in tiers_of(done)}
    assert tiers[PARTS] == ((2000, 4000, "free play"), (6000, 8500, "part 2"))
    assert [span[:2] for span in tiers[NOT_ANALYSED]] == [(0, 2000), (4000, 6000), (8500, 10400)]
    page = render(done)
    assert "free play (0:02 to 0:04); 0:06 to 0:08.5" in page and "4.5 s of video that" in page
    assert '"outside": [[0.0, 2.0], [4.0, 6.0], [8.5, 10.4]]' in page


def test_the_annotated_video_keeps_the_clock(analysed: Analysis, tmp_path: Path) -> None:
    path = write_annotated(analysed, sample.path(), tmp_path)
    with av.open(str(path)) as container:
        frames = [(float(f.time), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    for time_s, image in frames:
        grey = np.abs(image[: len(image) // 3].astype(int) - 96).mean() < 3
        assert grey != any(p.start_s <= time_s < p.end_s for p in TWO), time_s
    with av.open(str(path)) as container:
        for block in container.decode(audio=0):
            if not any(p.start_s - 0.1 < float(block.time) < p.end_s + 0.1 for p in TWO):
                assert np.abs(block.to_ndarray()).max() < 1e-3


def test_an_old_index_has_no_parts() -> None:
    assert build(persons=1, frames=3).video.parts == ()
    assert isinstance(video_info(), VideoInfo) and video_info().not_analysed == ()

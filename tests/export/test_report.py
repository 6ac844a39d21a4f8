"""The report stands alone, escapes what is not ours, and stays small."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.export import write_report, write_rttm, write_tables
from eyeline.export.lanes import coarse, timelines
from eyeline.export.report import render
from eyeline.export.summary import summarise
from eyeline.results import Analysis, Damage, Ints, Method, Points, VideoInfo, make_segments

MakeAnalysis = Callable[..., Analysis]
VOID = {"meta", "link", "img", "circle", "path", "i", "input", "br"}


class Page(HTMLParser):
    """Tags, attributes and words of a page, and whether all its tags are closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID or tag == "i":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.scripts.append(data)
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(analysis: Analysis, **options: Any) -> Page:
    page = Page(render(analysis, **options))
    assert page.open == []
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    return page


def test_nothing_is_asked_from_elsewhere(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    analysis = make_analysis()
    write_tables(analysis, tmp_path)
    (tmp_path / "annotated.mp4").touch()
    html = write_report(analysis, tmp_path).read_text(encoding="utf-8")
    assert "Where people have corrected it" in html and "corrected/report.html" in html
    page = Page(html)
    for tag, attributes in page.tags:
        for name in ("src", "href", "poster", "action", "data", "srcset"):
            value = attributes.get(name)
            if value is not None:
                ours = re.fullmatch(r"#[\w-]+|data:.*|[\w.]+\.(csv|mp4|json|eaf|rttm)(#.*)?", value)
                assert ours, (tag, value)
    assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttpRequest|import\(", html)
    policy = next(a["content"] for a in page.all("meta") if "http-equiv" in a)
    assert policy is not None and policy.startswith("default-src 'none'")


def test_the_report_says_what_the_tables_hold(make_analysis: MakeAnalysis) -> None:
    page = page_of(make_analysis(persons=4))
    for words in (
        "talk.mp4", "4 people were seen", "Who looks at whom", "Mutual gaze", "person 3",
        "geometric method, no trained weights", "trained network", "not measured: no weights",
        "accuracy 58 % in cross-validation", "research use", "ab" * 32,
    ):  # fmt: skip
        assert words in page.text, words
    assert len([a for a in page.all("img") if (a["src"] or "").startswith("data:image/jpeg")]) == 4
    assert page.all("video")[0]["src"] == "annotated.mp4#t=0.01"
    assert len(page.all("canvas")) == 5


def test_links_of_headlines_lead_to_their_methods(make_analysis: MakeAnalysis) -> None:
    page = page_of(make_analysis())
    ids = {a["id"] for _, a in page.tags if "id" in a}
    sources = {a["href"] for a in page.all("a") if a.get("class") == "source"}
    assert {"#method-gaze-following-ray", "#method-eye-contact-landmarks-tcn"} <= sources
    assert {"method-gaze-following-ray", "method-eye-contact-landmarks-tcn"} <= ids


def test_names_and_warnings_are_escaped(
    make_analysis: MakeAnalysis, make_video_info: Callable[..., VideoInfo]
) -> None:
    bad = '</script><script>alert("x")</script>&\'"'
    segments = make_segments(bad, bad, bad, [(1, 0.0, 1.0, bad, 0.5)])
    looks = make_segments("r", "b", "gaze_target", [(1, 0.0, 1.0, bad, 0.5)])
    analysis = make_analysis(
        persons=2, answers=(segments, looks), warnings=(bad,), settings={bad: [bad]},
        methods=(Method(bad, bad, bad, bad, bad, bad, bad),),
        video=make_video_info(path=f"dir/{bad}.mp4", damage=(Damage(0.0, 1.0, bad),)),
    )  # fmt: skip
    page = page_of(analysis, versions={bad: bad}, files={bad: bad})
    assert len(page.all("script")) == 2
    assert bad.replace("/", "") in page.text.replace("/", "")
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    data = json.loads(next(s for s in page.scripts if s.lstrip().startswith("{")))
    assert bad in [code["label"] for code in data["codes"]]


def test_partial_analyses_say_so_first(
    make_analysis: MakeAnalysis, make_video_info: Callable[..., VideoInfo]
) -> None:
    whole = page_of(make_analysis())
    assert "partial" not in whole.text
    damage = (Damage(61.0, 64.5, "corrupt packet"),)
    analysis = make_analysis(
        status="partial", warnings=("audio ends early",), video=make_video_info(8.0, damage=damage)
    )
    text = page_of(analysis).text
    assert "This analysis is partial" in text
    assert "1:01.0 to 1:04.5 (3.5 s): corrupt packet" in text
    assert text.index("audio ends early") < text.index("4 people were seen")


def test_nobody_no_audio_one_frame_and_many_people(
    nobody: Analysis, make_analysis: MakeAnalysis
) -> None:
    text = page_of(nobody).text
    assert "Nobody was seen" in text
    assert "The video has no audio" in text
    assert "does not say which methods ran" in text
    assert "person 1" in page_of(make_analysis(persons=1, frames=1)).text
    crowd = page_of(make_analysis(persons=50, frames=50))
    assert len(crowd.all("article")) == 50 + 2
    assert "person 50" in crowd.text


def test_the_page_is_the_same_each_time_and_lists_what_lies_parallel_it(
    make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    analysis = make_analysis()
    first = write_report(analysis, tmp_path, versions={"eyeline": "0.1.0"}).read_bytes()
    assert b'href="segments.csv"' not in first and b"<video" not in first
    write_tables(analysis, tmp_path)
    write_rttm(analysis, tmp_path)
    (tmp_path / "annotated.mp4").touch()
    second = write_report(analysis, tmp_path, versions={"eyeline": "0.1.0"}).read_bytes()
    assert b'href="segments.csv"' in second and b'href="timeline.rttm"' in second
    assert b'href="timeline.eaf"' not in second and b"<video" in second
    assert write_report(analysis, tmp_path, versions={"eyeline": "0.1.0"}).read_bytes() == second
    assert b"Made with eyeline 0.1.0" in second


def test_no_video_no_player(make_analysis: MakeAnalysis) -> None:
    page = page_of(make_analysis(), media="")
    assert page.all("video") == []
    assert "click to play" not in page.text


def test_broken_file_names_do_not_stop_it(
    make_analysis: MakeAnalysis, make_video_info: Callable[..., VideoInfo], tmp_path: Path
) -> None:
    analysis = make_analysis(persons=1, video=make_video_info(path="r\udce9sum 王.mp4"))
    assert "王.mp4" in write_report(analysis, tmp_path).read_text(encoding="utf-8")


def lane(*runs: tuple[int, int, int]) -> Ints:
    return np.array(runs, np.int64).reshape(-1, 3)


@pytest.mark.parametrize(
    ("runs", "step", "expected"),
    [
        ([], 100, []),
        ([(0, 100, 3)], 50, [(0, 100, 3)]),
        ([(0, 30, 1), (30, 100, 2)], 100, [(0, 100, 2)]),
        ([(0, 49, 1)], 100, []),
        ([(0, 40, 1), (60, 100, 1), (100, 200, 1)], 100, [(0, 200, 1)]),
        ([(0, 20, 1), (20, 60, 2), (60, 80, 1)], 80, [(0, 80, 1)]),
        ([(150, 250, 5)], 100, [(200, 250, 5)]),
    ],
)
def test_coarse_takes_what_holds_longest(
    runs: list[tuple[int, int, int]], step: int, expected: list[tuple[int, int, int]]
) -> None:
    end = 250 if runs and runs[-1][1] == 250 else max([100, *(b for _, b, _ in runs)])
    assert [tuple(r) for r in coarse(lane(*runs), step, end).tolist()] == expected


def unpacked(packed: list[int]) -> list[tuple[int, int, int]]:
    runs, t = [], 0
    for gap, length, code in zip(packed[::3], packed[1::3], packed[2::3], strict=True):
        runs.append((t + gap, t + gap + length, code))
        t += gap + length
    return runs


def test_timelines_hold_every_run_while_there_are_few(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=2, frames=100)
    lines = timelines(analysis, summarise(analysis))
    data = lines.to_json()
    assert lines.resolution_ms == 0
    assert [g["label"] for g in data["groups"]] == ["person 1", "person 2"]
    seen, speaks, contact, *_, looks = (unpacked(x["runs"]) for x in data["groups"][0]["lanes"])
    assert seen == [(0, 4000, 0)]
    assert speaks == contact == [(1000, 2000, 0), (3000, 4000, 0)]
    names = [c["label"] for c in data["codes"]]
    assert [(a, b, names[c]) for a, b, c in looks] == [
        (0, 1000, "person 2"), (1000, 2000, "camera"), (2000, 3000, "person 2"),
        (3000, 4000, "camera"),
    ]  # fmt: skip


def test_two_hours_of_flicker_stay_small(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=2, frames=20_000, stride=9)
    points: Points = analysis.points()
    rng = np.random.default_rng(1)
    flicker = replace(points, target=rng.integers(-2, 3, len(points)))
    answers = tuple(flicker if isinstance(a, Points) else a for a in analysis.answers)
    analysis = replace(analysis, answers=answers)
    assert analysis.video.duration_s == 7200
    lines = timelines(analysis, summarise(analysis), budget=4000)
    drawn = sum(len(x.runs) for g in lines.groups for x in g.lanes)
    assert lines.resolution_ms > 0
    assert 1000 < drawn <= 4100
    html = render(analysis)
    assert len(html) < 5_000_000


def test_who_may_be_the_same_is_said(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(persons=2)
    first = replace(analysis.persons[0], perhaps_same_as=((2, 0.42),))
    page = page_of(replace(analysis, persons=(first, analysis.persons[1])))
    assert page.text.count("perhaps the same as person 2 (42 %)") == 1


@pytest.mark.parametrize(("persons", "many"), [(3, False), (9, True)])
def test_matrices_of_many_people_have_upright_heads(
    make_analysis: MakeAnalysis, persons: int, many: bool
) -> None:
    page = page_of(make_analysis(persons=persons, frames=250))
    (matrix,) = (t for t in page.all("table") if "matrix" in (t["class"] or ""))
    assert ("many" in (matrix["class"] or "").split()) == many
    style = next(text for text in page.scripts if ".matrix.many" in text)
    assert "writing-mode: vertical-rl" in style

"""RTTM lines, read by a parser of their fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from eyeline.export import write_rttm
from eyeline.results import ANYBODY, UNSEEN, UNSURE, Analysis, VideoInfo, make_segments

MakeAnalysis = Callable[..., Analysis]


def read(path: Path) -> list[tuple[str, float, float, str]]:
    """File, start, duration and speaker of each line."""
    turns = []
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, name, channel, start, length, *rest = line.split(" ")
        assert (kind, channel) == ("SPEAKER", "1")
        assert rest[:2] == rest[3:] == ["<NA>", "<NA>"]
        assert float(length) > 0
        turns.append((name, float(start), float(length), rest[2]))
    return turns


def test_turns_are_in_order_of_time_with_unseen_voices(
    make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    rows = [
        (2, 0.5, 1.75, "speech", 0.9), (1, 3.0, 3.5, "speech", 0.9),
        (UNSEEN, 2.0, 2.25, "speech", 0.9), (1, 0.0, 1.0, "speech", 0.9),
        (UNSURE, 4.0, 5.0, "not sure who", 0.4),
    ]  # fmt: skip
    speech = make_segments("speech", "mouth_agreement", "speaking", rows)
    other = make_segments("speech", "lr_asd", "speaking", rows[:1])
    contact = make_segments("eye_contact", "b", "eye_contact", rows)
    voice = make_segments("speech", "mouth_agreement", "voice", [(ANYBODY, 0.0, 5.0, "voice", 1)])
    analysis = replace(make_analysis(persons=2), answers=(speech, voice, other, contact))
    assert read(write_rttm(analysis, tmp_path)) == [
        ("talk", 0.0, 1.0, "person_1"),
        ("talk", 0.5, 1.25, "person_2"),
        ("talk", 2.0, 0.25, "unseen"),
        ("talk", 3.0, 0.5, "person_1"),
        ("talk", 4.0, 1.0, "not_sure_who"),
    ]


@pytest.mark.parametrize(
    ("path", "field"), [("a/my talk\t1.mp4", "my_talk_1"), ("王.mov", "王"), (" .mp4", "_")]
)
def test_names_have_no_blanks(
    make_analysis: MakeAnalysis,
    make_video_info: Callable[..., VideoInfo],
    tmp_path: Path,
    path: str,
    field: str,
) -> None:
    analysis = make_analysis(persons=1, video=make_video_info(path=path))
    assert {turn[0] for turn in read(write_rttm(analysis, tmp_path))} == {field}


def test_no_audio_and_nobody_give_an_empty_file(
    nobody: Analysis, make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    assert write_rttm(nobody, tmp_path).read_bytes() == b""
    silent = replace(make_analysis(persons=2), answers=())
    assert write_rttm(silent, tmp_path).read_bytes() == b""

"""EAF files hold to the order and attributes of the schema and are read by pympi."""

from __future__ import annotations

import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from eyeline.codings import eaf
from eyeline.codings.coding import Coding, CodingTier, Interval
from eyeline.export import write_elan
from eyeline.export.coding import coding_of
from eyeline.export.tiers import tiers_of
from eyeline.results import Analysis, Segments
from tests.codings.eaf_schema import faults

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pympi.Elan import Eaf

MakeAnalysis = Callable[..., Analysis]


def check(data: bytes) -> ET.Element:
    """What a validator would check, and that slots are in order and no type is unused."""
    assert not faults(data)
    root = ET.fromstring(data)
    assert root.get("VERSION") == root.get("FORMAT") == "3.0"
    slots = {e.get("TIME_SLOT_ID"): int(e.get("TIME_VALUE", "")) for e in root.iter("TIME_SLOT")}
    assert list(slots.values()) == sorted(slots.values())
    for annotation in root.iter("ALIGNABLE_ANNOTATION"):
        start, end = (slots[annotation.get(f"TIME_SLOT_REF{k}")] for k in (1, 2))
        assert start < end
    types = {e.get("LINGUISTIC_TYPE_ID") for e in root.iter("LINGUISTIC_TYPE")}
    assert {e.get("LINGUISTIC_TYPE_REF") for e in root.iter("TIER")} == types
    return root


def read(path: Path) -> dict[str, list[tuple[int, int, str]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = Eaf(str(path))
    return {
        name: [tuple(a[:3]) for a in file.get_annotation_data_for_tier(name)]
        for name in file.get_tier_names()
    }


def test_pympi_reads_back_what_was_written(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    analysis = make_analysis(persons=3)
    path = write_elan(analysis, tmp_path)
    assert path == tmp_path / "timeline.eaf"
    check(path.read_bytes())
    tiers = tiers_of(analysis)
    assert read(path) == {tier.name: list(tier.spans) for tier in tiers}
    assert len(tiers) == 15
    assert "person 2 gaze_target" in read(path)


def test_the_link_to_the_video_is_relative_and_can_be_left_out(
    make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    analysis = make_analysis(persons=1)
    root = check(write_elan(analysis, tmp_path).read_bytes())
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    assert media is not None
    assert media.get("RELATIVE_MEDIA_URL") == "./annotated.mp4"
    assert media.get("MEDIA_URL") == "file:///annotated.mp4"
    assert str(tmp_path).encode() not in (tmp_path / "timeline.eaf").read_bytes()
    assert check(eaf.write(coding_of(analysis), [])).find("HEADER/MEDIA_DESCRIPTOR") is None
    odd = check(eaf.write(Coding("", ()), [("a b%&.mov", 0.0)])).find("HEADER/MEDIA_DESCRIPTOR")
    assert odd is not None
    assert odd.get("RELATIVE_MEDIA_URL") == "./a%20b%25%26.mov"
    assert odd.get("MIME_TYPE") == "video/quicktime"


def test_odd_words_are_escaped(
    make_analysis: MakeAnalysis, make_segments_of: Callable[..., Segments], tmp_path: Path
) -> None:
    odd = 'a<b> & "c" \x07 王\n]]>'
    rows = [(1, 0.0, 1.0, odd, 0.5), (1, 1.0, 2.0, "", 0.5)]
    analysis = replace(make_analysis(persons=1), answers=(make_segments_of(odd, rows),))
    path = write_elan(analysis, tmp_path)
    check(path.read_bytes())
    (values,) = read(path).values()
    assert values[0] == (0, 1000, 'a<b> & "c"   王 ]]>')
    assert values[1][2] in ("", None)


@pytest.mark.parametrize("persons", [0, 50])
def test_any_number_of_people(make_analysis: MakeAnalysis, persons: int) -> None:
    root = check(eaf.write(coding_of(make_analysis(persons=persons, frames=20)), [("x.mp4", 0.0)]))
    assert len(root.findall("TIER")) == 5 * persons


@pytest.mark.parametrize(
    ("media", "starts_s", "origin"),
    [
        ("annotated.mp4", 2.507, None),  # whose clock is that of the tables
        ("talk.mp4", 2.507, "2507"),
        ("talk.mp4", 0.0, None),
    ],
)
def test_the_clock_begins_with_the_first_frame_of_the_source(
    make_analysis: MakeAnalysis, tmp_path: Path, media: str, starts_s: float, origin: str | None
) -> None:
    analysis = make_analysis()
    late = replace(analysis, video=replace(analysis.video, player_start_s=starts_s))
    root = check(write_elan(late, tmp_path, media=media).read_bytes())
    assert root.find("HEADER/MEDIA_DESCRIPTOR").get("TIME_ORIGIN") == origin


def test_nobody_and_no_segments_give_a_valid_file(
    nobody: Analysis, make_analysis: MakeAnalysis, tmp_path: Path
) -> None:
    check(write_elan(nobody, tmp_path).read_bytes())
    assert read(tmp_path / "timeline.eaf") == {}
    silent = replace(make_analysis(persons=2), answers=())
    check(write_elan(silent, tmp_path).read_bytes())


def test_the_same_tiers_give_the_same_bytes() -> None:
    tier = CodingTier("person 1 x", (Interval(0, 0.01, "a"), Interval(0.01, 0.02, "b")))
    assert eaf.write(Coding("", (tier,))) == eaf.write(Coding("", (tier,)))

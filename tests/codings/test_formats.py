"""Each format is read back as written, other readers agree, and wrong files get a message."""

from __future__ import annotations

import json
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from praatio import textgrid as praat

from eyeline.codings import eaf, table
from eyeline.codings.coding import Coding, CodingTier, Interval, renamed
from eyeline.codings.formats import FORMATS, format_of, read_file
from eyeline.codings.table import Dialect
from eyeline.errors import DataError, UsageError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pympi.Elan import Eaf

CODING = Coding(
    "test",
    (
        CodingTier(
            "person 1 gaze",
            (Interval(0.0, 1.25, "person 2"), Interval(1.25, 3.0, "camera")),
            "person 1",
            "gaze",
            "A",
        ),
        CodingTier("person 2 gaze", (Interval(0.5, 0.75, "Zoë; (1,5)"),), "person 2", "gaze", "A"),
    ),
    "talk.mp4",
    duration_s=4.0,
)
READ = [name for name, one in FORMATS.items() if one.read]


def written(folder: Path, name: str, coding: Coding = CODING, dialect: Dialect = "excel") -> Path:
    path = folder / f"coding{FORMATS[name].suffixes[0]}"
    path.write_bytes(FORMATS[name].write(coding, dialect))
    return path


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("dialect", ["excel", "excel-eu"])
def test_it_is_read_back(tmp_path: Path, name: str, dialect: Dialect) -> None:
    path = written(tmp_path, name, dialect=dialect)
    assert format_of(path) == name
    result = read_file(path)
    if name in ("boris", "boris-events"):  # where , and | divide modifiers
        assert result.tiers[1].values == ("Zoë; (1;5)",)
    else:
        assert result.tiers[1].intervals == CODING.tiers[1].intervals
    assert result.tiers[0].intervals == CODING.tiers[0].intervals
    if not name.startswith("datavyu"):  # whose names are words
        assert [t.name for t in result.tiers] == [t.name for t in CODING.tiers]
    if name in ("eaf", "boris", "boris-events", "csv", "xlsx"):
        assert [t.person for t in result.tiers] == [t.person for t in CODING.tiers]
    if name in ("eaf", "boris", "boris-events"):
        assert result.media == "talk.mp4"


@pytest.mark.parametrize("name", [*FORMATS])
def test_an_empty_coding_can_be_written(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name, Coding("", ()))
    if name in READ and name not in ("boris-events", "textgrid"):
        assert read_file(path).tiers == ()


def test_the_two_dialects_differ_as_excel_does(tmp_path: Path) -> None:
    us, eu = (table.write(CODING, dialect) for dialect in ("excel", "excel-eu"))
    assert us.splitlines()[2] == "person 1 gaze,person 1,camera,1.25,3,1.75"
    assert eu.splitlines()[2] == "person 1 gaze;person 1;camera;1,25;3;1,75"
    assert written(tmp_path, "csv", dialect="excel-eu").read_bytes().startswith(b"\xef\xbb\xbf")


def test_what_pympi_writes_is_read_as_pympi_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "lab.eaf"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = Eaf(author="lab")
        file.add_linguistic_type("words", constraints="Symbolic_Subdivision", timealignable=False)
        file.add_tier("mother gaze", part="mother")
        file.add_tier("words", ling="words", parent="mother gaze")
        for start, end, value in ((0, 1500, "child"), (1500, 2000, ""), (2500, 4000, "toy")):
            file.add_annotation("mother gaze", start, end, value)
        file.add_ref_annotation("words", "mother gaze", 100, "look")
        file.add_ref_annotation("words", "mother gaze", 100, "there", prev="a4")
        file.add_linked_file("file:///C:/lab/talk%201.mp4", mimetype="video/mp4", time_origin=500)
        file.to_file(str(path))
        spans = file.get_annotation_data_for_tier("mother gaze")
    result = read_file(path)
    assert (result.media, result.origin_s) == ("talk 1.mp4", 0.5)
    tier = result.tier("mother gaze")
    assert tier.person == "mother"
    assert [(round(i.from_s * 1000), round(i.to_s * 1000), i.value) for i in tier.intervals] == [
        span[:3] for span in sorted(spans)
    ]
    assert result.tier("words").intervals == (
        Interval(0.0, 0.75, "look"),
        Interval(0.75, 1.5, "there"),
    )


@pytest.mark.parametrize("form", ["short_textgrid", "long_textgrid"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_praatio_writes_is_read(tmp_path: Path, form: str, encoding: str) -> None:
    grid = praat.Textgrid()
    grid.addTier(praat.IntervalTier("child", [(0.5, 1.25, 'says "王" 3'), (1.25, 2, "b")], 0, 5))
    grid.addTier(praat.PointTier("clicks", [(1.0, "x")], 0, 5))
    path = tmp_path / "lab.TextGrid"
    grid.save(str(path), form, includeBlankSpaces=True)
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    result = read_file(path)
    assert result.duration_s == 5
    assert [t.name for t in result.tiers] == ["child"]
    assert [(i.from_s, i.to_s) for i in result.tiers[0].intervals] == [(0.5, 1.25), (1.25, 2)]
    assert "'clicks' is a point tier of 1 points" in result.notes[0]


def test_slots_without_a_time_stand_evenly_between_others() -> None:
    text = """<ANNOTATION_DOCUMENT><HEADER/><TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="b"/>
    <TIME_SLOT TIME_SLOT_ID="c" TIME_VALUE="3000"/></TIME_ORDER><TIER TIER_ID="t">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="x" TIME_SLOT_REF1="a" TIME_SLOT_REF2="b">
    <ANNOTATION_VALUE>v</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    </TIER></ANNOTATION_DOCUMENT>"""
    assert eaf.read(text.encode(), "x").tiers[0].intervals == (Interval(0, 1.5, "v"),)


def slots(*spans: tuple[int, int]) -> str:
    """An EAF with a tier of spans in milliseconds."""
    values = [value for span in spans for value in span]
    order = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="s{n}" TIME_VALUE="{v}"/>' for n, v in enumerate(values)
    )
    annotations = "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{n}" TIME_SLOT_REF1="s{2 * n}" '
        f'TIME_SLOT_REF2="s{2 * n + 1}"><ANNOTATION_VALUE>v</ANNOTATION_VALUE>'
        "</ALIGNABLE_ANNOTATION></ANNOTATION>"
        for n in range(len(spans))
    )
    return (
        f"<ANNOTATION_DOCUMENT><TIME_ORDER>{order}</TIME_ORDER>"
        f'<TIER TIER_ID="t">{annotations}</TIER></ANNOTATION_DOCUMENT>'
    )


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    "<ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>"
)
OUTSIDE = (
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<ANNOTATION_DOCUMENT>&x;</ANNOTATION_DOCUMENT>"
)
PROJECT = {
    "behaviors_conf": {"0": {"code": "look", "type": "State event"}},
    "observations": {"a": {"events": [[1.0, "mum", "look", "", ""]]}},
}
GRID = 'File type = "ooTextFile"\nObject class = "TextGrid"\n0 9 <exists> 1 "IntervalTier" "t" 0 9 '


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.eaf", BOMB, "line 1: a document type declaration, which is refused"),
        ("x.eaf", OUTSIDE, "a document type declaration, which is refused"),
        ("x.eaf", "<html/>", "is no ELAN file: its root is <html>"),
        ("x.eaf", "<ANNOTATION_DOCUMENT>", "no element found"),
        ("x.eaf", "", "no element found"),
        ("x.eaf", slots((2000, 1000)), "ends before its start: 2 to 1 s"),
        ("x.eaf", slots((0, 2000), (1000, 3000)), "overlaps the one from 0 to 2 s"),
        ("x.eaf", slots((0, 1)).replace('"s1"', '"q"', 1), "there is no time slot 's1'"),
        ("x.eaf", slots((0, 1)).replace('VALUE="1"', 'VALUE="z"'), "TIME_VALUE is 'z'"),
        ("x.textgrid", "hello", "is no TextGrid|ends before a text"),
        ("x.textgrid", GRID + '2 0 3 "a"', "it is cut short"),
        ("x.textgrid", GRID + '1 3 1 "a"', "ends before its start: 3 to 1 s"),
        ("x.textgrid", GRID + "99999999999 0 1", "is no count of entries"),
        ("x.boris", "[1]", "is no BORIS project"),
        ("x.boris", "{", "not JSON"),
        ("x.boris", json.dumps(PROJECT), "starts at 1 s and never stops; add its stop"),
        (
            "x.boris",
            json.dumps(PROJECT | {"observations": {"a": {}, "b": {}}}),
            "has 2 observations: 'a', 'b'. Name one behind the file",
        ),
        (
            "x.boris.csv",
            "Subject,Behavior,Behavior type\nmum,look,START\n",
            "nothing in the column 'time'",
        ),
        ("x.csv", "", "is empty; expected the columns tier"),
        ("x.csv", "a,b\n1,2\n", "has no column from_s or to_s"),
        ("x.csv", "from_s,to_s\n1\n", "line 2: 1 cells, expected 2"),
        ("x.csv", "from_s,to_s\n1,x\n", "line 2: 'x' is no time; expected seconds or hh:mm:ss"),
        ("x.csv", "from_s,to_s\n-1,2\n", "begins before the video"),
        ("x.csv", "from_s,to_s\nnan,2\n", "'nan' is no time"),
        ("x.csv", "from_s,to_s\n1,1e300\n", "from 1 to 1e.300 s; expected seconds, at most 1e.06"),
        ("x.textgrid", GRID.replace("0 9 <", "0 1e99 <") + "0", "states a length of 1e.99 s"),
        ("x.csv", "from_s;to_s\n1,5;0,5\n", "ends before its start: 1.5 to 0.5 s"),
        ("x.datavyu.csv", "#4\n00:00:01:000,00:00:02:000,(a)\n", "1 codes, expected a column"),
        ("x.datavyu.csv", "#4\nhello\n", "line 2: neither a column nor a cell"),
        ("x.opf", "no zip", "is no Datavyu spreadsheet"),
        ("x.xlsx", "no zip", "is no readable workbook"),
    ],
)
def test_a_wrong_file_gets_one_message(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message) as error:
        read_file(path)
    assert str(path) in str(error.value)


def test_another_encoding_is_said() -> None:
    with pytest.raises(DataError, match=r"is no text in UTF-8 or UTF-16 .byte 0.: save it as UTF"):
        FORMATS["csv"].read("é,b".encode("latin-1"), "x.csv", "")  # type: ignore[misc]


def test_a_small_archive_that_declares_a_huge_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.opf"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("db", b"0" * (257 * 2**20))
    with pytest.raises(DataError, match="'db' is larger than 256 MiB"):
        read_file(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [("x.doc", "no format is known by this name"), ("x.vtt", "WebVTT subtitles are written only")],
)
def test_a_name_that_is_no_coding(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_file(tmp_path / name)


def test_points_in_time_are_left_out_and_noted() -> None:
    result = table.read("tier,from_s,to_s\nt,1,1\nt,1,2\n", "x")
    assert result.tiers[0].intervals == (Interval(1, 2, "yes"),)
    assert result.notes == ("1 of 2 annotations of 't' have no length (points in time): left out",)


def test_tables_of_other_programs_are_read() -> None:
    segments = "system,name,person,person_label,start_s,end_s,label\ns,gaze,1,person 1,0,1,camera\n"
    (tier,) = table.read(segments, "x").tiers
    assert (tier.name, tier.person, tier.values) == ("person 1 gaze", "person 1", ("camera",))
    times = "start_s\tend_s\tperson\n00:01:02.5\t62,75\tmum\n"
    (tier,) = table.read(times, "x").tiers
    assert (tier.name, tier.intervals) == ("mum", (Interval(62.5, 62.75, "yes"),))


def test_aggregated_events_of_boris_and_a_column_of_datavyu_are_read() -> None:
    events = (
        "Observation id,Media file,Subject,Behavior,Modifiers,Behavior type,Start (s),Stop (s)\n"
        "a,T:/x/talk.mp4,No focal subject,look,,STATE,1.5,2\n"
        "a,T:/x/talk.mp4,mum,smile,,POINT,1.0,1.0\n"
        "b,T:/x/b.mp4,mum,look,toy,STATE,0,1\n"
    )
    read = FORMATS["csv"].read
    assert read is not None
    result = read(events.encode(), "x.csv", "a")
    assert (result.media, [t.name for t in result.tiers]) == ("talk.mp4", ["look"])
    assert result.notes == ("1 point events ('smile') have no length: left out",)
    assert read(events.encode(), "x.csv", "b").tier("mum look").values == ("toy",)
    column = read(b"ordinal,onset,offset,target\n1,1000,2500,toy\n2,3000,0,mum\n", "x.csv", "")
    assert column.tier("target").intervals == (Interval(1.0, 2.5, "toy"),)
    assert "1 of 2 annotations" in column.notes[0]


def test_a_coding_can_be_renamed_and_shifted() -> None:
    assert renamed(CODING, {"person 1 gaze": "mum"}).tiers[0].name == "mum"
    with pytest.raises(DataError, match="test has no tier 'x'; it has: 'person 1 gaze', 'person 2"):
        renamed(CODING, {"x": "y"})
    earlier = CODING.shifted(-1.0)
    assert earlier.tiers[0].intervals[0] == Interval(0.0, 0.25, "person 2")
    assert earlier.tiers[1].intervals == ()
    assert (earlier.duration_s, earlier.origin_s) == (3.0, 1.0)


def test_subtitles_are_on_the_clock_of_players_and_cannot_be_broken_out_of() -> None:
    odd = CodingTier("a<b speech", (Interval(61.0, 62.5, "x --> y\n\n&"),), "a<b", "speech")
    text = FORMATS["webvtt"].write(replace(CODING, tiers=(odd,), origin_s=1.5), "excel").decode()
    assert text == (
        "WEBVTT\n\n00:01:02.500 --> 00:01:04.000\n<v a&lt;b>speech: x --&gt; y  &amp;</v>\n"
    )


def test_a_value_is_never_a_formula_of_a_workbook(tmp_path: Path) -> None:
    import openpyxl

    odd = CodingTier("t", (Interval(0, 1, '=HYPERLINK("x")'), Interval(1, 2, "a\x07b")))
    path = written(tmp_path, "xlsx", Coding("", (odd,)))
    cells = openpyxl.load_workbook(path)["coding"]
    assert [cells[f"C{n}"].data_type for n in (2, 3)] == ["s", "s"]
    assert read_file(path).tiers[0].values == ('=HYPERLINK("x")', "a b")


@pytest.mark.parametrize(
    ("part", "old", "new", "message"),
    [
        (
            "xl/worksheets/sheet1.xml",
            b"<worksheet",
            b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet',
            "has a document type declaration, which is refused",
        ),
        ("xl/worksheets/sheet1.xml", b"<sheetData>", b"<sheetData><", "is no readable workbook"),
        ("xl/workbook.xml", b"<sheets>", b"<sheet>", "is no readable workbook"),
    ],
)
def test_a_damaged_or_hostile_workbook(
    tmp_path: Path, part: str, old: bytes, new: bytes, message: str
) -> None:
    whole, path = written(tmp_path, "xlsx"), tmp_path / "odd.xlsx"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for member in source.namelist():
            data = source.read(member)
            assert member != part or old in data
            target.writestr(member, data.replace(old, new, 1) if member == part else data)
    with pytest.raises(DataError, match=message):
        read_file(path)


@pytest.mark.parametrize("name", ["boris", "boris-events", "datavyu", "datavyu-csv"])
def test_programs_that_play_the_video_get_the_clock_of_players(tmp_path: Path, name: str) -> None:
    result = read_file(written(tmp_path, name, replace(CODING, origin_s=1.5)))
    assert result.tiers[0].intervals[0] == Interval(1.5, 2.75, "person 2")
    assert result.origin_s == 0


@pytest.mark.parametrize("name", READ)
def test_damage_anywhere_gets_a_message_and_never_another_error(name: str) -> None:
    one, rng = FORMATS[name], np.random.default_rng(11)
    whole, refused = one.write(CODING, "excel"), 0
    for _ in range(25 if name == "xlsx" else 80):
        data = bytearray(whole)
        for at in rng.integers(0, len(whole), rng.integers(1, 6)).tolist():
            kind = rng.integers(0, 4)
            if kind == 0:
                data[at % len(data) : at % len(data) + 1] = rng.bytes(1)
            elif kind == 1:
                del data[at : at + int(rng.integers(1, 50))]
            elif kind == 2:
                data[at:at] = bytes(rng.choice([*b'0123456789,;":<>[]{}-.e\\'], 2).tolist())
            else:
                del data[max(1, at) :]
        try:
            assert one.read is not None
            one.read(bytes(data), "x", "")
        except DataError as error:
            refused += 1
            assert "x" in str(error)
    assert refused

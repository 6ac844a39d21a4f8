"""ELAN texts and EAF files: labels by the published rule, and every wrong file named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyeline.errors import DataError
from eyeline.systems.eye_contact.annotations import annotation, frame_labels, read_annotation
from eyeline.systems.eye_contact.elan import TIERS, Interval, parse_eaf, parse_elan, read_elan

Golden = Callable[[str], dict[str, Any]]


def test_labels_are_those_of_the_original_routine(golden: Golden) -> None:
    case = golden("gt_labels")
    label, target, _ = frame_labels(parse_elan(str(case["elan"]), "golden"), case["frames"])
    assert np.array_equal(label, case["label"])
    assert np.array_equal(target, case["target"])


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        (0.28, 0.36, [8, 9]),  # 0.28 * 25 is a little over 7 in doubles
        (0.2, 0.2, [5]),
        (0.21, 0.23, []),  # shorter than a frame
        (0.0, 0.04, [0, 1]),
        (100.0, 101.0, []),
    ],
)
def test_bounds_of_a_row(start_s: float, end_s: float, expected: list[int]) -> None:
    label, _, _ = frame_labels([Interval("host", start_s, end_s)], np.arange(20))
    assert np.flatnonzero(label).tolist() == expected


def test_later_rows_overwrite_and_uncertain_stands_apart() -> None:
    rows = [
        Interval("host", 0, 0.2),
        Interval("camera", 0.12, 0.4),
        Interval("uncertain", 0.36, 0.6),
    ]
    label, target, uncertain = frame_labels(rows, np.arange(20))
    assert target.tolist() == [1] * 3 + [4] * 8 + [0] * 9
    assert label.sum() == 11
    assert np.flatnonzero(uncertain).tolist() == list(range(9, 16))


def test_frames_may_have_gaps_or_be_none() -> None:
    label, _, _ = frame_labels([Interval("host", 0, 1)], np.array([3, 90]))
    assert label.tolist() == [1, 0]
    assert len(frame_labels([Interval("host", 0, 1)], np.zeros(0, np.int64))[0]) == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("host\t\t1.0\t2.0", "line 2: 4 columns"),
        ("\t\t1.0\t2.0\t", "line 2: no name of a tier"),
        ("host\t\tone\t2.0\t", "line 2: 'one' is no time"),
        ("host\t\tnan\t2.0\t", "line 2: 'nan' is no time"),
        ("host\t\t3.0\t2.0\t", "line 2: the span 3.0 to 2.0 s does not run forward"),
        ("host\t\t-3.0\t2.0\t", "line 2: the span -3.0"),
    ],
)
def test_a_wrong_row_is_named(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_elan(f"host\t\t0.1\t0.2\t\n{line}\n", "a.txt")


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_text_is_named(text: str) -> None:
    with pytest.raises(DataError, match=r"a\.txt, line 1: the file is empty"):
        parse_elan(text, "a.txt")


def test_files_that_are_not_texts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the annotation"):
        read_elan(tmp_path / "none.txt")
    (tmp_path / "bad.txt").write_bytes(b"host\xff\xfe")
    with pytest.raises(DataError, match="not a text"):
        read_elan(tmp_path / "bad.txt")


def test_other_tiers_are_reported_and_left_out() -> None:
    rows = parse_elan("host\t\t1\t2\t\nspeech\t\t1\t2\thello\nspeech\t\t3\t4\t\n", "a.txt")
    result = annotation(rows, "a.txt")
    assert [r.tier for r in result.rows] == ["host"]
    assert result.notes == ("a.txt: tier 'speech' left out, 2 rows",)
    with pytest.raises(DataError, match=r"a\.txt: no row of the tiers host.*its tiers: speech"):
        annotation(rows[1:], "a.txt")


def test_rows_overlap_between_tiers_but_not_within_one() -> None:
    text = "uncertain\t\t4\t6\t\nhost\t\t5\t7\t\nhost\t\t1\t5\t\n"
    assert len(annotation(parse_elan(text, "a.txt"), "a.txt").rows) == 3, "unsorted and touching"
    with pytest.raises(DataError, match=r"a\.txt, line 4: 4.5 to 5.0 s .* overlaps line 3, 1.0 to"):
        annotation(parse_elan(f"{text}host\t\t4.5\t5\t\n", "a.txt"), "a.txt")
    apart = parse_elan("host\tanna\t1\t5\t\nhost\tben\t2\t3\t\n", "a.txt")
    assert len(annotation(apart, "a.txt").rows) == 2, "two people"


def test_rows_beyond_the_end_of_the_video() -> None:
    rows = parse_elan("host\t\t1\t9.97\t\nhost\t\t10\t11\t\n", "a.txt")
    assert annotation(rows, "a.txt", end_s=11).notes == ()
    assert annotation(rows, "a.txt", end_s=10.5).notes == (
        "a.txt, line 2: ends at 11.0 s, after the end of the video, 10.500 s",
    )
    with pytest.raises(DataError, match=r"a\.txt, line 2: .* beyond the end of the video"):
        annotation(rows, "a.txt", end_s=10)


def test_no_published_text_has_anything_odd(annotated: Path) -> None:
    paths = sorted((annotated / "Annotations").glob("id*/*.txt"))
    assert len(paths) == 39
    for path in paths:
        result = read_annotation(path)
        assert result.notes == () and result.rows


SLOTS = "".join(
    f'<TIME_SLOT TIME_SLOT_ID="{name}"{time}/>'
    for name, time in (("t1", ' TIME_VALUE="280"'), ("t2", ' TIME_VALUE="360"'), ("t3", ""))
)
ROW = (
    '<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="t1" TIME_SLOT_REF2="t2">'
    "<ANNOTATION_VALUE>x</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
)


def reference(name: str, to: str, more: str = "") -> str:
    return (
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{name}" ANNOTATION_REF="{to}"{more}>'
        "<ANNOTATION_VALUE/></REF_ANNOTATION></ANNOTATION>"
    )


def eaf(
    tiers: str, *, header: str = '<HEADER TIME_UNITS="milliseconds"/>', slots: str = SLOTS,
    before: str = "",
) -> bytes:  # fmt: skip
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{before}<ANNOTATION_DOCUMENT>\n{header}\n'
        f"<TIME_ORDER>{slots}</TIME_ORDER>\n{tiers}\n</ANNOTATION_DOCUMENT>"
    ).encode()


def tier(rows: str, name: str = "host") -> str:
    return f'<TIER TIER_ID="{name}" LINGUISTIC_TYPE_REF="d">\n{rows}</TIER>'


def test_an_eaf_gives_the_numbers_of_its_text_and_a_reference_has_the_span_of_its_parent() -> None:
    (row,) = parse_eaf(eaf(tier(ROW)), "a.eaf")
    assert (row.tier, row.start_s, row.end_s, row.value) == ("host", 0.28, 0.36, "x")
    assert row.line == 6
    label, _, _ = frame_labels([row], np.arange(20))
    assert np.flatnonzero(label).tolist() == [8, 9], "doubles as in a text"
    tiers = tier(reference("a3", "a2"), "camera") + tier(reference("a2", "a1"), "uncertain")
    rows = parse_eaf(eaf(tiers + tier(ROW)), "a.eaf")
    assert [(r.tier, r.start_s) for r in rows] == [
        ("camera", 0.28), ("uncertain", 0.28), ("host", 0.28),
    ]  # fmt: skip


def test_the_offset_of_the_media_is_added() -> None:
    media = '<MEDIA_DESCRIPTOR MEDIA_URL="a" MIME_TYPE="video/mp4" TIME_ORIGIN="{}"/>'
    header = f'<HEADER TIME_UNITS="milliseconds">{media.format(1500)}{media.format(9)}</HEADER>'
    (row,) = parse_eaf(eaf(tier(ROW), header=header), "a.eaf")
    assert (row.start_s, row.end_s) == (1.78, 1.86)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "line 1: no element found"),
        (b"<a>\n<b></a>", "line 2: mismatched tag"),
        (b"<a/>", "no EAF file: it begins with a"),
        (eaf(tier(ROW.replace('"t2"', '"t3"'))), r"line 6: time slot 't3' \(line 4\) has no time"),
        (eaf(tier(ROW.replace('"t2"', '"t9"'))), "line 6: no time slot 't9'"),
        (eaf(tier(ROW), slots=SLOTS.replace("280", "x")), "line 4: time slot 't1' holds 'x'"),
        (eaf(tier(ROW.replace('"t1"', '"t0"').replace('"t2"', '"t1"').replace('"t0"', '"t2"'))),
         "line 6: the span 0.36 to 0.28 s does not run forward"),
        (eaf(tier(ROW), header='<HEADER TIME_UNITS="PAL-frames"/>'), "line 3: times in PAL-frames"),
        (eaf(tier(reference("a1", "a1"))),
         "line 6: refers to the annotation 'a1', which leads nowhere"),
        (eaf(tier(reference("a1", "a2", ' PREVIOUS_ANNOTATION="a0"'))),
         "line 6: an annotation that shares"),
        (eaf(tier("<ANNOTATION><ALIGNABLE_ANNOTATION/></ANNOTATION>")), "without ANNOTATION_ID"),
        (eaf(tier("", "speech")), "no annotation, and no tier of host.*; tiers: speech"),
        (eaf("<TIER/>"), "line 5: TIER without TIER_ID"),
    ],
)  # fmt: skip
def test_a_wrong_eaf_is_named(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"a\.eaf.*{message}"):
        parse_eaf(data, "a.eaf")


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE a SYSTEM "file:///etc/hostname">',
        '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE a [<!ENTITY e "eeeeeeeeee">]>',
    ],
)
def test_an_eaf_can_neither_reach_out_nor_blow_up(declared: str) -> None:
    with pytest.raises(DataError, match=r"a\.eaf, line 2: a document type declaration"):
        parse_eaf(eaf(tier(ROW), before=declared), "a.eaf")


def test_an_eaf_whose_tiers_are_empty_tells_of_no_contact() -> None:
    assert parse_eaf(eaf(tier("")), "a.eaf") == []
    assert annotation([], "a.eaf").rows == ()


def test_what_pympi_writes(annotated: Path, tmp_path: Path) -> None:
    """Every published text, written as EAF by another library, gives the same labels."""
    from pympi.Elan import Eaf

    for number, path in enumerate(sorted((annotated / "Annotations").glob("id*/*.txt"))[:6]):
        rows = read_annotation(path).rows
        document = Eaf(author="test")
        for name in (*TIERS, "empty"):
            document.add_tier(name)
        for row in rows:
            document.add_annotation(row.tier, round(row.start_s * 1000), round(row.end_s * 1000))
        written = tmp_path / f"{number}.eaf"
        document.to_file(str(written))
        frames = np.arange(8000)
        ours, theirs = (frame_labels(r, frames) for r in (rows, read_annotation(written).rows))
        assert np.array_equal(ours[0], theirs[0]) and np.array_equal(ours[2], theirs[2]), path

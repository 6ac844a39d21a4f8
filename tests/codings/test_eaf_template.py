"""A lab's template keeps its tiers, types and vocabularies, and takes annotations by tier name."""

from __future__ import annotations

import re

import pytest

from eyeline.codings import eaf
from eyeline.codings.coding import Coding, CodingTier, Interval
from eyeline.codings.eaf_template import write_into
from eyeline.errors import DataError
from tests.codings.eaf_schema import faults

TEMPLATE = b"""<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="lab" DATE="2024-05-01T10:00:00+01:00" FORMAT="3.0" VERSION="3.0">
  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
    <MEDIA_DESCRIPTOR MEDIA_URL="file:///old.mp4" MIME_TYPE="video/mp4"/>
    <PROPERTY NAME="URN">urn:lab</PROPERTY><PROPERTY NAME="lastUsedAnnotationId">1</PROPERTY>
  </HEADER>
  <!-- by the lab -->
  <TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500"/>
    <TIME_SLOT TIME_SLOT_ID="ts2"/><TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="900"/></TIME_ORDER>
  <TIER LINGUISTIC_TYPE_REF="gaze" PARTICIPANT="mother" TIER_ID="mother gaze"/>
  <TIER LINGUISTIC_TYPE_REF="note" TIER_ID="notes"><ANNOTATION>
    <ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts3">
    <ANNOTATION_VALUE>kept</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
  <TIER LINGUISTIC_TYPE_REF="sub" PARENT_REF="notes" TIER_ID="words"/>
  <LINGUISTIC_TYPE CONTROLLED_VOCABULARY_REF="targets" LINGUISTIC_TYPE_ID="gaze"
    TIME_ALIGNABLE="true"/>
  <LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="note" TIME_ALIGNABLE="true"/>
  <LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Subdivision" LINGUISTIC_TYPE_ID="sub"
    TIME_ALIGNABLE="false"/>
  <LANGUAGE LANG_ID="und"/>
  <CONSTRAINT STEREOTYPE="Symbolic_Subdivision"/>
  <CONTROLLED_VOCABULARY CV_ID="targets"><DESCRIPTION LANG_REF="und"/>
    <CV_ENTRY_ML CVE_ID="cve7"><CVE_VALUE LANG_REF="und">camera</CVE_VALUE></CV_ENTRY_ML>
  </CONTROLLED_VOCABULARY>
</ANNOTATION_DOCUMENT>
"""


def coding(name: str) -> Coding:
    spans = (Interval(0.25, 1.0, "camera"), Interval(1.0, 2.0, "toy"))
    return Coding("ours", (CodingTier(name, spans), CodingTier("extra")), "new.mp4", 0.75)


def test_annotations_go_into_the_tier_of_their_name() -> None:
    data, notes = write_into(TEMPLATE, "lab.etf", coding("mother gaze"))
    assert faults(data) == []
    result, before = eaf.read(data, "x"), eaf.read(TEMPLATE, "x")
    assert result.tier("mother gaze").intervals == coding("").tiers[0].intervals
    assert result.tier("mother gaze").person == "mother"
    assert result.tier("notes") == before.tier("notes")
    assert (result.media, result.origin_s) == ("new.mp4", 0.75)
    text = data.decode()
    for kept in ("by the lab", "urn:lab", 'CV_ID="targets"', 'TIER_ID="words"', 'AUTHOR="lab"'):
        assert kept in text, kept
    assert 'CVE_REF="cve7"' in text and "old.mp4" not in text
    times = [int(t) for t in re.findall(r'TIME_VALUE="(\d+)"', text)]
    assert times == sorted(times) and len(times) == 6
    assert text.index('"ts1"') < text.index('"ts2"') < text.index('"ts3"')
    assert any("'extra': left out" in note for note in notes)
    assert any("lacks 'toy': written without an entry" in note for note in notes)


@pytest.mark.parametrize(
    ("template", "tier", "message"),
    [
        (TEMPLATE, "other", "has no tier of ours; it has: 'mother gaze', 'notes', 'words'"),
        (TEMPLATE, "notes", "tier 'notes' holds annotations already"),
        (TEMPLATE, "words", "tier 'words' takes no annotations with times of their own"),
        (b"<!DOCTYPE x []>" + TEMPLATE[39:], "notes", "a document type declaration"),
    ],
)
def test_what_cannot_be_written_is_said(template: bytes, tier: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        write_into(template, "lab.etf", coding(tier))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b'LANG_REF="und">camera', b'LANG_REF="eng">camera', "nothing is called eng"),
        (b'<LANGUAGE LANG_ID="und"/>', b"", "nothing is called und"),
        (b'AUTHOR="lab" ', b"", "lacks AUTHOR"),
        (b'VALUE="500"', b'VALUE="-5"', "no unsignedInt"),
        (b'TIER_ID="words"', b'TIER_ID="notes"', "two TIER are called notes"),
        (b'LINGUISTIC_TYPE_REF="note"', b'LINGUISTIC_TYPE_REF="no"', "TIER refers to no"),
        (b'SLOT_ID="ts2"', b'SLOT_ID="ts1"', "ts1 is there twice"),
        (b'<TIER LING', b'<TIER NAME="x" LING', "TIER has no attribute NAME"),
    ],
)  # fmt: skip
def test_the_schemas_rules_notice(old: bytes, new: bytes, fault: str) -> None:
    assert faults(TEMPLATE) == []
    assert any(fault in one for one in faults(TEMPLATE.replace(old, new, 1)))

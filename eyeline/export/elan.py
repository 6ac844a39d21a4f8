"""ELAN files (EAF 3.0): one tier a person and kind of segment, linked to the video beside them."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from eyeline.export.files import ELAN, VIDEO, plain_text
from eyeline.export.tiers import Tier, tiers_of
from eyeline.files import write_bytes
from eyeline.results import Analysis, person_label

_DATE = "1970-01-01T00:00:00+00:00"
"""The schema demands a date; a fixed one keeps the file the same from run to run."""
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps "
    "allowed within this interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. Annotations referring "
    "to the same parent are ordered",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, "
    "gaps are allowed",
}
"""The stereotypes that ELAN writes into each of its files."""


def write_elan(analysis: Analysis, folder: Path, *, media: str = VIDEO) -> Path:
    """Write `timeline.eaf`.

    Args:
        analysis: what to write; persons without segments keep their empty tiers.
        folder: where to.
        media: the video to link, relative to the folder. A full path would differ from place to
            place; ELAN looks beside the EAF for a file that is not where the link says. Any other
            than the annotated one is taken for the source, whose first frame may come late.

    Returns:
        The path of the file.

    Raises:
        OutputError: the folder cannot be written.
    """
    own = media.rpartition("/")[2] == VIDEO
    origin_ms = 0 if own else max(0, round(analysis.video.player_start_s * 1000))
    return write_bytes(folder / ELAN, eaf(tiers_of(analysis), media, origin_ms))


def eaf(tiers: Sequence[Tier], media: str, origin_ms: int = 0) -> bytes:
    """The bytes of an EAF 3.0 document in UTF-8.

    Args:
        tiers: the tiers.
        media: the video to link, relative to the folder; empty for none.
        origin_ms: time in the video, as players count, at which the clock of the tiers begins.
    """
    root = ET.Element(
        "ANNOTATION_DOCUMENT",
        {"AUTHOR": "eyeline", "DATE": _DATE, "FORMAT": "3.0", "VERSION": "3.0"}
        | {"xmlns:xsi": _XSI, "xsi:noNamespaceSchemaLocation": _SCHEMA},
    )
    _header(root, media, origin_ms, sum(len(tier.spans) for tier in tiers))
    slots = _time_order(root, tiers)
    number = 0
    for t, tier in enumerate(tiers):
        number = _tier(root, tier, [slots[t, s] for s in range(len(tier.spans))], number)
    _types(root, tiers)
    ET.indent(root, "    ")
    return bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"


def _header(root: ET.Element, media: str, origin_ms: int, annotations: int) -> None:
    header = ET.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if media:
        link = quote(os.fsencode(media))  # a name need not be text
        ET.SubElement(
            header,
            "MEDIA_DESCRIPTOR",
            {"MEDIA_URL": f"file:///{link}", "MIME_TYPE": _mime(media)}
            | {"RELATIVE_MEDIA_URL": f"./{link}"}
            | ({"TIME_ORIGIN": str(origin_ms)} if origin_ms else {}),
        )
    last = ET.SubElement(header, "PROPERTY", {"NAME": "lastUsedAnnotationId"})
    last.text = str(annotations)


def _mime(media: str) -> str:
    known = {".mp4": "video/mp4", ".mov": "video/quicktime", ".mpg": "video/mpeg"}
    return known.get(Path(media).suffix.lower(), "video/*")


def _time_order(root: ET.Element, tiers: Sequence[Tier]) -> dict[tuple[int, int], list[str]]:
    """Write the time slots and return the names of start and end by numbers of tier and span."""
    bounds = sorted(
        (span[side], t, s, side)
        for t, tier in enumerate(tiers)
        for s, span in enumerate(tier.spans)
        for side in (0, 1)
    )
    order = ET.SubElement(root, "TIME_ORDER")
    slots: dict[tuple[int, int], list[str]] = {}
    for n, (ms, t, s, _) in enumerate(bounds, start=1):
        ET.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": f"ts{n}", "TIME_VALUE": str(ms)})
        slots.setdefault((t, s), []).append(f"ts{n}")
    return slots


def _tier(root: ET.Element, tier: Tier, slots: list[list[str]], number: int) -> int:
    """Write one tier whose annotations are numbered on from `number`; return the last number."""
    element = ET.SubElement(
        root,
        "TIER",
        {"ANNOTATOR": plain_text(f"eyeline {tier.builder}" + ", corrected" * tier.corrected)}
        | {"LINGUISTIC_TYPE_REF": plain_text(tier.kind)}
        | {
            "PARTICIPANT": plain_text(tier.participant or person_label(tier.person)),
            "TIER_ID": plain_text(tier.name),
        },
    )
    for (_, _, label), (start, end) in zip(tier.spans, slots, strict=True):
        number += 1
        annotation = ET.SubElement(
            ET.SubElement(element, "ANNOTATION"),
            "ALIGNABLE_ANNOTATION",
            {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": start, "TIME_SLOT_REF2": end},
        )
        ET.SubElement(annotation, "ANNOTATION_VALUE").text = plain_text(label)
    return number


def _types(root: ET.Element, tiers: Sequence[Tier]) -> None:
    for kind in dict.fromkeys(plain_text(tier.kind) for tier in tiers):
        ET.SubElement(
            root,
            "LINGUISTIC_TYPE",
            {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": kind, "TIME_ALIGNABLE": "true"},
        )
    for stereotype, description in _CONSTRAINTS.items():
        ET.SubElement(root, "CONSTRAINT", {"DESCRIPTION": description, "STEREOTYPE": stereotype})

"""ELAN files (EAF): read in any version, written as 3.0."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np

from eyeline.codings.coding import Coding, CodingTier, Rows
from eyeline.documents import XmlNode, parse_xml, plain_text
from eyeline.errors import DataError

_DATE = "1970-01-01T00:00:00+00:00"
"""The schema demands a date; a fixed one keeps the file the same from run to run."""
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_LANGUAGE = {
    "LANG_ID": "und",
    "LANG_DEF": "http://cdb.iso.org/lg/CDB-00130975-001",
    "LANG_LABEL": "undetermined (und)",
}
"""The language of vocabularies whose language nobody states, as ELAN calls it."""
_DEFAULT_TYPE = "default-lt"
_MIME_TYPES = {".mp4": "video/mp4", ".mov": "video/quicktime", ".mpg": "video/mpeg"}
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


def read(data: bytes, source: str) -> Coding:
    """The tiers of an EAF document.

    Annotations that refer to others take their times: several of one parent divide it evenly. Time
    slots without a time stand evenly between their neighbours, as in ELAN.

    Raises:
        DataError: no XML, a document type declaration, no EAF, or references that lead nowhere.
    """
    root = parse_xml(data, source)
    if root.tag != "ANNOTATION_DOCUMENT":
        raise DataError(f"{source} is no ELAN file: its root is <{root.tag}>")
    rows = Rows(source)
    slots = _slot_times(root, source)
    spans: dict[str, tuple[float, float]] = {}
    pending: list[tuple[str, XmlNode]] = []
    for node in root.all("TIER"):
        name = rows.tier(
            _attribute(node, "TIER_ID", source),
            person=node.attributes.get("PARTICIPANT", ""),
            kind=node.attributes.get("LINGUISTIC_TYPE_REF", ""),
            coder=node.attributes.get("ANNOTATOR", ""),
        )
        for annotation in node.all("ANNOTATION", "ALIGNABLE_ANNOTATION"):
            sides = [_attribute(annotation, f"TIME_SLOT_REF{side}", source) for side in (1, 2)]
            if lost := [slot for slot in sides if slot not in slots]:
                raise DataError(
                    f"{source}, line {annotation.line}: there is no time slot '{lost[0]}'"
                )
            start, end = (slots[slot] for slot in sides)
            spans[_attribute(annotation, "ANNOTATION_ID", source)] = (start, end)
            rows.add(name, start, end, _value(annotation), f"line {annotation.line}")
        pending += [(name, a) for a in node.all("ANNOTATION", "REF_ANNOTATION")]
    _add_references(rows, pending, spans)
    media, origin_s = _media(root, source)
    return rows.coding(media=media, origin_s=origin_s)


def _attribute(node: XmlNode, name: str, source: str) -> str:
    if name not in node.attributes:
        raise DataError(f"{source}, line {node.line}: <{node.tag}> lacks {name}")
    return node.attributes[name]


def _value(annotation: XmlNode) -> str:
    return " ".join(node.text for node in annotation.all("ANNOTATION_VALUE")).strip()


def _slot_times(root: XmlNode, source: str) -> dict[str, float]:
    """Seconds of the time slots; those without a time evenly between their neighbours."""
    units = next(root.all("HEADER"), XmlNode("", {}, 0)).attributes.get("TIME_UNITS")
    if units not in (None, "milliseconds"):
        raise DataError(f"{source} counts time in {units}; expected milliseconds")
    names: list[str] = []
    times: list[float | None] = []
    for node in root.all("TIME_ORDER", "TIME_SLOT"):
        names.append(_attribute(node, "TIME_SLOT_ID", source))
        text = node.attributes.get("TIME_VALUE")
        try:
            times.append(None if text is None else int(text) / 1000)
        except ValueError:
            raise DataError(
                f"{source}, line {node.line}: TIME_VALUE is '{text}', expected milliseconds"
            ) from None
    known = [(place, time) for place, time in enumerate(times) if time is not None] or [(0, 0.0)]
    at, known_s = np.array(known, np.float64).T
    filled = np.interp(np.arange(len(names)), at, known_s, left=0.0)
    return dict(zip(names, filled.tolist(), strict=True))


def _add_references(
    rows: Rows, pending: list[tuple[str, XmlNode]], spans: dict[str, tuple[float, float]]
) -> None:
    """Add annotations that refer to others once the times of those are known."""
    while pending:
        ready = [(n, a) for n, a in pending if a.attributes.get("ANNOTATION_REF") in spans]
        if not ready:
            line, lost = pending[0][1].line, pending[0][1].attributes.get("ANNOTATION_REF", "")
            raise DataError(f"{rows.source}, line {line}: there is no annotation '{lost}'")
        siblings: dict[tuple[str, str], list[XmlNode]] = defaultdict(list)
        for name, annotation in ready:
            siblings[name, annotation.attributes["ANNOTATION_REF"]].append(annotation)
        for (name, parent), children in siblings.items():
            start, end = spans[parent]
            step = (end - start) / len(children)
            for k, child in enumerate(children):
                own = (start + k * step, start + (k + 1) * step)
                spans[_attribute(child, "ANNOTATION_ID", rows.source)] = own
                rows.add(name, *own, _value(child), f"line {child.line}")
        done = {id(annotation) for _, annotation in ready}
        pending = [(n, a) for n, a in pending if id(a) not in done]


def _media(root: XmlNode, source: str) -> tuple[str, float]:
    """File name of the first linked video or audio, and its offset in seconds."""
    for node in root.all("HEADER", "MEDIA_DESCRIPTOR"):
        link = node.attributes.get("MEDIA_URL") or node.attributes.get("RELATIVE_MEDIA_URL", "")
        origin = node.attributes.get("TIME_ORIGIN", "0")
        try:
            return unquote(link).replace("\\", "/").rpartition("/")[2], int(origin) / 1000
        except ValueError:
            raise DataError(
                f"{source}, line {node.line}: TIME_ORIGIN is '{origin}', expected milliseconds"
            ) from None
    return "", 0.0


Media = tuple[str, float]
"""A linked video: its place relative to the folder, and the time in it, as players count, at which
the clock of the tiers begins."""


def write(coding: Coding, media: Sequence[Media] | None = None) -> bytes:
    """The bytes of an EAF 3.0 document in UTF-8, with a vocabulary for each kind of tier.

    Args:
        coding: the tiers.
        media: the videos to link; by default the coding's.
    """
    root = ET.Element(
        "ANNOTATION_DOCUMENT",
        {"AUTHOR": "eyeline", "DATE": _DATE, "FORMAT": "3.0", "VERSION": "3.0"}
        | {"xmlns:xsi": _XSI, "xsi:noNamespaceSchemaLocation": _SCHEMA},
    )
    add_header(root, [(coding.media, coding.origin_s)] if media is None else media)
    order = ET.SubElement(root, "TIME_ORDER")
    for tier in coding.tiers:
        attributes = {"LINGUISTIC_TYPE_REF": _kind(tier), "TIER_ID": plain_text(tier.name)}
        optional = {"ANNOTATOR": plain_text(tier.coder), "PARTICIPANT": plain_text(tier.person)}
        ET.SubElement(root, "TIER", {k: v for k, v in optional.items() if v} | attributes)
    entries = _vocabularies(coding.tiers)
    _add_types(root, entries)
    tiers = {node.get("TIER_ID", ""): node for node in root.iter("TIER")}
    into = [(tiers[plain_text(t.name)], t, entries[_kind(t)]) for t in coding.tiers]
    last = ET.SubElement(root.find("HEADER"), "PROPERTY", {"NAME": "lastUsedAnnotationId"})  # type: ignore[arg-type]
    last.text = str(annotate(order, into, Numbers()))
    return document(root)


def document(root: ET.Element) -> bytes:
    """The bytes of a document, indented."""
    ET.indent(root, "    ")
    return bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"


def _kind(tier: CodingTier) -> str:
    return plain_text(tier.kind) or _DEFAULT_TYPE


def add_header(root: ET.Element, media: Sequence[Media]) -> None:
    """The header, with the videos that are linked unless their names are empty."""
    header = ET.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    for name, origin_s in media:
        if not name:
            continue
        link, origin_ms = quote(os.fsencode(name)), round(origin_s * 1000)  # it need not be text
        attributes = {
            "MEDIA_URL": f"file:///{link}",
            "MIME_TYPE": _MIME_TYPES.get(Path(name).suffix.lower(), "video/*"),
            "RELATIVE_MEDIA_URL": f"./{link}",
        }
        origin = {"TIME_ORIGIN": str(origin_ms)} if origin_ms > 0 else {}
        ET.SubElement(header, "MEDIA_DESCRIPTOR", attributes | origin)


def _vocabularies(tiers: Iterable[CodingTier]) -> dict[str, dict[str, str]]:
    """By kind of tier its values in alphabetical order, each with an identifier of its own."""
    values: dict[str, set[str]] = defaultdict(set)
    for tier in tiers:
        values[_kind(tier)].update(plain_text(v) for v in tier.values)
    number = count()
    return {
        kind: {value: f"cveid{next(number)}" for value in sorted(one - {""})}
        for kind, one in values.items()
    }


def _add_types(root: ET.Element, vocabularies: Mapping[str, Mapping[str, str]]) -> None:
    """Linguistic types, the language, constraints and vocabularies, in the schema's order."""
    for kind, entries in vocabularies.items():
        named = {"CONTROLLED_VOCABULARY_REF": kind} if entries else {}
        own = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": kind, "TIME_ALIGNABLE": "true"}
        ET.SubElement(root, "LINGUISTIC_TYPE", named | own)
    if any(vocabularies.values()):
        ET.SubElement(root, "LANGUAGE", _LANGUAGE)
    for stereotype, description in _CONSTRAINTS.items():
        ET.SubElement(root, "CONSTRAINT", {"DESCRIPTION": description, "STEREOTYPE": stereotype})
    for kind, entries in vocabularies.items():
        if entries:
            cv = ET.SubElement(root, "CONTROLLED_VOCABULARY", {"CV_ID": kind})
            ET.SubElement(cv, "DESCRIPTION", {"LANG_REF": "und"})
            for value, entry in entries.items():
                ml = ET.SubElement(cv, "CV_ENTRY_ML", {"CVE_ID": entry})
                ET.SubElement(ml, "CVE_VALUE", {"LANG_REF": "und"}).text = value


class Numbers:
    """Names of new time slots and annotations beside those that a document has."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        """`taken`: names that the document has."""
        self._taken = set(taken)
        self.last = dict.fromkeys(("ts", "a"), 0)

    def next(self, kind: str) -> str:
        """The next free name of a kind, `ts` or `a`."""
        self.last[kind] += 1
        while f"{kind}{self.last[kind]}" in self._taken:
            self.last[kind] += 1
        return f"{kind}{self.last[kind]}"


def annotate(
    order: ET.Element,
    into: Sequence[tuple[ET.Element, CodingTier, Mapping[str, str]]],
    numbers: Numbers,
) -> int:
    """Write intervals into elements of tiers, with their time slots in order.

    Returns:
        The number of the last annotation.
    """
    bounds = []
    for t, (_, tier, _) in enumerate(into):
        for s, interval in enumerate(tier.intervals):
            start_ms, end_ms = (round(time_s * 1000) for time_s in interval[:2])
            bounds += [(start_ms, t, s, 0), (max(start_ms + 1, end_ms), t, s, 1)]
    bounds.sort()
    slots = {(t, s, side): (numbers.next("ts"), str(ms)) for ms, t, s, side in bounds}
    for name, ms in slots.values():
        ET.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": name, "TIME_VALUE": ms})
    for t, (element, tier, entries) in enumerate(into):
        for s, interval in enumerate(tier.intervals):
            value = plain_text(interval.value)
            names = {f"TIME_SLOT_REF{side + 1}": slots[t, s, side][0] for side in (0, 1)}
            entry = {"CVE_REF": entries[value]} if entries.get(value) else {}
            holder = ET.SubElement(element, "ANNOTATION")
            own = {"ANNOTATION_ID": numbers.next("a")} | entry | names
            annotation = ET.SubElement(holder, "ALIGNABLE_ANNOTATION", own)
            ET.SubElement(annotation, "ANNOTATION_VALUE").text = value
    return numbers.last["a"]

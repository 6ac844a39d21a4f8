"""Reading ELAN's own files (EAF): tiers, time slots and annotations, with their lines.

Only what spans need is read; a document type or entity of any kind is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from eyeline.documents import XmlNode, parse_xml
from eyeline.errors import DataError


@dataclass(frozen=True)
class Span:
    """One annotation of a tier."""

    tier: str
    participant: str
    start_ms: int
    """On the clock of the first linked media file, see `read_spans`."""
    end_ms: int
    value: str
    line: int
    """Where it begins in the file."""


@dataclass(frozen=True)
class Document:
    """What a file says, in its order."""

    tiers: tuple[str, ...]
    """Names of all tiers, those without annotations too."""
    spans: tuple[Span, ...]


def read_spans(data: bytes, source: str) -> Document:
    """All annotations of an EAF document.

    Time slots count milliseconds of the annotation; `TIME_ORIGIN` of the first media file, the
    offset at which its playback begins, is added, so that times are those of that file. An
    annotation that refers to another has the other's span.

    Args:
        data: the bytes of the file.
        source: what to call it in a message.

    Raises:
        DataError: naming file and line: no EAF, other units, a slot that is missing or has no time,
            a reference that leads nowhere or that shares another's span out among several.
    """
    root = parse_xml(data, source)
    if root.tag != "ANNOTATION_DOCUMENT":
        raise DataError(f"{source} is no EAF file: it begins with {root.tag}")
    spans = _Spans(root, source)
    tiers = tuple(_named(tier, "TIER_ID", source) for tier in root.all("TIER"))
    return Document(tiers, tuple(spans.all()))


class _Spans:
    """Time slots and annotations of a document, by their names."""

    def __init__(self, root: XmlNode, source: str) -> None:
        self._source = source
        self._origin_ms = self._origin(root)
        self._tiers = [(tier, list(tier.all("ANNOTATION"))) for tier in root.all("TIER")]
        self._slots = {
            _named(slot, "TIME_SLOT_ID", source): slot
            for slot in root.all("TIME_ORDER", "TIME_SLOT")
        }
        self._annotations = {
            _named(node, "ANNOTATION_ID", source): node
            for _, annotations in self._tiers
            for annotation in annotations
            for node in annotation.children
        }

    def all(self) -> Iterator[Span]:
        for tier, own in self._tiers:
            name, participant = tier.attributes["TIER_ID"], tier.attributes.get("PARTICIPANT", "")
            for node in (child for holder in own for child in holder.children):
                start, end = self._bounds(node, ())
                value = "".join(v.text for v in node.all("ANNOTATION_VALUE"))
                yield Span(name, participant, start, end, value, node.line)

    def _bounds(self, node: XmlNode, seen: tuple[str, ...]) -> tuple[int, int]:
        if node.tag == "ALIGNABLE_ANNOTATION":
            return self._time(node, "TIME_SLOT_REF1"), self._time(node, "TIME_SLOT_REF2")
        if node.tag != "REF_ANNOTATION":
            raise self._fault(node, f"a {node.tag}, expected an annotation")
        if "PREVIOUS_ANNOTATION" in node.attributes:
            raise self._fault(node, "an annotation that shares its parent's span has no own time")
        parent = _named(node, "ANNOTATION_REF", self._source)
        if parent not in self._annotations or parent in seen:
            raise self._fault(node, f"refers to the annotation '{parent}', which leads nowhere")
        return self._bounds(self._annotations[parent], (*seen, parent))

    def _time(self, node: XmlNode, which: str) -> int:
        name = _named(node, which, self._source)
        if name not in self._slots:
            raise self._fault(node, f"no time slot '{name}'")
        slot = self._slots[name]
        value = slot.attributes.get("TIME_VALUE")
        if value is None:
            raise self._fault(node, f"time slot '{name}' (line {slot.line}) has no time")
        if not re.fullmatch(r"[0-9]{1,15}", value):
            raise self._fault(slot, f"time slot '{name}' holds {value!r}, no milliseconds")
        return int(value) + self._origin_ms

    def _origin(self, root: XmlNode) -> int:
        for header in root.all("HEADER"):
            units = header.attributes.get("TIME_UNITS", "milliseconds")
            if units != "milliseconds":
                raise self._fault(header, f"times in {units}; expected milliseconds")
            for media in header.all("MEDIA_DESCRIPTOR"):
                origin = media.attributes.get("TIME_ORIGIN", "0")
                if not re.fullmatch(r"-?[0-9]{1,15}", origin):
                    raise self._fault(media, f"TIME_ORIGIN {origin!r} is no whole milliseconds")
                return int(origin)
        return 0

    def _fault(self, node: XmlNode, what: str) -> DataError:
        return DataError(f"{self._source}, line {node.line}: {what}")


def _named(node: XmlNode, attribute: str, source: str) -> str:
    if attribute not in node.attributes:
        raise DataError(f"{source}, line {node.line}: {node.tag} without {attribute}")
    return node.attributes[attribute]

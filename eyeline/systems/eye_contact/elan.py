"""Reading what ELAN writes: its tab-delimited exports, and its own files (EAF).

Of EAF only what spans need is read; a document type or entity of any kind is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from eyeline.documents import XmlNode, parse_xml
from eyeline.errors import DataError

TARGETS = ("none", "host", "host2", "host3", "camera")
"""Names of the gaze targets by their number; every one but the first is eye contact."""
UNCERTAIN = "uncertain"
"""The tier of spans in which the annotators could not tell."""
TIERS = (*TARGETS[1:], UNCERTAIN)
"""Names of the tiers that are read."""

_COLUMNS = 5


@dataclass(frozen=True)
class Interval:
    """One span of a tier."""

    tier: str
    """One of `TIERS`, or a tier of another name that `annotation` leaves out."""
    start_s: float
    end_s: float
    participant: str = ""
    value: str = ""
    line: int = field(default=0, compare=False)
    """Where it stands in its file; 0 for none."""


def read_elan(path: Path | str) -> list[Interval]:
    """All rows of all tiers of an ELAN export (any suffix) or `.eaf`, in file order.

    DataError names the file, and the line where there is one: not readable, empty, or a row that is
    no span.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the annotation {path}: {error.strerror}") from error
    if path.suffix.lower() == ".eaf":
        return parse_eaf(data, str(path))
    try:
        return parse_elan(data.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not a text in UTF-8 (byte {error.start})") from error


def parse_elan(text: str, source: str) -> list[Interval]:
    """The rows of an ELAN export without head line: tier, participant, begin s, end s, value.

    `source` names it in messages. DataError for a text without rows, and naming a line with other
    columns, no tier, or times that are none.
    """
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        where, cells = f"{source}, line {number}", line.split("\t")
        if len(cells) != _COLUMNS:
            raise DataError(f"{where}: {len(cells)} columns, expected {_COLUMNS} parted by tabs")
        tier, participant, value = (cells[i].strip() for i in (0, 1, 4))
        if not tier:
            raise DataError(f"{where}: no name of a tier")
        span = _seconds(cells[2], where), _seconds(cells[3], where)
        rows.append(_interval(tier, *span, participant, value, where, number))
    if not rows:
        raise DataError(f"{source}, line 1: the file is empty; expected a row for each annotation")
    return rows


def parse_eaf(data: bytes, source: str) -> list[Interval]:
    """All annotations of an EAF document, none where a tier of annotators holds nothing.

    Time slots count milliseconds of the annotation; `TIME_ORIGIN` of the first media file, the
    offset at which its playback begins, is added, so that times are those of that file. An
    annotation that refers to another has the other's span.

    DataError names file and line: no EAF, other units, a slot that is missing or has no time, a
    reference that leads nowhere or that shares another's span out among several, an end before its
    begin; also a document that has neither annotations nor a tier of annotators.
    """
    root = parse_xml(data, source)
    if root.tag != "ANNOTATION_DOCUMENT":
        raise DataError(f"{source} is no EAF file: it begins with {root.tag}")
    rows = list(_Spans(root, source).all())
    tiers = [_named(tier, "TIER_ID", source) for tier in root.all("TIER")]
    if not rows and not set(tiers) & set(TIERS):
        has = ", ".join(tiers) or "none"
        raise DataError(f"{source}: no annotation, and no tier of {', '.join(TIERS)}; tiers: {has}")
    return rows


def _interval(
    tier: str, start_s: float, end_s: float, participant: str, value: str, where: str, line: int
) -> Interval:
    if not 0 <= start_s <= end_s:
        raise DataError(f"{where}: the span {start_s} to {end_s} s does not run forward from 0")
    return Interval(tier, start_s, end_s, participant, value, line)


def _seconds(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: '{cell}' is no time in seconds")
    return value


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

    def all(self) -> Iterator[Interval]:
        for tier, own in self._tiers:
            name = _named(tier, "TIER_ID", self._source)
            participant = tier.attributes.get("PARTICIPANT", "")
            for node in (child for holder in own for child in holder.children):
                start, end = self._bounds(node, ())
                value = "".join(v.text for v in node.all("ANNOTATION_VALUE"))
                where = f"{self._source}, line {node.line}"
                yield _interval(
                    name, start / 1000, end / 1000, participant, value, where, node.line
                )

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

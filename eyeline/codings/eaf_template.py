"""A lab's ELAN template, into whose tiers annotations are written."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence

from eyeline.codings.coding import Coding, CodingTier
from eyeline.codings.eaf import Numbers, add_header, annotate, document, read
from eyeline.documents import plain_text
from eyeline.errors import DataError


def write_into(
    template: bytes, source: str, coding: Coding, media: str | None = None
) -> tuple[bytes, list[str]]:
    """A template with the intervals of a coding in its tiers of the same names.

    All that the template holds stays: tiers, linguistic types, vocabularies, annotations. Tiers of
    the coding that the template lacks are left out and noted; values that a tier's vocabulary lacks
    are written, without an entry, and noted.

    Args:
        template: an EAF document.
        source: what to call it in messages.
        coding: what to write.
        media: the video to link in place of the template's; None for the coding's.

    Returns:
        The document, and notes.

    Raises:
        DataError: the template is no EAF, has none of the tiers, a tier takes no annotations with
            times, or holds annotations already.
    """
    read(template, source)  # refuses what is hostile or no EAF
    root = ET.fromstring(template, ET.XMLParser(target=ET.TreeBuilder(insert_comments=True)))
    elements = {node.get("TIER_ID", ""): node for node in root.iter("TIER")}
    fitting = [tier for tier in coding.tiers if plain_text(tier.name) in elements]
    if not fitting:
        have = ", ".join(f"'{name}'" for name in elements)
        raise DataError(
            f"{source} has no tier of {coding.source}; it has: {have or 'none'}. "
            "Name the pairs with --map 'OUR TIER=TEMPLATE TIER'"
        )
    entries = {tier.name: _checked_entries(root, elements, tier, source) for tier in fitting}
    notes = list(_template_notes(coding, fitting, entries, source))
    into = [(elements[plain_text(t.name)], t, entries[t.name] or {}) for t in fitting]
    taken = (v for node in root.iter() for k, v in node.items() if k.endswith("_ID"))
    order = root.find("TIME_ORDER")
    if order is None:
        raise DataError(f"{source} has no <TIME_ORDER>, which each ELAN file has")
    number = annotate(order, into, Numbers(taken))
    _sort_slots(order)
    header = root.find("HEADER")
    if header is not None:
        _link(root, header, coding, media)
        for used in header.findall("PROPERTY[@NAME='lastUsedAnnotationId']"):
            used.text = str(max(number, int(used.text or 0) if (used.text or "0").isdigit() else 0))
    return document(root), notes


def _sort_slots(order: ET.Element) -> None:
    """In the order of time; slots without one stay behind the slot before them."""
    last, timed = 0, []
    for slot in order:
        last = int(slot.get("TIME_VALUE", last))
        timed.append((last, slot))
    order[:] = [slot for _, slot in sorted(timed, key=lambda one: one[0])]


def _checked_entries(
    root: ET.Element, elements: Mapping[str, ET.Element], tier: CodingTier, source: str
) -> dict[str, str] | None:
    """Entries by value of the vocabulary of a template's tier, None where it has none."""
    element = elements[plain_text(tier.name)]
    wanted = element.get("LINGUISTIC_TYPE_REF")
    kinds = [k for k in root.iter("LINGUISTIC_TYPE") if k.get("LINGUISTIC_TYPE_ID") == wanted]
    if not kinds or kinds[0].get("TIME_ALIGNABLE") == "false":
        raise DataError(
            f"{source}: tier '{tier.name}' takes no annotations with times of their own "
            f"(linguistic type '{wanted}'); map to another tier"
        )
    if len(element):
        raise DataError(
            f"{source}: tier '{tier.name}' holds annotations already; use a template without, or "
            "map to another tier"
        )
    vocabulary = kinds[0].get("CONTROLLED_VOCABULARY_REF")
    if vocabulary is None:
        return None
    known: dict[str, str] = {}
    for cv in root.iter("CONTROLLED_VOCABULARY"):
        if cv.get("CV_ID") == vocabulary:
            values = [(v, e) for e in cv.iter("CV_ENTRY_ML") for v in e.iter("CVE_VALUE")]
            known |= {(v.text or "").strip(): entry.get("CVE_ID", "") for v, entry in values}
            known |= dict.fromkeys(((old.text or "").strip() for old in cv.iter("CV_ENTRY")), "")
    return known


def _template_notes(
    coding: Coding,
    fitting: Sequence[CodingTier],
    entries: Mapping[str, Mapping[str, str] | None],
    source: str,
) -> Iterator[str]:
    lacking = [tier.name for tier in coding.tiers if tier not in fitting]
    if lacking:
        names = ", ".join(f"'{name}'" for name in lacking)
        yield f"{source} has no tier {names}: left out; --map 'OUR TIER=TEMPLATE TIER' names a pair"
    for tier in fitting:
        known = entries[tier.name]
        odd = [v for v in tier.values if known is not None and plain_text(v) not in known]
        if odd:
            values = ", ".join(f"'{value}'" for value in odd)
            yield f"the vocabulary of tier '{tier.name}' lacks {values}: written without an entry"


def _link(root: ET.Element, header: ET.Element, coding: Coding, media: str | None) -> None:
    """Put the coding's video where the template links one."""
    media = coding.media if media is None else media
    if not media:
        return
    for old in header.findall("MEDIA_DESCRIPTOR"):
        header.remove(old)
    scratch = ET.Element("ANNOTATION_DOCUMENT")
    add_header(scratch, [(media, coding.origin_s)])
    header[:0] = list(scratch[0])

"""The rules of EAF 3.0 as its published schema states them, and a validator that applies them.

Written down from the schema's description, not from what eyeline writes: order and number of
children, attributes with their types, identifiers that are unique, references that lead somewhere.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import NamedTuple

MANY = 10**9

CHILDREN: dict[str, list[tuple[str, int, int]]] = {
    "ANNOTATION_DOCUMENT": [
        ("LICENSE", 0, MANY),
        ("HEADER", 1, 1),
        ("TIME_ORDER", 1, 1),
        ("TIER", 0, MANY),
        ("LINGUISTIC_TYPE", 0, MANY),
        ("LOCALE", 0, MANY),
        ("LANGUAGE", 0, MANY),
        ("CONSTRAINT", 0, MANY),
        ("CONTROLLED_VOCABULARY", 0, MANY),
        ("LEXICON_REF", 0, MANY),
        ("REF_LINK_SET", 0, MANY),
        ("EXTERNAL_REF", 0, MANY),
    ],
    "HEADER": [
        ("MEDIA_DESCRIPTOR", 0, MANY),
        ("LINKED_FILE_DESCRIPTOR", 0, MANY),
        ("PROPERTY", 0, MANY),
    ],
    "TIME_ORDER": [("TIME_SLOT", 0, MANY)],
    "TIER": [("ANNOTATION", 0, MANY)],
    "ANNOTATION": [("ALIGNABLE_ANNOTATION", 0, 1), ("REF_ANNOTATION", 0, 1)],
    "ALIGNABLE_ANNOTATION": [("ANNOTATION_VALUE", 1, 1)],
    "REF_ANNOTATION": [("ANNOTATION_VALUE", 1, 1)],
    "CONTROLLED_VOCABULARY": [("DESCRIPTION", 0, MANY), ("CV_ENTRY_ML", 0, MANY)],
    "CV_ENTRY_ML": [("CVE_VALUE", 1, MANY)],
}
"""Of the elements that have some: their children in order, at least and at most how many."""


class Rule(NamedTuple):
    kind: str
    required: bool = False


def _need(kind: str = "string") -> Rule:
    return Rule(kind, True)


def _may(kind: str = "string") -> Rule:
    return Rule(kind)


_COMMON = {
    "ANNOTATION_ID": _need("ID"), "EXT_REF": _may("IDREF"), "LANG_REF": _may("IDREF"),
    "CVE_REF": _may(),
}  # fmt: skip
ATTRIBUTES: dict[str, dict[str, Rule]] = {
    "ANNOTATION_DOCUMENT": {
        "DATE": _need("dateTime"), "AUTHOR": _need(), "VERSION": _need(), "FORMAT": _may(),
    },
    "LICENSE": {"LICENSE_URL": _may("anyURI")},
    "HEADER": {"MEDIA_FILE": _may(), "TIME_UNITS": _may("units")},
    "MEDIA_DESCRIPTOR": {
        "MEDIA_URL": _need("anyURI"), "RELATIVE_MEDIA_URL": _may("anyURI"), "MIME_TYPE": _need(),
        "TIME_ORIGIN": _may("long"), "EXTRACTED_FROM": _may("anyURI"),
    },
    "LINKED_FILE_DESCRIPTOR": {
        "LINK_URL": _need("anyURI"), "RELATIVE_LINK_URL": _may("anyURI"), "MIME_TYPE": _need(),
        "TIME_ORIGIN": _may("long"), "ASSOCIATED_WITH": _may("anyURI"),
    },
    "PROPERTY": {"NAME": _may()},
    "TIME_ORDER": {},
    "TIME_SLOT": {"TIME_SLOT_ID": _need("ID"), "TIME_VALUE": _may("unsignedInt")},
    "TIER": {
        "TIER_ID": _need(), "PARTICIPANT": _may(), "ANNOTATOR": _may(),
        "LINGUISTIC_TYPE_REF": _need(), "DEFAULT_LOCALE": _may("IDREF"), "PARENT_REF": _may(),
        "EXT_REF": _may("IDREF"), "LANG_REF": _may("IDREF"),
    },
    "ANNOTATION": {},
    "ALIGNABLE_ANNOTATION": _COMMON
    | {"TIME_SLOT_REF1": _need("IDREF"), "TIME_SLOT_REF2": _need("IDREF"), "SVG_REF": _may()},
    "REF_ANNOTATION": _COMMON
    | {"ANNOTATION_REF": _need("IDREF"), "PREVIOUS_ANNOTATION": _may("IDREF")},
    "ANNOTATION_VALUE": {},
    "LINGUISTIC_TYPE": {
        "LINGUISTIC_TYPE_ID": _need(), "TIME_ALIGNABLE": _may("boolean"),
        "CONSTRAINTS": _may("IDREF"), "GRAPHIC_REFERENCES": _may("boolean"),
        "CONTROLLED_VOCABULARY_REF": _may(), "EXT_REF": _may("IDREF"),
        "LEXICON_REF": _may("IDREF"),
    },
    "LOCALE": {"LANGUAGE_CODE": _need("ID"), "COUNTRY_CODE": _may(), "VARIANT": _may()},
    "LANGUAGE": {"LANG_ID": _need("ID"), "LANG_DEF": _may(), "LANG_LABEL": _may()},
    "CONSTRAINT": {"STEREOTYPE": _need("ID"), "DESCRIPTION": _may()},
    "CONTROLLED_VOCABULARY": {"CV_ID": _need(), "EXT_REF": _may("IDREF")},
    "DESCRIPTION": {"LANG_REF": _need("IDREF")},
    "CV_ENTRY_ML": {"CVE_ID": _need(), "EXT_REF": _may("IDREF")},
    "CVE_VALUE": {"LANG_REF": _need("IDREF"), "DESCRIPTION": _may()},
}  # fmt: skip
TYPES = {
    "string": r"(?s).*",
    "ID": r"[A-Za-z_][\w.-]*",
    "IDREF": r"[A-Za-z_][\w.-]*",
    "anyURI": r"[^\s<>\"{}|\\^`]*",
    "boolean": "true|false|0|1",
    "long": r"[-+]?\d{1,18}",
    "unsignedInt": r"\d{1,10}",
    "units": "milliseconds|NTSC-frames|PAL-frames|PAL-50-frames",
    "dateTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([-+]\d\d:\d\d|Z)?",
}
TEXT = {"ANNOTATION_VALUE", "PROPERTY", "DESCRIPTION", "CVE_VALUE", "LICENSE"}
"""Elements that hold text."""
KEYS = [
    ("TIER", "TIER_ID", "TIER", "PARENT_REF"),
    ("LINGUISTIC_TYPE", "LINGUISTIC_TYPE_ID", "TIER", "LINGUISTIC_TYPE_REF"),
    ("CONTROLLED_VOCABULARY", "CV_ID", "LINGUISTIC_TYPE", "CONTROLLED_VOCABULARY_REF"),
]
"""Element and attribute that is unique, and those that refer to it."""
_NAMESPACE = "{http://www.w3.org/2001/XMLSchema-instance}"


def faults(data: bytes) -> list[str]:
    """What of a document breaks the schema; nothing for a valid one."""
    root = ET.fromstring(data)
    if root.tag != "ANNOTATION_DOCUMENT":
        return [f"root is {root.tag}"]
    wrong = [fault for node in root.iter() for fault in _of_node(node)]
    typed = [
        (ATTRIBUTES[node.tag][name].kind, value)
        for node in root.iter()
        if node.tag in ATTRIBUTES
        for name, value in node.items()
        if name in ATTRIBUTES[node.tag]
    ]
    ids = [value for kind, value in typed if kind == "ID"]
    wrong += [
        f"the identifier {value} is there twice" for value in {v for v in ids if ids.count(v) > 1}
    ]
    wrong += [f"nothing is called {v}" for k, v in typed if k == "IDREF" and v not in {*ids}]
    for element, key, referring, reference in KEYS:
        names = [node.get(key) for node in root.iter(element)]
        wrong += [
            f"two {element} are called {name}" for name in {n for n in names if names.count(n) > 1}
        ]
        wrong += [
            f"{referring} refers to {node.get(reference)}"
            for node in root.iter(referring)
            if node.get(reference) is not None and node.get(reference) not in names
        ]
    return wrong


def _of_node(node: ET.Element) -> list[str]:
    if node.tag not in ATTRIBUTES:
        return [f"there is no element {node.tag}"]
    rules = ATTRIBUTES[node.tag]
    wrong = [
        f"{node.tag} lacks {n}"
        for n, rule in rules.items()
        if rule.required and node.get(n) is None
    ]
    for name, value in node.items():
        if name.startswith(_NAMESPACE):
            continue
        if name not in rules:
            wrong.append(f"{node.tag} has no attribute {name}")
        elif not re.fullmatch(TYPES[rules[name].kind], value):
            wrong.append(f"{name} of {node.tag} is '{value}', no {rules[name].kind}")
    sequence = CHILDREN.get(node.tag, [])
    order = [name for name, _, _ in sequence]
    tags = [child.tag for child in node]
    wrong += [f"{tag} is no child of {node.tag}" for tag in tags if tag not in order]
    places = [order.index(tag) for tag in tags if tag in order]
    if places != sorted(places):
        wrong.append(f"children of {node.tag} are out of order")
    for name, least, most in sequence:
        if not least <= tags.count(name) <= most:
            wrong.append(f"{node.tag} has {tags.count(name)} {name}")
    if node.tag == "ANNOTATION" and len(tags) != 1:
        wrong.append("ANNOTATION has not one child")
    if node.tag not in TEXT and (node.text or "").strip():
        wrong.append(f"{node.tag} holds text")
    return wrong

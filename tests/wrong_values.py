"""What a field with a type and bounds has to refuse, for tables of tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def wrong_values(schema: Mapping[str, Any]) -> list[Any]:
    """What a field refuses, by its JSON schema: wrong types, and beside each of its bounds."""
    kinds = schema.get("anyOf", [schema])
    wrong: list[Any] = [{"a": 1}]
    wrong += [] if any(kind["type"] == "array" for kind in kinds) else [[1, 2]]
    wrong += [] if any(kind["type"] == "string" for kind in kinds) else ["text"]
    for kind in kinds:
        if kind["type"] == "array":
            wrong += [[value] * kind.get("minItems", 1) for value in wrong_values(kind["items"])]
            wrong += [[]] if "minItems" in kind else []
        elif kind["type"] in ("integer", "number"):
            below = kind.get("minimum", kind.get("exclusiveMinimum"))
            above = kind.get("maximum", kind.get("exclusiveMaximum"))
            assert below is not None and above is not None, "a number without bounds"
            outside = [below if "exclusiveMinimum" in kind else below - max(1, abs(below))]
            outside += [above if "exclusiveMaximum" in kind else above + max(1, abs(above))]
            wrong += [v for v in outside if abs(v) < 1e308]
            wrong += [True, float("nan"), float("inf"), -float("inf")]
            wrong += [0.5] if kind["type"] == "integer" else []
        elif kind["type"] == "boolean":
            wrong += [1, "true"]
        elif "enum" in kind:
            wrong += ["none of these"]
        elif kind["type"] == "string":
            wrong += [3]
    return wrong

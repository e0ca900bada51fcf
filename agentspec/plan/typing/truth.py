"""What is left of a type where its value counts as true, and where it counts as false."""

from __future__ import annotations

from collections.abc import Iterable

from agentspec.api.messages import Schema
from agentspec.plan.typing.kinds import ANY, EMPTY_LIST, EMPTY_OBJECT, kind, listed, options, union, values_of


def truthy(schema: Schema) -> Schema | None:
    """Return the type of the values that a test lets through; None when there are none."""
    return _union_of(_truthy(option) for option in options(schema))


def falsy(schema: Schema) -> Schema | None:
    """Return the type of the values that a test holds back; None when there are none."""
    return _union_of(_falsy(option) for option in options(schema))


def _union_of(parts: Iterable[Schema | None]) -> Schema | None:
    found = [part for part in parts if part is not None]
    return union(found) if found else None


def _truthy(option: Schema) -> Schema | None:
    found = values_of(option)
    if found is not None:
        kept = [value for value in found if value]
        return None if not kept else option if len(kept) == len(found) else union(listed(kept))
    if option in (EMPTY_LIST, EMPTY_OBJECT):
        return None
    return {"const": True} if kind(option) == "boolean" else option


def _falsy(option: Schema) -> Schema | None:
    found = values_of(option)
    if found is not None:
        kept = [value for value in found if not value]
        return union(listed(kept)) if kept else None
    match kind(option):
        case "boolean":
            return {"const": False}
        case "integer" | "number":
            return {"const": 0}
        case "string":
            return None if "format" in option or option.get("minLength") else {"const": ""}
        case "array":
            return None if option.get("minItems") else EMPTY_LIST
        case "object":
            return None if option.get("required") or option.get("minProperties") else EMPTY_OBJECT
        case _:
            return ANY

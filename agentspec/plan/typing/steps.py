"""Fields and items of types: one step, and paths of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agentspec.api.messages import Schema
from agentspec.api.schema import nullable
from agentspec.plan.typing.kinds import ANY, STRING, as_schema, has_null, items_of, kind, not_null, options, union


class Step(NamedTuple):
    """Where one step into a type leads.

    Attributes:
        schema: the type behind the step; None when no value has such a part.
        known: the fields that there are.
        may_lack: whether a value may be without that part.
        lacking: an alternative that never has the part, when others have it.
    """

    schema: Schema | None
    known: list[str]
    may_lack: bool = False
    lacking: Schema | None = None


_ABSENT = Step(None, [])
_UNKNOWN = Step(ANY, [], may_lack=True)


def step(schema: Schema, key: str | int) -> Step:
    """Take one step into a type other than null."""
    found = [(option, _into(option, key)) for option in options(schema)]
    if len(found) == 1:
        return found[0][1]
    there = [one.schema for _, one in found if one.schema is not None]
    known = list(dict.fromkeys(word for _, one in found for word in one.known))
    if not there:
        return Step(None, known)
    lacking = next((option for option, one in found if one.schema is None), None)
    return Step(union(there), known, lacking is not None or any(one.may_lack for _, one in found), lacking)


def _into(option: Schema, key: str | int) -> Step:
    own = kind(option)
    if own == "object":
        return _field(option, key) if isinstance(key, str) else Step(None, list(option.get("properties", ())))
    if own == "array" and isinstance(key, int):
        first = option.get("prefixItems", ())
        if 0 <= key < len(first):
            return Step(as_schema(first[key]), [], key >= option.get("minItems", 0))
        return Step(items_of(option) if key < 0 or not first else as_schema(option.get("items")), [], may_lack=True)
    if own == "string" and isinstance(key, int):
        return Step(STRING, [], may_lack=True)
    return _UNKNOWN if own is None else _ABSENT


def _field(option: Schema, key: str) -> Step:
    properties = option.get("properties", {})
    if key in properties:
        inner = as_schema(properties[key])
        required = key in option.get("required", ())
        return Step(inner if required else nullable(inner), [], not required)
    if option.get("patternProperties"):
        return _UNKNOWN
    extra = option.get("additionalProperties", True)
    return Step(None, list(properties)) if extra is False else Step(as_schema(extra), [], may_lack=True)


class Track(NamedTuple):
    """Where a path leads. The numbers count the steps of the path, from 0.

    Attributes:
        missing: the step that leads nowhere, from `owner`, which has `known`.
        null: the step that is taken from a value which may be null, when that is not allowed for.
        lacking: the step that `owner` lacks, one of the alternatives of the value before it.
    """

    schema: Schema
    missing: int | None = None
    null: int | None = None
    lacking: int | None = None
    owner: Schema | None = None
    known: Sequence[str] = ()


def track(schema: Schema, keys: Sequence[str | int], lenient: bool = False) -> Track:
    """Follow a path into a type; with `lenient` what is not there gives null."""
    null = lacking = owner = None
    may_lack = False
    for index, key in enumerate(keys):
        if has_null(schema):
            may_lack = True
            null = index if null is None else null
            schema = not_null(schema)
        found = step(schema, key)
        if found.schema is None:
            return Track(ANY, missing=index, owner=schema, known=found.known)
        if found.lacking is not None and lacking is None:
            lacking, owner = index, found.lacking
        may_lack = may_lack or found.may_lack
        schema = found.schema
    if lenient:
        return Track(nullable(schema) if may_lack else schema)
    return Track(schema, None, null, lacking, owner)

"""How long the text of a value can get, from its type alone."""

from __future__ import annotations

import json
from collections.abc import Iterable

from agentspec.api.messages import Schema
from agentspec.plan.infer import follow
from agentspec.plan.scope import Scope
from agentspec.plan.typing.kinds import as_schema, kind, options, values_of
from agentspec.spec.expressions import Expression, Reference

_DIGITS = 4_300
"""Python makes no text of a longer whole number."""

_CHARACTER = 4
"""Bytes of a character in UTF-8, at most."""

_ESCAPED = 6
"""Bytes of a character inside a JSON string, at most: an escape such as `\\u001f`."""

_FORMATS = {"date": 10, "uuid": 36}


def longest_text(expression: Expression, scope: Scope) -> int | None:
    """The most bytes that an expression's text can have; None when that is not known."""
    if expression.kind == "literal":
        return len(expression.text.encode())
    if expression.kind == "reference":
        return longest_value(follow(expression.references[0], scope, expression.text)[0])
    if expression.kind != "template" or expression.has_statements:
        return None
    return _sum(_stretch(item, scope, expression.text) for *_, item in expression.stretches)


def _stretch(item: object, scope: Scope, text: str) -> int | None:
    if isinstance(item, str):
        return len(item.encode())
    return longest_value(follow(item, scope, text)[0]) if isinstance(item, Reference) else None


def longest_value(schema: Schema, *, nested: bool = False) -> int | None:
    """The most bytes of a value in a text, where lists and objects stand as JSON; None when not known."""
    lengths = [_longest(option, nested) for option in options(schema)]
    return None if None in lengths else max(length for length in lengths if length is not None)


def _longest(option: Schema, nested: bool) -> int | None:
    values = values_of(option)
    if values is not None:
        return max(len(_written(value, nested).encode()) for value in values)
    match kind(option):
        case "boolean":
            return len("false")
        case "integer" | "number":
            return _DIGITS
        case "string":
            return _longest_string(option, nested)
        case "array":
            return _longest_list(option)
        case "object":
            return _longest_object(option)
        case _:
            return None


def _longest_string(option: Schema, nested: bool) -> int | None:
    most = option.get("maxLength", _FORMATS.get(option.get("format", "")))
    if not isinstance(most, int):
        return None
    return most * _ESCAPED + 2 if nested else most * _CHARACTER


def _longest_list(option: Schema) -> int | None:
    most = option.get("maxItems")
    if not isinstance(most, int):
        return None
    each = longest_value(as_schema(option.get("items", {})), nested=True) if most else 0
    return None if each is None or "prefixItems" in option else most * (each + 2) + 2


def _longest_object(option: Schema) -> int | None:
    if option.get("additionalProperties", True) is not False or "patternProperties" in option:
        return None
    fields = option.get("properties", {})
    values = _sum(longest_value(as_schema(part), nested=True) for part in fields.values())
    return None if values is None else values + sum(len(json.dumps(key)) + 4 for key in fields) + 2


def _written(value: object, nested: bool) -> str:
    return value if isinstance(value, str) and not nested else json.dumps(value)


def _sum(lengths: Iterable[int | None]) -> int | None:
    found = list(lengths)
    return None if None in found else sum(length for length in found if length is not None)

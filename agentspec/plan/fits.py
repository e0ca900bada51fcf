"""Whether values of one type can stand where another is wanted.

Only what is certain is reported: an unknown type (an empty schema) fits everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentspec.api.messages import Schema
from agentspec.api.schema import admits_null, without_null


def misfit(given: Schema, wanted: Schema) -> str | None:
    """Say why `given` cannot stand for `wanted`, or None when it may. Null is the caller's business."""
    given, wanted = without_null(given), without_null(wanted)
    options = list(_options(wanted))
    if not given or not wanted or not all(options):
        return None
    for one in _options(given):
        if not one:
            continue
        reasons = [_misfit_plain(one, option) for option in options]
        if None not in reasons:
            return reasons[0] if len(reasons) == 1 else f"it is {name(one)}"
    return None


def may_be_null(given: Schema, wanted: Schema) -> bool:
    """Tell whether a null may come where none is wanted."""
    return bool(given) and admits_null(given) and bool(wanted) and not admits_null(wanted)


def name(schema: Schema) -> str:
    """The type in one or two words."""
    if "enum" in schema:
        return "one of " + ", ".join(str(word) for word in schema["enum"])
    if "const" in schema:
        return repr(schema["const"])
    if "anyOf" in schema:
        return " or ".join(name(option) for option in schema["anyOf"])
    kind = schema.get("type", "any value")
    if isinstance(kind, list):
        return " or ".join(_article(word) for word in kind)
    return _article(schema.get("format", kind) if kind == "string" else kind)


def _article(word: str) -> str:
    names = {
        "array": "a list",
        "object": "an object",
        "integer": "an integer",
        "null": "null",
        "any value": "any value",
    }
    return names.get(word, f"a {word}")


def _options(schema: Schema) -> Iterator[Schema]:
    for key in ("anyOf", "oneOf"):
        if key in schema:
            for option in schema[key]:
                yield from _options(option)
            return
    kind = schema.get("type")
    if isinstance(kind, list):
        for one in kind:
            yield {**schema, "type": one}
        return
    yield schema


def _kind(schema: Schema) -> str | None:
    if "type" in schema:
        return str(schema["type"])
    words = schema.get("enum", [schema["const"]] if "const" in schema else [])
    kinds = {_kind_of(word) for word in words}
    return kinds.pop() if len(kinds) == 1 else None


def _kind_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _misfit_plain(given: Schema, wanted: Schema) -> str | None:
    have, want = _kind(given), _kind(wanted)
    if have is None or want is None:
        return None
    if have != want and not (have == "integer" and want == "number"):
        return f"it is {name(given)}"
    if have == "string":
        return _misfit_string(given, wanted)
    if have == "array":
        reason = misfit(given.get("items", {}), wanted.get("items", {}))
        return f"of its items, {reason}" if reason else None
    if have == "object":
        return _misfit_object(given, wanted)
    return None


def _misfit_string(given: Schema, wanted: Schema) -> str | None:
    if "enum" in wanted and "enum" in given:
        extra = [word for word in given["enum"] if word not in wanted["enum"]]
        return f"it may be `{extra[0]}`" if extra else None
    have, want = given.get("format"), wanted.get("format")
    if have and want and have != want:
        return f"it is {name(given)}"
    return None


def _misfit_object(given: Schema, wanted: Schema) -> str | None:
    have, want = given.get("properties", {}), wanted.get("properties", {})
    closed = given.get("additionalProperties") is False
    for key in wanted.get("required", ()):
        if closed and key not in have:
            return f"it has no `{key}`"
    for key in want.keys() & have.keys():
        reason = misfit(have[key], want[key])
        if reason:
            return f"of its `{key}`, {reason}"
    return None

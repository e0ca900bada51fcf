"""JSON Schema in the dialect of strict providers.

Strict mode (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas) wants an object at
the root, every property required and no other ones. Optional properties become required and may be null,
other roots travel as the only property of an object, and keywords that strict mode does not know are left
out: the core checks the answer against the real schema anyway.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentspec.api.messages import Schema
from agentspec.api.schema import nullable

VALUE = "value"
_KEPT = frozenset(
    [
        "type",
        "enum",
        "const",
        "description",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minItems",
        "maxItems",
        "$ref",
    ]
)
_FORMATS = frozenset(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"])
_DROPPED = frozenset(
    [
        "title",
        "default",
        "examples",
        "$schema",
        "$id",
        "$comment",
        "deprecated",
        "minLength",
        "maxLength",
        "uniqueItems",
    ]
)


class _NotStrict(Exception):
    """The schema says something that strict mode cannot express."""


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """What goes out as `response_format`, and how the answer comes back.

    Attributes:
        sent: the parameter of the call.
        wrapped: whether the answer is the property `value` of an object.
    """

    sent: Mapping[str, Any]
    wrapped: bool

    def unwrap(self, text: str) -> str:
        """Return the answer's own JSON; a text of another shape stays as it is."""
        if not self.wrapped:
            return text
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if not isinstance(data, dict) or set(data) != {VALUE}:
            return text
        return json.dumps(data[VALUE], ensure_ascii=False)


def response_format(schema: Schema) -> ResponseFormat:
    """Return the format for `schema`, strict where that loses nothing but checks."""
    wrapped = schema.get("type") != "object"
    whole: dict[str, Any] = dict(schema)
    if wrapped:
        inner = {key: value for key, value in schema.items() if key != "$defs"}
        whole = {"type": "object", "properties": {VALUE: inner}, "required": [VALUE]}
        whole |= {"additionalProperties": False}
        if "$defs" in schema:
            whole["$defs"] = schema["$defs"]
    try:
        sent, strict = _strict(whole), True
    except _NotStrict:
        sent, strict = whole, False
    named = {"name": "answer", "schema": sent, "strict": strict}
    return ResponseFormat({"type": "json_schema", "json_schema": named}, wrapped)


def _strict(part: Any) -> dict[str, Any]:
    if not isinstance(part, Mapping):
        raise _NotStrict
    result: dict[str, Any] = {}
    for key, value in part.items():
        if key in _KEPT:
            result[key] = value
        elif key == "format":
            result |= {"format": value} if value in _FORMATS else {}
        elif key == "items":
            result["items"] = _strict(value)
        elif key == "anyOf":
            result["anyOf"] = [_strict(option) for option in value]
        elif key == "$defs":
            result["$defs"] = {name: _strict(definition) for name, definition in value.items()}
        elif key not in _DROPPED and key not in ("properties", "required", "additionalProperties"):
            raise _NotStrict
    if part.get("type") == "object" or "properties" in part:
        return result | _closed(part)
    if "array" in _types(part) and "items" not in part:
        raise _NotStrict
    if not result.keys() & {"type", "enum", "const", "anyOf", "$ref"}:
        raise _NotStrict
    return result


def _types(part: Mapping[str, Any]) -> set[str]:
    kind = part.get("type", ())
    return {kind} if isinstance(kind, str) else set(kind)


def _closed(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object's keys with all properties required and no others."""
    properties = part.get("properties")
    if not isinstance(properties, Mapping) or part.get("additionalProperties", False) is not False:
        raise _NotStrict
    required = set(part.get("required", ()))
    return {
        "type": part.get("type", "object"),
        "properties": {
            name: _strict(value if name in required else nullable(value)) for name, value in properties.items()
        },
        "required": list(properties),
        "additionalProperties": False,
    }

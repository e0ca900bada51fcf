"""Types as short text for messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentspec.api.messages import Schema, as_text
from agentspec.api.schema import admits_null

_LONGEST = 72
_DEEPEST = 4
_FORMATS = {"date": "date", "date-time": "datetime", "path": "path"}


def show_type(schema: Schema) -> str:
    """Return a type as the shorthand writes it, cut with `…` where it gets long."""
    return _show(schema, 0)


def _show(schema: Any, depth: int) -> str:
    if not isinstance(schema, Mapping) or not schema:
        return "any"
    if depth > _DEEPEST:
        return "…"
    if "const" in schema:
        return _word(schema["const"])
    if isinstance(schema.get("enum"), list):
        return _joined([_word(value) for value in schema["enum"]], " | ")
    options = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(options, list):
        return _joined(list(dict.fromkeys(_show(option, depth + 1) for option in options)), " | ")
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_show({**schema, "type": one}, depth) for one in kind)
    if kind == "array" or (kind is None and "items" in schema):
        return f"[{_show(schema.get('items', {}), depth + 1)}]"
    if kind == "object" or (kind is None and "properties" in schema):
        return _object(schema, depth)
    return _scalar(schema, kind)


def _scalar(schema: Schema, kind: Any) -> str:
    if (quoted := schema.get("x-quote")) is not None:
        return f"quote from {quoted}" if isinstance(quoted, str) else "quote"
    name = _FORMATS.get(schema.get("format", ""), kind) if kind == "string" else kind
    taken = schema.get("x-from")
    return f"{name} from {taken}" if taken else str(name) if isinstance(name, str) else "any"


def _object(schema: Schema, depth: int) -> str:
    fields = schema.get("properties")
    if not isinstance(fields, Mapping) or not fields:
        return "object"
    required = schema.get("required", ())
    shown = []
    for name, field in fields.items():
        text = _show(field, depth + 1)
        absent = name not in required and not admits_null(field if isinstance(field, Mapping) else {})
        shown.append(f"{name}: {text} | null" if absent else f"{name}: {text}")
    return "{" + _joined(shown, ", ") + "}"


def _word(value: Any) -> str:
    text = as_text(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _joined(parts: list[str], between: str) -> str:
    """Join as many parts as fit on a line, and say that there are more."""
    shown: list[str] = []
    for part in parts:
        if shown and sum(map(len, shown)) + len(between) * len(shown) + len(part) > _LONGEST:
            return between.join([*shown, "…"])
        shown.append(part)
    return between.join(shown)

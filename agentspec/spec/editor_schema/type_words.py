"""What a value has to be, in words: for people who ask about a key."""

from __future__ import annotations

import json
from typing import Any

from agentspec.spec.editor_schema.from_shapes import DURATION

_PLAIN = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
}
_EXPRESSION = "an expression, bare or in ${{ }}"
_REFERRED = {
    "expression": _EXPRESSION,
    "type": "a type",
    "nodes": "nodes by name",
    "member": "a model (its name, `<backend>/<model>` or a mapping)",
    "branch": "a node, a block, or `{result: …}`",
    "cases": "cases by value, or a list of cases",
    "text": "`{file: …}`",
    "on_error": "`{value: …}`",
}
_BARE = {"string", "boolean", "integer", "number"}
"""The types of a field that always holds an expression: bare ones may look like other data."""


def type_words(schema: dict[str, Any]) -> str:
    """Say what fits a schema of the editor schema. Null, which stands for "not given", is not mentioned."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _REFERRED.get(name, f"a mapping (`agentspec explain {name}`)")
    if "enum" in schema:
        return " | ".join(str(word) for word in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "anyOf" in schema:
        found = [type_words(option) for option in schema["anyOf"] if option.get("type") != "null"]
        return ", or ".join(dict.fromkeys(found))
    if schema.get("pattern") == DURATION["pattern"]:
        return "a duration: 500ms, 30s, 5m, 1h30m"
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else list(kinds or ())
    if set(kinds) >= _BARE:
        return _EXPRESSION + (", or a list of them" if "array" in kinds else "")
    if "integer" in kinds:  # as text only with grouped digits
        kinds = [kind for kind in kinds if kind != "string"]
    words = [_list(schema) if kind == "array" else _PLAIN[kind] for kind in kinds if kind != "null"]
    return ", or ".join(words) + _bounds(schema) if words else "any value"


def _list(schema: dict[str, Any]) -> str:
    items = type_words(schema.get("items", {}))
    if items == "any value":
        return "a list"
    return f"a list, each {items}" if items.startswith("a ") else f"a list of {items}"


def _bounds(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low:,} to {high:,}"
    if low is not None:
        return f", at least {low:,}"
    return f", at most {high:,}" if high is not None else ""

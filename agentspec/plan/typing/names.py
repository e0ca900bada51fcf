"""Types and values in a few words, for messages."""

from __future__ import annotations

from typing import Any

from agentspec.api.messages import Schema
from agentspec.plan.typing.kinds import as_schema

_MOST_WORDS = 12


def type_name(schema: Schema) -> str:
    """Return a type in a few words."""
    if "enum" in schema:
        shown = ", ".join(value_name(word) for word in schema["enum"][:_MOST_WORDS])
        return f"one of {shown}" + (", …" if len(schema["enum"]) > _MOST_WORDS else "")
    if "const" in schema:
        return f"`{value_name(schema['const'])}`"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(type_name(as_schema(option)) for option in schema[key]))
    word = schema.get("type", "any value")
    if isinstance(word, list):
        return " or ".join(_article(one) for one in word)
    return _article(schema.get("format", word) if word == "string" else word)


def value_name(value: Any) -> str:
    """Return a value as a spec writes it, cut when it is long."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    shown = str(value)
    return shown if len(shown) <= 40 else shown[:39] + "…"


def _article(word: str) -> str:
    names = {
        "array": "a list",
        "object": "an object",
        "integer": "an integer",
        "null": "null",
        "any value": "any value",
    }
    return names.get(word, f"a {word}")

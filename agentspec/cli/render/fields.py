"""A field of a spec, and a place with fields, as text for a terminal."""

from __future__ import annotations

import json
from typing import Any

from agentspec.spec.editor_schema import property_of
from agentspec.spec.editor_schema.type_words import type_words
from agentspec.spec.field_docs import PLACES
from agentspec.spec.fields import SHAPES, FieldDoc, defaults, describe, written


def field_text(field: FieldDoc) -> str:
    """Meaning, type, default and example of a field, and where it may stand."""
    schema, required = property_of(field.place, field.key)
    place = PLACES[field.place]
    rows = {
        "type": type_words(schema),
        "default": "required" if required else _default(field, schema),
        "example": f"{field.key}: {field.example}",
        "where": place.where,
    }
    return "\n".join([f"{field.key}: {field.meaning}", "", *(f"  {name:<9}{value}" for name, value in rows.items())])


def place_text(name: str) -> str:
    """What a place is, and a line for each of its own fields."""
    place = PLACES[name]
    keys = {key: meaning for key, (meaning, _) in place.keys.items()}
    for key, _ in written(SHAPES[name]) if name in SHAPES else ():
        found = describe(SHAPES[name], key)
        if found is not None and found.place != "node":
            keys.setdefault(key, found.meaning)
    return "\n".join([f"{place.where}: {place.about}", "", *(f"  {key:<16}{text}" for key, text in keys.items())])


def _default(field: FieldDoc, schema: dict[str, Any]) -> str:
    default = schema.get("default")
    if default is None and field.place in SHAPES:
        default = next((given for key, given in defaults(SHAPES[field.place]) if key == field.key), None)
    if isinstance(default, list) and default:
        return f"[{', '.join(default)}]"
    if default is None or not isinstance(default, (str, bool, int, float)) or default == "":
        return "none"
    return default if isinstance(default, str) else json.dumps(default)

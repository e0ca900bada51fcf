"""A type as plain alternatives, each of one kind: what all other modules look at.

The kinds are those of JSON Schema: null, boolean, integer, number, string, array, object; None is unknown.
Keywords that are not looked at (`allOf`, `not`, …) only make a type narrower, so leaving them out is safe.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from agentspec.api.messages import Json, Schema
from agentspec.api.schema import closed_object

ANY: Schema = {}
NULL: Schema = {"type": "null"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
STRING: Schema = {"type": "string"}
EMPTY_LIST: Schema = {"type": "array", "maxItems": 0}
EMPTY_OBJECT: Schema = {"type": "object", "maxProperties": 0}

_MOST_WORDS = 100
_TRUE, _FALSE = '{"const": true}', '{"const": false}'


def options(schema: Any) -> list[Schema]:
    """Return the alternatives of a type, each of one kind; one empty schema when it is not known."""
    if not isinstance(schema, Mapping) or not schema:
        return [ANY]
    if "const" in schema:
        return [_constant(schema["const"])]
    kind = schema.get("type")
    if "enum" in schema:
        return listed([value for value in schema["enum"] if _is_of(value, kind)])
    if isinstance(kind, str):
        return [schema]
    if isinstance(kind, list):
        return [{**schema, "type": one} for one in kind]
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives:
        return [option for part in alternatives for option in options(part)]
    return [ANY]


def _constant(value: Json) -> Schema:
    if value is None:
        return NULL
    if isinstance(value, list):
        return list_of(union([_constant(item) for item in value])) if value else EMPTY_LIST
    if isinstance(value, dict):
        return closed_object({key: _constant(item) for key, item in value.items()})
    return {"const": value}


def _is_of(value: Json, kind: Any) -> bool:
    if kind is None:
        return True
    kinds = kind if isinstance(kind, list) else [kind]
    own = kind_of(value)
    return own in kinds or (own in ("integer", "number") and not {"integer", "number"}.isdisjoint(kinds))


def listed(values: list[Json]) -> list[Schema]:
    """Return the alternatives of a value that is one of a list."""
    texts = [value for value in values if isinstance(value, str)]
    others = [_constant(value) for value in values if not isinstance(value, str)]
    return ([words(texts)] if texts else []) + others or [ANY]


def words(texts: Iterable[str]) -> Schema:
    """Return the type of one of these texts; of any text when they are very many."""
    different = list(dict.fromkeys(texts))
    if len(different) == 1:
        return {"const": different[0]}
    return {"type": "string", "enum": different} if len(different) <= _MOST_WORDS else STRING


def kind_of(value: Json) -> str:
    """Return the kind of a value."""
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def kind(option: Schema) -> str | None:
    """Return the kind of an alternative; None when it is not known."""
    if "const" in option:
        return kind_of(option["const"])
    return option.get("type")


def kinds(schema: Schema) -> set[str | None]:
    """Return the kinds of all alternatives."""
    return {kind(option) for option in options(schema)}


def values_of(option: Schema) -> list[Json] | None:
    """Return all values of an alternative, or None when there is no end to them."""
    if "const" in option:
        return [option["const"]]
    if "enum" in option:
        return list(option["enum"])
    return [None] if option.get("type") == "null" else None


def keep(schema: Schema, wanted: Callable[[Schema], bool]) -> Schema | None:
    """Return the type without the alternatives that are not wanted; None when nothing is left."""
    found = options(schema)
    kept = [option for option in found if wanted(option)]
    if len(kept) == len(found):
        return schema
    return union(kept) if kept else None


def not_null(schema: Schema) -> Schema:
    """Return the type of the values other than null; unknown when there is no other."""
    return keep(schema, lambda option: kind(option) != "null") or ANY


def has_null(schema: Schema) -> bool:
    """Tell whether null is known to be one of the values; of an unknown type it is not."""
    return bool(schema) and any(kind(option) == "null" for option in options(schema))


def union(schemas: Iterable[Schema]) -> Schema:
    """Return the type of a value that is of one of these types; unknown as soon as one of them is."""
    given = list(schemas)
    if given and all(schema is given[0] for schema in given):
        return given[0]
    different: dict[str, Schema] = {}
    texts: list[str] = []
    for schema in given:
        for option in options(schema):
            if not option:
                return ANY
            found = values_of(option)
            if found and isinstance(found[0], str):
                texts += found
            else:
                different.setdefault(json.dumps(option, sort_keys=True), option)
    if texts:
        one = words(texts)
        different[json.dumps(one, sort_keys=True)] = one
    if different.keys() >= {_TRUE, _FALSE}:
        different = {key: option for key, option in different.items() if key not in (_TRUE, _FALSE)}
        different.setdefault(json.dumps(BOOLEAN), BOOLEAN)
    kept = _absorbed(list(different.values()))
    return kept[0] if len(kept) == 1 else {"anyOf": kept} if kept else ANY


def _absorbed(found: list[Schema]) -> list[Schema]:
    """Leave out alternatives that others contain."""
    plain = {option["type"] for option in found if option.keys() == {"type"}}
    room = any(kind(one) == "array" and one.keys() <= {"type", "items"} for one in found)
    return [
        option
        for option in found
        if not (kind(option) == "integer" and "number" in plain)
        and (option.keys() == {"type"} or kind(option) not in plain)
        and not (room and option == EMPTY_LIST)
    ]


def list_of(items: Schema) -> Schema:
    """Return the type of a list."""
    return {"type": "array", "items": items} if items else {"type": "array"}


def pair_of(first: Schema, second: Schema) -> Schema:
    """Return the type of a list of exactly two items."""
    return {"type": "array", "prefixItems": [first, second], "minItems": 2, "maxItems": 2}


def as_schema(part: Any) -> Schema:
    """Return a part of a schema, where true may stand for any value."""
    return part if isinstance(part, dict) else ANY


def items_of(schema: Schema) -> Schema:
    """Return the type of what a loop over a value gives: items, characters, or the names of fields."""
    return union([_items(option) for option in options(schema) if kind(option) != "null"])


def _items(option: Schema) -> Schema:
    own = kind(option)
    if own in ("string", "object"):
        return STRING
    if own != "array":
        return ANY
    first = [as_schema(part) for part in option.get("prefixItems", ())]
    if first and (option.get("maxItems", len(first) + 1) <= len(first) or option.get("items") is False):
        return union(first)
    return union([*first, as_schema(option.get("items", ANY))])


def fields_of(schema: Schema) -> Schema:
    """Return the type of all values of an object's fields together."""
    found: list[Schema] = []
    for option in options(schema):
        extra = option.get("additionalProperties", True)
        if kind(option) != "object" or (extra is not False and not isinstance(extra, dict)):
            return ANY
        found += [as_schema(part) for part in option.get("properties", {}).values()]
        found += [as_schema(part) for part in option.get("patternProperties", {}).values()]
        found += [extra] if isinstance(extra, dict) else []
    return union(found)

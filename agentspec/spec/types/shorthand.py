"""Types: from the shorthand of a spec to JSON Schema, and back to short text for messages.

`words` reads what is written as text (`[Mail] | null`), this module mappings, lists and JSON Schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agentspec.api.messages import Json, Schema
from agentspec.api.schema import admits_null, is_grounded
from agentspec.spec.types.json_schema import read_schema, too_large
from agentspec.spec.types.show_type import show_type
from agentspec.spec.types.words import SCALARS, TypeProblem, parse_words

__all__ = ["TypeProblem", "parse_type", "parse_types", "show_type"]

_JSON_TYPES = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})
_ANNOTATIONS: Mapping[str, type] = {"description": str, "default": object, "examples": list, "title": str}
"""What may stand beside `type`, and what it is."""
_LISTS = ("enum", "anyOf", "oneOf", "allOf")


def parse_type(value: Json, names: Mapping[str, Schema]) -> Schema:
    """Return the JSON Schema of a type, with the types of `names` in place of their names.

    Raises `TypeProblem` for the first thing that is wrong, with its place inside the value.
    """
    if value is None:
        return {"type": "null"}
    if isinstance(value, str):
        return parse_words(value, names)
    if isinstance(value, list):
        if len(value) != 1:
            raise TypeProblem("AS203", "a list type holds exactly one type, like `[string]`")
        return {"type": "array", "items": _inside(value[0], names, 0)}
    if isinstance(value, Mapping):
        return _mapping(dict(value), names)
    message = f"a type is expected here, not {'a boolean' if isinstance(value, bool) else 'a number'}"
    raise TypeProblem("AS203", message)


def _inside(value: Json, names: Mapping[str, Schema], step: str | int) -> Schema:
    try:
        return parse_type(value, names)
    except TypeProblem as problem:
        raise problem.under(step) from None


def _mapping(value: dict[str, Any], names: Mapping[str, Schema]) -> Schema:
    if _is_schema(value):
        schema = read_schema(value)
        if is_grounded(schema):
            raise TypeProblem("AS203", "a JSON Schema cannot say that; write `quote`, or `date from …`, as a type")
        return schema
    rest = {key: item for key, item in value.items() if key != "type"}
    described = rest and "type" in value and rest.keys() <= _ANNOTATIONS.keys()
    try:
        if described and "default" in rest:  # a default may look like a type, `null` most of all
            raise TypeProblem("AS203", "")
        return _object(value, names)
    except TypeProblem:
        if described:
            for key, item in rest.items():
                if not isinstance(item, _ANNOTATIONS[key]):
                    text = f"`{key}` must be {'a list' if key == 'examples' else 'a string'}"
                    raise TypeProblem("AS203", text, (key,)) from None
            return {**_inside(value["type"], names, "type"), **rest}
        raise


def _is_schema(value: Mapping[str, Any]) -> bool:
    """Tell a JSON Schema from an object whose fields happen to have such names."""
    kind = value.get("type")
    if isinstance(kind, str) and kind in _JSON_TYPES:
        return True
    if isinstance(kind, list) and len(kind) > 1 and all(isinstance(word, str) for word in kind):
        return True
    if any(isinstance(value.get(word), list) and _holds_schema(word, value[word]) for word in _LISTS):
        return True
    reference = value.get("$ref")
    return isinstance(reference, str) or "$defs" in value or ("const" in value and len(value) == 1)


def _holds_schema(word: str, items: list[Any]) -> bool:
    return word == "enum" or all(isinstance(item, (Mapping, bool)) for item in items)


def _object(value: Mapping[str, Any], names: Mapping[str, Schema]) -> Schema:
    fields = {name: _inside(item, names, name) for name, item in value.items()}
    return {
        "type": "object",
        "properties": fields,
        "required": [name for name, field in fields.items() if not admits_null(field) or not field],
        "additionalProperties": False,
    }


class _Needed(Exception):
    """A type under way needs another one first."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Declared(Mapping[str, Schema]):
    """The types that are declared; looking up one that is not made yet asks for it."""

    def __init__(self, declared: Mapping[str, Any], made: Mapping[str, Schema]) -> None:
        self._declared = declared
        self._made = made

    def __getitem__(self, name: str) -> Schema:
        if name in self._made:
            return self._made[name]
        if name in self._declared:
            raise _Needed(name)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in self._declared

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)


def parse_types(declared: Mapping[str, Json]) -> tuple[dict[str, Schema], list[TypeProblem]]:
    """Return the schemas of `types:`, which may refer to each other in any order, and the problems found.

    A type with a problem becomes the schema of any value, so that one mistake is reported once. The first
    step of each problem's place is the type's name.
    """
    made: dict[str, Schema] = {}
    problems: list[TypeProblem] = []
    names = _Declared(declared, made)
    for wanted in declared:
        under_way = [wanted]
        while under_way:
            name = under_way[-1]
            if name in made:
                under_way.pop()
                continue
            try:
                made[name] = _declared_type(name, declared[name], names)
            except _Needed as other:
                if other.name not in under_way:
                    under_way.append(other.name)
                    continue
                circle = [*under_way[under_way.index(other.name) :], other.name]
                shown = " → ".join(f"`{member}`" for member in circle[:12])
                problems.append(TypeProblem("AS203", f"types cannot contain themselves: {shown}", (other.name,)))
                made.update({member: {} for member in circle})
            except TypeProblem as problem:
                problems.append(problem.under(name))
                made[name] = {}
    return {name: made[name] for name in declared}, problems


def _declared_type(name: str, value: Json, names: Mapping[str, Schema]) -> Schema:
    if name in SCALARS or name in ("quote", "null"):
        raise TypeProblem("AS203", f"`{name}` is a built-in type; give yours another name", at_key=True)
    if not (name.isascii() and name.isidentifier()):
        raise TypeProblem("AS203", f"`{name}` cannot be the name of a type: letters, digits and `_`", at_key=True)
    schema = parse_type(value, names)
    if too_large(schema):
        raise TypeProblem("AS203", f"`{name}` expands to too much")
    return schema

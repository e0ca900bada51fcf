"""JSON Schema as it may stand in a spec: 2020-12, complete in itself, of bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agentspec.api.messages import Schema
from agentspec.api.schema import inline
from agentspec.spec.diagnostics import suggest
from agentspec.spec.types.words import TypeProblem

_KEYWORDS = frozenset(
    {
        "$comment",
        "$defs",
        "$ref",
        "$schema",
        "additionalProperties",
        "allOf",
        "anyOf",
        "const",
        "contains",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
        "default",
        "dependentRequired",
        "dependentSchemas",
        "deprecated",
        "description",
        "else",
        "enum",
        "examples",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "if",
        "items",
        "maxContains",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minContains",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "oneOf",
        "pattern",
        "patternProperties",
        "prefixItems",
        "properties",
        "propertyNames",
        "readOnly",
        "required",
        "then",
        "title",
        "type",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
        "writeOnly",
    }
)
_DRAFT = "https://json-schema.org/draft/2020-12/"
_MOST_PARTS = 20_000
_DEEPEST = 64


def read_schema(value: dict[str, Any]) -> Schema:
    """Return a schema as written, without `$ref`. Raises `TypeProblem`."""
    for key in value:
        if key not in _KEYWORDS and not key.startswith("x-"):
            close = suggest(key, _KEYWORDS)
            message = f"`{key}` is no keyword of JSON Schema"
            raise TypeProblem("AS203", message, (key,), suggestion=close, at_key=True)
    definitions = value.get("$defs", {})
    if not isinstance(definitions, Mapping):
        raise TypeProblem("AS203", "`$defs` must be a mapping", ("$defs",))
    for name, item in definitions.items():
        if not isinstance(item, Mapping):
            raise TypeProblem("AS203", f"the definition `{name}` must be a mapping", ("$defs", name))
    for where, reference in _references(value, ()):
        if not reference.startswith("#/$defs/") or reference.removeprefix("#/$defs/") not in value.get("$defs", ()):
            message = "`$ref` can only refer to `#/$defs/…` of the same schema; put shared types under `types:`"
            raise TypeProblem("AS203", message, where, 0, len(reference))
    if not str(value.get("$schema", _DRAFT)).startswith(_DRAFT):
        raise TypeProblem("AS203", "only JSON Schema 2020-12 is read", ("$schema",))
    if _expands_too_much(value):
        raise TypeProblem("AS203", "this type expands to too much")
    schema = {key: item for key, item in inline(value).items() if key != "$schema"}
    import jsonschema_rs

    try:
        jsonschema_rs.Draft202012Validator(schema)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        found = tuple(getattr(error, "instance_path", ()))
        raise TypeProblem("AS203", "this is not a valid JSON Schema", found) from error
    if schema.get("enum") == []:
        raise TypeProblem("AS203", "an `enum` without a value admits nothing", ("enum",))
    return schema


def _references(part: Any, where: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    items = part.items() if isinstance(part, Mapping) else enumerate(part) if isinstance(part, list) else ()
    for key, item in items:
        if key == "$ref" and isinstance(item, str):
            yield (*where, key), item
        elif key not in ("enum", "const", "default", "examples"):
            yield from _references(item, (*where, key))


def _expands_too_much(value: dict[str, Any]) -> bool:
    """Tell whether a schema is too large with its references followed, before anything of that size is made."""
    definitions = value.get("$defs", {})
    count = 0
    waiting: list[tuple[Any, tuple[str, ...]]] = [(value, ())]
    while waiting:
        part, seen = waiting.pop()
        count += 1
        if count > _MOST_PARTS or len(seen) > _DEEPEST:
            return True
        if isinstance(part, Mapping):
            waiting += [(item, seen) for key, item in part.items() if key != "$defs"]
            reference = part.get("$ref")
            name = reference.removeprefix("#/$defs/") if isinstance(reference, str) else ""
            if name in definitions and name not in seen:
                waiting.append((definitions[name], (*seen, name)))
        elif isinstance(part, list):
            waiting += [(item, seen) for item in part]
    return False


def too_large(schema: Any) -> bool:
    """Tell whether a schema has too many parts or levels, shared ones counted each time."""
    count = 0
    waiting = [(schema, 1)]
    while waiting:
        item, depth = waiting.pop()
        count += 1
        if count > _MOST_PARTS or depth > _DEEPEST:
            return True
        if isinstance(item, Mapping):
            waiting += [(child, depth + 1) for child in item.values()]
        elif isinstance(item, list):
            waiting += [(child, depth + 1) for child in item]
    return False

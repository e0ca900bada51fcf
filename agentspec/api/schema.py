"""Small operations on JSON Schema, which is the one form that all types take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agentspec.api.messages import Json, Schema


def closed_object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with exactly these fields."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def inline(schema: Schema) -> dict[str, Any]:
    """Return `schema` without `$ref` into its own `$defs`; a recursive reference becomes "any value"."""
    definitions = schema.get("$defs")
    inlined: dict[str, Any] = _inline(dict(schema), definitions if isinstance(definitions, dict) else {}, ())
    return inlined


def _inline(part: Any, definitions: Schema, seen: tuple[str, ...]) -> Any:
    if isinstance(part, list):
        return [_inline(item, definitions, seen) for item in part]
    if not isinstance(part, dict):
        return part
    target = part.get("$ref")
    if isinstance(target, str) and target.startswith("#/$defs/"):
        name = target.removeprefix("#/$defs/")
        if name in seen or name not in definitions:
            return {}
        if not isinstance(definitions[name], dict):  # true and false are schemas, too
            return definitions[name]
        rest = {key: value for key, value in part.items() if key != "$ref"}
        return _inline(dict(definitions[name]), definitions, (*seen, name)) | rest
    if isinstance(part.get("title"), str):  # pydantic writes one from the name of every field
        part = {key: value for key, value in part.items() if key != "title"}
    return {key: _inline(value, definitions, seen) for key, value in part.items() if key != "$defs"}


def closed(schema: Schema) -> dict[str, Any]:
    """Return a schema whose objects have the fields that they name and no others, unless they say that they may.

    For results that pydantic has written, which drops what a type does not name.
    """
    return {key: _closed(value) for key, value in _with_end(schema).items()}


def _with_end(part: Schema) -> Schema:
    if isinstance(part.get("properties"), dict) and "additionalProperties" not in part:
        return {**part, "additionalProperties": False}
    return part


def _closed(part: Any) -> Any:
    if isinstance(part, dict):
        return closed(part)
    return [_closed(item) for item in part] if isinstance(part, list) else part


def nullable(schema: Schema) -> dict[str, Any]:
    """Return a schema that admits null as well."""
    if not schema or admits_null(schema):
        return dict(schema)
    return {"anyOf": [dict(schema), {"type": "null"}]}


def admits_null(schema: Schema) -> bool:
    """Tell whether null fits; an empty schema admits everything."""
    if not schema:
        return True
    if "enum" in schema:
        return None in schema["enum"]
    kind = schema.get("type")
    if kind is not None:
        return kind == "null" or (isinstance(kind, list) and "null" in kind)
    return any(admits_null(option) for option in schema.get("anyOf", ()))


def without_null(schema: Schema) -> dict[str, Any]:
    """Return the schema of the values other than null."""
    if "anyOf" in schema:
        options = [without_null(option) for option in schema["anyOf"] if option != {"type": "null"}]
        return options[0] if len(options) == 1 else {**schema, "anyOf": options}
    if isinstance(schema.get("type"), list):
        kinds = [kind for kind in schema["type"] if kind != "null"]
        return {**schema, "type": kinds[0] if len(kinds) == 1 else kinds}
    return dict(schema)


def fill_absent(value: Json, schema: Schema) -> Json:
    """Return a value that fits `schema` with null for every absent field that may be null or absent."""
    schema = without_null(schema)
    if isinstance(value, dict):
        properties = schema.get("properties")
        if properties is None:
            return value
        filled = {key: fill_absent(item, properties.get(key, {})) for key, item in value.items()}
        absent = (key for key, part in properties.items() if key not in value and part and admits_null(part))
        return filled | dict.fromkeys(absent)
    if isinstance(value, list) and schema.get("items"):
        return [fill_absent(item, schema["items"]) for item in value]
    return value


def grounded_parts(schema: Any) -> Iterator[Schema]:
    """The parts of a type that may only hold what stands in the node's inputs."""
    waiting: list[Any] = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "x-quote" in part or "x-from" in part:
                yield part
            fields = part.get("properties")
            waiting += fields.values() if isinstance(fields, dict) else ()
            waiting += (value for key, value in part.items() if key != "properties")
        elif isinstance(part, list):
            waiting += part


def is_grounded(schema: Schema) -> bool:
    """Tell whether a type, or one inside it, may only hold what stands in the node's inputs."""
    return any(True for _ in grounded_parts(schema))

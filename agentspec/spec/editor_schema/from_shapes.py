"""Shapes of the parser as JSON Schema, with descriptions: what pydantic knows, and what it cannot know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import BeforeValidatorFunctionSchema

from agentspec.spec.editor_schema.words import INTEGER, Part, ref
from agentspec.spec.field_docs import PLACES
from agentspec.spec.fields import SHAPES, describe, written
from agentspec.spec.shapes import Duration, Shape

_WRITTEN_LIKE = "A duration is written like 30s, 5m or 1h30m."
DURATION: Part = {
    "type": "string",
    "pattern": r"^(?=\d)(\d+h)?(\d+m(?!s))?(\d+(\.\d+)?s)?(\d+ms)?$",
    "errorMessage": _WRITTEN_LIKE,
    "patternErrorMessage": _WRITTEN_LIKE,
}
_READS_DURATION = get_args(Duration)[1].func
_BOUNDS: dict[str, str] = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
"""Of bounds behind a validator pydantic writes its own names."""
_NAMES = {shape.__name__: place for place, shape in SHAPES.items()}


def definition(shape: type[Shape], special: Mapping[str, Part]) -> Part:
    """Return the schema of one shape, closed; it refers to others as `#/$defs/<place>`.

    `special` has the schemas of keys whose meaning pydantic does not know, by `place.key` or by key.
    """
    made = shape.model_json_schema(by_alias=True, schema_generator=_Generator)
    properties = {}
    for key, _ in written(shape):
        found = describe(shape, key)
        place = found.place if found else ""
        part = special.get(f"{place}.{key}", special.get(key))
        given = _with_grouped_digits(_tidy(made["properties"][key])) if part is None else part
        properties[key] = {**(about(found.place, key) if found else {}), **given}
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": made["required"]} if "required" in made else {}),
    }


def about(place: str, key: str) -> Part:
    """The description of a key, as text and with an example."""
    meaning, example = PLACES[place].keys[key]
    return {"description": meaning, "markdownDescription": f"{meaning}\n\n```yaml\n{key}: {example}\n```"}


class _Generator(GenerateJsonSchema):
    """Durations are text."""

    def function_before_schema(self, schema: BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        if schema["function"]["function"] is _READS_DURATION:
            return dict(DURATION)
        return super().function_before_schema(schema)


def _tidy(schema: Any) -> Any:
    """Name what is referred to by its place, and leave out what editors would show for nothing."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    part = {_BOUNDS.get(str(key), str(key)): _tidy(value) for key, value in schema.items() if key != "title"}
    if "$ref" in part:
        return ref(_NAMES[part["$ref"].rpartition("/")[2]])
    default = part.get("default")
    if default in (None, "") or isinstance(default, (list, dict)):
        part.pop("default", None)
    elif part.get("pattern") == DURATION["pattern"]:
        part["default"] = f"{default:g}s"
    return _joined(part) if "anyOf" in part else part


def _joined(part: Part) -> Part:
    """The plain types of an `anyOf` become one, and come last: editors tell what is wrong with the first."""
    plain: Part = {}
    others = []
    for option in part["anyOf"]:
        rest = {key: value for key, value in option.items() if key != "type"}
        if "type" not in option or rest.keys() & {"enum", "const", *plain}:
            others.append(option)
            continue
        kinds = [*_kinds(plain), *_kinds(option)]
        plain |= {**rest, "type": kinds if len(kinds) > 1 else kinds[0]}
    about = {key: value for key, value in part.items() if key != "anyOf"}
    if not others:
        return {**about, **plain}
    return {**about, "anyOf": [*others, plain] if plain else others}


def _kinds(part: Part) -> list[str]:
    kinds = part.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def _with_grouped_digits(part: Any) -> Any:
    """Whole numbers may be written like `80_000`, which is a number in a spec and text for editors."""
    if isinstance(part, list):
        return [_with_grouped_digits(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {key: _with_grouped_digits(value) for key, value in part.items()}
    kinds = _kinds(made)
    if "integer" not in kinds or "string" in kinds or made.get("maximum", 1000) < 1000:
        return made
    return {
        **made,
        "type": [*kinds, "string"],
        "pattern": INTEGER,
        "patternErrorMessage": "This must be a whole number.",
    }

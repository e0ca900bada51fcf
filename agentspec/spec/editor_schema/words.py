"""Small parts of schemas that the others are made of.

`defaultSnippets`, `enumDescriptions`, `markdownDescription`, `errorMessage` and `patternErrorMessage` are extensions of
JSON Schema that yaml-language-server reads; every other reader passes over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Part = dict[str, Any]
EXPRESSION = r"\$\{\{"
INTEGER = r"^[-+]?[1-9][0-9]{0,2}(_[0-9]{3})+$"
"""`80_000` is a number in a spec, and text for YAML 1.2 as editors read it."""


def ref(name: str) -> Part:
    """Refer to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def closed(properties: Mapping[str, Any], required: list[str] | None = None) -> Part:
    """An object with these keys and no others."""
    part: Part = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**part, "required": required} if required else part


def offered(words: Mapping[str, str]) -> Part:
    """Words that an editor offers, with what they mean, where others are admitted, too."""
    snippets = [{"label": word, "body": word, "description": meaning} for word, meaning in words.items()]
    return {"defaultSnippets": snippets} if snippets else {}


def named(part: Part, *, dashes: bool = False) -> Part:
    """Parts under names that the spec gives."""
    signs = "letters, digits, `_` and `-`" if dashes else "letters, digits and `_`"
    name = {
        "title": "name",
        "pattern": f"^[A-Za-z][A-Za-z0-9_{'-' if dashes else ''}]*$",
        "patternErrorMessage": f"A name consists of {signs}, and begins with a letter.",
    }
    return {"type": "object", "propertyNames": name, "additionalProperties": part}


def when_key(key: str, condition: Part, then: Part) -> Part:
    """`then` holds for objects whose `key` is there and meets a condition."""
    return {"if": {"required": [key], "properties": {key: condition}}, "then": then}


def first_of(keys: dict[str, Part], otherwise: Part) -> Part:
    """The schema of the first key that an object has: one message for a mistake, one set of keys to offer."""
    chain = otherwise
    for key, part in reversed(keys.items()):
        chain = {"if": {"required": [key]}, "then": part, "else": chain}
    return chain


def one_of_these(keys: Iterable[str]) -> list[str]:
    """A requirement that no object meets: it is how an editor comes to say what is missing."""
    return [" or ".join(keys)]


def all_of(parts: Iterable[Part]) -> Part:
    """All of these hold; an `allOf` may not be empty."""
    held = list(parts)
    return {"allOf": held} if held else {}


def relaxed(schema: Any) -> Any:
    """A schema of data as a spec may write it: an expression may stand in place of any value that is no text."""
    if not isinstance(schema, dict) or not schema:
        return schema
    part = {key: value for key, value in schema.items() if key not in ("title", "format", "writeOnly")}
    if "properties" in part:
        part["properties"] = {name: relaxed(item) for name, item in part["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in part:
            part[key] = relaxed(part[key])
    for key in ("anyOf", "prefixItems"):
        if key in part:
            part[key] = [relaxed(item) for item in part[key]]
    if part.get("default") in (None, [], {}, ""):
        part.pop("default", None)
    kind = part.get("type")
    if isinstance(kind, str) and kind != "string" and not part.keys() & {"enum", "const"}:
        return {**part, "type": [kind, "string"], "pattern": _expression_or(kind), **_PATTERN_ERRORS.get(kind, {})}
    plain = kind == "string" and not part.keys() & {"enum", "const", "pattern", "minLength", "maxLength"}
    if plain or "anyOf" in part:
        return part
    about = {key: part.pop(key) for key in ("description", "default") if key in part}
    return {**about, "anyOf": [part, {"type": "string", "pattern": EXPRESSION}]}


_PATTERN_ERRORS = {
    kind: {"patternErrorMessage": f"This must be {words}, or an expression in ${{{{ }}}}."}
    for kind, words in {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "array": "a list",
        "object": "a mapping",
    }.items()
}


def _expression_or(kind: str) -> str:
    return f"{EXPRESSION}|{INTEGER}" if kind in ("integer", "number") else EXPRESSION

"""JSON Schema -> a GBNF grammar for llama.cpp.

Three things that llama.cpp's own converter does differently: no whitespace is ever admitted between tokens
(a small model cannot lose itself in blanks, and sees the compact form that it was trained on), object keys
come in the declared order, dates look like days of a calendar. A part of a schema that has no grammar here
(`pattern`, `not`, `if`, `uniqueItems`, …) makes the grammar looser, never an error: the core validates
every answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from agentspec.api.schema import inline
from agentspec_pocket import gbnf, grammar_numbers, grammar_quotes

_NO_TEXTS: Mapping[str, Sequence[str]] = MappingProxyType({})
_MAX_DEPTH = 32
_MAX_TEXT = 200_000
_ANY_DEPTH = 4
"""How deep a value may nest where the schema does not say: bounded, so that every answer comes to an end."""

_NAMES: dict[type, tuple[str, ...]] = {
    dict: ("object",),
    list: ("array",),
    str: ("string",),
    bool: ("boolean",),
    int: ("integer", "number"),
    type(None): ("null",),
}
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")


def from_schema(schema: Mapping[str, Any], texts: Mapping[str, Sequence[str]] = _NO_TEXTS) -> str:
    """Return the grammar of the answers that fit `schema`; the last few hundred are remembered.

    `texts` are those of which `x-quote` names one, see `Request.texts`. A schema too deep or too large for a grammar
    gets the one of any JSON value; where only the texts are too long, a quote may be any string.
    """
    return _cached(json.dumps([schema, texts], default=dict))


@lru_cache(maxsize=256)
def _cached(asked: str) -> str:
    schema, texts = json.loads(asked)
    plain = inline(schema)
    for grammar, whole in ((_Grammar(texts), plain), (_Grammar({}), plain)):
        text = grammar.text(whole)
        if len(text) <= _MAX_TEXT:
            return text
    return _Grammar({}).text({})


class _Grammar:
    """The rules of one schema, each kept once."""

    def __init__(self, texts: Mapping[str, Sequence[str]]) -> None:
        self.texts = texts
        self.quotes: dict[str, str] = {}
        self.rules: dict[str, str] = {}
        self.names: dict[str, str] = {}

    def text(self, schema: Any) -> str:
        root = self.value(schema, 0)
        return "\n".join(f"{name} ::= {body}" for name, body in {"root": root, **self.rules}.items()) + "\n"

    def value(self, schema: Any, depth: int) -> str:
        """Return an expression for the values that fit."""
        if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
            return self.anything(0)
        if "const" in schema:
            return gbnf.words([schema["const"]])
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            kinds = _kinds(schema)
            return gbnf.words([word for word in schema["enum"] if _is_one_of(word, kinds)] or schema["enum"])
        if schema.get("allOf"):
            return self.value(_merged(_without(schema, "allOf"), schema["allOf"]), depth + 1)
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                bare = _without(schema, key)
                return self.choice(self.value(_merged(bare, [option]), depth + 1) for option in schema[key])
        kinds = _kinds(schema)
        if not kinds:
            return self.anything(0)
        return self.choice(self.of_type(kind, schema, depth) for kind in kinds)

    def of_type(self, kind: str, schema: Mapping[str, Any], depth: int) -> str:
        match kind:
            case "object":
                return self.object(schema, depth)
            case "array":
                return self.array(schema, depth)
            case "string":
                return self.string(schema)
            case "integer":
                return self.rule("integer", grammar_numbers.integer(schema))
            case "number":
                return self.rule("number", grammar_numbers.number(schema))
            case "boolean":
                return '("true" | "false")'
            case _:
                return '"null"'

    def object(self, schema: Mapping[str, Any], depth: int) -> str:
        extra = schema.get("additionalProperties", {})
        required = [name for name in schema.get("required", ()) if isinstance(name, str)]
        properties = dict(schema.get("properties") or {})
        properties |= {name: extra for name in required if name not in properties}
        if not properties:
            if extra is False:
                return '"{}"'
            name, value = self.string(schema.get("propertyNames") or {}), self.value(extra, depth + 1)
            pair = self.rule("pair", f'{name} ":" {value}')
            return self.listed("{", pair, "}", schema, "minProperties", "maxProperties")
        pairs = []
        for name, part in properties.items():
            key = gbnf.literal(json.dumps(name, ensure_ascii=False) + ":")
            pairs.append((self.rule("pair", f"{key} {self.value(part, depth + 1)}"), name in required))
        return self.rule("object", f'"{{" {self.members(pairs)} "}}"')

    def members(self, pairs: list[tuple[str, bool]]) -> str:
        """Pairs in their order, where those that are not required may be left out, commas in between."""
        after = ""
        from_here = ""
        for pair, needed in reversed(pairs):
            rest = f"{pair} {after}".strip()
            from_here = rest if needed else f"({rest} | {from_here})" if from_here else f"({rest})?"
            follow = f'"," {pair}' if needed else f'("," {pair})?'
            after = self.rule("more", f"{follow} {after}".strip())
        return from_here

    def array(self, schema: Mapping[str, Any], depth: int) -> str:
        first = schema.get("prefixItems")
        if isinstance(first, list) and first:
            return self.rule("array", '"[" ' + ' "," '.join(self.value(part, depth + 1) for part in first) + ' "]"')
        items = schema.get("items", {})
        if items is False:
            return '"[]"'
        item = self.rule("item", self.value(items, depth + 1))
        return self.listed("[", item, "]", schema, "minItems", "maxItems")

    def listed(self, left: str, item: str, right: str, schema: Mapping[str, Any], least: str, most: str) -> str:
        low, high = _count(schema.get(least)) or 0, _count(schema.get(most))
        if high == 0:
            return f'"{left}{right}"'
        follow = self.rule("next", f'"," {item}')
        body = f"{item} {follow}{gbnf.times(max(low - 1, 0), None if high is None else high - 1)}"
        return self.rule("list", f'"{left}" {body} "{right}"' if low else f'"{left}" ({body})? "{right}"')

    def string(self, schema: Mapping[str, Any]) -> str:
        kind = schema.get("format")
        if isinstance(kind, str) and kind in gbnf.FORMATS:
            needs, body = gbnf.FORMATS[kind]
            for name in needs:
                self.terminal(name)
            return self.rule("text", body)
        if isinstance(schema.get("enum"), list):
            return gbnf.words([word for word in schema["enum"] if isinstance(word, str)])
        source = schema.get("x-quote")
        if isinstance(source, str) and (quote := self.quote(source)):
            return quote
        low, high = _count(schema.get("minLength")) or 0, _count(schema.get("maxLength"))
        if not low and high is None:
            return self.terminal("string")
        return self.rule("text", rf'"\"" {self.terminal("char")}{gbnf.times(low, high)} "\""')

    def quote(self, source: str) -> str:
        """A passage of the texts of that name; empty where it may be any string."""
        if source not in self.quotes:
            name = f"quote-{len(self.quotes)}"
            found = grammar_quotes.passages(self.texts.get(source, ()), name)
            self.rules |= found or {}
            self.quotes[source] = self.rule("text", rf'"\"" {name} "\""') if found else ""
        return self.quotes[source]

    def anything(self, depth: int) -> str:
        """Any JSON value, nested less and less deep."""
        scalars = ("string", "number", "boolean", "null")
        options = [self.of_type(kind, {}, 0) for kind in scalars]
        if depth < _ANY_DEPTH:
            inner = self.rule("any", self.anything(depth + 1))
            pair = self.rule("pair", f'{self.terminal("string")} ":" {inner}')
            options += [self.listed("[", inner, "]", {}, "", ""), self.listed("{", pair, "}", {}, "", "")]
        return self.choice(options)

    def choice(self, options: Iterable[str]) -> str:
        kept = list(dict.fromkeys(options))
        return kept[0] if len(kept) == 1 else f"({' | '.join(kept)})"

    def rule(self, stem: str, body: str) -> str:
        """Name a body; the same body has one name."""
        if body not in self.names:
            self.names[body] = f"{stem}-{len(self.names)}"
            self.rules[self.names[body]] = body
        return self.names[body]

    def terminal(self, name: str) -> str:
        for needed in gbnf.NEEDS.get(name, ()):
            self.terminal(needed)
        self.rules[name] = gbnf.TERMINALS[name]
        return name


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    kind = schema.get("type")
    if kind is None:
        if "properties" in schema or "additionalProperties" in schema:
            return ["object"]
        if "items" in schema or "prefixItems" in schema:
            return ["array"]
        return []
    return [name for name in ([kind] if isinstance(kind, str) else kind) if name in _TYPES]


def _is_one_of(word: Any, kinds: list[str]) -> bool:
    if isinstance(word, float):
        return not kinds or "number" in kinds or ("integer" in kinds and word.is_integer())
    return not kinds or any(name in kinds for name in _NAMES[type(word)])


def _without(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: part for name, part in schema.items() if name != key}


def _merged(schema: dict[str, Any], others: Iterable[Any]) -> dict[str, Any]:
    """Put schemas that must all hold into one: properties and required names add up, other keys override."""
    for other in others:
        if not isinstance(other, Mapping):
            continue
        properties = {**(schema.get("properties") or {}), **(other.get("properties") or {})}
        required = [*(schema.get("required") or ()), *(other.get("required") or ())]
        schema = {**schema, **other}
        if properties:
            schema["properties"] = properties
        if required:
            schema["required"] = required
    return schema

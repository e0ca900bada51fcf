"""Random types, data of these types, and expressions over them."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from agentspec.api.messages import Json, Schema
from agentspec.api.schema import closed_object

FIELDS = ("a", "b", "c")
WORDS = ("x", "y", "3")
TEXTS = ("", "x", "y", "3", "two words", "Z")
NUMBERS = (0, 1, -2, 3, 2.5, 4.0)
MAPPED = ("upper", "length", "int", "first", "abs", "keys", "list", "default", "string", "round", "sum", "items")
DATES = ("2024-01-31", "2025-12-01")


def schema(random: Random, depth: int = 3, plain: bool = False) -> Schema:
    """A type; with `plain` every part of it is always there."""
    kinds = ["string", "integer", "number", "boolean", "words", "date"]
    kinds += ["list", "object", "object"] * (depth > 0) + ["any", "null", "map", "objects", "mixed"] * (not plain)
    match random.choice(kinds):
        case "words":
            return {"type": "string", "enum": random.sample(WORDS, random.randint(1, 3))}
        case "date":
            return {"type": "string", "format": "date"}
        case "list":
            return {"type": "array", "items": schema(random, depth - 1, plain)}
        case "object":
            return fields(random, depth, plain)
        case "any":
            return {}
        case "null":
            return {"anyOf": [schema(random, depth - 1, plain), {"type": "null"}]}
        case "map":
            return {"type": "object", "additionalProperties": schema(random, depth - 1)}
        case "objects":
            pair = [dict(fields(random, depth, plain)) for _ in range(2)]
            for one, word in zip(pair, WORDS, strict=False):
                one["properties"] = {**one["properties"], "a": {"const": word}}
                one["required"] = sorted({*one["required"], "a"})
            return {"anyOf": pair}
        case "mixed":
            return {"type": random.sample(["string", "integer", "boolean", "null"], 2)}
        case kind:
            return {"type": kind}


def fields(random: Random, depth: int, plain: bool) -> Schema:
    names = random.sample(FIELDS, random.randint(1, 3))
    made = closed_object({name: schema(random, depth - 1, plain) for name in names})
    if not plain and random.random() < 0.3:
        made["required"] = made["required"][1:]
    return made


def value(random: Random, of: Schema, full: bool = False) -> Json:
    """A value of a type; with `full` no list and no text is empty."""
    if "const" in of:
        return of["const"]
    if "enum" in of:
        return random.choice(of["enum"])
    if "anyOf" in of:
        return value(random, random.choice(of["anyOf"]), full)
    kind = of.get("type")
    match random.choice(kind) if isinstance(kind, list) else kind:
        case "string":
            return random.choice(DATES if "format" in of else TEXTS[1:] if full else TEXTS)
        case "integer":
            return random.choice([one for one in NUMBERS if one == int(one)])
        case "number":
            return random.choice(NUMBERS)
        case "boolean":
            return random.random() < 0.5
        case "null":
            return None
        case "array":
            return [value(random, of["items"], full) for _ in range(random.randint(2 if full else 0, 3))]
        case "object":
            return _object(random, of, full)
        case _:
            return value(random, schema(random, 2), full)


def _object(random: Random, of: Schema, full: bool) -> Json:
    made = {
        name: value(random, part, full)
        for name, part in of.get("properties", {}).items()
        if name in of["required"] or random.random() < 0.5
    }
    if extra := of.get("additionalProperties"):
        made |= {name: value(random, extra, full) for name in FIELDS if random.random() < 0.6}
    return made


def paths(name: str, of: Schema) -> list[tuple[str, str]]:
    """Every path into a type, with the kind of what it leads to; those through unions and null, too."""
    found = []
    for option in of.get("anyOf", [of]):
        kind = option.get("type", "any")
        found.append((name, kind if isinstance(kind, str) else "any"))
        for field, part in option.get("properties", {}).items():
            found += paths(f"{name}.{field}", part)
        if extra := option.get("additionalProperties"):
            found += paths(f"{name}['b']", extra)
        if "items" in option:
            found += paths(f"{name}[{'-1' if len(name) % 2 else '0'}]", option["items"])
    return list(dict.fromkeys(found))


class Writer:
    """Writes expressions, most of which work.

    With `straight` all their parts are evaluated whatever the data are, and no text or list is empty.
    """

    def __init__(self, random: Random, names: Mapping[str, Schema], straight: bool = False) -> None:
        self.random = random
        self.pick = random.choice
        self.straight = straight
        self.paths = [found for name, of in names.items() for found in paths(name, of)]

    def expression(self, depth: int = 3) -> str:
        return self.of("any", depth)

    def of(self, kind: str, depth: int) -> str:
        """An expression of a kind, or now and then of another."""
        if kind == "any" or self.random.random() < 0.06:
            kind = self.pick(["number", "text", "list", "list", "object", "boolean", "any", "any"])
        if depth <= 0 or self.random.random() < 0.15:
            return self.leaf(kind)
        if not self.straight and self.random.random() < 0.35:
            return self.chosen(kind, depth - 1)
        return str(getattr(self, f"_{kind}")(depth - 1))

    def leaf(self, kind: str) -> str:
        """A path or a constant."""
        words = {"number": ("integer", "number"), "text": ("string",), "list": ("array",), "any": ("any",)}
        kinds = words.get(kind, (kind,))
        known = [path for path, one in self.paths if one in kinds]
        if known and self.random.random() < 0.8:
            return self.pick(known)
        texts = [repr(text) for text in (TEXTS[1:] if self.straight else TEXTS)]
        constants = {"number": [str(one) for one in NUMBERS], "text": texts, "boolean": ["true", "false"]}
        constants |= {"list": ["['x', 3]", "['x']"] + ["[]"] * (not self.straight), "object": ["{'a': 1, 'b': 'x'}"]}
        return self.pick(constants.get(kind) or [path for path, _ in self.paths] + ["none"] * (not self.straight))

    def _number(self, depth: int) -> str:
        n, any_ = self.of("number", depth), self.of("any", depth - 1)
        ways = [f"({n} {self.pick(['+', '-', '*', '/', '//', '%'])} {self.of('number', depth)})", f"(-{n})"]
        rounding = self.pick(["", "1", "0, 'ceil'", "method='common'"])
        ways += [f"({n} | abs)", f"({n} | round({rounding}))"]
        ways += [f"({any_} | {self.pick(['int', 'float'])}({self.pick(['', n, self.of('any', depth - 2)])}))"]
        items = self.of("list", depth)
        ways += [f"({items} | length)", f"({items} | sum({self.pick(['', self.field(), 'start=' + n])}))"]
        return self.pick(ways)

    def _text(self, depth: int) -> str:
        t, any_ = self.of("text", depth), self.of("any", depth - 1)
        filters = ["upper", "lower", "title", "trim", "truncate", "wordwrap", "indent", "reverse"]
        ways = [f"({t} ~ {any_})", f"({t} + {self.of('text', depth)})", f"({t} | {self.pick(filters)})", f"({t})[0]"]
        ways += [
            f"({any_} | {self.pick(['string', 'tojson'])})",
            f"({t} | replace('x', {repr('yy') if self.straight else any_}))",
        ]
        ways += [f"({self.of('list', depth)} | join({self.pick(['', repr(', '), 'attribute=' + self.field()])}))"]
        return self.pick(ways)

    def _list(self, depth: int) -> str:
        items, field = self.of("list", depth), self.field()
        named = self.pick(["", f"attribute={field}"])
        ways = [f"[{self.of('any', depth)}, {self.of('any', depth)}]", f"({items} + {self.of('list', depth)})"]
        ways += [f"({items} | {name}({named}))" for name in ("sort", "unique")]
        ways += [
            f"({items} | {self.pick(['reverse', 'list'])})",
            f"({self.of('text', depth)} | split('{',' if self.straight else 'x'}'))",
        ]
        ways += [f"({self.of('object', depth)} | {name})" for name in ("items", "keys", "values")]
        mapped = [
            "upper",
            "length",
            "int",
            "first",
            "abs",
            "keys",
            "list",
            "default",
            "string",
            "round",
            "sum",
            "items",
        ]
        ways += [f"({items} | map('{self.pick(mapped)}'))"] * 2 + [f"({items} | map(attribute={field}))"] * 2
        ways += [f"({items} | groupby({field}))"]
        if not self.straight:
            ways += [f"({items} | {self.pick(['select', 'reject'])}({self.item_test()}))"] * 3
            rest = self.item_test()
            test = field + (f", {rest}" if rest else "")
            ways += [f"({items} | {self.pick(['selectattr', 'rejectattr'])}({test}))"] * 3
            ways += [f"({items} | map(attribute={field}, default={self.of('any', depth)}))"]
            ways += [f"({items} | groupby({field}, default={self.of('any', depth)}))"]
            ways += [f"({items})[{self.pick(['', '1', '-2'])}:{self.pick(['', '2', self.of('number', depth)])}]"]
        return self.pick(ways)

    def _object(self, depth: int) -> str:
        ways = [
            f"{{'a': {self.of('any', depth)}, 'b': {self.of('any', depth)}}}",
            f"({self.of('list', depth)} | first)",
        ]
        return self.pick(
            [*ways, f"{{{self.of('text', 0)}: {self.of('any', depth)}}}", f"({self.of('list', depth)})[0]"]
        )

    def _boolean(self, depth: int) -> str:
        kind = self.pick(["number", "text", "any"])
        ways = [f"({self.of(kind, depth)} {self.pick(['==', '!=', '<', '>='])} {self.of(kind, depth)})"]
        ways += [f"({self.of('any', depth)} {self.pick(['in', 'not in'])} {self.of('list', depth)})"]
        ways += [f"({self.of('any', depth)} is {self.pick(['string', 'number', 'mapping', 'sequence', 'true'])})"]
        ways += [f"({self.of('number', depth)} is {self.pick(['odd', 'even', 'lt(3)', 'eq(1)'])})"]
        if not self.straight:
            ways += [f"(not {self.of('any', depth)})", self.test(), f"({self.of('any', depth)} is none)"]
        return self.pick(ways)

    def _any(self, depth: int) -> str:
        items, thing = self.of("list", depth), self.of("object", depth)
        ways = [
            f"({items} | {self.pick(['first', 'last'])})",
            f"({items} | {self.pick(['min', 'max'])})",
            f"({items})[0]",
        ]
        ways += [f"({items} | {self.pick(['min', 'max'])}(attribute={self.field()}))", f"({thing}).{self.pick(FIELDS)}"]
        ways += [f"({items})[{self.of('number', depth)}]", f"({thing})[{self.of('text', depth)}]"]
        return self.pick(ways)

    def chosen(self, kind: str, depth: int) -> str:
        """An expression of which data decide what is evaluated."""
        one, other, test = self.of(kind, depth), self.of(kind, depth), self.test()
        ways = [f"({one} {self.pick(['and', 'or'])} {other})", f"({one} if {test} else {other})", f"({one} if {test})"]
        ways += [
            f"({test} and {one})",
            f"(not {test} or {one})",
            f"({one} if {self.of('boolean', depth)} else {other})",
        ]
        ways += [f"({one} | default({self.pick(['', other, other + ', true'])}))"]
        return self.pick(ways)

    def test(self) -> str:
        """A test of a path, such as narrows its type."""
        path = self.pick(self.paths)[0]
        plain = [path, f"not {path}", f"{path} is none", f"{path} is not none", f"{path} is defined", f"{path} == null"]
        plain += [f"{path} is {self.pick(['string', 'number', 'boolean', 'mapping', 'sequence'])}"]
        plain += [
            f"{path} {self.pick(['==', '!='])} '{self.pick(WORDS)}'",
            f"{path} {self.pick(['in', 'not in'])} ['x', 'y']",
        ]
        if self.random.random() < 0.3:
            return f"({self.test()} {self.pick(['and', 'or'])} {self.test()})"
        return f"({self.pick(plain)})"

    def item_test(self) -> str:
        return self.pick(
            ["", "'string'", "'none'", "'defined'", "'number'", "'eq', 'x'", "'ne', 'x'", "'in', ['x', 'y']"]
        )

    def field(self) -> str:
        return f"'{self.pick(FIELDS)}'"

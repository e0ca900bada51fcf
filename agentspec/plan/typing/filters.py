"""What every filter takes and what it gives: the types of what `expressions.filters` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agentspec.api.messages import Schema
from agentspec.api.schema import nullable
from agentspec.plan.typing.kinds import (
    ANY,
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    fields_of,
    items_of,
    kind,
    kinds,
    list_of,
    not_null,
    options,
    pair_of,
    union,
)
from agentspec.plan.typing.operators import NUMBERS, sortable
from agentspec.plan.typing.truth import truthy


@dataclass(slots=True)
class Call:
    """One use of a filter.

    Attributes:
        given: the type of the value.
        arguments: the types of the arguments by the names of the parameters.
        constants: the values of those that are written in the expression.
        picked: the type of the field that `attribute` names, of each item, or of the items themselves.
        mapped: the type that `map` with the name of a filter gives, of each item.
        chosen: the type of the items that a test lets through.
    """

    given: Schema
    arguments: Mapping[str, Schema] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    picked: Schema = field(default_factory=dict)
    mapped: Schema = field(default_factory=dict)
    chosen: Schema = field(default_factory=dict)

    @property
    def items(self) -> Schema:
        """The type of what the value is made of."""
        return items_of(self.given)

    def given_for(self, name: str, otherwise: Schema) -> Schema:
        """The type of an argument, or of what stands in for it."""
        return self.arguments.get(name, otherwise)


@dataclass(frozen=True, slots=True)
class Signature:
    """The type of a filter.

    Attributes:
        takes: the kinds that it can do something with.
        wants: these in words.
        gives: the type of the result.
        needs: what the items, or their fields, must be, or nothing: `order` or `numbers`.
        instead: what is probably meant for a list.
    """

    takes: frozenset[str]
    wants: str
    gives: Callable[[Call], Schema]
    needs: str = ""
    instead: str = ""

    def accepts(self, schema: Schema) -> bool:
        """Tell whether some value of a type can be taken."""
        return any(one is None or one in self.takes for one in kinds(schema))

    def accepts_items(self, schema: Schema) -> bool:
        """Tell whether some items of a type, or fields of items, can be taken."""
        if self.needs == "numbers":
            return any(one is None or one in NUMBERS for one in kinds(schema))
        return self.needs != "order" or sortable(schema)


_ALL = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
_LISTS = frozenset({"array", "string", "object"})
_PLAIN = _ALL - {"array", "object"}


def _text(instead: str = "") -> Signature:
    return Signature(_PLAIN if instead else _ALL, "a text", lambda call: STRING, instead=instead)


def _of_list(gives: Callable[[Call], Schema], needs: str = "") -> Signature:
    return Signature(_LISTS, "a list", gives, needs)


def _of_number(gives: Callable[[Call], Schema]) -> Signature:
    return Signature(NUMBERS, "a number", gives)


def _of_object(gives: Callable[[Call], Schema]) -> Signature:
    return Signature(frozenset({"object"}), "an object", gives)


def _number(call: Call) -> Schema:
    return INTEGER if kinds(not_null(call.given)) == {"integer"} else NUMBER


def _rounded(call: Call) -> Schema:
    common = "method" not in call.arguments or call.constants.get("method") == "common"
    return _number(call) if common else NUMBER


def _reversed(call: Call) -> Schema:
    texts = [STRING for option in options(call.given) if kind(option) == "string"]
    others = [list_of(items_of(option)) for option in options(call.given) if kind(option) in ("array", "object")]
    return union(texts + others) if None not in kinds(call.given) else ANY


def _default(call: Call) -> Schema:
    other = call.given_for("default_value", {"const": ""})
    rest: Schema | None = _present(call.given)
    if call.constants.get("boolean"):
        rest = truthy(call.given)
    return other if rest is None else union([rest, other])


def _present(schema: Schema) -> Schema | None:
    kept = [option for option in options(schema) if kind(option) != "null"]
    return union(kept) if kept else None


def _sum(call: Call) -> Schema:
    start = call.given_for("start", INTEGER)
    whole = kinds(call.picked) <= {"integer"} and kinds(start) <= {"integer"}
    return INTEGER if whole else union([start, NUMBER])


def _groups(call: Call) -> Schema:
    return list_of(pair_of(call.picked, list_of(call.items)))


def _mapped(call: Call) -> Schema:
    return list_of(call.mapped)


def _as_list(call: Call) -> Schema:
    return list_of(call.items)


def _item(call: Call) -> Schema:
    return nullable(call.items)


_CHOICE = _of_list(lambda call: list_of(call.chosen))
_COUNT = _of_list(lambda call: INTEGER)
_DEFAULT = Signature(_ALL, "a value", _default)

FILTERS: Mapping[str, Signature] = {
    "abs": _of_number(_number),
    "count": _COUNT,
    "d": _DEFAULT,
    "default": _DEFAULT,
    "first": _of_list(_item),
    "float": Signature(_ALL, "a value", lambda call: union([NUMBER, call.given_for("default", NUMBER)])),
    "groupby": _of_list(_groups, "order"),
    "indent": _text(),
    "int": Signature(_ALL, "a value", lambda call: union([INTEGER, call.given_for("default", INTEGER)])),
    "items": _of_object(lambda call: list_of(pair_of(STRING, fields_of(not_null(call.given))))),
    "join": _of_list(lambda call: STRING),
    "keys": _of_object(lambda call: list_of(STRING)),
    "last": _of_list(_item),
    "length": _COUNT,
    "list": _of_list(_as_list),
    "lower": _text("map('lower')"),
    "map": _of_list(_mapped),
    "max": _of_list(_item, "order"),
    "min": _of_list(_item, "order"),
    "reject": _CHOICE,
    "rejectattr": _CHOICE,
    "replace": _text(),
    "reverse": _of_list(_reversed),
    "round": _of_number(_rounded),
    "select": _CHOICE,
    "selectattr": _CHOICE,
    "sort": _of_list(_as_list, "order"),
    "split": Signature(_PLAIN, "a text", lambda call: list_of(STRING), instead="map('split')"),
    "string": _text(),
    "sum": Signature(frozenset({"array"}), "a list of numbers", _sum, "numbers"),
    "title": _text("map('title')"),
    "tojson": _text(),
    "trim": _text("map('trim')"),
    "truncate": _text(),
    "unique": _of_list(_as_list),
    "upper": _text("map('upper')"),
    "values": _of_object(lambda call: list_of(fields_of(not_null(call.given)))),
    "wordwrap": _text(),
}
"""Every filter of the whitelist. A list is anything with items: texts give characters, objects names."""

LOOP = {
    **dict.fromkeys(("index", "index0", "revindex", "revindex0", "length"), INTEGER),
    **dict.fromkeys(("first", "last"), BOOLEAN),
}
"""What `loop` holds inside `{% for %}`."""

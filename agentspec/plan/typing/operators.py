"""What operators and tests take, and what they give: the types of what `expressions.operators` does."""

from __future__ import annotations

from collections.abc import Mapping

from agentspec.api.messages import Json, Schema
from agentspec.api.validate import problems_of
from agentspec.plan.typing.kinds import (
    ANY,
    INTEGER,
    NUMBER,
    STRING,
    items_of,
    kind,
    list_of,
    options,
    union,
    values_of,
)

NUMBERS = frozenset({"integer", "number"})
_MOST_CHECKED = 50

TESTS: Mapping[str, str] = {
    **dict.fromkeys(("defined", "none", "string", "number", "boolean", "mapping", "sequence", "true", "false"), ""),
    **dict.fromkeys(("odd", "even"), "number"),
    **{name: name for name in ("eq", "ne", "in")},
    "lt": "lt",
    "le": "lteq",
    "gt": "gt",
    "ge": "gteq",
}
"""What each test needs: nothing, a number, or what the comparison of that name needs."""


def arithmetic(operator: str, left: Schema, right: Schema) -> Schema | None:
    """Return the type that an operator gives, by the name of Jinja's node; None when it certainly fails."""
    found = [_computed(operator, one, other) for one in options(left) for other in options(right)]
    there = [schema for schema in found if schema is not None]
    return union(there) if there else None


def _computed(operator: str, left: Schema, right: Schema) -> Schema | None:
    one, other = kind(left), kind(right)
    adds = operator == "Add"
    if adds and one == other == "string":
        return STRING
    if adds and one == other == "array":
        return list_of(union([items_of(left), items_of(right)]))
    if None in (one, other):
        known = one or other
        if known is None:
            return ANY if adds else NUMBER
        return NUMBER if known in NUMBERS else {"type": known} if adds and known in ("string", "array") else None
    if {one, other} <= NUMBERS:
        return INTEGER if operator != "Div" and one == other == "integer" else NUMBER
    return None


def ordered(left: Schema, right: Schema) -> bool:
    """Tell whether values of two types can be put in order: two texts, or two numbers."""
    pairs = [(_family(one), _family(other)) for one in _orderable(left) for other in _orderable(right)]
    return any(None in pair or pair[0] == pair[1] for pair in pairs)


def _orderable(schema: Schema) -> list[Schema]:
    return [option for option in options(schema) if kind(option) in (None, "string", *NUMBERS)]


def sortable(schema: Schema) -> bool:
    """Tell whether values of a type can be sorted; true and false count as numbers there."""
    return any(kind(option) in (None, "string", "boolean", *NUMBERS) for option in options(schema))


def may_equal(left: Schema, right: Schema) -> bool:
    """Tell whether a value of one type can equal one of the other. As in Python, true equals 1."""
    return any(_may_equal(one, other) for one in options(left) for other in options(right))


def _family(option: Schema) -> str | None:
    own = kind(option)
    return "number" if own in ("boolean", *NUMBERS) else own


def _may_equal(left: Schema, right: Schema) -> bool:
    families = _family(left), _family(right)
    if None in families:
        return True
    if families[0] != families[1]:
        return False
    mine, others = values_of(left), values_of(right)
    if mine is not None and others is not None:
        return any(value in others for value in mine)
    if families[0] != "string" or (mine is None and others is None):
        return True
    return any(admits(right if mine else left, value) for value in (mine or others or ())[:_MOST_CHECKED])


def admits(option: Schema, value: Json) -> bool:
    """Tell whether a type admits a text; only what goes beyond its kind is asked of the validator."""
    return option.keys() <= {"type"} or not problems_of(value, option)


def may_contain(item: Schema, holder: Schema) -> bool | None:
    """Tell whether `item in holder` can be true; None when it certainly fails."""
    outcomes = {_may_contain(one, other) for one in options(item) for other in options(holder)}
    return True if True in outcomes else False if False in outcomes else None


def _may_contain(item: Schema, holder: Schema) -> bool | None:
    match kind(holder):
        case None:
            return True
        case "array":
            return may_equal(item, items_of(holder)) if holder.get("maxItems") != 0 else True
        case "object":
            return kind(item) in (None, "string")
        case "string":
            if kind(item) not in (None, "string"):
                return None
            parts, wholes = values_of(item), values_of(holder)
            return parts is None or wholes is None or any(part in whole for part in parts for whole in wholes)
        case _:
            return None

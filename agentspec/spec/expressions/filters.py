"""The filters of expressions, on JSON values and with Jinja's names and arguments.

Each takes the evaluation's frame, the value and its arguments, and raises `EvaluationFailed` for values that
it cannot handle. Lists come back as lists, never as generators.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from agentspec.api.errors import EvaluationFailed
from agentspec.spec.expressions import filters_lists as lists
from agentspec.spec.expressions import filters_scalars as scalars
from agentspec.spec.expressions.operators import TESTS
from agentspec.spec.expressions.values import MISSING, Frame, as_json, cost, kind, limited, text

Filter = Callable[..., Any]


def _object(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise EvaluationFailed(f"`{name}` needs an object, not {kind(value)}")


def _to_json(frame: Frame, value: Any, indent: Any = None) -> str:
    return as_json(value, None if indent is None else max(0, min(scalars.whole_number(indent, "tojson"), 16)))


def _map(frame: Frame, value: Any, *arguments: Any, attribute: Any = None, default: Any = MISSING) -> list[Any]:
    items = lists.as_list(value, "map")
    if attribute is not None:
        return [lists.attribute_of(item, attribute, default) for item in items]
    name, *rest = arguments
    return [apply(frame, name, item, rest, {}) for item in items]


def _chooser(name: str, keep: bool, by_attribute: bool) -> Filter:
    def choose(frame: Frame, value: Any, *arguments: Any) -> list[Any]:
        rest = list(arguments)
        attribute = rest.pop(0) if by_attribute else None
        test = TESTS[rest[0]][1] if rest else None
        argument = rest[1] if len(rest) > 1 else None
        kept = []
        for item in lists.as_list(value, name):
            found = item if attribute is None else lists.attribute_of(item, attribute, None)
            if bool(test(frame, found, argument) if test else found) is keep:
                kept.append(item)
        return kept

    return choose


FILTERS: Mapping[str, Filter] = MappingProxyType(
    {
        "abs": scalars.absolute,
        "count": scalars.length,
        "d": scalars.default,
        "default": scalars.default,
        "first": lists.first,
        "float": scalars.to_number,
        "groupby": lists.groupby,
        "indent": scalars.indent,
        "int": scalars.to_integer,
        "items": lambda frame, value: [[key, item] for key, item in _object(value, "items").items()],
        "join": lists.join,
        "keys": lambda frame, value: list(_object(value, "keys")),
        "last": lists.last,
        "length": scalars.length,
        "list": lambda frame, value: list(lists.as_list(value, "list")),
        "lower": lambda frame, value: limited(text(value).lower()),
        "map": _map,
        "max": lists.extreme("max", max),
        "min": lists.extreme("min", min),
        "reject": _chooser("reject", False, False),
        "rejectattr": _chooser("rejectattr", False, True),
        "replace": scalars.replace,
        "reverse": lists.reverse,
        "round": scalars.round_off,
        "select": _chooser("select", True, False),
        "selectattr": _chooser("selectattr", True, True),
        "sort": lists.sort,
        "split": scalars.split,
        "string": lambda frame, value: text(value),
        "sum": lists.add_up,
        "title": scalars.title,
        "tojson": _to_json,
        "trim": lambda frame, value, chars=None: text(value).strip(None if chars is None else text(chars)),
        "truncate": scalars.truncate,
        "unique": lists.unique,
        "upper": lambda frame, value: limited(text(value).upper()),
        "values": lambda frame, value: list(_object(value, "values").values()),
        "wordwrap": scalars.wordwrap,
    }
)
"""Every filter that an expression may use."""

WITH_ATTRIBUTE = frozenset(
    {"groupby", "join", "map", "max", "min", "rejectattr", "selectattr", "sort", "sum", "unique"}
)
"""The filters that take the name of a field, as `attribute=` or as their first argument."""

ATTRIBUTE_FIRST = frozenset({"groupby", "rejectattr", "selectattr", "sum"})
"""Those of them that may take it as their first argument."""


def apply(frame: Frame, name: str, value: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
    """Use a filter on a value. Raises `EvaluationFailed`."""
    frame.charge(1 + cost(value))
    result = FILTERS[name](frame, value, *arguments, **named)
    frame.charge(cost(result))
    return result


@cache
def accepts(name: str, count: int, named: tuple[str, ...]) -> bool:
    """Tell whether a filter takes `count` arguments and those named."""
    try:
        inspect.signature(FILTERS[name]).bind(None, None, *[None] * count, **dict.fromkeys(named))
    except TypeError:
        return False
    return count > 0 or name not in ("map", "selectattr", "rejectattr") or "attribute" in named

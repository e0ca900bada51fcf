"""What operators do to JSON values. Each raises `EvaluationFailed` for values that it cannot handle."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from agentspec.api.errors import EvaluationFailed
from agentspec.spec.expressions.values import MAX_TEXT, Frame, cost, is_number, kind, number, too_long

Binary = Callable[[Frame, Any, Any], Any]


def _add(frame: Frame, left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            raise too_long()
        frame.charge(cost(left) + cost(right))
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        frame.charge(len(left) + len(right))
        return left + right
    return _add_numbers(frame, left, right)


def _arithmetic(sign: str, function: Callable[[Any, Any], Any]) -> Binary:
    def compute(frame: Frame, left: Any, right: Any) -> Any:
        if not (is_number(left) and is_number(right)):
            raise EvaluationFailed(f"`{sign}` cannot be used with {kind(left)} and {kind(right)}")
        try:
            return number(function(left, right))
        except ZeroDivisionError as error:
            raise EvaluationFailed("a number is divided by zero") from error
        except OverflowError as error:
            raise EvaluationFailed("a number is too large") from error

    return compute


_add_numbers = _arithmetic("+", operator.add)

BINARY: Mapping[str, Binary] = MappingProxyType(
    {
        "Add": _add,
        "Sub": _arithmetic("-", operator.sub),
        "Mul": _arithmetic("*", operator.mul),
        "Div": _arithmetic("/", operator.truediv),
        "FloorDiv": _arithmetic("//", operator.floordiv),
        "Mod": _arithmetic("%", operator.mod),
    }
)
"""By the name of Jinja's node."""


def _ordered(sign: str, function: Callable[[Any, Any], bool]) -> Binary:
    def compare(frame: Frame, left: Any, right: Any) -> bool:
        if (isinstance(left, str) and isinstance(right, str)) or (is_number(left) and is_number(right)):
            return function(left, right)
        raise EvaluationFailed(f"`{sign}` cannot compare {kind(left)} with {kind(right)}")

    return compare


def _equal(frame: Frame, left: Any, right: Any) -> bool:
    if isinstance(left, (list, dict)):
        frame.charge(_whole_cost(left, frame.work))
    return bool(left == right)


def _whole_cost(value: Any, most: int) -> int:
    """Return how many parts a value has, shared ones counted each time; a little more than `most` at most."""
    count = 0
    waiting = [value]
    while waiting and count <= most:
        item = waiting.pop()
        count += 1
        if isinstance(item, (list, dict)):
            waiting += item.values() if isinstance(item, dict) else item
    return count


def _contains(frame: Frame, left: Any, right: Any) -> bool:
    if isinstance(right, str):
        if not isinstance(left, str):
            raise EvaluationFailed(f"`in` cannot look for {kind(left)} in a text")
        frame.charge(1 + cost(right))
        return left in right
    if isinstance(right, dict):
        return isinstance(left, str) and left in right
    if isinstance(right, list):
        nested = isinstance(left, (list, dict))
        frame.charge(1 + (_whole_cost(right, frame.work) if nested else len(right)))
        return left in right
    raise EvaluationFailed(f"`in` cannot look into {kind(right)}")


COMPARE: Mapping[str, Binary] = MappingProxyType(
    {
        "eq": _equal,
        "ne": lambda frame, left, right: not _equal(frame, left, right),
        "lt": _ordered("<", operator.lt),
        "lteq": _ordered("<=", operator.le),
        "gt": _ordered(">", operator.gt),
        "gteq": _ordered(">=", operator.ge),
        "in": _contains,
        "notin": lambda frame, left, right: not _contains(frame, left, right),
    }
)
"""By the name that Jinja gives the operator."""


def _rest_of_two(value: Any) -> Any:
    if is_number(value):
        return value % 2
    raise EvaluationFailed(f"a number is needed, not {kind(value)}")


def _relation(name: str) -> Binary:
    return COMPARE[{"le": "lteq", "ge": "gteq"}.get(name, name)]


TESTS: Mapping[str, tuple[int, Binary]] = MappingProxyType(
    {
        "defined": (0, lambda frame, value, _: value is not None),
        "none": (0, lambda frame, value, _: value is None),
        "string": (0, lambda frame, value, _: isinstance(value, str)),
        "number": (0, lambda frame, value, _: is_number(value)),
        "boolean": (0, lambda frame, value, _: isinstance(value, bool)),
        "mapping": (0, lambda frame, value, _: isinstance(value, dict)),
        "sequence": (0, lambda frame, value, _: isinstance(value, (list, str, dict))),
        "true": (0, lambda frame, value, _: value is True),
        "false": (0, lambda frame, value, _: value is False),
        "odd": (0, lambda frame, value, _: _rest_of_two(value) == 1),
        "even": (0, lambda frame, value, _: _rest_of_two(value) == 0),
        **{name: (1, _relation(name)) for name in ("eq", "ne", "lt", "le", "gt", "ge", "in")},
    }
)
"""Every test: how many arguments it takes, and what it does. `is defined` means present and not null."""

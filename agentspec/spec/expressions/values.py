"""JSON values in expressions: their names in messages, their text, access to their parts, and what they cost.

Nothing here looks at anything but dictionaries, lists, texts and numbers, so an expression cannot reach an
attribute or a method of a Python object.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, Final

from agentspec.api.errors import EvaluationFailed
from agentspec.api.messages import Json

MAX_TEXT = 1_000_000
"""Characters of a text that an expression may make."""
MAX_WORK = 1_000_000
"""Steps of an evaluation: an item looped over or handed through a filter is one, so are 64 characters."""
_MAX_INTEGER = 2**63


class Missing:
    """The type of `MISSING`: what a guarded reference finds where there is nothing."""

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()


class Frame:
    """One evaluation: where names come from, the local ones, and the work and output that are left."""

    __slots__ = ("local", "lookup", "room", "work")

    def __init__(self, lookup: Callable[[str], Any]) -> None:
        self.lookup = lookup
        self.local: dict[str, Any] = {}
        self.work = MAX_WORK
        self.room = MAX_TEXT

    def charge(self, steps: int) -> None:
        """Take `steps` from the work that is left. Raises `EvaluationFailed` when there is none."""
        self.work -= steps
        if self.work < 0:
            raise EvaluationFailed("the expression takes too many steps")

    def spend(self, characters: int) -> None:
        """Take `characters` from the output that is left. Raises `EvaluationFailed` when there is none."""
        self.room -= characters
        if self.room < 0:
            raise too_long()
        self.charge(1 + (characters >> 6))


def cost(value: Any) -> int:
    """Return the steps that it takes to look at a value once."""
    if isinstance(value, str):
        return len(value) >> 6
    return len(value) if isinstance(value, (list, dict)) else 0


def kind(value: Any) -> str:
    """Return what a value is, in words for a message."""
    if value is None or value is MISSING:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "something else"


def is_number(value: Any) -> bool:
    """Tell whether a value is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def part(value: Any, key: Any) -> Any:
    """Return a field or an item, or `MISSING` where there is none."""
    if isinstance(value, dict):
        return value.get(key, MISSING) if isinstance(key, str) else MISSING
    if isinstance(value, (list, str)) and type(key) is int:
        return value[key] if -len(value) <= key < len(value) else MISSING
    return MISSING


def text(value: Json) -> str:
    """Return how a value stands in a text: null as nothing, lists and objects as compact JSON."""
    if isinstance(value, str):
        return value
    if value is None or value is MISSING:
        return ""
    return as_json(value)


def as_json(value: Json, indent: int | None = None) -> str:
    """Return a value as JSON, compact without `indent`. Raises `EvaluationFailed` when it is too long."""
    if isinstance(value, (list, dict)):
        _measure(value, indent or 0)
    elif isinstance(value, float) and not math.isfinite(value):
        raise EvaluationFailed("a number is too large")
    separators = (",", ":") if indent is None else (",", ": ")
    try:
        return json.dumps(value, ensure_ascii=False, separators=separators, indent=indent, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EvaluationFailed(f"{kind(value)} cannot be written as JSON") from error


def _measure(value: Any, indent: int) -> None:
    """Refuse a value whose JSON would be too long, before it is made; shared parts count each time."""
    room = MAX_TEXT
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        room -= 1 + indent * depth
        if isinstance(item, str):
            room -= len(item)
        elif isinstance(item, dict):
            room -= sum(len(key) for key in item) + len(item) * 3
            waiting += [(child, depth + 1) for child in item.values()]
        elif isinstance(item, list):
            room -= len(item)
            waiting += [(child, depth + 1) for child in item]
        if room < 0 or depth > 200:
            raise EvaluationFailed("the value is too large to be written as JSON")


def limited(made: str) -> str:
    """Return a text that an expression made. Raises `EvaluationFailed` when it is too long."""
    if len(made) > MAX_TEXT:
        raise too_long()
    return made


def too_long() -> EvaluationFailed:
    """Return the error for a text beyond `MAX_TEXT`."""
    return EvaluationFailed(f"the text is longer than {MAX_TEXT:,} characters")


def number(value: float) -> float:
    """Return a computed number. Raises `EvaluationFailed` when it is too large."""
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, int) and abs(value) < _MAX_INTEGER:
        return value
    raise EvaluationFailed("a number is too large")


def missing_part(before: Any, owner: str, key: Any) -> EvaluationFailed:
    """Return the error for a step from `before`, which is called `owner`, that leads nowhere."""
    shown = f"item {key}" if isinstance(key, int) else f"field `{key:.60}`" if isinstance(key, str) else "such part"
    if isinstance(before, (dict, list)):
        return EvaluationFailed(f"{owner} has no {shown}")
    return EvaluationFailed(f"{owner} is {kind(before)}, so it has no {shown}")

"""Filters that work on lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from agentspec.api.errors import EvaluationFailed
from agentspec.spec.expressions.values import MAX_TEXT, MISSING, Frame, is_number, kind, number, part, text, too_long


def as_list(value: Any, name: str) -> list[Any]:
    """Return the items of a list, the characters of a text or the keys of an object."""
    if isinstance(value, list):
        return value
    if isinstance(value, (str, dict)):
        return list(value)
    raise EvaluationFailed(f"`{name}` needs a list, not {kind(value)}")


def attribute_of(value: Any, attribute: Any, default: Any = MISSING) -> Any:
    """Follow a dotted path. Raises `EvaluationFailed` where it ends, unless there is a default."""
    steps = str(attribute).split(".") if isinstance(attribute, (str, int)) else []
    for step in steps:
        value = part(value, int(step) if step.isdecimal() and not isinstance(value, dict) else step)
        if value is MISSING or value is None:
            if default is not MISSING:
                return default
            if value is MISSING:
                raise EvaluationFailed(f"an item has no `{attribute}`")
    return value


def picker(attribute: Any, fold: bool = False) -> Callable[[Any], Any]:
    """Return a function that takes a field of an item, or the item; `fold` makes texts lower case."""

    def pick(item: Any) -> Any:
        value = item if attribute is None else attribute_of(item, attribute)
        return value.lower() if fold and isinstance(value, str) else value

    return pick


def _ordered(items: list[Any], pick: Callable[[Any], Any], name: str) -> list[tuple[Any, int, Any]]:
    keyed = [(pick(item), index, item) for index, item in enumerate(items)]
    texts = all(isinstance(key, str) for key, _, _ in keyed)
    if not texts and not all(is_number(key) or isinstance(key, bool) for key, _, _ in keyed):
        raise EvaluationFailed(f"`{name}` cannot order values of different kinds")
    return keyed


def first(frame: Frame, value: Any) -> Any:
    """The first item; null when there is none."""
    return next(iter(as_list(value, "first")), None)


def last(frame: Frame, value: Any) -> Any:
    """The last item; null when there is none."""
    return next(reversed(as_list(value, "last")), None)


def sort(
    frame: Frame, value: Any, reverse: Any = False, case_sensitive: Any = False, attribute: Any = None
) -> list[Any]:
    """The items in order; texts without regard to case unless `case_sensitive`."""
    keyed = _ordered(as_list(value, "sort"), picker(attribute, not case_sensitive), "sort")
    return [item for _, _, item in sorted(keyed, key=lambda entry: entry[0], reverse=bool(reverse))]


def unique(frame: Frame, value: Any, case_sensitive: Any = False, attribute: Any = None) -> list[Any]:
    """The items without those that came before."""
    pick = picker(attribute, not case_sensitive)
    seen: dict[Any, Any] = {}
    for item in as_list(value, "unique"):
        key = pick(item)
        seen.setdefault(("nested", json.dumps(key, sort_keys=True)) if isinstance(key, (list, dict)) else key, item)
    return list(seen.values())


def reverse(frame: Frame, value: Any) -> Any:
    """The items, or the characters, from last to first."""
    return value[::-1] if isinstance(value, (str, list)) else as_list(value, "reverse")[::-1]


def extreme(name: str, choose: Callable[..., Any]) -> Callable[..., Any]:
    """Make the filter `min` or `max`; null when there are no items."""

    def pick_one(frame: Frame, value: Any, case_sensitive: Any = False, attribute: Any = None) -> Any:
        keyed = _ordered(as_list(value, name), picker(attribute, not case_sensitive), name)
        return choose(keyed, key=lambda entry: entry[0])[2] if keyed else None

    return pick_one


def add_up(frame: Frame, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    """The sum of numbers, beginning with `start`."""
    total, pick = start, picker(attribute)
    for item in as_list(value, "sum"):
        amount = pick(item)
        if not (is_number(amount) and is_number(total)):
            raise EvaluationFailed(f"`sum` needs numbers, not {kind(amount if is_number(total) else total)}")
        total = number(total + amount)
    return total


def groupby(
    frame: Frame, value: Any, attribute: Any, default: Any = MISSING, case_sensitive: Any = False
) -> list[list[Any]]:
    """A list of pairs `[value, items]`, ordered by the value of the field."""

    def pick(item: Any) -> Any:
        found = attribute_of(item, attribute, default)
        return found.lower() if not case_sensitive and isinstance(found, str) else found

    groups: dict[Any, list[Any]] = {}
    keyed = sorted(_ordered(as_list(value, "groupby"), pick, "groupby"), key=lambda entry: entry[0])
    for key, _, item in keyed:
        groups.setdefault(key, [attribute_of(item, attribute, default), []])[1].append(item)
    return list(groups.values())


def join(frame: Frame, value: Any, d: Any = "", attribute: Any = None) -> str:
    """The items as one text, with `d` between them."""
    pick, between = picker(attribute), text(d)
    made: list[str] = []
    room = MAX_TEXT
    for item in as_list(value, "join"):
        made.append(text(pick(item)))
        room -= len(made[-1]) + len(between)
        if room + len(between) < 0:
            raise too_long()
    return between.join(made)

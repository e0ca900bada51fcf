"""Numbers between bounds as GBNF expressions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_DIGITS = 16
"""Longest run of digits of an unbounded number: what a double holds exactly."""

_UNBOUNDED = 10**18
"""A bound beyond this is none."""

_ANY_NATURAL = f'("0" | [1-9] [0-9]{{0,{_DIGITS - 1}}})'
_ANY_INTEGER = f'("0" | "-"? [1-9] [0-9]{{0,{_DIGITS - 1}}})'
_FRACTION = f'"." [0-9]{{1,{_DIGITS}}}'
_ANY_NUMBER = f'("-"? {_ANY_NATURAL} ({_FRACTION})? ([eE] [-+]? [1-9] [0-9]?)?)'


def integer(schema: Mapping[str, Any]) -> str:
    """Integers within `minimum`, `maximum` and their exclusive forms; `multipleOf` is left to validation."""
    low, high = _bounds(schema)
    if low is None and high is None:
        return _ANY_INTEGER
    if low is not None and high is not None and low > high:
        return _ANY_INTEGER
    return f"({' | '.join(_signed(low, high))})"


def number(schema: Mapping[str, Any]) -> str:
    """Decimal numbers within the bounds; bounds are narrowed to whole numbers, exclusive ones included.

    Bounds without a whole number between them, e.g. 0.2 to 0.8, are left to validation.
    """
    low, high = _bounds(schema, exclusive_step=0)
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        return _ANY_NUMBER
    parts = _signed(low, high)
    parts += [f"{whole} {_FRACTION}" for whole in _wholes(low, high)]
    return f"({' | '.join(parts)})"


def _bounds(schema: Mapping[str, Any], exclusive_step: int = 1) -> tuple[int | None, int | None]:
    lows = [math.ceil(schema["minimum"])] if _finite(schema, "minimum") else []
    if _finite(schema, "exclusiveMinimum"):
        edge = schema["exclusiveMinimum"]
        lows.append(math.floor(edge) + exclusive_step if exclusive_step else math.ceil(edge))
    highs = [math.floor(schema["maximum"])] if _finite(schema, "maximum") else []
    if _finite(schema, "exclusiveMaximum"):
        edge = schema["exclusiveMaximum"]
        highs.append(math.ceil(edge) - exclusive_step if exclusive_step else math.floor(edge))
    return (max(lows) if lows else None, min(highs) if highs else None)


def _finite(schema: Mapping[str, Any], key: str) -> bool:
    value = schema.get(key)
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _UNBOUNDED


def _signed(low: int | None, high: int | None) -> list[str]:
    """Whole numbers from `low` to `high`, both included."""
    parts = []
    if low is None or low < 0:
        parts.append(f'"-" ({_natural(max(1, -high) if high is not None else 1, None if low is None else -low)})')
    if high is None or high >= 0:
        parts.append(_natural(max(low or 0, 0), high))
    return parts


def _wholes(low: int | None, high: int | None) -> list[str]:
    """What may stand before a fraction, so that the number stays within the bounds."""
    parts = []
    if low is None or low < 0:
        first, last = max(0, -high if high is not None else 0), None if low is None else -low - 1
        if last is None or first <= last:
            parts.append(f'"-" ({_natural(first, last)})')
    if high is None or high > 0:
        first, last = max(low or 0, 0), None if high is None else high - 1
        if last is None or first <= last:
            parts.append(f"({_natural(first, last)})")
    return parts


def _natural(low: int, high: int | None) -> str:
    """Decimal forms, without leading zeros, of the natural numbers from `low` to `high`."""
    if high is None:
        if low <= 1:
            return _ANY_NATURAL if low == 0 else f"[1-9] [0-9]{{0,{_DIGITS - 1}}}"
        size = len(str(low))
        longer = f" | [1-9] [0-9]{{{size},{max(_DIGITS, size + 1)}}}"
        return _natural(low, 10**size - 1) + longer
    parts: list[str] = []
    while low <= high:
        last = min(high, 10 ** len(str(low)) - 1)
        parts += _same_length(str(low), str(last))
        low = last + 1
    return " | ".join(parts)


def _same_length(low: str, high: str) -> list[str]:
    """Alternatives for the numbers from `low` to `high`, which have the same number of digits."""
    size = len(low)
    if low == "0" * size and high == "9" * size:
        return [f"[0-9]{{{size}}}"]
    if size == 1:
        return [f"[{low}-{high}]"]
    first, last, rest = int(low[0]), int(high[0]), size - 1
    if first == last:
        return [f'"{first}" ({" | ".join(_same_length(low[1:], high[1:]))})']
    parts = []
    if low[1:] != "0" * rest:
        parts.append(f'"{first}" ({" | ".join(_same_length(low[1:], "9" * rest))})')
        first += 1
    tail = []
    if high[1:] != "9" * rest:
        tail.append(f'"{last}" ({" | ".join(_same_length("0" * rest, high[1:]))})')
        last -= 1
    if first <= last:
        parts.append(f"[{first}-{last}] [0-9]{{{rest}}}")
    return parts + tail

"""What an unquoted word of YAML means: the core schema of YAML 1.2, a little stricter.

`true` and `false` are the only booleans, `null`, `~` and nothing the only nulls. `on`, `no`, `12:30`, `0777`
and `1_0` stay text; `80_000` is a number.
"""

from __future__ import annotations

import math
import re

from agentspec.api.messages import Json

_WORDS: dict[str, Json] = {"": None, "~": None, "null": None, "true": True, "false": False}
_MAYBE_NUMBER = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:_\d{3})+)", re.ASCII)
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.\d+|(?:0|[1-9]\d*)(?:\.\d*)?)(?:[eE][-+]?\d+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MOST_DIGITS = 18


class NumberRefused(ValueError):
    """A number that JSON cannot hold, or not without loss; the text says which."""


def plain(text: str) -> Json:
    """Return the value of an unquoted scalar. Raises `NumberRefused`."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _MAYBE_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        digits = text.replace("_", "")
        if len(digits.lstrip("+-")) > _MOST_DIGITS:
            raise NumberRefused("a whole number of more than 18 digits")
        return int(digits)
    if _BASED.fullmatch(text):
        if len(text) > _MOST_DIGITS:
            raise NumberRefused("a whole number of more than 18 digits")
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise NumberRefused("a number that is too large")
        return number
    if _NOT_FINITE.fullmatch(text):
        raise NumberRefused("infinite and undefined numbers")
    return text

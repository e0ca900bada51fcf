"""Finds JSON in a text that holds more than JSON, without guessing what was meant.

What is read, and why it can mean only one thing:

- an object or an array inside prose, in or outside of code fences; a number or a word in prose could be anything;
- a comma before a closing bracket, which adds nothing;
- `True`, `False` and `None` in the place of a value;
- `“…”` in the place of `"…"`, where the text between them has no quotes of its own.

What is not read: single quotes (an apostrophe ends the text too soon), missing commas, quotes or brackets, comments,
and a value inside one that is broken, which is a part and not the answer.
"""

from __future__ import annotations

import json
import math
import re
from typing import NamedTuple

from agentspec.api.messages import Json

MOST_VALUES = 20
"""Values in one text. With more of them nobody can say which is the answer."""

_THOUGHT = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<open>[{\[]) | (?P<close>[}\]]) | (?P<comma>,) | (?P<colon>:)
    | (?P<text>"(?:[^"\\\x00-\x1f]|\\.)*+")
    | (?P<curly>“[^“”"\x00-\x1f]*”)
    | (?P<word>True|False|None|true|false|null)(?!\w)
    | (?P<number>-?\d++(?:\.\d++)?(?:[eE][+-]?\d++)?)(?![\w.])
    )""",
    re.VERBOSE,
)
_CLOSES = {"{": "}", "[": "]"}
_WORDS = {"True": "true", "False": "false", "None": "null"}


def load(text: str) -> Json:
    """Parse JSON as the standard has it: no NaN, no number beyond a float. Raises ValueError, RecursionError."""
    return json.loads(text, parse_constant=_refuse, parse_float=_finite)


class Found(NamedTuple):
    """A value, and where in the text it stands."""

    value: Json
    start: int
    end: int


def values_in(text: str) -> list[Found]:
    """The JSON values in a text, in their order; at most one more than `MOST_VALUES`.

    Takes time in proportion to the length of the text, whatever stands in it.
    """
    thought = _THOUGHT.match(text)
    place = thought.end() if thought else 0
    fenced = _only_fenced(text, place)
    if fenced:
        return fenced
    found: list[Found] = []
    while len(found) <= MOST_VALUES and (opening := _OPENING.search(text, place)):
        start = opening.start()
        written, place = _scan(text, start)
        if written:
            try:
                found.append(Found(load(written), start, place))
            except (ValueError, RecursionError):
                continue
    return found


def _only_fenced(text: str, start: int) -> list[Found]:
    """The value of a text that is nothing but one code fence: there, a number or a word is the answer, too."""
    opening, line, inside = text[start:].lstrip("\ufeff \t\r\n").partition("\n")
    inside = inside.rstrip()
    if not (line and opening.startswith("```") and inside.endswith("```")):
        return []
    try:
        end = text.rindex("```")
        return [Found(load(inside[:-3]), text.index("\n", text.index("```", start)), end)]
    except (ValueError, RecursionError):
        return []


def _scan(text: str, start: int) -> tuple[str, int]:
    """The value that begins with a bracket, as JSON, and where it ends.

    Empty for what is none; then the place where that came to light, from which to look on.
    """
    parts: list[str] = []
    closing: list[str] = []
    comma = False
    place = start
    while match := _TOKEN.match(text, place):
        kind, token = match.lastgroup, match.group(match.lastgroup or 0)
        place = match.end()
        if kind == "comma":
            if comma or parts[-1] in _CLOSES:
                return "", place
            comma = True
            continue
        if comma and kind != "close":
            parts.append(",")
        comma = False
        if kind == "open":
            closing.append(_CLOSES[token])
        elif kind == "close" and token != closing.pop():
            return "", place
        elif kind == "curly":
            token = f'"{token[1:-1]}"'
        parts.append(_WORDS.get(token, token))
        if not closing:
            return "".join(parts), place
    return "", max(place, start + 1)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits[:40]} is too large")
    return number

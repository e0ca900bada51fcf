"""The words of GBNF: terminals of JSON, literals, counted repetition."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

_MAX_REPEAT = 512
"""Longest counted repetition; llama.cpp refuses 2,000 (MAX_REPETITION_THRESHOLD) and unrolls each one."""

TERMINALS = {
    "char": (
        r'[^"\\\x00-\x1F\x7F\uD800-\uDFFF\U00110000-\U001FFFFF]'
        r' | "\\" (["\\bfnrt] | "u00" [01] [0-9a-f])'
    ),
    "string": r'"\"" char* "\""',
    "day": (
        '("0" [13578] | "1" [02]) "-" ("0" [1-9] | [12] [0-9] | "3" [01])'
        ' | ("0" [469] | "11") "-" ("0" [1-9] | [12] [0-9] | "30")'
        ' | "02-" ("0" [1-9] | "1" [0-9] | "2" [0-8])'
    ),
    "leap": ('[1-9] [0-9] ("0" [48] | [2468] [048] | [13579] [26]) | ([2468] [048] | [13579] [26]) "00"'),
    "date": '[1-9] [0-9]{3} "-" day | leap "-02-29"',
    "clock": '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})?',
    "offset": '"Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]',
}
NEEDS = {"string": ("char",), "date": ("day", "leap")}
FORMATS = {
    "date": (("date",), r'"\"" date "\""'),
    "time": (("clock", "offset"), r'"\"" clock offset "\""'),
    "date-time": (("date", "clock", "offset"), r'"\"" date "T" clock offset "\""'),
}
"""Formats of strings that have a grammar: the terminals they need, and the form (RFC 3339)."""


def literal(text: str) -> str:
    """Quote a text for GBNF; what is not printable ASCII is written as a code point."""
    special = {'"': r"\"", "\\": r"\\"}
    return '"' + "".join(special.get(c) or (c if " " <= c <= "~" else f"\\U{ord(c):08X}") for c in text) + '"'


def words(values: Iterable[Any]) -> str:
    """One of these JSON values, in compact form."""
    forms = dict.fromkeys(json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values)
    return f"({' | '.join(literal(form) for form in forms)})"


def times(low: int, high: int | None) -> str:
    """Repeat what stands before; counts that llama.cpp would refuse become looser."""
    if high is not None and high > _MAX_REPEAT:
        high = None
    low = min(low, _MAX_REPEAT)
    if high is None:
        return "*" if low == 0 else f"{{{low},}}"
    return f"{{{low},{max(low, high)}}}"

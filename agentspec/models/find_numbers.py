"""The numbers that a text names, as far as code can tell: candidates, of which a model chooses one.

`1,200` is twelve hundred to some and one and a fifth to others, and `15 %` is 15 or 0.15: where a form can be read
in two ways, both readings are candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

_SPACES = " \u00a0\u202f"
_NUMBER = re.compile(rf"(?<!\w)(?P<sign>[-+\u2212]?)(?P<body>\d+(?:[.,'\u2019{_SPACES}]\d+)*|\.\d+)(?P<percent>\s?%)?")
_SEPARATORS = tuple(
    (thousands, decimal)
    for decimal in ".,"
    for thousands in ("", ",", ".", "'", "\u2019", *_SPACES)
    if thousands != decimal
)
"""What may stand between thousands and before decimals, the commonest pair first."""
_FORMS = tuple(
    (
        re.compile(rf"(?:\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d*)(?:{re.escape(decimal)}\d+)?"),
        thousands,
        decimal,
    )
    for thousands, decimal in _SEPARATORS
)
_MOST_DIGITS = 30
"""A longer row of digits is the number of an account, not of anything that is counted."""


def find_numbers(text: str) -> list[int | float]:
    """Return the numbers in `text`, in order of appearance, each once; whole ones as integers."""
    found: dict[int | float, None] = {}
    for match in _NUMBER.finditer(text):
        for value in _readings(match["body"]):
            signed = -value if match["sign"] in ("-", "\u2212") else value
            found[_plain(signed)] = None
            if match["percent"]:
                found[_plain(signed / 100)] = None
    return list(found)


def _readings(body: str) -> Iterator[Decimal]:
    """The values that a row of digits and separators may have; of rows like `9.3.2026` those of the parts."""
    read = False
    for form, thousands, decimal in _FORMS:
        if form.fullmatch(body):
            digits = body.replace(thousands, "") if thousands else body
            if len(digits) <= _MOST_DIGITS:
                yield Decimal(digits.replace(decimal, "."))
            read = True
    spaced = re.split(f"[{_SPACES}]", body)
    if len(spaced) > 1:
        for part in spaced:
            yield from _readings(part)
    elif not read:
        yield from (Decimal(part) for part in re.findall(r"\d+", body) if len(part) <= _MOST_DIGITS)


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)

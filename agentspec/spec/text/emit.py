"""Data -> YAML text in one form, which the loader reads back as the same data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from agentspec.spec.source import Where
from agentspec.spec.text.scalars import NumberRefused, plain

Remark = Callable[[Where], str]
"""What to say in a comment beside the value at a place; nothing for an empty text."""

_BEGINNING = re.compile(r"[A-Za-z_./$(]")
_SPECIAL = re.compile(r": |:$| #|\s$")


def emit(data: Any, remark: Remark = lambda where: "") -> str:
    """Return a mapping as YAML in block style."""
    return "\n".join(_lines(data, (), "", remark)) + "\n"


def _lines(data: Any, where: Where, indent: str, remark: Remark) -> Iterator[str]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in pairs:
        head = f"{indent}{_text(str(key))}:" if isinstance(data, dict) else f"{indent}-"
        place = (*where, key)
        if value and isinstance(value, dict) and isinstance(data, list):
            first, *rest = _lines(value, place, indent + "  ", remark)
            yield f"{head} {first.lstrip()}"
            yield from rest
        elif value and isinstance(value, dict | list):
            yield head
            yield from _lines(value, place, indent + "  ", remark)
        else:
            said = remark(place)
            comment = f"  # {said}" if said else ""
            if isinstance(value, str) and _fits_block(value):
                yield f"{head} |{'+' if value.endswith(chr(10) * 2) else ''}{comment}"
                yield from (f"{indent}  {line}" if line else "" for line in value.split("\n")[:-1])
            else:
                yield f"{head} {_scalar(value)}{comment}"


def _fits_block(text: str) -> bool:
    """Tell whether a text can stand in a literal block as it is."""
    if not text.endswith("\n") or text[0] in " \n":
        return False
    return all(line.isprintable() for line in text.split("\n"))


def _scalar(value: Any) -> str:
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    """Write a text without quotes where it stays the same text, else in double quotes."""
    if _BEGINNING.match(text) and text.isprintable() and not _SPECIAL.search(text):
        try:
            if plain(text) == text:
                return text
        except NumberRefused:
            pass
    return "".join(map(_escaped, json.dumps(text, ensure_ascii=False)))


def _escaped(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"

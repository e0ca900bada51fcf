"""The types that are written as text: `date | null`, `low | high`, `[Mail]`, `quote from message.body`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from agentspec.api.messages import Schema
from agentspec.api.schema import nullable
from agentspec.spec.diagnostics import suggest
from agentspec.spec.source import Where

SCALARS: Mapping[str, Schema] = MappingProxyType(
    {
        "string": {"type": "string"},
        "integer": {"type": "integer"},
        "number": {"type": "number"},
        "boolean": {"type": "boolean"},
        "date": {"type": "string", "format": "date"},
        "datetime": {"type": "string", "format": "date-time"},
        "path": {"type": "string", "format": "path"},
        "any": {},
    }
)
"""The types that are a single word, apart from `null` and `quote`."""

_ELSEWHERE = MappingProxyType(
    {
        "str": "string",
        "text": "string",
        "int": "integer",
        "long": "integer",
        "float": "number",
        "double": "number",
        "bool": "boolean",
        "none": "null",
        "timestamp": "datetime",
        "time": "datetime",
        "file": "path",
        "json": "any",
        "object": "any",
        "dict": "any",
    }
)
"""What other languages call them."""

_TAKEN = ("quote", "date", "datetime", "number", "integer")
"""The types that can be taken `from` a text."""

_FROM = re.compile(r"(\w+)\s+from\s+(\S.*)")
_PATH = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*|\[\d+\])*")
_WORD = re.compile(r"[^\W_][^|\[\]{}\"'`,:#]*")
_NOT_A_WORD = re.compile(r"[-+]?[\d.]+|true|false")


class TypeProblem(Exception):
    """Something wrong in a type.

    Attributes:
        code: AS203 (wrong shape) or AS303 (unknown type).
        where: the place inside the value that was given.
        start, end: offsets inside the string there; both 0 when the whole value is meant.
        suggestion: what was probably meant, or None.
        at_key: whether the key at `where` is meant, not its value.
    """

    def __init__(
        self,
        code: str,
        message: str,
        where: Where = (),
        start: int = 0,
        end: int = 0,
        suggestion: str | None = None,
        *,
        at_key: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where
        self.start = start
        self.end = end
        self.suggestion = suggestion
        self.at_key = at_key

    def under(self, step: str | int) -> TypeProblem:
        """Return the problem as seen from one level up."""
        where = (step, *self.where)
        return TypeProblem(self.code, self.message, where, self.start, self.end, self.suggestion, at_key=self.at_key)


def parse_words(text: str, names: Mapping[str, Schema]) -> Schema:
    """Return the schema of a type that is written as text. Raises `TypeProblem`."""
    return _alternatives(text, 0, len(text), names, 0)


def _alternatives(text: str, start: int, end: int, names: Mapping[str, Schema], depth: int) -> Schema:
    pieces = _split(text, start, end)
    words = [text[first:last] for first, last in pieces]
    for word, (first, last) in zip(words, pieces, strict=True):
        if not word:
            raise TypeProblem("AS203", "a type is missing", (), start, max(last, first + 1, end))
    others = [(word, place) for word, place in zip(words, pieces, strict=True) if word != "null"]
    may_be_null = len(others) < len(words)
    if not others:
        return {"type": "null"}
    if len(others) == 1:
        schema = _single(text, *others[0][1], names, depth)
        return nullable(schema) if may_be_null else schema
    return _enumeration(others, names, may_be_null)


def _split(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the places of what stands between the `|` signs outside of brackets, without blanks around."""
    cuts, level = [start - 1], 0
    for index in range(start, end):
        if text[index] in "[{":
            level += 1
        elif text[index] in "]}":
            level -= 1
        elif text[index] == "|" and not level:
            cuts.append(index)
    cuts.append(end)
    pieces = []
    for left, right in pairwise(cuts):
        part = text[left + 1 : right]
        first = left + 1 + len(part) - len(part.lstrip())
        pieces.append((first, max(first, left + 1 + len(part.rstrip()))))
    return pieces


def _single(text: str, start: int, end: int, names: Mapping[str, Schema], depth: int) -> Schema:
    word = text[start:end]
    if word.startswith("[") and word.endswith("]"):
        if depth > 32:
            raise TypeProblem("AS203", "a type that is nested too deeply", (), start, end)
        return {"type": "array", "items": _alternatives(text, start + 1, end - 1, names, depth + 1)}
    if word in SCALARS:
        return dict(SCALARS[word])
    if word == "quote":
        return {"type": "string", "x-quote": True}
    if word in names:
        return names[word]
    if match := _FROM.fullmatch(word):
        return _taken_from(match, start)
    close = _ELSEWHERE.get(word.lower()) or suggest(word, [*SCALARS, "null", "quote", *names])
    if word.startswith(("{", "[")) or not _WORD.fullmatch(word):
        message = f"`{word:.60}` is not a type; for objects write a YAML mapping"
        raise TypeProblem("AS203", message, (), start, end)
    raise TypeProblem("AS303", f"there is no type `{word:.60}`", (), start, end, close)


def _taken_from(match: re.Match[str], start: int) -> Schema:
    kind, source = match.groups()
    begin = start + match.start(2)
    if kind not in _TAKEN:
        close = suggest(kind, _TAKEN)
        message = "only `quote`, `date`, `datetime`, `number` and `integer` can be taken `from` a text"
        raise TypeProblem("AS303", message, (), start, start + len(kind), close)
    if not _PATH.fullmatch(source):
        message = "`from` needs the name of a text, like `message.body`"
        raise TypeProblem("AS203", message, (), begin, begin + len(source))
    if kind == "quote":
        return {"type": "string", "x-quote": source}
    return {**SCALARS[kind], "x-from": source}


def _enumeration(words: list[tuple[str, tuple[int, int]]], names: Mapping[str, Schema], may_be_null: bool) -> Schema:
    found: list[str] = []
    for word, (start, end) in words:
        if word in SCALARS or word in names or word == "quote" or word.startswith("[") or _FROM.fullmatch(word):
            message = f"`{word:.60}` is a type: only words, or one type and `null`, can be joined by `|`"
            raise TypeProblem("AS203", message, (), start, end)
        if not _WORD.fullmatch(word):
            message = f"`{word:.60}` cannot be one of the words: letters, digits, blanks, `-`, `_` and the like"
            raise TypeProblem("AS203", message, (), start, end)
        if _NOT_A_WORD.fullmatch(word):
            message = f"`{word}` would be text here; for other values write `{{enum: [...]}}`"
            raise TypeProblem("AS203", message, (), start, end)
        if word in found:
            raise TypeProblem("AS203", f"the word `{word}` stands here twice", (), start, end)
        found.append(word)
    schema: dict[str, Any] = {"type": "string", "enum": found}
    return nullable(schema) if may_be_null else schema

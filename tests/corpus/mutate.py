"""Random single mistakes in good specs, and whether the checker sees each of them on its line."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentspec.plan import check
from agentspec.registry import Registry
from agentspec.spec.diagnostics import Diagnostic, SpecInvalid
from agentspec.spec.parse import parse
from agentspec.spec.source import Source
from agentspec.spec.text.document import Document
from agentspec.spec.text.loader import load, read

from .places import Place, places

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_OTHERS = ("banana", "velocity", "quorum", "lantern", "x9")
_WORDS = re.compile(r"\w+")
_NO_TYPES = ("str", "int", "text", "strng", "list", "Thing")
_OTHER_KINDS = {
    "text": ("[1, 2]", "{odd: 1}"),
    "number": ("several", "[1]", "{odd: 1}"),
    "duration": ("30", "soon", "[5s]"),
    "boolean": ("yes", "1"),
    "list": ("{odd: 1}", "word"),
    "mapping": ("[1, 2]", "word"),
    "expression": ("[1, 2]", "{odd: 1}"),
    "words": ("7", "{odd: 1}"),
    "type": ("7", "true", "[]"),
    "word": ("7", "[fail]"),
    "binding": ("7", "[fake/echo]"),
    "argument": ("{odd: 1}", "[{odd: 1}]"),
}
"""For what a field takes, values of another kind."""


@dataclass(frozen=True)
class Mutation:
    """A spec with one mistake: its kind, its line, what stood there, what stands there now."""

    path: Path
    kind: str
    line: int
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}  {self.kind}: {self.before!r} -> {self.after!r}"


@dataclass(frozen=True)
class Verdict:
    """A mutation, and the lines that the checker complains about."""

    mutation: Mutation
    lines: frozenset[int]

    @property
    def seen(self) -> bool:
        """Whether one of the messages stands at the changed line."""
        return self.mutation.line in self.lines


def mutations(paths: Sequence[Path], count: int, seed: int) -> list[Mutation]:
    """`count` mutations: a spec by chance, a kind of place in it by chance, a place of this kind by chance."""
    rng = random.Random(seed)
    documents = {path: load(read(path)) for path in paths}
    by_kind: dict[Path, dict[str, list[Place]]] = {}
    for path, document in documents.items():
        for place in places(document):
            by_kind.setdefault(path, {}).setdefault(place.kind, []).append(place)
    made: list[Mutation] = []
    while len(made) < count:
        path = rng.choice(paths)
        kinds = by_kind[path]
        mutation = mutate(path, documents[path], rng.choice(kinds[rng.choice(sorted(kinds))]), rng)
        if mutation is not None:
            made.append(mutation)
    return made


def mutate(path: Path, document: Document, place: Place, rng: random.Random) -> Mutation | None:
    """Make one mistake at a place; None where the file does not write the value as it reads."""
    found = _stretch(document, place)
    if found is None:
        return None
    start, end, line = found
    text = document.source.text
    before = text[start:end]
    after = rng.choice(_OTHER_KINDS[place.takes]) if place.takes else _renamed(before, place.kind, text, rng)
    shown = place.kind if not place.takes else f"value of {place.where[-1] if place.takes != 'type' else 'a type'}"
    joint = " " if place.takes and text[start - 1 : start] == ":" else ""
    kind = place.kind if not place.takes else f"value ({place.takes})"
    return Mutation(path, kind, line, f"{shown} {before[:60]}", after, text[:start] + joint + after + text[end:])


def _stretch(document: Document, place: Place) -> tuple[int, int, int] | None:
    """Offsets in the file of what is to be changed, and its line."""
    source, text = document.source, document.source.text
    key = document.key_span(place.where)
    span = key if place.at_key else document.span(place.where)
    if place.takes and isinstance(place.where[-1], str):
        # From behind the colon to the end of the value, so that a block becomes one word on the line of its key.
        start = source.starts[key.end_line - 1] + key.end_column
        end = source.starts[span.end_line - 1] + span.end_column - 1
        line = key.line
    else:
        if not place.at_key and not place.takes:
            span = document.inner_span(place.where, place.start, place.end)
        start, end = (source.starts[row - 1] + column - 1 for row, column in _corners(span))
        line = span.line
    piece = text[start:end]
    if start >= end or re.search(r"(?:^|\s)[&*]\w", text[max(0, start - 40) : end].split("\n")[-1]) or "*" in piece:
        return None
    if not place.takes and not re.fullmatch(r"[$\w.-]+", piece):
        return None
    return start, end, line


def _corners(span: object) -> tuple[tuple[int, int], tuple[int, int]]:
    return (span.line, span.column), (span.end_line, span.end_column)  # type: ignore[attr-defined]


def _renamed(word: str, kind: str, text: str, rng: random.Random) -> str:
    """Another word than all that the file has: a slip of the pen, or a different name."""
    taken = {one.casefold() for one in _WORDS.findall(text)}
    while True:
        choices = _NO_TYPES if kind == "type" and rng.random() < 0.5 else _OTHERS
        new = rng.choice(choices) if kind != "key" and rng.random() < 0.3 else _slip(word, rng)
        if new and new.casefold() not in taken and new != word and new.isidentifier():
            return new


def _slip(word: str, rng: random.Random) -> str:
    """A misspelling of one or two letters: one left out, doubled, swapped, wrong or too many."""
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(word)) if word else 0
        letter = rng.choice(_LETTERS)
        word = rng.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + word[at : at + 1] * 2 + word[at + 1 :],
                word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
                word[:at] + letter + word[at + 1 :],
                word[:at] + letter + word[at:],
            )
        )
    return word


def judge(mutation: Mutation, registry: Registry) -> Verdict:
    """Check a mutated spec."""
    lines = {one.span.line for one in _diagnostics(mutation, registry) if one.span and one.source.name == "mutated"}
    return Verdict(mutation, frozenset(lines))


def _diagnostics(mutation: Mutation, registry: Registry) -> Sequence[Diagnostic]:
    try:
        document = load(Source("mutated", mutation.text))
        return check(parse(document, mutation.path.parent), registry).diagnostics
    except SpecInvalid as error:
        return error.diagnostics

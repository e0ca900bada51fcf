"""Where the grounded words of a type stand: `quote`, `date from message.body`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentspec.api.messages import Schema
from agentspec.api.schema import grounded_parts
from agentspec.plan.texts import Texts
from agentspec.spec.source import Where

_NAME = re.compile(r"\w+")
_WORDS = {"date": "date", "date-time": "datetime"}


@dataclass(frozen=True, slots=True)
class Word:
    """A grounded word as a type says it: `kind` and, behind `from`, `source`, which is empty for a lone `quote`."""

    kind: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.kind} from {self.source}" if self.source else self.kind


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a string of the spec, given by offsets in it. `text` is the string."""

    where: Where
    start: int
    end: int
    text: str


def words_in(schema: Schema) -> list[Word]:
    """The grounded words of a type, each once."""
    return list(dict.fromkeys(_word(part) for part in grounded_parts(schema)))


def _word(part: Schema) -> Word:
    if "x-quote" in part:
        return Word("quote", part["x-quote"] if isinstance(part["x-quote"], str) else "")
    kind = str(part["type"])
    return Word(_WORDS[part["format"]] if kind == "string" else kind, part["x-from"])


class GroundedWords:
    """Finds words of a type in the spec, also in those types that it names.

    Args:
        raw: the type as it is written.
        where: its place.
        types: `types:` of the spec.
    """

    def __init__(self, raw: Any, where: Where, types: Mapping[str, Any]) -> None:
        self._where = where
        self._types = types
        self._strings = list(self._written(raw, where, set()))

    def _written(self, raw: Any, where: Where, seen: set[str]) -> Iterator[tuple[str, Where]]:
        """Every string of a type, with its place."""
        if isinstance(raw, str):
            yield raw, where
            for name in _NAME.findall(raw):
                if name in self._types and name not in seen:
                    seen.add(name)
                    yield from self._written(self._types[name], ("types", name), seen)
        elif isinstance(raw, Mapping):
            for key, item in raw.items():
                yield from self._written(item, (*where, key), seen)
        elif isinstance(raw, list):
            for number, item in enumerate(raw):
                yield from self._written(item, (*where, number), seen)

    def place(self, word: Word, *, whole: bool = False) -> Place | None:
        """Where a word stands, or its source if it has one and not the `whole` is meant; None where that is unknown."""
        behind = rf"\s+from\s+(?P<it>{re.escape(word.source)})(?![\w.\[])" if word.source else r"(?!\s+from\b)"
        sought = re.compile(rf"(?<![\w.])(?P<word>{word.kind}){behind}")
        for text, where in self._strings:
            if match := sought.search(text):
                start, end = match.span() if whole else match.span("it" if word.source else "word")
                return Place(where, start, end, text)
        return None

    def report(
        self,
        texts: Texts,
        word: Word,
        code: str,
        message: str,
        label: str,
        *,
        at: Place | None = None,
        fix: str | None = None,
    ) -> None:
        """Report a problem with a word where it stands, or with a part of it, `at`, which `fix` may replace."""
        _report_at(texts, at or self.place(word), self._where, code, message, label, fix)

    def report_use(self, texts: Texts, word: Word, code: str, message: str, label: str) -> None:
        """Report a word that may not stand here; of a type that is named here, the name."""
        place = self.place(word, whole=True)
        here = place is not None and place.where[: len(self._where)] == self._where
        _report_at(texts, place if here else None, self._where, code, message, label)


def _report_at(
    texts: Texts, place: Place | None, where: Where, code: str, message: str, label: str, fix: str | None = None
) -> None:
    if place is None:
        texts.report(code, message, where, label)
    else:
        texts.report_inside(code, message, place.where, place.start, place.end, label, fix)
    if texts.problems[-1] in texts.problems[:-1]:  # two nodes may answer with the same type
        texts.problems.pop()


def report_astray(texts: Texts, raw: Any, where: Where, types: Mapping[str, Any], schema: Schema) -> None:
    """Report grounded words in a type that is not that of a model's answer."""
    words = GroundedWords(raw, where, types)
    for word in words_in(schema):
        message = f"`{word}` says what a model may take from its prompt, and `{where[-1]}` is no model's answer"
        words.report_use(texts, word, "AS442", message, f"write `{_plain(word)}` here")


def _plain(word: Word) -> str:
    return "string" if word.kind == "quote" else word.kind

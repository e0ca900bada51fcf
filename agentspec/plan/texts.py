"""Expressions of a spec on their way to functions: parsed, typed, located, compiled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentspec.api.messages import Schema
from agentspec.api.schema import closed_object
from agentspec.plan.fits import misfit, name, null_misfit
from agentspec.plan.infer import TypeProblem, follow, infer, union
from agentspec.plan.scope import Scope
from agentspec.plan.work import Compiled
from agentspec.spec.diagnostics import Diagnostic, Note, did_you_mean
from agentspec.spec.expressions import Expression, check, compile_expression, plain_references
from agentspec.spec.report import Reporter
from agentspec.spec.source import Source, Span, Where
from agentspec.spec.text.document import Document


@dataclass(frozen=True, slots=True)
class Text:
    """A string of the spec that may hold expressions, and where it stands.

    Attributes:
        bare: the whole text is an expression, with or without `${{ }}`.
        statements: `{% %}` is allowed.
        file: the file that the text comes from, when it is not the spec itself.
    """

    raw: str
    where: Where
    bare: bool = False
    statements: bool = False
    file: Source | None = None


class Texts(Reporter):
    """Parses each text once, and reports what is wrong with it once. `types` are those that the spec names."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self.types: Mapping[str, Schema] = {}
        self._parsed: dict[Text, Expression | None] = {}
        self._reported: set[tuple[str, str, Span, str, str]] = set()

    def parse(self, text: Text) -> Expression | None:
        """The expression in a text; None when it has none that can be used."""
        if text not in self._parsed:
            expression, problems = check(text.raw, bare=text.bare, statements=text.statements)
            for problem in problems:
                label = did_you_mean(problem.suggestion)
                fix = problem.suggestion if problem.code == "AS307" else None  # elsewhere it is no word to put there
                self._report_at(text, problem.code, problem.message, problem.start, problem.end, label, fix)
            self._parsed[text] = expression
        return self._parsed[text]

    def compiled(self, text: Text, scope: Scope) -> tuple[Compiled, Schema]:
        """The function and the type of a text; a broken one gives an unknown type."""
        expression = self.parse(text)
        if expression is None:
            problems = [one for found in plain_references(text.raw) for one in follow(found, scope, text.raw)[1]]
            self._report_types(text, problems)
            return _nothing, {}
        schema, found = infer(expression, scope)
        self._report_types(text, found)
        return compile_expression(expression), schema

    def _report_types(self, text: Text, problems: Iterable[TypeProblem]) -> None:
        for one in problems:
            note = None if one.owner is None or text.file is not None else self._definition(one.owner)
            self._report_at(text, one.code, one.message, one.start, one.end, one.label, one.fix, note)

    def _definition(self, owner: Schema) -> Note | None:
        """Where a type that the spec names is written."""
        for word, schema in self.types.items():
            if schema == owner:
                where = ("types", word)
                text = f"the fields of `{word}` are defined here"
                return Note(self.document.key_span(where), text, self.document.source_at(where))
        return None

    def value(self, raw: Any, where: Where, scope: Scope) -> tuple[Compiled, Schema]:
        """The function and the type of any value, with expressions in its strings."""
        if isinstance(raw, str):
            if "${{" not in raw and "{%" not in raw:
                return _constant(raw), {"const": raw}
            return self.compiled(Text(raw, where, statements=True), scope)
        if isinstance(raw, Mapping):
            parts = {key: self.value(item, (*where, key), scope) for key, item in raw.items()}
            schema = closed_object({key: part[1] for key, part in parts.items()})
            return _object({key: part[0] for key, part in parts.items()}), schema
        if isinstance(raw, list):
            items = [self.value(item, (*where, index), scope) for index, item in enumerate(raw)]
            return _list([item[0] for item in items]), {"type": "array", "items": union(item[1] for item in items)}
        return _constant(raw), {"const": raw}

    def texts_in(self, raw: Any, where: Where) -> Iterator[Text]:
        """Every string with expressions inside a value."""
        if isinstance(raw, str):
            if "${{" in raw or "{%" in raw:
                yield Text(raw, where, statements=True)
        elif isinstance(raw, Mapping):
            for key, item in raw.items():
                yield from self.texts_in(item, (*where, key))
        elif isinstance(raw, list):
            for index, item in enumerate(raw):
                yield from self.texts_in(item, (*where, index))

    def expect(self, given: Schema, wanted: Schema, what: str, where: Where) -> None:
        """Report a value that cannot fit, or that may be null where null does not fit."""
        reason = misfit(given, wanted)
        if reason:
            self.report("AS308", f"{what} must be {name(wanted)}, {reason}", where)
        elif (inside := null_misfit(given, wanted)) is not None:
            subject = f"`{inside}` of {what}" if inside else what
            self.report("AS310", f"{subject} may be null here", where, "give a value for that case: `| default(…)`")

    def unskipped(self, text: Text, scope: Scope) -> None:
        """Report references to nodes that may have been skipped, where nothing can be skipped in turn."""
        expression = self.parse(text)
        for reference in expression.references if expression else ():
            word = str(reference.path[0])
            if word == "meta" and len(reference.path) > 1:
                word = str(reference.path[1])
            if not reference.guarded and scope.may_be_skipped(word):
                message = f"`{word}` may have been skipped when this is read"
                self._report_at(text, "AS310", message, reference.start, reference.end, "add `| default(…)`")

    def _report_at(
        self,
        text: Text,
        code: str,
        message: str,
        start: int,
        end: int,
        label: str,
        fix: str | None = None,
        note: Note | None = None,
    ) -> None:
        if text.file is not None:
            source, span = text.file, _span_in(text.raw, start, end)
        else:
            source, span = self.document.source_at(text.where), self.document.inner_span(text.where, start, end)
        this = (code, message, span, source.name, label)
        if this not in self._reported:
            self._reported.add(this)
            notes = () if note is None else (note,)
            self.problems.append(Diagnostic(code, message, source, span, label, notes, fix=fix))


def _span_in(text: str, start: int, end: int) -> Span:
    line = text.count("\n", 0, start) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    end_line = text.count("\n", 0, end) + 1
    end_column = end - (text.rfind("\n", 0, end) + 1) + 1
    return Span(line, column, end_line, end_column)


def _nothing(lookup: Any) -> None:
    return None


def _constant(value: Any) -> Compiled:
    return lambda lookup: value


def _object(parts: Mapping[str, Compiled]) -> Compiled:
    pairs = tuple(parts.items())
    return lambda lookup: {key: part(lookup) for key, part in pairs}


def _list(items: list[Compiled]) -> Compiled:
    parts = tuple(items)
    return lambda lookup: [part(lookup) for part in parts]

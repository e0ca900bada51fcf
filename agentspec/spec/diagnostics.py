"""Located messages about a spec: what they hold, their order, and their forms for programs.

The form for people is in `frames.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from agentspec.api.errors import AgentspecError, Exit
from agentspec.spec.frames import Frame, Mark, closing_line, harmless
from agentspec.spec.frames import render as render_frame
from agentspec.spec.source import Source, Span

_LONGEST_WORD = 80


class Severity(StrEnum):
    """Errors keep a spec from running, warnings do not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Note:
    """A second place in the same file, and what it has to do with the problem."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem.

    Attributes:
        code: a key of `agentspec.api.codes.CODES`.
        message: what is wrong, one sentence, without a full stop.
        span: where; None when the file as a whole is meant.
        label: what to say beside the caret.
        fix: the text that could stand in place of the span, when exactly one is safe.
    """

    code: str
    message: str
    source: Source
    span: Span | None
    label: str = ""
    notes: tuple[Note, ...] = ()
    severity: Severity = Severity.ERROR
    fix: str | None = None

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Order by place in the file; problems of the file as a whole come first."""
        line, column = (self.span.line, self.span.column) if self.span else (0, 0)
        return self.source.name, line, column, self.code, self.message


class SpecInvalid(AgentspecError):
    """A spec that cannot run. `code` is that of the first diagnostic.

    Attributes:
        diagnostics: all problems found, at least one.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], *, hint: str | None = None) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda diagnostic: diagnostic.sort_key))
        first = self.diagnostics[0]
        more = f" (and {len(self.diagnostics) - 1} more)" if len(self.diagnostics) > 1 else ""
        super().__init__(harmless(f"{place(first)}: {first.message}{more}"), hint=hint)
        self.code = first.code
        self.exit = exit_code(self.diagnostics)


def exit_code(diagnostics: Iterable[Diagnostic]) -> Exit:
    """The exit code that diagnostics ask for: a spec that lacks only a plugin is not called invalid."""
    errors = [one.code for one in diagnostics if one.severity is Severity.ERROR]
    if not errors:
        return Exit.OK
    return Exit.MISSING if set(errors) <= {"AS501", "AS502"} else Exit.SPEC_INVALID


def place(diagnostic: Diagnostic) -> str:
    """Return `file:line:column`, or the file's name alone."""
    name = diagnostic.source.name
    return f"{name}:{diagnostic.span.line}:{diagnostic.span.column}" if diagnostic.span else name


def render(diagnostic: Diagnostic) -> str:
    """Return the message for people: plain text of several lines, safe to print to a terminal."""
    marks: list[Mark] = []
    if diagnostic.span:
        marks = [Mark(diagnostic.span, diagnostic.label, "^")]
        marks += [Mark(note.span, note.text, "-") for note in diagnostic.notes]
    head = f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}"
    return render_frame(Frame(head, place(diagnostic), diagnostic.code, diagnostic.source, tuple(marks)))


def render_all(diagnostics: Iterable[Diagnostic]) -> str:
    """Return all messages in the order of the file, and a line that counts them."""
    ordered = sorted(diagnostics, key=lambda diagnostic: diagnostic.sort_key)
    errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in ordered)
    blocks = [render(diagnostic) for diagnostic in ordered]
    return "\n\n".join([*blocks, closing_line(errors, len(ordered) - errors)])


def as_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return the message as plain data; the places are null when the file as a whole is meant."""
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "file": diagnostic.source.name,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end_line": span.end_line if span else None,
        "end_column": span.end_column if span else None,
        "label": diagnostic.label,
        "docs": f"agentspec explain {diagnostic.code}",
    }


def github(diagnostic: Diagnostic) -> str:
    """Return the message as one GitHub Actions workflow command, which makes an annotation of it."""
    properties = {"file": diagnostic.source.name}
    if span := diagnostic.span:
        properties |= {"line": str(span.line), "endLine": str(span.end_line), "col": str(span.column)}
        if span.end_line == span.line:
            properties["endColumn"] = str(max(span.column, span.end_column - 1))
    properties["title"] = diagnostic.code
    written = ",".join(f"{name}={_escape(value, ':,')}" for name, value in properties.items())
    message = f"{diagnostic.message}: {diagnostic.label}" if diagnostic.label else diagnostic.message
    return f"::{diagnostic.severity.value} {written}::{_escape(message, '')}"


def _escape(text: str, more: str) -> str:
    escaped = "".join(f"%{ord(char):02X}" if char in "%\r\n" + more else char for char in text)
    return harmless(escaped)


def suggest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that was probably meant, or None when none is close enough."""
    if not word or len(word) > _LONGEST_WORD:
        return None
    known = {name.casefold(): name for name in candidates if name != word and len(name) <= _LONGEST_WORD}
    folded = word.casefold()
    if folded in known:
        return known[folded]
    if close := difflib.get_close_matches(folded, known, n=1, cutoff=0.72):
        return known[close[0]]
    longer = [name for name in known if len(folded) >= 3 and name.startswith(folded)]
    return known[longer[0]] if len(longer) == 1 else None

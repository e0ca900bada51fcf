"""Located messages about a spec: what they hold, their order, and how they are shown to people.

The forms for programs are in `formats`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agentspec.api.errors import AgentspecError, Exit
from agentspec.spec.frames import Frame, Mark, closing_line, harmless
from agentspec.spec.frames import render as render_frame
from agentspec.spec.source import Source, Span

_LONGEST_WORD = 80
_MOST_COMPARED = 100


class Severity(StrEnum):
    """Errors keep a spec from running, warnings do not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Note:
    """A second place, in the same file unless `source` names another, and what it has to do with the problem."""

    span: Span
    text: str
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem.

    Attributes:
        code: a key of `agentspec.api.codes.CODES`.
        message: what is wrong, one sentence, without a full stop.
        span: where; None when the file as a whole is meant.
        label: what to say beside the caret.
        fix: the one word that was probably meant instead of the word at `span`; quotes around that stay.
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

    @property
    def sentence(self) -> str:
        """The message and its label in one line."""
        return f"{self.message}: {self.label}" if self.label else self.message


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
        marks += [Mark(note.span, note.text, "-", note.source) for note in diagnostic.notes]
    head = f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}"
    return render_frame(Frame(head, place(diagnostic), diagnostic.code, diagnostic.source, tuple(marks)))


def render_all(diagnostics: Iterable[Diagnostic]) -> str:
    """Return all messages in the order of the file, and a line that counts them."""
    ordered = sorted(diagnostics, key=lambda diagnostic: diagnostic.sort_key)
    errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in ordered)
    blocks = [render(diagnostic) for diagnostic in ordered]
    return "\n\n".join([*blocks, closing_line(errors, len(ordered) - errors)])


def did_you_mean(close: str | None, otherwise: str = "") -> str:
    """Return the words that offer what `suggest` found, or others where it found nothing."""
    return f"did you mean `{close}`?" if close else otherwise


def suggest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that was probably meant, or None: none is close enough, or two are within one edit.

    Of very many candidates only some are compared by likeness: a file may have as many mistakes as names.
    """
    if not word or len(word) > _LONGEST_WORD:
        return None
    names = sorted(name for name in set(candidates) if name != word and len(name) <= _LONGEST_WORD)
    near = [name for name in names if one_edit(word, name)]
    if len(near) > 1:
        return None
    names = near or names[:_MOST_COMPARED]
    known = {name.casefold(): name for name in names}
    folded = word.casefold()
    if folded in known:
        return known[folded]
    if close := difflib.get_close_matches(folded, known, n=1, cutoff=0.72):
        return known[close[0]]
    longer = [name for name in known if len(folded) >= 3 and name.startswith(folded)]
    return known[longer[0]] if len(longer) == 1 else None


def one_edit(word: str, other: str) -> bool:
    """Whether a letter that is missing, added or wrong, or two that are swapped, make one word of the other."""
    if abs(len(word) - len(other)) > 1:
        return False
    while word and other and word[0] == other[0]:
        word, other = word[1:], other[1:]
    while word and other and word[-1] == other[-1]:
        word, other = word[:-1], other[:-1]
    return max(len(word), len(other)) <= 1 or (len(word) == 2 and word == other[::-1])

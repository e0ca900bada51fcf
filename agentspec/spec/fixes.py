"""Safe corrections of a spec: a misspelt word is replaced where it stands, and everything else stays.

A correction is *safe* when

- the text at the diagnostic's span is one word, quoted or not, and the known word differs from it by one edit (a
  letter missing, added or wrong, or two swapped) or only in case; `suggest` sees to it that no other does;
- after it, that problem is gone and no new one is there; problems that could not be seen before, because the shape of
  the file was wrong, are not new;
- the file would not be as good if the known word were misspelt, and the wrong one right: a name that is declared once
  and read once may be misspelt at either place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agentspec.spec.diagnostics import Diagnostic, one_edit
from agentspec.spec.source import Source, Span

_MOST = 50
"""So many corrections are tried at a time: each may cost a check of the file, or a few."""
_MOST_PLACES = 10
"""At so many places the known word is held to be the misspelt one."""
_WORD = re.compile(r"""(["']?)([\w./-]+)\1""")
_DECLARED = frozenset({"AS301", "AS302", "AS303", "AS304", "AS305", "AS312"})
"""Codes about names that the file itself may declare."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """`new` in place of the word `old`, which stands at `span`, a part of one line."""

    span: Span
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found. `complete`: the shape was right, so that names and types could be checked, too."""

    problems: Sequence[Diagnostic]
    complete: bool


@dataclass(frozen=True, slots=True)
class Fixed:
    """A text after its corrections, in the order in which they were made, and what is still wrong with it."""

    source: Source
    replacements: tuple[Replacement, ...]
    outcome: Outcome


Check = Callable[[Source], Outcome]
_Step = tuple[Diagnostic, Replacement]


def replacement(diagnostic: Diagnostic) -> Replacement | None:
    """Return what the fix of a diagnostic replaces; None without a fix, or when no such word stands at the span."""
    span, source, fix = diagnostic.span, diagnostic.source, diagnostic.fix
    if span is None or fix is None or span.line != span.end_line or span.line > len(source.lines):
        return None
    match = _WORD.fullmatch(source.lines[span.line - 1][span.column - 1 : span.end_column - 1])
    if match is None or not _WORD.fullmatch(fix):
        return None
    word = match[2]
    if not one_edit(word, fix) and word.casefold() != fix.casefold():
        return None
    column = span.column + len(match[1])
    return Replacement(Span(span.line, column, span.line, column + len(word)), word, fix)


def fix(source: Source, check: Check) -> Fixed:
    """Make every safe correction. `check` is called for each text that is tried."""
    check = lru_cache(_MOST)(check)  # one misspelling at many places asks for the same texts again
    fixed = Fixed(source, (), check(source))
    while True:
        better = _try(fixed, _steps(fixed, check), check)
        if better is fixed:
            return fixed
        fixed = better


def _steps(fixed: Fixed, check: Check) -> list[_Step]:
    """The corrections to try, from the end of the text to its start, so that the places of the others stay right."""
    found: dict[tuple[int, int], list[_Step]] = {}
    for problem in fixed.outcome.problems:
        step = replacement(problem) if problem.source == fixed.source else None
        if step is not None:
            found.setdefault((step.span.line, step.span.column), []).append((problem, step))
    agreed = {place: steps[0] for place, steps in found.items() if len({step.new for _, step in steps}) == 1}
    steps = [agreed[place] for place in sorted(agreed)[:_MOST]]
    return [one for one in reversed(steps) if not _may_be_right(fixed, *one, check)]


def _may_be_right(fixed: Fixed, problem: Diagnostic, step: Replacement, check: Check) -> bool:
    """Whether the wrong word would do, if the known one were spelt like it where that is declared."""
    if problem.code not in _DECLARED:
        return False
    pairs = zip(step.old.split("."), step.new.split("."), strict=False)
    old, new = next(((old, new) for old, new in pairs if old != new), (step.old, step.new))
    text = fixed.source.text
    for start in _declarations(text, new)[:_MOST_PLACES]:
        other = Source(fixed.source.name, text[:start] + old + text[start + len(new) :])
        if _is_better(fixed.outcome, check(other), [problem]):
            return True
    return False


def _declarations(text: str, word: str) -> list[int]:
    """Offsets at which a word stands and so may be declared, keys first."""
    found = re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)(?=([\"']?\s*:)?)", text)
    return [match.start() for match in sorted(found, key=lambda match: match[1] is None)]


def _try(fixed: Fixed, steps: list[_Step], check: Check) -> Fixed:
    """Make the corrections that help: all at once or, where that does not help, each half by itself."""
    if not steps:
        return fixed
    source = _replaced(fixed.source, [step for _, step in steps])
    outcome = check(source)
    if _is_better(fixed.outcome, outcome, [problem for problem, _ in steps]):
        return Fixed(source, (*fixed.replacements, *(step for _, step in steps)), outcome)
    if len(steps) == 1:
        return fixed
    middle = len(steps) // 2
    return _try(_try(fixed, steps[:middle], check), steps[middle:], check)


def _is_better(before: Outcome, after: Outcome, fixed: Iterable[Diagnostic]) -> bool:
    there, still = _counted(before.problems), _counted(after.problems)
    gone = all(there[place] - still[place] >= count for place, count in _counted(fixed).items())
    if before.complete == after.complete:
        return gone and still <= there
    return gone and after.complete


def _counted(problems: Iterable[Diagnostic]) -> Counter[tuple[str, str, int]]:
    """Problems by code, file and line: a correction moves columns, and messages may tell of other places."""
    return Counter((one.code, one.source.name, one.span.line if one.span else 0) for one in problems)


def _replaced(source: Source, steps: Iterable[Replacement]) -> Source:
    text = source.text
    for step in steps:
        start = source.starts[step.span.line - 1] + step.span.column - 1
        text = text[:start] + step.new + text[start + len(step.old) :]
    return Source(source.name, text)

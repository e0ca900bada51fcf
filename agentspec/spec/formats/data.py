"""JSON that is safe to print to a terminal, and diagnostics as such."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from agentspec.spec.diagnostics import Diagnostic, Note
from agentspec.spec.fixes import replacement
from agentspec.spec.frames import harmless
from agentspec.spec.source import Source, Span

_NOT_ASCII = re.compile(r"[^\x00-\x7e]")


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Return a list with one object per diagnostic, as JSON text that is safe to print to a terminal."""
    return dumps([as_data(one) for one in diagnostics])


def as_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return the message as plain data; the places are null when the file as a whole is meant.

    `fix` replaces the text at the places that it names, which are those of the word without its quotes.
    """
    found = replacement(diagnostic)
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": harmless(diagnostic.message),
        "file": diagnostic.source.name,
        **_places(diagnostic.span),
        "label": harmless(diagnostic.label),
        "notes": [_note(note, diagnostic.source) for note in diagnostic.notes],
        "fix": None if found is None else {"text": found.new, **_places(found.span)},
        "docs": f"agentspec explain {diagnostic.code}",
    }


def dumps(data: Any, indent: int | None = 2) -> str:
    """Return JSON in which every character that a terminal could obey is an escape; letters stay as they are."""
    return _NOT_ASCII.sub(_escaped, json.dumps(data, ensure_ascii=False, indent=indent))


def _escaped(match: re.Match[str]) -> str:
    char = match.group()
    return char if char.isprintable() else json.dumps(char)[1:-1]


def _note(note: Note, source: Source) -> dict[str, Any]:
    return {"message": harmless(note.text), "file": (note.source or source).name, **_places(note.span)}


def _places(span: Span | None) -> dict[str, int | None]:
    return {
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end_line": span.end_line if span else None,
        "end_column": span.end_column if span else None,
    }

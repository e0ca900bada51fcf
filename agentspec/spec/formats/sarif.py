"""Diagnostics as SARIF 2.1.0 (OASIS standard, "Static Analysis Results Interchange Format")."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from agentspec.api.codes import CODES
from agentspec.api.version import VERSION
from agentspec.spec.diagnostics import Diagnostic
from agentspec.spec.fixes import replacement
from agentspec.spec.formats.data import dumps
from agentspec.spec.formats.files import is_file, uri
from agentspec.spec.frames import harmless
from agentspec.spec.source import Span

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def as_sarif(diagnostics: Iterable[Diagnostic], folder: Path, page: Callable[[str], str]) -> str:
    """Return a log with one run as JSON text.

    Args:
        diagnostics: the results, in this order.
        folder: files below it are named relative to it, others by an absolute URI.
        page: gives the docs page of a code.
    """
    results = list(diagnostics)
    codes = sorted({one.code for one in results})
    rules = [_rule(code, page(code)) for code in codes]
    run = {
        "tool": {"driver": {"name": "agentspec", "version": VERSION, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "newlineSequences": ["\r\n", "\n", "\r"],
        "results": [_result(one, codes.index(one.code), folder) for one in results],
    }
    return dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str, page: str) -> dict[str, Any]:
    return {"id": code, "shortDescription": {"text": CODES[code]}, "help": {"text": page, "markdown": page}}


def _result(diagnostic: Diagnostic, rule: int, folder: Path) -> dict[str, Any]:
    name = diagnostic.source.name
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity.value,
        "message": {"text": harmless(diagnostic.sentence)},
    }
    if not is_file(name):
        result["locations"] = [{"logicalLocations": [{"name": name}]}]
        return result
    file = {"uri": uri(name, folder)}
    result["locations"] = [_location(file, diagnostic.span)]
    if diagnostic.notes:
        result["relatedLocations"] = [
            {
                "id": number,
                **_location({"uri": uri(note.source.name, folder)} if note.source else file, note.span),
                "message": {"text": harmless(note.text)},
            }
            for number, note in enumerate(diagnostic.notes, 1)
        ]
    if found := replacement(diagnostic):
        change = {"deletedRegion": _region(found.span), "insertedContent": {"text": found.new}}
        result["fixes"] = [
            {
                "description": {"text": f"Replace `{found.old}` by `{found.new}`"},
                "artifactChanges": [{"artifactLocation": file, "replacements": [change]}],
            }
        ]
    return result


def _location(file: dict[str, str], span: Span | None) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": file}
    if span is not None:
        physical["region"] = _region(span)
    return {"physicalLocation": physical}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }

"""Diagnostics as GitHub Actions workflow commands, which make annotations of them."""

from __future__ import annotations

from pathlib import Path

from agentspec.spec.diagnostics import Diagnostic
from agentspec.spec.formats.files import is_file, relative
from agentspec.spec.frames import harmless


def as_github(diagnostic: Diagnostic, folder: Path) -> str:
    """Return the message as one line. Files below `folder` are named as seen from there."""
    name = diagnostic.source.name
    properties = {}
    if is_file(name):
        properties["file"] = relative(name, folder) or name
        if span := diagnostic.span:
            properties |= {"line": str(span.line), "endLine": str(span.end_line), "col": str(span.column)}
            if span.end_line == span.line:
                properties["endColumn"] = str(max(span.column, span.end_column - 1))
    properties["title"] = diagnostic.code
    written = ",".join(f"{key}={_escape(value, ':,')}" for key, value in properties.items())
    return f"::{diagnostic.severity.value} {written}::{_escape(diagnostic.sentence, '')}"


def _escape(text: str, more: str) -> str:
    escaped = "".join(f"%{ord(char):02X}" if char in "%\r\n" + more else char for char in text)
    return harmless(escaped)

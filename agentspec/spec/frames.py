"""The form of a message for people: heading, place, the source lines with their marks, docs.

Whatever the file holds, the result is safe to print: control characters, direction marks and broken
characters appear as escapes, long lines are cut around the mark, and wide characters stay aligned.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from agentspec.spec.source import Source, Span

_WIDTH = 96
"""Columns of a source line that are shown at most."""
_TAB = "→   "


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch to underline with `sign`, and the words beside it; `source` is its file, if not the frame's."""

    span: Span
    text: str
    sign: str
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """What `render` draws: the first mark is the problem itself, the others are notes."""

    heading: str
    place: str
    code: str
    source: Source
    marks: tuple[Mark, ...]


def render(frame: Frame) -> str:
    """Return the frame as text, without a line break at its end."""
    shown = [mark for mark in frame.marks if mark.span.line <= len((mark.source or frame.source).lines)]
    gutter = max((len(str(mark.span.line)) for mark in shown), default=1)
    blank = " " * gutter
    out = [harmless(frame.heading), f"{blank}--> {harmless(frame.place)}"]
    if shown:
        out.append(f"{blank} |")
    line_before, current = None, frame.source
    for mark in shown:
        line, source = mark.span.line, mark.source or frame.source
        if source != current:
            out += [f"{blank}::: {harmless(source.name)}:{line}:{mark.span.column}", f"{blank} |"]
            line_before, current = None, source
        text, underline = _excerpt(source.lines[line - 1], mark)
        if line != line_before:
            if line_before is not None and line != line_before + 1:
                out.append(f"{blank}...")
            out.append(f"{line:>{gutter}} | {text}".rstrip())
        elif len(source.lines[line - 1]) > _WIDTH // 2:
            out.append(f"{blank} | {text}".rstrip())  # a long line may be cut elsewhere for this mark
        out.append(f"{blank} | {underline}".rstrip())
        line_before = line
    out.append(f"{blank} = docs: agentspec explain {frame.code}")
    return "\n".join(out)


def closing_line(errors: int, warnings: int) -> str:
    """Return the line that counts what was found."""
    if not errors and not warnings:
        return "no problems found"
    counts = [(errors, "error"), (warnings, "warning")]
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count)


def harmless(text: str) -> str:
    """Return `text` without anything that a terminal would obey: such characters become escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    if char == "\t":
        return _TAB
    if char in "\r\n":
        return "\\r" if char == "\r" else "\\n"
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _width(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _shown_width(char: str) -> int:
    return sum(map(_width, _visible(char)))


def _first_shown(line: str, start: int, end: int) -> int:
    """Return the index of the first character to show: 0 when the mark then still fits on the line."""
    if end <= _WIDTH and sum(map(_shown_width, line[:end])) <= _WIDTH:
        return 0
    room = _WIDTH // 3
    while start and room > 0:
        start -= 1
        room -= _shown_width(line[start])
    return start


def _excerpt(line: str, mark: Mark) -> tuple[str, str]:
    """Return the part of the line around the mark, and the underline with its words."""
    start = min(mark.span.column - 1, len(line))
    end = len(line.rstrip()) if mark.span.end_line > mark.span.line else mark.span.end_column - 1
    end = max(start + 1, min(end, len(line)))
    first = last = _first_shown(line, start, end)
    room = _WIDTH
    widths = []
    while last < len(line):
        width = _shown_width(line[last])
        if width > room:
            break
        room -= width
        widths.append(width)
        last += 1
    text = ("…" if first else "") + harmless(line[first:last]) + ("…" if last < len(line) else "")
    before = (1 if first else 0) + sum(widths[: start - first])
    length = sum(widths[start - first : end - first])
    return text, f"{' ' * before}{mark.sign * max(1, length)} {harmless(mark.text)}"

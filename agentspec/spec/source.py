"""A file's text and places in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

Where = tuple[str | int, ...]
"""A place in the data of a document: keys and indices from its root."""

_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text. Lines and columns count from 1, columns in characters; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Source:
    """A text and the name under which people know it.

    Attributes:
        folder: what file names in it are relative to; None means the folder of the spec.
    """

    name: str
    text: str
    folder: Path | None = field(default=None, compare=False, repr=False)

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their line breaks; the text after the last break counts as one."""
        return _BREAK.split(self.text)

    @cached_property
    def starts(self) -> list[int]:
        """Offset of the first character of every line."""
        return [0, *(match.end() for match in _BREAK.finditer(self.text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset into the text."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """Return the span between two offsets into the text; offsets beyond it are moved to its end."""
        line, column = self.place(start)
        end_line, end_column = self.place(max(start, end))
        return Span(line, column, end_line, end_column)

"""The fenced blocks of a Markdown page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HERE = "# <- here"


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, the words behind it, its text, and where it begins in the page."""

    page: Path
    language: str
    words: tuple[str, ...]
    text: str
    line: int

    @property
    def marked_line(self) -> int:
        """The line of the text that bears the mark."""
        marked = [number for number, line in enumerate(self.text.split("\n"), 1) if HERE in line]
        assert len(marked) == 1, f"{self.page.name}:{self.line} needs one `{HERE}`, it has {len(marked)}"
        return marked[0]

    def __str__(self) -> str:
        return f"{self.page.stem}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, match[1], tuple(match[2].split()), match[3], text.count("\n", 0, match.start()) + 1)
        for match in _FENCE.finditer(text)
    ]

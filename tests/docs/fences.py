"""The fenced blocks and tables of a Markdown page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")
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
        assert len(marked) == 1, f"{self} needs one `{HERE}`, it has {len(marked)}"
        return marked[0]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page that the tests guard."""
    found = [ROOT / "README.md", *ROOT.glob("plugins/*/README.md"), *ROOT.glob("agents/*/README.md")]
    return [*sorted(found), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, match[1], tuple(match[2].split()), match[3], text.count("\n", 0, match.start()) + 1)
        for match in _FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def section(page: Path, heading: str) -> str:
    """What stands between a heading and the next one of its level or above."""
    lines = prose(page).split("\n")
    start = lines.index(heading) + 1
    level = heading.count("#", 0, heading.index(" "))
    ends = [at for at, line in enumerate(lines) if at >= start and re.match(rf"#{{1,{level}}} ", line)]
    return "\n".join(lines[start : ends[0] if ends else len(lines)])


def codes(text: str, column: int = 0) -> set[str]:
    """What stands in backticks in one column of the tables of a text."""
    found: set[str] = set()
    for line in text.split("\n"):
        cells = re.split(r"(?<!\\)\|", line)
        if line.startswith("| ") and len(cells) > column + 2:
            found.update(_CODE.findall(cells[column + 1]))
    return found

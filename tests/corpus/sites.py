"""Which messages of the checker the corpus provokes: `python -m tests.corpus.sites`.

A message has one place in the checker's source: a call that reports it, or a row of the table of YAML problems.
A place counts as provoked when its line runs while the broken specs are checked.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import agentspec
from agentspec.spec.expressions import examine
from agentspec.spec.text import yaml_errors

from .expected import PLUGIN, bad_specs, diagnostics

SOURCE = Path(agentspec.__file__).parent
FLOORS = ("spec", "plan")
_REPORTS = frozenset(
    {"report", "report_unknown", "report_inside", "Diagnostic", "TypeProblem", "ExpressionProblem"}
    | {"PydanticCustomError", "NumberRefused"}
    | {"_invalid", "_stop", "_refuse", "_add", "_report_at", "_TooMuch", "_unknown", "_diagnostic"}
)
"""Functions and classes that are given the text of a message."""


@dataclass(frozen=True, order=True)
class Site:
    """A place in the source where a message is made."""

    file: str
    line: int
    text: str = ""

    def __str__(self) -> str:
        return f"agentspec/{self.file}:{self.line}  {self.text}"


def sites() -> list[Site]:
    """Every place where the checker makes a message, with a piece of the message."""
    files = [file for floor in FLOORS for file in (SOURCE / floor).rglob("*.py")]
    return sorted(
        Site(path.relative_to(SOURCE).as_posix(), node.lineno, text)
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _called(node) in _REPORTS and (text := _words(node))
    )


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _words(node: ast.Call) -> str:
    """The longest constant text among the arguments: the message itself, not its code or a key."""
    texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    names = [part.id for part in node.args if isinstance(part, ast.Name)]
    longest = max([text for text in texts if " " in text], key=len, default="")
    return longest or ("(" + ", ".join(names) + ")" if {"text", "message"} & set(names) else "")


def lines_that_ran(work: Callable[[], object], wanted: Iterable[Site]) -> set[Site]:
    """Do `work` and return the sites whose lines ran. Functions without a site are left at full speed."""
    by_file: dict[str, dict[int, list[Site]]] = defaultdict(dict)
    for site in wanted:
        by_file[str(SOURCE / site.file)].setdefault(site.line, []).append(site)
    ran: set[Site] = set()
    inside: dict[CodeType, dict[int, list[Site]]] = {}

    def line(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            ran.update(inside[frame.f_code].get(frame.f_lineno, ()))
        return line

    def call(frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code not in inside:
            here = by_file.get(code.co_filename, {})
            inside[code] = {number: here[number] for _, _, number in code.co_lines() if number in here}
        return line if inside[code] else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        work()
    finally:
        sys.settrace(before)
    return ran


def hints(messages: set[str]) -> Iterator[tuple[str, bool]]:
    """The rows of the table of YAML problems, and whether one of the messages comes from each."""
    for words, message, _ in yaml_errors._HINTS:
        yield f"{message} ({words})", message in messages


def missed() -> tuple[list[str], int]:
    """The messages that no broken spec provokes, and how many messages there are."""
    messages: set[str] = set()

    def check_all() -> None:
        for path in bad_specs():
            messages.update(one.message for one in diagnostics(path))

    examine._cached.cache_clear()  # what was read before would not be read again
    everything = sites()
    ran = lines_that_ran(check_all, everything)
    left = [str(site) for site in everything if site not in ran]
    rows = list(hints(messages))
    left += [f"agentspec/spec/text/yaml_errors.py  {row}" for row, hit in rows if not hit]
    return left, len(everything) + len(rows)


def main() -> None:
    """Print the messages that are missing, by file, and the share that is provoked."""
    sys.path.insert(0, str(PLUGIN))
    left, count = missed()
    by_file: dict[str, list[str]] = defaultdict(list)
    for one in left:
        by_file[one.split(":")[0]].append(one)
    for name in sorted(by_file):
        print("\n".join(by_file[name]))
    print(f"{count - len(left)} of {count} messages provoked: {(count - len(left)) / count:.1%}")


if __name__ == "__main__":
    main()

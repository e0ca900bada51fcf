"""Which messages of the checker the corpus provokes: `python -m tests.corpus.sites`.

A message has one place in the checker's source: a call that reports it, or a row of the table of YAML problems.
A place counts as provoked when its line runs while the broken specs are checked.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import agentspec

SOURCE = Path(agentspec.__file__).parent
FLOORS = ("spec", "plan")
_REPORTS = frozenset(
    {"report", "report_unknown", "report_inside", "Diagnostic", "TypeProblem", "ExpressionProblem"}
    | {"PydanticCustomError", "NumberRefused"}
    | {"_invalid", "_stop", "_refuse", "_add", "_report_at", "_TooMuch", "_unknown"}
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
    found = []
    for path in sorted(file for floor in FLOORS for file in (SOURCE / floor).rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _called(node) in _REPORTS and (text := _words(node)):
                found.append(Site(name, node.lineno, text))
    return sorted(found)


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _words(node: ast.Call) -> str:
    """The longest constant text among the arguments: the message itself, not its code or a key."""
    texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    names = [part.id for part in node.args if isinstance(part, ast.Name)]
    longest = max([text for text in texts if " " in text], key=len, default="")
    return longest or ("(" + ", ".join(names) + ")" if {"text", "message"} & set(names) else "")


def run_lines(work: Callable[[], object]) -> set[tuple[str, int]]:
    """Do `work` and return the lines of the checker's source that ran."""
    ran: set[tuple[str, int]] = set()
    names: dict[CodeType, str | None] = {}
    ours = tuple(str(SOURCE / floor) for floor in FLOORS)

    def line(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            ran.add((names[frame.f_code] or "", frame.f_lineno))
        return line

    def call(frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code not in names:
            inside = code.co_filename.startswith(ours)
            names[code] = Path(code.co_filename).relative_to(SOURCE).as_posix() if inside else None
        return line if names[code] else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        work()
    finally:
        sys.settrace(before)
    return ran


def hints(messages: set[str]) -> Iterator[tuple[str, bool]]:
    """The rows of the table of YAML problems, and whether one of the messages comes from each."""
    from agentspec.spec.text import yaml_errors

    for words, message, _ in yaml_errors._HINTS:
        yield f"{message} ({words})", message in messages


def missed() -> tuple[list[str], int]:
    """The messages that no broken spec provokes, and how many messages there are."""
    from tests.corpus.expected import bad_specs, diagnostics

    messages: set[str] = set()

    def check_all() -> None:
        for path in bad_specs():
            messages.update(one.message for one in diagnostics(path))

    ran = run_lines(check_all)
    everything = sites()
    left = [str(site) for site in everything if (site.file, site.line) not in ran]
    rows = list(hints(messages))
    return left + [f"agentspec/spec/text/yaml_errors.py  {row}" for row, hit in rows if not hit], len(everything) + len(
        rows
    )


def main() -> None:
    """Print the messages that are missing, by file, and the share that is provoked."""
    from tests.corpus.expected import PLUGIN

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

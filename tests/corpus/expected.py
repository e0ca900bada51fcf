"""What a file of the corpus must give: read from its own comments, or from a file beside it.

A comment stands at the end of the line that is wrong. Columns count from 1, the end is exclusive; an end on
another line is written with its line:

    sort: {lm: smal, prompt: Hello}  # <- AS304 @ 14-18
    read: [                          # <- AS203 @ 9-12:4, AS403 @ 3-7

A file that cannot bear comments has `NAME.expect` beside it, with one problem per line: code, the other file
if it is one, place; the code alone for the file as a whole. Options of the command line are given by a comment
`# check: --profile NAME --bind MODEL=USE`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agentspec.plan import check
from agentspec.registry import Registry
from agentspec.spec.diagnostics import Diagnostic, SpecInvalid
from agentspec.spec.parse import parse_file

HERE = Path(__file__).parent
PLUGIN = HERE / "plugin"

_MARK = re.compile(r"# <- (AS\d{3} @ .*)$")
_PLACE = re.compile(r"(AS\d{3}) @ (\d+)-(?:(\d+):)?(\d+)")
_OPTIONS = re.compile(r"^# check: (.*)$", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Expected:
    """One problem: where, as `file:line:column-line:column`, and its code."""

    place: str
    code: str

    def __str__(self) -> str:
        return f"{self.code} {self.place}"


def bad_specs() -> list[Path]:
    """Every broken spec, those included that are missing on purpose. Files in `parts/` belong to others."""
    folder = HERE / "bad"
    found = {*folder.rglob("*.yaml"), *(path.with_suffix(".yaml") for path in folder.rglob("*.expect"))}
    return sorted(path for path in found if path.parent.name != "parts")


def good_specs() -> list[Path]:
    """Every good spec; files in `parts/` belong to others."""
    return sorted((HERE / "good").glob("*.yaml"))


def expected(path: Path) -> list[Expected]:
    """The problems that the spec is made for."""
    beside = path.with_suffix(".expect")
    if beside.exists():
        return sorted(_beside(path, beside.read_text(encoding="utf-8")))
    return sorted(_marked(path, path.read_text(encoding="utf-8")))


def _marked(path: Path, text: str) -> Iterator[Expected]:
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if match := _MARK.search(line):
            for code, start, end_line, end in _PLACE.findall(match[1]):
                yield Expected(f"{path.name}:{number}:{start}-{end_line or number}:{end}", code)


def _beside(path: Path, text: str) -> Iterator[Expected]:
    for line in text.split("\n"):
        words = line.split()
        if words and not words[0].startswith("#"):
            name = words[1] if len(words) > 2 else path.name
            yield Expected(f"{name}:{words[-1]}" if len(words) > 1 else name, words[0])


def shown(messages: Iterable[Diagnostic], path: Path) -> list[Expected]:
    """Messages of the checker in the form of what is expected; other files by their names from the spec's folder."""
    return sorted(_shown(one, path) for one in messages)


def _shown(one: Diagnostic, path: Path) -> Expected:
    name = one.source.name
    if Path(name).is_absolute():
        name = Path(name).resolve().relative_to(path.parent.resolve()).as_posix()
    span = one.span
    place = f":{span.line}:{span.column}-{span.end_line}:{span.end_column}" if span else ""
    return Expected(f"{name}{place}", one.code)


def diagnostics(path: Path) -> tuple[Diagnostic, ...]:
    """Everything that `agentspec check` says about a file."""
    try:
        profile, bind = _options(path)
        return check(parse_file(path), Registry(), profile=profile, bind=bind).diagnostics
    except SpecInvalid as error:
        return error.diagnostics


def _options(path: Path) -> tuple[str | None, dict[str, str]]:
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    words: Iterable[str] = [word for line in _OPTIONS.findall(text) for word in line.split()]
    named = list(zip(words, list(words)[1:], strict=False))
    profile = next((value for key, value in named if key == "--profile"), None)
    bind = dict(value.split("=", 1) for key, value in named if key == "--bind")
    return profile, bind

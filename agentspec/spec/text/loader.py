"""From a file to data with places: strict, capped, and safe on any bytes.

The YAML parser makes nodes, `nodes.build` makes data of them. Caps hold before anything large is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import yaml
from yaml import MappingNode, Node

from agentspec.spec.collector import collector_resting
from agentspec.spec.diagnostics import Diagnostic, SpecInvalid
from agentspec.spec.source import Source, Span
from agentspec.spec.text.document import Document
from agentspec.spec.text.nodes import MAX_DEPTH, MAX_NODES, build
from agentspec.spec.text.yaml_errors import text_problem

MAX_BYTES = 1_000_000
_MOST_PROBLEMS = 100
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_REASONS: dict[type[Exception], str] = {
    FileNotFoundError: "there is no such file",
    IsADirectoryError: "it is a folder",
    PermissionError: "it may not be read",
}
_NO_SPAN = Span(1, 1, 1, 1)
_NOTED: ContextVar[dict[Path, str] | None] = ContextVar("noted", default=None)


@contextmanager
def noting_files() -> Iterator[dict[Path, str]]:
    """Note the SHA-256 of every file that is read inside, by its absolute path."""
    noted: dict[Path, str] = {}
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def _note(path: Path, content: bytes) -> None:
    noted = _NOTED.get()
    if noted is not None:
        import hashlib

        noted[path.resolve()] = hashlib.sha256(content).hexdigest()


def read(path: Path) -> Source:
    """Read a file. Raises `SpecInvalid`: AS110 (not readable), AS102 (too large), AS101 (not UTF-8)."""
    name = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = _REASONS.get(type(error), "it cannot be opened")
        raise _invalid("AS110", f"the file cannot be read: {reason}", Source(name, "")) from error
    if len(content) > MAX_BYTES:
        raise _invalid("AS102", f"the file is larger than {MAX_BYTES:,} bytes", Source(name, ""))
    _note(path, content)
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        return Source(name, content.decode("utf-8"))
    except UnicodeDecodeError as error:
        source = Source(name, content.decode("utf-8", errors="replace"))
        start = len(content[: error.start].decode("utf-8"))
        message = f"the file is not UTF-8 text: byte 0x{content[error.start]:02x} is out of place"
        span = source.span(start, start + 1)
        raise SpecInvalid([Diagnostic("AS101", message, source, span, "save the file as UTF-8")]) from error


def load(source: Source) -> Document:
    """Parse a file's text. Raises `SpecInvalid` with every problem of the text that can be found."""
    if len(source.text) > MAX_BYTES:
        raise _invalid("AS102", f"the file is larger than {MAX_BYTES:,} bytes", source)
    if problems := _unprintable(source):
        raise SpecInvalid(problems)
    with collector_resting():
        root = _compose(source)
        if root is None:
            raise _invalid("AS108", "the file is empty", source, _NO_SPAN)
        if not isinstance(root, MappingNode):
            raise _invalid("AS108", "the file holds no mapping", source, source.span(root.start_mark.index, 0))
        document = Document(source, {}, root)
        data, problems = build(document)
    if problems:
        raise SpecInvalid(problems[:_MOST_PROBLEMS])
    document.data.update(data)
    return document


def _invalid(code: str, message: str, source: Source, span: Span | None = None) -> SpecInvalid:
    return SpecInvalid([Diagnostic(code, message, source, span)])


def _unprintable(source: Source) -> list[Diagnostic]:
    return [
        Diagnostic(
            "AS103",
            f"the character U+{ord(match.group()):04X} may not stand in a spec",
            source,
            source.span(match.start(), match.end()),
            "remove it, or write it as an escape in double quotes",
        )
        for match, _ in zip(_UNPRINTABLE.finditer(source.text), range(10), strict=False)
    ]


class _TooMuch(Exception):
    """The parser met too many levels or values; carries the node that it was in."""

    def __init__(self, code: str, message: str, node: Node | None) -> None:
        self.code, self.message, self.place = code, message, node.start_mark.index if node else 0


class _Light:
    """What both parsers share: no guessing of tags, and caps that hold while parsing.

    The composer written in C recurses without a limit of its own: `[[[[…` would end the process.
    """

    depth = 0
    count = 0

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        return ""

    def descend_resolver(self, parent: Any, index: Any) -> None:
        self.depth += 1
        self.count += 1
        if self.depth > MAX_DEPTH:
            raise _TooMuch("AS107", f"the file is nested more than {MAX_DEPTH} levels deep", parent)
        if self.count > MAX_NODES:
            raise _TooMuch("AS106", f"the file holds more than {MAX_NODES:,} values", parent)

    def ascend_resolver(self) -> None:
        self.depth -= 1


class PythonParser(_Light, yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer):
    """The parser for platforms without libyaml."""

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        yaml.composer.Composer.__init__(self)


_parsers: list[Any] = [PythonParser]
if yaml.__with_libyaml__:
    from yaml.cyaml import CParser  # type: ignore[attr-defined]

    class CompiledParser(_Light, CParser):
        """The parser of libyaml."""

    _parsers.insert(0, CompiledParser)


def _compose(source: Source) -> Node | None:
    try:
        node: Node | None = _parsers[0](source.text).get_single_node()
        return node
    except _TooMuch as error:
        raise _invalid(error.code, error.message, source, source.span(error.place, error.place + 1)) from None
    except yaml.YAMLError as error:
        raise SpecInvalid([text_problem(source, error)]) from error

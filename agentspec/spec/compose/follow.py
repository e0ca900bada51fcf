"""Follows `extends:` and `include:` from file to file, and makes one document of them all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentspec.spec.compose.merge import merged, without
from agentspec.spec.compose.places import NotAllowed, locate, project_of, shown
from agentspec.spec.diagnostics import Diagnostic, Note, SpecInvalid
from agentspec.spec.report import Reporter
from agentspec.spec.source import Where
from agentspec.spec.text.document import Document
from agentspec.spec.text.loader import MAX_BYTES, load, read
from agentspec.spec.text.nodes import MAX_NODES
from agentspec.spec.version import report_foreign

KEYS = ("extends", "include")
SHARED = ("types", "models", "tools")
"""What an included file may have."""
MAX_FILES = 50
"""How often files are named, in all files of a spec together."""
MAX_LEVELS = 10


def compose(document: Document, folder: Path) -> Document:
    """Return a document with all that it extends and includes; one that does neither is returned as it is.

    Args:
        document: the spec that was asked for.
        folder: the folder that it lies in.

    Raises `SpecInvalid` with every problem of the files and of their names.
    """
    if not document.data.keys() & set(KEYS):
        return document
    composer = _Composer(project_of(folder))
    own = (folder / Path(document.source.name).name).resolve()
    whole = composer.whole(document, folder, (own,))
    if not composer.problems and _size(whole.data) > MAX_NODES:
        problem = f"the spec and the files that it names hold more than {MAX_NODES:,} values"
        composer.report(document, "AS106", problem, (next(key for key in KEYS if key in document.data),))
    if composer.problems:
        raise SpecInvalid(composer.problems)
    return whole


class _Composer:
    """Loads each file once. `trail` is always the files that led to the one in hand, itself included."""

    def __init__(self, project: Path) -> None:
        self.problems: list[Diagnostic] = []
        self._project = project
        self._done: dict[tuple[Path, str], Document | None] = {}
        self._named = 0
        self._room = 2 * MAX_BYTES

    def report(self, document: Document, code: str, message: str, where: Where, label: str = "", **more: Any) -> None:
        """Add a problem at a place of one of the files."""
        reporter = Reporter(document)
        reporter.report(code, message, where, label, **more)
        self.problems += reporter.problems

    def whole(self, document: Document, folder: Path, trail: tuple[Path, ...]) -> Document:
        """Return a file with all that it extends and includes."""
        bases = list(self._files(document, "extends", folder, trail))
        included = list(self._files(document, "include", folder, trail))
        own = without(document, KEYS)
        for other in included:
            self._report_twice(own, other)
            own = merged(without(other, ("agentspec",)), own)
        result = None
        for base in bases:
            result = base if result is None else merged(result, base)
        return own if result is None else merged(result, own)

    def _files(self, document: Document, key: str, folder: Path, trail: tuple[Path, ...]) -> Iterator[Document]:
        raw = document.data.get(key)
        names = raw if isinstance(raw, list) else [] if raw is None else [raw]
        for index, name in enumerate(names):
            where: Where = (key, index) if isinstance(raw, list) else (key,)
            self._named += 1
            if not isinstance(name, str):
                self.report(document, "AS203", f"`{key}` must be the name of a file, or a list of names", where)
            elif self._named == MAX_FILES + 1:
                self.report(document, "AS213", f"files are named more than {MAX_FILES} times", where)
            elif self._named <= MAX_FILES:
                found = self._file(name, document, where, folder, trail)
                if found is not None:
                    yield found

    def _file(
        self, name: str, document: Document, where: Where, folder: Path, trail: tuple[Path, ...]
    ) -> Document | None:
        """Return the file behind a name with all that it names in turn; None when that is reported."""
        key = str(where[0])
        try:
            path = locate(name, folder, self._project)
        except NotAllowed as error:
            code, label = ("AS211", "a spec names files of its own project") if error.outside else ("AS210", "")
            self.report(document, code, f"`{name}` cannot be used: {error}", where, label)
            return None
        if path in trail:
            circle = [one.name for one in (*trail[trail.index(path) :], path)]
            self.report(document, "AS212", f"files name each other in a circle: {' -> '.join(circle)}", where)
        elif len(trail) > MAX_LEVELS:
            self.report(document, "AS213", f"files name each other more than {MAX_LEVELS} levels deep", where)
        else:
            if (path, key) not in self._done:
                self._done[path, key] = self._loaded(name, path, document, where, trail)
            return self._done[path, key]
        return None

    def _loaded(
        self, name: str, path: Path, document: Document, where: Where, trail: tuple[Path, ...]
    ) -> Document | None:
        try:
            source = replace(read(path), name=shown(name, document.source.name), folder=path.parent)
            self._room -= len(source.text)
            if self._room < 0:
                limit = f"the files that a spec names hold more than {2 * MAX_BYTES:,} characters"
                self.report(document, "AS213", limit, where)
                return None
            found = load(source)
        except SpecInvalid as error:
            self._add_unreadable(error, name, document, where)
            return None
        reporter = Reporter(found)
        if report_foreign(reporter):
            self.problems += reporter.problems
            return None
        if where[0] == "include" and self._report_more_than_shared(found):
            return None
        return self.whole(found, path.parent, (*trail, path))

    def _add_unreadable(self, error: SpecInvalid, name: str, document: Document, where: Where) -> None:
        """A file that cannot be opened is a problem where it is named; one that holds no spec has its own."""
        if error.code == "AS110":
            reason = error.diagnostics[0].message.removeprefix("the file cannot be read: ")
            self.report(document, "AS210", f"`{name}` cannot be read: {reason}", where)
        else:
            self.problems += error.diagnostics

    def _report_more_than_shared(self, document: Document) -> bool:
        more = [key for key in document.data if key not in (*SHARED, "include", "agentspec")]
        for key in more:
            text = f"an included file has no `{key}`"
            label = "only `types`, `models` and `tools`; what has more is for `extends:`"
            self.report(document, "AS214", text, (key,), label, key=True)
        return bool(more)

    def _report_twice(self, own: Document, other: Document) -> None:
        """Report names that a file and one that it includes both define, each in its own way."""
        for section in SHARED:
            mine, theirs = own.data.get(section, {}), other.data.get(section, {})
            if not isinstance(mine, dict) or not isinstance(theirs, dict):
                wrong = other if isinstance(mine, dict) else own
                self.report(wrong, "AS203", f"`{section}` must be a mapping", (section,))
                continue
            for name in theirs.keys() & mine.keys():
                where: Where = (section, name)
                if mine[name] != theirs[name]:
                    second = Note(other.key_span(where), "and here, in another way", other.source_at(where))
                    problem = f"`{name}` is defined twice under `{section}:`"
                    source, span = own.source_at(where), own.key_span(where)
                    self.problems.append(Diagnostic("AS215", problem, source, span, "defined here", (second,)))


def _size(data: Any) -> int:
    """Count the values in data, each as often as it is named; more than the limit is not counted to its end."""
    count, waiting = 0, [data]
    while waiting and count <= MAX_NODES:
        item = waiting.pop()
        count += 1
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return count

"""Older files become files of this version of the language.

A migration is a list of edits of the text at the places that the parser gives. So comments, order, quotes, styles
and line breaks stay as they are, to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from agentspec.api.version import LANGUAGE_VERSION
from agentspec.spec.diagnostics import SpecInvalid
from agentspec.spec.report import Reporter
from agentspec.spec.source import Source
from agentspec.spec.text.document import Document
from agentspec.spec.text.loader import load
from agentspec.spec.version import is_old, report_foreign


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """`new` in place of the characters `start` to `end` (exclusive) of a text."""

    start: int
    end: int
    new: str


Migration = Callable[[Document], Iterator[Edit]]


def migrate(source: Source) -> Source:
    """Return the file in this version of the language; one that is already in it is returned as it is.

    Raises `SpecInvalid` for a file that cannot be read as YAML, and for one of a later version.
    """
    document = load(source)
    while (version := _version(document)) != LANGUAGE_VERSION:
        source = replace(source, text=_edited(source.text, MIGRATIONS[version](document)))
        document = load(source)
    return source


def _version(document: Document) -> int:
    version = document.data.get("agentspec")
    if (version is None and "agentspec_version" not in document.data) or is_old(version):
        return 0
    reporter = Reporter(document)
    if report_foreign(reporter):
        raise SpecInvalid(reporter.problems)
    return LANGUAGE_VERSION


def _edited(text: str, edits: Iterator[Edit]) -> str:
    for edit in sorted(set(edits), reverse=True):  # an alias leads to the same place twice
        text = text[: edit.start] + edit.new + text[edit.end :]
    return text


# From the drafts before version 1: no version or another one, `llm:` and `model:`, `outputs:`, `{{ x }}`.

_TEMPLATE = re.compile(r"(?<![${])\{\{(?=\s*[A-Za-z_(][^{}]*\}\})")
_LM = ("llm", "model")
_KINDS = ("lm", "tool", "controller")


def _from_draft(document: Document) -> Iterator[Edit]:
    root, text = document.root, document.source.text
    found = _pairs(root)
    if "agentspec" in found:
        version = found["agentspec"][1]
        yield Edit(version.start_mark.index, version.end_mark.index, "1" if version.value else " 1")
    elif root.flow_style:
        yield Edit(root.start_mark.index + 1, root.start_mark.index + 1, "agentspec: 1, ")
    else:
        line_break = "\r\n" if "\r\n" in text else "\n"
        yield Edit(root.start_mark.index, root.start_mark.index, f"agentspec: 1{line_break}")
    yield from _block(root)
    yield from _templates(text, root, set())


def _block(node: Node) -> Iterator[Edit]:
    """Edits of a mapping that may have `nodes:`, and of all nodes in it."""
    found = _pairs(node)
    if "outputs" in found and "result" not in found:
        yield _renamed(found["outputs"][0], "result")
    for _, child in _pairs(found["nodes"][1]).values() if "nodes" in found else ():
        yield from _node(child)


def _node(node: Node) -> Iterator[Edit]:
    found = _pairs(node)
    old = [key for key in _LM if key in found]
    if len(old) == 1 and not any(kind in found for kind in _KINDS):
        yield _renamed(found[old[0]][0], "lm")
    if "controller" in found or "nodes" in found:
        yield from _block(node)
    cases = found["cases"][1] if "cases" in found else None
    branches = [child for _, child in _pairs(cases).values()] if isinstance(cases, MappingNode) else []
    branches += cases.value if isinstance(cases, SequenceNode) else []
    branches += [found["default"][1]] if "default" in found else []
    for branch in branches if "controller" in found else ():
        yield from _node(branch)


def _templates(text: str, node: Node, seen: set[int]) -> Iterator[Edit]:
    """Edits of every `{{ x }}` inside a text; aliases are followed once."""
    if isinstance(node, ScalarNode):
        for match in _TEMPLATE.finditer(text, node.start_mark.index, node.end_mark.index):
            yield Edit(match.start(), match.start(), "$")
    elif id(node) not in seen:
        seen.add(id(node))
        for child in node.value:
            for part in child if isinstance(child, tuple) else (child,):
                yield from _templates(text, part, seen)


def _renamed(key: Node, new: str) -> Edit:
    return Edit(key.start_mark.index, key.end_mark.index, new)


def _pairs(node: Node) -> Mapping[str, tuple[Node, Any]]:
    return {key.value: (key, value) for key, value in node.value} if isinstance(node, MappingNode) else {}


MIGRATIONS: Mapping[int, Migration] = {0: _from_draft}
"""By version: the edits that make a file of that version one of the next."""

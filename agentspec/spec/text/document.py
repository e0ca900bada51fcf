"""The data of a file, and where each part of it stands.

Places are computed when they are asked for: a file without problems never needs most of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from yaml import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from agentspec.spec.source import Source, Span, Where

_PROPERTIES = re.compile(r"&\S+\s+")
_OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")

Pair = tuple[Node, Node]


class Origin(NamedTuple):
    """The file that a part of a composed document was written in, and the parser's node for it there."""

    source: Source
    node: Node


class _Found(NamedTuple):
    key: Node | None
    node: Node
    source: Source


@dataclass(frozen=True)
class Document:
    """A loaded file, or several made into one.

    Attributes:
        source: the file; of several, the one that was asked for.
        data: plain JSON data: dict with string keys, list, str, int, float, bool, None.
        origins: by `id` of a node, where it was written, for nodes that stand in another file than the node
            around them or that were made by merging. Empty for a single file.
    """

    source: Source
    data: dict[str, Any]
    root: MappingNode = field(repr=False, compare=False)
    origins: dict[int, Origin] = field(default_factory=dict, repr=False, compare=False)
    _keys: dict[int, dict[str, Pair]] = field(default_factory=dict, repr=False, compare=False)

    def source_at(self, where: Where) -> Source:
        """Return the file that a value was written in."""
        return self._find(where).source

    def span(self, where: Where) -> Span:
        """Return the place of a value; where the path leads nowhere, that of its deepest existing part."""
        _, node, source = self._find(where)
        return self.node_span(node, source)

    def key_span(self, where: Where) -> Span:
        """Return the place of the key of a value; for an item of a list, that of the item."""
        key, node, source = self._find(where)
        return self.node_span(key or node, source)

    def inner_span(self, where: Where, start: int, end: int) -> Span:
        """Return the place of the characters `start` to `end` (exclusive) of a text value.

        Where the file writes the text in another way than it reads (folded lines, escapes), the place of the
        whole value is returned.
        """
        _, node, source = self._find(where)
        if isinstance(node, ScalarNode):
            value = node.value
            start, end = max(0, min(start, len(value))), max(0, min(end, len(value)))
            if node.style == "|":
                first = _in_block(source, node, start)
                last = first if end <= start else _in_block(source, node, end - 1)
                if first is not None and last is not None:
                    return source.span(first, last + (end > start))
            else:
                close = node.end_mark.index - (1 if node.style in ("'", '"') else 0)
                begin = close - len(value)
                if begin >= _start(source, node) and source.text[begin:close] == value:
                    return source.span(begin + start, begin + max(start, end))
        return self.node_span(node, source)

    def node_span(self, node: Node, source: Source | None = None) -> Span:
        """Return the place of a node of the parser; `source` is its file, if not that of the document."""
        source = source or self.source
        return source.span(_start(source, node), _end(source, node))

    def _find(self, where: Where) -> _Found:
        key: Node | None = None
        node: Node = self.root
        source = self.source
        for step in where:
            if isinstance(node, MappingNode):
                pair = self._pairs(node).get(str(step))
                if pair is None:
                    break
                key, node = pair
            elif isinstance(node, SequenceNode) and isinstance(step, int) and -1 < step < len(node.value):
                key, node = None, node.value[step]
            else:
                break
            if self.origins and (origin := self.origins.get(id(node))):
                source = origin.source
        origin = self.origins.get(id(node))
        return _Found(key, origin.node if origin else node, source)

    def _pairs(self, node: MappingNode) -> dict[str, Pair]:
        found = self._keys.get(id(node))
        if found is None:
            found = {key.value: (key, value) for key, value in reversed(node.value) if isinstance(key, ScalarNode)}
            self._keys[id(node)] = found
        return found


def _in_block(source: Source, node: ScalarNode, offset: int) -> int | None:
    """Map an offset in the value of a literal block to one in the file, if the lines correspond."""
    header = source.place(node.start_mark.index)[0]
    before = node.value[:offset]
    number = before.count("\n")
    begin = before.rfind("\n") + 1
    line = node.value[begin:].split("\n", 1)[0]
    if header + number >= len(source.lines) or _OTHER_BREAKS.search(before + line):
        return None
    raw = source.lines[header + number]
    if not raw.endswith(line):
        return None
    found: int = source.starts[header + number] + len(raw) - len(line) + offset - begin
    return found


def _start(source: Source, node: Node) -> int:
    start: int = node.start_mark.index
    if source.text.startswith("&", start) and (match := _PROPERTIES.match(source.text, start)):
        return min(match.end(), node.end_mark.index)
    return start


def _end(source: Source, node: Node) -> int:
    """Return where a node ends; the parser's own mark of a block lies behind blank lines and comments."""
    while isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        if isinstance(last, tuple):
            last = last[1] if last[1].end_mark.index > last[0].end_mark.index else last[0]
        if last.end_mark.index > node.end_mark.index or last.start_mark.index < node.start_mark.index:
            break  # an alias: it stands elsewhere
        node = last
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, ScalarNode) and node.style in ("'", '"'):
        return int(end)
    return int(start + len(source.text[start:end].rstrip()))

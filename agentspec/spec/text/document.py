"""The data of a file, and where each part of it stands.

Places are computed when they are asked for: a file without problems never needs most of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from yaml import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from agentspec.spec.source import Source, Span, Where

_PROPERTIES = re.compile(r"&\S+\s+")
_OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")

Pair = tuple[Node, Node]


@dataclass(frozen=True)
class Document:
    """A loaded file.

    Attributes:
        data: plain JSON data: dict with string keys, list, str, int, float, bool, None.
    """

    source: Source
    data: dict[str, Any]
    root: MappingNode = field(repr=False, compare=False)
    _keys: dict[int, dict[str, Pair]] = field(default_factory=dict, repr=False, compare=False)

    def span(self, where: Where) -> Span:
        """Return the place of a value; where the path leads nowhere, that of its deepest existing part."""
        return self.node_span(self._find(where)[1])

    def key_span(self, where: Where) -> Span:
        """Return the place of the key of a value; for an item of a list, that of the item."""
        key, node = self._find(where)
        return self.node_span(key or node)

    def inner_span(self, where: Where, start: int, end: int) -> Span:
        """Return the place of the characters `start` to `end` (exclusive) of a text value.

        Where the file writes the text in another way than it reads (folded lines, escapes), the place of the
        whole value is returned.
        """
        node = self._find(where)[1]
        if isinstance(node, ScalarNode):
            value = node.value
            start, end = max(0, min(start, len(value))), max(0, min(end, len(value)))
            if node.style == "|":
                first = self._in_block(node, start)
                last = first if end <= start else self._in_block(node, end - 1)
                if first is not None and last is not None:
                    return self.source.span(first, last + (end > start))
            else:
                close = node.end_mark.index - (1 if node.style in ("'", '"') else 0)
                begin = close - len(value)
                if begin >= self._start(node) and self.source.text[begin:close] == value:
                    return self.source.span(begin + start, begin + max(start, end))
        return self.node_span(node)

    def node_span(self, node: Node) -> Span:
        """Return the place of a node of the parser."""
        return self.source.span(self._start(node), self._end(node))

    def _in_block(self, node: ScalarNode, offset: int) -> int | None:
        """Map an offset in the value of a literal block to one in the file, if the lines correspond."""
        header = self.source.place(node.start_mark.index)[0]
        before = node.value[:offset]
        number = before.count("\n")
        begin = before.rfind("\n") + 1
        line = node.value[begin:].split("\n", 1)[0]
        if header + number >= len(self.source.lines) or _OTHER_BREAKS.search(before + line):
            return None
        raw = self.source.lines[header + number]
        if not raw.endswith(line):
            return None
        found: int = self.source.starts[header + number] + len(raw) - len(line) + offset - begin
        return found

    def _find(self, where: Where) -> tuple[Node | None, Node]:
        key: Node | None = None
        node: Node = self.root
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
        return key, node

    def _pairs(self, node: MappingNode) -> dict[str, Pair]:
        found = self._keys.get(id(node))
        if found is None:
            found = {key.value: (key, value) for key, value in reversed(node.value) if isinstance(key, ScalarNode)}
            self._keys[id(node)] = found
        return found

    def _start(self, node: Node) -> int:
        start: int = node.start_mark.index
        if self.source.text.startswith("&", start) and (match := _PROPERTIES.match(self.source.text, start)):
            return min(match.end(), node.end_mark.index)
        return start

    def _end(self, node: Node) -> int:
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
        return int(start + len(self.source.text[start:end].rstrip()))

"""Two documents become one. Data and the parser's nodes are merged in step, so that places stay right."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from yaml import MappingNode, Node

from agentspec.spec.source import Source
from agentspec.spec.text.document import Document, Origin


def merged(base: Document, over: Document) -> Document:
    """Lay one document over another.

    Mappings are merged key by key, the keys of `base` first. Anything else of `over` takes the place of what
    `base` has under that key; null takes the key away. What both have stands, for messages, where `over` has it.
    """
    merger = _Merger(base, over)
    part = merger.merge(_Part(base.root, base.data, base.source), _Part(over.root, over.data, over.source))
    assert isinstance(part.node, MappingNode), "two mappings make a mapping"
    return Document(over.source, part.data, part.node, merger.origins)


def without(document: Document, keys: Collection[str]) -> Document:
    """Return a document without some of its outermost keys."""
    if not document.data.keys() & keys:
        return document
    data = {key: value for key, value in document.data.items() if key not in keys}
    root = MappingNode("", [(key, value) for key, value in document.root.value if key.value not in keys])
    written = document.origins.get(id(document.root), Origin(document.source, document.root))
    return Document(document.source, data, root, {**document.origins, id(root): written})


class _Part(NamedTuple):
    """A value on its way into a composed document."""

    node: Node
    data: Any
    source: Source


class _Merger:
    def __init__(self, base: Document, over: Document) -> None:
        self.origins = {**base.origins, **over.origins}

    def merge(self, base: _Part, over: _Part) -> _Part:
        pairs = dict(self._parts(base))
        for name, (key, part) in self._parts(over):
            old = pairs[name][1] if name in pairs else None
            if old is not None and part.data is None and old.data is not None:
                del pairs[name]
            elif old is not None and isinstance(old.data, dict) and isinstance(part.data, dict):
                pairs[name] = key, self.merge(old, part)
            else:
                pairs[name] = key, part
        node = MappingNode("", [(key, part.node) for key, part in pairs.values()])
        self.origins[id(node)] = self._origin(over)
        for _, part in pairs.values():
            self.origins[id(part.node)] = self._origin(part)
        return _Part(node, {name: part.data for name, (_, part) in pairs.items()}, over.source)

    def _parts(self, part: _Part) -> list[tuple[str, tuple[Node, _Part]]]:
        found = []
        for key, node in part.node.value:
            origin = self.origins.get(id(node))
            source = origin.source if origin else part.source
            found.append((key.value, (key, _Part(node, part.data[key.value], source))))
        return found

    def _origin(self, part: _Part) -> Origin:
        return self.origins.get(id(part.node)) or Origin(part.source, part.node)

"""From YAML nodes to plain data, refusing what YAML allows and specs do not."""

from __future__ import annotations

from typing import Any

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from agentspec.spec.diagnostics import Diagnostic, Note
from agentspec.spec.text.document import Document
from agentspec.spec.text.scalars import NumberRefused, plain

MAX_NODES = 100_000
MAX_DEPTH = 64

_CORE_TAG = "tag:yaml.org,2002:"


def build(document: Document) -> tuple[Any, list[Diagnostic]]:
    """Return the data of a document's root, and the problems found on the way."""
    builder = _Builder(document)
    return builder.build(document.root, 1), builder.problems


class _Builder:
    """Turns nodes into data, and collects what specs do not allow."""

    def __init__(self, document: Document) -> None:
        self.problems: list[Diagnostic] = []
        self._document = document
        self._aliases = "*" in document.source.text
        self._done: dict[int, tuple[Any, int, int]] = {}
        self._open: set[int] = set()
        self._count = 0
        self._deepest = 0
        self._stopped = False

    def build(self, node: Node, depth: int) -> Any:
        """Return the data of a node that stands `depth` levels deep."""
        self._count += 1
        if node.tag:
            self._refuse_tag(node)
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if not self._aliases:
            return self._container(node, depth)
        return self._shared(node, depth)

    def _shared(self, node: Node, depth: int) -> Any:
        """Build a container that aliases may name again: once, but counted as often as it is named."""
        if self._stopped:
            return None
        if id(node) in self._open:
            self._stop("AS106", node, "this value contains itself through an alias")
            return None
        known = self._done.get(id(node))
        if known is None:
            count, deepest = self._count, self._deepest
            self._deepest = depth
            self._open.add(id(node))
            data = self._container(node, depth)
            self._open.discard(id(node))
            known = data, self._count - count, self._deepest - depth
            self._done[id(node)] = known
            self._deepest = max(deepest, self._deepest)
        else:
            self._count += known[1]
            self._deepest = max(self._deepest, depth + known[2])
        if self._deepest > MAX_DEPTH:
            self._stop("AS107", node, f"aliases nest the file more than {MAX_DEPTH} levels deep")
        elif self._count > MAX_NODES:
            self._stop("AS106", node, f"aliases expand to more than {MAX_NODES:,} values")
        return known[0]

    def _container(self, node: Node, depth: int) -> Any:
        if self._aliases:
            self._deepest = max(self._deepest, depth)
        if isinstance(node, SequenceNode):
            return [self.build(item, depth + 1) for item in node.value]
        assert isinstance(node, MappingNode), "a container is one or the other"
        data: dict[str, Any] = {}
        for key, value in node.value:
            name = self._key(key)
            if name is None:
                continue
            if name in data:
                self._twice(key, node, name)
            data[name] = self.build(value, depth + 1)
        return data

    def _key(self, key: Node) -> str | None:
        if not isinstance(key, ScalarNode):
            self._refuse(key, "a key must be a word", "expressions are written `${{ … }}`, text in quotes")
            return None
        if key.tag:
            self._refuse_tag(key)
        name: str = key.value
        if not key.style:
            if name == "<<":
                self._refuse(key, "merge keys are not used in specs", "use `extends:`, or an alias for one value")
                return None
            if not name:
                self._refuse(key, "a key is missing before the colon", "write one, or quote the text")
                return None
        return name

    def _scalar(self, node: ScalarNode) -> Any:
        text: str = node.value
        if node.style:
            if node.style == '"' and not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
                self._refuse(node, "an escape that stands for half a character", "write the character itself")
                return ""
            return text
        try:
            return plain(text)
        except NumberRefused as error:
            self._refuse(node, f"{error} cannot be used", "quote it if it is meant as text")
            return text

    def _twice(self, key: Node, mapping: MappingNode, name: str) -> None:
        first = next(other for other, _ in mapping.value if isinstance(other, ScalarNode) and other.value == name)
        note = Note(self._document.node_span(first), "first written here")
        message = f"the key `{name}` is written twice"
        self._add("AS105", key, message, "this one would win in other tools", (note,))

    def _stop(self, code: str, node: Node, message: str) -> None:
        if not self._stopped:
            self._add(code, node, message, "")
        self._stopped = True

    def _refuse_tag(self, node: Node) -> None:
        tag = "!!" + node.tag.removeprefix(_CORE_TAG) if node.tag.startswith(_CORE_TAG) else node.tag
        self._refuse(node, f"the tag `{tag}` is not used in specs", "remove it; quote text that begins with `!`")

    def _refuse(self, node: Node, message: str, label: str) -> None:
        self._add("AS109", node, message, label)

    def _add(self, code: str, node: Node, message: str, label: str, notes: tuple[Note, ...] = ()) -> None:
        span = self._document.node_span(node)
        self.problems.append(Diagnostic(code, message, self._document.source, span, label, notes))

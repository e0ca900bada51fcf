"""Where the parts of an expression stand in its text; Jinja's tree has one offset per node."""

from __future__ import annotations

import re

from jinja2 import nodes

_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[\w.]+", re.DOTALL)
_WORD = re.compile(r"\s*\.?\s*(\w+)")
_TEST = re.compile(r"\s*(?:is\s+(?:not\s+)?)?(\w+)")
_CLOSING = {"(": ")", "[": "]", "{": "}"}

Place = tuple[int, int]


class Places:
    """Finds the first and last character of nodes in one text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def of(self, node: nodes.Node) -> Place:
        """The whole of a node, without brackets around it."""
        return self.start(node), self.end(node)

    def shown(self, node: nodes.Node) -> str:
        """A node as it is written, for a message."""
        start, end = self.of(node)
        written = " ".join(self.text[start:end].split())
        return written if len(written) <= 40 else written[:39] + "…"

    def start(self, node: nodes.Node) -> int:
        """The offset of a node's first character."""
        match node:
            case nodes.Getattr() | nodes.Getitem() | nodes.Filter() | nodes.Test() if node.node is not None:
                return self.start(node.node)
            case nodes.BinExpr():
                return self.start(node.left)
            case nodes.Compare():
                return self.start(node.expr)
            case nodes.CondExpr():
                return self.start(node.expr1)
            case nodes.Concat():
                return self.start(node.nodes[0])
            case nodes.Not(node=nodes.Test() as test):
                return self.start(test)
            case _:
                return node.lineno

    def end(self, node: nodes.Node) -> int:
        """The offset behind a node's last character."""
        match node:
            case nodes.Name(name=name):
                return node.lineno + len(name)
            case nodes.Getattr():
                return self.field(node)[1]
            case nodes.Getitem() | nodes.List() | nodes.Dict() | nodes.Tuple():
                return self._behind(node.lineno)
            case nodes.Filter() | nodes.Test():
                behind = self.word(node)[1]
                opening = re.compile(r"\s*\(").match(self.text, behind)
                return self._behind(opening.end() - 1) if opening else behind
            case nodes.BinExpr():
                return self.end(node.right)
            case nodes.Compare():
                return self.end(node.ops[-1].expr)
            case nodes.CondExpr():
                return self.end(node.expr2 or node.test)
            case nodes.Concat():
                return self.end(node.nodes[-1])
            case nodes.UnaryExpr():
                return self.end(node.node)
            case _:
                found = _LITERAL.match(self.text, node.lineno)
                return found.end() if found else node.lineno + 1

    def field(self, node: nodes.Getattr) -> Place:
        """The name behind the dot."""
        found = _WORD.match(self.text, node.lineno)
        return found.span(1) if found else (node.lineno, node.lineno + 1)

    def word(self, node: nodes.Filter | nodes.Test) -> Place:
        """The name of a filter or test."""
        found = _TEST.match(self.text, node.lineno)
        return found.span(1) if found else (node.lineno, node.lineno + 1)

    def inside(self, node: nodes.Node, word: str, skip: int = 0) -> Place | None:
        """A word in a text in quotes, `skip` characters from its start; None when it is written otherwise."""
        start = node.lineno + 1 + skip
        quoted = self.text[node.lineno : node.lineno + 1] in ("'", '"')
        return (start, start + len(word)) if word and quoted and self.text.startswith(word, start) else None

    def step(self, node: nodes.Getattr | nodes.Getitem) -> tuple[int, int, bool]:
        """The field or index of an access, and whether the place holds its bare name."""
        if isinstance(node, nodes.Getattr):
            return (*self.field(node), True)
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            found = self.inside(node.arg, node.arg.value)
            if found:
                return (*found, True)
        return node.lineno, self._behind(node.lineno), False

    def _behind(self, opening: int) -> int:
        """The offset behind the bracket that closes the one at `opening`."""
        waiting: list[str] = []
        position = opening
        while position < len(self.text):
            sign = self.text[position]
            if sign in "'\"" and (found := _LITERAL.match(self.text, position)):
                position = found.end()
                continue
            if sign in _CLOSING:
                waiting.append(_CLOSING[sign])
            elif waiting and sign == waiting[-1]:
                waiting.pop()
                if not waiting:
                    return position + 1
            position += 1
        return min(opening + 1, len(self.text))

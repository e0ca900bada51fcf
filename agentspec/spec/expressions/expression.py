"""A checked expression, and the fast way to read the commonest ones without Jinja: dotted names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from agentspec.spec.expressions.references import Path, Reference

if TYPE_CHECKING:
    from jinja2 import nodes

Kind = Literal["literal", "reference", "value", "template"]

_WORDS = "true|false|none|null|True|False|None|not|and|or|if|else|elif|in|is|for|recursive"
_NAME = rf"(?!(?:{_WORDS})\b)[A-Za-z]\w*(?:\.[A-Za-z]\w*|\.(?:0|[1-9]\d{{0,8}})|\[(?:0|[1-9]\d{{0,8}})\])*"
PLAIN = re.compile(rf"\s*({_NAME})\s*", re.ASCII)
"""A bare dotted name."""
PLAIN_PART = re.compile(rf"\$\{{\{{\s*({_NAME})\s*\}}\}}", re.ASCII)
"""A dotted name between delimiters."""
_STEP = re.compile(r"\b(\d+)\b|(\w+)", re.ASCII)


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    Attributes:
        kind: `literal`: no expression in it; `reference`: one dotted path and nothing else; `value`: one lone
            expression, which keeps its type; `template`: a text with expressions or statements in it.
        references: what it uses from outside, in the order of the text.
        tree: see `ast`.
        stretches: of a template, its texts, plain references and trees, each with its offsets.
    """

    text: str
    kind: Kind
    references: tuple[Reference, ...] = ()
    tree: Any = field(default=None, repr=False, compare=False)
    stretches: tuple[tuple[int, int, Any], ...] = field(default=(), repr=False, compare=False)

    @property
    def has_statements(self) -> bool:
        """Whether there are `{% … %}` statements in it."""
        return self.kind == "template" and self.tree is not None

    @cached_property
    def ast(self) -> nodes.Node | None:
        """Jinja's tree; `lineno` of each node is an offset in `text`. None for `literal` and `reference`.

        That of a template is a `jinja2.nodes.Template`, delimiters already removed.
        """
        if self.tree is not None or self.kind != "template":
            tree: nodes.Node | None = self.tree
            return tree
        from agentspec.spec.expressions.grammar import assemble, chain

        return assemble(
            (start, chain(item) if isinstance(item, Reference) else item) for start, _, item in self.stretches
        )

    @cached_property
    def parts(self) -> tuple[tuple[int, int, nodes.Expr], ...]:
        """Each `${{ … }}` of a template: its offsets, delimiters included, and its tree.

        Those between statements are among them, with the local names of loops as plain names.
        """
        from agentspec.spec.expressions.grammar import chain

        return tuple(
            (start, end, chain(item) if isinstance(item, Reference) else item)
            for start, end, item in self.stretches
            if not isinstance(item, str)
        )


def read_plain(text: str, match: re.Match[str]) -> Expression:
    """Make the expression of a text that `PLAIN` or `PLAIN_PART` matches."""
    return Expression(text, "reference", (Reference(_path(match[1]), match.start(1), match.end(1)),))


def _path(dotted: str) -> Path:
    if "[" not in dotted and "." not in dotted:
        return (dotted,)
    return tuple(int(digits) if digits else word for digits, word in _STEP.findall(dotted))


def plain_references(text: str) -> tuple[Reference, ...]:
    """The dotted names that can be told apart in a text, also when other parts of it cannot be read.

    None where statements could have names of their own.
    """
    if "{%" in text:
        return ()
    found = PLAIN_PART.finditer(text)
    return tuple(Reference(_path(match[1]), match.start(1), match.end(1)) for match in found)


def read_plain_template(text: str) -> Expression | None:
    """Read a text whose every part is a dotted name; None for any other text."""
    references: list[Reference] = []
    parts: list[tuple[int, int, str | Reference]] = []
    position = 0
    for match in PLAIN_PART.finditer(text):
        if "${{" in (data := text[position : match.start()]):
            return None
        if data:
            parts.append((position, match.start(), data))
        references.append(Reference(_path(match[1]), match.start(1), match.end(1)))
        parts.append((match.start(), match.end(), references[-1]))
        position = match.end()
    if not references or "${{" in text[position:] or "{%" in text:
        return None
    if position < len(text):
        parts.append((position, len(text), text[position:]))
    return Expression(text, "template", tuple(references), None, tuple(parts))

"""Jinja's parser, fed with our tokens. Imported only when an expression is more than a dotted name.

`node.lineno` of every node is the offset of its first own token in the text: of the name for `Name`, of the
dot or bracket for `Getattr` and `Getitem`, of the filter's or test's name for `Filter` and `Test`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from agentspec.spec.expressions.references import Reference
from agentspec.spec.expressions.tokens import ExpressionProblem, Piece, Token


class _Prepared(Environment):
    """An environment whose "source" is a list of tokens."""

    def _tokenize(self, source: Any, name: Any, filename: Any = None, state: Any = None) -> TokenStream:
        return TokenStream(self.lexer.wrap(source), None, None)


_environment = _Prepared()
_IN_WORDS = {
    "end of template": "the end",
    "end of print statement": "`}}`",
    "end of statement block": "`%}`",
    "begin of print statement": "`${{`",
}


def parse_part(piece: Piece) -> nodes.Expr:
    """Parse one expression. Raises `ExpressionProblem`."""
    tokens = piece.tokens
    if not tokens:
        raise ExpressionProblem("AS300", "an expression is missing", piece.start, piece.end)
    try:
        parser = Parser(_environment, tokens)  # type: ignore[arg-type]
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise _unexpected(tokens, parser.stream.current.lineno)
    except TemplateSyntaxError as error:
        raise _problem(tokens, error) from error
    except RecursionError as error:
        raise _too_deep(tokens) from error
    return tree


def chain(reference: Reference) -> nodes.Expr:
    """Return the tree of a plain reference, without parsing."""
    name, *steps = reference.path
    node: nodes.Expr = nodes.Name(name, "load", lineno=reference.start)
    for step in steps:
        if isinstance(step, int):
            node = nodes.Getitem(node, nodes.Const(step, lineno=reference.start), "load", lineno=reference.start)
        else:
            node = nodes.Getattr(node, step, "load", lineno=reference.start)
    return node


def assemble(parts: Iterable[tuple[int, str | nodes.Expr]]) -> nodes.Template:
    """Return the tree of a text without statements from its stretches and expressions, with their offsets."""
    found = [nodes.TemplateData(item, lineno=start) if isinstance(item, str) else item for start, item in parts]
    return nodes.Template([nodes.Output(found, lineno=0)], lineno=0)


def parse_template(pieces: Iterable[Piece]) -> nodes.Template:
    """Parse a text with statements. Raises `ExpressionProblem`."""
    stream: list[Token] = []
    for piece in pieces:
        if piece.kind == "data":
            stream.append((piece.start, "data", piece.text))
            continue
        stream.append((piece.start, f"{piece.kind}_begin", "${{" if piece.kind == "variable" else "{%"))
        stream += piece.tokens
        stream.append((piece.end - 2, f"{piece.kind}_end", "}}" if piece.kind == "variable" else "%}"))
    try:
        return Parser(_environment, stream).parse()  # type: ignore[arg-type]
    except TemplateSyntaxError as error:
        raise _problem(stream, error) from error
    except RecursionError as error:
        raise _too_deep(stream) from error


def _place(tokens: Sequence[Token], offset: int) -> tuple[int, int]:
    for start, _, word in tokens:
        if start >= offset:
            return start, start + max(1, len(word))
    start, _, word = tokens[-1]
    return start, start + max(1, len(word))


def _word(tokens: Sequence[Token], offset: int) -> str:
    return next((word for start, _, word in tokens if start == offset), "this")[:40]


def _unexpected(tokens: Sequence[Token], offset: int) -> ExpressionProblem:
    start, end = _place(tokens, offset)
    word = _word(tokens, start)
    if word == "=":
        return ExpressionProblem("AS300", "`=` does not compare", start, end, "==")
    return ExpressionProblem("AS300", f"`{word}` is unexpected here", start, end)


def _problem(tokens: Sequence[Token], error: TemplateSyntaxError) -> ExpressionProblem:
    message = str(error.message or "")
    start, end = _place(tokens, error.lineno)
    word = _word(tokens, start)
    if "end of template" in message or "Unexpected end" in message:
        start, end = _place(tokens, tokens[-1][0])
        what = "the expression ends too early" if "tag" not in message else "a statement is never closed"
        return ExpressionProblem("AS300", what, start, end)
    if word == "|" or (message.endswith("got '|'")):
        return ExpressionProblem("AS300", "`|` needs the name of a filter behind it", start, end)
    expected = re.fullmatch(r"expected token '(.+?)', got '(.+?)'", message, re.DOTALL)
    if expected and word != "=":
        wanted = _IN_WORDS.get(expected[1], f"`{expected[1]}`" if not expected[1].isalpha() else f"a {expected[1]}")
        return ExpressionProblem("AS300", f"`{word}` stands where {wanted} is expected", start, end)
    return _unexpected(tokens, start)


def _too_deep(tokens: Sequence[Token]) -> ExpressionProblem:
    return ExpressionProblem("AS306", "an expression that is nested too deeply", tokens[0][0], tokens[-1][0] + 1)

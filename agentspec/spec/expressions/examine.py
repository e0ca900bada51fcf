"""From a text to a checked expression, or to all that is wrong with it.

Most expressions are a dotted name: a regular expression reads these, without importing Jinja.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from agentspec.spec.expressions.expression import PLAIN, PLAIN_PART, Expression, read_plain, read_plain_template
from agentspec.spec.expressions.references import Reference
from agentspec.spec.expressions.tokens import ExpressionProblem, Piece, cut, tokenize

_MOST_PROBLEMS = 50
_CACHED_LENGTH = 2_000

_STATEMENT = re.compile(r"\{%[-+]?\s*(?:if|for|set|elif|else|endif|endfor|raw|include|import|macro|block|extends)\b")


def parse(text: str, *, bare: bool = False, statements: bool = False) -> Expression:
    """Like `check`, but raise the first `ExpressionProblem`."""
    expression, problems = check(text, bare=bare, statements=statements)
    if problems or expression is None:
        raise problems[0]
    return expression


def check(
    text: str, *, bare: bool = False, statements: bool = False
) -> tuple[Expression | None, list[ExpressionProblem]]:
    """Parse a text and report everything that is wrong with it.

    With `bare` the whole text is an expression, which may stand in `${{ … }}` all the same; `statements`
    allows `{% … %}`. Returns the expression, None when there are problems, and the problems in the order of
    the text.
    """
    examine = _cached if len(text) <= _CACHED_LENGTH else _examine
    expression, found = examine(text, bare, statements)
    return expression, [ExpressionProblem(*problem) for problem in found]


Found = tuple[str, str, int, int, str | None]


def _examine(text: str, bare: bool, statements: bool) -> tuple[Expression | None, tuple[Found, ...]]:
    problems: list[ExpressionProblem] = []
    expression = _bare(text, problems) if bare else _value(text, statements, problems)
    problems.sort(key=lambda problem: (problem.start, problem.end))
    found = tuple(
        (problem.code, problem.message, problem.start, problem.end, problem.suggestion)
        for problem in problems[:_MOST_PROBLEMS]
    )
    return None if found else expression, found


_cached = lru_cache(maxsize=8_192)(_examine)


def _bare(text: str, problems: list[ExpressionProblem]) -> Expression | None:
    if match := PLAIN.fullmatch(text):
        return read_plain(text, match)
    lead = len(text) - len(text.lstrip())
    if text.startswith("${{", lead):
        match = PLAIN_PART.match(text, lead)
        if match and not text[match.end() :].strip():
            return read_plain(text, match)
        expression = _value(text, False, problems, blank_around=True)
        if expression is not None and expression.kind in ("literal", "template"):
            message = "one expression is needed here, not a text with expressions in it"
            problems.append(ExpressionProblem("AS300", message, 0, len(text)))
        return expression
    if text.startswith("{{", lead):
        message = "expressions are written `${{ … }}`, or bare in this field"
        problems.append(ExpressionProblem("AS300", message, lead, lead + 2, "${{"))
        return None
    piece = Piece("variable", 0, len(text))
    try:
        tokenize(text, 0, piece, bare=True)
    except ExpressionProblem as problem:
        problems.append(problem)
        return None
    return _lone(text, piece, problems)


def _value(
    text: str, statements: bool, problems: list[ExpressionProblem], blank_around: bool = False
) -> Expression | None:
    has_statements = "{%" in text and statements
    if "${{" not in text and not has_statements:
        if found := _STATEMENT.search(text):
            message = "statements are allowed in prompts and templates only"
            problems.append(ExpressionProblem("AS306", message, found.start(), found.end()))
        return Expression(text, "literal")
    if match := PLAIN_PART.fullmatch(text):
        return read_plain(text, match)
    if not has_statements and not blank_around and (expression := read_plain_template(text)):
        return expression
    pieces = cut(text, statements, problems)
    if blank_around:
        pieces = [piece for piece in pieces if piece.kind != "data" or piece.text.strip()]
    if len(pieces) == 1 and pieces[0].kind == "variable" and not problems:
        return _lone(text, pieces[0], problems)
    if not statements and (found := _STATEMENT.search(text)) and _outside(found.start(), pieces):
        message = "statements are allowed in prompts and templates only"
        problems.append(ExpressionProblem("AS306", message, found.start(), found.end()))
    return _template(text, pieces, problems)


def _outside(offset: int, pieces: list[Piece]) -> bool:
    return not any(piece.kind == "variable" and piece.start <= offset < piece.end for piece in pieces)


def _lone(text: str, piece: Piece, problems: list[ExpressionProblem]) -> Expression | None:
    from agentspec.spec.expressions.grammar import parse_part
    from agentspec.spec.expressions.guards import constant_path
    from agentspec.spec.expressions.whitelist import inspect

    try:
        tree = parse_part(piece)
    except ExpressionProblem as problem:
        problems.append(problem)
        return None
    references, found = inspect(tree, text, piece.pairs)
    problems += found
    if constant_path(tree) is not None:
        return Expression(text, "reference", references)
    return Expression(text, "value", references, tree)


def _template(text: str, pieces: list[Piece], problems: list[ExpressionProblem]) -> Expression | None:
    from agentspec.spec.expressions.grammar import parse_part, parse_template
    from agentspec.spec.expressions.whitelist import inspect

    parts: list[tuple[int, int, Any]] = []
    pairs: dict[int, int] = {}
    for piece in pieces:
        pairs |= piece.pairs
        if piece.kind == "block":
            continue
        try:
            parts.append((piece.start, piece.end, piece.text if piece.kind == "data" else parse_part(piece)))
        except ExpressionProblem as problem:
            problems.append(problem)
    if any(piece.kind == "block" for piece in pieces):
        if problems:
            return None
        try:
            tree = parse_template(pieces)
        except ExpressionProblem as problem:
            problems.append(problem)
            return None
        everything, found = inspect(tree, text, pairs)
        problems += found
        return Expression(text, "template", everything, tree, tuple(parts))
    references: tuple[Reference, ...] = ()
    for _, _, item in parts:
        if not isinstance(item, str):
            more, found = inspect(item, text, pairs)
            references += more
            problems += found
    return Expression(text, "template", references, None, tuple(parts))

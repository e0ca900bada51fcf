"""Cuts a text into literal stretches, `${{ … }}` parts and `{% … %}` statements, with exact offsets.

Jinja's parser gets its tokens from here instead of from Jinja's lexer, which knows lines only: each token's
line number is its offset in the text, and so is that of every node of the tree that the parser makes.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Literal

Token = tuple[int, str, str]
"""Offset, kind and text, as `jinja2.lexer.Lexer.wrap` takes them."""

_MOST_TOKENS = 1_000
_MOST_NESTING = 24
_MOST_DIGITS = 18

_TOKEN = re.compile(
    r"""(?P<whitespace>\s+)
    |(?P<float>(?<!\.)[0-9]+(?:_[0-9]+)*(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))
    |(?P<integer>[0-9]+(?:_[0-9]+)*)
    |(?P<name>[^\W\d]\w*)
    |(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<operator>//|\*\*|==|!=|>=|<=|[-+*/%~\[\](){}<>=.:|,])""",
    re.VERBOSE | re.DOTALL,
)
_OPEN = re.compile(r"\$\{\{[-+]?|\{%[-+]?")
_CLOSE = {"variable": re.compile(r"[-+]?\}\}"), "block": re.compile(r"[-+]?%\}")}
_RAW_END = re.compile(r"(\{%[-+]?)\s*endraw\s*[-+]?%\}")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_MEANT = {"&": "and", "|": "or", "!": "not", "?": "a if test else b", ";": ","}
_STATEMENTS = frozenset({"if", "elif", "else", "endif", "for", "endfor", "set", "raw"})


class ExpressionProblem(Exception):
    """Something wrong in an expression.

    Attributes:
        code: AS300 (cannot be parsed), AS306 (not allowed) or AS307 (unknown filter or test).
        start, end: offsets in the text that was given.
        suggestion: what was probably meant, or None.
    """

    def __init__(self, code: str, message: str, start: int, end: int, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.start = start
        self.end = end
        self.suggestion = suggestion


@dataclass(slots=True)
class Piece:
    """A stretch of the text: `data`, a `variable` part or a `block` statement.

    Attributes:
        text: of data, what is to be output (whitespace control applied).
        tokens: of a part or statement, what stands between its delimiters.
        pairs: offsets of opening brackets to those behind their closing ones.
    """

    kind: Literal["data", "variable", "block"]
    start: int
    end: int
    text: str = ""
    tokens: list[Token] = field(default_factory=list)
    pairs: dict[int, int] = field(default_factory=dict)


def cut(text: str, statements: bool, problems: list[ExpressionProblem]) -> list[Piece]:
    """Cut a whole text; what cannot be read is reported in `problems` and left out."""
    pieces: list[Piece] = []
    position = 0
    strip_next = ""
    while True:
        match = _next_open(text, position, statements)
        if strip_next == "\n" and text.startswith("\n", position):
            position += 1
        data = text[position : match.start() if match else len(text)]
        if strip_next == "-":
            data = data.lstrip()
        if match is not None:
            data = _stripped_before(data, match.group(), text, position)
        if data:
            pieces.append(Piece("data", position, position + len(data), data))
        if match is None:
            return pieces
        kind: Literal["variable", "block"] = "block" if match.group().startswith("{%") else "variable"
        piece = Piece(kind, match.start(), len(text))
        try:
            position = piece.end = tokenize(text, match.end(), piece)
        except ExpressionProblem as problem:
            problems.append(problem)
            close = _CLOSE[kind].search(text, max(problem.end, match.end()))
            if close is None:
                return pieces
            position, strip_next = close.end(), ""
            continue
        strip_next = _strip_behind(text, piece.end, kind)
        word = piece.tokens[0][2] if piece.tokens else ""
        if kind == "block" and word == "raw":
            position = _raw(text, piece, pieces, strip_next, problems)
            strip_next = _strip_behind(text, position, kind)
        elif kind == "block" and word not in _STATEMENTS:
            what = f"the statement `{word}` is not allowed" if word else "an empty statement"
            problems.append(ExpressionProblem("AS306", what, piece.start, piece.end))
        else:
            pieces.append(piece)


def _next_open(text: str, position: int, statements: bool) -> re.Match[str] | None:
    while match := _OPEN.search(text, position):
        if statements or match.group().startswith("$"):
            return match
        position = match.end()
    return None


def _strip_behind(text: str, end: int, kind: str) -> str:
    """Tell what to drop behind a delimiter that ends at `end`: all blanks, one line break, or nothing."""
    sign = text[end - 3 : end - 2]
    return "-" if sign == "-" else "\n" if kind == "block" and sign != "+" else ""


def _stripped_before(data: str, opening: str, text: str, position: int) -> str:
    """Apply `{%-`, and drop the indentation of a statement that begins its line."""
    if opening.endswith("-"):
        return data.rstrip()
    if opening == "{%":
        line = data.rfind("\n") + 1
        if not data[line:].strip(" \t") and (line or position == 0 or text[position - 1] == "\n"):
            return data[:line]
    return data


def _raw(text: str, piece: Piece, pieces: list[Piece], strip: str, problems: list[ExpressionProblem]) -> int:
    end = _RAW_END.search(text, piece.end)
    if end is None:
        problems.append(ExpressionProblem("AS300", "`{% raw %}` is never closed", piece.start, piece.end))
        return len(text)
    data = text[piece.end : end.start()]
    data = _stripped_before(data.lstrip() if strip == "-" else data, end.group(1), text, piece.end)
    pieces.append(Piece("data", piece.end, end.start(), data))
    return end.end()


def tokenize(text: str, position: int, piece: Piece, bare: bool = False) -> int:
    """Fill a piece with the tokens from `position` to its closing delimiter; return the offset behind it.

    With `bare` the tokens reach to the end of the text. Raises `ExpressionProblem`.
    """
    close = _CLOSE[piece.kind]
    tokens = piece.tokens
    brackets: list[tuple[str, int]] = []
    end = len(text)
    while position < end:
        if not bare and (not brackets or brackets[-1][0] != "{") and (done := close.match(text, position)):
            if brackets:
                sign, at = brackets[-1]
                raise ExpressionProblem("AS300", f"`{sign}` is never closed", at, at + 1)
            return done.end()
        match = _TOKEN.match(text, position)
        if match is None or text.startswith("||", position):
            raise _unreadable(text, position)
        kind, word = match.lastgroup or "", match.group()
        if kind != "whitespace":
            if kind == "operator":
                _bracket(word, position, brackets, piece.pairs)
            elif kind in ("integer", "float"):
                _number(kind, word, position)
            elif word == "null" and (not tokens or tokens[-1][2] != "."):
                word = "none"
            tokens.append((position, kind, word))
            if len(tokens) > _MOST_TOKENS:
                raise ExpressionProblem("AS306", "an expression that is too long", piece.start, match.end())
        position = match.end()
    if brackets:
        sign, at = brackets[-1]
        raise ExpressionProblem("AS300", f"`{sign}` is never closed", at, at + 1)
    if not bare:
        opening = "${{" if piece.kind == "variable" else "{%"
        raise ExpressionProblem("AS300", f"`{opening}` is never closed", piece.start, piece.start + len(opening))
    return end


def _number(kind: str, word: str, position: int) -> None:
    end = position + len(word)
    if len(word) > _MOST_DIGITS or math.isinf(float(word)):
        raise ExpressionProblem("AS306", "a number that is too large", position, end)
    if kind == "integer" and word.startswith("0") and word.strip("0_"):
        raise ExpressionProblem("AS300", "a number that begins with 0", position, end)


def _bracket(sign: str, position: int, brackets: list[tuple[str, int]], pairs: dict[int, int]) -> None:
    if sign in _PAIRS:
        brackets.append((sign, position))
        if len(brackets) > _MOST_NESTING:
            raise ExpressionProblem("AS306", "an expression that is nested too deeply", position, position + 1)
    elif sign in ")]}":
        if not brackets or _PAIRS[brackets[-1][0]] != sign:
            raise ExpressionProblem("AS300", f"`{sign}` closes nothing", position, position + 1)
        pairs[brackets.pop()[1]] = position + 1


def _unreadable(text: str, position: int) -> ExpressionProblem:
    sign = text[position]
    if sign in "'\"":
        return ExpressionProblem("AS300", "a quote is never closed", position, position + 1)
    end = position + (2 if text[position : position + 2] in ("&&", "||") else 1)
    return ExpressionProblem(
        "AS300", f"`{text[position:end]}` has no meaning in an expression", position, end, _MEANT.get(sign)
    )

"""The YAML scanner's complaints in plain words: what is wrong, where, and what to do."""

from __future__ import annotations

import re

import yaml

from agentspec.spec.diagnostics import Diagnostic
from agentspec.spec.source import Source, Span

_TAB_INDENT = re.compile(r" *\t")
_EXPRESSION = re.compile(r"\$?\{\{")

_AT_THE_OPENING = ("this", "a line that begins", "a lone", "a YAML tag that cannot")
"""How messages begin that are about where something starts, not about where it could not go on."""

_NO_COLON = "a colon followed by a space is missing, or the indentation is wrong"

_HINTS = (
    (
        "mapping values are not allowed",
        "a second `: ` on one line",
        "quote the value, or check the indentation",
    ),
    ("could not find expected ':'", "a line that is no `key: value`", _NO_COLON),
    ("found unknown escape character", "an unknown escape in double quotes", "use single quotes"),
    ("found undefined tag handle", "a YAML tag", "specs do not use tags; quote text that begins with `!`"),
    ("found undefined alias", "an alias without its anchor", "quote text that begins with `*`"),
    ("found duplicate anchor", "an anchor that is used twice", "give the second one another name"),
    (
        "expected ',' or '}'",
        "this `{` is never closed properly",
        "close it with `}`; quote values with braces",
    ),
    (
        "expected ',' or ']'",
        "this `[` is never closed properly",
        "close it with `]`; quote values with brackets",
    ),
    ("expected '-' indicator", "a line that does not belong to the list", "check its indentation"),
    ("expected <block end>", "a line that does not fit the lines above", "check its indentation and quotes"),
    ("expected key", "a line that does not fit the lines above", "check its indentation and quotes"),
    ("while scanning a directive", "a line that begins with `%`", "quote the text"),
    ("did not find URI escaped", "a YAML tag that cannot be read", "quote text that begins with `!`"),
    ("expected alphabetic or numeric", "a lone `&` or `*`", "quote text that begins with `&` or `*`"),
    ("block scalar", "something after `|` or `>`", "begin the text on the next line"),
)


def text_problem(source: Source, error: yaml.YAMLError) -> Diagnostic:
    """Translate an error of the YAML library into a diagnostic with AS103, AS104 or AS108."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return Diagnostic("AS103", "the text cannot be read as YAML", source, None)
    problem, context = str(error.problem or ""), str(error.context or "")
    place = error.problem_mark.index if error.problem_mark else 0
    if "expected a single document" in context:
        return Diagnostic(
            "AS108",
            "the file holds several documents",
            source,
            _at(source, place),
            "only one `---` is allowed",
        )
    line = source.span(place, place).line
    if match := _TAB_INDENT.match(source.lines[line - 1]):
        start = source.starts[line - 1]
        span = source.span(start + match.end() - 1, start + match.end())
        return Diagnostic("AS104", "a tab is used for indentation", source, span, "indent with spaces")
    opening = error.context_mark.index if error.context_mark else place
    if "quoted scalar" in context and ("end of stream" in problem or "document indicator" in problem):
        span = source.span(opening, opening + 1)
        return Diagnostic("AS103", "a quote is never closed", source, span, "it opens here")
    if "cannot start any token" in problem:
        sign = source.text[place : place + 1]
        message = f"an unquoted value cannot begin with `{sign}`"
        return Diagnostic("AS103", message, source, _at(source, place), "quote the value")
    if "flow" in context and _EXPRESSION.search(source.lines[line - 1]):
        message = "an expression between `{ }` or `[ ]` needs quotes"
        found = _EXPRESSION.search(source.lines[line - 1])
        start = source.starts[line - 1] + (found.start() if found else 0)
        return Diagnostic("AS103", message, source, source.span(start, start + 3), 'write "${{ … }}"')
    whole = f"{context} {problem}"
    if "could not find expected ':'" in problem:
        place = opening
    elif "mapping values are not allowed" in problem and (above := _line_above(source, place)):
        return Diagnostic("AS103", "a line that is no `key: value`", source, above, _NO_COLON)
    for words, message, label in _HINTS:
        if words in whole:
            at = opening if message.startswith(_AT_THE_OPENING) else place
            return Diagnostic("AS103", message, source, _at(source, at), label)
    message = f"the text is not valid YAML: {problem}" if problem else "the text is not valid YAML"
    return Diagnostic("AS103", message, source, _at(source, place))


def _line_above(source: Source, offset: int) -> Span | None:
    """Return the line before that of `offset`, if it is that one which is no `key: value`."""
    line, column = source.place(offset)
    if re.search(r":\s", source.lines[line - 1][: column - 1]):
        return None
    for number in range(line - 1, 0, -1):
        text = source.lines[number - 1]
        if text.strip() and not text.lstrip().startswith("#"):
            return Span(number, len(text) - len(text.lstrip()) + 1, number, len(text.rstrip()) + 1)
    return None


def _at(source: Source, offset: int) -> Span:
    return source.span(offset, offset + 1)
